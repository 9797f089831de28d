"""The sequences of an RTSTRUCT: contours, and the images they refer to."""

from collections.abc import Iterator, Sequence
import dataclasses

import numpy as np
from pydicom import datadict
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset

from jaxseg.dicom import _dataset
from jaxseg.dicom import _decimal
from jaxseg.dicom import _image
from jaxseg.dicom import _rt_structure

# The longest value of even length that VR DS can have in explicit encoding.
_LONGEST = 65534
_STRAIGHT_MM = 1e-5
_STUDY_CLASS = "1.2.840.10008.3.1.2.3.1"  # Detached Study Management, retired.


@dataclasses.dataclass(frozen=True)
class Encoded:
  """A contour as the file will have it.

  Attributes:
    index: Its slice.
    count: NumberOfContourPoints.
    text: ContourData.
  """

  index: int
  count: int
  text: str

  @property
  def is_long(self) -> bool:
    """Whether explicit VR cannot hold it as decimal strings."""
    return len(self.text) > _LONGEST


def encoded(roi: _rt_structure.Drawn) -> list[Encoded]:
  """The contours of a structure; long ones lose their superfluous points."""
  result = []
  for index, points, text in zip(
    roi.slices, roi.contours, _decimal.joined(roi.contours), strict=True
  ):
    one = Encoded(index, len(points), text)
    if one.is_long:
      fewer = without_straight(points)
      one = Encoded(index, len(fewer), *_decimal.joined([fewer]))
    result.append(one)
  return result


def without_straight(points: np.ndarray) -> np.ndarray:
  """A closed polygon without its points on straight lines.

  Args:
    points: float64 `[P, 3]`, mm.

  Returns:
    `[Q, 3]`, Q <= P; no point that is left out lies more than 1e-5 mm off the
    line between those kept.
  """
  fresh = (points != np.roll(points, 1, axis=0)).any(axis=1)
  points = points[fresh] if fresh.any() else points
  before = points - np.roll(points, 1, axis=0)
  after = np.roll(points, -1, axis=0) - points
  goes_on = (before * after).sum(axis=1) > 0
  bend = np.linalg.norm(np.cross(before, after), axis=1)
  chord = np.linalg.norm(before + after, axis=1)
  corners = np.flatnonzero(~(goes_on & (bend <= _STRAIGHT_MM * chord)))
  if len(corners) < 3:
    return points
  # Many small bends may add up: then the line between two corners is not
  # straight, and all of its points stay.
  line = np.searchsorted(corners, np.arange(len(points)), side="right") - 1
  start = points[corners]
  along = np.roll(start, -1, axis=0) - start
  length = np.linalg.norm(along, axis=1)
  off = np.linalg.norm(np.cross(points - start[line], along[line]), axis=1)
  bent = np.zeros(len(corners), np.bool_)
  np.logical_or.at(bent, line, off > _STRAIGHT_MM * length[line])
  kept = bent[line]
  kept[corners] = True
  return points[kept]


def sequences(
  rois: Sequence[_rt_structure.Drawn],
  contours: Sequence[Sequence[Encoded]],
  ct: _image.Image,
) -> dict[str, list[Dataset]]:
  """The sequences of the structure set, its contours and observations.

  Args:
    rois: The structures, numbered from 1.
    contours: Those of each.
    ct: The image that they refer to.

  Returns:
    Items by keyword.
  """
  images = _References(ct)
  about, shapes, observed = [], [], []
  for number, (roi, own) in enumerate(
    zip(rois, contours, strict=True), start=1
  ):
    described = _dataset.item(
      ROINumber=number,
      ReferencedFrameOfReferenceUID=ct.frame_of_reference_uid,
      ROIName=roi.name,
      ROIGenerationAlgorithm=roi.generation_algorithm,
    )
    if roi.description:
      _dataset.put(described, ROIGenerationDescription=roi.description)
    about.append(described)
    shape = _dataset.item(
      ROIDisplayColor=list(roi.color), ReferencedROINumber=number
    )
    if own:
      _dataset.put(shape, ContourSequence=list(_contour_items(own, images)))
    shapes.append(shape)
    observed.append(
      _dataset.item(
        ObservationNumber=number,
        ReferencedROINumber=number,
        RTROIInterpretedType=roi.interpreted_type,
        ROIInterpreter="",
      )
    )
  return {
    "ReferencedFrameOfReferenceSequence": [_frame_of_reference(ct, images)],
    "StructureSetROISequence": about,
    "ROIContourSequence": shapes,
    "RTROIObservationsSequence": observed,
  }


def _frame_of_reference(ct: _image.Image, images: "_References") -> Dataset:
  """The tree from the frame of reference down to every image."""
  series = _dataset.item(
    SeriesInstanceUID=ct.series_uid, ContourImageSequence=images.all()
  )
  study = _dataset.item(
    ReferencedSOPClassUID=_STUDY_CLASS,
    ReferencedSOPInstanceUID=ct.study_uid,
    RTReferencedSeriesSequence=[series],
  )
  return _dataset.item(
    FrameOfReferenceUID=ct.frame_of_reference_uid,
    RTReferencedStudySequence=[study],
  )


def _contour_items(
  contours: Sequence[Encoded], images: "_References"
) -> Iterator[Dataset]:
  """The items of a Contour Sequence."""
  data = datadict.tag_for_keyword("ContourData") or 0
  for number, one in enumerate(contours, start=1):
    item = _dataset.item(
      ContourGeometricType="CLOSED_PLANAR",
      NumberOfContourPoints=one.count,
      ContourNumber=number,
    )
    image = images.of(one.index)
    if image is not None:
      _dataset.put(item, ContourImageSequence=[image])
    # As text: pydicom would make an object of every number.
    item[data] = DataElement(data, "DS", one.text, already_converted=True)
    yield item


class _References:
  """References to the images of a series, or to frames of a multi-frame one."""

  def __init__(self, ct: _image.Image):
    self._class = ct.sop_class_uid
    frames = ct.frames or (0,) * len(ct.instances)
    self._of = list(zip(ct.instances, frames, strict=True))
    self._frames: dict[str, set[int]] = {}
    self._made: dict[int, Dataset] = {}
    for instance, frame in self._of:
      # A slice that was interpolated has no image to refer to.
      if instance:
        self._frames.setdefault(instance, set()).add(frame)

  def of(self, index: int) -> Dataset | None:
    """The image of a slice, None where there is none."""
    instance, frame = self._of[index]
    if instance and index not in self._made:
      self._made[index] = self._reference(instance, {frame})
    return self._made.get(index)

  def all(self) -> list[Dataset]:
    """Every image, in the order of the slices."""
    return [self._reference(*pair) for pair in self._frames.items()]

  def _reference(self, instance: str, frames: set[int]) -> Dataset:
    item = _dataset.item(
      ReferencedSOPClassUID=self._class, ReferencedSOPInstanceUID=instance
    )
    # The standard wants frame numbers only where not all frames are meant.
    count = max(self._frames[instance])
    if count and frames != set(range(1, count + 1)):
      _dataset.put(item, ReferencedFrameNumber=sorted(frames))
    return item
