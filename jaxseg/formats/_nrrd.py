"""NRRD headers: which file holds the values."""

import pathlib
import re

from jaxseg import errors
from jaxseg.formats import _detached
from jaxseg.formats import _suffix

_MAX_HEADER = 1 << 20
_DATA_FILE = re.compile(rb"(?im)^data ?file: *([^\r\n]*)")


def check(path: pathlib.Path) -> None:
  """Refuses what is no NRRD, or names no plain file of values beside it.

  Raises:
    DataError: See above.
  """
  detached(path)


def detached(path: pathlib.Path) -> tuple[pathlib.Path, ...]:
  """The files of values that a header names; none where it holds them itself.

  Raises:
    DataError: It is no NRRD, or names no plain file beside it.
  """
  try:
    with open(path, "rb") as file:
      start = file.read(_MAX_HEADER)
  except OSError as e:
    raise _suffix.unreadable(path, e) from e
  if not start.startswith(b"NRRD000"):
    raise errors.DataError(
      f"{path}: does not begin as NRRD does; copy or write the file again"
    )
  # The header ends at the first empty line, or with the file.
  header = re.split(rb"\r?\n\r?\n", start, maxsplit=1)[0]
  return tuple(
    _detached.find(path, named.decode("utf-8", "replace").strip())
    for named in _DATA_FILE.findall(header)
  )
