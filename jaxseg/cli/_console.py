"""What a command shows while it works, and at its end."""

from collections.abc import Callable, Iterator, Mapping, Sequence
import contextlib
import numbers
import threading
from typing import Any

import rich.console
import rich.progress
import rich.table
import rich.text

from jaxseg import _text
from jaxseg.cli import _call


@contextlib.contextmanager
def progress(title: str) -> Iterator[Callable[[str, int, int], None]]:
  """Shows a bar with time left while the block runs; asks for interrupts.

  Args:
    title: What is done, such as "preparing".

  Yields:
    A function to call after each item with (its name, number done, number of
    all). Where the output is no terminal it says one line at the end.
  """
  console = rich.console.Console(stderr=True, highlight=False)
  seen = 0
  if not console.is_terminal:

    def count(_: str, done: int, __: int) -> None:
      nonlocal seen
      seen = done
      _call.check_interrupt()

    yield count
    if seen:
      console.print(f"{title}: {seen} done", soft_wrap=True)
    return
  with rich.progress.Progress(
    rich.progress.TextColumn("{task.description}"),
    rich.progress.BarColumn(bar_width=24),
    rich.progress.MofNCompleteColumn(),
    rich.progress.TextColumn("{task.fields[item]}"),
    rich.progress.TimeRemainingColumn(),
    console=console,
  ) as bar:
    task = bar.add_task(title, total=None, item="")

    def move(item: str, done: int, all_: int) -> None:
      _call.check_interrupt()
      bar.update(task, completed=done, total=all_, item=item)

    yield move


class Training:
  """A `training.Reporter` for people: a bar with loss, slices/s, time left.

  Models that are trained at once, each in a thread of its own, have a bar each.
  It asks for interrupts at every step. Where the output is no terminal, it
  prints one line an epoch instead.
  """

  def __init__(self, console: rich.console.Console | None = None):
    """Writes to `console`; None is the standard error stream."""
    self._console = console or rich.console.Console(
      stderr=True, highlight=False
    )
    self._bar: rich.progress.Progress | None = None
    # By thread.
    self._tasks: dict[int, rich.progress.TaskID] = {}
    self._titles: dict[int, str] = {}

  def note(self, text: str) -> None:
    """Something was decided that one may want to know."""
    self._console.print(text, soft_wrap=True, markup=False)

  def start(self, title: str, steps: int, done: int) -> None:
    """A model begins; `done` of its `steps` are behind it."""
    thread = threading.get_ident()
    self._titles[thread] = title
    if not self._console.is_terminal:
      return
    if self._bar is None:
      self._bar = self._new_bar()
      self._bar.start()
    self._tasks[thread] = self._bar.add_task(
      title, total=steps, completed=done, loss="-", dice="", speed="-"
    )

  def _new_bar(self) -> rich.progress.Progress:
    return rich.progress.Progress(
      rich.progress.TextColumn("{task.description}"),
      rich.progress.BarColumn(bar_width=24),
      rich.progress.TextColumn("loss {task.fields[loss]}"),
      rich.progress.TextColumn("{task.fields[dice]}"),
      rich.progress.TextColumn("{task.fields[speed]} slices/s"),
      rich.progress.TimeRemainingColumn(),
      console=self._console,
    )

  def step(self, loss: float, slices_per_s: float) -> None:
    """One more step is done."""
    _call.check_interrupt()
    task = self._tasks.get(threading.get_ident())
    if self._bar is not None and task is not None:
      self._bar.update(
        task,
        advance=1,
        loss=f"{loss:.4f}",
        speed=f"{slices_per_s:.0f}",
      )

  def epoch(self, row: Mapping[str, Any]) -> None:
    """An epoch is over; `row` is its line of metrics.csv."""
    dice = f"Dice {row['dice_half']:.3f} at 0.5, {row['dice_best']:.3f} at best"
    thread = threading.get_ident()
    task = self._tasks.get(thread)
    if self._bar is not None and task is not None:
      self._bar.update(task, dice=dice)
    else:
      self._console.print(
        f"{self._titles[thread]}: epoch {row['epoch']}, loss {row['loss']:.4f},"
        f" {dice} ({row['threshold']:.3f}),"
        f" {row['slices_per_s']:.0f} slices/s",
        soft_wrap=True,
      )

  def finish(self, text: str) -> None:
    """The model is done, or was already."""
    task = self._tasks.pop(threading.get_ident(), None)
    if not self._tasks:
      self.stop()
    elif self._bar is not None and task is not None:
      self._bar.remove_task(task)
    self._console.print(text, soft_wrap=True)

  def __enter__(self) -> "Training":
    return self

  def __exit__(self, *_: object) -> None:
    self.stop()

  def stop(self) -> None:
    """Takes the bar away; safe to call twice."""
    if self._bar is not None:
      self._bar.stop()
    self._bar = None
    self._tasks.clear()


def table(
  title: str,
  rows: Sequence[Mapping[str, Any]],
  columns: Sequence[str] | Mapping[str, str],
) -> None:
  """Prints some columns of a table, numbers to the right.

  Args:
    title: Stands above the table.
    rows: Column -> text, number, bool or None; text in brackets is shown,
      never read as markup, and controls in it are escaped.
    columns: The columns shown, or column -> heading.
  """
  from jaxseg import report  # Slow to import, and the bars do without it.

  if not isinstance(columns, Mapping):
    columns = {name: report.heading(name) for name in columns}
  shown = rich.table.Table(title=rich.text.Text(title), title_justify="left")
  cells = []
  for name, heading in columns.items():
    values = [row.get(name) for row in rows]
    numeric = all(isinstance(v, numbers.Real | None) for v in values)
    texts = report.format_column(name, values)
    shown.add_column(
      rich.text.Text(heading),
      justify="right" if numeric else "left",
      overflow="fold",  # Names that differ at their ends stay apart.
      min_width=_narrowest(heading, texts if numeric else ()),
    )
    cells.append(texts)
  for line in zip(*cells, strict=True):
    shown.add_row(*(rich.text.Text(_text.harmless(cell)) for cell in line))
  # What is too wide even so is left to the terminal; nothing is cut off.
  rich.console.Console().print(shown, crop=False)


def _narrowest(heading: str, whole: Sequence[str]) -> int:
  """Width at which no word of a heading, and none of some cells, is broken."""
  words = [rich.text.Text(word).cell_len for word in heading.split()]
  return max([min(max(words, default=0), 14), *map(len, whole)])
