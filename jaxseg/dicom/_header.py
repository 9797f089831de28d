"""Files to data sets, and data sets to checked Python values.

pydicom converts a value only when it is asked for, and then raises whatever
the value provokes. Everything read from a file therefore goes through the
functions here, which turn that into one line with file, keyword, tag, value.
"""

from collections.abc import Sequence
import io
import math
import os
import pathlib
from typing import Any
import warnings
import zlib

import numpy as np
import pydicom
from pydicom import config as pydicom_config
from pydicom import datadict
from pydicom import uid as uids
from pydicom.dataelem import DataElement
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset

from jaxseg import _text
from jaxseg import errors
from jaxseg.dicom import _limits
from jaxseg.dicom import _watched

# What pydicom must not warn of on the console: it is checked here or harmless.
pydicom_config.settings.reading_validation_mode = pydicom_config.IGNORE

_CHUNK = 1 << 20
_DECIMAL = b"0123456789+-.eE\\ "
# So many bytes are parsed within the time, whatever they are.
_SMALL = 8 << 20
_UNDEFINED = 0xFFFFFFFF


def read(
  path: pathlib.Path,
  *,
  pixels: bool = False,
  tags: Sequence[str] | None = None,
  limits: _limits.Limits = _limits.DEFAULT,
) -> Dataset:
  """Parses one file.

  Args:
    path: A file of any name, with or without preamble and meta header.
    pixels: Whether to read the pixel data, too.
    tags: Keywords to keep; None keeps all.
    limits: Bounds on time, depth and inflation.

  Returns:
    The data set, its values not yet converted.

  Raises:
    NotDicomError: The file is not DICOM, or a directory of such files.
    LimitError: The file is over a bound.
    TruncatedError: The file ends in the middle of something.
    DataError: The file cannot be opened, or is DICOM that cannot be parsed.
  """
  reason: Exception | None = None
  try:
    with open(path, "rb") as file:
      claims = _check_start(file, path)
      _check_inflation(file, path, limits)
      file.seek(0)
      small = pixels and os.fstat(file.fileno()).st_size <= _SMALL
      deadline = _watched.Deadline(path, limits)
      source = _watched.Watched(
        io.BytesIO(file.read()) if small else file, path, deadline
      )
      with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        dataset = pydicom.dcmread(
          source,
          force=True,
          stop_before_pixels=not pixels,
          specific_tags=None if tags is None else list(tags),
        )
        _check_items(dataset, path, limits, deadline)
        if source.is_cut:
          raise errors.TruncatedError(
            f"{path}: ends in the middle; the file is cut off, copy it again"
          )
        kind = text(dataset, "SOPClassUID", path)
  except errors.JaxsegError:
    raise
  except OSError as e:
    if e.errno is not None:  # Else it is pydicom's own, of broken sequences.
      raise errors.DataError(
        f"{path}: cannot be read ({e.strerror}); check path and permission"
      ) from e
    kind, reason = "", e
  except (RecursionError, MemoryError) as e:
    raise errors.LimitError(
      f"{path}: sequences nest deeper than the bound 'depth'"
      f" ({limits.depth}) or need more memory than there is; re-export it"
    ) from e
  except Exception as e:  # Whatever a broken file makes pydicom raise.
    kind, reason = "", e
  if kind:
    return dataset
  if not claims or (reason is None and _is_directory(dataset, path)):
    raise errors.NotDicomError(f"{path}: not a DICOM file; leave it out")
  raise errors.DataError(
    f"{path}: begins as DICOM but "
    + (
      f"cannot be parsed ({type(reason).__name__})"
      if reason
      else f"has no {named('SOPClassUID')}"
    )
    + "; it is cut off or damaged, copy it again"
  ) from reason


def _is_directory(dataset: Dataset, path: pathlib.Path) -> bool:
  """Whether it is a DICOMDIR, under whatever name."""
  meta = text(dataset.file_meta, "MediaStorageSOPClassUID", path)
  return meta == uids.MediaStorageDirectoryStorage


def _check_start(file: Any, path: pathlib.Path) -> bool:
  """Refuses what does not begin as DICOM does; whether it has a preamble."""
  start = file.read(136)
  if start[128:132] == b"DICM":
    return True
  # Without a preamble the first tag is of group 2 or 8, in either order.
  if start[:2] not in (b"\x02\x00", b"\x08\x00", b"\x00\x08"):
    raise errors.NotDicomError(f"{path}: not a DICOM file; leave it out")
  return False


def _check_inflation(
  file: Any, path: pathlib.Path, limits: _limits.Limits
) -> None:
  """Refuses a deflated file that would grow beyond its bound.

  pydicom inflates such a file in one go; this counts first, a megabyte at a
  time.
  """
  file.seek(0)
  if file.read(132)[128:] != b"DICM":
    return
  file.seek(132)
  head = file.read(4096)
  if uids.DeflatedExplicitVRLittleEndian.encode() not in head:
    return
  file.seek(0)
  with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    meta = pydicom.filereader.read_file_meta_info(path)
    start = 132 + 12 + int(meta.get("FileMetaInformationGroupLength", 0))
  size = file.seek(0, 2)
  bound = max(limits.inflated_ratio * size, limits.inflated_bytes)
  file.seek(start)
  inflate, grown = zlib.decompressobj(-zlib.MAX_WBITS), 0
  data = file.read(_CHUNK)
  while data and not inflate.eof:
    grown += len(inflate.decompress(data, _CHUNK))
    data = inflate.unconsumed_tail or file.read(_CHUNK)
    if grown > bound:
      raise errors.LimitError(
        f"{path}: {size} bytes inflate to more than {bound}; raise the bound"
        " 'inflated_bytes' if you trust the file"
      )


def _check_items(
  dataset: Dataset,
  path: pathlib.Path,
  limits: _limits.Limits,
  deadline: _watched.Deadline,
) -> None:
  """Refuses sequences that nest too deeply, and values that are cut off."""
  level: list[Any] = [dataset]
  depth = 0
  while level:
    if depth > limits.depth:
      raise errors.LimitError(
        f"{path}: sequences nest deeper than {limits.depth} levels; raise the"
        " bound 'depth' if you trust the file"
      )
    below: list[Any] = []
    for one in level:
      deadline.check()
      for element in list(one.values()):
        if isinstance(element, RawDataElement):
          _check_length(element, path)
          element = _sequence(one, element, limits.depth - depth)
        if element is not None and element.VR == "SQ":
          below += element.value or ()
    level = below
    depth += 1


def _check_length(element: RawDataElement, path: pathlib.Path) -> None:
  if element.length == _UNDEFINED or element.value is None:
    return
  if len(element.value) < element.length:
    keyword = datadict.keyword_for_tag(element.tag)
    raise errors.TruncatedError(
      f"{path}: {named(keyword) if keyword else element.tag} has"
      f" {len(element.value)} bytes of {element.length}; the file is cut off,"
      " copy it again"
    )


def _sequence(
  dataset: Dataset, element: RawDataElement, levels: int
) -> DataElement | None:
  """A sequence of stated length, parsed; None if it cannot nest deeper."""
  # Each level takes 16 bytes at least, for the element and for its item.
  if len(element.value or b"") <= 16 * levels:
    return None
  kind = element.VR
  if kind is None and datadict.dictionary_has_tag(element.tag):
    kind = datadict.dictionary_VR(element.tag)
  if kind != "SQ":
    return None
  try:
    return dataset[element.tag]
  except RecursionError:
    raise
  except Exception:  # A broken one is refused by who needs it.
    return None


def named(keyword: str) -> str:
  """A keyword and its tag, as messages show them."""
  tag = datadict.tag_for_keyword(keyword)
  return f"{keyword} ({tag >> 16:04X},{tag & 0xFFFF:04X})" if tag else keyword


def value(dataset: Dataset, keyword: str, path: pathlib.Path) -> Any:
  """The converted value, None where the attribute is absent or empty.

  Raises:
    DataError: The value cannot be converted.
  """
  try:
    with warnings.catch_warnings():
      warnings.simplefilter("ignore")
      found = dataset.get(keyword)
  except RecursionError as e:
    raise errors.LimitError(
      f"{path}: {named(keyword)} nests too deeply; re-export the file"
    ) from e
  except Exception as e:  # Whatever pydicom's converters raise.
    raise errors.DataError(
      f"{path}: {named(keyword)} cannot be read ({type(e).__name__});"
      " re-export the file"
    ) from e
  return None if found is None or found == "" else found


def text(dataset: Dataset, keyword: str, path: pathlib.Path) -> str:
  """Text without padding; "" where it is absent."""
  found = value(dataset, keyword, path)
  if found is None:
    return ""
  if not isinstance(found, str) and isinstance(found, Sequence):
    return "\\".join(_text.clean(part) for part in found)
  return _text.clean(found)


def numbers(
  dataset: Dataset, keyword: str, path: pathlib.Path, count: int
) -> np.ndarray | None:
  """A fixed number of finite float64, or None where the attribute is absent.

  Raises:
    DataError: There are more or fewer, or one is not finite.
  """
  array = _decimals(dataset, keyword)
  if array is not None and array.size == count and np.isfinite(array).all():
    return array
  found = value(dataset, keyword, path)
  if found is None:
    return None
  parts = found if _is_many(found) else [found]
  try:
    array = np.array([float(part) for part in parts], np.float64)
  except (TypeError, ValueError, OverflowError):
    array = np.array([], np.float64)
  if array.size != count or not np.isfinite(array).all():
    raise errors.DataError(
      f"{path}: {named(keyword)} is {_text.shown(found)}, not {count} finite"
      f" number{'s' if count > 1 else ''}; re-export the file"
    )
  return array


def _decimals(dataset: Dataset, keyword: str) -> np.ndarray | None:
  """Decimal strings as they stand in the file, None where it is not so plain.

  pydicom makes an object of each number, which would take a third of the time
  that a series takes to read.
  """
  tag = datadict.tag_for_keyword(keyword)
  element = None if tag is None else dataset.get_item(tag)
  if not isinstance(element, RawDataElement):
    return None
  kind, raw = element.VR or datadict.dictionary_VR(element.tag), element.value
  if kind not in ("DS", "IS") or not isinstance(raw, bytes):
    return None
  if raw.translate(None, _DECIMAL):
    return None
  try:
    return np.array([float(part) for part in raw.split(b"\\")], np.float64)
  except ValueError:
    return None


def number(dataset: Dataset, keyword: str, path: pathlib.Path) -> float | None:
  """One finite number, or None where the attribute is absent."""
  found = numbers(dataset, keyword, path, 1)
  return None if found is None else float(found[0])


def integer(dataset: Dataset, keyword: str, path: pathlib.Path) -> int | None:
  """One integer, or None where the attribute is absent."""
  found = number(dataset, keyword, path)
  if found is None:
    return None
  if not math.isfinite(found) or found != int(found):
    raise errors.DataError(
      f"{path}: {named(keyword)} is {found}, not an integer; re-export the file"
    )
  return int(found)


def items(dataset: Dataset, keyword: str, path: pathlib.Path) -> list[Dataset]:
  """The items of a sequence; none where it is absent.

  Raises:
    DataError: The attribute is no sequence.
  """
  found = value(dataset, keyword, path)
  if found is None:
    return []
  if isinstance(found, pydicom.Sequence):
    return list(found)
  raise errors.DataError(
    f"{path}: {named(keyword)} is no sequence of items; re-export the file"
  )


def _is_many(found: Any) -> bool:
  return isinstance(found, Sequence) and not isinstance(found, str | bytes)
