"""One seam for work on cases: in this process, on more cores, on a cluster.

Cases are independent and their results add up, so no result depends on where
or in which order they are computed.
"""

import collections
from collections.abc import Callable, Iterator, Sequence
import concurrent.futures
import concurrent.futures.process
import contextlib
import functools
import multiprocessing
import multiprocessing.connection
import os
import threading
import time
from typing import Any, TypeVar

from jaxseg import _extras
from jaxseg import _interrupts
from jaxseg import errors

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")
# What processes take to start and import, about, seconds.
_START_S = 3.0
# How often to look for lost processes, and how long the pool has to notice one.
_LOOK_S, _NOTICE_S = 0.5, 2.0
_closing = threading.Lock()


def run(
  function: Callable[[_Item], _Result],
  items: Sequence[_Item],
  *,
  workers: int | None = None,
  scheduler: str | None = None,
  here_first: bool = False,
  ordered: bool = False,
) -> Iterator[tuple[int, _Result]]:
  """Calls a function on each item; results come as they are ready.

  Args:
    function: Importable; items and results are pickled.
    items: What it is called on, one at a time.
    workers: Processes of this machine; 1 is this process itself, None as many
      as there are cores, but no more than items.
    scheduler: Address of a running `dask.distributed` scheduler, such as
      tcp://10.0.0.1:8786, whose workers have jaxseg; used instead of
      processes. An item whose worker is lost goes to another.
    here_first: Call it in this process until what is left would take longer
      than to start others: what is wrong with all items shows at once, and a
      few quick ones do not wait for processes.
    ordered: Results come in the order of the items. Those that are ready
      before their turn are kept; as for others, no more than twice as many
      items as there are workers are under way or kept.

  Yields:
    (position in `items`, result), in any order unless `ordered`. What
    `function` raises is raised here; items not yet started are then dropped.

  Raises:
    ConfigError: `workers` is below 1, or the scheduler cannot be reached.
    DataError: A process was lost; on a cluster, several with one item.
    MissingExtraError: dask.distributed is not installed.
  """
  if workers is not None and workers < 1:
    raise errors.ConfigError(f"{workers} workers; give at least 1")
  if scheduler is not None:
    yield from _on_cluster(function, items, scheduler, ordered=ordered)
    return
  number = min(workers or os.cpu_count() or 1, len(items))
  if number <= 1:
    for index, item in enumerate(items):
      yield index, function(item)
    return
  begun = 0
  if here_first:
    quickest = float("inf")  # The first one compiles and imports.
    for begun, item in enumerate(items, start=1):
      start = time.monotonic()
      result = function(item)
      quickest = min(quickest, time.monotonic() - start)
      yield begun - 1, result
      left = len(items) - begun
      if quickest * left > _START_S and (begun > 1 or quickest > _START_S / 4):
        break
    number = min(number, len(items) - begun)
  if not number:
    return
  # Not by fork, because JAX runs threads.
  context = multiprocessing.get_context("spawn")
  try:
    with (
      concurrent.futures.ProcessPoolExecutor(
        number, mp_context=context, initializer=_end_with_parent
      ) as pool,
      _watched(pool),
    ):
      going = _in_order if ordered else _as_completed
      submit = functools.partial(_submitted, pool)
      work = going(submit, function, items[begun:], 2 * number)
      try:
        yield from ((begun + index, result) for index, result in work)
      except BaseException:
        _stop(pool)
        raise
  except concurrent.futures.process.BrokenProcessPool as e:
    raise errors.DataError(
      f"one of {number} processes was lost, perhaps for lack of memory"
      f"{_memory()}; run the same command with fewer workers"
      f" (--workers={max(1, number // 2)}), it resumes where it stopped"
    ) from e


def _end_with_parent() -> None:
  """Ends this process when the one that started it is killed.

  Those that wait for items hold each other's pipes open: they would stay.
  """
  parent = multiprocessing.parent_process()
  if parent is None:
    return

  def wait(parent: Any = parent) -> None:
    parent.join()
    os._exit(1)

  threading.Thread(target=wait, daemon=True).start()


def _submitted(
  pool: concurrent.futures.ProcessPoolExecutor,
  function: Callable[[Any], Any],
  item: Any,
) -> concurrent.futures.Future:
  """An item under way; no signal comes between a process and the pool's list.

  What is not in the list could not be ended, and would keep the pool waiting.
  """
  # In a program that is no command nobody else watches.
  with _interrupts.watched(unless_taken=True):
    with _interrupts.held(), _interrupts.deaf_children():
      return pool.submit(function, item)


def _stop(pool: concurrent.futures.ProcessPoolExecutor) -> None:
  """Ends the processes, whatever they are at.

  Left to itself the pool waits for what is under way; and if a signal came
  while it started its processes, for ever. Nothing is cancelled: the pool's own
  thread would die of that as it tells all who wait that it is broken
  (InvalidStateError), and an item half written to a process hold up the exit.
  """
  processes = getattr(pool, "_processes", None) or {}
  for process in list(processes.values()):
    process.terminate()
  # One that ended within a result leaves half of it in the pipe. The pool would
  # wait for the rest for ever, as it could itself still write there.
  results = getattr(pool, "_result_queue", None)
  writer = getattr(results, "_writer", None)
  if writer is not None:
    with _closing:  # Twice at once it would close another file.
      writer.close()


@contextlib.contextmanager
def _watched(pool: concurrent.futures.ProcessPoolExecutor) -> Iterator[None]:
  """Ends the processes if the pool does not notice that one was lost.

  It notices between two results, and not within one: the other processes wait
  until it is written, and the pool until it is read.
  """
  over = threading.Event()

  def look() -> None:
    while not over.wait(_LOOK_S):
      processes = getattr(pool, "_processes", None) or {}
      ends = [process.sentinel for process in list(processes.values())]
      if multiprocessing.connection.wait(ends, 0):
        if not over.wait(_NOTICE_S):
          _stop(pool)
        return

  thread = threading.Thread(target=look, daemon=True)
  thread.start()
  try:
    yield
  finally:
    over.set()
    thread.join()


def _as_completed(
  submit: Callable[..., concurrent.futures.Future],
  function: Callable[[Any], Any],
  items: Sequence[Any],
  most: int,
) -> Iterator[tuple[int, Any]]:
  """Results as they are ready; at most so many items are under way."""
  waiting: dict[concurrent.futures.Future, int] = {}
  following = iter(enumerate(items))

  def start() -> None:
    for index, item in following:
      waiting[submit(function, item)] = index
      break

  for _ in range(most):
    start()
  while waiting:
    done, _ = concurrent.futures.wait(
      waiting, return_when=concurrent.futures.FIRST_COMPLETED
    )
    for future in done:
      index = waiting.pop(future)
      result = future.result()
      start()
      yield index, result


def _in_order(
  submit: Callable[..., Any],
  function: Callable[[Any], Any],
  items: Sequence[Any],
  most: int,
  waiting: collections.deque[Any] | None = None,
) -> Iterator[tuple[int, Any]]:
  """Results in the order of the items; so many are under way or kept.

  `waiting` holds those under way, for a caller who cancels them at the end.
  """
  waiting = collections.deque() if waiting is None else waiting
  following = iter(items)
  for index in range(len(items)):
    while len(waiting) < min(most, len(items) - index):
      waiting.append(submit(function, next(following)))
    result = waiting[0].result()
    waiting.popleft()
    yield index, result


def _memory() -> str:
  """How large the largest process became, and what the machine has."""
  try:
    import resource  # Not on Windows.

    used = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 2**20
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
  except (ImportError, OSError, ValueError):
    return ""
  return f" (the largest took {used:.1f} GiB, the machine has {total:.1f} GiB)"


def _on_cluster(
  function: Callable[[Any], Any],
  items: Sequence[Any],
  address: str,
  *,
  ordered: bool = False,
) -> Iterator[tuple[int, Any]]:
  with _client(address) as (client, distributed):
    # The scheduler itself gives an item to another worker if one is lost.
    submit = functools.partial(client.submit, pure=False)
    futures: dict[Any, int] = {}
    waiting: collections.deque[Any] = collections.deque()
    try:
      if ordered:
        most = 2 * max(1, sum(client.nthreads().values()))
        yield from _in_order(submit, function, items, most, waiting)
        return
      for index, item in enumerate(items):
        futures[submit(function, item)] = index
      for future in distributed.as_completed(list(futures)):
        yield futures.pop(future), future.result()
    except distributed.KilledWorker as e:
      raise errors.DataError(
        f"cluster {address}: several workers were lost with one item, perhaps"
        " for lack of memory; run the same command again, it resumes where it"
        " stopped"
      ) from e
    except concurrent.futures.CancelledError as e:
      raise errors.DataError(
        f"cluster {address}: its scheduler was lost or cancelled the work; run"
        " the same command again, it resumes where it stopped"
      ) from e
    finally:
      client.cancel([*futures, *waiting])


@contextlib.contextmanager
def _client(address: str) -> Iterator[tuple[Any, Any]]:
  distributed = _extras.load("distributed", extra="cluster")
  try:
    client = distributed.Client(address, timeout=10)
  except (OSError, ValueError, TimeoutError) as e:
    raise errors.ConfigError(
      f"scheduler {address!r} cannot be reached ({type(e).__name__}); start"
      " it with: dask scheduler"
    ) from e
  try:
    yield client, distributed
  finally:
    client.close()


def shard(items: Sequence[_Item], part: str) -> Sequence[_Item]:
  """One of several parts of a list, for job arrays.

  >>> shard(["a", "b", "c", "d", "e"], "2/3")
  ['b', 'e']

  Args:
    items: All of them, in the same order for every part.
    part: "i/n": part i of n, from 1.

  Returns:
    Every n-th item from the i-th on; the parts are disjoint and complete.

  Raises:
    ConfigError: It is not "i/n" with 1 <= i <= n.
  """
  first, slash, number = part.partition("/")
  valid = slash and first.isdecimal() and number.isdecimal()
  if not valid or not 1 <= int(first) <= int(number):
    raise errors.ConfigError(f"shard {part!r}: write i/n, from 1/n to n/n")
  return list(items)[int(first) - 1 :: int(number)]
