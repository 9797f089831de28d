"""Where a command writes that has no run folder."""

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
