"""How every binary starts and ends: flags, log level, exit codes.

0 done; 1 a fault of ours; 2 bad input or flags; 3 interrupted, and the same
command goes on where it stopped.
"""

from collections.abc import Callable, Iterator, Sequence
import contextlib
import os
import pathlib
import signal
import sys
import threading

from absl import app
from absl import flags
from absl import logging

from experiments import console
from jaxseg import errors
from jaxseg import training

_interrupted = threading.Event()


def run(main: Callable[..., None], *, argument: str = "") -> None:
  """Runs a binary.

  Args:
    main: Does the work.
    argument: Name of the one argument that `main` gets; "" where flags say it
      all.
  """
  for number in (signal.SIGINT, signal.SIGTERM):
    signal.signal(number, _interrupt)

  def guarded(argv: Sequence[str]) -> int:
    try:
      given = list(argv[1:])
      allowed = 1 if argument else 0
      if len(given) < allowed:
        raise errors.ConfigError(f"{argument} is missing; --help tells more")
      if len(given) > allowed:
        raise errors.ConfigError(
          f"unexpected argument {given[allowed]!r}; flags are written"
          " --name=value"
        )
      main(*given)
    except errors.JaxsegError as e:
      _say(str(e))
      return 2
    except KeyboardInterrupt:
      _say("interrupted; the same command goes on from here")
      return 3
    except BrokenPipeError:  # The reader of our output went away.
      os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0

  _quiet()
  app.run(guarded, flags_parser=_parse)


def command() -> str:
  """The command line as a user would repeat it."""
  module = pathlib.Path(sys.argv[0]).stem
  return " ".join([f"python -m experiments.{module}", *sys.argv[1:]])


def check_interrupt() -> None:
  """Raises KeyboardInterrupt if one was asked for and got lost.

  What a signal raises while the garbage collector calls back into a library
  is printed and forgotten; so every step and every patient asks again.
  """
  if _interrupted.is_set():
    raise KeyboardInterrupt


class Console(training.Console):
  """A training's reporter that asks for interrupts at every step."""

  def step(self, loss: float, slices_per_s: float) -> None:
    """See `training.Reporter`."""
    check_interrupt()
    super().step(loss, slices_per_s)


@contextlib.contextmanager
def progress(title: str) -> Iterator[Callable[[str, int, int], None]]:
  """A bar as `console.progress` shows it, that asks for interrupts, too."""
  with console.progress(title) as on_item:

    def move(item: str, done: int, all_: int) -> None:
      check_interrupt()
      on_item(item, done, all_)

    yield move


def compilation_cache() -> None:
  """Keeps compiled programs between runs, unless the user chose a place."""
  import jax  # `--help` does without it.

  if "JAX_COMPILATION_CACHE_DIR" not in os.environ:
    base = os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache"
    folder = pathlib.Path(base) / "jaxseg" / "compiled"
    jax.config.update("jax_compilation_cache_dir", str(folder))
  jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)


def _parse(argv: Sequence[str]) -> list[str]:
  flags.FLAGS.set_gnu_getopt(True)
  try:
    return flags.FLAGS(list(argv))
  except (flags.Error, flags.IllegalFlagValueError) as e:
    _say(f"{e}; --help lists the flags")
    sys.exit(2)
  except SystemExit:  # absl has printed the help that was asked for.
    sys.exit(0)


def _say(text: str) -> None:
  sys.stderr.write(" ".join(text.splitlines()) + "\n")


def _interrupt(*_: object) -> None:
  _interrupted.set()
  raise KeyboardInterrupt


def _quiet() -> None:
  """Leaves warnings and errors of the libraries, not their chatter."""
  logging.use_absl_handler()
  logging.set_verbosity(logging.WARNING)
