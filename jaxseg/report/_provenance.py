"""Where a result comes from: the columns that every table carries."""

import datetime
import pathlib
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
    command: The command line, as one would repeat it.

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
    "command": command,
    "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
  }


def _commit() -> str:
  """The source's commit, "+" if files differ from it; "" without git."""
  folder = pathlib.Path(__file__).resolve().parents[2]
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
