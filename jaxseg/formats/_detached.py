"""The file of values that a header of its own names."""

import pathlib

from jaxseg import _text
from jaxseg import errors


def find(header: pathlib.Path, name: str) -> pathlib.Path:
  """The file of values beside its header.

  A header may name any file of the machine, a device, or a pattern that the
  library behind takes for a format string; only a plain name is followed.

  Raises:
    DataError: It is no plain name, or there is no such file.
  """
  plain = name and name == pathlib.PurePath(name).name and "\\" not in name
  if not plain or "%" in name or not name.isprintable() or len(name) > 255:
    raise errors.DataError(
      f"{header}: names {_text.shown(name)} as its file of values; put one"
      " file of values beside it, and name that"
    )
  path = header.parent / name
  if not path.is_file():
    raise errors.DataError(
      f"{header}: its file of values {_text.shown(name)} is missing; put it"
      " beside the header"
    )
  return path
