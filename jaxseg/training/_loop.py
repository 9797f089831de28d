"""Training of the family of models, one after the other."""

from collections.abc import Sequence
import importlib.metadata
import math
import os
import pathlib
import platform
import time
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jaxseg import _files
from jaxseg import data
from jaxseg import errors
from jaxseg import models
from jaxseg import thresholds
from jaxseg.training import _checkpoints
from jaxseg.training import _config
from jaxseg.training import _logs
from jaxseg.training import _objective
from jaxseg.training import _step

# Steps in flight before the host waits: enough that the device never idles,
# few enough that the progress bar tells the truth.
_AHEAD = 4


class Trained(NamedTuple):
  """What is left of a training.

  Attributes:
    folder: The model's folder.
    epochs: Epochs that were run.
    best_epoch: The one whose state was kept as "best".
    dice_half: Pooled Dice at 0.5 of the validation slices, best epoch.
    dice_best: The same at the best threshold.
    threshold: That threshold.
    skipped: Whether the model had been finished before.
  """

  folder: pathlib.Path
  epochs: int
  best_epoch: int
  dice_half: float
  dice_best: float
  threshold: float
  skipped: bool


def model_folder(run: pathlib.Path, config: _config.Config) -> pathlib.Path:
  """Where a model lies in a run folder."""
  folder = _objective.objective_folder(config.objective)
  return run / "models" / config.structure / folder / str(config.seed)


def train_family(
  store: data.Store,
  split: data.Split,
  run: pathlib.Path,
  configs: Sequence[_config.Config],
  *,
  reporter: _logs.Reporter | None = None,
) -> list[Trained]:
  """Trains models one after the other; finished ones are skipped.

  Called again with the same arguments it goes on where it was stopped, and
  ends with the same bits.

  Args:
    store: Prepared cohort.
    split: Patients of training and validation.
    run: Run folder; models lie in `models/<structure>/<objective>/<seed>`.
    configs: One for each model.
    reporter: Hears of progress.

  Raises:
    ExistingOutputError: A model of another configuration is in the way.
    StructureNotFoundError: A structure has no patients in a part.
    ConfigError: The network cannot take the slices, or the loss diverged.
  """
  reporter = reporter or _logs.Silent()
  for config in configs:  # All refusals come before the first hour of work.
    _objective.check_objective(config.objective)
    _check_network(store, config)
    _claim(store, split, model_folder(run, config), config)
  images: jax.Array | None = None
  results = []
  for config in configs:
    folder = model_folder(run, config)
    done = _finished(folder)
    if done is None:
      if images is None:
        images = jnp.asarray(store.images())
      done = _Training(store, split, folder, config, images, reporter).run()
    reporter.finish(_told(config, done))
    results.append(done)
  return results


def _told(config: _config.Config, done: Trained) -> str:
  state = "was finished before" if done.skipped else "done"
  return (
    f"{config.structure}, {config.objective}, seed {config.seed}: {state},"
    f" best epoch {done.best_epoch} of {done.epochs}, validation Dice"
    f" {done.dice_half:.3f} at 0.5, {done.dice_best:.3f} at"
    f" {done.threshold:.3f}"
  )


def _check_network(store: data.Store, config: _config.Config) -> None:
  """Lets the network see the shape of a batch, without computing anything."""
  size = next(iter(store.patients.values())).placement.size
  batch = jax.ShapeDtypeStruct((config.batch, *size), np.int16)
  try:
    jax.eval_shape(_step.functions(config).init, np.uint32(0), batch)
  except ValueError as e:  # It names the sizes that it can take.
    raise errors.ConfigError(f"{config.network['name']}: {e}") from e


def _claim(
  store: data.Store,
  split: data.Split,
  folder: pathlib.Path,
  config: _config.Config,
) -> None:
  """Writes config.json, or checks that the one there is the same."""
  wanted = {
    "config": config.to_json(),
    "cohort": store.cohort,
    "store": store.content_hash,
    "split": _files.digest([split.train, split.validation, split.test]),
  }
  path = folder / "config.json"
  if path.exists():
    found = _files.read_json(path)
    if found != wanted:
      raise errors.ExistingOutputError(
        f"{folder}: holds a model of another configuration"
        f" ({_difference(found, wanted)}); name another output or delete it"
      )
    return
  labels = store.labels(config.structure)
  for part in ("train", "validation"):
    data.select(store, config.structure, split.part(part), labels)
  _files.write_json(path, wanted)


def _difference(found: dict[str, Any], wanted: dict[str, Any]) -> str:
  """The first thing that differs, in words."""
  flat_found = {**found, **found.get("config", {})}
  flat_wanted = {**wanted, **wanted["config"]}
  for name, value in flat_wanted.items():
    if name != "config" and flat_found.get(name) != value:
      return f"{name} is {flat_found.get(name)}, asked is {value}"
  return "other settings"


def _finished(folder: pathlib.Path) -> Trained | None:
  path = folder / "summary.json"
  if not path.exists():
    return None
  content = _files.read_json(path)
  return Trained(folder=folder, skipped=True, **content)


class _Training:
  """One model's training; `run` does it all."""

  def __init__(
    self,
    store: data.Store,
    split: data.Split,
    folder: pathlib.Path,
    config: _config.Config,
    images: jax.Array,
    reporter: _logs.Reporter,
  ):
    labels = store.labels(config.structure)
    self._train = data.select(store, config.structure, split.train, labels)
    held_out = data.select(store, config.structure, split.validation, labels)
    # All of them, not a drawn share: what is predicted on slices far from
    # the structure is a part of the Dice that the test patients will have.
    self._validation = np.sort(
      np.concatenate([held_out.positive, held_out.negative])
    )
    self._images, self._labels = images, jnp.asarray(labels)
    self._folder, self._config, self._reporter = folder, config, reporter
    self._functions = _step.functions(config)
    self._steps = len(self._batches(0))

  def _batches(self, epoch: int) -> np.ndarray:
    config = self._config
    order = data.draw(
      self._train,
      negatives=config.negatives,
      seed=config.seed,
      epoch=epoch,
    )
    return data.batches(order, size=config.batch, limit=config.steps_per_epoch)

  def run(self) -> Trained:
    """Trains from the last checkpoint, or from the beginning."""
    config = self._config
    first = self._images[: config.batch]
    state = self._functions.init(np.uint32(config.seed), first)
    _files.write_json(self._folder / "environment.json", _environment())
    files = _logs.MetricFiles(self._folder)
    try:
      with _checkpoints.Checkpoints(self._folder) as checkpoints:
        found = checkpoints.restore("last", state)
        history: list[dict[str, Any]] = []
        if found is not None:
          state, history = found[0], list(found[1]["history"])
        self._reporter.start(
          f"{config.structure}, {config.objective}",
          config.epochs * self._steps,
          len(history) * self._steps,
        )
        while not self._is_over(history):
          state, row = self._epoch(state, len(history))
          history.append(row)
          if _best(history) == len(history) - 1:
            checkpoints.save("best", row["epoch"], state, {})
          files.write(history)
          checkpoints.save("last", row["epoch"], state, {"history": history})
          self._reporter.epoch(row)
    finally:
      files.close()
    return self._finish(history)

  def _is_over(self, history: Sequence[dict[str, Any]]) -> bool:
    if len(history) >= self._config.epochs:
      return True
    since = len(history) - 1 - _best(history)
    return bool(history) and since >= self._config.patience

  def _epoch(
    self, state: _step.State, epoch: int
  ) -> tuple[_step.State, dict[str, Any]]:
    config, began = self._config, time.perf_counter()
    # A step of one's own loss has no use for the weight.
    weight = np.float32(_objective.OBJECTIVES.get(config.objective, 0.0))
    total = config.epochs * self._steps
    losses: list[jax.Array] = []
    for number, index in enumerate(self._batches(epoch)):
      rate = _config.learning_rate(config, epoch * self._steps + number, total)
      images, labels = _step.take(self._images, self._labels, index)
      state, loss = self._functions.step(
        state, images, labels, np.float32(rate), weight
      )
      losses.append(loss)
      if number >= _AHEAD:
        seconds = time.perf_counter() - began
        done = (number + 1 - _AHEAD) * config.batch
        self._reporter.step(float(losses[number - _AHEAD]), done / seconds)
    # float64 on the host: the mean is the same whatever the device does.
    values = np.asarray(jax.device_get(losses), np.float64)
    seconds = time.perf_counter() - began
    for value in values[max(0, len(values) - _AHEAD) :]:
      self._reporter.step(float(value), len(values) * config.batch / seconds)
    if not np.isfinite(values).all():
      raise errors.ConfigError(
        f"{config.structure}: loss is {values[~np.isfinite(values)][0]} in"
        f" epoch {epoch}; lower the learning rate {config.learning_rate}"
      )
    return state, {
      "epoch": epoch,
      "step": (epoch + 1) * self._steps,
      "loss": float(math.fsum(values) / len(values)),
      **self._validate(state),
      "slices_per_s": round(len(values) * config.batch / seconds, 1),
    }

  def _validate(self, state: _step.State) -> dict[str, float]:
    """Pooled Dice of the validation slices at 0.5 and at the best cut."""
    grid, size = thresholds.grid(1001), self._config.batch
    parts = []
    for begin in range(0, len(self._validation), size):
      index, real = _step.pad_batch(
        self._validation[begin : begin + size], size
      )
      images, labels = _step.take(self._images, self._labels, index)
      parts.append(self._functions.count(state, images, labels, real, grid))
    total = thresholds.Counts.stack(parts).sum(0)
    best = thresholds.optimum(total)
    return {
      "dice_half": float(thresholds.curve(total)[len(grid) // 2]),
      "dice_best": best.value,
      "threshold": best.threshold,
    }

  def _finish(self, history: Sequence[dict[str, Any]]) -> Trained:
    row = history[_best(history)]
    content = {
      "epochs": len(history),
      "best_epoch": row["epoch"],
      "dice_half": row["dice_half"],
      "dice_best": row["dice_best"],
      "threshold": row["threshold"],
    }
    _files.write_json(self._folder / "summary.json", content)
    return Trained(folder=self._folder, skipped=False, **content)


def _environment() -> dict[str, Any]:
  """What the last bits depend on beside configuration and seed."""
  return {
    "versions": {
      name: importlib.metadata.version(name)
      for name in ("flax", "jax", "jaxlib", "numpy", "optax")
    },
    "python": platform.python_version(),
    "devices": [str(device) for device in jax.devices()],
    "threads": len(os.sched_getaffinity(0))
    if hasattr(os, "sched_getaffinity")
    else os.cpu_count(),
    "xla_flags": os.environ.get("XLA_FLAGS", ""),
    "compiler_options": models.compiler_options(),
  }


def _best(history: Sequence[dict[str, Any]]) -> int:
  """The epoch of the highest validation Dice at its best threshold."""
  values = [row["dice_best"] for row in history]
  return int(np.argmax(values)) if values else -1
