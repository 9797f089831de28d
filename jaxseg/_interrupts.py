"""SIGINT and SIGTERM: at once, or when the work at hand can be saved.

    with _interrupts.watched():
      ...                          # A signal raises KeyboardInterrupt.
      with _interrupts.held():
        ...                        # It is remembered only; `asked` tells.
      _interrupts.check()

A second signal ends the process where it stands. A process that is a command
does all of its work, imports too, in `run`, whose exit codes are ours.
"""

import atexit
from collections.abc import Callable, Iterator
import contextlib
import functools
import os
import signal
import sys
import threading
import time
from typing import NoReturn

INTERRUPTED = "interrupted; the same command goes on from here"
# `timeout`, SLURM and terminals can send one request to end twice. Seconds.
_ONE_S = 0.5
# What was interrupted can be resumed; see `jaxseg.cli`.
_EXIT_CODE = 3
_NUMBERS = (signal.SIGINT, signal.SIGTERM)

# How an interrupt that got lost comes again.
_AGAIN = signal.SIGINT

_asked = threading.Event()
_again: threading.Timer | None = None
_asked_at = 0.0
_holds = 0
_deaf = 0
_counting = threading.Lock()


@contextlib.contextmanager
def watched(*, unless_taken: bool = False) -> Iterator[None]:
  """SIGINT and SIGTERM raise KeyboardInterrupt and are remembered.

  Without effect in other threads than the main one, which alone gets signals,
  and where they are watched already.

  Args:
    unless_taken: Leave a program's own way with these signals as it is.
  """
  before = {}
  if threading.current_thread() is threading.main_thread():
    before = {number: signal.getsignal(number) for number in _NUMBERS}
  hook = sys.unraisablehook
  usual = (signal.SIG_DFL, signal.default_int_handler)
  if unless_taken and any(found not in usual for found in before.values()):
    before = {}
  if all(found is _handle for found in before.values()):
    before = {}
  if before:
    _watch()
  try:
    yield
  finally:
    for number, handler in before.items():
      signal.signal(number, handler)
    if before:
      sys.unraisablehook = hook
      if _again is not None:
        _again.cancel()
      _asked.clear()


def run(work: Callable[[], int]) -> NoReturn:
  """Ends the process with the exit code that a function gives.

  SIGINT and SIGTERM do not change that: before the function has ended, in its
  imports as well, they make it 3; while Python and libraries clean up after it,
  they end the process at once, with the code that it has earned. What comes
  before this is called ends the process by that signal; it has done nothing
  then.

  Args:
    work: All that the process does.
  """
  atexit.register(_let_end)  # The first that is registered is called last.
  try:
    _watch()
    code = work()
    _ending(code)
  except KeyboardInterrupt:
    exec("")  # As in `jaxseg.cli`: Python would end by the signal after all.
    code = _EXIT_CODE
    _ending(code)
    with contextlib.suppress(OSError):  # It may be closed.
      os.write(2, f"{INTERRUPTED}\n".encode())
  sys.exit(code)


@contextlib.contextmanager
def held() -> Iterator[None]:
  """A first signal waits while the block runs; `asked` tells of it.

  The block must not take long between two looks at `asked` or `check`. It may
  run in any thread: a signal to the main one then waits, too.
  """
  global _holds
  with _counting:
    _holds += 1
  try:
    yield
  finally:
    with _counting:
      _holds -= 1


@contextlib.contextmanager
def held_back() -> Iterator[None]:
  """As `held`, and `check` raises nothing either: `asked` alone tells."""
  global _deaf
  with held():
    with _counting:
      _deaf += 1
    try:
      yield
    finally:
      with _counting:
        _deaf -= 1


def asked() -> bool:
  """Whether a signal came."""
  return _asked.is_set()


def check() -> None:
  """Raises KeyboardInterrupt if a signal came.

  What a signal raises while the garbage collector calls back into a library
  is printed and forgotten; so every step and every patient asks again.
  """
  if _asked.is_set() and not _deaf:
    raise KeyboardInterrupt


def _watch() -> None:
  _asked.clear()
  for number in _NUMBERS:
    signal.signal(number, _handle)
  sys.unraisablehook = functools.partial(_lost, sys.unraisablehook)


def _ending(code: int) -> None:
  """From now on a signal ends the process at once, with a code."""
  for number in _NUMBERS:
    signal.signal(number, lambda *_: _leave(code))
  if _again is not None:
    _again.cancel()


def _let_end() -> None:
  """The last moments, in which Python would give signals back their default."""
  # A reader that pauses may keep this waiting: while a signal still ends it.
  for stream in (sys.stdout, sys.stderr):
    with contextlib.suppress(OSError, ValueError, AttributeError):
      stream.flush()
  for number in _NUMBERS:
    signal.signal(number, signal.SIG_IGN)


def _handle(number: int, _: object) -> None:
  global _again, _asked_at
  now = time.monotonic()
  if not _asked.is_set():
    _asked_at = now
    _asked.set()
  elif _again is not None and number == _AGAIN:
    _again = None
  elif now - _asked_at > _ONE_S:
    _end()
  else:
    return
  if not _holds:
    raise KeyboardInterrupt


def _lost(hook: Callable[..., object], said: "sys.UnraisableHookArgs") -> None:
  """Sends an interrupt again that was raised where Python cannot raise.

  In callbacks of the garbage collector, of which JAX has one, and in
  finalizers; Python prints a traceback there and goes on.
  """
  global _again
  if not (said.exc_type is KeyboardInterrupt and _asked.is_set()):
    hook(said)
    return
  main = threading.main_thread().ident or 0
  _again = threading.Timer(0.02, signal.pthread_kill, (main, _AGAIN))
  _again.daemon = True
  _again.start()


def _end() -> None:
  show = "\x1b[?25h" if os.isatty(2) else ""  # The cursor, as it was.
  with contextlib.suppress(OSError):  # It may be closed, or nobody listen.
    os.write(2, f"{show}interrupted twice, ended at once\n".encode())
  _leave(_EXIT_CODE)


def _leave(code: int) -> NoReturn:
  """Ends the process and its workers without unwinding anything."""
  if "multiprocessing" in sys.modules:
    for worker in sys.modules["multiprocessing"].active_children():
      worker.kill()
  os._exit(code)
