"""Each analysis as its tables, its figures and its part of the page.

Nothing is computed here: rows come from `jaxseg.study`.
"""

from collections.abc import Mapping, Sequence
import pathlib
from typing import Any

from jaxseg import study
from jaxseg.report import _curves
from jaxseg.report import _labels
from jaxseg.report import _objectives
from jaxseg.report import _overlay
from jaxseg.report import _page
from jaxseg.report import _prominence
from jaxseg.report import _sensitivity
from jaxseg.report import _style
from jaxseg.report import _tables

Rows = Sequence[Mapping[str, Any]]

_SCOPES_TEXT = (
  "Scope `known`: slices where the reference can be believed. Spinal cord,"
  " oesophagus and neck continue beyond the range that was contoured, so their"
  " slices beyond it are left out of training and scores; of all other organs"
  " every scanned slice counts. Scope `volume` (in the table file) counts every"
  " scanned slice as if nothing lay beyond the contours. Pooled: one Dice from"
  " the summed voxels of all patients; mean_case: the mean of the patients'"
  " Dice."
)
_INTERVALS = (
  " Intervals hold {level:.0%} of {resamples} resamples of the patients; with"
  " fewer than 10 patients they are too narrow."
)
_CHOICE_RUN = (
  "The threshold is chosen where the pooled Dice of the validation patients is"
  " highest, in the middle of that plateau, and then scored on the test"
  " patients, beside 0.5. `left out`: the Dice of the validation patients, each"
  " cut at the threshold chosen without it."
)
_CHOICE_MAPS = (
  "The threshold is where the criterion of all cases is highest, in the middle"
  " of that plateau: chosen and scored on the same cases. `left out` is the"
  " honest value: each case is cut at the threshold chosen without it. Pooled:"
  " one value from the summed voxels of all cases; mean_case: the mean of the"
  " cases' values."
)
_CALIBRATION = (
  "Do probabilities match observed frequencies? The calibration error is the"
  " mean difference of the two, weighted by voxels. Of calibrated maps the best"
  " threshold is half of the best Dice, and it could be told from the maps"
  " alone: this expected threshold, of the maps as they are and after"
  " calibration by a fitted temperature, stands beside the empirical one."
)
_SURFACES = (
  "Surface metrics of the cases at each threshold, and the best threshold of"
  " each, chosen and scored on the same cases. Distances are medians over the"
  " cases, NSD is the mean share of both surfaces within 2 mm of the other; a"
  " missed structure is infinitely far."
)
_MODEL = {"structure": "structure", "objective": "objective"}
_SWEEP = {
  **_MODEL,
  "threshold": "threshold",
  "threshold_interval": "interval",
  "dice_validation": "Dice, validation",
  "left_out_value": "left out",
  "dice_test": "Dice, test",
  "dice_test_interval": "interval",
  "dice_test_half": "Dice, test, at 0.5",
  "missed": "missed",
}
_OPTIMUM = {
  "criterion": "criterion",
  "aggregate": "aggregate",
  "threshold": "threshold",
  "threshold_interval": "interval",
  "value": "value",
  "value_interval": "interval",
  "left_out_value": "left out",
  "dice": "Dice",
  "dice_half": "Dice at 0.5",
}
_CALIBRATION_COLUMNS = {
  "expected_calibration_error": "calibration error",
  "temperature": "temperature",
  "expected_calibration_error_calibrated": "error, calibrated",
  "empirical_threshold": "best threshold",
  "half_of_best_dice": "half of best Dice",
  "expected_threshold": "expected threshold",
  "expected_threshold_calibrated": "expected, calibrated",
}
_SURFACE_COLUMNS = {
  "metric": "metric",
  "threshold": "best threshold",
  "value": "value there",
}


def sweep_sections(
  folder: pathlib.Path,
  tables: Mapping[str, Rows],
  provenance: Mapping[str, Any],
) -> list[_page.Section]:
  """A sweep's tables and figures: the curves, calibration, surfaces.

  Args:
    folder: Gets tables/*.csv and figures/*.
    tables: What `study.tables` gave, of a run's models or of anyone's maps.
    provenance: What `report.provenance` gave.
  """
  paths = {
    name: _tables.write_csv(folder / "tables" / f"{name}.csv", rows, provenance)
    for name, rows in tables.items()
  }
  run = "sweep" in tables
  optima = tables["sweep" if run else "optimum"]
  chosen = f"{_who(provenance)} validation patients" if run else _count(optima)
  tested = f"{_who(provenance)} test patients" if run else _count(optima)
  figures = folder / "figures"
  curve = _style.save(
    _curves.curves(
      tables["curve"], optima, f"Dice against threshold, {chosen}"
    ),
    figures / ("curves" if run else "curve"),
  )[0]
  some = [row for row in optima if "level" in row][:1]
  intervals = "".join(_INTERVALS.format(**row) for row in some)
  found = [
    _page.Section(
      title="Dice against threshold",
      text=(_CHOICE_RUN if run else _CHOICE_MAPS)
      + intervals
      + (f"\n\n{_SCOPES_TEXT}" if run else ""),
      figures={curve: "Dice against threshold"},
      rows=_with_intervals(_main(optima) if run else optima),
      columns=_SWEEP if run else _OPTIMUM,
      tables=[
        paths[name] for name in ("sweep", "optimum", "curve", "cases")
        if name in paths
      ],
    )
  ]  # fmt: skip
  figure = _style.save(
    _curves.reliability(tables["reliability"], f"Calibration, {tested}"),
    figures / "reliability",
  )[0]
  found.append(
    _page.Section(
      title="Calibration",
      text=_CALIBRATION
      + (
        " The temperature is fitted on the validation patients." if run else ""
      ),
      figures={figure: "Share in the reference against probability"},
      rows=tables["calibration"],
      columns=(_MODEL if run else {}) | _CALIBRATION_COLUMNS,
      tables=[paths["calibration"], paths["reliability"]],
    )
  )
  if "surfaces" not in tables:
    return found
  shown: dict[pathlib.Path, str] = {}
  for column in ("nsd_2mm", "hd95_mm") if run else (None,):
    name = f"surfaces-{column}" if column else "surfaces"
    said = _labels.heading(column) if column else "Surfaces"
    drawn = _curves.surfaces(
      tables["surfaces"], tables["surface_optima"],
      f"{said} against threshold, {tested}", column=column,
    )  # fmt: skip
    shown[_style.save(drawn, figures / name)[0]] = f"{said} against threshold"
  found.append(
    _page.Section(
      title="Surfaces against threshold",
      text=_SURFACES,
      figures=shown,
      rows=tables["surface_optima"],
      columns=(_MODEL if run else {}) | _SURFACE_COLUMNS,
      tables=[paths["surfaces"], paths["surface_optima"]],
    )
  )
  return found


def sensitivity_section(
  folder: pathlib.Path, rows: Rows, medians: Rows, provenance: Mapping[str, Any]
) -> _page.Section:
  """Cost of a wrong threshold: tables/sensitivity*.csv, figures/sensitivity.

  Args:
    folder: Run folder to write into.
    rows: What `study.sensitivity` gave.
    medians: What `study.sensitivity_medians` gave.
    provenance: What `report.provenance` gave.
  """
  every = _tables.write_csv(
    folder / "tables" / "sensitivity.csv", rows, provenance
  )
  table = _tables.write_csv(
    folder / "tables" / "sensitivity_medians.csv", medians, provenance
  )
  figure = _style.save(
    _sensitivity.sensitivity(
      _main(rows),
      f"Dice lost by a wrong threshold, {_who(provenance)} validation",
    ),
    folder / "figures" / "sensitivity",
  )[0]
  percent = ("median_reduction", "median_reduction_test")
  return _page.Section(
    title="Sensitivity to the threshold",
    text="Relative Dice reduction when the threshold is moved from its"
    " optimum, on the validation patients as in the paper; the table's last"
    " column is the same about the same threshold on the test patients. Medians"
    " over structures and both directions.",
    figures={
      figure: "Relative Dice reduction per structure and by size of the shift"
    },
    rows=[
      {**row, **{name: f"{100 * row[name]:.2f} %" for name in percent}}
      for row in _main(medians)
      if row["perturbation"] in (0.01, 0.02, 0.05, 0.1, 0.2)
    ],
    columns={
      "objective": "objective",
      "perturbation": "shift ±",
      "structures": "structures",
      "median_reduction": "median reduction",
      "median_reduction_test": "same, test",
    },
    tables=[table, every],
  )


def prominence_section(
  folder: pathlib.Path,
  rows: Rows,
  correlations: Rows,
  provenance: Mapping[str, Any],
) -> _page.Section:
  """Optimum and prominence: tables/{prominence,correlations}, a figure.

  Args:
    folder: Run folder to write into.
    rows: What `study.prominence` gave.
    correlations: What `study.correlations` gave.
    provenance: What `report.provenance` gave.
  """
  every = _tables.write_csv(
    folder / "tables" / "prominence.csv", rows, provenance
  )
  table = _tables.write_csv(
    folder / "tables" / "correlations.csv", correlations, provenance
  )
  named = [row["objective"] for row in rows]
  objective = "bce" if "bce" in named else named[0]
  shown = ("kept_fraction", "volume_fraction", "volume_ml", "achieved_dice")
  figure = _style.save(
    _prominence.prominence(
      [row for row in _main(rows) if row["definition"] in shown],
      _main(correlations),
      "Optimal threshold and prominence in training,"
      f" {_who(provenance)} {_labels.objective_label(objective)}",
      objective=objective,
    ),
    folder / "figures" / "prominence",
  )[0]
  meanings = "; ".join(f"`{k}`: {v}" for k, v in study.DEFINITIONS.items())
  return _page.Section(
    title="Optimal threshold and prominence",
    text="The paper reports r = 0.92 and does not print its formula for"
    f" prominence, so several are computed: {meanings}.",
    figures={
      figure: "Optimal threshold against prominence, a panel per definition"
    },
    rows=_main(correlations),
    columns={
      "definition": "definition",
      "objective": "objective",
      "n": "structures",
      "pearson": "Pearson r",
      "pearson_p": "p",
      "spearman": "Spearman ρ",
      "spearman_p": "p (Spearman)",
    },
    tables=[table, every],
  )


def objectives_section(
  folder: pathlib.Path, rows: Rows, provenance: Mapping[str, Any]
) -> _page.Section:
  """Training objectives: tables/objectives.csv and figures/objectives.

  Args:
    folder: Run folder to write into.
    rows: What `study.objectives` gave.
    provenance: What `report.provenance` gave.
  """
  table = _tables.write_csv(
    folder / "tables" / "objectives.csv", rows, provenance
  )
  figure = _style.save(
    _objectives.objectives(
      rows, f"Training objectives compared, {_who(provenance)} test patients"
    ),
    folder / "figures" / "objectives",
  )[0]
  return _page.Section(
    title="Training objectives",
    text="Pooled Dice of the test patients at the threshold chosen on the"
    " validation patients, and at 0.5; sensitivity is the mean relative"
    " reduction at ±0.05 on the validation patients. Distances are medians over"
    " the test patients between surfaces weighted by area, scope `known`: HD95"
    " is the larger of the two directed 95th percentiles, ASSD the mean over"
    " both surfaces, NSD the share of both within 2 mm of the other. A missed"
    " structure is infinitely far.",
    figures={
      figure: "Dice, sensitivity and surface distances by training objective"
    },
    rows=rows,
    columns={
      **_MODEL,
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
    tables=[table],
  )


def example_sections(
  folder: pathlib.Path,
  examples: Sequence[study.Example],
  provenance: Mapping[str, Any],
) -> list[_page.Section]:
  """Predictions over references, a patient each: figures/overlay-*.

  Args:
    folder: Run folder to write into.
    examples: What `study.examples` gave.
    provenance: What `report.provenance` gave.
  """
  sections = []
  for one in examples:
    label = _labels.structure_label(one.structure)
    stem = f"overlay-{one.structure}-{one.objective.replace(':', '.')}"
    figure = _style.save(
      _overlay.overlay(
        one.image_hu,
        one.reference,
        one.probability,
        one.threshold,
        f"{label}, {_who(provenance)} {one.patient}, slice {one.slice}",
        pixel_mm=one.pixel_mm,
      ),
      folder / "figures" / stem,
    )[0]
    sections.append(
      _page.Section(
        title=f"A test patient: {label}",
        text=f"Patient {one.patient} (Dice {one.dice:.3f}, the median of the"
        f" test patients), slice {one.slice}; the model was trained on"
        f" {_labels.objective_label(one.objective)}.",
        figures={figure: f"{label}: reference and prediction on one slice"},
      )
    )
  return sections


def _with_intervals(rows: Rows) -> list[dict[str, Any]]:
  """Rows with each pair of limits as one text."""
  names = ("threshold", "value", "dice_test")
  return [
    {
      **row,
      **{
        f"{name}_interval": f"{row[f'{name}_low']:.3f} to"
        f" {row[f'{name}_high']:.3f}"
        for name in names
        if f"{name}_low" in row
      },
    }
    for row in rows
  ]


def _who(provenance: Mapping[str, Any]) -> str:
  synthetic = " (synthetic)" if provenance.get("synthetic") else ""
  return f"{provenance['cohort']}{synthetic},"


def _count(optima: Rows) -> str:
  number = optima[0]["cases"]
  return f"{number} case{'s' if number != 1 else ''}"


def _main(rows: Rows) -> list[Mapping[str, Any]]:
  """The paper has one Dice per data set, and scores where the organ is."""
  return [
    row
    for row in rows
    if (row["scope"], row["aggregate"]) == ("known", "pooled")
  ]
