"""SIGINT and SIGTERM: at once, or when the work at hand can be saved.

    with _interrupts.watched():
      ...                          # A signal raises KeyboardInterrupt.
      with _interrupts.held():
        ...                        # It waits; `asked` tells.

A second signal ends the process where it stands. A process that is a command
does all of its work, imports too, in `run`, whose exit codes are ours.
"""

import _thread
import atexit
from collections.abc import Callable, Iterator
import contextlib
import functools
from importlib import machinery
import os
import signal
import sys
import threading
import time
import types
from typing import NoReturn

INTERRUPTED = "interrupted; the same command goes on from here"
# `timeout`, SLURM and terminals can send one request to end twice. Seconds.
_ONE_S = 0.5
# What was interrupted can be resumed; see `jaxseg.cli`.
_EXIT_CODE = 3
_NUMBERS = (signal.SIGINT, signal.SIGTERM)

# How an interrupt that got lost, or came too early, comes again, and when.
_AGAIN, _AGAIN_S = signal.SIGINT, 0.02
# What Python runs while it loads an extension module.
_LOADING = frozenset(
  function.__code__
  for function in (
    machinery.ExtensionFileLoader.create_module,
    machinery.ExtensionFileLoader.exec_module,
  )
)

_asked = threading.Event()
_again: object | None = None  # Stands for the interrupt that is to come.
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
      _forget()
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
  """A first signal waits until the block has run; `asked` tells of it.

  The block must not take long between two looks at `asked` or `check`. It may
  run in any thread: a signal to the main one then waits, too, but is raised at
  the end of blocks of its own alone.
  """
  with _hold():
    yield
  if not _holds and threading.current_thread() is threading.main_thread():
    check()


@contextlib.contextmanager
def _hold() -> Iterator[None]:
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
  """As `held`, but only `asked` tells: neither its end nor `check` raises."""
  global _deaf
  with _hold():
    with _counting:
      _deaf += 1
    try:
      yield
    finally:
      with _counting:
        _deaf -= 1


@contextlib.contextmanager
def deaf_children() -> Iterator[None]:
  """Processes that are started meanwhile never get SIGINT.

  Ctrl-C is sent to all processes of a terminal. One that waits for its parent
  to end it would print a traceback, from wherever it is at.
  """
  if not hasattr(signal, "pthread_sigmask"):  # On Windows.
    yield
    return
  before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
  try:
    yield
  finally:
    signal.pthread_sigmask(signal.SIG_SETMASK, before)


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
  _forget()


def _let_end() -> None:
  """The last moments, in which Python would give signals back their default."""
  # A reader that pauses may keep this waiting: while a signal still ends it.
  for stream in (sys.stdout, sys.stderr):
    with contextlib.suppress(OSError, ValueError, AttributeError):
      stream.flush()
  for number in _NUMBERS:
    signal.signal(number, signal.SIG_IGN)


def _handle(number: int, frame: types.FrameType | None) -> None:
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
  if _holds:
    return
  if _loads_an_extension(frame):
    _come_again()
    return
  raise KeyboardInterrupt


def _loads_an_extension(frame: types.FrameType | None) -> bool:
  """Whether an extension module is being loaded, by frames from the innermost.

  Some call back into Python meanwhile, as jaxlib's do, and take what is raised
  there for an error of their own (ImportError), forget it, or abort.
  """
  while frame is not None:
    if frame.f_code in _LOADING:
      return True
    frame = frame.f_back
  return False


def _lost(hook: Callable[..., object], said: "sys.UnraisableHookArgs") -> None:
  """Sends an interrupt again that was raised where Python cannot raise.

  In callbacks of the garbage collector, of which JAX has one, and in
  finalizers; Python prints a traceback there and goes on.
  """
  if said.exc_type is KeyboardInterrupt and _asked.is_set():
    _come_again()
  else:
    hook(said)


def _come_again() -> None:
  """Sends an interrupt once more, in a moment."""
  global _again
  mine = _again = object()
  main = threading.main_thread().ident or 0

  def send() -> None:
    time.sleep(_AGAIN_S)
    if _again is mine:
      signal.pthread_kill(main, _AGAIN)

  # Not by `threading`, whose locks may be held where the signal came.
  _thread.start_new_thread(send, ())


def _forget() -> None:
  """Nothing comes again."""
  global _again
  _again = None


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
