"""Where each image of a file lies, one frame a file or many."""

from collections.abc import Iterator
import pathlib

import numpy as np
from pydicom.dataset import Dataset

from jaxseg import errors
from jaxseg.dicom import _header
from jaxseg.dicom import _pixels
from jaxseg.dicom import _series
from jaxseg.dicom import _stack


def planes(
  dataset: Dataset, form: _pixels.Format, path: pathlib.Path
) -> Iterator[_stack.Plane]:
  """The slices of one file, in the order of its frames.

  Args:
    dataset: Its data set.
    form: Layout of its pixels.
    path: For messages.

  Raises:
    DataError: An attribute that gives the place is missing or malformed.
    GeometryError: Directions or spacings cannot be.
  """
  instance = _header.text(dataset, "SOPInstanceUID", path)
  padding = _pixels.padding(dataset, form, path)
  for frame, source in enumerate(_sources(dataset, form, path)):
    slope = source.one("PixelValueTransformationSequence", "RescaleSlope")
    if slope == 0:
      raise errors.DataError(
        f"{path}: {_header.named('RescaleSlope')} is 0; re-export the image"
      )
    plane = _stack.Plane(
      path=path,
      frame=frame,
      instance=instance,
      position=source.place("PlanePositionSequence", "ImagePositionPatient", 3),
      orientation=source.place(
        "PlaneOrientationSequence", "ImageOrientationPatient", 6
      ),
      spacing=source.place("PixelMeasuresSequence", "PixelSpacing", 2),
      thickness=source.one("PixelMeasuresSequence", "SliceThickness"),
      said_apart=source.one("PixelMeasuresSequence", "SpacingBetweenSlices"),
      form=form,
      slope=1.0 if slope is None else slope,
      intercept=source.one(
        "PixelValueTransformationSequence", "RescaleIntercept"
      ),
      padding=padding,
    )
    _stack.check(plane)
    yield plane


class _Source:
  """The attributes of one frame, from wherever they stand."""

  def __init__(
    self, places: list[Dataset], *, grouped: bool, path: pathlib.Path
  ):
    self._places, self._grouped, self._path = places, grouped, path

  def numbers(self, group: str, keyword: str, count: int) -> np.ndarray | None:
    """Numbers of a functional group; per frame goes before shared."""
    for place in self._places:
      inner = [place]
      if self._grouped:
        inner = _header.items(place, group, self._path)[:1]
      for item in inner:
        found = _header.numbers(item, keyword, self._path, count)
        if found is not None:
          return found
    return None

  def one(self, group: str, keyword: str) -> float | None:
    """One number."""
    found = self.numbers(group, keyword, 1)
    return None if found is None else float(found[0])

  def place(self, group: str, keyword: str, count: int) -> np.ndarray:
    """Numbers without which the image has no place in the patient."""
    found = self.numbers(group, keyword, count)
    if found is None:
      raise errors.DataError(
        f"{self._path}: {_header.named(keyword)} is missing, so the image has"
        " no place in the patient; re-export it"
      )
    return found


def _sources(
  dataset: Dataset, form: _pixels.Format, path: pathlib.Path
) -> Iterator[_Source]:
  sop_class = _header.text(dataset, "SOPClassUID", path)
  if sop_class not in _series.MULTI_FRAME:
    if form.frames != 1:
      raise errors.DataError(
        f"{path}: {_header.named('NumberOfFrames')} is {form.frames} in an"
        " image of one frame; re-export it"
      )
    yield _Source([dataset], grouped=False, path=path)
    return
  shared = _header.items(dataset, "SharedFunctionalGroupsSequence", path)
  each = _header.items(dataset, "PerFrameFunctionalGroupsSequence", path)
  if len(each) != form.frames:
    raise errors.DataError(
      f"{path}: {_header.named('PerFrameFunctionalGroupsSequence')} has"
      f" {len(each)} items for {form.frames} frames; re-export the image"
    )
  for one in each:
    yield _Source([one, *shared[:1]], grouped=True, path=path)
