"""The prepared cohort on disk: Zarr arrays and a manifest.

    STORE/manifest.json            patients, structures, geometry, hash
    STORE/images                   [slice of all patients, row, column] int16 HU
    STORE/labels                   [structure, slice, row, column] uint8
    STORE/references/<number>      [structure, slice, row, column] uint8

A patient's number is its place in the manifest: names come from outside, and
no path is made of them.

`labels` lie on the prepared grid, for training; `references` on the patient's
own grid, so that scores are of the contours as they were drawn.
"""

import dataclasses
import hashlib
import pathlib
from typing import Any

import numpy as np

from jaxseg import _files
from jaxseg import _sealed
from jaxseg import errors
from jaxseg.data import _chunks
from jaxseg.data import _fit
from jaxseg.data import _patient
from jaxseg.data import _placement
from jaxseg.data import _stack

FORMAT = 1
Patient = _patient.Patient
create_array = _chunks.create_array
_AGAIN = "restore it from a copy, or prepare the cohort again"
_ENTRIES = {
  "format": int,
  "cohort": dict,
  "settings": dict,
  "structures": list,
  "content_hash": str,
  "patients": list,
}


class Store:
  """A prepared cohort, opened for reading.

  Attributes:
    folder: Where it lies.
    cohort: Name of the cohort.
    prepared: The prepared grid.
    modality: "CT", or "MR" on the scale of HU.
    synthetic: Whether the patients are made up.
    structures: Canonical names, in the order of `labels`.
    patients: Name -> entry.
    content_hash: Fingerprint of settings, images and labels.
    left_out: Patient -> why the cohort could not load it.
    remarks: Patient -> what was decided for it, such as which of several
      structure sets was taken.
    needed_size: Rows and columns of prepared slices that would keep all
      structures; None in a store of an older version.
  """

  def __init__(self, folder: pathlib.Path | str):
    """Opens a store.

    Raises:
      DataError: The folder is no store, or its manifest is damaged.
    """
    self.folder = pathlib.Path(folder)
    path = self.folder / "manifest.json"
    manifest = _sealed.read(path, _ENTRIES, again=_AGAIN)
    _sealed.check(
      path, manifest["cohort"], {"name": str}, again=_AGAIN, inside="cohort"
    )
    try:
      if manifest["format"] != FORMAT:
        raise errors.DataError(
          f"{self.folder}: store of format {manifest['format']}, this"
          f" version reads {FORMAT}; prepare the cohort again"
        )
      self.cohort: str = manifest["cohort"]["name"]
      self.prepared = _placement.PrepareConfig.from_json(manifest["settings"])
      self.synthetic = bool(manifest["cohort"].get("synthetic", False))
      settings = manifest["cohort"].get("settings", {})
      self.modality = str(settings.get("modality", "CT"))
      self.structures: tuple[str, ...] = tuple(manifest["structures"])
      self.content_hash: str = manifest["content_hash"]
      self.left_out: dict[str, str] = dict(manifest.get("left_out", {}))
      self.remarks: dict[str, list[str]] = dict(manifest.get("remarks", {}))
      needed = manifest.get("needed_size")
      self.needed_size = None if needed is None else (needed[0], needed[1])
      self._voxels = _voxels_from_json(manifest.get("voxels"))
      self._recorded = self._voxels is not None
      self.patients = {
        entry["name"]: _patient.from_json(entry)
        for entry in manifest["patients"]
      }
      _patient.check_order(
        list(self.patients.values()), len(manifest["patients"])
      )
    except (
      AttributeError,
      IndexError,
      KeyError,
      OverflowError,
      TypeError,
      ValueError,
    ) as e:
      raise errors.DataError(
        f"{path}: an entry is missing or malformed ({str(e)[:120]}); {_AGAIN}"
      ) from e
    self._whole: bool | None = None
    self._checked: set[str] = set()

  def images(self) -> np.ndarray:
    """All slices of all patients in HU, int16 `[slice, row, column]`."""
    return self._read("images")

  def labels(self, structure: str) -> np.ndarray:
    """One structure's masks, uint8 0 or 1, `[slice, row, column]`.

    Patients on whom it was not contoured are 0 throughout: ask
    `patients[name].contoured` before believing that.
    """
    return self._read("labels", self.index(structure))

  def stack(self, structure: str | None = None) -> _stack.Stack:
    """The slices of all patients, to be read a part at a time.

    Args:
      structure: Whose masks, as of `labels`; None is `images`.

    Raises:
      DataError: The array is missing or damaged.
      StructureNotFoundError: The store does not hold the structure.
    """
    name = "images" if structure is None else "labels"
    path = self.folder / name
    self.check_array(name)
    try:
      array = _chunks.open_array(path)
    except ValueError as e:
      raise _chunks.unreadable(path, e) from e
    part = array if structure is None else array[self.index(structure)]
    return _stack.Stack(path, part)

  def reference(self, patient: str, structure: str) -> np.ndarray:
    """The mask on the patient's own grid, bool `[slice, row, column]`."""
    number = list(self.patients).index(patient)
    name = f"references/{number:05d}"
    mask = self._read(name, self.index(structure)).astype(np.bool_)
    if self._recorded and self._voxels is not None:
      said = self._voxels.get(patient, {}).get(structure, 0)
      found = int(np.count_nonzero(mask))
      if said != found:
        raise errors.DataError(
          f"{self.folder / name}: {structure} has {found} voxels, by the"
          f" manifest {said}; {_chunks.AGAIN}"
        )
    return mask

  def lost(self) -> dict[str, tuple[float, float, str]]:
    """What the prepared slices leave out of each structure.

    Returns:
      Structure -> (share of the cohort's voxels, largest share of a patient,
      that patient), shares in [0, 1]; for each structure that is contoured.
    """
    outside = {name: p.outside for name, p in self.patients.items()}
    if self._voxels is None:  # A store of an older version.
      self._voxels = {
        name: {
          one: int(np.count_nonzero(self.reference(name, one)))
          if any(other.outside.get(one) for other in self.patients.values())
          else 1
          for one in p.contoured
        }
        for name, p in self.patients.items()
      }
    return _fit.lost(outside, self._voxels)

  def image(self, patient: str) -> np.ndarray:
    """One patient's prepared slices in HU, int16 `[slice, row, column]`."""
    entry = self.patients[patient]
    return self._read("images", slice(entry.start, entry.stop))

  def _read(self, name: str, part: int | slice = slice(None)) -> np.ndarray:
    """A part of a Zarr array along its first axis.

    Raises:
      DataError: There is none, or it is damaged.
    """
    path = self.folder / name
    self.check_array(name)
    try:
      found = _chunks.open_array(path)[part].read().result()
    except ValueError as e:
      raise _chunks.unreadable(path, e) from e
    _chunks.check_values(path, found)
    return found

  def check_array(self, name: str) -> None:
    """Refuses an array that is not as it was written, before it is read.

    Arrays with checksums tell by themselves, as they are read. Of older ones
    the hash of all contents decides: a chunk without a voxel was not written,
    and what a flipped bit makes of another may well be readable.

    Args:
      name: "images", "labels", or "references/<number>".

    Raises:
      DataError: Something is missing or damaged.
    """
    if name in self._checked:
      return
    path, shape = self.folder / name, self._shape(name)
    dtype = np.int16 if name == "images" else np.uint8
    _chunks.check(path, shape, dtype)
    if not _chunks.has_checksums(path) and not self.is_whole():
      every = [f"references/{k:05d}" for k in range(len(self.patients))]
      for one in (name, "images", "labels", *every):
        for lost in self._missing(one):
          raise errors.DataError(
            f"{lost}: the chunk is missing; {_chunks.AGAIN}"
          )
      raise errors.DataError(
        f"{self.folder}: its contents are not those that were written (their"
        f" hash differs); {_chunks.AGAIN}"
      )
    self._checked.add(name)

  def _shape(self, name: str) -> tuple[int, ...]:
    """Of an array, by the manifest."""
    entries = list(self.patients.values())
    number = name.partition("/")[2]
    if number:
      return (len(self.structures), *entries[int(number)].placement.shape)
    slices = (entries[-1].stop, *entries[0].placement.size)
    return (len(self.structures), *slices) if name == "labels" else slices

  def _missing(self, name: str) -> list[pathlib.Path]:
    """Chunks that are not there, and that the contours would be in."""
    path, shape = self.folder / name, self._shape(name)
    end = tuple(n - 1 for n in shape[-2:])
    if name == "images":
      return _chunks.missing(path, (0, 0, 0), (shape[0] - 1, *end))
    entries = list(self.patients.values())
    if name != "labels":
      number = int(name.partition("/")[2])
      entries = [dataclasses.replace(entries[number], start=0)]
    lost: list[pathlib.Path] = []
    for entry in entries:
      for structure, (first, last) in entry.contoured.items():
        c = self.index(structure)
        lost += _chunks.missing(
          path,
          (c, entry.start + first, 0, 0),
          (c, entry.start + last, *end),
        )
    return lost

  def is_whole(self) -> bool:
    """Whether all contents are those that the content hash is of.

    Reads the whole store, patient by patient.

    Raises:
      DataError: Something cannot be read.
    """
    if self._whole is None:
      self._whole = self._content_hash() == self.content_hash
    return self._whole

  def _content_hash(self) -> str:
    """The content hash, computed anew as when the store was written."""
    manifest = _files.read_json(self.folder / "manifest.json")
    content = hashlib.sha256()
    for number, entry in enumerate(self.patients.values()):
      own = slice(entry.start, entry.stop)
      for name, part in (
        ("images", own),
        ("labels", (slice(None), own)),
        (f"references/{number:05d}", slice(None)),
      ):
        path = self.folder / name
        try:
          array = _chunks.open_array(path)[part].read().result()
        except ValueError as e:
          raise _chunks.unreadable(path, e) from e
        content.update(np.ascontiguousarray(array).data)
    head = {name: manifest[name] for name in ("cohort", "settings")}
    content.update(_files.digest([head, manifest["patients"]]).encode())
    return content.hexdigest()[:16]

  def index(self, structure: str) -> int:
    """Position of a structure in `labels`.

    Raises:
      StructureNotFoundError: The store does not hold it.
    """
    if structure not in self.structures:
      raise errors.StructureNotFoundError(
        f"{self.folder}: no {structure} was prepared; it holds"
        f" {', '.join(self.structures)}"
      )
    return self.structures.index(structure)

  def contoured(self, structure: str) -> tuple[str, ...]:
    """Names of the patients on whom a structure was contoured."""
    self.index(structure)
    return tuple(
      name for name, p in self.patients.items() if structure in p.contoured
    )


def _voxels_from_json(content: Any) -> dict[str, dict[str, int]] | None:
  if content is None:
    return None
  return {
    name: {structure: int(count) for structure, count in own.items()}
    for name, own in content.items()
  }


def write_manifest(folder: pathlib.Path, content: dict[str, Any]) -> None:
  """Writes the manifest of a store, with a digest of it."""
  _sealed.write(folder / "manifest.json", content)
