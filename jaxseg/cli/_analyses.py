"""What the analyses of a run share: a line of origin, tables, their files."""

from collections.abc import Mapping, Sequence
import textwrap
from typing import Any, TYPE_CHECKING

from jaxseg.cli import _cohort_flags
from jaxseg.cli import _flags
from jaxseg.cli import _per_case

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
  "Calibration": (
    "class",
    "label",
    "structure",
    "objective",
    "seed",
    "expected_calibration_error",
    "empirical_threshold",
    "half_of_best_dice",
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
    "objective",
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

# Of objectives for a paper.
_PRINTED = {
  "structure": "structure",
  "objective": "objective",
  "threshold": "threshold",
  "dice_optimum": "Dice",
  "dice_half": "at 0.5",
  "hd95_mm": "HD95, mm",
  "hd95_half_mm": "at 0.5",
  "assd_mm": "ASSD, mm",
  "assd_half_mm": "at 0.5",
  "nsd_2mm": "NSD, 2 mm",
  "nsd_2mm_half": "at 0.5",
  "volume_bias": "volume bias",
  "volume_bias_half": "at 0.5",
  "calibration_error": "calibration error",
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
    print(textwrap.fill(said, 80, break_on_hyphens=False))


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
  sections = told(report.sweep_sections(run.folder, tables, origin))
  for name in ("per_case", "case_thresholds"):  # Of an earlier sweep's choice.
    if name not in tables:
      _forget(run, name)
  if settings.per_case:
    sections += recommended(flags, run, results, tables)
  return sections


def _scopes(results: Sequence["study.CohortCounts"]) -> list[str]:
  """Scopes that all models were counted in, the first of them first."""
  first, *others = results
  return [s for s in first.scopes if all(s in one.scopes for one in others)]


def sensitivity(
  flags: _flags.Flags,
  run: "data.Run",
  results: Sequence["study.CohortCounts"],
) -> list["report.Section"]:
  """Writes and prints what a wrong threshold costs."""
  from jaxseg import report
  from jaxseg import study

  each = [study.sensitivity(results, scope=one) for one in _scopes(results)]
  rows = [row for of_scope in each for row in of_scope]
  medians = [
    row
    for of_scope in each
    for row in study.sensitivity_medians(of_scope, results=results)
  ]
  origin = provenance(flags, run, results)
  return told([report.sensitivity_section(run.folder, rows, medians, origin)])


def prominence(
  flags: _flags.Flags,
  run: "data.Run",
  results: Sequence["study.CohortCounts"],
  *,
  levels: Sequence["study.CohortCounts"] | None = None,
) -> list["report.Section"]:
  """Writes and prints how the optimum goes with prominence, and follows it.

  Args:
    flags: Of the command.
    run: Run folder.
    results: Counts of its models.
    levels: Counts at all levels of negatives; None is `results`.
  """
  from jaxseg import report
  from jaxseg import study

  each = [study.prominence(run, results, scope=s) for s in _scopes(results)]
  rows = [row for of_scope in each for row in of_scope]
  found = [row for of_scope in each for row in study.correlations(of_scope)]
  origin = provenance(flags, run, results)
  sections = [report.prominence_section(run.folder, rows, found, origin)]
  every = results if levels is None else levels
  by_level = study.levels(every)
  if by_level:
    slopes = study.level_slopes(every)
    sections.append(report.levels_section(run.folder, by_level, slopes, origin))
  return told(sections)


def objectives(
  flags: _flags.Flags,
  run: "data.Run",
  results: Sequence["study.CohortCounts"],
) -> list["report.Section"]:
  """Writes and prints what each training objective reaches, and the tests."""
  from jaxseg import report
  from jaxseg import study
  from jaxseg.cli import _console

  rows = study.objectives(results)
  tests = study.objective_tests(results)
  origin = provenance(flags, run, results)
  sections = told([report.objectives_section(run.folder, rows, origin)])
  tables = run.folder / "tables"
  paths = [
    report.write_latex(
      tables / "objectives.tex",
      rows,
      _PRINTED,
      "Training objectives on unseen patients, at each model's own threshold"
      " and at 0.5.",
      origin,
    )
  ]
  if not tests:
    _forget(run, "objective_tests")
  else:
    paths.append(
      report.write_csv(tables / "objective_tests.csv", tests, origin)
    )
    # The file has all levels of negatives.
    own = {
      float(result.facts["negatives"])
      for result in results
      if not result.facts.get("beside")
    }
    shown = [row for row in tests if row["at"] == "own"]
    shown = [row for row in shown if row["negatives"] in own] or shown
    every = [row for row in shown if row["structure"] == "all"]
    _console.table(
      "Objectives compared on the same patients, own thresholds",
      [_compared(row) for row in every or shown],
      {name: name for name in _compared(shown[0])},
    )
  for path in paths:
    print(f"Written: {path}")
  return sections


def _forget(run: "data.Run", name: str) -> None:
  """Deletes a table of an earlier time that would be of other counts."""
  (run.folder / "tables" / f"{name}.csv").unlink(missing_ok=True)


def _compared(row: Mapping[str, Any]) -> dict[str, str]:
  """A paired difference as the console shows it."""
  from jaxseg import report

  one, other = report.format_column(
    "objective", [row["objective"], row["other"]]
  )
  low, high = row["difference_low"], row["difference_high"]
  return {
    "structure": str(row["structure"]),
    "objectives": f"{one} − {other}",
    "score": report.heading(str(row["score"])),
    "difference": f"{row['difference']:+z.3f}".replace("-", "−"),
    "95 %": f"{low:+z.3f} to {high:+z.3f}".replace("-", "−"),
    "p (Holm)": f"{row['p_holm']:.2g}",
  }


def recommended(
  flags: _flags.Flags,
  run: "data.Run",
  results: Sequence["study.CohortCounts"],
  tables: Mapping[str, Any] | None = None,
) -> list["report.Section"]:
  """Writes and prints which threshold to use, and what it gains.

  Args:
    flags: Of the command.
    run: Run folder.
    results: Counts of its models.
    tables: Those of the choice per case that there are.
  """
  from jaxseg import report
  from jaxseg import study

  rows = study.recommendations(results)
  if not rows:
    return []
  arms: dict[str, list[dict[str, Any]]] = {}
  for row in rows:
    arms.setdefault(f"{row['network']}, {row['objective']}", []).append(row)
  said = {name: study.recommendation(own) for name, own in arms.items()}
  origin = provenance(flags, run, results)
  section = report.per_case_section(
    run.folder, {"recommendations": rows, **(tables or {})}, said, origin
  )
  _per_case.tell(rows, {"": section.said})
  for path in section.tables:
    print(f"Written: {path}")
  return [section]


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
