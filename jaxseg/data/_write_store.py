"""Prepares a cohort's patients and writes the store, in their order."""

from collections.abc import Callable, Mapping
import dataclasses
import functools
import hashlib
import pathlib
from typing import Any

import numpy as np

from jaxseg import _files
from jaxseg import errors
from jaxseg.cohorts import Cohort
from jaxseg.data import _load
from jaxseg.data import _patient
from jaxseg.data import _placement
from jaxseg.data import _prepare
from jaxseg.data import _store


def write_store(
  folder: pathlib.Path | str,
  cohort: Cohort,
  config: _placement.PrepareConfig,
  *,
  skip_bad: bool = False,
  on_patient: Callable[[str, int, int], None] | None = None,
  workers: int | None = 1,
  scheduler: str | None = None,
) -> _store.Store:
  """Prepares a cohort and writes the store.

  Args:
    folder: Where it shall lie; must not exist. It appears when it is whole.
    cohort: Patients.
    config: The prepared grid.
    skip_bad: Leave out patients that cannot be loaded, into `left_out`.
    on_patient: Called after each patient with (name, done, all).
    workers: Processes that load patients, as in `parallel.run`; the store is
      the same, to the byte.
    scheduler: As in `parallel.run`.

  Raises:
    ExistingOutputError: The folder exists.
    ConfigError: The cohort cannot be sent to other processes.
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
  work = _load.loaded(
    cohort,
    functools.partial(_prepare.prepare, structures=structures, config=config),
    workers=workers,
    scheduler=scheduler,
  )
  with _files.new_folder(folder) as temporary, work as patients:
    stacks = _Stacks(temporary, structures)
    for done, (name, made) in enumerate(patients, start=1):
      try:
        if isinstance(made, errors.JaxsegError):
          raise made
        stacks.check(made)
      except errors.JaxsegError as e:
        if not skip_bad:
          raise
        left_out[name] = str(e)
      else:
        for one, why in made.missing.items():
          if one in structures:
            remarks.setdefault(name, []).append(f"{one} left out: {why}")
        start = stacks.length
        written = stacks.append(made, f"references/{len(entries):05d}")
        entry = dataclasses.replace(made.entry, start=start, stop=stacks.length)
        entries.append(_as_json(entry))
        voxels[entry.name] = made.voxels
        needed = _larger(needed, made.needed)
        for array in written:
          content.update(array.data)
      if on_patient:
        on_patient(name, done, len(names))
    if not entries:
      first = "".join(f": {reason}" for reason in list(left_out.values())[-1:])
      raise errors.DataError(
        f"cohort {cohort.name} has no patients{first}; check its folder"
      )
    head = {
      "cohort": dict(cohort.describe()),
      "settings": config.to_json(),
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


class _Stacks:
  """The arrays that grow by each patient.

  They are made with the first one: neither the slices' size under a
  fractional crop nor their number is known before.
  """

  def __init__(self, folder: pathlib.Path, structures: tuple[str, ...]):
    self.length = 0
    self._folder, self._structures = folder, structures
    self._size: tuple[int, int] | None = None
    self._images: Any = None
    self._labels: Any = None

  def check(self, made: _prepare.Prepared) -> None:
    """Refuses slices of another size."""
    if self._size not in (None, made.size):
      raise errors.DataError(
        f"{made.entry.name}: the crop has {made.size} pixels, that of the"
        f" patients before {self._size}; give a size instead of a crop"
      )

  def append(
    self, made: _prepare.Prepared, reference: str
  ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Writes a patient's slices behind the others.

    Returns:
      What was written: images, labels, references.
    """
    size, count = made.size, len(self._structures)
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
    labels = self._unpacked(made.labels, made.image.shape)
    whole = self._unpacked(made.reference, made.entry.placement.shape)
    self._images[start : self.length].write(made.image).result()
    self._labels[:, start : self.length].write(labels).result()
    array = create(self._folder / reference, whole.shape, np.uint8)
    array.write(whole).result()
    return made.image, labels, whole

  def _unpacked(
    self, masks: Mapping[str, _prepare.Bits], shape: tuple[int, ...]
  ) -> np.ndarray:
    """uint8 `[structure, slice, row, column]`; 0 where there is no mask."""
    result = np.zeros((len(self._structures), *shape), np.uint8)
    for c, name in enumerate(self._structures):
      if name in masks:
        masks[name].unpack(result[c])
    return result


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


def _as_json(entry: _patient.Patient) -> dict[str, Any]:
  """An entry of the manifest, without what older versions did not know."""
  row = dataclasses.asdict(entry)
  for name in ("unknown", "ends_with_contours"):
    if not row[name]:
      del row[name]
  return row
