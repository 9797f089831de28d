"""A structure set: its ROIs as they were drawn, and their masks."""

import dataclasses
import pathlib

import numpy as np

from jaxseg import _text
from jaxseg import errors
from jaxseg.dicom import _codes
from jaxseg.dicom import _image
from jaxseg.dicom import _parse
from jaxseg.dicom import _roi
from jaxseg.dicom import _roi_mask


class Masks(dict[str, np.ndarray]):
  """ROI name -> bool mask; what could not be made is recorded in `refused`.

  Attributes:
    refused: ROI name -> why there is no mask of it.
    notes: ROI name -> what was unusual.
  """

  def __init__(self) -> None:
    super().__init__()
    self.refused: dict[str, str] = {}
    self.notes: dict[str, tuple[_text.Note, ...]] = {}


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
    any_frame_of_reference: bool = False,
    limits: _parse.Limits = _parse.DEFAULT,
  ) -> _roi_mask.RoiMask:
    """The mask of one ROI on an image's grid.

    The points of a contour decide its slice; image references only confirm
    it. Slices without a contour between contoured ones stay empty. Points and
    open contours are never filled.

    Args:
      key: ROI name or number.
      image: The series that the ROI was drawn on, or another in the same frame
        of reference.
      combine: How the closed contours of a slice are combined: "even-odd" or
        "union".
      any_frame_of_reference: Also accept an image in another one.
      limits: Limits on the contours.

    Returns:
      The mask, bool `[slice, row, column]`, and what was unusual.

    Raises:
      StructureNotFoundError: There is no such ROI.
      GeometryError: A contour is not planar, or the image lies in another frame
        of reference.
      LimitError: The contours exceed a limit.
    """
    roi = self[key]
    notes = self._belongs(roi, image, any_frame_of_reference)
    try:
      made = _roi_mask.make(roi, image, combine=combine, limits=limits)
    except errors.JaxsegError as e:
      raise type(e)(f"{self.path}: ROI {_text.shown(roi.name)}: {e}") from e
    return dataclasses.replace(made, notes=(*notes, *made.notes))

  def masks(
    self,
    image: _image.Image,
    *,
    combine: str = "even-odd",
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
          any_frame_of_reference=any_frame_of_reference,
          limits=limits,
        )
      except errors.JaxsegError as e:
        result.refused[name] = str(e)
      else:
        result[name] = made.array
        result.notes[name] = made.notes
    return result

  def _belongs(
    self, roi: _roi.Roi, image: _image.Image, any_frame: bool
  ) -> tuple[_text.Note, ...]:
    """Checks that an ROI was drawn in the image's frame of reference."""
    own = image.frame_of_reference_uid
    frames = (
      {roi.frame_of_reference_uid}
      if roi.frame_of_reference_uid
      else set(self.frames_of_reference)
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
      return (
        _text.Note(
          "frame-of-reference",
          "drawn in another frame of reference, as allowed",
        ),
      )
    raise errors.GeometryError(
      f"{self.path}: FrameOfReferenceUID (0020,0052) is not that of the image"
      f" {_text.shown(image.series_uid)}; give the series it was drawn on, or"
      " set any_frame_of_reference"
    )
