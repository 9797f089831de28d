"""The `jaxseg` command.

`jaxseg train --structure=...` is `python -m experiments.train --structure=...`.
Exit codes: 0 done, 1 a fault of ours, 2 bad input or flags, 3 interrupted, and
the same command goes on where it stopped.

A command is a module `_name.py` here, and a line of `COMMANDS`:

- its docstring is what `--help` prints before the flags: what it does, two or
  three examples, what it writes;
- `define(flags)` defines its flags, mostly by groups: `_cohort_flags.define`
  (which patients, and how prepared), `_cohort_flags.define_run` (an existing
  run folder), `_training_flags.define` (which models, and how trained). It must
  import nothing slow; a test compares names repeated there with their
  registries;
- `main(flags)` does the work and imports what that needs. Bad input is a
  `JaxsegError` and ends in one line; `_console` has bars that notice Ctrl-C,
  and tables; `flags.command` is what provenance keeps.
"""

from collections.abc import Sequence
import importlib
import sys
from typing import NoReturn

from jaxseg import _interrupts
from jaxseg import errors

__all__ = ["COMMANDS", "console", "main"]

# In the order of their use.
COMMANDS = {
  "phantom": "write synthetic patients as CT and RTSTRUCT",
  "inspect": "say what a folder of CT, RTSTRUCT and SEG holds",
  "prepare": "bring a cohort onto one grid, and split it",
  "train": "train models and score them on unseen patients",
  "sweep": "choose thresholds for a run's models or anyone's maps",
  "apply": "cut maps at a chosen threshold and write masks",
  "evaluate": "score anyone's contours against references",
  "convert": "turn RTSTRUCT and SEG into NIfTI, and back",
  "sensitivity": "measure what a slightly wrong threshold costs",
  "prominence": "correlate thresholds with prominence in training",
  "objectives": "compare training objectives",
  "causes": "ask why thresholds are low and curves steep",
  "claims": "decide the paper's claims by rules fixed beforehand",
  "export": "export trained models into a folder that stands alone",
  "predict": "find structures on new scans, from CT to contours",
  "reproduce": "repeat the whole study, from patients to the page",
}


def main(arguments: Sequence[str] | None = None) -> int:
  """Runs a command.

  >>> main(["no-such-command"])
  2

  Args:
    arguments: The command's name and its flags; None is the command line.

  Returns:
    The exit code.
  """
  try:
    from jaxseg.cli import _call
  except errors.MissingExtraError as e:
    sys.stderr.write(f"{e}\n")
    return 2
  given = list(sys.argv[1:] if arguments is None else arguments)
  if not given or given[0] in _call.HELP:
    return _call.guarded(lambda: print(_overview(), end=""))
  if given[0] == _call.VERSION:
    return _call.guarded(_call.tell_version)
  name, *rest = given
  if name not in COMMANDS:
    known = ", ".join(COMMANDS)
    return _call.say(f"{name!r} is no command; take one of {known}", 2)
  module = importlib.import_module(f"jaxseg.cli._{name}")
  return _call.run(name, module, rest)


def console(command: str | None = None) -> NoReturn:
  """Runs a command as all that this process does, and ends it.

  Args:
    command: Its name, where the command line gives its flags alone, as that of
      a script in experiments/; None where it comes first, as in `jaxseg train`.
  """
  before = [] if command is None else [command]
  _interrupts.run(lambda: main([*before, *sys.argv[1:]]))


def _overview() -> str:
  lines = [
    "Usage: jaxseg COMMAND [--flag=value ...]",
    "",
    "Thresholds of segmentation networks: train, sweep, report.",
    "",
    *(f"  {name:12s}  {text}" for name, text in COMMANDS.items()),
    "",
    "jaxseg COMMAND --help says what it does and writes, and lists its flags.",
    "jaxseg --version says which version this is.",
  ]
  return "\n".join(lines) + "\n"
