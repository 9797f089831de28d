"""How every command starts and ends: signals, exit codes, one clear line."""

from collections.abc import Callable, Iterator, Sequence
import contextlib
import errno
import os
import pathlib
import re
import shlex
import shutil
import signal
import sys
import threading
import traceback
from types import ModuleType

from jaxseg import errors
from jaxseg.cli import _flags

HELP = ("--help", "-h", "-help", "--helpfull", "--helpshort")
_interrupted = threading.Event()
# Of these errors of the operating system the user is told in one line.
_NOT_OURS = {
  errno.EACCES,
  errno.EDQUOT,
  errno.EISDIR,
  errno.ELOOP,
  errno.ENAMETOOLONG,
  errno.ENOSPC,
  errno.ENOTDIR,
  errno.EPERM,
  errno.EROFS,
}


class Exit(Exception):
  """Ends a command of which all has been said.

  Attributes:
    code: Its exit code.
  """

  def __init__(self, code: int):
    super().__init__(code)
    self.code = code


def run(name: str, command: ModuleType, arguments: Sequence[str]) -> int:
  """Runs a command: its exit code, see `jaxseg.cli`."""
  flags = _flags.Flags()
  command.define(flags)
  program = call(name)
  before = list(arguments)
  if "--" in before:
    before = before[: before.index("--")]
  if set(before) & set(HELP):
    text = re.sub(
      r"\bjaxseg (\w+)", lambda m: call(m[1]), command.__doc__ or ""
    )
    columns = shutil.get_terminal_size().columns
    return guarded(
      lambda: print(flags.help(text, program, width=columns), end="")
    )
  flags.command = shlex.join([*program.split(), *arguments])

  def work() -> None:
    flags.parse(arguments)
    quiet()
    command.main(flags)

  return guarded(work)


def guarded(work: Callable[[], None]) -> int:
  """Calls a function and says how it ended, as an exit code."""
  try:
    with _signals():
      work()
      sys.stdout.flush()
  except Exit as e:
    return e.code
  except errors.JaxsegError as e:
    return say(str(e), 2)
  except KeyboardInterrupt:
    return say("interrupted; the same command goes on from here", 3)
  # The reader of our output went away; rich says so by SystemExit.
  except (BrokenPipeError, SystemExit):
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
  except OSError as e:
    if e.errno not in _NOT_OURS:
      traceback.print_exc()
      return 1
    where = f"{e.filename}: " if e.filename else ""
    return say(f"{where}{e.strerror}; free the place or name another", 2)
  except Exception:
    traceback.print_exc()
    return 1
  return 0


def call(name: str) -> str:
  """A command as its user calls it."""
  started = pathlib.Path(sys.argv[0])
  if started.parent.name == "experiments":
    return f"python -m experiments.{name}"
  return f"jaxseg {name}"


def check_interrupt() -> None:
  """Raises KeyboardInterrupt if one was asked for and got lost.

  What a signal raises while the garbage collector calls back into a library
  is printed and forgotten; so every step and every patient asks again.
  """
  if _interrupted.is_set():
    raise KeyboardInterrupt


def quiet() -> None:
  """Leaves warnings and errors of the libraries, not their chatter."""
  from absl import logging  # Not for `--help`.

  logging.use_absl_handler()
  logging.set_verbosity(logging.WARNING)


def compilation_cache() -> None:
  """Keeps compiled programs between runs, unless the user chose a place."""
  import jax  # `--help` does without it.

  if "JAX_COMPILATION_CACHE_DIR" not in os.environ:
    base = os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache"
    folder = pathlib.Path(base) / "jaxseg" / "compiled"
    jax.config.update("jax_compilation_cache_dir", str(folder))
  jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)


@contextlib.contextmanager
def _signals() -> Iterator[None]:
  """SIGINT and SIGTERM raise KeyboardInterrupt and are remembered."""
  _interrupted.clear()
  if threading.current_thread() is not threading.main_thread():
    yield
    return
  numbers = (signal.SIGINT, signal.SIGTERM)
  before = {number: signal.signal(number, _interrupt) for number in numbers}
  try:
    yield
  finally:
    for number, handler in before.items():
      signal.signal(number, handler)


def _interrupt(*_: object) -> None:
  _interrupted.set()
  raise KeyboardInterrupt


def say(text: str, code: int) -> int:
  """Says one line on the standard error stream and gives the exit code."""
  sys.stderr.write(_flags.one_line(text) + "\n")
  return code
