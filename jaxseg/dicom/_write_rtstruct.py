"""RTSTRUCT files: structures as contours, for planning systems to read."""

from collections.abc import Iterator, Mapping, Sequence
import datetime
import hashlib
import io
import os
import pathlib
from typing import Any
import uuid

import numpy as np
import pydicom
from pydicom import config as pydicom_config
from pydicom import datadict
from pydicom import uid as uids
from pydicom.dataset import Dataset

import jaxseg
from jaxseg import _files
from jaxseg import errors
from jaxseg.dicom import _decimal
from jaxseg.dicom import _header
from jaxseg.dicom import _image
from jaxseg.dicom import _rt_structure

# The longest value of even length that VR DS can have in explicit encoding.
_LONGEST = 65534
_STRAIGHT_MM = 1e-5
_STUDY_CLASS = "1.2.840.10008.3.1.2.3.1"  # Detached Study Management, retired.
_NAMESPACE = uuid.UUID("5f0c1f9e-6a55-5f0e-9d0a-3b1f6f0c8f11")

# Of the image's header; the standard wants the first ones even if empty.
_ALWAYS = (
  "PatientName", "PatientID", "PatientBirthDate", "PatientSex", "StudyDate",
  "StudyTime", "StudyID", "AccessionNumber", "ReferringPhysicianName",
  "PositionReferenceIndicator",
)  # fmt: skip
_IF_PRESENT = ("StudyDescription",)


def write_rtstruct(
  path: str | os.PathLike,
  structures: Mapping[str, _rt_structure.Shape],
  ct: _image.Image,
  *,
  label: str = "jaxseg",
  series_description: str = "Automatic contours, unapproved",
  holes: str = "separate",
  seed: int | str | None = None,
  now: datetime.datetime | None = None,
  overwrite: bool = False,
) -> pathlib.Path:
  """Writes structures as an RTSTRUCT on the series they were found on.

  A mask is outlined along its voxels' edges, so `read_rtstruct` gives it back
  to the voxel; polygons are written as they are. Coordinates have at most four
  decimals, within 5e-5 mm. The file is in explicit VR little endian, whose
  contours hold 64 kB each; one that is longer loses the points on straight
  lines, and if that is not enough the whole file is in implicit VR. It is
  marked UNAPPROVED.

  Args:
    path: The file to write; folders are made.
    structures: Name to a bool mask `[slice, row, column]` on the image's grid,
      to polygons (points `[P, 3]`, LPS mm, each in the plane of a slice), or to
      an `RtStructure`. A canonical name is written as TG-263 has it, any other
      as it stands. Without any contour, the structure is written as empty.
    ct: The image, with patient, study and frame of reference.
    label: StructureSetLabel, at most 16 characters.
    series_description: SeriesDescription, at most 64 characters.
    holes: "separate": contours of their own within the outer one; "keyhole":
      joined to the outer contour by a bridge, for systems that fill every
      contour.
    seed: The new UIDs follow from it and from the content; None: by chance.
    now: Date and time of the structure set; None: the clock's.
    overwrite: Whether an existing file may be replaced.

  Returns:
    The path.

  Raises:
    GeometryError: A mask is not on the image's grid, or a polygon lies in no
      slice.
    DataError: A name or text cannot be written, two structures have one name,
      or the image lacks what must be referred to.
    ConfigError: `holes` is unknown.
    ExistingOutputError: The file exists.

  References:
    DICOM PS3.3, sections A.19, C.8.8.5, C.8.8.6 and C.8.8.8; PS3.5, 6.2.
  """
  where = pathlib.Path(path)
  if holes not in _rt_structure.HOLES:
    raise errors.ConfigError(
      f"holes is {holes!r}; give one of {', '.join(_rt_structure.HOLES)}"
    )
  if where.is_dir() or (where.exists() and not overwrite):
    raise errors.ExistingOutputError(
      f"{where}: exists already; give another path"
      + ("" if where.is_dir() else ", or set overwrite")
    )
  label = _rt_structure.checked_text(label, 16, "label")
  if not label:
    raise errors.DataError("label is empty; give 1 to 16 characters")
  series_description = _rt_structure.checked_text(
    series_description, 64, "series_description"
  )
  _check_image(ct)
  rois = _rt_structure.drawn(structures, ct, holes=holes)
  if not rois:
    raise errors.DataError(
      f"{where}: there are no structures to write; give at least one"
    )
  texts, counts = _coordinates(rois)
  series_uid, instance_uid = _new_uids(
    ct, rois, texts, seed, (label, series_description)
  )
  dataset = _general(ct, now or datetime.datetime.now(), label)
  _put(
    dataset,
    SOPInstanceUID=instance_uid,
    SeriesInstanceUID=series_uid,
    SeriesDescription=series_description,
    **_sequences(rois, texts, counts, ct),
  )
  _say_character_set(dataset, [roi.name + roi.description for roi in rois])
  too_long = any(len(text) > _LONGEST for one in texts for text in one)
  _files.write_bytes(where, _encoded(dataset, implicit=too_long))
  return where


def _check_image(ct: _image.Image) -> None:
  """Refuses an image to which nothing can refer."""
  for keyword, found in (
    ("FrameOfReferenceUID", ct.frame_of_reference_uid),
    ("StudyInstanceUID", ct.study_uid),
    ("SOPInstanceUID", "".join(ct.instances)),
  ):
    if not found:
      raise errors.DataError(
        f"{ct.paths[0]}: {_header.named(keyword)} is missing, so no structure"
        " set can refer to the image; re-export it"
      )


def _put(dataset: Dataset, **values: Any) -> None:
  """Sets attributes as they are: what was the image's must stay the same."""
  for keyword, found in values.items():
    tag = datadict.tag_for_keyword(keyword)
    dataset[keyword] = pydicom.DataElement(
      tag or 0,
      datadict.dictionary_VR(tag or 0),
      found,
      validation_mode=pydicom_config.IGNORE,
    )


def _item(**values: Any) -> Dataset:
  """An item of a sequence."""
  made = Dataset()
  _put(made, **values)
  return made


def _general(ct: _image.Image, now: datetime.datetime, label: str) -> Dataset:
  """Patient, study, series, equipment and the heading of the structure set."""
  dataset = Dataset()
  for keyword in (*_ALWAYS, *_IF_PRESENT):
    text = _header.text(ct.header, keyword, ct.paths[0])
    if text or keyword in _ALWAYS:
      _put(dataset, **{keyword: text})
  date, time = now.strftime("%Y%m%d"), now.strftime("%H%M%S")
  _put(
    dataset,
    SOPClassUID=uids.RTStructureSetStorage,
    Modality="RTSTRUCT",
    StudyInstanceUID=ct.study_uid,
    FrameOfReferenceUID=ct.frame_of_reference_uid,
    InstanceCreationDate=date,
    InstanceCreationTime=time,
    SeriesDate=date,
    SeriesTime=time,
    SeriesNumber=None,
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


def _say_character_set(dataset: Dataset, texts: Sequence[str]) -> None:
  """UTF-8 where ASCII is not enough; without the attribute it is ASCII."""
  own = [str(element.value) for element in dataset if element.VR != "SQ"]
  if not "".join([*own, *texts]).isascii():
    _put(dataset, SpecificCharacterSet="ISO_IR 192")


def _new_uids(
  ct: _image.Image,
  rois: Sequence[_rt_structure.Drawn],
  texts: Sequence[Sequence[str]],
  seed: int | str | None,
  labels: Sequence[str],
) -> tuple[str, str]:
  """UIDs of the new series and instance."""
  if seed is None:
    return f"2.25.{uuid.uuid4().int}", f"2.25.{uuid.uuid4().int}"
  content = hashlib.sha256()
  # Other content is another instance, whatever the seed.
  for part in (jaxseg.__version__, seed, ct.series_uid, *labels):
    content.update(repr(part).encode("utf-8"))
  for roi, contours in zip(rois, texts, strict=True):
    about = (
      roi.name, roi.color, roi.interpreted_type, roi.description,
      roi.generation_algorithm, len(contours),
    )  # fmt: skip
    content.update(repr(about).encode("utf-8"))
    for text in contours:
      content.update(text.encode("ascii") + b"\n")
  digest = content.hexdigest()
  series, instance = (
    uuid.uuid5(_NAMESPACE, f"{kind} {digest}")
    for kind in ("series", "instance")
  )
  return f"2.25.{series.int}", f"2.25.{instance.int}"


def _coordinates(
  rois: Sequence[_rt_structure.Drawn],
) -> tuple[list[list[str]], list[list[int]]]:
  """ContourData and number of points of every contour."""
  texts, counts = [], []
  for roi in rois:
    texts.append(_decimal.joined(roi.contours))
    counts.append([len(points) for points in roi.contours])
    for index, text in enumerate(texts[-1]):
      if len(text) > _LONGEST:
        points = without_straight(roi.contours[index])
        counts[-1][index] = len(points)
        (texts[-1][index],) = _decimal.joined([points])
  return texts, counts


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
  # Many small bends may add up: then the line between corners is not straight,
  # and all of its points stay.
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


def _sequences(
  rois: Sequence[_rt_structure.Drawn],
  texts: Sequence[Sequence[str]],
  counts: Sequence[Sequence[int]],
  ct: _image.Image,
) -> dict[str, list[Dataset]]:
  """The sequences of the structure set, its contours and observations."""
  images = _ImageReferences(ct)
  about, contours, observed = [], [], []
  for number, (roi, own_texts, own_counts) in enumerate(
    zip(rois, texts, counts, strict=True), start=1
  ):
    described = _item(
      ROINumber=number,
      ReferencedFrameOfReferenceUID=ct.frame_of_reference_uid,
      ROIName=roi.name,
      ROIGenerationAlgorithm=roi.generation_algorithm,
    )
    if roi.description:
      _put(described, ROIGenerationDescription=roi.description)
    about.append(described)
    shape = _item(ROIDisplayColor=list(roi.color), ReferencedROINumber=number)
    if own_texts:
      _put(shape, ContourSequence=list(
        _contours(roi.slices, own_texts, own_counts, images)
      ))  # fmt: skip
    contours.append(shape)
    observed.append(
      _item(
        ObservationNumber=number,
        ReferencedROINumber=number,
        RTROIInterpretedType=roi.interpreted_type,
        ROIInterpreter="",
      )
    )
  series = _item(
    SeriesInstanceUID=ct.series_uid, ContourImageSequence=images.all()
  )
  study = _item(
    ReferencedSOPClassUID=_STUDY_CLASS,
    ReferencedSOPInstanceUID=ct.study_uid,
    RTReferencedSeriesSequence=[series],
  )
  frame = _item(
    FrameOfReferenceUID=ct.frame_of_reference_uid,
    RTReferencedStudySequence=[study],
  )
  return {
    "ReferencedFrameOfReferenceSequence": [frame],
    "StructureSetROISequence": about,
    "ROIContourSequence": contours,
    "RTROIObservationsSequence": observed,
  }


def _contours(
  slices: Sequence[int],
  texts: Sequence[str],
  counts: Sequence[int],
  images: "_ImageReferences",
) -> Iterator[Dataset]:
  """The items of a Contour Sequence."""
  data = datadict.tag_for_keyword("ContourData") or 0
  for number, (index, text, count) in enumerate(
    zip(slices, texts, counts, strict=True), start=1
  ):
    item = _item(
      ContourGeometricType="CLOSED_PLANAR",
      NumberOfContourPoints=count,
      ContourNumber=number,
    )
    one = images.of(index)
    if one is not None:
      _put(item, ContourImageSequence=[one])
    # pydicom would make an object of every number.
    item[data] = pydicom.DataElement(data, "DS", text, already_converted=True)
    yield item


class _ImageReferences:
  """References to the images of a series, frames of a multi-frame one too."""

  def __init__(self, ct: _image.Image):
    self._class = ct.sop_class_uid
    frames = ct.frames or (0,) * len(ct.instances)
    self._of = list(zip(ct.instances, frames, strict=True))
    self._frames: dict[str, set[int]] = {}
    for instance, frame in self._of:
      # A slice that was interpolated has no image to refer to.
      if instance:
        self._frames.setdefault(instance, set()).add(frame)

  def of(self, index: int) -> Dataset | None:
    """The image of a slice, None where there is none."""
    instance, frame = self._of[index]
    return self._reference(instance, {frame}) if instance else None

  def all(self) -> list[Dataset]:
    """Every image, in the order of the slices."""
    return [self._reference(*pair) for pair in self._frames.items()]

  def _reference(self, instance: str, frames: set[int]) -> Dataset:
    item = _item(
      ReferencedSOPClassUID=self._class, ReferencedSOPInstanceUID=instance
    )
    # The standard wants frame numbers only where not all frames are meant.
    count = max(self._frames[instance])
    if count and frames != set(range(1, count + 1)):
      _put(item, ReferencedFrameNumber=sorted(frames))
    return item


def _encoded(dataset: Dataset, *, implicit: bool) -> bytes:
  """The file's bytes."""
  meta = pydicom.dataset.FileMetaDataset()
  meta.MediaStorageSOPClassUID = dataset.SOPClassUID
  meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
  meta.TransferSyntaxUID = (
    uids.ImplicitVRLittleEndian if implicit else uids.ExplicitVRLittleEndian
  )
  dataset.file_meta = meta
  buffer = io.BytesIO()
  pydicom.dcmwrite(buffer, dataset, enforce_file_format=True)
  return buffer.getvalue()
