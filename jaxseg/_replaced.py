"""A folder that we wrote is written anew; what others put there stays.

What we wrote in it is listed, with digests, in a sealed file: its mark.
"""

from collections.abc import Iterator
import contextlib
import os
import pathlib

from jaxseg import _digests
from jaxseg import _files
from jaxseg import _sealed
from jaxseg import errors


def check(path: pathlib.Path, *, mark: str, what: str) -> None:
  """Refuses a folder that holds what we did not write, if it is there.

  Args:
    path: The folder.
    mark: Name of the file in it that lists what was written, as "files".
    what: What it is to be, for the message, such as "a result of predict".

  Raises:
    ExistingOutputError: It is something else, or a file was put there.
  """
  if not _files.is_there(path):
    return
  if not (path / mark).is_file():
    raise errors.ExistingOutputError(
      f"{path}: exists and is not {what}; name another --output"
    )
  try:
    listed = _sealed.read(path / mark, again="").get("files")
  except errors.DataError:
    return  # It was ours, and is to be replaced for being damaged.
  if not isinstance(listed, dict):
    return  # An earlier version wrote no list.
  foreign = _digests.foreign(path, {mark, *listed})
  if foreign is not None:
    raise errors.ExistingOutputError(
      f"{path}: {foreign} was not written by jaxseg and would be deleted; move"
      " it elsewhere, or name another --output"
    )


@contextlib.contextmanager
def folder(
  path: pathlib.Path, *, mark: str, what: str
) -> Iterator[pathlib.Path]:
  """Yields a temporary folder that becomes `path` if the block succeeds.

  What was there, and passes `check`, goes when the new one is whole.

  Args:
    path: The folder; it need not be there.
    mark: As of `check`.
    what: As of `check`.

  Raises:
    ExistingOutputError: As of `check`.
  """
  check(path, mark=mark, what=what)
  with _files.new_folder(path) as new:
    yield new
    if path.exists():
      check(path, mark=mark, what=what)
      # Within what is unfinished, so it is deleted with that.
      os.rename(path, new.parent / ".before")
