"""Checked Python values from data sets.

pydicom converts a value only when it is asked for, and then raises whatever
the value provokes. Everything read from a file therefore goes through the
functions here, which turn that into one line with file, keyword, tag, value.
"""

from collections.abc import Sequence
import math
import pathlib
from typing import Any
import warnings

import numpy as np
import pydicom
from pydicom import config as pydicom_config
from pydicom import datadict
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset

from jaxseg import _text
from jaxseg import errors

# Keeps pydicom's warnings off the console: they are checked here or harmless.
pydicom_config.settings.reading_validation_mode = pydicom_config.IGNORE

# By which ISO 2022 names GB 2312; the one such sequence that is left in text.
_CHINESE = "\x1b$)A"
_DECIMAL = b"0123456789+-.eE\\ "


def named(keyword: str) -> str:
  """A keyword with its tag, for messages."""
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
  with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # Names are decoded only now.
    said = "\\".join(
      _text.clean(part) for part in (found if _is_many(found) else [found])
    )
  if _CHINESE in said and "iso_ir_58" in encodings(dataset):
    return said.replace(_CHINESE, "")
  return said


def encodings(dataset: Dataset) -> list[str]:
  """Python's names of the character sets that a data set was read with."""
  found = getattr(dataset, "original_character_set", None) or ""
  return [found] if isinstance(found, str) else list(found)


def numbers(
  dataset: Dataset, keyword: str, path: pathlib.Path, count: int
) -> np.ndarray | None:
  """A given number of finite float64, or None where the attribute is absent.

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
  """Decimal strings straight from the file, None if it is not that simple.

  pydicom makes an object of each number, which would take a third of the time
  to read a series.
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
    DataError: The attribute is not a sequence.
  """
  found = value(dataset, keyword, path)
  if found is None:
    return []
  if isinstance(found, pydicom.Sequence):
    return list(found)
  raise errors.DataError(
    f"{path}: {named(keyword)} is not a sequence of items; re-export the file"
  )


def _is_many(found: Any) -> bool:
  return isinstance(found, Sequence) and not isinstance(found, str | bytes)


class Frame:
  """Numbers of one frame: its own functional groups come before shared ones.

  Args:
    places: Data sets to look in; the first that has the number wins.
    path: For messages.
    number: From 1; None for the only image of a file without such groups.
  """

  def __init__(
    self, places: Sequence[Dataset], path: pathlib.Path, number: int | None
  ):
    self._places, self._path, self._number = places, path, number

  def numbers(self, group: str, keyword: str, count: int) -> np.ndarray | None:
    """Numbers of a functional group, None where they are absent."""
    for place in self._places:
      inner = [place]
      if self._number is not None:
        inner = items(place, group, self._path)[:1]
      for item in inner:
        found = numbers(item, keyword, self._path, count)
        if found is not None:
          return found
    return None

  def one(self, group: str, keyword: str) -> float | None:
    """One number."""
    found = self.numbers(group, keyword, 1)
    return None if found is None else float(found[0])

  def required(self, group: str, keyword: str, count: int) -> np.ndarray:
    """Numbers without which the image has no place in the patient."""
    found = self.numbers(group, keyword, count)
    if found is None:
      said = f"{named(keyword)} is missing"
      if self._number is not None:
        said = f"frame {self._number} has no {named(keyword)}"
      raise errors.DataError(
        f"{self._path}: {said}, so the image has no place in the patient;"
        " re-export it"
      )
    return found


def frames(dataset: Dataset, count: int, path: pathlib.Path) -> list[Frame]:
  """The frames of a multi-frame file.

  Raises:
    DataError: Their number is not the stated one.
  """
  shared = items(dataset, "SharedFunctionalGroupsSequence", path)[:1]
  each = items(dataset, "PerFrameFunctionalGroupsSequence", path)
  if len(each) != count:
    raise errors.DataError(
      f"{path}: {named('PerFrameFunctionalGroupsSequence')} has {len(each)}"
      f" items for {count} frames; re-export it"
    )
  return [Frame([one, *shared], path, k) for k, one in enumerate(each, 1)]
