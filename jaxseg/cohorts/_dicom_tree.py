"""A tree of DICOM files by patient: each one's image, the contours on it."""

import collections
from collections.abc import Sequence
import dataclasses
import hashlib
import pathlib

import numpy as np

from jaxseg import _text
from jaxseg import dicom
from jaxseg import errors
from jaxseg.cohorts import _dicom_choice
from jaxseg.cohorts import _dicom_people

MODALITIES = ("CT", "MR")
Drawing = _dicom_choice.Drawing
Outline = _dicom_choice.Outline
Parsed = dicom.StructureSet | dicom.Segmentation
_KEPT_BYTES = 256 * 2**20


@dataclasses.dataclass(frozen=True)
class Patient:
  """What a tree holds for one patient.

  Attributes:
    name: Unique, safe to show and to use as a file name; from the PatientID.
    images: All series of the wanted modality.
    drawings: All RTSTRUCT and SEG that could be read.
    image: The image that is used, None if the patient cannot be used.
    used: The contours that are used; of two that have a structure, the first
      decides.
    refused: Why the patient cannot be used, or "".
    notes: What was unusual.
    remarks: What was decided and may not be what the user wants.
  """

  name: str
  images: tuple[dicom.Series, ...]
  drawings: tuple[Drawing, ...]
  image: dicom.Series | None
  used: tuple[Drawing, ...]
  refused: str
  notes: tuple[str, ...]
  remarks: tuple[str, ...]


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
  root: pathlib.Path,
  *,
  structure_set: str,
  modality: str,
  by_study: bool,
  limits: dicom.Limits,
  known: _dicom_choice.Known,
  beside: Sequence[pathlib.Path] = (),
  each_image: bool = False,
) -> Tree:
  """Reads all headers of a tree and pairs each patient's image with contours.

  Args:
    root: The folder.
    structure_set: Which of several: "merge", "newest", "refuse", or a label.
    modality: "CT" or "MR"; "any" takes what the contours were drawn on.
    by_study: Take each study for a patient.
    limits: Limits on each file.
    known: Drawing -> canonical names of the wanted structures in it.
    beside: Other folders, whose images count for contours drawn on them.
    each_image: Take a patient once for each image with contours.

  Raises:
    DataError: The folder does not exist.
  """
  found = dicom.find_series(root, limits=limits)
  broken = [(path, str(reason)) for path, reason in found.broken]
  groups: dict[str, list[dicom.Series]] = collections.defaultdict(list)
  for series in found:
    # Without a PatientID, only the files of a study surely share a patient.
    groups[series.patient_id or f"study {series.study_uid}"].append(series)
  elsewhere = _elsewhere(beside, {one.key for one in found}, limits)
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
  names = _text.Names()
  parsed: dict[pathlib.Path, Parsed] = {}
  for patient_id, own in sorted(groups.items()):
    drawings, unreadable = _drawings(own, parsed, limits)
    broken += unreadable
    own += [one for one in elsewhere if _drawn_on(one, drawings)]
    # Nobody can tell whether a broken file beside them is a structure set.
    places = {path.parent for series in own for path in series.paths}
    unreadable += [
      (path, str(reason))
      for path, reason in found.broken
      if path.parent in places
    ]
    people = _dicom_people.people(own, drawings, by_study=by_study)
    for number, theirs in enumerate(people, start=1):
      slug = _text.slug(patient_id, fallback="patient")
      paths = {path for series in theirs for path in series.paths}
      their = [drawing for drawing in drawings if drawing.path in paths]
      parts = {"": their}
      if each_image:
        parts = _by_image(_images(theirs, modality), their)
      for modality_of, some in parts.items():
        name = names.new(f"{slug}{modality_of}")
        patients[name] = _paired(
          name,
          theirs,
          some,
          suspects,
          structure_set=structure_set,
          modality=modality,
          known=known,
          unreadable=unreadable,
          shared=""
          if len(people) == 1 or by_study
          else f"{number} of {len(people)} people who share a PatientID but no"
          " name or birth date; they are kept apart",
        )
  return Tree(
    patients,
    found.skipped,
    tuple((_relative(path, root), reason) for path, reason in broken),
    parsed,
    found.to_unpack,
  )


def _elsewhere(
  folders: Sequence[pathlib.Path], there: set[str], limits: dicom.Limits
) -> list[dicom.Series]:
  """Images of other folders, but those that are in the tree itself."""
  images: dict[str, dicom.Series] = {}
  for folder in folders:
    for one in dicom.find_series(folder, limits=limits):
      if one.is_image and one.key not in there:
        images.setdefault(one.key, one)
  return list(images.values())


def _drawn_on(image: dicom.Series, drawings: Sequence[Drawing]) -> bool:
  """Whether some contours name an image or its frame of reference."""
  return any(
    image.series_uid in one.series
    or image.frame_of_reference_uid in {*one.frames} - {""}
    for one in drawings
  )


def _images(
  found: Sequence[dicom.Series], modality: str
) -> tuple[dicom.Series, ...]:
  """The images of a modality, or of any."""
  return tuple(
    s for s in found if s.is_image and modality in ("any", s.modality)
  )


def _by_image(
  images: Sequence[dicom.Series], drawings: Sequence[Drawing]
) -> dict[str, list[Drawing]]:
  """Contours apart by their image: what to add to a name -> the contours.

  Those that fit no image stay with the first, whose notes tell of them.
  """
  parts: dict[str, list[Drawing]] = {}
  astray, modality = [], {one.key: one.modality for one in images}
  for drawing in drawings:
    try:
      image, _ = _dicom_choice.image_of(drawing, images)
    except errors.JaxsegError:
      astray.append(drawing)
    else:
      parts.setdefault(image.key, []).append(drawing)
  if len(parts) < 2:
    return {"": list(drawings)}
  result: dict[str, list[Drawing]] = {}
  for key, own in parts.items():
    said = f"-{modality[key].lower()}"
    number = sum(one.startswith(said) for one in result)
    result[f"{said}{number + 1}" if number else said] = own
  next(iter(result.values())).extend(astray)
  return result


def _relative(path: pathlib.Path, root: pathlib.Path) -> str:
  return path.relative_to(root).as_posix() if path != root else path.name


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
    outlines=tuple(map(_outline, one.rois)),
    notes=tuple(map(str, one.notes)),
    content=_content(one),
  )


def _outline(roi: dicom.Roi) -> Outline:
  empty = not any(contour.is_closed for contour in roi.contours)
  malformed = ""
  if empty and roi.refused:
    malformed = f"{len(roi.refused)} contours are malformed: {roi.refused[0]}"
  return Outline(roi.number, roi.name, empty, malformed=malformed)


def _content(one: dicom.StructureSet) -> str:
  """Digest of all contours and names, whatever the file's own UIDs are."""
  digest = hashlib.sha256()
  for roi in one.rois:
    head = (roi.name, roi.frame_of_reference_uid, roi.refused)
    digest.update(repr((*head, len(roi.contours))).encode())
    for contour in roi.contours:
      digest.update(f"{contour.kind} {len(contour.points)} ".encode())
      digest.update(np.ascontiguousarray(contour.points).data)
  return digest.hexdigest()


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
  *,
  structure_set: str,
  modality: str,
  known: _dicom_choice.Known,
  shared: str,
  unreadable: Sequence[tuple[pathlib.Path, str]],
) -> Patient:
  """A patient with the contours and the image that are used."""
  images = _images(found, modality)
  notes = []
  remarks = [shared] if shared else []
  others = [s for s in found if s.is_image and s not in images]
  if others:
    notes.append(f"other images: {'; '.join(map(str, others[:6]))}")
  choice, refused = None, ""
  try:
    if not images:
      raise _no_image(modality, others)
    if not drawings and unreadable:
      reasons = "; ".join(reason for _, reason in unreadable[:3])
      raise errors.DataError(
        f"has no structure set or segmentation that can be used: {reasons}"
      )
    if not drawings:
      raise errors.DataError("has no structure set or segmentation; add one")
    choice = _dicom_choice.choose(
      images, drawings, structure_set=structure_set, known=known
    )
    notes += choice.notes
    remarks += choice.remarks
    _check_neighbours(choice.image, suspects)
  except errors.JaxsegError as e:
    refused = str(e)
  return Patient(
    name,
    images,
    tuple(drawings),
    choice.image if choice else None,
    choice.drawings if choice else (),
    refused,
    tuple(notes),
    tuple(remarks),
  )


def _no_image(
  modality: str, others: Sequence[dicom.Series]
) -> errors.DataError:
  if modality == "any":
    return errors.DataError("has no CT, MR or PET series; add the image")
  there = sorted({one.modality for one in others} & set(MODALITIES))
  if there:
    return errors.DataError(
      f"has no {modality} series, but {' and '.join(there)}; add the"
      f" {modality}, or ask for --modality={there[0]}"
    )
  return errors.DataError(f"has no {modality} series; add it to the folder")


def _check_neighbours(
  image: dicom.Series, suspects: Sequence[tuple[pathlib.Path, str]]
) -> None:
  """Refuses an image with an unreadable file beside it."""
  folders = {path.parent for path in image.paths}
  for path, reason in suspects:
    if path.parent in folders:
      raise errors.DataError(
        f"a file beside its CT cannot be read: {reason}; repair or remove it"
      )
