"""Where a command writes that has no run folder."""

from collections.abc import Iterable
import pathlib

from jaxseg import errors


def output(name: str, **inputs: str) -> pathlib.Path:
  """The folder that --output names; it need not exist yet.

  Args:
    name: The folder.
    inputs: Flag -> folder, file or pattern that is read.

  Raises:
    ConfigError: A file is in its place, or above it; or it lies within a
      folder that is read.
  """
  folder = pathlib.Path(name)
  for one in (folder, *folder.parents):
    if one.exists() and not one.is_dir():
      raise errors.ConfigError(f"--output: {one} is a file; name a folder")
  for flag, given in inputs.items():
    if pathlib.Path(given).is_dir() and folder.resolve().is_relative_to(
      pathlib.Path(given).resolve()
    ):
      raise errors.ConfigError(
        f"--output: {folder} lies within --{flag}, where it would be read next"
        " time; name a folder elsewhere"
      )
  return folder


def check_unread(
  folder: pathlib.Path, given: str, files: Iterable[pathlib.Path], flag: str
) -> None:
  """Refuses to write where the next such command would read it.

  Args:
    folder: What --output names.
    given: What the flag gives: a file, folder or pattern.
    files: What was found there.
    flag: Its name.

  Raises:
    ConfigError: Files lie in the folder itself; or it lies within one that is
      searched to its last folder, as no file lies in it.
  """
  own, above = folder.resolve(), pathlib.Path(given).resolve()
  holds = {path.parent.resolve() for path in files}
  if own in holds:
    raise errors.ConfigError(
      f"--output: {folder} is the folder of --{flag}; name another folder"
    )
  if above.is_dir() and above not in holds and own.is_relative_to(above):
    raise errors.ConfigError(
      f"--output: {folder} lies within --{flag}, where it would be read next"
      " time; name a folder elsewhere"
    )


def check_apart(
  folder: pathlib.Path,
  targets: Iterable[pathlib.Path],
  inputs: Iterable[pathlib.Path],
  what: str,
) -> None:
  """Refuses to write over what is read, which --overwrite is not meant for.

  Args:
    folder: What --output names.
    targets: Files and folders that are written there, or replaced.
    inputs: Files that are read; only listed if a target is there already.
    what: What they are, for the message, such as "the maps".

  Raises:
    ConfigError: A target is a file that is read, or holds one.
  """
  there = [one for one in targets if one.exists()]
  if not there:
    return
  read = {path.resolve() for path in inputs}
  read |= {above for path in read for above in path.parents}
  for one in there:
    if one.resolve() in read:
      raise errors.ConfigError(
        f"--output: {folder} holds {what} themselves ({one.name}); name another"
        " folder"
      )
