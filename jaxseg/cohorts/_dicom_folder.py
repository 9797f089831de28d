"""Any folder of CT with RTSTRUCT or SEG, as exported by a clinic or TCIA."""

from collections.abc import Callable, Collection, Mapping, Sequence
import dataclasses
import math
import os
import pathlib
from typing import Any

import numpy as np

from jaxseg import _files
from jaxseg import _text
from jaxseg import dicom
from jaxseg import errors
from jaxseg import structures as vocabulary
from jaxseg.cohorts import _case
from jaxseg.cohorts import _dicom_names
from jaxseg.cohorts import _dicom_options
from jaxseg.cohorts import _dicom_tree
from jaxseg.cohorts import phantom


class DicomFolder:
  """The patients of a folder with any layout.

  Files are found by content. Patients are distinguished by PatientID; each is
  one case: the chosen contours on the CT they were drawn on. A patient who
  cannot be used never stops the others: `audit` says why.

  Attributes:
    name: "dicom_folder", or "phantom" if all patients are synthetic.
    structures: Canonical names that were contoured on some patient.
  """

  def __init__(
    self,
    folder: str | os.PathLike[str],
    *,
    structures: Collection[str] | None = None,
    aliases: Mapping[str, str | None] | None = None,
    on_two: str = "refuse",
    structure_set: str = "newest",
    combine: str = "even-odd",
    repair: Collection[str] = (),
    acquisition: str = "refuse",
    limit_s: float | None = None,
  ) -> None:
    """Reads all headers and names, but no pixels of images.

    Args:
      folder: The folder.
      structures: Canonical names that are wanted; None takes every organ of the
        vocabulary, but no target.
      aliases: The user's own names, as `structures.read_aliases` gives them;
        they override the vocabulary's.
      on_two: If two contours fit a structure equally well: "refuse" both, or
        take the "first" (lowest number), "newest" (highest) or "largest".
      structure_set: If a patient has several: take the "newest", "refuse" the
        patient, or give a StructureSetLabel.
      combine: How the closed contours of a slice are combined: "even-odd" or
        "union".
      repair: Faults of a CT to repair: "spacing" (resample), "tilt" (shear),
        "truncated" (treat as missing), "stray_bits" (mask to the bits stored);
        of contours: "contours" (interpolate slices that were passed over),
        "frame_of_reference" (accept those of another frame of reference).
      acquisition: If a series holds several acquisitions in one place:
        "refuse" the patient, or take the "first", the "last", or the one of an
        AcquisitionNumber; see `dicom.read_ct`.
      limit_s: Processor time to parse a file of up to 5 MiB, in seconds; see
        `dicom.Limits.seconds`, whose default None takes.

    Raises:
      DataError: The folder does not exist or has no DICOM files.
      ConfigError: An option is unknown.
      StructureNotFoundError: A wanted name is not canonical.
    """
    _check_options(on_two, combine)
    self._options = _dicom_options.checked(repair, acquisition, limit_s)
    self._root = pathlib.Path(folder)
    self._aliases = dict(aliases or {})
    self._settings = {
      "on_two": on_two,
      "structure_set": structure_set,
      "combine": combine,
      **self._options.settings(),
      "aliases": _files.digest(self._aliases),
    }
    self._wanted = tuple(
      vocabulary.get(name).name
      for name in (vocabulary.names() if structures is None else structures)
    )
    self._tree = _dicom_tree.read_tree(
      self._root, structure_set=structure_set, limits=self._options.limits
    )
    if not self._tree.patients:
      raise errors.DataError(
        f"{self._root}: holds no DICOM files"
        f" ({self._tree.skipped} others); check the path"
        f"{self._tree.to_unpack}"
      )
    seen: set[str] = set()
    usable = []
    for name, one in self._tree.patients.items():
      if one.drawing is None or one.refused:
        continue
      # Volumes are not known yet, but the names do not depend on the choice.
      policy = "first" if on_two == "largest" else on_two
      matched = {
        named.structure
        for named in self._named(one.drawing, lambda _: 0.0, policy)
        if named.status == "matched"
      }
      seen |= matched
      if matched:
        usable.append(name)
    self._usable = tuple(usable)
    self.structures: tuple[str, ...] = tuple(
      name for name in self._wanted if name in seen
    )

    self._synthetic = bool(usable) and all(
      image is not None and image.description == phantom.DESCRIPTION
      for image in (self._tree.patients[name].image for name in usable)
    )
    self.name = "phantom" if self._synthetic else "dicom_folder"

  def patients(self) -> tuple[str, ...]:
    """Identifiers of the patients with a CT and a wanted structure on it."""
    return self._usable

  def everyone(self) -> tuple[str, ...]:
    """Identifiers of all patients, those that cannot be used included."""
    return tuple(self._tree.patients)

  @property
  def broken(self) -> tuple[tuple[str, str], ...]:
    """Files that cannot be used, relative to the folder, and why."""
    return self._tree.broken

  @property
  def skipped(self) -> int:
    """Number of files that are not DICOM, hidden, or a DICOMDIR."""
    return self._tree.skipped

  @property
  def to_unpack(self) -> str:
    """Names archives among those, "; unpack a.zip", or ""."""
    return self._tree.to_unpack

  def load(self, patient: str) -> _case.Case:
    """Loads one patient.

    Args:
      patient: One of `patients()`.

    Returns:
      The case: int16 HU and bool masks. A structure whose contours cannot be
      filled, or that lies outside the CT, has a note instead of a mask.

    Raises:
      DataError: The patient is unknown, or a file is missing or malformed.
      GeometryError: The CT is not a regular stack.
    """
    one = self._find(patient)
    image, masks = self._read(one)
    notes = [*one.notes, *map(str, image.notes)]
    kept, unknown = {}, {}
    for named in self._named(masks.drawing, masks.volume):
      said = f"{_text.shown(named.outline.name)} ({named.structure})"
      if named.status in ("refused", "empty"):
        notes.append(f"{said}: {named.status}, {named.reason}")
      if named.status != "matched":
        continue
      array, remarks = masks.get(named.outline.number)
      notes += [f"{said}: {remark}" for remark in remarks]
      if array is not None and array.any():
        kept[named.structure] = array
        unknown[named.structure] = masks.unknown(named.outline.number)
    unscanned: tuple[int, ...] = ()
    if image.unscanned is not None:
      whole = image.unscanned.all(axis=(1, 2))
      unscanned = tuple(int(k) for k in np.flatnonzero(whole))
    return _case.Case(
      patient, image.hounsfield(), kept, unscanned, tuple(notes), unknown
    )

  def audit(self, patient: str) -> dict[str, Any]:
    """What was found for a patient, and how it was used.

    Args:
      patient: One of `everyone()`.

    Returns:
      JSON-able: "patient", "refused" (why the patient cannot be used, or ""),
      "images", "drawings", "notes", "ct" (shape, spacing in mm, range in HU)
      and "structures": one row for each contour with "name", "structure"
      (canonical or ""), "status" (see `_dicom_names.Named`) and its "reason",
      "voxels", "ml", "slices", "unknown_slices" (passed over in drawing, or
      with a malformed contour), and "notes" on the contours.

    Raises:
      DataError: There is no such patient.
    """
    one = self._tree.patients.get(patient)
    if one is None:
      raise errors.DataError(
        f"{patient[:80]!r}: not a patient of {self._root.name}"
      )
    row: dict[str, Any] = {
      "patient": patient,
      "refused": one.refused,
      "images": [str(series) for series in one.images],
      "drawings": [str(drawing) for drawing in one.drawings],
      "notes": list(one.notes),
      "ct": {},
      "structures": [],
    }
    if one.refused or one.drawing is None:
      return row
    row["notes"] += one.drawing.notes
    try:
      image, masks = self._read(one)
      volume = image.hounsfield()
    except (errors.JaxsegError, MemoryError, OSError) as e:
      row["refused"] = str(e) or type(e).__name__
      return row
    row["notes"] += [str(note) for note in image.notes]
    row["ct"] = {
      "series": image.series_uid,
      "shape": list(image.shape),
      "spacing": [round(mm, 4) for mm in image.spacing],
      "hu": [int(volume.array.min()), int(volume.array.max())],
    }
    row["structures"] = [
      _row(named, masks) for named in self._named(one.drawing, masks.volume)
    ]
    if not any(s["status"] == "matched" for s in row["structures"]):
      row["refused"] = "no contour has a known name"
    return row

  def describe(self) -> Mapping[str, Any]:
    """JSON-able facts that identify the cohort, without the folder's path."""
    return {
      "name": self.name,
      "synthetic": self._synthetic,
      "source": self._root.resolve().name,
      "patients": len(self._usable),
      "structures": list(self.structures),
      "settings": self._settings,
    }

  def _find(self, patient: str) -> _dicom_tree.Patient:
    if patient not in self._usable:
      one = self._tree.patients.get(patient)
      reason = one.refused if one else ""
      raise errors.DataError(
        f"{patient[:80]!r}: not a usable patient of {self._root.name}"
        f"{': ' if reason else ''}{reason}"
      )
    return self._tree.patients[patient]

  def _read(self, one: _dicom_tree.Patient) -> tuple[dicom.Image, "_Masks"]:
    """The CT, and the masks that can be made on it."""
    if one.image is None or one.drawing is None:
      raise errors.DataError(f"{one.name}: {one.refused}")
    image = dicom.read_ct(one.image, **self._options.of_image())
    # Most patients are loaded once, so it is not kept any longer.
    source = self._tree.parsed.pop(one.drawing.path, None)
    if source is None:
      source = _dicom_tree.read_drawing(
        one.drawing.path, one.drawing.kind, self._options.limits
      )
    combine = str(self._settings["combine"])
    drawn = self._options.of_masks()
    return image, _Masks(one.drawing, source, image, combine, drawn)

  def __getstate__(self) -> dict[str, Any]:
    """Leaves out the contours read so far, which every process would get."""
    tree = dataclasses.replace(self._tree, parsed={})
    return {**self.__dict__, "_tree": tree}

  def _named(
    self,
    drawing: _dicom_tree.Drawing,
    volume: Callable[[int], float],
    on_two: str | None = None,
  ) -> Sequence[_dicom_names.Named]:
    return _dicom_names.name_all(
      drawing.outlines,
      wanted=self._wanted,
      aliases=self._aliases,
      on_two=on_two or str(self._settings["on_two"]),
      volume=volume,
    )


class _Masks:
  """The masks of a drawing on a CT, each made once, when it is asked for."""

  def __init__(
    self,
    drawing: _dicom_tree.Drawing,
    source: _dicom_tree.Parsed,
    image: dicom.Image,
    combine: str,
    options: Mapping[str, Any],
  ):
    self.drawing = drawing
    self._source = source
    self._image = image
    self._combine, self._options = combine, options
    self._unknown: dict[int, tuple[int, ...]] = {}
    self._made: dict[int, tuple[np.ndarray | None, tuple[str, ...]]] = {}
    spacing = image.spacing
    self.voxel_ml = spacing[0] * spacing[1] * spacing[2] / 1000

  def get(self, number: int) -> tuple[np.ndarray | None, tuple[str, ...]]:
    """The mask of a number, None if there can be none, and remarks."""
    if number not in self._made:
      array, remarks = self._make(number)
      # Packed, as there may be a hundred.
      bits = None if array is None else np.packbits(array)
      self._made[number] = bits, remarks
      return array, remarks
    bits, remarks = self._made[number]
    if bits is None:
      return None, remarks
    flat = np.unpackbits(bits, count=math.prod(self._image.shape))
    return flat.reshape(self._image.shape).view(np.bool_), remarks

  def _make(self, number: int) -> tuple[np.ndarray | None, tuple[str, ...]]:
    try:
      if isinstance(self._source, dicom.Segmentation):
        made = self._source.mask_on(self._image, number, **self._options)
      else:
        made = self._source.mask(
          number, self._image, combine=self._combine, **self._options
        )
    except errors.JaxsegError as e:
      return None, (str(e),)
    except MemoryError:
      return None, ("needs more memory than there is",)
    self._unknown[number] = made.unknown
    return made.array, tuple(map(str, made.notes))

  def unknown(self, number: int) -> tuple[int, ...]:
    """Slices of which the contours say nothing, once the mask is made."""
    return self._unknown.get(number, ())

  def volume(self, number: int) -> float:
    """Volume, mL."""
    array, _ = self.get(number)
    return 0.0 if array is None else int(array.sum()) * self.voxel_ml


def _row(named: _dicom_names.Named, masks: _Masks) -> dict[str, Any]:
  """One line of the audit."""
  array, remarks = masks.get(named.outline.number)
  voxels = 0 if array is None else int(np.count_nonzero(array))
  status, reason = named.status, named.reason
  if array is None:
    status, reason = "unreadable", remarks[0]
  if status == "matched" and not voxels:
    status, reason = "empty", "no voxel of the CT lies within"
  return {
    "number": named.outline.number,
    "name": named.outline.name,
    "structure": named.structure,
    "status": status,
    "voxels": voxels,
    "ml": round(voxels * masks.voxel_ml, 3),
    "slices": 0 if array is None else int(array.any(axis=(1, 2)).sum()),
    "unknown_slices": len(masks.unknown(named.outline.number)),
    "reason": reason,
    "notes": "; ".join(remarks),
  }


def _check_options(on_two: str, combine: str) -> None:
  for said, given, known in (
    ("on_two", [on_two], _dicom_names.ON_TWO),
    ("combine", [combine], ("even-odd", "union")),
  ):
    for one in given:
      if one not in known:
        raise errors.ConfigError(
          f"{said}: {one!r} is unknown; give {', '.join(known)}"
        )
