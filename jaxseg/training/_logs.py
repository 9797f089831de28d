"""What a training tells while it runs: to a reporter, CSV, TensorBoard."""

from collections.abc import Mapping, Sequence
import csv
import io
import pathlib
from typing import Any, Protocol

from jaxseg import _files
from jaxseg import _interrupts


class Reporter(Protocol):
  """Hears what a training does."""

  def note(self, text: str) -> None:
    """Something was decided that one may want to know."""

  def start(self, title: str, steps: int, done: int) -> None:
    """A model begins; `done` of its `steps` are behind it."""

  def step(self, loss: float, slices_per_s: float) -> None:
    """One more step is done."""

  def epoch(self, row: Mapping[str, Any]) -> None:
    """An epoch is over; `row` is its line of metrics.csv."""

  def finish(self, text: str) -> None:
    """The model is done, or was already."""


class Silent:
  """A `Reporter` that says nothing."""

  def note(self, text: str) -> None:
    """See `Reporter`."""

  def start(self, title: str, steps: int, done: int) -> None:
    """See `Reporter`."""

  def step(self, loss: float, slices_per_s: float) -> None:
    """See `Reporter`."""

  def epoch(self, row: Mapping[str, Any]) -> None:
    """See `Reporter`."""

  def finish(self, text: str) -> None:
    """See `Reporter`."""


class MetricFiles:
  """metrics.csv and the TensorBoard events of one model."""

  def __init__(self, folder: pathlib.Path):
    """Logs into a model's folder."""
    self._folder = folder
    self._events: Any = None

  def write(self, history: Sequence[Mapping[str, Any]]) -> None:
    """Writes the table anew and the last row's events.

    The table is made from the history that the checkpoint holds, so that a
    resumed training has neither gaps nor doubles.
    """
    text = io.StringIO()
    table = csv.DictWriter(text, list(history[0]), lineterminator="\n")
    table.writeheader()
    table.writerows(history)
    _files.write_text(self._folder / "metrics.csv", text.getvalue())
    last = history[-1]
    # An interrupt inside its queue would leave a lock taken, and `close` would
    # wait for that for ever.
    with _interrupts.held():
      events = self._writer(last["step"])
      for name, value in last.items():
        if name not in ("epoch", "step"):
          events.add_scalar(name, value, last["step"])
      events.flush()

  def _writer(self, step: int) -> Any:
    """That of this process, whose first events are of the given step."""
    if self._events is None:
      import tensorboardX  # Slow to import.

      # TensorBoard forgets what processes before this one wrote of the step.
      self._events = tensorboardX.SummaryWriter(
        str(self._folder / "events"), purge_step=step, write_to_disk=True
      )
    return self._events

  def __enter__(self) -> "MetricFiles":
    return self

  def __exit__(self, *_: object) -> None:
    if self._events is not None:
      with _interrupts.held():
        self._events.close()
