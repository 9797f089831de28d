"""A progress bar for work that goes patient by patient or model by model."""

from collections.abc import Callable, Iterator
import contextlib

import rich.console
import rich.progress


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
