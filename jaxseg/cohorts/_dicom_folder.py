"""Any folder of CT with RTSTRUCT or SEG, as exported by a clinic or TCIA."""

from collections.abc import Callable, Collection, Mapping, Sequence
import dataclasses
import os
import pathlib
from typing import Any

import numpy as np

from jaxseg import _files
from jaxseg import _text
from jaxseg import dicom
from jaxseg import errors
from jaxseg import volume
from jaxseg.cohorts import _case
from jaxseg.cohorts import _dicom_choice
from jaxseg.cohorts import _dicom_masks
from jaxseg.cohorts import _dicom_names
from jaxseg.cohorts import _dicom_options
from jaxseg.cohorts import _dicom_tree
from jaxseg.cohorts import _mr
from jaxseg.cohorts import phantom


class DicomFolder:
  """The patients of a folder with any layout.

  Files are found by content. Patients are distinguished by PatientID, and by
  name and birth date where those differ; each is one case: the chosen contours
  on the image they were drawn on. A patient who cannot be used never stops the
  others: `left_out` and `audit` say why.

  Attributes:
    name: "dicom_folder", or "phantom" if all patients are synthetic.
    structures: Canonical names that were contoured on some patient.
    left_out: Patient -> why the patient cannot be used, as far as headers and
      names tell.
    remarks: Patient -> what was decided, such as which structure sets were
      merged, and what could not be decided.
    undecided: Structure -> number of patients on whom several contours fit it.
  """

  def __init__(
    self,
    folder: str | os.PathLike[str],
    *,
    structures: Collection[str] | None = None,
    aliases: Mapping[str, str | None] | None = None,
    on_two: str = "refuse",
    structure_set: str = "merge",
    combine: str = "even-odd",
    repair: Collection[str] = (),
    acquisition: str = "refuse",
    limit_s: float | None = None,
    modality: str = "CT",
    patients_by: str = "id",
  ) -> None:
    """Reads all headers and names, but no pixels of images.

    Args:
      folder: The folder.
      structures: Canonical names that are wanted; None takes every organ of the
        vocabulary and every structure of one's own in `aliases`, but no target.
        Targets are mostly of several contours: see `on_two`.
      aliases: The user's own names, as `structures.read_aliases` gives them;
        they override the vocabulary's.
      on_two: If two contours fit a structure equally well: "refuse" both, or
        take the "first" (lowest number), "newest" (highest), "largest", or the
        "union" of all.
      structure_set: If a patient has several: "merge" takes each structure from
        the newest set on the same image that has it, RTSTRUCT before SEG; or
        take the "newest" that names a wanted structure, "refuse" the patient,
        or give a StructureSetLabel.
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
      modality: "CT", or "MR", whose signal is brought onto the scale of HU: no
        signal is -1000, the brightest tissue 400.
      patients_by: What makes a patient: the "id", or a "study", where many
        people were given one PatientID and one name.

    Raises:
      DataError: The folder does not exist or has no DICOM files.
      ConfigError: An option is unknown.
      StructureNotFoundError: A wanted name is not canonical.
    """
    _check_options(on_two, combine, modality)
    self._options = _dicom_options.checked(repair, acquisition, limit_s)
    if patients_by not in ("id", "study"):
      raise errors.ConfigError(
        f"patients_by: {patients_by!r} is unknown; give id or study"
      )
    self._root = pathlib.Path(folder)
    self._aliases = dict(aliases or {})
    self._settings = {
      "on_two": on_two,
      "structure_set": structure_set,
      "combine": combine,
      **self._options.settings(),
      "aliases": _files.digest(self._aliases),
    }
    self._modality = modality
    if modality != "CT":
      self._settings["modality"] = modality
    if patients_by != "id":
      self._settings["patients_by"] = patients_by
    self._wanted = _case.wanted(structures, self._aliases.values())
    self._tree = _dicom_tree.read_tree(
      self._root,
      structure_set=structure_set,
      modality=modality,
      by_study=patients_by == "study",
      limits=self._options.limits,
      known=lambda drawing: self._matched([drawing]),
    )
    if not self._tree.patients:
      raise errors.DataError(
        f"{self._root}: holds no DICOM files"
        f" ({self._tree.skipped} others); check the path"
        f"{self._tree.to_unpack}{_hint(self._root)}"
      )
    seen: set[str] = set()
    usable = []
    self.left_out: dict[str, str] = {}
    self.remarks: dict[str, list[str]] = {}
    self.undecided: dict[str, int] = {}
    for name, one in self._tree.patients.items():
      named = [] if one.refused else self._early(one.used)
      matched = {n.structure for n in named if n.status == "matched"}
      seen |= matched
      if matched:
        usable.append(name)
      else:
        self.left_out[name] = one.refused or _dicom_names.why_none(named)
      refused = {n.structure: n.reason for n in named if n.status == "refused"}
      for structure in refused:
        self.undecided[structure] = self.undecided.get(structure, 0) + 1
      remarks = [f"{structure}: {why}" for structure, why in refused.items()]
      if remarks or one.remarks:
        self.remarks[name] = [*one.remarks, *remarks]
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
      DataError: The patient is unknown, a file is missing or malformed, or no
        structure has a mask.
      GeometryError: The CT is not a regular stack.
    """
    one = self._find(patient)
    image, masks = self._read(one)
    notes = [*one.notes, *one.remarks, *map(str, image.notes)]
    named = self._named(one.used, masks.volume)
    taken = _dicom_masks.take(named, masks)
    notes += taken.notes
    if not taken.masks:
      reasons = "; ".join([*taken.missing.values()][:3])
      raise errors.DataError(f"{patient}: no mask can be made; {reasons}")
    unscanned: tuple[int, ...] = ()
    if image.unscanned is not None:
      whole = image.unscanned.all(axis=(1, 2))
      unscanned = tuple(int(k) for k in np.flatnonzero(whole))
    return _case.Case(
      patient,
      self._values(image),
      taken.masks,
      unscanned,
      tuple(notes),
      taken.unknown,
      taken.missing,
    )

  def files(self, patient: str) -> list[pathlib.Path]:
    """What `load` reads of a patient."""
    one = self._find(patient)
    image = () if one.image is None else one.image.paths
    return [*image, *(drawing.path for drawing in one.used)]

  def audit(self, patient: str) -> dict[str, Any]:
    """What was found for a patient, and how it was used.

    Args:
      patient: One of `everyone()`.

    Returns:
      JSON-able: "patient", "refused" (why the patient cannot be used, or ""),
      "images", "drawings", "remarks", "notes", "ct" (shape, spacing in mm,
      range in HU) and "structures": one row for each contour with "name",
      "structure" (canonical or ""), "status" (see `_dicom_names.Named`) and
      its "reason", "voxels", "ml", "slices", "unknown_slices" (passed over in
      drawing, or with a malformed contour), and "notes" on the contours.

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
      "remarks": self.remarks.get(patient, []),
      "notes": list(one.notes),
      "ct": {},
      "structures": [],
    }
    if one.refused:
      return row
    row["notes"] += [note for drawing in one.used for note in drawing.notes]
    try:
      image, masks = self._read(one)
      values = self._values(image)
    except (errors.JaxsegError, MemoryError, OSError) as e:
      row["refused"] = str(e) or type(e).__name__
      return row
    row["notes"] += [str(note) for note in image.notes]
    row["ct"] = {
      "series": image.series_uid,
      "shape": list(image.shape),
      "spacing": [round(mm, 4) for mm in image.spacing],
      "hu": [int(values.array.min()), int(values.array.max())],
    }
    row["structures"] = [
      _dicom_masks.row(named, masks)
      for named in self._named(one.used, masks.volume)
    ]
    if not any(s["status"] == "matched" for s in row["structures"]):
      reasons = "; ".join(
        f"{_text.shown(s['name'])}: {s['reason']}"
        for s in row["structures"]
        if s["status"] in ("empty", "unreadable") and s["structure"]
      )
      row["refused"] = self.left_out.get(patient) or reasons
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
      reason = self.left_out.get(patient, "")
      raise errors.DataError(
        f"{patient[:80]!r}: not a usable patient of {self._root.name}"
        f"{': ' if reason else ''}{reason}"
      )
    return self._tree.patients[patient]

  def _read(
    self, one: _dicom_tree.Patient
  ) -> tuple[dicom.Image, _dicom_masks.Masks]:
    """The CT, and the masks that can be made on it."""
    if one.image is None or not one.used:
      raise errors.DataError(f"{one.name}: {one.refused}")
    image = dicom.read_ct(one.image, **self._options.of_image())
    sources = []
    for drawing in one.used:
      # Most patients are loaded once, so it is not kept any longer.
      source = self._tree.parsed.pop(drawing.path, None)
      if source is None:
        source = _dicom_tree.read_drawing(
          drawing.path, drawing.kind, self._options.limits
        )
      sources.append(source)
    return image, _dicom_masks.Masks(
      sources,
      image,
      str(self._settings["combine"]),
      self._options.of_masks(),
    )

  def _values(self, image: dicom.Image) -> volume.Volume:
    """The image in HU, or on the scale of HU."""
    if self._modality == "CT":
      return image.hounsfield()
    return _mr.scale_mr(volume.Volume(image.array, image.grid, image.source))

  def _matched(self, drawings: Sequence[_dicom_choice.Drawing]) -> set[str]:
    """Canonical names of the structures in some drawings."""
    named = self._early(drawings)
    return {one.structure for one in named if one.status == "matched"}

  def _early(
    self, drawings: Sequence[_dicom_choice.Drawing]
  ) -> Sequence[_dicom_names.Named]:
    """How names are matched before anything is known of volumes."""
    on_two = str(self._settings["on_two"])
    # The structures that are found do not depend on which contour is taken.
    policy = "first" if on_two == "largest" else on_two
    return self._named(drawings, lambda _: 0.0, policy)

  def __getstate__(self) -> dict[str, Any]:
    """Leaves out the contours read so far, which every process would get."""
    tree = dataclasses.replace(self._tree, parsed={})
    return {**self.__dict__, "_tree": tree}

  def _named(
    self,
    drawings: Sequence[_dicom_choice.Drawing],
    volume: Callable[[_dicom_choice.Outline], float],
    on_two: str | None = None,
  ) -> Sequence[_dicom_names.Named]:
    return _dicom_names.name_merged(
      drawings,
      wanted=self._wanted,
      aliases=self._aliases,
      on_two=on_two or str(self._settings["on_two"]),
      volume=volume,
    )


def _hint(root: pathlib.Path) -> str:
  """What else a folder without DICOM may be."""
  if (root / "dataset.json").is_file():
    return "; it has a dataset.json, as a nifti_folder has (--cohort)"
  return ""


def _check_options(on_two: str, combine: str, modality: str) -> None:
  for said, given, known in (
    ("on_two", [on_two], _dicom_names.ON_TWO),
    ("combine", [combine], ("even-odd", "union")),
    ("modality", [modality], _dicom_tree.MODALITIES),
  ):
    for one in given:
      if one not in known:
        raise errors.ConfigError(
          f"{said}: {one!r} is unknown; give {', '.join(known)}"
        )
