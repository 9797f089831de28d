"""MetaImage, .mha and .mhd.

SimpleITK 2.5 is not used for them: it takes a damaged zlib stream for values,
an Offset that is no number for 0, and ends the program on NDims = 100.

References:
  MetaIO documentation, itk.org/Wiki/ITK/MetaIO/Documentation.
"""

import math
import os
import pathlib
from typing import IO
import zlib

import numpy as np

from jaxseg import _text
from jaxseg import errors
from jaxseg.formats import _paths

_MAX_HEADER = 1 << 16
_TYPES = {
  "MET_CHAR": "i1",
  "MET_UCHAR": "u1",
  "MET_SHORT": "i2",
  "MET_USHORT": "u2",
  "MET_INT": "i4",
  "MET_UINT": "u4",
  "MET_LONG": "i4",
  "MET_ULONG": "u4",
  "MET_LONG_LONG": "i8",
  "MET_ULONG_LONG": "u8",
  "MET_FLOAT": "f4",
  "MET_DOUBLE": "f8",
}
# Names of one thing; of several, MetaIO takes the last of these.
_DIRECTION = ("Orientation", "Rotation", "TransformMatrix")
_ORIGIN = ("Position", "Offset", "Origin")

# All that decides what is read; others, of which anyone may have own ones, not.
_FIELDS = (
  *("BinaryData", "BinaryDataByteOrderMSB", "CompressedData", "DimSize"),
  *("ElementByteOrderMSB", "ElementNumberOfChannels", "ElementSize"),
  *("ElementSpacing", "ElementType", "HeaderSize", "NDims"),
  *(*_DIRECTION, *_ORIGIN),
)

_Fields = dict[str, str]


def read(path: pathlib.Path) -> tuple[np.ndarray, np.ndarray]:
  """Reads an image.

  Returns:
    Values `[channel, slice, row, column]` as stored, and the affine float64
    `[4, 4]`, LPS, mm.
  """
  try:
    with open(path, "rb") as file:
      fields, end = _fields(path, file.read(_MAX_HEADER))
    lengths = _lengths(path, fields)
    placed = _affine(path, fields, len(lengths))
    data = _data_file(path, fields)
    with open(data or path, "rb") as file:
      file.seek(0 if data else end)
      array = _values(path, fields, lengths, file)
  except OSError as e:
    raise _paths.unreadable(path, e) from e
  return array, placed


def detached(path: pathlib.Path) -> tuple[pathlib.Path, ...]:
  """The data file that a header names; none where it is the file itself."""
  try:
    with open(path, "rb") as file:
      fields, _ = _fields(path, file.read(_MAX_HEADER))
  except OSError as e:
    raise _paths.unreadable(path, e) from e
  data = _data_file(path, fields)
  return (data,) if data else ()


def affine(steps: np.ndarray, origin: np.ndarray) -> np.ndarray:
  """The affine of (slice, row, column); a 2D image is a slice of 1 mm.

  Args:
    steps: `[axis, axis]`, a column of LPS mm for each of x, y, z, ...
    origin: `[axis]`, centre of the first voxel.
  """
  space = min(len(origin), 3)
  axes, corner = np.eye(3), np.zeros(3)
  axes[:space, :space] = steps[:space, :space]
  corner[:space] = origin[:space]
  result = np.eye(4)
  result[:3, :3] = axes[:, ::-1]  # x, y, z run along column, row, slice.
  result[:3, 3] = corner
  return result


def _fields(path: pathlib.Path, start: bytes) -> tuple[_Fields, int]:
  """The header's fields, and where it ends."""
  fields: _Fields = {}
  at = 0
  while "ElementDataFile" not in fields:
    stop = start.find(b"\n", at)
    line = start[at : stop if stop >= 0 else len(start)]
    key, equals, said = line.decode("utf-8", "replace").partition("=")
    # The last line of a detached header may lack its end.
    if not equals or not line.strip().decode("utf-8", "replace").isprintable():
      raise errors.DataError(
        f"{path}: byte {at} is not in a line 'Key = value' of a MetaImage"
        " header; copy or write the file again"
      )
    fields[key.strip()] = said.strip()
    at = stop + 1 if stop >= 0 else len(start)
  wrong, meant = _text.misspelt(fields, _FIELDS)
  if meant:
    raise errors.DataError(
      f"{path}: its header has no {meant}, but {_text.shown(wrong)}; copy or"
      " write the file again"
    )
  return fields, at


def _data_file(path: pathlib.Path, fields: _Fields) -> pathlib.Path | None:
  name = fields["ElementDataFile"]
  return None if name.upper() == "LOCAL" else _paths.detached(path, name)


def _lengths(path: pathlib.Path, fields: _Fields) -> list[int]:
  """Lengths, x first."""
  lengths = fields.get("DimSize", "").split()
  dimensions = _whole(path, fields, "NDims", 0)
  sound = all(
    n.isascii() and n.isdigit() and 0 < int(n[:12]) < 2**31 for n in lengths
  )
  if not sound or len(lengths) != dimensions or not 2 <= dimensions <= 5:
    raise errors.DataError(
      f"{path}: NDims {dimensions} and DimSize"
      f" {_text.shown(fields.get('DimSize', ''))} do not agree; write the file"
      " again"
    )
  return [int(n) for n in lengths]


def _affine(path: pathlib.Path, fields: _Fields, count: int) -> np.ndarray:
  # Row by row the directions of the axes.
  direction = _numbers(path, fields, _DIRECTION, np.eye(count))
  origin = _numbers(path, fields, _ORIGIN, np.zeros(count))
  size = _numbers(path, fields, ("ElementSize",), np.ones(count))
  spacing = _numbers(path, fields, ("ElementSpacing",), size)
  if not spacing.all():
    raise errors.GeometryError(
      f"{path}: ElementSpacing is {spacing.tolist()}; write the file again with"
      " the size of its voxels"
    )
  return affine(direction.T * spacing, origin)


def _numbers(
  path: pathlib.Path,
  fields: _Fields,
  names: tuple[str, ...],
  default: np.ndarray,
) -> np.ndarray:
  found = default
  for key in (key for key in names if key in fields):
    try:
      numbers = [float(number) for number in fields[key].split()]
    except ValueError:
      numbers = []
    if len(numbers) != default.size or not all(map(math.isfinite, numbers)):
      raise errors.GeometryError(
        f"{path}: {key} is {_text.shown(fields[key])}, not {default.size}"
        " finite numbers; write the file again with a valid geometry"
      )
    found = np.reshape(numbers, default.shape)
  return found


def _values(
  path: pathlib.Path, fields: _Fields, lengths: list[int], file: IO[bytes]
) -> np.ndarray:
  kind = _TYPES.get(fields.get("ElementType", "").upper())
  channels = _whole(path, fields, "ElementNumberOfChannels", 1)
  if kind is None or channels < 1 or not _is(fields, "BinaryData", "True"):
    raise errors.DataError(
      f"{path}: ElementType {_text.shown(fields.get('ElementType', ''))} with"
      f" {channels} channels is not supported; write the file again as binary"
      " numbers"
    )
  more = [length for length in (*lengths[3:], channels) if length > 1]
  if len(more) > 1:
    raise errors.DataError(
      f"{path}: has lengths {lengths} and {channels} channels, more than one"
      " axis beyond three; save channels along one axis only"
    )
  order = _is(fields, "ElementByteOrderMSB", "False")
  big = _is(fields, "BinaryDataByteOrderMSB", "True" if order else "False")
  dtype = np.dtype((">" if big else "<") + kind)
  count = math.prod(lengths) * channels
  length = count * dtype.itemsize
  _paths.check_size(path, length)
  skipped = _whole(path, fields, "HeaderSize", 0)
  if skipped > 0:
    file.seek(skipped)
  packed = _is(fields, "CompressedData", "False")
  if packed:
    content = _inflated(path, file, length)
  else:
    if skipped == -1:
      file.seek(max(0, os.fstat(file.fileno()).st_size - length))
    content = _paths.take(file, length)
  if len(content) < length:
    raise errors.DataError(
      f"{path}: its values take {len(content)} of the {length} bytes that the"
      " header promises; copy or write the file again"
    )
  array = np.frombuffer(content, dtype, count)
  array = array.astype(dtype.newbyteorder("="), copy=False)
  space = [*lengths, 1][2::-1]
  if channels > 1:  # The channels of a voxel are neighbours.
    array = np.moveaxis(array.reshape(*space, channels), -1, 0)
  return array.reshape(-1, *space)


def _inflated(path: pathlib.Path, file: IO[bytes], length: int) -> bytearray:
  """At most so many bytes of a zlib or gzip stream, whose checksum is right."""
  unzip = zlib.decompressobj(32 + zlib.MAX_WBITS)
  content = bytearray()
  try:
    while not unzip.eof and len(content) <= length:
      packed = unzip.unconsumed_tail or file.read(_paths.CHUNK)
      # One byte more, lest a stream that is full be left before its end.
      more = unzip.decompress(packed, length + 1 - len(content))
      if not packed and not more:
        break
      content += more
  except zlib.error as e:
    raise errors.DataError(
      f"{path}: its compressed values are damaged; copy or write the file again"
    ) from e
  if not unzip.eof:
    raise errors.DataError(
      f"{path}: its compressed values are cut short or more than the {length}"
      " bytes that the header promises; copy or write the file again"
    )
  return content


def _is(fields: _Fields, key: str, default: str) -> bool:
  return fields.get(key, default)[:1] in ("T", "t", "1")


def _whole(path: pathlib.Path, fields: _Fields, key: str, default: int) -> int:
  said = fields.get(key, str(default))
  try:
    return int(said[:12])
  except ValueError as e:
    raise errors.DataError(
      f"{path}: {key} is {_text.shown(said)}, not a number; write the file"
      " again"
    ) from e
