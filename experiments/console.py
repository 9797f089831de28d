"""What people see on the console: tables, and how far the work is."""

from collections.abc import Callable, Iterator, Mapping, Sequence
import contextlib
from typing import Any

import rich.console
import rich.progress
import rich.table
import rich.text

from jaxseg import report


def show(
  title: str,
  rows: Sequence[Mapping[str, Any]],
  columns: Sequence[str] | Mapping[str, str],
) -> None:
  """Prints some columns of a table."""
  rich.console.Console().print(table(title, rows, columns))


def table(
  title: str,
  rows: Sequence[Mapping[str, Any]],
  columns: Sequence[str] | Mapping[str, str],
) -> rich.table.Table:
  """A table with labels for people and its numbers to the right.

  Args:
    title: Stands above the table.
    rows: Column -> text, number, bool or None; text in brackets is shown,
      never read as markup.
    columns: The columns shown, or column -> heading.
  """
  section = report.Section(title, rows=rows, columns=columns)
  found = rich.table.Table(title=rich.text.Text(title), title_justify="left")
  shown = []
  for column, heading in section.headings.items():
    values = [row.get(column) for row in rows]
    found.add_column(
      rich.text.Text(heading),
      justify="right" if report.is_numeric(values) else "left",
    )
    shown.append(report.format_column(column, values))
  for cells in zip(*shown, strict=True):
    found.add_row(*(rich.text.Text(cell) for cell in cells))
  return found


@contextlib.contextmanager
def progress(title: str) -> Iterator[Callable[[str, int, int], None]]:
  """Shows a bar with time left while the block runs.

  Args:
    title: What is done, such as "preparing".

  Yields:
    A function to call after each item with (its name, number done, number of
    all). Where the output is no terminal it says one line at the end.
  """
  console = rich.console.Console(stderr=True, highlight=False)
  seen = [0]
  if not console.is_terminal:

    def count(_: str, done: int, __: int) -> None:
      seen[0] = done

    yield count
    if seen[0]:
      console.print(f"{title}: {seen[0]} done", soft_wrap=True)
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
      bar.update(task, completed=done, total=all_, item=item)

    yield move
