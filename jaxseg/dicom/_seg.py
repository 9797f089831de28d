"""SEG: segmentations as voxels, binary, fractional or as labels."""

import os
import pathlib

import numpy as np
from pydicom.dataset import Dataset

from jaxseg import _text
from jaxseg import errors
from jaxseg.dicom import _header
from jaxseg.dicom import _limits
from jaxseg.dicom import _pixels
from jaxseg.dicom import _seg_frames
from jaxseg.dicom import _series
from jaxseg.dicom._segmentation import Code
from jaxseg.dicom._segmentation import Segment
from jaxseg.dicom._segmentation import Segmentation

_KINDS = ("BINARY", "FRACTIONAL", "LABELMAP")
_FRACTIONS = ("PROBABILITY", "OCCUPANCY")


def read_seg(
  path: str | os.PathLike, *, limits: _limits.Limits = _limits.DEFAULT
) -> Segmentation:
  """Reads a DICOM segmentation of a volume.

  Args:
    path: The file, or a folder that holds just one.
    limits: Bounds on what is read.

  Returns:
    Its segments on its own grid; slices without a frame are empty.

  Raises:
    NotDicomError: The file is not DICOM.
    DataError: It is no segmentation of a volume, or malformed.
    GeometryError: Its frames are no stack.
    LimitError: It is over a bound.

  References:
    DICOM PS3.3, sections C.8.20 and A.51.
  """
  where = pathlib.Path(path)
  if where.is_dir():
    where = _series.only(where, "segmentation", limits)
  dataset = _header.read(where, pixels=True, limits=limits)
  sop_class = _header.text(dataset, "SOPClassUID", where)
  if sop_class not in _series.SEGMENTATIONS:
    raise errors.DataError(
      f"{where}: is {_header.text(dataset, 'Modality', where) or 'something'},"
      f" SOP class {_text.shown(sop_class)}, not a SEG; give the SEG"
    )
  kind = _header.text(dataset, "SegmentationType", where)
  if kind not in _KINDS:
    raise errors.DataError(
      f"{where}: {_header.named('SegmentationType')} is {_text.shown(kind)},"
      f" not {', '.join(_KINDS)}; re-export it"
    )
  segments = _segments(dataset, where)
  form = _pixels.layout(
    dataset, where, limits, allowed_bits=(1, 8, 16), palette=True
  )
  places = _seg_frames.read_places(
    dataset, where, form, limits, label_map=kind == "LABELMAP"
  )
  frames = _seg_frames.read_frames(dataset, where, limits, kind)
  notes = list(places.notes)
  highest, fraction = 1, None
  if kind == "FRACTIONAL":
    highest, fraction = _fraction(dataset, where)
  background = 0
  if kind == "LABELMAP":
    padding = _pixels.padding(dataset, form, where)
    background = 0 if padding is None else padding[0]
    found = np.unique(frames.values)
    numbers = {int(n) for n in found} - {0, background}
    segments = tuple(s for s in segments if s.number not in (0, background))
  else:
    numbers = {int(n) for n in places.segments}
    _check_twins(places, frames, where, notes)
  unnamed = sorted(numbers - {segment.number for segment in segments})
  if unnamed:
    notes.append(
      _text.Note(
        "nameless-segment", f"frames of segments {unnamed[:10]}, not described"
      )
    )
    segments += tuple(Segment(number=number) for number in unnamed)
  series, instances = _references(dataset, where)
  if not series:
    notes.append(
      _text.Note("no-source", "the segmentation names no source images")
    )
  return Segmentation(
    path=where,
    kind=kind,
    fractional_type=fraction,
    grid=places.grid,
    segments=segments,
    frames=frames,
    slices=places.slices,
    frame_segments=places.segments,
    highest=highest,
    frame_of_reference_uid=_header.text(dataset, "FrameOfReferenceUID", where),
    referenced_series=series,
    referenced_instances=instances,
    patient_id=_header.text(dataset, "PatientID", where),
    study_uid=_header.text(dataset, "StudyInstanceUID", where),
    series_uid=_header.text(dataset, "SeriesInstanceUID", where),
    sop_instance_uid=_header.text(dataset, "SOPInstanceUID", where),
    label=_header.text(dataset, "ContentLabel", where)
    or _header.text(dataset, "SeriesDescription", where),
    date=_header.text(dataset, "ContentDate", where),
    time=_header.text(dataset, "ContentTime", where),
    notes=tuple(notes),
  )


def _fraction(dataset: Dataset, path: pathlib.Path) -> tuple[int, str]:
  """Largest value and what fractions mean."""
  kind = _header.text(dataset, "SegmentationFractionalType", path)
  highest = _header.integer(dataset, "MaximumFractionalValue", path)
  if kind not in _FRACTIONS or highest is None or highest < 1:
    raise errors.DataError(
      f"{path}: SegmentationFractionalType (0062,0010) is {_text.shown(kind)}"
      f" and MaximumFractionalValue (0062,000E) {highest}; re-export it"
    )
  return highest, kind


def _segments(dataset: Dataset, path: pathlib.Path) -> tuple[Segment, ...]:
  segments: dict[int, Segment] = {}
  for item in _header.items(dataset, "SegmentSequence", path):
    number = _header.integer(item, "SegmentNumber", path)
    if number is None or number < 0 or number in segments:
      raise errors.DataError(
        f"{path}: {_header.named('SegmentNumber')} is {number}, missing or"
        " there twice; re-export the segmentation"
      )
    segments[number] = Segment(
      number=number,
      label=_header.text(item, "SegmentLabel", path),
      description=_header.text(item, "SegmentDescription", path),
      category=_code(item, "SegmentedPropertyCategoryCodeSequence", path),
      type=_code(item, "SegmentedPropertyTypeCodeSequence", path),
      algorithm_type=_header.text(item, "SegmentAlgorithmType", path),
      algorithm_name=_header.text(item, "SegmentAlgorithmName", path),
      tracking_id=_header.text(item, "TrackingID", path),
    )
  return tuple(segments[number] for number in sorted(segments))


def _code(item: Dataset, keyword: str, path: pathlib.Path) -> Code | None:
  for code in _header.items(item, keyword, path)[:1]:
    return Code(
      value=_header.text(code, "CodeValue", path)
      or _header.text(code, "LongCodeValue", path),
      scheme=_header.text(code, "CodingSchemeDesignator", path),
      meaning=_header.text(code, "CodeMeaning", path),
    )
  return None


def _references(
  dataset: Dataset, path: pathlib.Path
) -> tuple[tuple[str, ...], tuple[str, ...]]:
  """Series and instances that it was made of."""
  series, instances = [], []
  for one in _header.items(dataset, "ReferencedSeriesSequence", path):
    series.append(_header.text(one, "SeriesInstanceUID", path))
    for image in _header.items(one, "ReferencedInstanceSequence", path):
      instances.append(_header.text(image, "ReferencedSOPInstanceUID", path))
  return tuple(s for s in series if s), tuple(i for i in instances if i)


def _check_twins(
  places: _seg_frames.Places,
  frames: _seg_frames.Frames,
  path: pathlib.Path,
  notes: list[_text.Note],
) -> None:
  """Frames of one segment in one place must be equal."""
  seen: dict[tuple[int, int], int] = {}
  keys = zip(places.segments.tolist(), places.slices.tolist(), strict=True)
  for index, key in enumerate(keys):
    first = seen.setdefault(key, index)
    if first == index:
      continue
    if not np.array_equal(frames[first], frames[index]):
      raise errors.DataError(
        f"{path}: frames {first + 1} and {index + 1} are of one segment in one"
        " place but differ; re-export the segmentation"
      )
    notes.append(
      _text.Note(
        "duplicate-frame", f"frame {index + 1} equals frame {first + 1}"
      )
    )
