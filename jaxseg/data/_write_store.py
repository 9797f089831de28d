"""Prepares a cohort's patients one after the other and writes the store."""

from collections.abc import Callable, Mapping
import dataclasses
import hashlib
import pathlib
from typing import Any, NamedTuple

import numpy as np

from jaxseg import _files
from jaxseg import errors
from jaxseg.cohorts import Case
from jaxseg.cohorts import Cohort
from jaxseg.data import _fit
from jaxseg.data import _placement
from jaxseg.data import _store


def write_store(
  folder: pathlib.Path | str,
  cohort: Cohort,
  config: _placement.PrepareConfig,
  *,
  skip_bad: bool = False,
  on_patient: Callable[[str, int, int], None] | None = None,
) -> _store.Store:
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
  names = cohort.patients()
  # Those that a folder's scan found unusable are not among `patients`.
  left_out = dict(getattr(cohort, "left_out", {}))
  remarks = {name: [*own] for name, own in _remarks(cohort).items()}
  entries: list[dict[str, Any]] = []
  voxels: dict[str, dict[str, int]] = {}
  needed = (0, 0)
  content = hashlib.sha256()
  with _files.new_folder(folder) as temporary:
    stacks = _Stacks(temporary, len(structures))
    for done, name in enumerate(names, start=1):
      try:
        case = cohort.load(name)
        made = _prepare(case, structures, config)
        stacks.check(case.patient, made.placement.size)
      except errors.JaxsegError as e:
        if not skip_bad:
          raise
        left_out[name] = str(e)
      else:
        entry = _entry(case, made, structures, start=stacks.length)
        for one, why in case.missing.items():
          if one in structures:
            remarks.setdefault(name, []).append(f"{one} left out: {why}")
        stacks.append(made, f"references/{len(entries):05d}")
        entries.append(_as_json(entry))
        voxels[entry.name] = {
          one: int(np.count_nonzero(made.reference[structures.index(one)]))
          for one in entry.contoured
        }
        needed = _larger(needed, _fit.size_of(case, made.placement))
        for array in (made.image, made.labels, made.reference):
          content.update(np.ascontiguousarray(array).data)
      if on_patient:
        on_patient(name, done, len(names))
    if not entries:
      first = "".join(f": {reason}" for reason in list(left_out.values())[-1:])
      raise errors.DataError(
        f"cohort {cohort.name} has no patients{first}; check its folder"
      )
    head = {
      "cohort": dict(cohort.describe()),
      "settings": dataclasses.asdict(config),
    }
    content.update(_files.digest([head, entries]).encode())
    _store.write_manifest(
      temporary,
      {
        "format": _store.FORMAT,
        **head,
        "structures": structures,
        "content_hash": content.hexdigest()[:16],
        "patients": entries,
        "left_out": left_out,
        "remarks": remarks,
        "voxels": voxels,
        "needed_size": needed,
      },
    )
  return _store.Store(folder)


def _remarks(cohort: Cohort) -> Mapping[str, list[str]]:
  found: Mapping[str, list[str]] = getattr(cohort, "remarks", {})
  return found


def _larger(one: tuple[int, int], other: tuple[int, int]) -> tuple[int, int]:
  return max(one[0], other[0]), max(one[1], other[1])


class _Prepared(NamedTuple):
  """A case on the prepared grid.

  Attributes:
    placement: Where the grid lies.
    image: int16 HU `[slice, row, column]`.
    labels: uint8 `[structure, slice, row, column]`.
    reference: The masks on the patient's own grid, likewise.
  """

  placement: _placement.Placement
  image: np.ndarray
  labels: np.ndarray
  reference: np.ndarray


class _Stacks:
  """The arrays that grow by each patient.

  They are made with the first one: neither the slices' size under a
  fractional crop nor their number is known before.
  """

  def __init__(self, folder: pathlib.Path, structures: int):
    self.length = 0
    self._folder, self._structures = folder, structures
    self._size: tuple[int, int] | None = None
    self._images: Any = None
    self._labels: Any = None

  def check(self, patient: str, size: tuple[int, int]) -> None:
    """Refuses slices of another size."""
    if self._size not in (None, size):
      raise errors.DataError(
        f"{patient}: the crop has {size} pixels, that of the patients before"
        f" {self._size}; give a size instead of a crop"
      )

  def append(self, made: _Prepared, reference: str) -> None:
    """Writes a patient's slices behind the others."""
    size, count = made.placement.size, self._structures
    create = _store.create_array
    if self._size is None:
      self._size = size
      self._images = create(self._folder / "images", (0, *size), np.int16)
      self._labels = create(
        self._folder / "labels", (count, 0, *size), np.uint8
      )
    start, self.length = self.length, self.length + len(made.image)
    self._images = self._images.resize(
      exclusive_max=[self.length, *size]
    ).result()
    self._labels = self._labels.resize(
      exclusive_max=[count, self.length, *size]
    ).result()
    self._images[start : self.length].write(made.image).result()
    self._labels[:, start : self.length].write(made.labels).result()
    shape = made.reference.shape
    whole = create(self._folder / reference, shape, np.uint8)
    whole.write(made.reference).result()


def _chosen(
  cohort: Cohort, config: _placement.PrepareConfig
) -> tuple[str, ...]:
  if config.structures is None:
    return tuple(cohort.structures)
  for name in config.structures:
    if name not in cohort.structures:
      raise errors.StructureNotFoundError(
        f"{name}: cohort {cohort.name} does not have it; it has"
        f" {', '.join(cohort.structures)}"
      )
  return tuple(config.structures)


def _prepare(
  case: Case, structures: tuple[str, ...], config: _placement.PrepareConfig
) -> _Prepared:
  try:
    placement, image = _placement.prepare_image(case.image, config)
  except errors.GeometryError as e:
    raise errors.DataError(f"{case.patient}: {e}") from e
  labels = np.zeros((len(structures), *image.shape), np.uint8)
  reference = np.zeros((len(structures), *case.image.shape), np.uint8)
  for c, name in enumerate(structures):
    if name in case.masks:
      reference[c] = case.masks[name]
      seen = np.flatnonzero(case.masks[name].any((1, 2)))
      if len(seen):  # The others stay empty, whatever is resampled.
        some = slice(seen[0], seen[-1] + 1)
        labels[c, some] = placement.take(case.masks[name][some], fill=0) >= 0.5
  return _Prepared(placement, image, labels, reference)


def _entry(
  case: Case, made: _Prepared, structures: tuple[str, ...], *, start: int
) -> _store.Patient:
  ranges, outside = {}, {}
  covered = made.placement.covered
  for c, name in enumerate(structures):
    seen = np.flatnonzero(made.reference[c].any((1, 2)))
    if len(seen):
      ranges[name] = (int(seen[0]), int(seen[-1]))
      outside[name] = int(np.sum(made.reference[c][:, ~covered]))
  return _store.Patient(
    name=case.patient,
    start=start,
    stop=start + len(made.image),
    spacing=case.image.spacing,
    affine=tuple(map(tuple, case.image.affine.tolist())),
    placement=made.placement,
    contoured=ranges,
    unscanned=tuple(int(k) for k in case.unscanned),
    outside=outside,
    notes=case.notes,
    unknown={
      name: tuple(int(k) for k in case.unknown[name])
      for name in ranges
      if case.unknown.get(name)
    },
  )


def _as_json(entry: _store.Patient) -> dict[str, Any]:
  """An entry of the manifest; it is as it was where no slice is unknown."""
  row = dataclasses.asdict(entry)
  if not row["unknown"]:
    del row["unknown"]
  return row
