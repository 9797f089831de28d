"""Flags that let several processes, on one host or many, train together."""

from collections.abc import Callable, Sequence
import contextlib
import os
import pathlib
import re
import signal
import sys
from typing import Any, TYPE_CHECKING

from jaxseg import errors
from jaxseg.cli import _call
from jaxseg.cli import _failures
from jaxseg.cli import _flags
from jaxseg.cli import _supervise

if TYPE_CHECKING:
  from jaxseg import data
  from jaxseg import study

_PLACES = ("coordinator", "processes", "process")
# How Gloo ends a process that gets another exchange's numbers, from one that
# the loss of a third has already torn out of this.
_OUT_OF_STEP = ("gloo::EnforceNotMet", "distributed collective mismatch")


def define(flags: _flags.Flags) -> None:
  """Defines the flags."""
  flags.heading("Many processes and hosts")
  flags.choice(
    "distributed",
    "off",
    ("auto", "off"),
    "Train together with the same command in other processes: auto where JAX"
    " finds them itself (SLURM, TPU pods, Open MPI, Kubernetes). Elsewhere give"
    " the three flags below.",
  )
  flags.string(
    "coordinator",
    None,
    "HOST:PORT",
    "Where process 0 is reached by all, at a free port of its host.",
    default="none",
  )
  flags.integer(
    "processes", None, "N", "How many processes there are.", default="1"
  )
  flags.integer("process", None, "I", "Which one this is, from 0.", default="0")
  flags.integer(
    "start_timeout", 300, "SECONDS", "How long to wait for the others."
  )
  flags.integer(
    "lost_timeout",
    30,
    "SECONDS",
    "After how long without a sign of life a process is lost; the others then"
    " end, and the same command goes on.",
  )


def main(flags: _flags.Flags, work: Callable[[_flags.Flags], None]) -> None:
  """Does a command's work, in as many processes as the flags say.

  Raises:
    ConfigError: The flags do not go together.
    Exit: Always, where there are several; with the exit code.
  """
  if not _asked(flags):
    work(flags)
    return
  if not _supervise.possible():
    raise errors.ConfigError(
      "--distributed: needs a system that can fork, such as Linux; train in"
      " one process"
    )
  ended = _supervise.supervise(lambda: _child(flags, work))
  code, text = _verdict(flags, ended)
  if text:
    _call.say(text, code)
  raise _call.Exit(code)


def _asked(flags: _flags.Flags) -> bool:
  """Whether there are other processes; refuses what cannot be."""
  given = flags.given(*_PLACES)
  for name in ("start_timeout", "lost_timeout"):
    if getattr(flags, name) < 1:
      raise errors.ConfigError(
        f"--{name}={getattr(flags, name)}: give at least 1 second"
      )
  if not given:
    return flags.distributed == "auto"
  missing = [f"--{name}" for name in _PLACES if name not in given]
  if missing:
    raise errors.ConfigError(
      f"{', '.join(missing)}: missing beside"
      f" {', '.join(f'--{name}' for name in given)}; give all three, or"
      " --distributed=auto"
    )
  if flags.distributed == "auto":
    raise errors.ConfigError(
      "--distributed=auto: finds by itself what --coordinator, --processes and"
      " --process say; give either"
    )
  host, _, port = flags.coordinator.rpartition(":")
  if not host or not port.isdecimal() or not 0 < int(port) < 2**16:
    raise errors.ConfigError(
      f"--coordinator={flags.coordinator}: write HOST:PORT, such as"
      " 10.0.0.1:1234"
    )
  if flags.processes < 1 or not 0 <= flags.process < flags.processes:
    raise errors.ConfigError(
      f"--process={flags.process}: of {flags.processes} processes; give 0 to"
      f" {max(flags.processes - 1, 0)}"
    )
  return True


def _child(flags: _flags.Flags, work: Callable[[_flags.Flags], None]) -> int:
  """What the supervised process does: its exit code."""
  from jaxseg import _distributed

  told: list[tuple[str, int]] = []

  def do() -> None:
    _distributed.join(
      flags.coordinator,
      processes=flags.processes,
      process=flags.process,
      start_timeout=flags.start_timeout,
      lost_timeout=flags.lost_timeout,
    )
    _supervise.tell(
      "process", f"{_distributed.process()} of {_distributed.processes()}"
    )
    try:
      with _quiet(_distributed.process() != 0):
        work(flags)
        _distributed.together("the end of the work")
    except Exception as e:
      lost = _distributed.lost(e)
      if lost is None:
        told.append((_flags.one_line(_failures.said(e) or e), 2))
        raise
      told.append((_flags.one_line(lost), lost.code))
    except KeyboardInterrupt:
      told.append(("interrupted", 3))
      raise

  code = _call.guarded(do)
  if code == 0 and told:
    name = f"process {_distributed.process()} of {_distributed.processes()}"
    code = _call.say(f"{name}: {told[0][0]}", told[0][1])
  _supervise.tell("code", code)
  if told:
    _distributed.ended(told[0][0], code)
  elif code == 0:
    _distributed.leave()
  return code


@contextlib.contextmanager
def _quiet(on: bool) -> Any:
  """Lets the console speak once: all but process 0 say how they end alone."""
  if not on:
    yield
    return
  with (
    open(os.devnull, "w") as nowhere,
    contextlib.redirect_stdout(nowhere),
    contextlib.redirect_stderr(nowhere),
  ):
    yield


def _verdict(
  flags: _flags.Flags, ended: _supervise.Ended
) -> tuple[int, str | None]:
  """Exit code, and what is still to be said."""
  if ended.code >= 0:
    twice = "interrupted twice" in ended.text and "code" not in ended.told
    return ended.code, "interrupted twice, ended at once" if twice else None
  name = signal.Signals(-ended.code).name
  where = f"process {ended.told.get('process', flags.process)}"
  again = "the same command in all of them goes on from the last checkpoint"
  if ended.code == -signal.SIGKILL:
    return 3, (
      f"{where}: was killed from outside ({name}), perhaps for lack of memory;"
      f" {again}"
    )
  if "distributed service detected fatal errors" in ended.text:
    if "process" not in ended.told:
      return 2, _not_met(flags, ended.text)
    silent = re.search(r"stopped sending heartbeats\):([\s\d,]+)", ended.text)
    lost = silent[1].replace(",", " ").split() if silent else []
    lost.sort(key=int)
    if lost == [ended.told["process"].split()[0]]:
      return 3, (
        f"{where}: was silent for {flags.lost_timeout} s, so that the others"
        f" gave it up (--lost_timeout); {again}"
      )
    others = f"process {lost[0]} was" if len(lost) == 1 else ""
    if len(lost) > 1:
      others = f"processes {', '.join(lost[:-1])} and {lost[-1]} were"
    if not lost:  # Only process 0 says who is silent; it is gone itself.
      is_first = ended.told["process"].startswith("0 ")
      others = "another process was" if is_first else "process 0 was"
    return 3, f"{where}: {others} lost; {again}"
  if any(said in ended.text for said in _OUT_OF_STEP):
    return 3, (
      f"{where}: fell out of step with the others, as when one of them is lost;"
      f" {again}"
    )
  sys.stderr.write(ended.text)
  return 1, f"{where}: crashed ({name})"


def _not_met(flags: _flags.Flags, text: str) -> str:
  """Why the processes did not meet."""
  if "Unexpected task" in text or "INVALID_ARGUMENT" in text:
    return (
      f"--processes={flags.processes}: the other processes were started with"
      " another number; give the same to all"
    )
  if flags.coordinator is None:
    return (
      f"--distributed=auto: not all processes met within {flags.start_timeout}"
      " s; start the same command in all of them, or give --coordinator"
    )
  return (
    f"--coordinator={flags.coordinator}: not all of {flags.processes} processes"
    f" met there within {flags.start_timeout} s; start the same command with"
    f" --process=0 to {flags.processes - 1} each once, or give an address that"
    " all reach"
  )


def is_first() -> bool:
  """Whether this process decides, writes and speaks."""
  from jaxseg import _distributed

  return _distributed.process() == 0


def prepared(flags: _flags.Flags, names: Sequence[str]) -> "data.Run":
  """As `_cohort_flags.prepared`: one prepares, the others wait and open."""
  from jaxseg import _distributed
  from jaxseg import data
  from jaxseg.cli import _cohort_flags

  if _distributed.processes() == 1:
    return _cohort_flags.prepared(flags, names)
  made: list[data.Run] = []

  def prepare() -> str:
    made.append(_cohort_flags.prepared(flags, names))
    return made[0].store.content_hash

  wanted = _distributed.first("preparing", prepare)

  def same() -> None:
    run = data.Run(_cohort_flags.output_folder(flags))
    if run.store.content_hash != wanted:
      raise errors.DataError(
        f"{run.folder}: holds another store here than in process 0; give all"
        " processes one --output on a file system that they share"
      )
    made.append(run)

  _distributed.each("opening the run folder", same)
  return made[0]


def swept(
  run: "data.Run",
  folders: Sequence[pathlib.Path],
  sweep: Callable[..., "list[study.CohortCounts]"],
) -> "list[study.CohortCounts]":
  """Sweeps models, each in one of the processes; process 0 reads them all.

  Args:
    run: Prepared run folder.
    folders: Of the models.
    sweep: `study.sweep_run` with its settings.

  Returns:
    Counts of all models; [] in all processes but the first.
  """
  from jaxseg import _distributed

  if _distributed.processes() > 1:
    mine = _distributed.own(folders)

    def share() -> None:
      if mine:
        sweep(run, folders=mine)

    _distributed.each("sweeping", share)
    if not is_first():
      return []
  return sweep(run, folders=folders)
