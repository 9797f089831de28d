"""Flags of what is computed from counts alone, without images or models."""

from collections.abc import Sequence
import pathlib
import textwrap
from typing import Any, TYPE_CHECKING

from jaxseg import errors
from jaxseg.cli import _flags
from jaxseg.cli import _place

if TYPE_CHECKING:
  from jaxseg import study


def define(flags: _flags.Flags) -> None:
  """Defines --counts, --output and those of intervals."""
  flags.heading("Counts")
  flags.names(
    "counts",
    None,
    "FOLDER",
    "Run folders, or folders that hold counts of models.",
    default="required",
  )
  flags.string("output", None, "FOLDER", "Where to write.", default="required")
  flags.heading("Intervals")
  flags.integer(
    "resamples", 2000, "N", "Resamples of patients, organs and seeds."
  )
  flags.integer("resample_seed", 0, "N", "Random seed of the resamples.")


def check(flags: _flags.Flags) -> None:
  """Refuses what tells no interval.

  Raises:
    ConfigError: There are too few resamples.
  """
  if flags.resamples < 2:
    raise errors.ConfigError(
      f"--resamples: {flags.resamples} tell no interval; give 2000"
    )
  if flags.resample_seed < 0:
    raise errors.ConfigError(
      f"--resample_seed: {flags.resample_seed} is below 0; give 0 or more"
    )


def output(given: str, counts: Sequence[str]) -> pathlib.Path:
  """The folder that --output names, for what is made of some counts.

  Args:
    given: The flag.
    counts: What --counts names.

  Raises:
    ConfigError: A file is in its place; or it is a run folder, whose tables are
      of its own models.
  """
  folder = _place.output(given)
  own = {pathlib.Path(name).resolve() for name in counts}
  if (folder / "run.json").exists() and own != {folder.resolve()}:
    raise errors.ConfigError(
      f"--output: {folder} is a run folder, and --counts are not its own alone;"
      " name another"
    )
  return folder


def read(names: Sequence[str]) -> "list[study.CohortCounts]":
  """The counts in the folders that a flag names."""
  from jaxseg import study

  return study.read_counts([pathlib.Path(name) for name in names])


def provenance(
  results: "Sequence[study.CohortCounts]", *, seed: int, command: str
) -> dict[str, Any]:
  """What every table says of counts of one or several runs."""
  from jaxseg import report

  said = [result.facts for result in results]
  return report.provenance(
    cohort=", ".join(sorted({str(facts["cohort"]) for facts in said})),
    cohort_hash=", ".join(sorted({str(facts["store"]) for facts in said})),
    synthetic=any(facts["synthetic"] for facts in said),
    seed=seed,
    command=command,
  )


def tell_stuck(results: "Sequence[study.CohortCounts]") -> None:
  """Names the models that never learnt, and take part in nothing."""
  from jaxseg import study

  stuck = study.stuck_models(results)
  if stuck:
    named = ", ".join(
      f"{facts['structure']}/{facts['objective']}/{facts['seed']}"
      for facts in stuck
    )
    print(
      f"Left out: {len(stuck)} that never learnt ({named}); train them again"
      " with --seed=SEED + 10"
    )


def tell_missing(names: Sequence[str]) -> None:
  """Names the models of run folders that have no counts of theirs."""
  from jaxseg import study

  for name in names:
    said = study.uncounted_said(pathlib.Path(name))
    if said:
      print(textwrap.fill(said, 80, break_on_hyphens=False))
