"""What binaries say at their end: tables on the console, files, origin."""

from collections.abc import Mapping, Sequence
from typing import Any

from experiments import cli
from experiments import cohort
from experiments import console
from jaxseg import data
from jaxseg import report


def provenance(run: data.Run) -> dict[str, Any]:
  """What every table of a run carries."""
  return report.provenance(
    cohort=run.store.cohort,
    cohort_hash=run.store.content_hash,
    synthetic=run.store.synthetic,
    seed=cohort.SEED.value,
    command=cli.command(),
  )


def tell(section: report.Section, brief: Sequence[str] = ()) -> None:
  """Prints an analysis: its table, and the files that hold all of it.

  Args:
    section: What a function of `report` gave.
    brief: Columns for the console, which is narrower than the page.
  """
  columns = section.columns or []
  if brief and isinstance(columns, Mapping):
    columns = {name: columns[name] for name in brief}
  console.show(section.title, section.rows or [], columns)
  for path in (section.table, section.figure):
    if path is not None:
      print(f"Written: {path}")


BRIEF = {
  "sweep": (
    "structure",
    "objective",
    "threshold",
    "dice_test",
    "dice_test_half",
    "missed",
  ),
  "prominence": ("definition", "objective", "n", "pearson", "spearman"),
  "objectives": (
    "structure",
    "objective",
    "dice_optimum",
    "dice_half",
    "hd95_mm",
    "hd95_half_mm",
  ),
}
