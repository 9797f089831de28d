"""RTSTRUCT files: structures as contours, for planning systems to read."""

from collections.abc import Mapping, Sequence
import datetime
import hashlib
import os
import pathlib

from pydicom import uid as uids
from pydicom.dataset import Dataset

import jaxseg
from jaxseg import _files
from jaxseg import errors
from jaxseg.dicom import _dataset
from jaxseg.dicom import _image
from jaxseg.dicom import _patient
from jaxseg.dicom import _rt_sequences
from jaxseg.dicom import _rt_structure


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
  _files.check_free(where, overwrite=overwrite)
  label = _rt_structure.checked_text(label, 16, "label")
  if not label:
    raise errors.DataError("label is empty; give 1 to 16 characters")
  series_description = _rt_structure.checked_text(
    series_description, 64, "series_description"
  )
  _patient.check_image(ct)
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
  _dataset.put(
    dataset,
    SOPInstanceUID=instance_uid,
    SeriesInstanceUID=series_uid,
    SeriesDescription=series_description,
    **_rt_sequences.sequences(rois, contours, ct),
  )
  _patient.say_character_set(
    dataset, [roi.name + roi.description for roi in rois]
  )
  too_long = any(one.is_long for own in contours for one in own)
  _files.write_bytes(where, _dataset.encoded(dataset, implicit=too_long))
  return where


def _general(ct: _image.Image, now: datetime.datetime, label: str) -> Dataset:
  """Patient, study, series, equipment and the heading of the structure set."""
  dataset = Dataset()
  _patient.copy(ct, dataset)
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


def _new_uids(
  ct: _image.Image,
  rois: Sequence[_rt_structure.Drawn],
  contours: Sequence[Sequence[_rt_sequences.Encoded]],
  seed: int | str | None,
  labels: Sequence[str],
) -> tuple[str, str]:
  """UIDs of the new series and instance."""
  if seed is None:
    return _dataset.new_uid(), _dataset.new_uid()
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
  return (
    _dataset.new_uid(f"series {digest}"),
    _dataset.new_uid(f"instance {digest}"),
  )
