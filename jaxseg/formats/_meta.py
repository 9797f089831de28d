"""MetaImage headers, checked before the library sees them.

It ends the whole program on some broken headers, and prints on others.
"""

import math
import pathlib

from jaxseg import _text
from jaxseg import errors
from jaxseg.formats import _detached
from jaxseg.formats import _suffix

_MAX_HEADER = 1 << 16
_BYTES = {
  "MET_CHAR": 1, "MET_UCHAR": 1, "MET_SHORT": 2, "MET_USHORT": 2,
  "MET_INT": 4, "MET_UINT": 4, "MET_LONG": 4, "MET_ULONG": 4,
  "MET_LONG_LONG": 8, "MET_ULONG_LONG": 8, "MET_FLOAT": 4, "MET_DOUBLE": 8,
}  # fmt: skip
_MATRICES = ("TransformMatrix", "Rotation", "Orientation")
_VECTORS = ("Offset", "Position", "Origin", "CenterOfRotation",
            "ElementSpacing", "ElementSize")  # fmt: skip


def check(path: pathlib.Path) -> None:
  """Refuses a header or file of values that is not as the format has it.

  Raises:
    DataError: It is no MetaImage, or shorter than its header says.
    GeometryError: A number of its geometry is missing or not finite.
  """
  try:
    with open(path, "rb") as file:
      start = file.read(_MAX_HEADER)
    fields, end = _fields(path, start)
    lengths = _lengths(path, fields)
    _check_geometry(path, fields, len(lengths))
    values, skipped = path, end
    if fields["ElementDataFile"] != "LOCAL":
      values = _detached.find(path, fields["ElementDataFile"])
      skipped = max(0, _whole(path, fields, "HeaderSize", 0))
    if fields.get("CompressedData", "False").lower() not in ("true", "1"):
      held = values.stat().st_size - skipped
      _check_length(path, fields, lengths, held)
  except OSError as e:
    raise _suffix.unreadable(path, e) from e


def detached(path: pathlib.Path) -> tuple[pathlib.Path, ...]:
  """The file of values that a header names; none where it holds them itself.

  Raises:
    DataError: It is no MetaImage, or the file is not there.
  """
  try:
    with open(path, "rb") as file:
      fields, _ = _fields(path, file.read(_MAX_HEADER))
  except OSError as e:
    raise _suffix.unreadable(path, e) from e
  name = fields["ElementDataFile"]
  return () if name == "LOCAL" else (_detached.find(path, name),)


def _fields(path: pathlib.Path, start: bytes) -> tuple[dict[str, str], int]:
  """The header's fields, and where it ends."""
  fields: dict[str, str] = {}
  at = 0
  while "ElementDataFile" not in fields:
    stop = start.find(b"\n", at)
    line = start[at : stop if stop >= 0 else len(start)]
    key, equals, said = line.decode("utf-8", "replace").partition("=")
    # The last line of a header of its own may lack its end.
    if not equals or not line.strip().decode("utf-8", "replace").isprintable():
      raise errors.DataError(
        f"{path}: byte {at} is not within a line 'Key = value' of a MetaImage"
        " header; copy or write the file again"
      )
    fields[key.strip()] = said.strip()
    at = stop + 1 if stop >= 0 else len(start)
  return fields, at


def _lengths(path: pathlib.Path, fields: dict[str, str]) -> list[int]:
  lengths = fields.get("DimSize", "").split()
  dimensions = _whole(path, fields, "NDims", 0)
  sound = all(n.isascii() and n.isdigit() and 0 < int(n[:12]) < 2**31
              for n in lengths)  # fmt: skip
  if not sound or len(lengths) != dimensions or not 2 <= dimensions <= 5:
    raise errors.DataError(
      f"{path}: NDims {dimensions} and DimSize"
      f" {_text.shown(fields.get('DimSize', ''))} do not agree; write the file"
      " again"
    )
  return [int(n) for n in lengths]


def _check_geometry(
  path: pathlib.Path, fields: dict[str, str], dimensions: int
) -> None:
  for key, count in (
    *((key, dimensions**2) for key in _MATRICES),
    *((key, dimensions) for key in _VECTORS),
  ):
    if key not in fields:
      continue
    try:
      numbers = [float(number) for number in fields[key].split()]
    except ValueError:
      numbers = []
    if len(numbers) != count or not all(map(math.isfinite, numbers)):
      raise errors.GeometryError(
        f"{path}: {key} is {_text.shown(fields[key])}, not {count} finite"
        " numbers; write the file again with its geometry"
      )


def _check_length(
  path: pathlib.Path, fields: dict[str, str], lengths: list[int], held: int
) -> None:
  size = _BYTES.get(fields.get("ElementType", "").upper())
  channels = _whole(path, fields, "ElementNumberOfChannels", 1)
  if size is None or channels < 1:
    raise errors.DataError(
      f"{path}: ElementType {_text.shown(fields.get('ElementType', ''))} with"
      f" {channels} channels is not known; write the file again"
    )
  needed = math.prod(lengths) * channels * size
  if held < needed:
    raise errors.DataError(
      f"{path}: its values take {max(held, 0)} of the {needed} bytes that the"
      " header promises; copy or write the file again"
    )


def _whole(
  path: pathlib.Path, fields: dict[str, str], key: str, default: int
) -> int:
  said = fields.get(key, str(default))
  try:
    return int(said[:12])
  except ValueError as e:
    raise errors.DataError(
      f"{path}: {key} is {_text.shown(said)}, not a number; write the file"
      " again"
    ) from e
