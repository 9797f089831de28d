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

from collections.abc import Callable, Sequence
import dataclasses
import hashlib
import pathlib
from typing import Any

import numpy as np

from jaxseg import _files
from jaxseg import errors
from jaxseg.cohorts import Case
from jaxseg.cohorts import Cohort
from jaxseg.data import _placement
from jaxseg.data import _zarr

_AIR_HU = -1000
_FORMAT = 1


@dataclasses.dataclass(frozen=True)
class PrepareConfig:
  """How patients are brought onto one grid.

  Attributes:
    size: Rows and columns of the prepared slices, pixels, centred on the body.
    spacing: In-plane pixel spacing, mm; None keeps each patient's own.
    crop: A fixed square instead: where it begins and ends, as fractions of
      the image's rows and columns; `size` and `spacing` then have no effect.
    structures: Canonical names to prepare; None is all of the cohort's.
  """

  size: tuple[int, int] = (96, 96)
  spacing: float | None = None
  crop: tuple[float, float] | None = None
  structures: tuple[str, ...] | None = None

  def __post_init__(self):
    if self.crop is not None and not 0 <= self.crop[0] < self.crop[1] <= 1:
      raise errors.ConfigError(
        f"crop {self.crop} is no part of an image; give begin < end in [0, 1]"
      )
    if any(n < 16 for n in self.size):
      raise errors.ConfigError(
        f"size {self.size} has fewer than 16 pixels; take 96 or 128"
      )
    if self.spacing is not None and not self.spacing > 0:
      raise errors.ConfigError(
        f"spacing {self.spacing} mm is not above 0; leave it out to keep"
        " each patient's own"
      )


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


class Store:
  """A prepared cohort, opened for reading.

  Attributes:
    folder: Where it lies.
    cohort: Name of the cohort.
    synthetic: Whether the patients are made up.
    structures: Canonical names, in the order of `labels`.
    patients: Name -> entry.
    content_hash: Fingerprint of settings, images and labels.
    left_out: Patient -> why the cohort could not load it.
  """

  def __init__(self, folder: pathlib.Path | str):
    """Opens a store.

    Raises:
      DataError: The folder is no store, or its manifest is damaged.
    """
    self.folder = pathlib.Path(folder)
    manifest = _files.read_json(self.folder / "manifest.json")
    try:
      if manifest["format"] != _FORMAT:
        raise errors.DataError(
          f"{self.folder}: store of format {manifest['format']}, this"
          f" version reads {_FORMAT}; prepare the cohort again"
        )
      self.cohort: str = manifest["cohort"]["name"]
      self.synthetic = bool(manifest["cohort"].get("synthetic", False))
      self.structures: tuple[str, ...] = tuple(manifest["structures"])
      self.content_hash: str = manifest["content_hash"]
      self.left_out: dict[str, str] = dict(manifest.get("left_out", {}))
      self.patients = {
        entry["name"]: _patient_from_json(entry)
        for entry in manifest["patients"]
      }
    except (KeyError, TypeError) as e:
      raise errors.DataError(
        f"{self.folder / 'manifest.json'}: entry {e} is missing or"
        " malformed; prepare the cohort again"
      ) from e
    self.manifest = manifest

  def images(self) -> np.ndarray:
    """All slices of all patients in HU, int16 `[slice, row, column]`."""
    return _zarr.opened(self.folder / "images").read().result()

  def labels(self, structure: str) -> np.ndarray:
    """One structure's masks, uint8 0 or 1, `[slice, row, column]`.

    Patients on whom it was not contoured are 0 throughout: ask
    `patients[name].contoured` before believing that.
    """
    return (
      _zarr.opened(self.folder / "labels")[self.index(structure)]
      .read()
      .result()
    )

  def reference(self, patient: str, structure: str) -> np.ndarray:
    """The mask on the patient's own grid, bool `[slice, row, column]`."""
    number = list(self.patients).index(patient)
    array = _zarr.opened(self.folder / "references" / f"{number:05d}")
    return array[self.index(structure)].read().result().astype(np.bool_)

  def image(self, patient: str) -> np.ndarray:
    """One patient's prepared slices in HU, int16 `[slice, row, column]`."""
    entry = self.patients[patient]
    array = _zarr.opened(self.folder / "images")
    return array[entry.start : entry.stop].read().result()

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


def write_store(
  folder: pathlib.Path | str,
  cohort: Cohort,
  config: PrepareConfig,
  *,
  skip_bad: bool = False,
  on_patient: Callable[[str, int, int], None] | None = None,
) -> Store:
  """Prepares a cohort and writes the store.

  Args:
    folder: Where it shall lie; must not exist. It appears when it is whole.
    cohort: Patients.
    config: The prepared grid.
    skip_bad: Leave out patients that cannot be loaded, into `left_out`.
    on_patient: Called after each patient with (name, done, all).

  Raises:
    ExistingOutputError: The folder exists.
    DataError: A patient is malformed, or there is none.
    StructureNotFoundError: A configured structure is not the cohort's.
  """
  folder = pathlib.Path(folder)
  if folder.exists():
    raise errors.ExistingOutputError(
      f"{folder}: exists; name another output or delete it"
    )
  structures = _chosen(cohort, config)
  with _files.new_folder(folder) as temporary:
    writer = _Writer(temporary, structures, config)
    names = cohort.patients()
    for done, name in enumerate(names, start=1):
      try:
        writer.add(cohort.load(name))
      except errors.JaxsegError as e:
        if not skip_bad:
          raise
        writer.left_out[name] = str(e)
      if on_patient:
        on_patient(name, done, len(names))
    writer.finish(cohort)
  return Store(folder)


def _chosen(cohort: Cohort, config: PrepareConfig) -> tuple[str, ...]:
  if config.structures is None:
    return tuple(cohort.structures)
  for name in config.structures:
    if name not in cohort.structures:
      raise errors.StructureNotFoundError(
        f"{name}: cohort {cohort.name} does not have it; it has"
        f" {', '.join(cohort.structures)}"
      )
  return tuple(config.structures)


class _Writer:
  """Collects patients one after the other; arrays grow on disk."""

  def __init__(
    self,
    folder: pathlib.Path,
    structures: Sequence[str],
    config: PrepareConfig,
  ):
    self._folder = folder
    self._structures = tuple(structures)
    self._config = config
    self._entries: list[dict[str, Any]] = []
    self.left_out: dict[str, str] = {}
    self._start = 0
    self._hash = hashlib.sha256()
    # Made with the first patient and grown by each: neither the slices' size
    # under a fractional crop nor their number is known before.
    self._size: tuple[int, int] | None = None
    self._images: Any = None
    self._labels: Any = None

  def add(self, case: Case) -> None:
    """Prepares one case and appends it."""
    try:
      placement = _placement.place(
        case.image,
        size=self._config.size,
        spacing=self._config.spacing,
        crop=self._config.crop,
      )
    except errors.GeometryError as e:
      raise errors.DataError(f"{case.patient}: {e}") from e
    if self._size not in (None, placement.size):
      raise errors.DataError(
        f"{case.patient}: the crop has {placement.size} pixels, that of the"
        f" patients before {self._size}; give a size instead of a crop"
      )
    image = placement.take(case.image.array, fill=_AIR_HU)
    image = np.rint(image).astype(np.int16)
    labels = np.zeros((len(self._structures), *image.shape), np.uint8)
    reference = np.zeros((len(self._structures), *case.image.shape), np.uint8)
    ranges, outside = {}, {}
    for c, name in enumerate(self._structures):
      mask = case.masks.get(name)
      if mask is None or not mask.any():
        continue
      reference[c] = mask
      labels[c] = placement.take(mask, fill=0) >= 0.5
      seen = np.flatnonzero(mask.any((1, 2)))
      ranges[name] = (int(seen[0]), int(seen[-1]))
      outside[name] = int(np.sum(mask & ~_covered(placement)[None]))
    self._append(image, labels)
    _zarr.create(
      self._folder / "references" / f"{len(self._entries):05d}",
      reference.shape,
      np.uint8,
    ).write(reference).result()
    entry = Patient(
      name=case.patient,
      start=self._start,
      stop=self._start + len(image),
      spacing=case.image.spacing,
      affine=tuple(map(tuple, case.image.affine.tolist())),
      placement=placement,
      contoured=ranges,
      unscanned=tuple(int(k) for k in case.unscanned),
      outside=outside,
      notes=case.notes,
    )
    self._entries.append(dataclasses.asdict(entry))
    self._start = entry.stop
    for array in (image, labels, reference):
      self._hash.update(np.ascontiguousarray(array).data)

  def _append(self, image: np.ndarray, labels: np.ndarray) -> None:
    stop, size = self._start + len(image), image.shape[1:]
    if self._size is None:
      self._size = size
      self._images = _zarr.create(self._folder / "images", (0, *size), np.int16)
      self._labels = _zarr.create(
        self._folder / "labels", (len(labels), 0, *size), np.uint8
      )
    self._images = self._images.resize(exclusive_max=[stop, *size]).result()
    self._labels = self._labels.resize(
      exclusive_max=[len(labels), stop, *size]
    ).result()
    self._images[self._start : stop].write(image).result()
    self._labels[:, self._start : stop].write(labels).result()

  def finish(self, cohort: Cohort) -> None:
    """Writes the manifest."""
    if not self._entries:
      first = "".join(f": {r}" for r in list(self.left_out.values())[:1])
      raise errors.DataError(
        f"cohort {cohort.name} has no patients{first}; check its folder"
      )
    settings = dataclasses.asdict(self._config)
    described = dict(cohort.describe())
    head = {"cohort": described, "settings": settings}
    self._hash.update(_files.digest([head, self._entries]).encode())
    _files.write_json(
      self._folder / "manifest.json",
      {
        "format": _FORMAT,
        **head,
        "structures": self._structures,
        "content_hash": self._hash.hexdigest()[:16],
        "patients": self._entries,
        "left_out": self.left_out,
      },
    )


def _covered(placement: _placement.Placement) -> np.ndarray:
  """Bool `[row, column]` of the patient's grid: inside the prepared one."""
  inside = []
  for length, n, origin, step in zip(
    placement.shape[1:],
    placement.size,
    placement.origin,
    placement.step,
    strict=True,
  ):
    at = (np.arange(length) - origin) / step
    inside.append((at >= -0.5) & (at <= n - 0.5))
  return inside[0][:, None] & inside[1][None, :]


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
  )
