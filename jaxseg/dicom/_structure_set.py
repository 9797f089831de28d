"""A structure set: its ROIs as they were drawn, and their masks."""

from collections.abc import Mapping
import dataclasses
import pathlib

import numpy as np

from jaxseg import _text
from jaxseg import errors
from jaxseg.dicom import _codes
from jaxseg.dicom import _gaps
from jaxseg.dicom import _image
from jaxseg.dicom import _parse
from jaxseg.dicom import _roi
from jaxseg.dicom import _roi_mask

_ANY_FRAME = _text.Note(
  "frame-of-reference", "drawn in another frame of reference, as allowed"
)


class Masks(dict[str, np.ndarray]):
  """ROI name -> bool mask; what could not be made is recorded in `refused`.

  Attributes:
    refused: ROI name -> why there is no mask of it.
    notes: ROI name -> what was unusual.
    unknown: ROI name -> slices of which the contours say nothing.
  """

  def __init__(self) -> None:
    super().__init__()
    self.refused: dict[str, str] = {}
    self.notes: dict[str, tuple[_text.Note, ...]] = {}
    self.unknown: dict[str, tuple[int, ...]] = {}


@dataclasses.dataclass(frozen=True, eq=False)
class StructureSet:
  """One RTSTRUCT.

  Attributes:
    path: Its file.
    label: StructureSetLabel.
    date: StructureSetDate, YYYYMMDD, "" where absent.
    time: StructureSetTime, HHMMSS.
    sop_instance_uid: SOPInstanceUID.
    series_uid: SeriesInstanceUID.
    study_uid: StudyInstanceUID.
    patient_id: PatientID; may be hostile.
    frames_of_reference: FrameOfReferenceUIDs that it names.
    referenced_series: SeriesInstanceUIDs of the images it was drawn on.
    rois: In the order of their numbers.
    notes: What was unusual.
    frame_of_series: SeriesInstanceUID -> FrameOfReferenceUID under which the
      set lists it, "" where it gives none.
    frame_of_image: SOPInstanceUID -> likewise.
  """

  path: pathlib.Path
  label: str
  date: str
  time: str
  sop_instance_uid: str
  series_uid: str
  study_uid: str
  patient_id: str
  frames_of_reference: tuple[str, ...]
  referenced_series: tuple[str, ...]
  rois: tuple[_roi.Roi, ...]
  notes: tuple[_text.Note, ...]
  frame_of_series: Mapping[str, str] = dataclasses.field(default_factory=dict)
  frame_of_image: Mapping[str, str] = dataclasses.field(default_factory=dict)

  @property
  def names(self) -> tuple[str, ...]:
    """The ROIs' names, in the order of their numbers."""
    return tuple(roi.name for roi in self.rois)

  def __getitem__(self, key: str | int) -> _roi.Roi:
    """The ROI of a name or number, or of another name for its organ.

    Raises:
      StructureNotFoundError: There is none, or several share the name.
    """
    return _codes.only(
      key, self.rois, lambda roi: roi.name, path=self.path, what="ROI"
    )

  def mask(
    self,
    key: str | int,
    image: _image.Image,
    *,
    combine: str = "even-odd",
    gaps: str = "unknown",
    any_frame_of_reference: bool = False,
    limits: _parse.Limits = _parse.DEFAULT,
  ) -> _roi_mask.RoiMask:
    """The mask of one ROI on an image's grid.

    The points of a contour decide its slice; image references only confirm
    it. Slices without a contour between contoured ones stay empty; those that
    were passed over in drawing, rather than left out for a real gap, and those
    whose contour is malformed are `unknown` in the result. The rule is that of
    `contours.skipped`. Points and open contours are never filled.

    Args:
      key: ROI name or number.
      image: The series that the ROI was drawn on, or another in the same frame
        of reference.
      combine: How the closed contours of a slice are combined: "even-odd" or
        "union".
      gaps: "unknown" names the slices that were passed over; "interpolate"
        fills them in by the shapes on both sides.
      any_frame_of_reference: Also accept an image in another one.
      limits: Limits on the contours.

    Returns:
      The mask, bool `[slice, row, column]`, and what was unusual.

    Raises:
      StructureNotFoundError: There is no such ROI.
      GeometryError: A contour is not planar, or the image lies in another frame
        of reference.
      LimitError: The contours exceed a limit.
      ConfigError: `gaps` is unknown.
    """
    if gaps not in _gaps.GAPS:
      raise errors.ConfigError(
        f"gaps is {gaps!r}; give one of {', '.join(_gaps.GAPS)}"
      )
    roi = self[key]
    notes = self._belongs(roi, image, any_frame_of_reference)
    try:
      made = _roi_mask.make(
        roi, image, combine=combine, gaps=gaps, limits=limits
      )
    except errors.JaxsegError as e:
      raise type(e)(f"{self.path}: ROI {_text.shown(roi.name)}: {e}") from e
    return dataclasses.replace(made, notes=(*notes, *made.notes))

  def masks(
    self,
    image: _image.Image,
    *,
    combine: str = "even-odd",
    gaps: str = "unknown",
    any_frame_of_reference: bool = False,
    limits: _parse.Limits = _parse.DEFAULT,
  ) -> Masks:
    """The masks of all ROIs by name; see `mask`.

    Where ROIs share a name, "#" and the number are added to the second and
    later ones. An ROI whose mask cannot be made goes into `refused`.
    """
    result = Masks()
    for roi in self.rois:
      name = roi.name
      if name in result or name in result.refused:
        name = f"{name}#{roi.number}"
      try:
        made = self.mask(
          roi.number,
          image,
          combine=combine,
          gaps=gaps,
          any_frame_of_reference=any_frame_of_reference,
          limits=limits,
        )
      except errors.JaxsegError as e:
        result.refused[name] = str(e)
      else:
        result[name] = made.array
        result.notes[name] = made.notes
        result.unknown[name] = made.unknown
    return result

  def _belongs(
    self, roi: _roi.Roi, image: _image.Image, any_frame: bool
  ) -> tuple[_text.Note, ...]:
    """Checks that an ROI was drawn in the image's frame of reference."""
    own = image.frame_of_reference_uid
    drawn_in = self._frames_of(roi)
    frames = drawn_in or set(self.frames_of_reference)
    # The frame under which the set lists the image is the image's own, even
    # where some export or anonymiser has given it another UID.
    listed = self.frame_of_series.get(image.series_uid, "")
    if own and drawn_in and not drawn_in & {own, listed}:
      if any_frame:
        return (_ANY_FRAME,)
      raise errors.GeometryError(
        f"{self.path}: ROI {_text.shown(roi.name)} lies in the frame of"
        f" reference {_text.shown(min(drawn_in))} (ReferencedFrameOfReference"
        f"UID (3006,0024)), the image {_text.shown(image.series_uid)} in"
        f" {_text.shown(own)}; give the image that it was drawn on, or set"
        " any_frame_of_reference (--repair=frame_of_reference)"
      )
    if not drawn_in and len(frames) > 1:
      return (
        _text.Note(
          "frame-of-reference",
          "the structure set refers to several frames of reference and the ROI"
          " names none; only positions were used",
        ),
      )
    if image.series_uid in self.referenced_series:
      if own and frames and own not in frames:
        return (
          _text.Note(
            "frame-of-reference",
            "the structure set refers to this series but names another frame"
            " of reference",
          ),
        )
      return ()
    if own and own in frames:
      return (
        _text.Note(
          "other-series",
          "drawn on another series in the same frame of reference",
        ),
      )
    if not own or not frames:
      return (
        _text.Note(
          "no-frame-of-reference",
          "neither series nor frame of reference tie the structure set to this"
          " image; only positions were used",
        ),
      )
    if any_frame:
      return (_ANY_FRAME,)
    raise errors.GeometryError(
      f"{self.path}: FrameOfReferenceUID (0020,0052) is not that of the image"
      f" {_text.shown(image.series_uid)}; give the series it was drawn on, or"
      " set any_frame_of_reference (--repair=frame_of_reference)"
    )

  def _frames_of(self, roi: _roi.Roi) -> set[str]:
    """The frame of reference that an ROI names, or those of its images."""
    if roi.frame_of_reference_uid:
      return {roi.frame_of_reference_uid}
    found = {
      self.frame_of_image.get(image, "")
      for contour in roi.contours
      for image in contour.images
    }
    return found - {""} if "" not in found else set()
