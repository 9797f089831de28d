"""What the commands that define absl's global flags need; see `jaxseg.cli`."""

from collections.abc import Callable, Sequence
import inspect
import shlex
import sys
from types import ModuleType

from absl import flags

from jaxseg.cli import _console
from jaxseg.cli import _flags
from jaxseg.cli import _run

Console = _console.Training
check_interrupt = _run.check_interrupt
compilation_cache = _run.compilation_cache
progress = _console.progress
FLAGS = _flags.Flags(flags.FLAGS)

_command = ""


def run(main: Callable[[], None]) -> None:
  """Runs a command of the command line and exits."""
  module = inspect.getmodule(main)
  assert module is not None
  sys.exit(call(module, sys.argv[1:]))


def call(module: ModuleType, arguments: Sequence[str]) -> int:
  """Runs a command: its exit code."""
  global _command
  name = str(module.__file__).rpartition("/")[2].removesuffix(".py")
  program = f"python -m experiments.{name}"
  _command = shlex.join([*program.split(), *arguments])
  if set(arguments) & set(_run.HELP):
    text = f"{module.__doc__}{flags.FLAGS.module_help(module)}"
    return _run.guarded(lambda: print(text))

  def work() -> None:
    flags.FLAGS.unparse_flags()
    for where, defined in flags.FLAGS.flags_by_module_dict().items():
      for flag in () if where.startswith("absl") else defined:
        flag.value, flag.present = flag.default, 0
    FLAGS.parse(arguments)
    _run.quiet()
    module.main()

  return _run.guarded(work)


def adopt(module: str) -> None:
  """Lets `--help` list the flags defined so far as those of a module."""
  for flag in flags.FLAGS.get_flags_for_module(_flags.__name__):
    flags.FLAGS.register_key_flag_for_module(module, flag)


def command() -> str:
  """The command line as a user would repeat it."""
  return _command
