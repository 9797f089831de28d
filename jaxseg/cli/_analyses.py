"""What the analyses of a run share: a line of origin, tables, their files."""

from collections.abc import Sequence
from typing import Any, TYPE_CHECKING

from jaxseg.cli import _cohort_flags
from jaxseg.cli import _flags

if TYPE_CHECKING:
  from jaxseg import data
  from jaxseg import report
  from jaxseg import study

# Columns for the console, which is narrower than the page.
_BRIEF = {
  "Dice against threshold": (
    "structure",
    "objective",
    "seed",
    "threshold",
    "dice_test",
    "dice_test_half",
    "missed",
  ),
  "Optimal threshold and prominence": (
    "definition",
    "objective",
    "n",
    "pearson",
    "spearman",
  ),
  "Prominence as a cause": (
    "structure",
    "negatives",
    "kept_fraction",
    "threshold",
    "threshold_known",
    "lost_half",
  ),
  "Training objectives": (
    "structure",
    "objective",
    "dice_optimum",
    "dice_half",
    "hd95_mm",
    "hd95_half_mm",
  ),
}


def define(flags: _flags.Flags) -> None:
  """Defines the flags of an analysis of a swept run."""
  _cohort_flags.define_run(flags)


def swept(
  flags: _flags.Flags,
) -> tuple["data.Run", list["study.CohortCounts"]]:
  """The run folder that the flags name, and the counts that it holds."""
  from jaxseg import study

  run = _cohort_flags.open_run(flags)
  return run, study.read_run(run)


def provenance(
  flags: _flags.Flags,
  run: "data.Run",
  results: Sequence["study.CohortCounts"],
) -> dict[str, Any]:
  """What every table of a run carries; no seed where models have several."""
  from jaxseg import report
  from jaxseg import study

  seeds = {result.facts["seed"] for result in results}
  origin = report.provenance(
    cohort=run.store.cohort,
    cohort_hash=run.store.content_hash,
    synthetic=run.store.synthetic,
    seed=seeds.pop() if len(seeds) == 1 else None,
    command=flags.command,
  )
  missing = study.missing_models(run)
  return {**origin, "missing_models": "; ".join(missing)} if missing else origin


def tell_missing(run: "data.Run") -> None:
  """Names the models that are in none of the tables, last, where it is read."""
  from jaxseg import study

  said = study.missing_said(study.missing_models(run))
  if said:
    print(said)


def sweep(
  flags: _flags.Flags,
  run: "data.Run",
  results: Sequence["study.CohortCounts"],
  settings: "study.Settings",
) -> list["report.Section"]:
  """Writes and prints the tables of a sweep."""
  from jaxseg import report
  from jaxseg import study

  tables = study.tables(results, settings)
  origin = provenance(flags, run, results)
  return told(report.sweep_sections(run.folder, tables, origin))


def sensitivity(
  flags: _flags.Flags,
  run: "data.Run",
  results: Sequence["study.CohortCounts"],
) -> list["report.Section"]:
  """Writes and prints what a wrong threshold costs."""
  from jaxseg import report
  from jaxseg import study

  rows = study.sensitivity(results)
  medians = study.sensitivity_medians(rows)
  origin = provenance(flags, run, results)
  return told([report.sensitivity_section(run.folder, rows, medians, origin)])


def prominence(
  flags: _flags.Flags,
  run: "data.Run",
  results: Sequence["study.CohortCounts"],
) -> list["report.Section"]:
  """Writes and prints how the optimum goes with prominence, and follows it."""
  from jaxseg import report
  from jaxseg import study

  rows = study.prominence(run, results)
  found = study.correlations(rows)
  origin = provenance(flags, run, results)
  sections = [report.prominence_section(run.folder, rows, found, origin)]
  by_level = study.levels(results)
  if by_level:
    slopes = study.level_slopes(results)
    sections.append(report.levels_section(run.folder, by_level, slopes, origin))
  return told(sections)


def objectives(
  flags: _flags.Flags,
  run: "data.Run",
  results: Sequence["study.CohortCounts"],
) -> list["report.Section"]:
  """Writes and prints what each training objective reaches."""
  from jaxseg import report
  from jaxseg import study

  rows = study.objectives(results)
  origin = provenance(flags, run, results)
  return told([report.objectives_section(run.folder, rows, origin)])


def told(sections: list["report.Section"]) -> list["report.Section"]:
  """Prints each table, and names the files that hold all of it."""
  from jaxseg.cli import _console

  for section in sections:
    columns = section.headings
    brief = _BRIEF.get(section.title, columns)
    _console.table(
      section.title,
      section.rows,
      {name: columns[name] for name in brief if name in columns},
    )
    for path in (*section.tables, *section.figures):
      print(f"Written: {path}")
  return sections
