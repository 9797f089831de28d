"""Several acquisitions in one series: told apart, and one of them chosen.

A scanner may give one SeriesInstanceUID to the phases of a contrast study or
to the times of a perfusion: then several images lie in one place.
"""

from collections.abc import Mapping, Sequence
import pathlib

import numpy as np
from pydicom.dataset import Dataset

from jaxseg import _text
from jaxseg import errors
from jaxseg import volume
from jaxseg.dicom import _header
from jaxseg.dicom import _stack

# What may tell acquisitions apart, the likeliest first.
_KEYWORDS = (
  "AcquisitionNumber",
  "TemporalPositionIdentifier",
  "EchoNumbers",
  "NominalPercentageOfCardiacPhase",
  "TriggerTime",
  "DiffusionBValue",
  "ImageType",
  "ConvolutionKernel",
  "KVP",
  "AcquisitionTime",
  "ContentTime",
)


def told(
  planes: Sequence[_stack.Plane], headers: Mapping[pathlib.Path, Dataset]
) -> tuple[str, dict[str, list[int]]]:
  """By which attribute the images in one place can be told apart.

  Args:
    planes: Slices of one orientation, in any order.
    headers: The data set of each file.

  Returns:
    Keyword, and its values in order with the slices that have each; "" and
    nothing if no two images lie in one place, or if nothing tells them apart.
  """
  first = planes[0]
  normal = np.cross(first.orientation[:3], first.orientation[3:])
  along = np.array([plane.position @ normal for plane in planes])
  if not _meet(along):
    return "", {}
  for keyword in _KEYWORDS:
    groups: dict[str, list[int]] = {}
    for at, plane in enumerate(planes):
      said = _header.text(headers[plane.path], keyword, plane.path)
      groups.setdefault(said, []).append(at)
    if len(groups) > 1 and not any(
      _meet(along[own]) for own in groups.values()
    ):
      return keyword, dict(sorted(groups.items(), key=_order))
  return "", {}


def choose(
  planes: Sequence[_stack.Plane],
  headers: Mapping[pathlib.Path, Dataset],
  which: str,
  notes: list[_text.Note],
) -> list[int]:
  """The slices of one acquisition, all slices if there is only one.

  Args:
    planes: Slices of one orientation, in any order.
    headers: The data set of each file.
    which: "refuse", "first", "last", or a value of the attribute that tells
      them apart.
    notes: Receives what was chosen.

  Raises:
    DataError: The value does not occur.
  """
  everything = list(range(len(planes)))
  if which == "refuse":
    return everything
  keyword, groups = told(planes, headers)
  if not groups:
    return everything
  values = list(groups)
  value = {"first": values[0], "last": values[-1]}.get(which, which)
  if value not in groups:
    raise errors.DataError(
      f"{planes[0].path.parent}: no acquisition {_text.shown(which)}; there are"
      f" {listed(keyword, groups)}; give one of these, first or last"
      " (--acquisition)"
    )
  notes.append(
    _text.Note(
      "acquisition",
      f"took {keyword} {_text.shown(value)} of {listed(keyword, groups)}",
    )
  )
  return groups[value]


def listed(keyword: str, groups: Mapping[str, Sequence[int]]) -> str:
  """The acquisitions, for messages."""
  parts = [
    f"{_text.shown(value)} ({len(own)} images)"
    for value, own in list(groups.items())[:6]
  ]
  more = len(groups) - len(parts)
  return f"{_header.named(keyword)} {', '.join(parts)}" + (
    f" and {more} more" if more else ""
  )


def _meet(along: np.ndarray) -> bool:
  """Whether two images lie in one place."""
  return bool((np.diff(np.sort(along)) <= volume.SAME_MM).any())


def _order(pair: tuple[str, list[int]]) -> tuple[bool, float, str]:
  """Numbers by size, before other texts."""
  try:
    return False, float(pair[0]), pair[0]
  except ValueError:
    return True, 0.0, pair[0]
