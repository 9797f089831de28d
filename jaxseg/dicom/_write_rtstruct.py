"""Writes structures as an RTSTRUCT, for planning systems to read."""

from collections.abc import Iterator, Mapping, Sequence
import datetime
import logging
import os
import pathlib
from typing import Any

from pydicom import datadict
from pydicom import uid as uids
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset

import jaxseg
from jaxseg import _files
from jaxseg import _text
from jaxseg import _unfinished
from jaxseg import errors
from jaxseg.dicom import _codes
from jaxseg.dicom import _dataset
from jaxseg.dicom import _image
from jaxseg.dicom import _write_rtstruct_contours as _contours

_LOG = logging.getLogger("jaxseg")
_NAME = 16  # Characters of the longest name in TG-263.
_STUDY_CLASS = "1.2.840.10008.3.1.2.3.1"  # Detached Study Management, retired.


def write_rtstruct(
  path: str | os.PathLike,
  structures: Mapping[str, _contours.Shape],
  ct: _image.Image,
  *,
  label: str = "jaxseg",
  series_description: str = "Automatic contours, unapproved",
  description: str = "",
  holes: str = "separate",
  seed: int | str | None = None,
  now: datetime.datetime | None = None,
  overwrite: bool = False,
  own_names: bool = False,
) -> pathlib.Path:
  """Writes structures as an RTSTRUCT on the series they were found on.

  A mask is outlined along its voxels' edges, so `read_rtstruct` gives it back
  to the voxel; polygons are written as they are. Coordinates have at most four
  decimals, within 5e-5 mm. The file is in explicit VR little endian, in which
  a contour holds 64 kB; a longer one loses its points on straight lines, and if
  that is not enough the whole file is in implicit VR. It is marked UNAPPROVED.
  Patient and study are those of the image; a text of the study that breaks the
  standard's rules (too long, not a date) is left empty. A known structure has
  its SNOMED CT code in RTROIIdentificationCodeSequence; names of more than 16
  characters, which some planning systems cut off, are logged as a warning.

  Args:
    path: The file to write; folders are made.
    structures: Name to a bool mask `[slice, row, column]` on the image's grid,
      to a volume or `RoiMask`, to polygons (points `[P, 3]`, LPS mm, each in
      the plane of a slice), or to an `RtStructure`. A canonical name is written
      as TG-263 has it, any other as it stands. Without any contour, the
      structure is written as empty.
    ct: The image, with patient, study and frame of reference.
    label: StructureSetLabel, at most 16 characters.
    series_description: SeriesDescription, at most 64 characters.
    description: StructureSetDescription, at most 1024 characters.
    holes: "separate": contours of their own within the outer one; "keyhole":
      joined to the outer contour by a bridge, for systems that fill every
      contour.
    seed: The new UIDs follow from it and from the content; None draws random
      UIDs.
    now: Date and time of the structure set; None is the present.
    overwrite: Whether an existing file may be replaced.
    own_names: Whether canonical names, too, are written as they stand, as they
      were in a file that is converted.

  Returns:
    The path.

  Raises:
    GeometryError: A mask is not on the image's grid, or a polygon does not lie
      in a slice.
    DataError: A name or text cannot be written, two structures have the same
      name, or the image lacks the UIDs to refer to.
    ConfigError: `holes` is unknown.
    ExistingOutputError: The file exists.

  References:
    DICOM PS3.3, sections A.19, C.8.8.5, C.8.8.6 and C.8.8.8; PS3.5, 6.2.
  """
  where = pathlib.Path(path)
  if holes not in _contours.HOLES:
    raise errors.ConfigError(
      f"holes is {holes!r}; give one of {', '.join(_contours.HOLES)}"
    )
  _files.check_free(where, overwrite=overwrite)
  label = _codes.checked_text(label, 16, "label")
  if not label:
    raise errors.DataError("label is empty; give 1 to 16 characters")
  series_description = _codes.checked_text(
    series_description, 64, "series_description"
  )
  description = _codes.checked_text(description, 1024, "description")
  _dataset.check_referable(ct)
  rois = _contours.drawn(structures, ct, holes=holes, own_names=own_names)
  if not rois:
    raise errors.DataError(
      f"{where}: there are no structures to write; give at least one"
    )
  _warn_of_long_names(where, rois)
  contours = [_contours.encoded(roi) for roi in rois]
  said = (description,) if description else ()
  about = (seed, label, series_description, *said)
  new = _dataset.Uids(seed, _content(ct, rois, contours, about))
  dataset = _general(ct, now or datetime.datetime.now(), label)
  _dataset.put(
    dataset,
    SOPInstanceUID=new.of("instance"),
    SeriesInstanceUID=new.of("series"),
    SeriesDescription=series_description,
    **_sequences(rois, contours, ct),
  )
  if description:
    _dataset.put(dataset, StructureSetDescription=description)
  _dataset.say_character_set(
    dataset, [description, *(roi.name + roi.description for roi in rois)]
  )
  too_long = any(one.is_long for own in contours for one in own)
  _files.write_bytes(where, _dataset.encoded(dataset, implicit=too_long))
  return where


def _warn_of_long_names(
  path: pathlib.Path, rois: Sequence[_contours.Drawn]
) -> None:
  long = [roi.name for roi in rois if len(roi.name) > _NAME]
  if long:
    listed = ", ".join(map(_text.shown, long[:4]))
    _LOG.warning(
      "%s: %d ROI names have more than %d characters (%s); some planning"
      " systems cut them off there, so give names of TG-263",
      _unfinished.final(str(path)),
      len(long),
      _NAME,
      listed,
    )


def _general(ct: _image.Image, now: datetime.datetime, label: str) -> Dataset:
  """Patient, study, series, equipment and structure set modules."""
  dataset = Dataset()
  _dataset.copy_patient(ct, dataset)
  date, time = now.strftime("%Y%m%d"), now.strftime("%H%M%S")
  _dataset.put(
    dataset,
    SOPClassUID=uids.RTStructureSetStorage,
    Modality="RTSTRUCT",
    StudyInstanceUID=ct.study_uid,
    FrameOfReferenceUID=ct.frame_of_reference_uid,
    InstanceCreationDate=date,
    InstanceCreationTime=time,
    SeriesDate=date,
    SeriesTime=time,
    SeriesNumber=1000,  # Rarely that of the images.
    OperatorsName="",
    Manufacturer="jaxseg",
    ManufacturerModelName="jaxseg",
    SoftwareVersions=jaxseg.__version__,
    InstanceNumber=1,
    StructureSetLabel=label,
    StructureSetDate=date,
    StructureSetTime=time,
    ApprovalStatus="UNAPPROVED",
  )
  return dataset


def _content(
  ct: _image.Image,
  rois: Sequence[_contours.Drawn],
  contours: Sequence[Sequence[_contours.Encoded]],
  about: Sequence[Any],
) -> Iterator[Any]:
  """All that the UIDs of the new series and instance depend on."""
  yield from (jaxseg.__version__, about[0], ct.series_uid, *about[1:])
  for place, (roi, own) in enumerate(zip(rois, contours, strict=True), start=1):
    yield (
      roi.name,
      roi.color,
      roi.interpreted_type,
      roi.description,
      roi.generation_algorithm,
      # A place of its own, as most have, has never counted.
      *(() if roi.number == place else (roi.number,)),
      len(own),
    )
    for one in own:
      yield f"{one.index} {one.text}\n".encode("ascii")


def _sequences(
  rois: Sequence[_contours.Drawn],
  contours: Sequence[Sequence[_contours.Encoded]],
  ct: _image.Image,
) -> dict[str, list[Dataset]]:
  """The sequences of the structure set, its contours and observations.

  Args:
    rois: The structures.
    contours: Those of each.
    ct: The image that they refer to.

  Returns:
    Items by keyword.
  """
  images = _References(ct)
  about, shapes, observed = [], [], []
  for place, (roi, own) in enumerate(zip(rois, contours, strict=True), start=1):
    number = roi.number
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
    seen = _dataset.item(
      ObservationNumber=place,
      ReferencedROINumber=number,
      RTROIInterpretedType=roi.interpreted_type,
      ROIInterpreter="",
    )
    if (code := _dataset.coded_item(roi.known)) is not None:
      _dataset.put(seen, RTROIIdentificationCodeSequence=[code])
    observed.append(seen)
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
  contours: Sequence[_contours.Encoded], images: "_References"
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
    # As text, because pydicom would make an object of every number.
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
      # An interpolated slice has no image to refer to.
      if instance:
        self._frames.setdefault(instance, set()).add(frame)

  def of(self, index: int) -> Dataset | None:
    """The image of a slice, or None."""
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
    # The standard asks for frame numbers only if some frames are not meant.
    count = max(self._frames[instance])
    if count and frames != set(range(1, count + 1)):
      _dataset.put(item, ReferencedFrameNumber=sorted(frames))
    return item
