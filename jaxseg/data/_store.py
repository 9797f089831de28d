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
import pathlib
from typing import Any

import numpy as np

from jaxseg import _extras
from jaxseg import _files
from jaxseg import errors
from jaxseg.data import _fit
from jaxseg.data import _placement
from jaxseg.data import _stack

FORMAT = 1


@dataclasses.dataclass(frozen=True)
class Patient:
  """One patient's entry in the manifest.

  Attributes:
    name: Identifier in the cohort.
    start: First of the patient's slices in `images` and `labels`.
    stop: One beyond the last.
    spacing: (slice, row, column) of the patient's own grid, mm.
    affine: The own grid's affine, LPS, as nested tuples.
    placement: The map between own and prepared grid.
    contoured: Structure -> (first, last) slice that shows it, own numbering.
    unscanned: Slices without any measurement, own numbering.
    outside: Structure -> reference voxels beyond the prepared grid.
    notes: The cohort's remarks.
    unknown: Structure -> slices of which its contours say nothing, own
      numbering; structures without such slices are left out.
  """

  name: str
  start: int
  stop: int
  spacing: tuple[float, float, float]
  affine: tuple[tuple[float, ...], ...]
  placement: _placement.Placement
  contoured: dict[str, tuple[int, int]]
  unscanned: tuple[int, ...]
  outside: dict[str, int]
  notes: tuple[str, ...]
  unknown: dict[str, tuple[int, ...]] = dataclasses.field(default_factory=dict)

  @property
  def slices(self) -> int:
    """Number of slices."""
    return self.stop - self.start

  @property
  def scanned(self) -> np.ndarray:
    """Bool `[slice]`: which slices hold a measurement."""
    result = np.ones(self.slices, np.bool_)
    result[list(self.unscanned)] = False
    return result

  def drawable(self, structure: str) -> np.ndarray:
    """Bool `[slice]`: scanned, and not unknown for a structure."""
    result = self.scanned
    result[list(self.unknown.get(structure, ()))] = False
    return result


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
    manifest = _files.read_json(self.folder / "manifest.json")
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
      self._voxels: dict[str, dict[str, int]] | None = manifest.get("voxels")
      self.patients = {
        entry["name"]: _patient_from_json(entry)
        for entry in manifest["patients"]
      }
    except (KeyError, TypeError) as e:
      raise errors.DataError(
        f"{self.folder / 'manifest.json'}: entry {e} is missing or"
        " malformed; prepare the cohort again"
      ) from e

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
    path = self.folder / ("images" if structure is None else "labels")
    try:
      array = open_array(path)
    except ValueError as e:
      raise errors.DataError(
        f"{path}: no readable Zarr array; prepare the cohort again"
      ) from e
    part = array if structure is None else array[self.index(structure)]
    return _stack.Stack(path, part)

  def reference(self, patient: str, structure: str) -> np.ndarray:
    """The mask on the patient's own grid, bool `[slice, row, column]`."""
    number = list(self.patients).index(patient)
    mask = self._read(f"references/{number:05d}", self.index(structure))
    return mask.astype(np.bool_)

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
    try:
      return open_array(path)[part].read().result()
    except ValueError as e:
      raise errors.DataError(
        f"{path}: no readable Zarr array; prepare the cohort again"
      ) from e

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


def create_array(path: pathlib.Path, shape: tuple[int, ...], dtype: Any) -> Any:
  """A new Zarr array `[..., slice, row, column]`; it can grow later.

  A file holds 64 slices of one structure: what scoring reads. Each slice is
  compressed by itself: a batch reads slices from all over the array, and must
  not decode 63 others for each.
  """
  ts = _extras.load("tensorstore", extra="train")  # Slow to import.

  chunk = [1] * (len(shape) - 3) + [64, *shape[-2:]]
  return ts.open(
    {
      **_spec(path),
      "metadata": {
        "shape": list(shape),
        "data_type": np.dtype(dtype).name,
        "chunk_grid": {
          "name": "regular",
          "configuration": {"chunk_shape": chunk},
        },
        "codecs": [
          {
            "name": "sharding_indexed",
            "configuration": {
              "chunk_shape": [*[1] * (len(shape) - 2), *shape[-2:]],
              "codecs": [
                {"name": "bytes", "configuration": {"endian": "little"}},
                {"name": "zstd", "configuration": {"level": 3}},
              ],
              "index_codecs": [
                {"name": "bytes", "configuration": {"endian": "little"}},
                {"name": "crc32c"},
              ],
            },
          },
        ],
      },
    },
    create=True,
  ).result()


def open_array(path: pathlib.Path) -> Any:
  """A Zarr array, opened for reading.

  Raises:
    ValueError: There is none, or it is damaged.
  """
  ts = _extras.load("tensorstore", extra="train")  # Slow to import.

  return ts.open(_spec(path)).result()


def _spec(path: pathlib.Path) -> dict[str, Any]:
  return {"driver": "zarr3", "kvstore": {"driver": "file", "path": f"{path}/"}}


def _patient_from_json(entry: dict[str, Any]) -> Patient:
  return Patient(
    name=entry["name"],
    start=int(entry["start"]),
    stop=int(entry["stop"]),
    spacing=tuple(entry["spacing"]),
    affine=tuple(map(tuple, entry["affine"])),
    placement=_placement.Placement.from_json(entry["placement"]),
    contoured={k: tuple(v) for k, v in entry["contoured"].items()},
    unscanned=tuple(entry["unscanned"]),
    outside=dict(entry["outside"]),
    notes=tuple(entry["notes"]),
    unknown={k: tuple(v) for k, v in entry.get("unknown", {}).items()},
  )
