"""A segmentation: its segments on its own grid, or on an image's."""

from collections.abc import Iterator
import dataclasses
import pathlib

import numpy as np

from jaxseg import _text
from jaxseg import contours
from jaxseg import errors
from jaxseg import volume as volumes
from jaxseg.dicom import _codes
from jaxseg.dicom import _image
from jaxseg.dicom import _pixels
from jaxseg.dicom import _roi_mask


@dataclasses.dataclass(frozen=True, eq=False)
class Frames:
  """All frames, as compactly as they were stored.

  Attributes:
    form: Layout of the pixels.
    values: Integers `[frame, row, column]`; of a binary segmentation the
      packed bits of all frames in one stream, uint8.
  """

  form: _pixels.Format
  values: np.ndarray

  def __getitem__(self, index: int) -> np.ndarray:
    """One frame, `[row, column]`."""
    if self.form.bits != 1:
      return self.values[index]
    size = self.form.rows * self.form.columns
    first, last = index * size, (index + 1) * size
    # A frame need not start on a byte.
    some = self.values[first // 8 : -(-last // 8)]
    bits = np.unpackbits(some, bitorder="little")[first % 8 :][:size]
    return bits.reshape(self.form.rows, self.form.columns)


@dataclasses.dataclass(frozen=True)
class Code:
  """A coded term, such as (10200004, SCT, "Liver")."""

  value: str
  scheme: str
  meaning: str


@dataclasses.dataclass(frozen=True)
class Segment:
  """The description of one segment.

  Attributes:
    number: SegmentNumber; numbers may have gaps.
    label: SegmentLabel; may be hostile.
    description: SegmentDescription.
    category: SegmentedPropertyCategoryCode, or None.
    type: SegmentedPropertyTypeCode, or None.
    algorithm_type: "MANUAL", "SEMIAUTOMATIC", "AUTOMATIC" or "".
    algorithm_name: SegmentAlgorithmName.
    tracking_id: TrackingID.
    color: RecommendedDisplayCIELabValue as sRGB 0 to 255, or None.
  """

  number: int
  label: str = ""
  description: str = ""
  category: Code | None = None
  type: Code | None = None
  algorithm_type: str = ""
  algorithm_name: str = ""
  tracking_id: str = ""
  color: tuple[int, int, int] | None = None


@dataclasses.dataclass(frozen=True, eq=False)
class Segmentation:
  """One SEG.

  Attributes:
    path: Its file.
    kind: "BINARY", "FRACTIONAL" or "LABELMAP".
    fractional_type: "PROBABILITY" or "OCCUPANCY"; None unless fractional.
    grid: Its own grid, which need not be the image's.
    segments: By number; they may overlap.
    frames: Stored pixels.
    slices: int64 `[frame]`, slice of each frame.
    frame_segments: int64 `[frame]`, segment number of each.
    highest: MaximumFractionalValue.
    frame_of_reference_uid: FrameOfReferenceUID, "" where absent.
    referenced_series: SeriesInstanceUIDs it was made from.
    referenced_instances: SOPInstanceUIDs it was made from.
    patient_id: PatientID; may be hostile.
    study_uid: StudyInstanceUID.
    series_uid: SeriesInstanceUID.
    sop_instance_uid: SOPInstanceUID.
    label: ContentLabel, or SeriesDescription.
    date: ContentDate.
    time: ContentTime.
    notes: What was unusual.
  """

  path: pathlib.Path
  kind: str
  fractional_type: str | None
  grid: volumes.Grid
  segments: tuple[Segment, ...]
  frames: Frames
  slices: np.ndarray
  frame_segments: np.ndarray
  highest: int
  frame_of_reference_uid: str
  referenced_series: tuple[str, ...]
  referenced_instances: tuple[str, ...]
  patient_id: str
  study_uid: str
  series_uid: str
  sop_instance_uid: str
  label: str
  date: str
  time: str
  notes: tuple[_text.Note, ...]

  @property
  def names(self) -> tuple[str, ...]:
    """The segments' labels, by number."""
    return tuple(segment.label for segment in self.segments)

  @property
  def affine(self) -> np.ndarray:
    """float64 `[4, 4]`: index (slice, row, column, 1) to LPS mm."""
    return self.grid.affine

  def __getitem__(self, key: str | int) -> Segment:
    """The segment of a label or number, or of another name for its organ.

    Raises:
      StructureNotFoundError: There is none, or several share the label.
    """
    return _codes.only(
      key, self.segments, lambda one: one.label, path=self.path, what="segment"
    )

  def mask(self, key: str | int) -> np.ndarray:
    """A segment's mask on the segmentation's own grid.

    Args:
      key: Label or number.

    Returns:
      Bool `[slice, row, column]`.

    Raises:
      StructureNotFoundError: There is no such segment.
      DataError: The segmentation is fractional: cut `probabilities` first.
    """
    if self.kind == "FRACTIONAL":
      raise errors.DataError(
        f"{self.path}: is fractional ({self.fractional_type}), so it has no"
        " masks; cut its probabilities at a threshold"
      )
    number = self[key].number
    array = np.zeros(self.grid.shape, np.bool_)
    for index, frame in self._frames_of(number):
      array[index] |= frame == number if self.kind == "LABELMAP" else frame > 0
    return array

  def probabilities(
    self, key: str | int, *, occupancy: bool = False
  ) -> np.ndarray:
    """A segment's fractions on the segmentation's own grid.

    Args:
      key: Label or number.
      occupancy: Accept occupancies as probabilities, which they are not.

    Returns:
      float32 `[slice, row, column]` in [0, 1], steps of 1 / `highest`.

    Raises:
      StructureNotFoundError: There is no such segment.
      DataError: The segmentation has no probabilities.
    """
    if self.kind != "FRACTIONAL":
      raise errors.DataError(
        f"{self.path}: is {self.kind}, so it has masks and no probabilities"
      )
    if self.fractional_type != "PROBABILITY" and not occupancy:
      raise errors.DataError(
        f"{self.path}: its fractions are {self.fractional_type}, the share of a"
        " voxel that is covered, not probabilities; set occupancy=True to use"
        " them as such"
      )
    number = self[key].number
    array = np.zeros(self.grid.shape, np.float32)
    for index, frame in self._frames_of(number):
      if frame.max(initial=0) > self.highest:
        raise errors.DataError(
          f"{self.path}: a value of {frame.max()} is above"
          f" MaximumFractionalValue (0062,000E) {self.highest}; re-export it"
        )
      array[index] = frame.astype(np.float32) / np.float32(self.highest)
    return array

  def volume(
    self, key: str | int, *, occupancy: bool = False
  ) -> volumes.Volume:
    """Mask or probabilities on their grid; see `probabilities`."""
    return volumes.Volume(self._own(key, occupancy), self.grid)

  def on(
    self,
    image: _image.Image,
    key: str | int,
    *,
    resample: bool = False,
    any_frame_of_reference: bool = False,
    occupancy: bool = False,
    crop: bool = False,
  ) -> np.ndarray:
    """A segment on an image's grid, by geometry.

    Args:
      image: The image.
      key: Label or number.
      resample: If the voxels of the two grids do not coincide: False refuses,
        True takes the nearest voxel of masks and interpolates probabilities
        linearly.
      any_frame_of_reference: Also accept an image in another one.
      occupancy: Accept occupancies as probabilities, which they are not.
      crop: Leave out what lies beyond the image; False refuses a segment that
        does.

    Returns:
      Bool or float32 `[slice, row, column]` of the image's shape; False or 0
      outside the segmentation.

    Raises:
      DataError: Its fractions are occupancies.
      GeometryError: The grids do not coincide, lie in different frames of
        reference, or the segment reaches beyond the image.
    """
    own = self._own(key, occupancy)
    array, is_copy = self._placed(own, image, resample, any_frame_of_reference)
    lost = 0 if crop else self._lost(own, array, is_copy, image)
    if lost:
      raise errors.GeometryError(
        f"{self.path}: {lost} of {np.count_nonzero(own)} voxels of"
        f" {_text.shown(self[key].label)} lie beyond the image"
        f" {_text.shown(image.series_uid)}; give the series it was made from,"
        " or set crop=True"
      )
    return array

  def _lost(
    self, own: np.ndarray, placed: np.ndarray, copied: bool, image: _image.Image
  ) -> int:
    """How many of a segment's voxels have no place on an image's grid."""
    if copied:
      return int(np.count_nonzero(own)) - int(np.count_nonzero(placed))
    # Resampled, a voxel may become several, so their centres are counted.
    return _beyond(own, self.grid, image.grid)

  def _placed(
    self,
    array: np.ndarray,
    image: _image.Image,
    resample: bool,
    any_frame: bool,
  ) -> tuple[np.ndarray, bool]:
    """An array on an image's grid, and whether its voxels were copied."""
    own, other = self.frame_of_reference_uid, image.frame_of_reference_uid
    if own and other and own != other and not any_frame:
      raise errors.GeometryError(
        f"{self.path}: FrameOfReferenceUID (0020,0052) is not that of the image"
        f" {_text.shown(image.series_uid)}; give the series it was made from,"
        " or set any_frame_of_reference"
      )
    copied = volumes.copy(array, self.grid, image.grid)
    if copied is not None:
      return copied, True
    if not resample:
      raise errors.GeometryError(
        f"{self.path}: its voxels ({_said(self.grid)}) do not coincide with the"
        f" image's ({_said(image.grid)}); set resample=True"
      )
    own_grid = volumes.Volume(array, self.grid)
    return volumes.resample(own_grid, image.grid).array, False

  def mask_on(
    self,
    image: _image.Image,
    key: str | int,
    *,
    gaps: str = "unknown",
    resample: bool = False,
    any_frame_of_reference: bool = False,
  ) -> _roi_mask.RoiMask:
    """A segment's mask on an image's grid, and what was unusual.

    Args:
      image: The image.
      key: Label or number.
      gaps: "unknown" names slices that were passed over in drawing, by the
        rule of `contours.skipped`; "interpolate" fills them in.
      resample: See `on`.
      any_frame_of_reference: See `on`.

    Returns:
      As of a structure set's ROI; `outside` is the share of voxels that lie
      beyond the image.

    Raises:
      ConfigError: `gaps` is unknown.
      DataError: The segmentation has no masks.
      GeometryError: As of `on`.
    """
    if gaps not in ("unknown", "interpolate"):
      raise errors.ConfigError(
        f"gaps is {gaps!r}; give one of unknown, interpolate"
      )
    own = self.mask(key)
    array, is_copy = self._placed(own, image, resample, any_frame_of_reference)
    notes = []
    total = int(np.count_nonzero(own))
    lost = self._lost(own, array, is_copy, image)
    if lost:
      notes.append(
        _text.Note(
          "outside",
          f"{lost} of {total} voxels ({100 * lost / total:.3g} %) lie beyond"
          " the image and are left out",
        )
      )
    drawn = np.flatnonzero(array.any(axis=(1, 2)))
    bare = int(drawn[-1] - drawn[0] + 1 - len(drawn)) if len(drawn) else 0
    unknown = contours.skipped(array)
    if gaps == "interpolate" and len(unknown):
      array = contours.interpolate(
        array, unknown, image.grid.distances, image.spacing[1:]
      )
      filled = array[unknown].any(axis=(1, 2))
      notes.append(
        _text.Note(
          "interpolated",
          f"{int(filled.sum())} empty slices are interpolated from those on"
          " both sides",
        )
      )
      bare, unknown = bare - int(filled.sum()), unknown[~filled]
    if bare:
      notes.append(
        _text.Note(
          "empty-between",
          f"{bare} slices between those with the segment are empty:"
          f" unknown, passed over in drawing: {len(unknown)}; a real gap:"
          f" {bare - len(unknown)}",
        )
      )
    if not array.any():
      notes.append(_text.Note("empty-mask", "no voxel lies within the image"))
    return _roi_mask.RoiMask(
      array,
      tuple(notes),
      tuple(int(k) for k in drawn),
      lost / total if total else 0.0,
      tuple(int(k) for k in unknown),
    )

  def _own(self, key: str | int, occupancy: bool) -> np.ndarray:
    if self.kind == "FRACTIONAL":
      return self.probabilities(key, occupancy=occupancy)
    return self.mask(key)

  def _frames_of(self, number: int) -> Iterator[tuple[int, np.ndarray]]:
    for index, place in enumerate(self.slices.tolist()):
      if self.kind == "LABELMAP" or self.frame_segments[index] == number:
        yield place, self.frames[index]


def _beyond(mask: np.ndarray, grid: volumes.Grid, other: volumes.Grid) -> int:
  """How many voxels of a mask have their centre beyond another grid."""
  to_other = np.linalg.inv(other.affine) @ grid.affine
  at = np.argwhere(mask) @ to_other[:3, :3].T + to_other[:3, 3]
  beyond = (at < -0.5) | (at > np.array(other.shape) - 0.5)
  return int(beyond.any(axis=1).sum())


def _said(grid: volumes.Grid) -> str:
  spacing = " x ".join(f"{mm:.4g}" for mm in grid.spacing)
  return f"{' x '.join(map(str, grid.shape))} of {spacing} mm"
