"""SIGINT and SIGTERM: at once, or when the work at hand can be saved.

    with _interrupts.watched():
      ...                          # A signal raises KeyboardInterrupt.
      with _interrupts.held():
        ...                        # It is remembered only; `asked` tells.
      _interrupts.check()

A second signal ends the process where it stands.
"""

from collections.abc import Callable, Iterator
import contextlib
import functools
import os
import signal
import sys
import threading
import time

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

  Without effect in other threads than the main one, which alone gets signals.

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
  if before:
    _asked.clear()
    for number in before:
      signal.signal(number, _handle)
    sys.unraisablehook = functools.partial(_lost, hook)
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
  """Ends the process and its workers without unwinding anything."""
  if "multiprocessing" in sys.modules:
    for worker in sys.modules["multiprocessing"].active_children():
      worker.kill()
  show = "\x1b[?25h" if sys.stderr.isatty() else ""  # The cursor, as it was.
  os.write(2, f"{show}interrupted twice, ended at once\n".encode())
  os._exit(_EXIT_CODE)
