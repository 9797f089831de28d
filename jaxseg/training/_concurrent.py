"""Several models at once: a thread for each group of devices.

Each takes the next model off the list when it is done with one. Nothing is
stacked, and no group waits for another: models may have different lengths, one
that stops early makes room, each can be resumed alone, and each has the numbers
that it has alone. A thread only hands work to its devices, so that Python's
lock between threads costs nothing.
"""

from collections.abc import Callable, Sequence
import concurrent.futures
import threading
from typing import Any

from jaxseg.training import _config
from jaxseg.training import _logs
from jaxseg.training import _loop

Train = Callable[[_config.Config, _logs.Reporter], _loop.Trained]


def run(
  groups: Sequence[Train],
  configs: Sequence[_config.Config],
  reporter: _logs.Reporter,
) -> list[_loop.Trained]:
  """Trains models on groups of devices.

  Args:
    groups: What trains a model on a group; called in a thread of its own.
    configs: The models.
    reporter: Hears from all threads, of one thing at a time.

  Returns:
    One for each model, in their order.

  Raises:
    KeyboardInterrupt: The process was interrupted. The others stop at their
      next step, too.
    JaxsegError: A model cannot be trained; the others stop as well.
  """
  todo = _Todo(configs)
  shared = _Shared(reporter)
  results: dict[int, _loop.Trained] = {}

  def work(train: Train) -> None:
    index = todo.take("")
    while index is not None:
      results[index] = train(configs[index], shared)
      index = todo.take(configs[index].structure)

  with concurrent.futures.ThreadPoolExecutor(len(groups)) as pool:
    try:
      futures = [pool.submit(work, train) for train in groups]
      concurrent.futures.wait(
        futures, return_when=concurrent.futures.FIRST_EXCEPTION
      )
    finally:  # Also where this thread, which hears of signals, is interrupted.
      todo.clear()
      shared.stop.set()
  found = [e for e in (future.exception() for future in futures) if e]
  # Those that were stopped on another's behalf say nothing new.
  found.sort(key=lambda e: isinstance(e, KeyboardInterrupt))
  if found:
    raise found[0]
  return [results[index] for index in range(len(configs))]


class _Todo:
  """The models that nobody has begun."""

  def __init__(self, configs: Sequence[_config.Config]):
    self._left = dict(enumerate(configs))
    self._lock = threading.Lock()

  def take(self, structure: str) -> int | None:
    """The next model, of this structure if there is one: its masks are here."""
    with self._lock:
      same = (k for k, c in self._left.items() if c.structure == structure)
      index = next(same, next(iter(self._left), None))
      if index is not None:
        del self._left[index]
      return index

  def clear(self) -> None:
    with self._lock:
      self._left.clear()


class _Shared:
  """A reporter that hears of one thing at a time, and can stop its models."""

  def __init__(self, reporter: _logs.Reporter):
    self.stop = threading.Event()
    self._reporter = reporter
    self._lock = threading.Lock()

  def __getattr__(self, name: str) -> Any:
    method = getattr(self._reporter, name)

    def report(*arguments: Any, **named: Any) -> Any:
      if self.stop.is_set():
        raise KeyboardInterrupt
      with self._lock:
        return method(*arguments, **named)

    return report
