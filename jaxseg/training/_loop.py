"""The training of one model: epochs of steps, validation, checkpoints."""

from collections.abc import Mapping, Sequence
import pathlib
from typing import Any, NamedTuple

import numpy as np

from jaxseg import _distributed
from jaxseg import _files
from jaxseg import _interrupts
from jaxseg import data
from jaxseg import errors
from jaxseg.training import _ahead
from jaxseg.training import _checkpoints
from jaxseg.training import _collapse
from jaxseg.training import _compiled
from jaxseg.training import _config
from jaxseg.training import _cost
from jaxseg.training import _diverged
from jaxseg.training import _epoch
from jaxseg.training import _first_writes
from jaxseg.training import _history
from jaxseg.training import _logs
from jaxseg.training import _saving
from jaxseg.training import _slices
from jaxseg.training import _validation

Row = _history.Row
CHECKPOINT_MINUTES = 5.0


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
  *,
  patients: Mapping[str, data.Patient],
  ahead: _ahead.Ahead,
  checkpoint_minutes: float = CHECKPOINT_MINUTES,
) -> Trained:
  """Trains from the last checkpoint, or from the beginning.

  Args:
    config: Training.
    slices: What it learns from.
    folder: The model's folder.
    reporter: Hears of progress.
    patients: Name -> entry of the store, to name slices.
    ahead: What compiles meanwhile.
    checkpoint_minutes: The longest time between two checkpoints.

  Raises:
    InUseError: Another process trains this model.
    DataError: No checkpoint can be used of those there are.
    ConfigError: The loss or a parameter is no number any more.
  """
  compiled = _compiled.functions(config, slices.devices)
  compiled, reporter = _cost.watch(compiled, reporter, config)
  compiled = ahead.awaited(compiled)
  slices = slices.around(config.forward.slices)
  # The weights depend on the shape of the slices alone.
  first = np.zeros((config.batch, *slices.size), np.int16)
  state = slices.devices.whole(compiled.init(np.uint32(config.seed), first))
  every, slices = slices, slices.share(config)
  steps = len(slices.batches(config, 0))
  with (
    _first_writes.locked(folder),
    _interrupts.watched(unless_taken=True),
    _first_writes.MetricFiles(folder) as files,
    _first_writes.Checkpoints(folder) as checkpoints,
  ):
    epochs = _epoch.Epochs(
      config=config,
      slices=slices,
      compiled=compiled,
      folder=folder,
      checkpoints=checkpoints,
      patients=patients,
      reporter=reporter,
      clock=_saving.Clock(checkpoint_minutes),
      state=state,
    )
    found = checkpoints.resume(state, reporter.note)
    if found is not None:
      epochs.state, epochs.history = found.state, found.history
      epochs.losses.extend(found.losses)
      if found.history:
        files.write(found.history)
    history = epochs.history
    reporter.start(
      f"{config.structure}, {config.objective}",
      config.epochs * steps,
      len(history) * steps + len(epochs.losses),
    )
    while not _is_over(config, history):
      row = epochs.run()
      files.write(history)
      reporter.epoch(row)
      over = _is_over(config, history)
      if _distributed.process() != 0:
        continue
      told = _collapse.warning(config, slices, history, over=over)
      if told:
        reporter.note(told)
    row = history[_history.best(history)]
    if slices is not every:
      # The epochs were judged by a share; the model is by all.
      kept = checkpoints.restore("best", state)
      if kept is None:
        raise errors.DataError(
          f"{folder}: the best state is gone; start the same command again"
        )
      row = {**row, **_validation.validate(config, every, compiled, kept[0])}
    checkpoints.finish(history)
  return _finish(folder, history, row)


def finished(folder: pathlib.Path) -> Trained | None:
  """What was trained to the end before; None if nothing was.

  Raises:
    DataError: It was, and something of it is damaged.
  """
  found = _distributed.first("reading a summary", lambda: _finished(folder))
  return None if found is None else Trained(folder, **found)


def _finished(folder: pathlib.Path) -> dict[str, Any] | None:
  path = folder / "summary.json"
  if not path.exists():
    return None
  content = _files.read_json(path)
  try:
    done = {
      "skipped": True,
      "epochs": int(content["epochs"]),
      "best_epoch": int(content["best_epoch"]),
      "dice_half": float(content["dice_half"]),
      "dice_best": float(content["dice_best"]),
      "threshold": float(content["threshold"]),
    }
  except (KeyError, TypeError, ValueError) as e:
    raise errors.DataError(
      f"{path}: malformed ({e!r}); delete it and start the same command again"
    ) from e
  _checkpoints.check_finished(folder)
  return done


def _finish(folder: pathlib.Path, history: Sequence[Row], row: Row) -> Trained:
  kept = ("dice_half", "dice_best", "threshold")
  content = {
    "epochs": len(history),
    "best_epoch": row["epoch"],
    **{name: row[name] for name in kept},
  }

  def write() -> None:
    (folder / _diverged.NAME).unlink(missing_ok=True)
    _files.write_json(folder / "summary.json", content)

  _distributed.first("writing a summary", write)
  return Trained(folder=folder, skipped=False, **content)


def _is_over(config: _config.Config, history: Sequence[Row]) -> bool:
  if len(history) >= config.epochs:
    return True
  since = len(history) - 1 - _history.best(history)
  return bool(history) and since >= config.patience
