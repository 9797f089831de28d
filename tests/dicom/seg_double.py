"""Small SEG files, made with pydicom alone, for tests to spoil."""

from collections.abc import Callable, Sequence
import pathlib

import numpy as np
import pydicom
from pydicom import uid as uids
from pydicom.dataset import Dataset

from tests.dicom.ct_double import uid
from tests.dicom.ct_double import write


def item(**values) -> Dataset:
  made = Dataset()
  for keyword, value in values.items():
    setattr(made, keyword, value)
  return made


def code(value: str, meaning: str) -> list[Dataset]:
  return [
    item(CodeValue=value, CodingSchemeDesignator="SCT", CodeMeaning=meaning)
  ]


def seg(
  path: pathlib.Path,
  frames: Sequence[tuple[int, int, np.ndarray]],
  *,
  kind: str = "BINARY",
  labels: Sequence[str] = ("a", "b"),
  numbers: Sequence[int] | None = None,
  spacing: tuple[float, float, float] = (3.0, 1.5, 1.0),
  ipp: Sequence[float] = (-10, -20, 30),
  seed: int = 0,
  change: Callable[[Dataset], object] | None = None,
) -> pathlib.Path:
  """Writes a segmentation of `ct_double.ct_series`'s default geometry.

  Args:
    path: The file.
    frames: Slice, segment number and pixels of each, in the file's order.
    kind: SegmentationType.
    labels: SegmentLabels.
    numbers: SegmentNumbers, from 1 if None.
    spacing: Between slices, rows, columns, mm.
    ipp: ImagePositionPatient of slice 0.
    seed: That of the CT series it refers to.
    change: Called with the data set before it is written.
  """
  dataset = Dataset()
  dataset.file_meta = pydicom.dataset.FileMetaDataset()
  dataset.file_meta.TransferSyntaxUID = uids.ExplicitVRLittleEndian
  label_map = kind == "LABELMAP"
  dataset.SOPClassUID = uids.UID(
    "1.2.840.10008.5.1.4.1.1.66.7" if label_map else uids.SegmentationStorage
  )
  dataset.SOPInstanceUID = uid(seed, "seg instance")
  dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID
  dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
  dataset.Modality = "SEG"
  dataset.PatientName, dataset.PatientID = "Nobody^At All", f"P{seed}"
  dataset.StudyInstanceUID = uid(seed, "study")
  dataset.SeriesInstanceUID = uid(seed, "seg series")
  dataset.FrameOfReferenceUID = uid(seed, "frame of reference")
  dataset.SegmentationType = kind
  if kind == "FRACTIONAL":
    dataset.SegmentationFractionalType = "PROBABILITY"
    dataset.MaximumFractionalValue = 100
  numbers = numbers or range(1, 1 + len(labels))
  dataset.SegmentSequence = [
    item(
      SegmentNumber=number,
      SegmentLabel=label,
      SegmentAlgorithmType="MANUAL",
      SegmentedPropertyCategoryCodeSequence=code("91723000", "Anatomy"),
      SegmentedPropertyTypeCodeSequence=code("2748008", "Spinal cord"),
    )
    for number, label in zip(numbers, labels, strict=True)
  ]
  dataset.ReferencedSeriesSequence = [
    item(SeriesInstanceUID=uid(seed, "series", "CT"))
  ]
  dataset.SharedFunctionalGroupsSequence = [
    item(
      PlaneOrientationSequence=[
        item(ImageOrientationPatient=[1, 0, 0, 0, 1, 0])
      ],
      PixelMeasuresSequence=[
        item(
          PixelSpacing=list(spacing[1:]),
          SpacingBetweenSlices=spacing[0],
          SliceThickness=spacing[0],
        )
      ],
    )
  ]
  groups = []
  for index, number, _ in frames:
    place = [ipp[0], ipp[1], ipp[2] + index * spacing[0]]
    group = item(
      PlanePositionSequence=[item(ImagePositionPatient=place)],
    )
    if not label_map:
      group.SegmentIdentificationSequence = [
        item(ReferencedSegmentNumber=number)
      ]
    groups.append(group)
  dataset.PerFrameFunctionalGroupsSequence = groups
  pixels = np.stack([pixels for _, _, pixels in frames])
  dataset.NumberOfFrames, dataset.Rows, dataset.Columns = pixels.shape
  dataset.SamplesPerPixel = 1
  dataset.PhotometricInterpretation = "MONOCHROME2"
  dataset.PixelRepresentation = 0
  bits = 1 if kind == "BINARY" else 8
  dataset.BitsAllocated = dataset.BitsStored = bits
  dataset.HighBit = bits - 1
  if bits == 1:
    data = np.packbits(pixels.ravel() != 0, bitorder="little").tobytes()
  else:
    data = pixels.astype(np.uint8).tobytes()
  dataset.PixelData = data + b"\0" * (len(data) % 2)
  dataset["PixelData"].VR = "OB"
  if change is not None:
    change(dataset)
  path.parent.mkdir(parents=True, exist_ok=True)
  write(dataset, path)
  return path
