"""PNG and TIFF: 2D maps and masks, and TIFF stacks of them, without geometry.

SimpleITK reads the values. It takes what is left of a TIFF that is cut short,
pages of other sizes for the first one's, and 4 bits for 255ths, so the pages
and bits are looked at before.

References:
  TIFF 6.0, section 2; BigTIFF; PNG (ISO/IEC 15948), section 11.2.2.
"""

import collections
import math
import os
import pathlib
import re
import struct
from typing import IO

import numpy as np

from jaxseg import _extras
from jaxseg import _text
from jaxseg import errors
from jaxseg.formats import _paths

_GREY = 0  # Colour type of PNG.
_BLACK_IS_ZERO = 1  # Photometric interpretation of TIFF.
_MOST_PAGES = 100_000
# Struct codes of TIFF's types of numbers.
_TYPES = {1: "B", 3: "H", 4: "I", 16: "Q"}
_TAGS = {
  256: "width",
  257: "height",
  258: "bits",
  259: "compression",
  262: "photometric",
  277: "samples",
  339: "format",
}
_DEFAULTS = {
  "bits": 1,
  "compression": 1,
  "format": 1,
  "photometric": -1,
  "samples": 1,
}
_KINDS = {1: "unsigned integers", 2: "signed integers", 3: "floating point"}
_OFFSETS, _LENGTHS = (273, 324), (279, 325)  # Of strips and of tiles.
_DESCRIPTION = 270


def read(path: pathlib.Path) -> np.ndarray:
  """Reads the values, `[1, slice, row, column]`; a PNG is one slice."""
  try:
    with open(path, "rb") as file:
      if _paths.suffix(path) == ".png":
        pages, bits, length = _png(path, file)
      else:
        pages, bits, length = _tiff(path, file)
  except OSError as e:
    raise _paths.unreadable(path, e) from e
  _paths.check_size(path, length)
  array = _values(path)
  if array.ndim == 2:
    array = array[np.newaxis]
  if array.ndim != 3 or len(array) != pages:
    raise errors.DataError(
      f"{path}: was read as shape {array.shape} of {pages} pages; save grey"
      " levels, without other channels"
    )
  if bits < 8:  # 0 to 15 come as 0 to 255.
    array = array // np.uint8(255 // (2**bits - 1))
  return array[np.newaxis]


def _values(path: pathlib.Path) -> np.ndarray:
  sitk = _extras.load("SimpleITK", extra="io")
  sitk.ProcessObject.SetGlobalWarningDisplay(False)  # They go to the console.
  reader = sitk.ImageFileReader()
  is_png = _paths.suffix(path) == ".png"
  reader.SetImageIO("PNGImageIO" if is_png else "TIFFImageIO")
  reader.SetFileName(str(path))
  try:
    return sitk.GetArrayFromImage(reader.Execute())
  except (RuntimeError, MemoryError) as e:
    raise errors.DataError(
      f"{path}: its values cannot be read; copy or save the file again"
    ) from e


def _png(path: pathlib.Path, file: IO[bytes]) -> tuple[int, int, int]:
  """Pages, bits and bytes of the values of a PNG."""
  start = file.read(26)
  if len(start) < 26 or start[:8] != b"\x89PNG\r\n\x1a\n":
    raise _broken(path, "does not begin as PNG does")
  width, height, bits, colour = struct.unpack(">IIBB", start[16:26])
  if colour != _GREY:
    raise _coloured(path)
  return 1, bits, width * height * max(bits // 8, 1)


def _tiff(path: pathlib.Path, file: IO[bytes]) -> tuple[int, int, int]:
  """Pages, bits and bytes of the values of a TIFF whose pages are alike."""
  size = os.fstat(file.fileno()).st_size
  pages: list[dict[str, int]] = []
  try:
    order, wide, at = _first(path, file)
    seen = set()
    while at:
      if at in seen or len(pages) == _MOST_PAGES:
        raise _broken(path, "its pages follow one another in a circle")
      seen.add(at)
      page, at = _page(path, file, order, wide, at, size)
      pages.append(page)
  except (struct.error, IndexError, OverflowError, MemoryError) as e:
    raise _broken(path, "its pages are cut short") from e
  kinds = collections.Counter(tuple(sorted(page.items())) for page in pages)
  if not pages or len(kinds) != 1:
    raise errors.DataError(
      f"{path}: holds {len(pages)} pages of {len(kinds)} sizes or types; save"
      " pages that are alike"
    )
  one = pages[0]
  if one["samples"] != 1 or one["photometric"] != _BLACK_IS_ZERO:
    raise _coloured(path)
  # ITK takes half floats for integers of their bits, without a word.
  kind = _KINDS.get(one["format"], f"of sample format {one['format']}")
  if one["bits"] not in ((32,) if kind == "floating point" else (8, 16, 32)):
    raise errors.DataError(
      f"{path}: its values are {kind} of {one['bits']} bits; save 8-bit or"
      " 16-bit integers, or float32"
    )
  values = one["width"] * one["height"] * len(pages)
  return len(pages), one["bits"], values * one["bits"] // 8


def _first(path: pathlib.Path, file: IO[bytes]) -> tuple[str, bool, int]:
  """Byte order, whether it is a BigTIFF, and where the first page is."""
  start = file.read(16)
  order = {b"II": "<", b"MM": ">"}.get(start[:2])
  if order is None:
    raise _broken(path, "does not begin as TIFF does")
  (version,) = struct.unpack(f"{order}H", start[2:4])
  if version == 42:
    return order, False, struct.unpack(f"{order}I", start[4:8])[0]
  if version == 43:
    return order, True, struct.unpack(f"{order}Q", start[8:16])[0]
  raise _broken(path, "does not begin as TIFF does")


def _page(
  path: pathlib.Path,
  file: IO[bytes],
  order: str,
  wide: bool,
  at: int,
  size: int,
) -> tuple[dict[str, int], int]:
  """What a page is, and where the next one is; checks that it is all there."""
  big, small, entry = ("Q", "Q", 20) if wide else ("I", "H", 12)
  if at > size:
    raise _broken(path, "its pages are cut short")
  file.seek(at)
  (count,) = struct.unpack(order + small, file.read(struct.calcsize(small)))
  if at + count * entry > size:
    raise _broken(path, "its pages are cut short")
  table = file.read(count * entry)
  (after,) = struct.unpack(order + big, file.read(struct.calcsize(big)))
  page: dict[str, int] = dict(_DEFAULTS)
  places: dict[int, tuple[int, ...]] = {}
  before = -1
  for k in range(0, len(table), entry):
    tag, kind = struct.unpack(f"{order}HH", table[k : k + 4])
    (many,) = struct.unpack(
      order + big, table[k + 4 : k + 4 + (entry - 4) // 2]
    )
    cell = table[k + 4 + (entry - 4) // 2 : k + entry]
    if tag <= before:
      raise _broken(path, "the facts of a page are not in order")
    before = tag
    if tag == _DESCRIPTION:
      _check_stack(path, _bytes(file, order, big, cell, many, size))
    elif kind in _TYPES and tag in (*_TAGS, *_OFFSETS, *_LENGTHS):
      code = _TYPES[kind]
      width = struct.calcsize(code)
      data = _bytes(file, order, big, cell, many * width, size)
      found = struct.unpack(f"{order}{many}{code}", data)
      if tag in _TAGS:
        page[_TAGS[tag]] = found[0]
      else:
        places[tag] = found
  if "width" not in page or "height" not in page:
    raise _broken(path, "a page has no size")
  _check_places(path, page, places, size)
  return page, after


def _check_places(
  path: pathlib.Path,
  page: dict[str, int],
  places: dict[int, tuple[int, ...]],
  size: int,
) -> None:
  """Refuses a page whose values are not all in the file."""
  held = 0
  for offsets, lengths in zip(_OFFSETS, _LENGTHS, strict=True):
    begins, counts = places.get(offsets, ()), places.get(lengths, ())
    sound = len(begins) == len(counts)
    if not sound or any(
      begin + length > size
      for begin, length in zip(begins, counts, strict=True)
    ):
      raise _broken(path, "the values of a page are cut short")
    held += sum(counts)
  values = page["width"] * page["height"] * page["samples"]
  # Strips that are not compressed hold just the values; tiles may hold more.
  if not held or (
    page["compression"] == 1 and 8 * held < values * page["bits"]
  ):
    raise _broken(path, "the values of a page are cut short")


def _bytes(
  file: IO[bytes], order: str, big: str, cell: bytes, length: int, size: int
) -> bytes:
  """The bytes of an entry, in its cell or where that points to."""
  if length <= len(cell):
    return cell[:length]
  (at,) = struct.unpack(order + big, cell)
  if at + length > size:
    raise struct.error("beyond the end of the file")
  file.seek(at)
  return file.read(length)


def _check_stack(path: pathlib.Path, description: bytes) -> None:
  """Refuses stacks of ImageJ whose pages are channels or frames as well."""
  if not description.startswith(b"ImageJ="):
    return
  said = re.findall(rb"(?m)^(channels|frames)=([0-9]{1,9})\s*$", description)
  if math.prod(int(number) for _, number in said) > 1:
    raise errors.DataError(
      f"{path}: ImageJ says that its pages are"
      f" {' and '.join(name.decode() for name, _ in said)}; save one channel"
      " and frame per file"
    )


def _broken(path: pathlib.Path, fact: str) -> errors.DataError:
  return errors.DataError(
    f"{path}: {_text.clean(fact)}; copy or save the file again"
  )


def _coloured(path: pathlib.Path) -> errors.DataError:
  return errors.DataError(
    f"{path}: holds colours, a palette, a transparency or inverted grey levels;"
    " save grey levels of which 0 is black"
  )
