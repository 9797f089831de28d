"""Reads SEG files: segments, references and pixels."""

import dataclasses
import os
import pathlib
import zlib

import numpy as np
from pydicom import encaps
from pydicom import uid as uids
from pydicom.dataset import Dataset

from jaxseg import _text
from jaxseg import errors
from jaxseg.dicom import _codes
from jaxseg.dicom import _header
from jaxseg.dicom import _parse
from jaxseg.dicom import _pixels
from jaxseg.dicom import _seg_places
from jaxseg.dicom import _segmentation
from jaxseg.dicom import _series

_DEFLATED_FRAMES = uids.UID("1.2.840.10008.1.2.8.1")  # Newer than pydicom's.
# SegmentationType, and the BitsAllocated it may have.
_KINDS = {"BINARY": (1,), "FRACTIONAL": (8, 16), "LABELMAP": (8, 16)}
_FRACTIONS = ("PROBABILITY", "OCCUPANCY")


def read_seg(
  path: str | os.PathLike, *, limits: _parse.Limits = _parse.DEFAULT
) -> _segmentation.Segmentation:
  """Reads a DICOM segmentation of a volume.

  Args:
    path: The file, or a folder that holds exactly one.
    limits: Limits on what is read.

  Returns:
    Its segments on its own grid; slices without a frame are empty.

  Raises:
    NotDicomError: The file is not DICOM.
    DataError: It is not a segmentation of a volume, or malformed.
    GeometryError: Its frames do not form a stack.
    LimitError: It exceeds a limit.

  References:
    DICOM PS3.3, sections C.8.20 and A.51.
  """
  where = pathlib.Path(path)
  if where.is_dir():
    where = _series.only(where, "segmentation", limits)
  dataset = _parse.read(where, pixels=True, limits=limits)
  sop_class = _header.text(dataset, "SOPClassUID", where)
  if sop_class not in _series.SEGMENTATIONS:
    raise errors.DataError(
      f"{where}: is {_header.text(dataset, 'Modality', where) or 'unknown'},"
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
    dataset,
    where,
    limits,
    allowed_bits=_KINDS[kind],
    palette=kind == "LABELMAP",
  )
  places = _seg_places.read_places(
    dataset, where, form, limits, label_map=kind == "LABELMAP"
  )
  frames = _read_frames(dataset, form, where)
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
        "nameless-segment",
        f"segments {unnamed[:10]} have frames but no description",
      )
    )
    segments += tuple(
      _segmentation.Segment(number=number) for number in unnamed
    )
  series, instances = _references(dataset, where)
  if not series:
    notes.append(
      _text.Note("no-source", "the segmentation names no source images")
    )
  return _segmentation.Segmentation(
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


def _read_frames(
  dataset: Dataset, form: _pixels.Format, path: pathlib.Path
) -> _segmentation.Frames:
  """The pixels of all frames."""
  if form.syntax == _DEFLATED_FRAMES:
    return _segmentation.Frames(form, _inflated(dataset, form, path))
  if form.bits != 1:
    return _segmentation.Frames(form, _pixels.decode(dataset, form, path))
  data = _header.value(dataset, "PixelData", path)
  size = form.frames * form.rows * form.columns
  _pixels.check_syntax(form.syntax, path)
  if form.syntax.is_encapsulated:
    bits = _pixels.decode(dataset, form, path) > 0
    unpacked = dataclasses.replace(form, bits=8, stored=8)
    return _segmentation.Frames(unpacked, bits.view(np.uint8))
  if not isinstance(data, bytes) or len(data) * 8 < size:
    raise errors.TruncatedError(
      f"{path}: PixelData (7FE0,0010) has {len(data or b'')} bytes,"
      f" {-(-size // 8)} are needed; the file is cut off, copy it again"
    )
  # Big endian exchanges the bytes of words (OW), but not those of bytes (OB).
  is_big = form.syntax == uids.ExplicitVRBigEndian
  if is_big and dataset["PixelData"].VR == "OW" and len(data) % 2 == 0:
    data = np.frombuffer(data, "<u2").byteswap().tobytes()
  return _segmentation.Frames(form, np.frombuffer(data, np.uint8))


def _inflated(
  dataset: Dataset, form: _pixels.Format, path: pathlib.Path
) -> np.ndarray:
  """Inflates frames that were deflated one by one."""
  bits = form.rows * form.columns * form.bits
  parts = []
  try:
    data = _header.value(dataset, "PixelData", path) or b""
    for frame in encaps.generate_frames(data, number_of_frames=form.frames):
      inflate = zlib.decompressobj(-zlib.MAX_WBITS)
      parts.append(inflate.decompress(frame, -(-bits // 8)))
  except Exception as e:  # Whatever zlib and pydicom make of broken data.
    raise errors.DataError(
      f"{path}: deflated frames cannot be read ({type(e).__name__}); export"
      " the segmentation uncompressed"
    ) from e
  if len(parts) != form.frames or any(len(p) * 8 < bits for p in parts):
    raise errors.TruncatedError(
      f"{path}: deflated frames are missing or short; copy the file again"
    )
  if form.bits == 1:
    each = [
      np.unpackbits(np.frombuffer(p, np.uint8), count=bits, bitorder="little")
      for p in parts
    ]
    return np.packbits(np.concatenate(each), bitorder="little")
  dtype = np.dtype(f"<u{form.bits // 8}")
  return np.frombuffer(b"".join(parts), dtype).reshape(
    form.frames, form.rows, form.columns
  )


def _fraction(dataset: Dataset, path: pathlib.Path) -> tuple[int, str]:
  """The largest value, and what fractions mean."""
  kind = _header.text(dataset, "SegmentationFractionalType", path)
  highest = _header.integer(dataset, "MaximumFractionalValue", path)
  if kind not in _FRACTIONS or highest is None or highest < 1:
    raise errors.DataError(
      f"{path}: SegmentationFractionalType (0062,0010) is {_text.shown(kind)}"
      f" and MaximumFractionalValue (0062,000E) {highest}; re-export it"
    )
  return highest, kind


def _segments(
  dataset: Dataset, path: pathlib.Path
) -> tuple[_segmentation.Segment, ...]:
  segments: dict[int, _segmentation.Segment] = {}
  for item in _header.items(dataset, "SegmentSequence", path):
    number = _header.integer(item, "SegmentNumber", path)
    if number is None or number < 0 or number in segments:
      raise errors.DataError(
        f"{path}: {_header.named('SegmentNumber')} is {number}: missing,"
        " negative or there twice; re-export the segmentation"
      )
    segments[number] = _segmentation.Segment(
      number=number,
      label=_header.text(item, "SegmentLabel", path),
      description=_header.text(item, "SegmentDescription", path),
      category=_code(item, "SegmentedPropertyCategoryCodeSequence", path),
      type=_code(item, "SegmentedPropertyTypeCodeSequence", path),
      algorithm_type=_header.text(item, "SegmentAlgorithmType", path),
      algorithm_name=_header.text(item, "SegmentAlgorithmName", path),
      tracking_id=_header.text(item, "TrackingID", path),
      color=_color(item, path),
    )
  return tuple(segments[number] for number in sorted(segments))


def _color(item: Dataset, path: pathlib.Path) -> tuple[int, int, int] | None:
  """The colour of a segment, or None where it is absent or invalid."""
  try:
    found = _header.numbers(item, "RecommendedDisplayCIELabValue", path, 3)
  except errors.DataError:
    return None  # No mask depends on it.
  if found is None or (found < 0).any() or (found > 65535).any():
    return None
  return _codes.srgb(found)


def _code(
  item: Dataset, keyword: str, path: pathlib.Path
) -> _segmentation.Code | None:
  for code in _header.items(item, keyword, path)[:1]:
    return _segmentation.Code(
      value=_header.text(code, "CodeValue", path)
      or _header.text(code, "LongCodeValue", path),
      scheme=_header.text(code, "CodingSchemeDesignator", path),
      meaning=_header.text(code, "CodeMeaning", path),
    )
  return None


def _references(
  dataset: Dataset, path: pathlib.Path
) -> tuple[tuple[str, ...], tuple[str, ...]]:
  """Series and instances that it was made from."""
  series, instances = [], []
  for one in _header.items(dataset, "ReferencedSeriesSequence", path):
    series.append(_header.text(one, "SeriesInstanceUID", path))
    for image in _header.items(one, "ReferencedInstanceSequence", path):
      instances.append(_header.text(image, "ReferencedSOPInstanceUID", path))
  return tuple(s for s in series if s), tuple(i for i in instances if i)


def _check_twins(
  places: _seg_places.Places,
  frames: _segmentation.Frames,
  path: pathlib.Path,
  notes: list[_text.Note],
) -> None:
  """Refuses different frames of one segment in one place."""
  seen: dict[tuple[int, int], int] = {}
  keys = zip(places.segments.tolist(), places.slices.tolist(), strict=True)
  for index, key in enumerate(keys):
    first = seen.setdefault(key, index)
    if first == index:
      continue
    if not np.array_equal(frames[first], frames[index]):
      raise errors.DataError(
        f"{path}: frames {first + 1} and {index + 1} show one segment in one"
        " place but differ; re-export the segmentation"
      )
    notes.append(
      _text.Note(
        "duplicate-frame", f"frame {index + 1} equals frame {first + 1}"
      )
    )
