"""The family of models: checked as a whole, then trained one by one."""

from collections.abc import Sequence
import importlib.metadata
import os
import pathlib
import platform
import threading
from typing import Any

import jax
import numpy as np

import jaxseg
from jaxseg import _devices
from jaxseg import _distributed
from jaxseg import _files
from jaxseg import _sealed
from jaxseg import data
from jaxseg import errors
from jaxseg import models
from jaxseg.training import _ahead
from jaxseg.training import _compiled
from jaxseg.training import _concurrent
from jaxseg.training import _config
from jaxseg.training import _keep
from jaxseg.training import _logs
from jaxseg.training import _loop
from jaxseg.training import _objective
from jaxseg.training import _share
from jaxseg.training import _slices

# One group reads at a time: all of them together would fill the memory.
_reading = threading.Lock()
_AGAIN = "restore it, or delete the model's folder and train again"


def model_folder(run: pathlib.Path, config: _config.Config) -> pathlib.Path:
  """Where a model lies in a run folder."""
  folder = _objective.objective_folder(config.objective)
  name = f"{config.seed}-{config.variant}" if config.variant else config.seed
  return run / "models" / config.structure / folder / str(name)


def train_family(
  store: data.Store,
  split: data.Split,
  run: pathlib.Path,
  configs: Sequence[_config.Config],
  *,
  reporter: _logs.Reporter | None = None,
  keep: str | None = None,
  devices: int | None = None,
  models_at_once: int = 1,
  parallel: str = "jit",
  checkpoint_minutes: float = _loop.CHECKPOINT_MINUTES,
) -> list[_loop.Trained]:
  """Trains models; finished ones are skipped.

  Called again with the same arguments it goes on where it was stopped, and
  ends with the same bits. It goes on with other devices, too, from the last
  checkpoint; the numbers are then the same but for rounding.

  Args:
    store: Prepared cohort.
    split: Patients of training and validation.
    run: Run folder; models lie in `models/<structure>/<objective>/<seed>`.
    configs: One for each model.
    reporter: Hears of progress. Of models that are trained at once it hears
      from a thread for each, of one thing at a time.
    keep: Where the slices lie meanwhile: "device", "ram" or "store", with the
      same numbers; None is the first of these that has the memory.
    devices: How many of `jax.devices()` to use; None is all. A batch is spread
      over those of a model.
    models_at_once: Models trained at the same time, each on its share of the
      devices; each has the numbers that it has alone on so many.
    parallel: "jit" or "pmap", see `jaxseg._devices`.
    checkpoint_minutes: The longest time between two checkpoints, above 0.

  Raises:
    ExistingOutputError: A model of another configuration is in the way.
    StructureNotFoundError: A structure has no patients in a part.
    ConfigError: The network cannot take the slices, the loss diverged, or
      the devices cannot share the models or a batch.
    DataError: What was trained before is damaged.
    InUseError: Another process trains one of the models.
  """
  how: dict[str, Any] = {
    "devices": devices,
    "models_at_once": models_at_once,
    "parallel": parallel,
  }
  check_family(store, split, run, configs, **how)
  configs = [_settled(store, split, run, config) for config in configs]

  def claim() -> None:
    for config in configs:
      _claim(store, split, model_folder(run, config), config)

  _distributed.first("claiming the models", claim)
  reporter = reporter or _logs.Silent()
  places = _places(configs, **how)
  pool = _keep.Pool(store, keep, places, reporter.note)
  groups = [
    _Group(store, split, run, place, pool, checkpoint_minutes)
    for place in places
  ]
  if len(groups) == 1:
    return [groups[0].train(config, reporter) for config in configs]
  return _concurrent.run([one.train for one in groups], configs, reporter)


class _Group:
  """Devices that train one model after the other."""

  def __init__(
    self,
    store: data.Store,
    split: data.Split,
    run: pathlib.Path,
    devices: _devices.Devices,
    pool: _keep.Pool,
    checkpoint_minutes: float,
  ):
    self._store, self._split, self._run = store, split, run
    self._devices, self._pool = devices, pool
    self._checkpoint_minutes = checkpoint_minutes
    self._kept: _keep.Kept | None = None
    self._slices: _slices.Slices | None = None

  def train(
    self, config: _config.Config, reporter: _logs.Reporter
  ) -> _loop.Trained:
    """Trains a model that is not finished, and says how it ended."""
    folder = model_folder(self._run, config)
    done = _loop.finished(folder)
    if done is None:
      ahead = _ahead.Ahead(config, _size(self._store), self._devices)
      try:
        slices = self._of(config.structure)
        some = slices.share(config)
        if some is not slices:
          reporter.note(_share.text(some.validation, some.held_out))
        if _distributed.process() == 0:
          _files.write_json(
            folder / "environment.json", _environment(self._devices)
          )
        done = _loop.train(
          config,
          slices,
          folder,
          reporter,
          patients=self._store.patients,
          checkpoint_minutes=self._checkpoint_minutes,
          ahead=ahead,
        )
      finally:
        ahead.stop()
    reporter.finish(_told(config, done))
    return done

  def _of(self, structure: str) -> _slices.Slices:
    """The slices of a structure, which stay until another's are wanted."""
    if self._slices is not None and self._slices.structure == structure:
      return self._slices
    self._slices = None  # Frees the memory of the one before.
    read: list[_slices.Slices] = []
    with _reading:
      # What one process cannot read, all are told before a step.
      _distributed.each(
        "reading slices", lambda: read.append(self._read(structure))
      )
    self._slices = read[0]
    return self._slices

  def _read(self, structure: str) -> _slices.Slices:
    if self._kept is None:
      self._kept = self._pool.images(self._devices)
    return _slices.Slices.read(
      self._store, self._split, structure, self._kept, self._devices
    )


def _places(
  configs: Sequence[_config.Config],
  devices: int | None,
  models_at_once: int,
  parallel: str,
) -> tuple[_devices.Devices, ...]:
  """Devices for each model at once, checked against all batches."""
  places = _devices.arrange(devices, at_once=models_at_once, parallel=parallel)
  for config in configs:
    _devices.check_batch(config.batch, places[0], at_once=models_at_once)
  return places


def check_family(
  store: data.Store,
  split: data.Split,
  run: pathlib.Path,
  configs: Sequence[_config.Config],
  *,
  devices: int | None = None,
  models_at_once: int = 1,
  parallel: str = "jit",
) -> None:
  """Refuses what cannot be trained before the first hour of work.

  Nothing is written. Arguments and errors are those of `train_family`.

  Raises:
    ExistingOutputError: A model of another configuration is in the way.
    StructureNotFoundError: A structure has no patients in a part.
    ConfigError: The network cannot take the slices, or the devices cannot
      share the models or a batch.
  """
  _places(configs, devices, models_at_once, parallel)
  for config in configs:
    _objective.check_objective(config.objective)
    _check_network(store, config)
    path = model_folder(run, config) / "config.json"
    if path.exists():
      config = _settled(store, split, run, config)
      found = _sealed.read(path, again=_AGAIN)
      wanted = _content(store, split, config)
      if found != wanted:
        raise errors.ExistingOutputError(
          f"{path.parent}: holds a model of another configuration"
          f" ({_difference(found, wanted)}); name another output or delete it"
        )
      continue
    for part in ("train", "validation"):
      names = split.part(part)
      if not set(names) & set(store.contoured(config.structure)):
        raise errors.StructureNotFoundError(
          f"{config.structure}: contoured on none of {len(names)} patients of"
          f" the {part} part; choose another split or structure"
        )


def _settled(
  store: data.Store,
  split: data.Split,
  run: pathlib.Path,
  config: _config.Config,
) -> _config.Config:
  """The training with what goes by the cohort, or as it was begun."""
  path = model_folder(run, config) / "config.json"
  found = None
  if path.exists():
    found = _sealed.read(path, again=_AGAIN).get("config")
  return _share.settled(store, split, config, found)


def _check_network(store: data.Store, config: _config.Config) -> None:
  """Lets the network see the shape of a batch, without computing anything."""
  batch = jax.ShapeDtypeStruct((config.batch, *_size(store)), np.int16)
  try:
    jax.eval_shape(_compiled.functions(config).init, np.uint32(0), batch)
  except ValueError as e:  # It names the sizes that it can take.
    raise errors.ConfigError(f"{config.network['name']}: {e}") from e


def _size(store: data.Store) -> tuple[int, int]:
  """Rows and columns of the prepared slices."""
  return next(iter(store.patients.values())).placement.size


def _content(
  store: data.Store, split: data.Split, config: _config.Config
) -> dict[str, Any]:
  """What config.json says: all that decides the model."""
  return {
    "config": config.to_json(),
    "cohort": store.cohort,
    "store": store.content_hash,
    "split": split.digest,
  }


def _claim(
  store: data.Store,
  split: data.Split,
  folder: pathlib.Path,
  config: _config.Config,
) -> None:
  """Writes config.json, and model.json: all that `load_model` needs."""
  if (folder / "model.json").exists():
    return
  content = config.to_json()
  kept = ("structure", "objective", "seed", "negatives", "network")
  window = ("window_hu", "input_range")
  _files.write_json(folder / "config.json", _content(store, split, config))
  _sealed.write(
    folder / "model.json",
    {
      "format": "jaxseg.model/1",
      "version": jaxseg.__version__,
      **{name: content[name] for name in (*kept, *window)},
      "prepare": store.prepared.to_json(),
      "size": list(_size(store)),
      "cohort": store.cohort,
      "modality": store.modality,
      "synthetic": store.synthetic,
      "store": store.content_hash,
    },
  )


def _difference(found: dict[str, Any], wanted: dict[str, Any]) -> str:
  """The first thing that differs, in words."""
  own = found.get("config")
  flat_found = {**found, **(own if isinstance(own, dict) else {})}
  flat_wanted = {**wanted, **wanted["config"]}
  for name in (*flat_wanted, *flat_found):
    value = flat_wanted.get(name)
    if name != "config" and flat_found.get(name) != value:
      return f"{name} is {flat_found.get(name)}, asked is {value}"
  return "other settings"


def _told(config: _config.Config, done: _loop.Trained) -> str:
  state = "was finished before" if done.skipped else "done"
  beside = "".join(f", {part}" for part in config.variant.split("/") if part)
  return (
    f"{config.structure}, {config.objective}, seed {config.seed}{beside}:"
    f" {state},"
    f" best epoch {done.best_epoch} of {done.epochs}, validation Dice"
    f" {done.dice_half:.3f} at 0.5, {done.dice_best:.3f} at"
    f" {done.threshold:.3f}"
  )


def _environment(devices: _devices.Devices) -> dict[str, Any]:
  """What the last bits depend on beside configuration and seed."""
  return {
    "versions": {
      name: importlib.metadata.version(name)
      for name in ("flax", "jax", "jaxlib", "numpy", "optax")
    },
    "python": platform.python_version(),
    "devices": [str(device) for device in devices.devices],
    "parallel": devices.parallel,
    "processes": _distributed.processes(),
    "threads": len(os.sched_getaffinity(0))
    if hasattr(os, "sched_getaffinity")
    else os.cpu_count(),
    "xla_flags": os.environ.get("XLA_FLAGS", ""),
    "compiler_options": models.compiler_options(),
  }
