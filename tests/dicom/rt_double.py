"""Small structure sets for tests to spoil."""

from collections.abc import Callable, Sequence
import dataclasses
import pathlib
from typing import Any
import warnings

import numpy as np
import pydicom
from pydicom import uid as uids
from pydicom.dataset import Dataset

from tests.dicom.ct_double import uid


@dataclasses.dataclass
class Drawn:
  """A contour as a test wants it: points mm LPS `[P, 3]`, or text."""

  points: Any
  kind: str = "CLOSED_PLANAR"
  images: Sequence[str] = ()
  count: int | None = None


def square(
  z: float, low: float = 0.0, high: float = 6.0, *, y: float | None = None
) -> np.ndarray:
  """A square [low, high] x [low or y, ...] in an axial plane."""
  y0 = low if y is None else y
  y1 = y0 + high - low
  return np.array(
    [[low, y0, z], [high, y0, z], [high, y1, z], [low, y1, z]], np.float64
  )


def structure_set(
  path: pathlib.Path,
  rois: dict[str, Sequence[Drawn | np.ndarray] | None],
  *,
  seed: int = 0,
  series: str | None = None,
  frame: str | None = None,
  implicit: bool = True,
  change: Callable[[Dataset], object] | None = None,
) -> pathlib.Path:
  """Writes an RTSTRUCT on the series that `ct_series` makes with that seed.

  Args:
    path: Where.
    rois: Name -> contours; None for a ROI without an item of contours.
    seed: Of the CT series it refers to.
    series: Another SeriesInstanceUID to refer to, "" for none.
    frame: Another FrameOfReferenceUID, "" for none.
    implicit: Transfer syntax.
    change: Called with the data set before it is written.

  Returns:
    The path.
  """
  series = uid(seed, "series", "CT") if series is None else series
  frame = uid(seed, "frame of reference") if frame is None else frame
  dataset = Dataset()
  dataset.file_meta = pydicom.dataset.FileMetaDataset()
  dataset.file_meta.TransferSyntaxUID = (
    uids.ImplicitVRLittleEndian if implicit else uids.ExplicitVRLittleEndian
  )
  dataset.SOPClassUID = uids.RTStructureSetStorage
  dataset.SOPInstanceUID = uid(seed, "structure set", path.name)
  dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID
  dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
  dataset.Modality, dataset.PatientID = "RTSTRUCT", f"P{seed}"
  dataset.PatientName = "Nobody^At All"
  dataset.StudyInstanceUID = uid(seed, "study")
  dataset.SeriesInstanceUID = uid(seed, "rt series", path.name)
  dataset.StructureSetLabel = "plan"
  dataset.StructureSetDate, dataset.StructureSetTime = "20200103", "101112"
  if frame or series:
    reference, study, images = Dataset(), Dataset(), Dataset()
    reference.FrameOfReferenceUID = frame
    images.SeriesInstanceUID = series
    study.RTReferencedSeriesSequence = [images]
    reference.RTReferencedStudySequence = [study]
    dataset.ReferencedFrameOfReferenceSequence = [reference]
  about, drawn, observed = [], [], []
  for number, (name, contours) in enumerate(rois.items(), start=3):
    roi = Dataset()
    roi.ROINumber, roi.ROIName = number, name
    roi.ReferencedFrameOfReferenceUID = frame
    roi.ROIGenerationAlgorithm = "MANUAL"
    about.append(roi)
    seen = Dataset()
    seen.ObservationNumber = seen.ReferencedROINumber = number
    seen.RTROIInterpretedType, seen.ROIInterpreter = "ORGAN", ""
    observed.append(seen)
    if contours is None:
      continue
    item = Dataset()
    item.ReferencedROINumber = number
    item.ROIDisplayColor = [255, number, 0]
    item.ContourSequence = [_contour(one) for one in contours]
    drawn.append(item)
  dataset.StructureSetROISequence = about
  dataset.ROIContourSequence = drawn
  dataset.RTROIObservationsSequence = observed
  if change is not None:
    change(dataset)
  path.parent.mkdir(parents=True, exist_ok=True)
  with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    pydicom.dcmwrite(path, dataset, enforce_file_format=True)
  return path


def _contour(one: Drawn | np.ndarray) -> Dataset:
  one = one if isinstance(one, Drawn) else Drawn(one)
  item = Dataset()
  item.ContourGeometricType = one.kind
  if isinstance(one.points, str):
    # In implicit VR nobody sees that it was written as text.
    item.add_new("ContourData", "UT", one.points)
    item.NumberOfContourPoints = one.count or 4
  else:
    points = np.asarray(one.points, np.float64)
    text = "\\".join(f"{v:.10g}"[:16] for v in points.ravel())
    item.add_new("ContourData", "UN", text.encode("ascii"))
    item.NumberOfContourPoints = len(points) if one.count is None else one.count
  if one.images:
    item.ContourImageSequence = [_image(instance) for instance in one.images]
  return item


def _image(instance: str) -> Dataset:
  item = Dataset()
  item.ReferencedSOPClassUID = uids.CTImageStorage
  item.ReferencedSOPInstanceUID = instance
  return item
