"""A tree of DICOM files by patient: each one's CT and the contours on it."""

import collections
from collections.abc import Iterable, Sequence
import dataclasses
import pathlib

from jaxseg import _text
from jaxseg import dicom
from jaxseg import errors

Parsed = dicom.StructureSet | dicom.Segmentation
_KEPT_BYTES = 256 * 2**20


@dataclasses.dataclass(frozen=True)
class Outline:
  """An ROI or segment before it is filled.

  Attributes:
    number: ROINumber or SegmentNumber.
    name: ROIName or SegmentLabel; may be hostile.
    empty: Whether it has no closed contour.
  """

  number: int
  name: str
  empty: bool


@dataclasses.dataclass(frozen=True)
class Drawing:
  """An RTSTRUCT or SEG.

  Attributes:
    path: The file.
    kind: "RTSTRUCT" or "SEG".
    label: StructureSetLabel or ContentLabel; may be hostile.
    date: Date and time as in the file, for sorting; "" where absent.
    series: SeriesInstanceUIDs that it was drawn on.
    frames: FrameOfReferenceUIDs that it names.
    outlines: Its ROIs or segments.
    notes: What was unusual.
  """

  path: pathlib.Path
  kind: str
  label: str
  date: str
  series: tuple[str, ...]
  frames: tuple[str, ...]
  outlines: tuple[Outline, ...]
  notes: tuple[str, ...] = ()

  def __str__(self) -> str:
    when = self.date.strip() or "no date"
    return f"{self.path.name} ({self.kind}, {_text.shown(self.label)}, {when})"


@dataclasses.dataclass(frozen=True)
class Patient:
  """What a tree holds for one patient.

  Attributes:
    name: Unique, safe to show and to use as a file name; from the PatientID.
    images: All CT series.
    drawings: All RTSTRUCT and SEG that could be read.
    image: The CT that is used, None if the patient cannot be used.
    drawing: The contours that are used.
    refused: Why the patient cannot be used, or "".
    notes: What was unusual and what was decided.
  """

  name: str
  images: tuple[dicom.Series, ...]
  drawings: tuple[Drawing, ...]
  image: dicom.Series | None
  drawing: Drawing | None
  refused: str
  notes: tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class Tree:
  """A whole tree.

  Attributes:
    patients: By name.
    skipped: Number of files that are not DICOM, hidden, or a DICOMDIR.
    broken: File, relative to the root, and why it cannot be used.
    to_unpack: The end of a message that names archives, or "".
    parsed: Contours that were read for their names, by file, up to 256 MB of
      files: so they need not be read again.
  """

  patients: dict[str, Patient]
  skipped: int
  broken: tuple[tuple[str, str], ...]
  parsed: dict[pathlib.Path, Parsed]
  to_unpack: str = ""


def read_tree(
  root: pathlib.Path, *, structure_set: str, limits: dicom.Limits
) -> Tree:
  """Reads all headers of a tree and pairs each patient's CT with contours.

  Args:
    root: The folder.
    structure_set: Which of several: "newest", "refuse", or a label.
    limits: Limits on each file.

  Raises:
    DataError: The folder does not exist.
  """
  found = dicom.find_series(root, limits=limits)
  broken = [(path, str(reason)) for path, reason in found.broken]
  groups: dict[str, list[dicom.Series]] = collections.defaultdict(list)
  for series in found:
    # Without a PatientID, only the files of a study surely share a patient.
    groups[series.patient_id or f"study {series.study_uid}"].append(series)
  owners: dict[pathlib.Path, set[str]] = collections.defaultdict(set)
  for patient_id, own in groups.items():
    for series in own:
      for path in series.paths:
        owners[path.parent].add(patient_id)
  # A broken file may be a slice of a CT: nobody can tell. In a folder of one
  # patient that is reason enough to refuse; in a folder of many, it is not.
  suspects = [
    (path, str(reason))
    for path, reason in found.broken
    if len(owners[path.parent]) == 1 and path not in found.aside
  ]
  patients: dict[str, Patient] = {}
  parsed: dict[pathlib.Path, Parsed] = {}
  for patient_id, own in sorted(groups.items()):
    name = _unique(_text.slug(patient_id, fallback="patient"), patients)
    drawings, unreadable = _drawings(own, parsed, limits)
    broken += unreadable
    folders = {path.parent for series in own for path in series.paths}
    # Nobody can tell whether a broken file beside them is a structure set.
    unreadable += [
      (path, str(reason))
      for path, reason in found.broken
      if path.parent in folders
    ]
    patients[name] = _paired(
      name, own, drawings, suspects, structure_set, unreadable
    )
  return Tree(
    patients,
    found.skipped,
    tuple((_relative(path, root), reason) for path, reason in broken),
    parsed,
    found.to_unpack,
  )


def _relative(path: pathlib.Path, root: pathlib.Path) -> str:
  return path.relative_to(root).as_posix() if path != root else path.name


def _unique(name: str, taken: Iterable[str]) -> str:
  number, result = 1, name
  while result in taken:
    number += 1
    result = f"{name}-{number}"
  return result


def read_drawing(path: pathlib.Path, kind: str, limits: dicom.Limits) -> Parsed:
  """Reads an RTSTRUCT or SEG, whichever `kind` says."""
  read = dicom.read_seg if kind == "SEG" else dicom.read_rtstruct
  return read(path, limits=limits)


def _drawings(
  found: Sequence[dicom.Series],
  parsed: dict[pathlib.Path, Parsed],
  limits: dicom.Limits,
) -> tuple[list[Drawing], list[tuple[pathlib.Path, str]]]:
  """The contours among a patient's series, and the files that are broken."""
  drawings, broken = [], []
  room = _KEPT_BYTES - sum(path.stat().st_size for path in parsed)
  for series in found:
    if not (series.is_structure_set or series.is_segmentation):
      continue
    kind = "SEG" if series.is_segmentation else "RTSTRUCT"
    for path in series.paths:
      try:
        one = read_drawing(path, kind, limits)
        drawings.append(_described(one))
      except errors.JaxsegError as e:
        broken.append((path, str(e)))
        continue
      size = path.stat().st_size
      if size <= room:
        parsed[path] = one
        room -= size
  return drawings, broken


def _described(one: Parsed) -> Drawing:
  if isinstance(one, dicom.Segmentation):
    return _of_seg(one)
  return _of_rtstruct(one)


def _of_rtstruct(one: dicom.StructureSet) -> Drawing:
  return Drawing(
    path=one.path,
    kind="RTSTRUCT",
    label=one.label,
    date=f"{one.date} {one.time}",
    series=one.referenced_series,
    frames=one.frames_of_reference,
    outlines=tuple(
      Outline(roi.number, roi.name, not any(c.is_closed for c in roi.contours))
      for roi in one.rois
    ),
    notes=tuple(map(str, one.notes)),
  )


def _of_seg(one: dicom.Segmentation) -> Drawing:
  if one.kind == "FRACTIONAL":
    raise errors.DataError(
      f"{one.path}: is fractional, so it cannot be a reference; cut it at a"
      " threshold first"
    )
  frame = one.frame_of_reference_uid
  return Drawing(
    path=one.path,
    kind="SEG",
    label=one.label,
    date=f"{one.date} {one.time}",
    series=one.referenced_series,
    frames=(frame,) if frame else (),
    outlines=tuple(Outline(s.number, s.label, False) for s in one.segments),
    notes=tuple(map(str, one.notes)),
  )


def _paired(
  name: str,
  found: Sequence[dicom.Series],
  drawings: Sequence[Drawing],
  suspects: Sequence[tuple[pathlib.Path, str]],
  structure_set: str,
  unreadable: Sequence[tuple[pathlib.Path, str]],
) -> Patient:
  """Chooses the contours and the CT that they were drawn on."""
  images = tuple(s for s in found if s.is_image and s.modality == "CT")
  notes = []
  image = drawing = None
  refused = ""
  others = [str(s) for s in found if s.is_image and s.modality != "CT"]
  if others:
    notes.append(f"other images: {'; '.join(others[:6])}")
  try:
    if not images:
      raise errors.DataError("has no CT series; add it to the folder")
    if not drawings and unreadable:
      reasons = "; ".join(reason for _, reason in unreadable[:3])
      raise errors.DataError(
        f"has no structure set or segmentation that can be used: {reasons}"
      )
    if not drawings:
      raise errors.DataError("has no structure set or segmentation; add one")
    drawing, image, remarks = _choose(images, drawings, structure_set)
    notes += remarks
    _check_neighbours(image, suspects)
  except errors.JaxsegError as e:
    refused = str(e)
  return Patient(
    name, images, tuple(drawings), image, drawing, refused, tuple(notes)
  )


def _choose(
  images: Sequence[dicom.Series],
  drawings: Sequence[Drawing],
  structure_set: str,
) -> tuple[Drawing, dicom.Series, list[str]]:
  """Contours, their CT, and remarks."""
  notes: list[str] = []
  fitting, problems = [], []
  for one in drawings:
    try:
      fitting.append((one, *_image_of(one, images)))
    except errors.JaxsegError as e:
      problems.append(f"{one}: {e}")
  if not fitting:
    raise errors.DataError("; ".join(problems[:4]))
  notes += problems
  fitting.sort(key=lambda pair: pair[0].date)
  if structure_set not in ("newest", "refuse"):
    labelled = [pair for pair in fitting if pair[0].label == structure_set]
    if not labelled:
      labels = ", ".join(_text.shown(pair[0].label) for pair in fitting[:6])
      raise errors.DataError(
        f"no structure set is labelled {_text.shown(structure_set)}; there are"
        f" {labels}"
      )
    fitting = labelled
  # The RTSTRUCT is what was drawn; a SEG beside it is mostly made from it.
  if len({pair[0].kind for pair in fitting}) > 1:
    segs = [str(pair[0]) for pair in fitting if pair[0].kind == "SEG"]
    notes.append(f"left out for an RTSTRUCT: {'; '.join(segs[:4])}")
    fitting = [pair for pair in fitting if pair[0].kind == "RTSTRUCT"]
  if len(fitting) > 1:
    listed = "; ".join(str(pair[0]) for pair in fitting[:6])
    tie = fitting[-1][0].date == fitting[-2][0].date
    if structure_set == "refuse" or tie:
      raise errors.DataError(
        f"{len(fitting)} structure sets fit"
        f"{', with no newest' if tie else ''}: {listed}; choose one by its"
        " label, or remove the others"
      )
    notes.append(f"took the newest of {listed}")
  drawing, image, remarks = fitting[-1]
  return drawing, image, notes + remarks


def _image_of(
  drawing: Drawing, images: Sequence[dicom.Series]
) -> tuple[dicom.Series, list[str]]:
  """The CT that contours were drawn on."""
  named = [i for i in images if i.series_uid in drawing.series]
  notes = []
  if not named:
    named = [i for i in images if i.frame_of_reference_uid in drawing.frames]
    notes.append(
      "the series that the contours refer to is missing; another one in the"
      " same frame of reference is used"
    )
  if not named:
    raise errors.DataError(
      "refers to a series that is missing, and no CT has its frame of"
      " reference; add the CT that it was drawn on"
    )
  if len(named) > 1:
    raise errors.DataError(
      f"fits {len(named)} groups of CT images:"
      f" {'; '.join(map(str, named[:6]))}; remove all but one"
    )
  return named[0], notes


def _check_neighbours(
  image: dicom.Series, suspects: Sequence[tuple[pathlib.Path, str]]
) -> None:
  """Refuses a CT with an unreadable file beside it."""
  folders = {path.parent for path in image.paths}
  for path, reason in suspects:
    if path.parent in folders:
      raise errors.DataError(
        f"a file beside its CT cannot be read: {reason}; repair or remove it"
      )
