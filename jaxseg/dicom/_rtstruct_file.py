"""Reads and checks RTSTRUCT files; `_roi_mask` fills the contours."""

from collections.abc import Mapping
import os
import pathlib
from typing import NamedTuple
import warnings

from pydicom.dataset import Dataset

from jaxseg import _text
from jaxseg import errors
from jaxseg.dicom import _header
from jaxseg.dicom import _parse
from jaxseg.dicom import _roi
from jaxseg.dicom import _series
from jaxseg.dicom import _structure_set

_XOR = "CLOSEDPLANAR_XOR"
_KINDS = {
  "CLOSED_PLANAR": "CLOSED_PLANAR",
  "CLOSEDPLANAR": "CLOSED_PLANAR",
  "CLOSEDPLANAR_XOR": _XOR,
  "CLOSED_PLANAR_XOR": _XOR,
  "CLOSEDPLANARXOR": _XOR,
  "POINT": "POINT",
  "OPEN_PLANAR": "OPEN_PLANAR",
  "OPENPLANAR": "OPEN_PLANAR",
  "OPEN_NONPLANAR": "OPEN_NONPLANAR",
  "OPENNONPLANAR": "OPEN_NONPLANAR",
}
_STANDARD = frozenset(
  {"CLOSED_PLANAR", _XOR, "POINT", "OPEN_PLANAR", "OPEN_NONPLANAR"}
)


def read_rtstruct(
  path: str | os.PathLike, *, limits: _parse.Limits = _parse.DEFAULT
) -> _structure_set.StructureSet:
  """Reads an RTSTRUCT.

  Args:
    path: The file, or a folder that holds exactly one.
    limits: Limits on what is read.

  Returns:
    Its ROIs with their contours. A malformed contour is left out, and the
    ROI's `refused` says which and why.

  Raises:
    NotDicomError: The file is not DICOM.
    DataError: It is not an RTSTRUCT, or two ROIs have the same number.
    LimitError: It exceeds a limit.

  References:
    DICOM PS3.3, sections C.8.8.5, C.8.8.6 and C.8.8.8.
  """
  where = pathlib.Path(path)
  if where.is_dir():
    where = _series.only(where, "structure set", limits)
  deadline = _parse.Deadline(where, limits)
  dataset = _parse.read(where, pixels=True, limits=limits, deadline=deadline)
  sop_class = _header.text(dataset, "SOPClassUID", where)
  if sop_class not in _series.STRUCTURE_SETS:
    raise errors.DataError(
      f"{where}: is {_header.text(dataset, 'Modality', where) or 'unknown'},"
      f" SOP class {_text.shown(sop_class)}, not an RTSTRUCT; give the RTSTRUCT"
    )
  notes: list[_text.Note] = []
  with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    rois = _rois(dataset, where, limits, notes, deadline)
  places = _references(dataset, where)
  own_frame = _header.text(dataset, "FrameOfReferenceUID", where)
  return _structure_set.StructureSet(
    path=where,
    label=_header.text(dataset, "StructureSetLabel", where),
    date=_header.text(dataset, "StructureSetDate", where),
    time=_header.text(dataset, "StructureSetTime", where),
    sop_instance_uid=_header.text(dataset, "SOPInstanceUID", where),
    series_uid=_header.text(dataset, "SeriesInstanceUID", where),
    study_uid=_header.text(dataset, "StudyInstanceUID", where),
    patient_id=_header.text(dataset, "PatientID", where),
    frames_of_reference=places.frames or ((own_frame,) if own_frame else ()),
    referenced_series=tuple(places.series),
    rois=rois,
    notes=tuple(notes),
    frame_of_series=places.series,
    frame_of_image=places.images,
  )


class _Places(NamedTuple):
  """What a set refers to.

  Attributes:
    frames: FrameOfReferenceUIDs.
    series: SeriesInstanceUID -> frame of reference, "" where it has none.
    images: SOPInstanceUID -> likewise.
  """

  frames: tuple[str, ...]
  series: dict[str, str]
  images: dict[str, str]


def _references(dataset: Dataset, path: pathlib.Path) -> _Places:
  """Frames of reference, series and images that the set refers to."""
  frames, series, images = [], {}, {}
  for frame in _header.items(
    dataset, "ReferencedFrameOfReferenceSequence", path
  ):
    uid = _header.text(frame, "FrameOfReferenceUID", path)
    frames.append(uid)
    for study in _header.items(frame, "RTReferencedStudySequence", path):
      for one in _header.items(study, "RTReferencedSeriesSequence", path):
        series[_header.text(one, "SeriesInstanceUID", path)] = uid
        for image in _roi.images(one, path):
          images[image] = uid
  series.pop("", None)
  return _Places(tuple(f for f in frames if f), series, images)


def _rois(
  dataset: Dataset,
  path: pathlib.Path,
  limits: _parse.Limits,
  notes: list[_text.Note],
  deadline: _parse.Deadline,
) -> tuple[_roi.Roi, ...]:
  for name in ("StructureSetROISequence", "ROIContourSequence"):
    if name in dataset:
      continue
    said = f"{_header.named(name)} is missing"
    if name == "StructureSetROISequence":
      raise errors.DataError(
        f"{path}: {said}; the file is cut off or not a structure set, copy it"
        " again"
      )
    notes.append(_text.Note("no-contours", f"{said}, so no ROI has contours"))
  described = _by_number(dataset, "StructureSetROISequence", "ROINumber", path)
  drawn = _by_number(dataset, "ROIContourSequence", "ReferencedROINumber", path)
  observed = _observed(dataset, path)
  total = _Total(path, limits, deadline)
  rois = []
  for number in sorted({*described, *drawn}):
    about = described.get(number)
    if about is None:
      notes.append(
        _text.Note(
          "nameless-roi",
          f"ROI number {number} has contours but no name",
        )
      )
    rois.append(
      _one(number, about, drawn.get(number), observed.get(number), path, total)
    )
  return tuple(rois)


def _observed(dataset: Dataset, path: pathlib.Path) -> dict[int, Dataset]:
  """Observations by ROI number; no mask depends on them."""
  result: dict[int, Dataset] = {}
  try:
    for item in _header.items(dataset, "RTROIObservationsSequence", path):
      number = _header.integer(item, "ReferencedROINumber", path)
      if number is not None:
        result[number] = item
  except errors.DataError:
    pass  # What stands before the malformed one is kept.
  return result


def _by_number(
  dataset: Dataset, sequence: str, keyword: str, path: pathlib.Path
) -> Mapping[int, Dataset]:
  result: dict[int, Dataset] = {}
  for item in _header.items(dataset, sequence, path):
    number = _header.integer(item, keyword, path)
    if number is None:
      raise errors.DataError(
        f"{path}: an item of {_header.named(sequence)} has no"
        f" {_header.named(keyword)}; re-export the structure set"
      )
    if number in result:
      raise errors.DataError(
        f"{path}: {_header.named(sequence)} has the number {number} twice, so"
        " names cannot be matched to contours; re-export the structure set"
      )
    result[number] = item
  return result


class _Total:
  """Checks contours, points and time against their limits."""

  def __init__(
    self,
    path: pathlib.Path,
    limits: _parse.Limits,
    deadline: _parse.Deadline,
  ):
    self._path, self._limits, self._deadline = path, limits, deadline
    self._contours = self._points = 0

  def add(self, points: int) -> None:
    self._deadline.check()
    self._contours += 1
    self._points += points
    counts = (("contours", self._contours), ("points", self._points))
    for name, count in counts:
      bound = getattr(self._limits, name)
      if count > bound:
        raise errors.LimitError(
          f"{self._path}: has more {name} than the limit '{name}' ({bound});"
          " raise it if you trust the file"
        )


def _one(
  number: int,
  about: Dataset | None,
  drawn: Dataset | None,
  observed: Dataset | None,
  path: pathlib.Path,
  total: _Total,
) -> _roi.Roi:
  about = Dataset() if about is None else about
  notes: list[_text.Note] = []
  refused: list[str] = []
  contours, lost = [], []
  odd_kinds: set[str] = set()
  items = _header.items(drawn or Dataset(), "ContourSequence", path)
  for index, item in enumerate(items):
    points = _roi.points(item)
    if isinstance(points, str):
      refused.append(f"contour {index}: {points}")
      total.add(0)
      said, images = _roi.kind(item, path), _roi.images(item, path)
      kind = _KINDS.get(said.upper().replace(" ", ""), said)
      lost.append(_roi.Contour(_roi.first_points(item), kind, images, index))
      continue
    total.add(len(points))
    said, images = _roi.kind(item, path), _roi.images(item, path)
    if said not in _STANDARD:
      odd_kinds.add(said)
    kind = _KINDS.get(said.upper().replace(" ", ""), said)
    contours.append(_roi.Contour(points, kind, images, index))
  for said in sorted(odd_kinds):
    known = _KINDS.get(said.upper().replace(" ", ""))
    notes.append(
      _text.Note(
        "geometric-type",
        f"ContourGeometricType {_text.shown(said)} is not standard;"
        f" {f'read as {known}' if known else 'such contours are not filled'}",
      )
    )
  color = None if drawn is None else _color(drawn, path)
  return _roi.Roi(
    number=number,
    name=_header.text(about, "ROIName", path),
    contours=tuple(contours),
    color=color,
    interpreted_type=""
    if observed is None
    else _header.text(observed, "RTROIInterpretedType", path),
    generation_algorithm=_header.text(about, "ROIGenerationAlgorithm", path),
    description=_header.text(about, "ROIGenerationDescription", path)
    or _header.text(about, "ROIDescription", path),
    frame_of_reference_uid=_header.text(
      about, "ReferencedFrameOfReferenceUID", path
    ),
    refused=tuple(refused),
    lost=tuple(lost),
    notes=tuple(notes),
  )


def _color(drawn: Dataset, path: pathlib.Path) -> tuple[int, int, int] | None:
  """ROIDisplayColor, or None where it is absent or invalid."""
  try:
    found = _header.numbers(drawn, "ROIDisplayColor", path, 3)
  except errors.DataError:
    return None  # No mask depends on it.
  if found is None or (found < 0).any() or (found > 255).any():
    return None
  red, green, blue = (int(v) for v in found)
  return red, green, blue
