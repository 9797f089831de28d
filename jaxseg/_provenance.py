"""Where a result comes from: the columns that every table carries."""

import datetime
import pathlib
import shlex
import subprocess
from typing import Any

import jaxseg


def provenance(
  *,
  cohort: str,
  cohort_hash: str,
  synthetic: bool,
  seed: int | None,
  command: str,
) -> dict[str, Any]:
  """What every table and page says about its origin.

  Args:
    cohort: Name of the cohort.
    cohort_hash: Fingerprint of the prepared cohort.
    synthetic: Whether its patients are made up.
    seed: Of split and training; None where nothing was drawn.
    command: The command line; of absolute paths it keeps what lies below the
      current folder, or the last name, as folders above tell who works where.

  Returns:
    These, and the version, the commit and today's date (UTC).
  """
  return {
    "cohort": cohort,
    "cohort_hash": cohort_hash,
    "synthetic": synthetic,
    "seed": seed,
    "version": jaxseg.__version__,
    "commit": _commit(),
    "command": _without_places(command),
    "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
  }


def _without_places(command: str) -> str:
  try:
    words = shlex.split(command)
  except ValueError:  # Not a command line.
    return command
  told = [_word(word) for word in words]
  return command if told == words else shlex.join(told)


def _word(word: str) -> str:
  flag, equals, value = word.rpartition("=")
  parts = [_place(part) for part in value.split(",")]
  return flag + equals + ",".join(parts)


def _place(text: str) -> str:
  path = pathlib.PurePath(text)
  if not path.is_absolute() or len(path.parts) < 2:
    return text
  here = pathlib.Path.cwd()
  if path.is_relative_to(here) and path != here:
    return str(path.relative_to(here))
  return f".../{path.name}"


def _commit() -> str:
  """The source's commit, "+" if files differ from it; "" without git."""
  folder = pathlib.Path(__file__).resolve().parents[1]
  if not (folder / ".git").exists():
    return ""
  git = ["git", "-C", str(folder)]
  try:
    head = subprocess.run(
      [*git, "rev-parse", "--short=12", "HEAD"],
      capture_output=True,
      text=True,
      check=True,
    ).stdout.strip()
    changed = subprocess.run(
      [*git, "status", "--porcelain", "--untracked-files=no"],
      capture_output=True,
      text=True,
      check=True,
    ).stdout.strip()
  except (OSError, subprocess.CalledProcessError):
    return ""
  return head + ("+" if changed else "")
