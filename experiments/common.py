"""What binaries share at their end: the analyses of a run, and their files."""

from collections.abc import Sequence
from typing import Any

from experiments import cli
from experiments import cohort
from experiments import console
from jaxseg import data
from jaxseg import report
from jaxseg import study

# Columns for the console, which is narrower than the page.
_BRIEF = {
  "Dice against threshold": (
    "structure",
    "objective",
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
  "Training objectives": (
    "structure",
    "objective",
    "dice_optimum",
    "dice_half",
    "hd95_mm",
    "hd95_half_mm",
  ),
}


def provenance(run: data.Run) -> dict[str, Any]:
  """What every table of a run carries."""
  return report.provenance(
    cohort=run.store.cohort,
    cohort_hash=run.store.content_hash,
    synthetic=run.store.synthetic,
    seed=cohort.SEED.value,
    command=cli.command(),
  )


def sweep(
  run: data.Run,
  results: Sequence[study.CohortCounts],
  settings: study.Settings,
) -> list[report.Section]:
  """Writes and prints the tables of a sweep."""
  tables = study.tables(results, settings)
  return _told(report.sweep_sections(run.folder, tables, provenance(run)))


def sensitivity(
  run: data.Run, results: Sequence[study.CohortCounts]
) -> list[report.Section]:
  """Writes and prints what a wrong threshold costs."""
  rows = study.sensitivity(results)
  return _told(
    [
      report.sensitivity_section(
        run.folder, rows, study.sensitivity_medians(rows), provenance(run)
      )
    ]
  )


def prominence(
  run: data.Run, results: Sequence[study.CohortCounts]
) -> list[report.Section]:
  """Writes and prints how optimum and prominence correlate."""
  rows = study.prominence(run, results)
  return _told(
    [
      report.prominence_section(
        run.folder, rows, study.correlations(rows), provenance(run)
      )
    ]
  )


def objectives(
  run: data.Run, results: Sequence[study.CohortCounts]
) -> list[report.Section]:
  """Writes and prints what each training objective reaches."""
  rows = study.objectives(results)
  return _told([report.objectives_section(run.folder, rows, provenance(run))])


def _told(sections: list[report.Section]) -> list[report.Section]:
  """Prints each table, and names the files that hold all of it."""
  for section in sections:
    columns = section.headings
    brief = _BRIEF.get(section.title, columns)
    console.show(
      section.title,
      section.rows,
      {name: columns[name] for name in brief if name in columns},
    )
    for path in (*section.tables, *section.figures):
      print(f"Written: {path}")
  return sections
