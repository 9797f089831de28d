"""The training of one model: epochs of steps, validation, checkpoints."""

from collections.abc import Sequence
import math
import pathlib
import time
from typing import Any, NamedTuple

import jax
import numpy as np

from jaxseg import _distributed
from jaxseg import _files
from jaxseg import errors
from jaxseg.training import _compiled
from jaxseg.training import _config
from jaxseg.training import _first_writes
from jaxseg.training import _logs
from jaxseg.training import _objective
from jaxseg.training import _slices
from jaxseg.training import _step
from jaxseg.training import _validation

# Steps in flight before the host waits: enough that the device never idles,
# few enough that the progress bar tells the truth.
_AHEAD = 4

Row = dict[str, Any]  # An epoch's line of metrics.csv.


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


def train(
  config: _config.Config,
  slices: _slices.Slices,
  folder: pathlib.Path,
  reporter: _logs.Reporter,
) -> Trained:
  """Trains from the last checkpoint, or from the beginning."""
  compiled = _compiled.functions(config, slices.devices)
  # The weights depend on the shape of the slices alone.
  first = np.zeros((config.batch, *slices.images.shape[1:]), np.int16)
  state = slices.devices.whole(compiled.init(np.uint32(config.seed), first))
  steps = len(slices.batches(config, 0))
  history: list[Row] = []
  with (
    _first_writes.MetricFiles(folder) as files,
    _first_writes.Checkpoints(folder) as checkpoints,
  ):
    found = checkpoints.restore("last", state)
    if found is not None:
      state, history = found[0], list(found[1]["history"])
    reporter.start(
      f"{config.structure}, {config.objective}",
      config.epochs * steps,
      len(history) * steps,
    )
    while not _is_over(config, history):
      epoch = len(history)
      state, row = _epoch(config, slices, compiled, state, epoch, reporter)
      history.append(row)
      if _best(history) == epoch:
        checkpoints.save("best", epoch, state, {})
      files.write(history)
      checkpoints.save("last", epoch, state, {"history": history})
      reporter.epoch(row)
  return _finish(folder, history)


def finished(folder: pathlib.Path) -> Trained | None:
  """What was trained to the end before; None if nothing was."""
  path = folder / "summary.json"
  found = _distributed.first(
    "reading a summary",
    lambda: _files.read_json(path) if path.exists() else None,
  )
  return None if found is None else Trained(folder, skipped=True, **found)


def _finish(folder: pathlib.Path, history: Sequence[Row]) -> Trained:
  row = history[_best(history)]
  kept = ("dice_half", "dice_best", "threshold")
  content = {
    "epochs": len(history),
    "best_epoch": row["epoch"],
    **{name: row[name] for name in kept},
  }
  _distributed.first(
    "writing a summary",
    lambda: _files.write_json(folder / "summary.json", content),
  )
  return Trained(folder=folder, skipped=False, **content)


def _is_over(config: _config.Config, history: Sequence[Row]) -> bool:
  if len(history) >= config.epochs:
    return True
  since = len(history) - 1 - _best(history)
  return bool(history) and since >= config.patience


def _best(history: Sequence[Row]) -> int:
  """The epoch of the highest validation Dice at its best threshold."""
  values = [row["dice_best"] for row in history]
  return int(np.argmax(values)) if values else -1


def _epoch(
  config: _config.Config,
  slices: _slices.Slices,
  compiled: _compiled.Functions,
  state: _step.State,
  epoch: int,
  reporter: _logs.Reporter,
) -> tuple[_step.State, Row]:
  began = time.perf_counter()
  # The step of a loss of one's own has no use for the weight.
  weight = np.float32(_objective.OBJECTIVES.get(config.objective, 0.0))
  batches = slices.batches(config, epoch)
  total = config.epochs * len(batches)
  losses: list[jax.Array] = []
  for number, (images, labels) in enumerate(slices.stream(batches)):
    rate = _config.learning_rate(config, epoch * len(batches) + number, total)
    state, loss = compiled.step(state, images, labels, np.float32(rate), weight)
    losses.append(loss)
    if number >= _AHEAD:
      seconds = time.perf_counter() - began
      done = (number + 1 - _AHEAD) * config.batch
      reporter.step(float(losses[number - _AHEAD]), done / seconds)
  # float64 on the host: the mean is the same whatever the device does.
  values = np.asarray(jax.device_get(losses), np.float64)
  speed = len(values) * config.batch / (time.perf_counter() - began)
  for value in values[-_AHEAD:]:
    reporter.step(float(value), speed)
  if not np.isfinite(values).all():
    raise errors.ConfigError(
      f"{config.structure}: loss is {values[~np.isfinite(values)][0]} in"
      f" epoch {epoch}; lower the learning rate {config.learning_rate}"
    )
  return state, {
    "epoch": epoch,
    "step": (epoch + 1) * len(batches),
    "loss": float(math.fsum(values) / len(values)),
    **_validation.validate(config, slices, compiled, state),
    "slices_per_s": round(speed, 1),
  }
