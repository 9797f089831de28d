"""RTSTRUCT files: structures as contours, for planning systems to read."""

from collections.abc import Mapping, Sequence
import datetime
import hashlib
import io
import os
import pathlib
import uuid

import pydicom
from pydicom import config as pydicom_config
from pydicom import datadict
from pydicom import uid as uids
from pydicom import valuerep
from pydicom.dataset import Dataset

import jaxseg
from jaxseg import _files
from jaxseg import errors
from jaxseg.dicom import _header
from jaxseg.dicom import _image
from jaxseg.dicom import _rt_sequences
from jaxseg.dicom import _rt_structure

_NAMESPACE = uuid.UUID("5f0c1f9e-6a55-5f0e-9d0a-3b1f6f0c8f11")

# Of the image's header. Who the patient is must stay the same to the letter;
# of the others, which the standard allows to be empty, what breaks its rules
# is left out: a StudyID of 17 characters would make this file invalid, too.
_PATIENT = ("PatientName", "PatientID")
_MAY_BE_EMPTY = (
  "PatientBirthDate", "PatientSex", "StudyDate", "StudyTime", "StudyID",
  "AccessionNumber", "ReferringPhysicianName", "PositionReferenceIndicator",
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
  marked UNAPPROVED. Patient and study are the image's; of the study's texts,
  one that breaks the standard's rules (too long, no date) is left empty.

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
  contours = [_rt_sequences.encoded(roi) for roi in rois]
  series_uid, instance_uid = _new_uids(
    ct, rois, contours, seed, (label, series_description)
  )
  dataset = _general(ct, now or datetime.datetime.now(), label)
  _rt_sequences.put(
    dataset,
    SOPInstanceUID=instance_uid,
    SeriesInstanceUID=series_uid,
    SeriesDescription=series_description,
    **_rt_sequences.sequences(rois, contours, ct),
  )
  _say_character_set(dataset, [roi.name + roi.description for roi in rois])
  too_long = any(one.is_long for own in contours for one in own)
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


def _general(ct: _image.Image, now: datetime.datetime, label: str) -> Dataset:
  """Patient, study, series, equipment and the heading of the structure set."""
  dataset = Dataset()
  for keyword in (*_PATIENT, *_MAY_BE_EMPTY, *_IF_PRESENT):
    text = _header.text(ct.header, keyword, ct.paths[0])
    readable = "\ufffd" not in text
    if keyword in _PATIENT and not readable:
      raise errors.DataError(
        f"{ct.paths[0]}: {_header.named(keyword)} is not in the character set"
        " that the file names, so another patient would be written;"
        " re-export the image"
      )
    if keyword not in _PATIENT and not (readable and _is_valid(keyword, text)):
      text = ""
    if text or keyword not in _IF_PRESENT:
      _rt_sequences.put(dataset, **{keyword: text})
  date, time = now.strftime("%Y%m%d"), now.strftime("%H%M%S")
  _rt_sequences.put(
    dataset,
    SOPClassUID=uids.RTStructureSetStorage,
    Modality="RTSTRUCT",
    StudyInstanceUID=ct.study_uid,
    FrameOfReferenceUID=ct.frame_of_reference_uid,
    InstanceCreationDate=date,
    InstanceCreationTime=time,
    SeriesDate=date,
    SeriesTime=time,
    SeriesNumber=1000,  # Not that of the images, as a rule.
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


def _is_valid(keyword: str, text: str) -> bool:
  """Whether the standard allows the value."""
  try:
    valuerep.validate_value(
      datadict.dictionary_VR(keyword), text, pydicom_config.RAISE
    )
  except ValueError:
    return False
  return True


def _say_character_set(dataset: Dataset, texts: Sequence[str]) -> None:
  """UTF-8 where ASCII is not enough; without the attribute it is ASCII."""
  own = [str(element.value) for element in dataset if element.VR != "SQ"]
  if not "".join([*own, *texts]).isascii():
    _rt_sequences.put(dataset, SpecificCharacterSet="ISO_IR 192")


def _new_uids(
  ct: _image.Image,
  rois: Sequence[_rt_structure.Drawn],
  contours: Sequence[Sequence[_rt_sequences.Encoded]],
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
  for roi, own in zip(rois, contours, strict=True):
    about = (
      roi.name, roi.color, roi.interpreted_type, roi.description,
      roi.generation_algorithm, len(own),
    )  # fmt: skip
    content.update(repr(about).encode("utf-8"))
    for one in own:
      content.update(f"{one.index} {one.text}\n".encode("ascii"))
  digest = content.hexdigest()
  series, instance = (
    uuid.uuid5(_NAMESPACE, f"{kind} {digest}")
    for kind in ("series", "instance")
  )
  return f"2.25.{series.int}", f"2.25.{instance.int}"


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
