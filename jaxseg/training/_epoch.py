"""One epoch: steps, saved now and then, and validation."""

from collections.abc import Mapping
import dataclasses
import math
import pathlib
import time

import jax
import numpy as np

from jaxseg import _interrupts
from jaxseg import data
from jaxseg.training import _compiled
from jaxseg.training import _config
from jaxseg.training import _diverged
from jaxseg.training import _first_writes
from jaxseg.training import _history
from jaxseg.training import _logs
from jaxseg.training import _objective
from jaxseg.training import _saving
from jaxseg.training import _slices
from jaxseg.training import _step
from jaxseg.training import _turns
from jaxseg.training import _validation

# Steps in flight before the host waits: enough that the device never idles,
# few enough that the progress bar tells the truth.
_AHEAD = 4


@dataclasses.dataclass
class Epochs:
  """A training between its epochs, and where it stands within one.

  Attributes:
    config: Training.
    slices: What it learns from.
    compiled: Its functions.
    folder: The model's folder.
    checkpoints: Where states are saved.
    patients: Name -> entry of the store, to name slices.
    reporter: Hears of each step.
    clock: When to save within an epoch.
    state: After the last step.
    history: Rows of the epochs that are over.
    losses: Of the steps of the epoch that is not; those on the device are
      still under way.
  """

  config: _config.Config
  slices: _slices.Slices
  compiled: _compiled.Functions
  folder: pathlib.Path
  checkpoints: _first_writes.Checkpoints
  patients: Mapping[str, data.Patient]
  reporter: _logs.Reporter
  clock: _saving.Clock
  state: _step.State
  history: list[_history.Row] = dataclasses.field(default_factory=list)
  losses: list[float | jax.Array] = dataclasses.field(default_factory=list)

  def __post_init__(self) -> None:
    self._turns = _turns.Turns(self.clock.due)

  def run(self) -> _history.Row:
    """Runs or ends an epoch, and saves what came of it: its row.

    Interrupted, it saves where it stands.

    Raises:
      ConfigError: The loss or a parameter is no number any more.
    """
    with self._turns.held():
      return self._run()

  def _run(self) -> _history.Row:
    epoch = len(self.history)
    batches = self.slices.batches(self.config, epoch)
    try:
      speed = self._steps(batches)
      values = self._checked(batches)
      steps = (epoch + 1) * len(batches)
      row: _history.Row = {
        "epoch": epoch,
        "step": steps,
        "loss": float(math.fsum(values) / len(values)),
        **_validation.validate(
          self.config,
          self.slices,
          self.compiled,
          self.state,
          self._turns.check,
        ),
        "slices_per_s": round(speed, 1),
      }
      self._turns.check()
    except KeyboardInterrupt:
      self._save_within(batches)
      raise
    with _interrupts.held():
      self.history.append(row)
      self.losses = []
      saved = {"history": self.history}
      if _history.best(self.history) == epoch:
        self.checkpoints.save("best", steps, self.state, saved)
      began = time.monotonic()
      self.checkpoints.save("last", steps, self.state, saved)
      self.clock.saved(time.monotonic() - began)
    return row

  def _steps(self, batches: np.ndarray) -> float:
    """Does the steps that are left of an epoch: slices per second."""
    config, losses = self.config, self.losses
    # The step of a loss of one's own has no use for the weight.
    _, share = _objective.form_of(config.objective) or (None, 0.0)
    weight = np.float32(share)
    epoch, steps, before = len(self.history), len(batches), len(losses)
    began, timed = time.perf_counter(), before
    # A signal waits until state and losses are of the same step.
    with _interrupts.held():
      stream = self.slices.stream(batches[before:])
      for number, (images, labels) in enumerate(stream, start=before):
        rate = _config.learning_rate(
          config, epoch * steps + number, config.epochs * steps
        )
        self.state, loss = self.compiled.step(
          self.state, images, labels, np.float32(rate), weight
        )
        losses.append(loss)
        if number == before < steps - 1:
          # The first step ever waits until it is compiled.
          began, timed = time.perf_counter(), number + 1
        if number >= before + _AHEAD:
          value = self._arrived(batches, number - _AHEAD)
          done = (number + 1 - _AHEAD - timed) * config.batch
          self.reporter.step(value, done / (time.perf_counter() - began))
        told = self._turns.take()
        if told == _turns.STOP:
          raise KeyboardInterrupt
        if told == _turns.SAVE:
          self._save_within(batches)
    values = [self._arrived(batches, number) for number in range(before, steps)]
    done = (steps - timed) * config.batch
    speed = done / (time.perf_counter() - began)
    for value in values[-_AHEAD:]:
      self.reporter.step(value, speed)
    return speed

  def _arrived(self, batches: np.ndarray, number: int) -> float:
    """The loss of a step of the epoch, waited for and looked at."""
    value = self.losses[number] = float(self.losses[number])
    if not math.isfinite(value):
      raise self._diverged(batches, number, value)
    return value

  def _checked(self, batches: np.ndarray) -> list[float]:
    """The losses so far, when they and the state are all numbers.

    The last step's gradient can be none although its loss is one.
    """
    values = [self._arrived(batches, n) for n in range(len(self.losses))]
    if values and not _diverged.finite(self.state):
      raise self._diverged(batches, len(values) - 1, values[-1])
    return values

  def _diverged(
    self, batches: np.ndarray, number: int, loss: float
  ) -> Exception:
    return _diverged.error(
      self.config,
      self.folder,
      self.patients,
      batches,
      epoch=len(self.history),
      number=number,
      loss=loss,
    )

  def _save_within(self, batches: np.ndarray) -> None:
    """Saves state and losses of an epoch that is not over."""
    if any(leaf.is_deleted() for leaf in jax.tree.leaves(self.state)):
      return  # Interrupted within a step, by a program's own handler.
    if not self.losses:
      return  # As it was saved, or has begun.
    began = time.monotonic()
    values = self._checked(batches)
    steps = len(self.history) * len(batches) + len(values)
    extra = {"history": self.history, "losses": values}
    self.checkpoints.save("last", steps, self.state, extra)
    self.clock.saved(time.monotonic() - began)
