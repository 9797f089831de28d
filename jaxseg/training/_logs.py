"""What a training tells while it runs: progress bar, CSV, TensorBoard."""

from collections.abc import Mapping, Sequence
import csv
import io
import pathlib
from typing import Any, Protocol

import rich.console
import rich.progress

from jaxseg import _files


class Reporter(Protocol):
  """Hears what a training does."""

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

  def start(self, title: str, steps: int, done: int) -> None:
    """See `Reporter`."""

  def step(self, loss: float, slices_per_s: float) -> None:
    """See `Reporter`."""

  def epoch(self, row: Mapping[str, Any]) -> None:
    """See `Reporter`."""

  def finish(self, text: str) -> None:
    """See `Reporter`."""


class Console:
  """A `Reporter` for people: a bar with loss, slices/s and time left.

  Where the output is no terminal, one line an epoch instead.
  """

  def __init__(self, console: rich.console.Console | None = None):
    """Writes to `console`; None is the standard error stream."""
    self._console = console or rich.console.Console(
      stderr=True, highlight=False
    )
    self._bar: rich.progress.Progress | None = None
    self._task: rich.progress.TaskID | None = None
    self._title = ""

  def start(self, title: str, steps: int, done: int) -> None:
    """See `Reporter`."""
    self._title = title
    if not self._console.is_terminal:
      return
    self._bar = rich.progress.Progress(
      rich.progress.TextColumn("{task.description}"),
      rich.progress.BarColumn(bar_width=24),
      rich.progress.TextColumn("loss {task.fields[loss]}"),
      rich.progress.TextColumn("{task.fields[dice]}"),
      rich.progress.TextColumn("{task.fields[speed]} slices/s"),
      rich.progress.TimeRemainingColumn(),
      console=self._console,
    )
    self._task = self._bar.add_task(
      title, total=steps, completed=done, loss="-", dice="", speed="-"
    )
    self._bar.start()

  def step(self, loss: float, slices_per_s: float) -> None:
    """See `Reporter`."""
    if self._bar is not None and self._task is not None:
      self._bar.update(
        self._task,
        advance=1,
        loss=f"{loss:.4f}",
        speed=f"{slices_per_s:.0f}",
      )

  def epoch(self, row: Mapping[str, Any]) -> None:
    """See `Reporter`."""
    dice = f"Dice {row['dice_half']:.3f} at 0.5, {row['dice_best']:.3f} at best"
    if self._bar is not None and self._task is not None:
      self._bar.update(self._task, dice=dice)
    else:
      self._console.print(
        f"{self._title}: epoch {row['epoch']}, loss {row['loss']:.4f},"
        f" {dice} ({row['threshold']:.3f}),"
        f" {row['slices_per_s']:.0f} slices/s",
        soft_wrap=True,
      )

  def finish(self, text: str) -> None:
    """See `Reporter`."""
    self.stop()
    self._console.print(text, soft_wrap=True)

  def __enter__(self) -> "Console":
    return self

  def __exit__(self, *_: object) -> None:
    self.stop()

  def stop(self) -> None:
    """Takes the bar away; safe to call twice."""
    if self._bar is not None:
      self._bar.stop()
    self._bar = self._task = None


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
    for name, value in last.items():
      if name not in ("epoch", "step"):
        self._writer().add_scalar(name, value, last["step"])
    self._writer().flush()

  def _writer(self) -> Any:
    if self._events is None:
      import tensorboardX  # Slow to import.

      self._events = tensorboardX.SummaryWriter(
        str(self._folder / "events"), write_to_disk=True
      )
    return self._events

  def close(self) -> None:
    """Closes the event file."""
    if self._events is not None:
      self._events.close()
