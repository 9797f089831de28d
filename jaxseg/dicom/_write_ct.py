"""Writes a volume as a CT series, one file per slice."""

import datetime
import os
import pathlib

import numpy as np
from pydicom import uid as uids
from pydicom.dataset import Dataset

import jaxseg
from jaxseg import _files
from jaxseg import errors
from jaxseg import volume as volumes
from jaxseg.dicom import _codes
from jaxseg.dicom import _dataset
from jaxseg.dicom import _decimals

_RIGHT_ANGLE = 1e-4


def write_ct(
  folder: str | os.PathLike,
  image: volumes.Volume,
  *,
  patient_id: str,
  patient_name: str = "",
  series_description: str = "",
  body_part: str = "HEADNECK",
  seed: int | str | None = None,
  now: datetime.datetime | None = None,
) -> pathlib.Path:
  """Writes a volume in Hounsfield units as a CT series of a new study.

  Args:
    folder: A folder that does not exist; it appears once it is complete.
    image: int16 HU. Its axes must be at right angles, and its slices ascend
      along (column direction) x (row direction), as `read_ct` gives them.
    patient_id: PatientID, at most 64 characters.
    patient_name: PatientName, at most 64 characters.
    series_description: SeriesDescription, at most 64 characters.
    body_part: BodyPartExamined, a defined term of an unpaired body part.
    seed: The new UIDs follow from it and from the content; None draws random
      UIDs.
    now: Date and time of the study; None is the present.

  Returns:
    The folder.

  Raises:
    DataError: The image is not int16, or a text cannot be written.
    GeometryError: A CT series cannot have such axes.
    ExistingOutputError: The folder exists.

  References:
    DICOM PS3.3, sections A.3 and C.8.2.
  """
  where = pathlib.Path(folder)
  if where.exists():
    raise errors.ExistingOutputError(
      f"{where}: exists already; give another path"
    )
  if image.array.dtype != np.int16:
    raise errors.DataError(
      f"image is {image.array.dtype}, not int16 HU; round and convert it"
    )
  texts = [
    _codes.checked_text(text, 64, name)
    for name, text in (
      ("patient_id", patient_id),
      ("patient_name", patient_name),
      ("series_description", series_description),
      ("body_part", body_part),
    )
  ]
  steps = image.affine[:3, :3].T
  _check_axes(steps)
  new = _dataset.Uids(seed, [(seed, texts), image.array, image.affine])
  common = _common(image, texts, new, now or datetime.datetime.now())
  with _files.new_folder(where) as temporary:
    for index, pixels in enumerate(image.array):
      dataset = Dataset()
      dataset.update(common)
      position = image.affine[:3, 3] + index * steps[0]
      _dataset.put(
        dataset,
        SOPInstanceUID=new.of(f"ct instance {index}"),
        InstanceNumber=index + 1,
        ImagePositionPatient=_decimals.exact(position),
        PixelData=pixels.astype("<i2").tobytes(),
      )
      dataset["PixelData"].VR = "OW"
      name = f"{index + 1:04d}.dcm"
      (temporary / name).write_bytes(_dataset.encoded(dataset))
  return where


def _check_axes(steps: np.ndarray) -> None:
  """Refuses axes that a series of slices cannot have."""
  unit = steps / np.linalg.norm(steps, axis=1, keepdims=True)
  across = np.cross(unit[2], unit[1])
  if not np.allclose(across, unit[0], rtol=0, atol=_RIGHT_ANGLE):
    raise errors.GeometryError(
      "the axes are not at right angles, or the slices descend; reverse the"
      " slices or resample the volume"
    )


def _common(
  image: volumes.Volume,
  texts: list[str],
  new: _dataset.Uids,
  now: datetime.datetime,
) -> Dataset:
  """What all slices share."""
  date, time = now.strftime("%Y%m%d"), now.strftime("%H%M%S")
  steps = image.affine[:3, :3].T
  gap, row, column = image.spacing
  direction = [*(steps[2] / column), *(steps[1] / row)]
  supine = np.allclose(direction, [1, 0, 0, 0, 1, 0], rtol=0, atol=1e-6)
  dataset = _dataset.item(
    ImageType=["ORIGINAL", "PRIMARY", "AXIAL"],
    SOPClassUID=uids.CTImageStorage,
    StudyDate=date,
    SeriesDate=date,
    ContentDate=date,
    StudyTime=time,
    SeriesTime=time,
    ContentTime=time,
    AccessionNumber="",
    Modality="CT",
    Manufacturer="jaxseg",
    ManufacturerModelName="jaxseg",
    SoftwareVersions=jaxseg.__version__,
    ReferringPhysicianName="",
    SeriesDescription=texts[2],
    PatientName=texts[1],
    PatientID=texts[0],
    PatientBirthDate="",
    PatientSex="",
    BodyPartExamined=texts[3],
    SliceThickness=_decimals.exact([gap])[0],
    KVP="",
    PatientPosition="HFS" if supine else "",
    StudyInstanceUID=new.of("ct study"),
    SeriesInstanceUID=new.of("ct series"),
    StudyID="1",
    SeriesNumber=1,
    AcquisitionNumber=1,
    ImageOrientationPatient=_decimals.exact(direction),
    FrameOfReferenceUID=new.of("ct frame of reference"),
    PositionReferenceIndicator="",
    SamplesPerPixel=1,
    PhotometricInterpretation="MONOCHROME2",
    Rows=image.shape[1],
    Columns=image.shape[2],
    PixelSpacing=_decimals.exact([row, column]),
    BitsAllocated=16,
    BitsStored=16,
    HighBit=15,
    PixelRepresentation=1,
    RescaleIntercept="0",
    RescaleSlope="1",
    RescaleType="HU",
  )
  if not "".join(texts).isascii():
    _dataset.put(dataset, SpecificCharacterSet="ISO_IR 192")
  return dataset
