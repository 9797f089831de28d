"""Small CT series, valid by the standard, for tests to spoil."""

from collections.abc import Callable, Sequence
import pathlib
import warnings

import numpy as np
import pydicom
from pydicom import uid as uids
from pydicom.dataset import Dataset

SOP_CLASS = {
  "CT": uids.CTImageStorage,
  "MR": uids.MRImageStorage,
  "PT": uids.PositronEmissionTomographyImageStorage,
}


def uid(*parts: object) -> str:
  """A UID that depends on its parts alone."""
  return uids.generate_uid(entropy_srcs=["jaxseg test", *map(str, parts)])


def ct_series(
  folder: pathlib.Path,
  *,
  shape: tuple[int, int, int] = (5, 16, 20),
  spacing: tuple[float, float, float] = (3.0, 1.5, 1.0),
  iop: Sequence[float] = (1, 0, 0, 0, 1, 0),
  ipp: Sequence[float] = (-10, -20, 30),
  seed: int = 0,
  slope: float = 1,
  intercept: float | None = -1024,
  modality: str = "CT",
  change: Callable[[Dataset, int], object] | None = None,
) -> list[pathlib.Path]:
  """Writes a series, one file a slice, under names out of order.

  Args:
    folder: Made if it is missing.
    shape: Slices, rows, columns.
    spacing: Between slices, rows, columns, mm.
    iop: ImageOrientationPatient.
    ipp: ImagePositionPatient of the first slice.
    seed: Decides pixels and UIDs.
    slope: RescaleSlope.
    intercept: RescaleIntercept, None leaves it out.
    modality: "CT", "MR" or "PT".
    change: Called with each data set and the slice's index before it is
      written; returning False leaves the slice out.

  Returns:
    The files, in the order of the slices along the normal.
  """
  folder.mkdir(parents=True, exist_ok=True)
  values = stored(shape, seed)
  direction = np.array(iop, np.float64)
  normal = np.cross(direction[:3], direction[3:])
  paths = []
  for index in range(shape[0]):
    dataset = _slice(values[index], seed, index, modality)
    dataset.PixelSpacing = [spacing[1], spacing[2]]
    dataset.SliceThickness = spacing[0]
    dataset.ImageOrientationPatient = [float(v) for v in iop]
    where = np.array(ipp, np.float64) + index * spacing[0] * normal
    dataset.ImagePositionPatient = [round(float(v), 6) for v in where]
    dataset.InstanceNumber = shape[0] - index  # It must not matter.
    if modality != "MR":
      dataset.RescaleSlope = slope
      dataset.RescaleType = "HU"
      if intercept is not None:
        dataset.RescaleIntercept = intercept
    if change is not None and change(dataset, index) is False:
      continue
    paths.append(folder / f"{(index * 7 + 3) % 11}_{index}.img")
    write(dataset, paths[-1])
  return paths


def stored(shape: tuple[int, int, int], seed: int = 0) -> np.ndarray:
  """The stored values of a series, uint16."""
  return np.random.default_rng(seed).integers(0, 3000, shape, np.uint16)


def write(dataset: Dataset, path: pathlib.Path) -> None:
  """Writes a data set as a DICOM file, whatever it holds."""
  with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    pydicom.dcmwrite(path, dataset, enforce_file_format=True)


def _slice(values: np.ndarray, seed: int, index: int, modality: str) -> Dataset:
  dataset = Dataset()
  dataset.file_meta = pydicom.dataset.FileMetaDataset()
  dataset.file_meta.TransferSyntaxUID = uids.ExplicitVRLittleEndian
  dataset.SOPClassUID = SOP_CLASS[modality]
  dataset.SOPInstanceUID = uid(seed, "instance", index)
  dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID
  dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
  dataset.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
  dataset.StudyDate = dataset.SeriesDate = dataset.ContentDate = "20200102"
  dataset.StudyTime = dataset.ContentTime = "101112"
  dataset.AccessionNumber = dataset.ReferringPhysicianName = ""
  dataset.Modality = modality
  dataset.Manufacturer = "jaxseg tests"
  dataset.SeriesDescription = "made up"
  dataset.PatientName, dataset.PatientID = "Nobody^At All", f"P{seed}"
  dataset.PatientBirthDate, dataset.PatientSex = "", "O"
  dataset.StudyInstanceUID = uid(seed, "study")
  dataset.SeriesInstanceUID = uid(seed, "series", modality)
  dataset.FrameOfReferenceUID = uid(seed, "frame of reference")
  dataset.StudyID, dataset.SeriesNumber = "1", 1
  dataset.PatientPosition, dataset.PositionReferenceIndicator = "HFS", ""
  dataset.KVP, dataset.AcquisitionNumber = 120, 1
  dataset.SamplesPerPixel = 1
  dataset.PhotometricInterpretation = "MONOCHROME2"
  dataset.Rows, dataset.Columns = values.shape
  dataset.BitsAllocated = dataset.BitsStored = 16
  dataset.HighBit, dataset.PixelRepresentation = 15, 0
  dataset.PixelData = values.tobytes()
  return dataset
