"""How every command starts and ends: signals, exit codes, one clear line."""

from collections.abc import Callable, Sequence
import contextlib
import os
import pathlib
import re
import shlex
import shutil
import sys
import traceback
from types import ModuleType

import jaxseg
from jaxseg import _interrupts
from jaxseg import errors
from jaxseg.cli import _aside
from jaxseg.cli import _failures
from jaxseg.cli import _flags
from jaxseg.cli import _streams

check_interrupt = _interrupts.check  # For the bars.
HELP = ("--help", "-h", "-help", "--helpfull", "--helpshort")
VERSION = "--version"


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
  if VERSION in before:
    return guarded(tell_version)
  flags.command = shlex.join([*program.split(), *arguments])

  def work() -> None:
    flags.parse(arguments)
    quiet()
    command.main(flags)

  return guarded(work)


def guarded(work: Callable[[], None]) -> int:
  """Calls a function and says how it ended, as an exit code."""
  _streams.open_closed()
  _streams.plain()
  with _streams.lasting():
    try:
      with _interrupts.watched(), _aside.collected():
        work()
        sys.stdout.flush()
    except Exit as e:
      return e.code
    except errors.JaxsegError as e:
      return say(str(e), 2)
    except KeyboardInterrupt:
      # Raised within an exec, as of dataclasses in an import, it would make
      # Python end by SIGINT, whatever the exit code; the next exec forgets it.
      exec("")
      return say(_interrupts.INTERRUPTED, 3)
    except Exception as e:
      line = _failures.said(e)
      if line is not None:
        _aside.end_quietly()
        return say(line, 2)
      traceback.print_exc()
      return 1
    finally:
      # Left to Python's end it would be lost to a signal, or, where nobody
      # reads or the disk is full, make the exit code 120.
      with contextlib.suppress(OSError, ValueError):
        sys.stdout.flush()
  return 0


def tell_version() -> None:
  """Prints which version of jaxseg this is."""
  print(f"jaxseg {jaxseg.__version__}")


def call(name: str) -> str:
  """A command as its user calls it."""
  started = pathlib.Path(sys.argv[0])
  if started.parent.name == "experiments":
    return f"python -m experiments.{name}"
  return f"jaxseg {name}"


def quiet() -> None:
  """Leaves warnings and errors of the libraries, not their chatter."""
  from absl import logging  # Not for `--help`.

  logging.use_absl_handler()
  logging.set_verbosity(logging.WARNING)
  # Our flags are not absl's global ones, so it misses their parsing.
  setattr(logging, "_warn_preinit_stderr", False)  # noqa: B010
  handler = logging.get_absl_handler()
  handler.removeFilter(_aside.is_news)
  handler.addFilter(_aside.is_news)


def compilation_cache() -> None:
  """Keeps compiled programs between runs, unless the user chose a place."""
  import jax  # `--help` does without it.

  if "JAX_COMPILATION_CACHE_DIR" not in os.environ:
    base = os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache"
    folder = pathlib.Path(base) / "jaxseg" / "compiled"
    jax.config.update("jax_compilation_cache_dir", str(folder))
  jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)


def say(text: str, code: int) -> int:
  """Says one line on the standard error stream and gives the exit code."""
  with contextlib.suppress(OSError):  # Nobody may be listening.
    sys.stderr.write(_flags.one_line(text) + "\n")
    sys.stderr.flush()
  return code
