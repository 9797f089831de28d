"""Each analysis of a run as its tables, its figure and its part of the page."""

from collections.abc import Sequence
import pathlib
from typing import Any

from jaxseg import data
from jaxseg import inference
from jaxseg import study
from jaxseg import thresholds
from jaxseg import training
from jaxseg.report import _figures
from jaxseg.report import _labels
from jaxseg.report import _objectives
from jaxseg.report import _overlay
from jaxseg.report import _page
from jaxseg.report import _prominence
from jaxseg.report import _sensitivity
from jaxseg.report import _style
from jaxseg.report import _tables

# The paper has one Dice per data set, and scores where the organ is.
_SCOPE, _AGGREGATE = "known", "pooled"

_SCOPES_TEXT = (
  "Scope `known`: slices where the reference can be believed. Spinal cord,"
  " oesophagus and neck continue beyond the range that was contoured, so of"
  " them the slices beyond it are left out of training and scores; of all"
  " other organs every scanned slice counts. Scope `volume` (in the table"
  " file) counts every scanned slice as if nothing lay beyond the contours."
  " Pooled: one Dice from the summed voxels of all patients; mean_case: the"
  " mean of the patients' Dice."
)


def sweep_section(
  run: data.Run,
  results: Sequence[study.ModelCounts],
  provenance: dict[str, Any],
) -> _page.Section:
  """Dice against threshold: tables/sweep.csv and figures/curves.

  Args:
    run: Run folder to write into.
    results: Counts of its models.
    provenance: What `report.provenance` gave.
  """
  rows = study.sweep_rows(results)
  table = run.tables / "sweep.csv"
  _tables.write_csv(table, rows, provenance)
  figure = _style.save(
    _figures.curves(
      [_curve(result) for result in results],
      f"Dice against threshold, {_who(run)} validation patients",
    ),
    run.figures / "curves",
  )[0]
  return _page.Section(
    title="Dice against threshold",
    text="The threshold is chosen where the pooled Dice of the validation"
    " patients is highest, in the middle of that plateau, and then scored on"
    " the test patients, beside 0.5.\n\n" + _SCOPES_TEXT,
    figure=figure,
    alt="Dice against threshold, one panel per structure",
    rows=_main(rows),
    columns={
      "structure": "structure",
      "objective": "objective",
      "threshold": "threshold",
      "dice_validation": "Dice, validation",
      "dice_test": "Dice, test",
      "dice_test_half": "Dice, test, at 0.5",
      "test_patients": "test patients",
      "missed": "missed",
    },
    table=table,
  )


def _curve(result: study.ModelCounts) -> _figures.Curve:
  counts = result.counts["validation", _SCOPE]
  best = thresholds.optimum(counts)
  return _figures.Curve(
    structure=result.structure,
    objective=result.objective,
    thresholds=counts.thresholds,
    dice=study.dice_curve(counts, _AGGREGATE),
    optimum=best.threshold,
    low=best.low,
    high=best.high,
    value=best.value,
  )


def _main(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
  return [
    row
    for row in rows
    if row["scope"] == _SCOPE and row["aggregate"] == _AGGREGATE
  ]


def _who(run: data.Run) -> str:
  return f"{run.store.cohort}{' (synthetic)' if run.store.synthetic else ''},"


def sensitivity_section(
  run: data.Run,
  results: Sequence[study.ModelCounts],
  provenance: dict[str, Any],
) -> _page.Section:
  """Cost of a wrong threshold: tables/sensitivity*.csv, figures/sensitivity.

  Args:
    run: Run folder to write into.
    results: Counts of its models.
    provenance: What `report.provenance` gave.
  """
  rows = study.sensitivity(results)
  medians = study.sensitivity_medians(rows)
  _tables.write_csv(run.tables / "sensitivity.csv", rows, provenance)
  table = run.tables / "sensitivity_medians.csv"
  _tables.write_csv(table, medians, provenance)
  figure = _style.save(
    _sensitivity.sensitivity(
      _main(rows), f"Dice lost by a wrong threshold, {_who(run)} validation"
    ),
    run.figures / "sensitivity",
  )[0]
  percent = ("median_reduction", "median_reduction_test")
  shown = [
    {**row, **{name: f"{100 * row[name]:.2f} %" for name in percent}}
    for row in _main(medians)
    if row["perturbation"] in (0.01, 0.02, 0.05, 0.1, 0.2)
  ]
  return _page.Section(
    title="Sensitivity to the threshold",
    text="Relative Dice reduction when the threshold is moved from its"
    " optimum, validation patients as in the paper; the table's last column"
    " is the same about the same threshold on the test patients. Medians"
    " over structures and both directions.",
    figure=figure,
    alt="Relative Dice reduction per structure and by size of the shift",
    rows=shown,
    columns={
      "objective": "objective",
      "perturbation": "shift ±",
      "structures": "structures",
      "median_reduction": "median reduction",
      "median_reduction_test": "same, test",
    },
    table=table,
  )


def prominence_section(
  run: data.Run,
  results: Sequence[study.ModelCounts],
  provenance: dict[str, Any],
) -> _page.Section:
  """Optimum and prominence: tables/{prominence,correlations}, a figure.

  Args:
    run: Run folder to write into.
    results: Counts of its models.
    provenance: What `report.provenance` gave.
  """
  rows = study.prominence(run, results)
  correlations = study.correlations(rows)
  _tables.write_csv(run.tables / "prominence.csv", rows, provenance)
  table = run.tables / "correlations.csv"
  _tables.write_csv(table, correlations, provenance)
  objective = "bce"
  if objective not in {row["objective"] for row in rows}:
    objective = rows[0]["objective"]
  shown = ("kept_fraction", "volume_fraction", "volume_ml", "achieved_dice")
  figure = _style.save(
    _prominence.prominence(
      [
        row
        for row in _main(rows)
        if row["objective"] == objective and row["definition"] in shown
      ],
      [row for row in _main(correlations) if row["definition"] in shown],
      "Optimal threshold and prominence in training,"
      f" {_who(run)} {_labels.objective_label(objective)}",
    ),
    run.figures / "prominence",
  )[0]
  meanings = "; ".join(f"{k}: {v}" for k, v in study.DEFINITIONS.items())
  return _page.Section(
    title="Optimal threshold and prominence",
    text="The paper reports r = 0.92 and does not print its formula for"
    f" prominence, so several are computed: {meanings}.",
    figure=figure,
    alt="Optimal threshold against prominence, one panel per definition",
    rows=_main(correlations),
    columns={
      "definition": "definition",
      "objective": "objective",
      "n": "structures",
      "pearson": "Pearson r",
      "pearson_p": "p",
      "spearman": "Spearman",
      "spearman_p": "p (Spearman)",
    },
    table=table,
  )


def objectives_section(
  run: data.Run,
  results: Sequence[study.ModelCounts],
  provenance: dict[str, Any],
) -> _page.Section:
  """Training objectives: tables/objectives.csv and figures/objectives.

  Args:
    run: Run folder to write into.
    results: Counts of its models.
    provenance: What `report.provenance` gave.
  """
  rows = study.objectives(results)
  table = run.tables / "objectives.csv"
  _tables.write_csv(table, rows, provenance)
  figure = _style.save(
    _objectives.objectives(
      rows, f"Training objectives compared, {_who(run)} test patients"
    ),
    run.figures / "objectives",
  )[0]
  return _page.Section(
    title="Training objectives",
    text="Pooled Dice of the test patients at the validation's threshold and"
    " at 0.5; sensitivity is the mean relative reduction at ±0.05 on the"
    " validation patients. Distances are medians over the test patients"
    " between surfaces weighted by area, scope known: HD95 is the larger of"
    " the two directed 95th percentiles, ASSD the mean over both surfaces, NSD"
    " the share of both within 2 mm of the other. A missed structure is"
    " infinitely far.",
    figure=figure,
    alt="Dice, sensitivity and surface distances by training objective",
    rows=rows,
    columns={
      "structure": "structure",
      "objective": "objective",
      "threshold": "threshold",
      "dice_optimum": "Dice",
      "dice_half": "Dice at 0.5",
      "sensitivity": "sensitivity",
      "hd95_mm": "HD95, mm",
      "assd_mm": "ASSD, mm",
      "hd95_half_mm": "HD95 at 0.5",
      "assd_half_mm": "ASSD at 0.5",
      "nsd_2mm": "NSD, 2 mm",
      "nsd_2mm_half": "NSD at 0.5",
      "missed": "missed",
    },
    table=table,
  )


def overlay_sections(
  run: data.Run, models: Sequence[pathlib.Path], *, part: str = "test"
) -> list[_page.Section]:
  """Prediction over reference, one patient per structure: figures/overlay-*.

  The patient is the one of median Dice, the slice the one that shows most of
  the reference: neither the best case nor the worst.

  Args:
    run: Run folder to write into.
    models: Folders of swept models.
    part: Whose patients are shown.
  """
  sections = []
  for folder in models:
    counts = study.ModelCounts.read(run.counts(folder))[0]
    table = counts.counts[part, _SCOPE]
    cut = thresholds.optimum(counts.counts["validation", _SCOPE])
    dice = thresholds.curve(table)[:, cut.index]
    order = dice.argsort(kind="stable")
    name = counts.patients[part][int(order[len(order) // 2])]
    maps = inference.Predictor(folder).predict_patient(run.store, name)
    reference = run.store.reference(name, counts.structure)
    k = int(reference.sum((1, 2)).argmax())
    placement = run.store.patients[name].placement
    image = placement.restore(run.store.image(name)[k : k + 1], fill=-1000)[0]
    objective = training.objective_folder(counts.objective)
    stem = f"overlay-{counts.structure}-{objective}"
    label = _labels.structure_label(counts.structure)
    figure = _style.save(
      _overlay.overlay(
        image,
        reference[k],
        maps[k],
        cut.threshold,
        f"{label}, {_who(run)} {name}, slice {k}",
        pixel_mm=run.store.patients[name].spacing[1:],
      ),
      run.figures / stem,
    )[0]
    sections.append(
      _page.Section(
        title=f"A test patient: {label}",
        text=f"Patient {name} (median Dice of the {part} patients"
        f" {float(dice[order[len(order) // 2]]):.3f}), slice {k}, model"
        f" trained on {_labels.objective_label(counts.objective)}.",
        figure=figure,
        alt=f"{label}: reference and prediction on one slice",
      )
    )
  return sections
