"""Each analysis as its tables, its figures and its part of the page.

Nothing is computed here: rows come from `jaxseg.study`.
"""

from collections.abc import Mapping, Sequence
import math
import pathlib
from typing import Any

from matplotlib import figure as mpl_figure

from jaxseg import study
from jaxseg.report import _cause_curves
from jaxseg.report import _chart_lines
from jaxseg.report import _chart_objectives
from jaxseg.report import _chart_prominence
from jaxseg.report import _chart_sensitivity
from jaxseg.report import _columns
from jaxseg.report import _curves
from jaxseg.report import _levels
from jaxseg.report import _objectives
from jaxseg.report import _overlay
from jaxseg.report import _page
from jaxseg.report import _paragraphs
from jaxseg.report import _prominence
from jaxseg.report import _sensitivity
from jaxseg.report import _style
from jaxseg.report import _tables
from jaxseg.report import _wording

Rows = Sequence[Mapping[str, Any]]
# What `report.provenance` gave.
Origin = Mapping[str, Any]

# Of a run the first two; of a single class of maps all in one figure.
_SURFACES_SHOWN: tuple[str | None, ...] = ("nsd_2mm", "hd95_mm", "assd_mm")
_SHIFTS = (0.01, 0.02, 0.05, 0.1, 0.2)
_MEDIANS = ("median_reduction", "median_reduction_test")


def sweep_sections(
  folder: pathlib.Path, tables: Mapping[str, Rows], provenance: Origin
) -> list[_page.Section]:
  """A sweep's tables and figures: the curves, calibration, surfaces.

  Args:
    folder: Gets tables/*.csv and figures/*.
    tables: What `study.tables` gave, of a run's models or of anyone's maps.
    provenance: What `report.provenance` gave.
  """
  run = "sweep" in tables
  kind = "sweep" if run else "optimum"
  optima = tables[kind]
  who = _columns.MODEL if run else _classes(optima)
  assigned = {"dice_argmax": "by argmax"} if "dice_argmax" in optima[0] else {}
  maps = _wording.maps_said(optima)
  chosen, tested = (
    f"{_who(provenance)} {part} patients" if run else maps
    for part in ("validation", "test")
  )
  rule = _wording.choice_label(optima[0].get("criterion", "dice"))
  intervals = [
    _paragraphs.INTERVALS.format(
      **{**row, "level": f"{100 * row['level']:g} %"}
    )
    for row in optima
    if "level" in row
  ]
  said = f"Dice against threshold, {chosen}"
  drawn = _curves.curves(tables["curve"], optima, said)
  found = [
    written(
      folder,
      provenance,
      {name: tables[name] for name in (kind, "curve", "cases")},
      {"curves" if run else "curve": (drawn, "Dice against threshold")},
      charts=[_chart_lines.curves(tables["curve"], optima, said)],
      title="Dice against threshold",
      text=(
        _paragraphs.CHOICE_RUN
        if run
        else _paragraphs.CHOICE_MAPS.format(rule=rule)
      )
      + "".join(intervals[:1])
      + (_paragraphs.SCOPES if run else ""),
      rows=_tables.with_intervals(_main(optima) if run else optima),
      columns=_columns.COLUMNS[kind]
      if run
      else who | _of_optimum(optima) | assigned,
    )
  ]
  said = f"Calibration, {tested}"
  drawn = _curves.reliability(tables["reliability"], said)
  fitted = " The temperature is fitted on the validation patients."
  found.append(
    written(
      folder,
      provenance,
      {name: tables[name] for name in ("calibration", "reliability")},
      {"reliability": (drawn, "Share in the reference against probability")},
      charts=[_chart_lines.reliability(tables["reliability"], said)],
      title="Calibration",
      text=_paragraphs.CALIBRATION + (fitted if run else ""),
      rows=_levels.own(tables["calibration"]),
      columns=who | _columns.COLUMNS["calibration"],
    )
  )
  if "surfaces" not in tables:
    return found
  rows, best = tables["surfaces"], tables["surface_optima"]
  figures, charts = {}, []
  shown = _SURFACES_SHOWN[:2] if run else (None,)
  if len({_wording.class_label(row) for row in best}) > 1:
    shown = _SURFACES_SHOWN
  for column in shown:
    said = _wording.heading(column) if column else "Surfaces"
    said = f"{said} against threshold"
    title = f"{said}, {tested}"
    drawn = _curves.surfaces(rows, best, title, column=column)
    figures[f"surfaces-{column}" if column else "surfaces"] = (drawn, said)
    charts.append(_chart_lines.surfaces(rows, best, title, column=column))
  found.append(
    written(
      folder,
      provenance,
      {"surfaces": rows, "surface_optima": best},
      figures,
      charts=charts,
      title="Surfaces against threshold",
      text=_paragraphs.SURFACES,
      rows=_levels.own(best),
      columns=who | _columns.COLUMNS["surfaces"],
    )
  )
  return found


def _classes(rows: Rows) -> dict[str, str]:
  """Columns of class and label; one where both have the same names."""
  if all(row.get("class") == row.get("label") for row in rows):
    return {"class": "class, label"} if "class" in rows[0] else {}
  return {name: name for name in ("class", "label") if name in rows[0]}


def _of_optimum(optima: Rows) -> dict[str, str]:
  """Columns of the optimum, without those that say the same twice."""
  columns = dict(_columns.COLUMNS["optimum"])
  if all(row["criterion"] == "dice" for row in optima):
    del columns["criterion"], columns["dice"]
    columns["value"] = "Dice"
  return columns


def sensitivity_section(
  folder: pathlib.Path, rows: Rows, medians: Rows, provenance: Origin
) -> _page.Section:
  """Cost of a wrong threshold: tables/sensitivity*.csv, figures/sensitivity.

  Args:
    folder: Run folder to write into.
    rows: What `study.sensitivity` gave.
    medians: What `study.sensitivity_medians` gave.
    provenance: What `report.provenance` gave.
  """
  title = f"Dice lost by a wrong threshold, {_who(provenance)} validation"
  drawn = _sensitivity.sensitivity(_main(rows), title)
  shown = [row for row in _main(medians) if row["perturbation"] in _SHIFTS]
  columns = dict(_columns.COLUMNS["sensitivity"])
  if not any("median_reduction_low" in row for row in shown):
    for name in _MEDIANS:
      del columns[f"{name}_interval"]
  return written(
    folder,
    provenance,
    {"sensitivity_medians": medians, "sensitivity": rows},
    {"sensitivity": (drawn, "Relative Dice reduction by structure and shift")},
    charts=[_chart_sensitivity.sensitivity(_main(rows), title)],
    title="Sensitivity to the threshold",
    text=_paragraphs.SENSITIVITY + _never_learnt(_main(rows)),
    rows=[_percents(row) for row in shown],
    columns=columns,
  )


def _never_learnt(rows: Rows) -> str:
  """Which models learnt nothing, though the medians have them; "" if none."""
  named = dict.fromkeys(
    f"{_wording.structure_label(row['structure'])}"
    f" ({_wording.objective_label(row['objective'])}, seed {row['seed']})"
    for row in rows
    if row["dice"] < _cause_curves.STUCK and row["aggregate"] == "pooled"
  )
  if not named:
    return ""
  return (
    " Learnt nothing (validation Dice below 0.1 at every threshold), and are in"
    f" these medians all the same: {', '.join(named)}."
  )


def _percents(row: Mapping[str, Any]) -> dict[str, Any]:
  """A row of medians with percentages, and intervals where it has them."""
  found = dict(row)
  for name in _MEDIANS:
    found[name] = _wording.percent(row[name])
    ends = [row.get(f"{name}_{end}", math.nan) for end in ("low", "high")]
    if all(map(math.isfinite, ends)):
      low, high = map(_wording.percent, ends)
      found[f"{name}_interval"] = f"{low} to {high}"
  return found


def prominence_section(
  folder: pathlib.Path, rows: Rows, correlations: Rows, provenance: Origin
) -> _page.Section:
  """Optimum and prominence: tables/{prominence,correlations}, a figure.

  Args:
    folder: Run folder to write into.
    rows: What `study.prominence` gave.
    correlations: What `study.correlations` gave.
    provenance: What `report.provenance` gave.
  """
  names = [row["objective"] for row in rows]
  objective = "bce" if "bce" in names else names[0]
  shown = ("kept_fraction", "volume_fraction", "volume_ml", "achieved_dice")
  title = f"Optimal threshold and prominence in training, {_who(provenance)}"
  drawn = _prominence.prominence(
    [row for row in _main(rows) if row["definition"] in shown],
    _main(correlations),
    f"{title} {_wording.objective_label(objective)}",
    objective=objective,
  )
  chart = _chart_prominence.prominence(
    _main(rows), _main(correlations), title[:-1], objective=objective
  )
  meanings = "; ".join(f"`{k}`: {v}" for k, v in study.DEFINITIONS.items())
  return written(
    folder,
    provenance,
    {"correlations": correlations, "prominence": rows},
    {"prominence": (drawn, "Optimal threshold against prominence")},
    charts=[chart],
    title="Optimal threshold and prominence",
    text="The paper reports r = 0.92 and does not print its formula for"
    f" prominence, so several are computed: {meanings}. Intervals are of 95 %,"
    " by Fisher's z, over structures; p (Holm) is corrected for the number of"
    " definitions tried; `given Dice` is the partial correlation with the"
    " achieved Dice held fixed." + _confounded(_main(rows)),
    rows=_tables.with_intervals(_main(correlations)),
    columns=_columns.COLUMNS["prominence"],
  )


def _confounded(rows: Rows) -> str:
  """Names organs that had no slices without them, where others had."""
  shown = {row["structure"]: row.get("shown_negatives") for row in rows}
  bare = [name for name, value in shown.items() if value == 0]
  if not bare or len(bare) == len(shown):
    return ""
  names = ", ".join(map(_wording.structure_label, bare))
  return (
    f" Confounded: {names} continue beyond their contours, so unlike the others"
    " they had no slices without them in training and scores; the column"
    " pearson_others of the table leaves them out."
  )


def objectives_section(
  folder: pathlib.Path, rows: Rows, provenance: Origin
) -> _page.Section:
  """Training objectives: tables/objectives.csv and figures/objectives.

  Args:
    folder: Run folder to write into.
    rows: What `study.objectives` gave.
    provenance: What `report.provenance` gave.
  """
  title = f"Training objectives compared, {_who(provenance)} test patients"
  drawn = _objectives.objectives(_levels.own(rows), title)
  return written(
    folder,
    provenance,
    {"objectives": rows},
    {"objectives": (drawn, "Dice, sensitivity and distances by objective")},
    charts=[_chart_objectives.objectives(rows, title)],
    title="Training objectives",
    text=_paragraphs.OBJECTIVES,
    rows=_levels.own(rows),
    columns=_columns.COLUMNS["objectives"],
  )


def example_sections(
  folder: pathlib.Path, examples: Sequence[study.Example], provenance: Origin
) -> list[_page.Section]:
  """Predictions over references, a patient each: figures/overlay-*.

  Args:
    folder: Run folder to write into.
    examples: What `study.examples` gave.
    provenance: What `report.provenance` gave.
  """
  sections = []
  for one in examples:
    label = _wording.structure_label(one.structure)
    stem = f"overlay-{one.structure}-{one.objective.replace(':', '.')}"
    drawn = _overlay.overlay(
      one.image_hu,
      one.reference,
      one.probability,
      one.threshold,
      f"{label}, {_who(provenance)} {one.patient}, slice {one.slice}",
      pixel_mm=one.pixel_mm,
    )
    sections.append(
      written(
        folder,
        provenance,
        {},
        {stem: (drawn, f"{label}: reference and prediction on one slice")},
        title=f"A test patient: {label}",
        text=f"Patient {one.patient} (Dice {one.dice:.3f}, the median of the"
        f" test patients), slice {one.slice}; the model was trained on"
        f" {_wording.objective_label(one.objective)}.",
      )
    )
  return sections


def written(
  folder: pathlib.Path,
  provenance: Origin,
  tables: Mapping[str, Rows],
  figures: Mapping[str, tuple[mpl_figure.Figure, str]],
  **section: Any,
) -> _page.Section:
  """A section whose tables and figures are in the folder."""
  paths = []
  for name, rows in tables.items():
    paths.append(folder / "tables" / f"{name}.csv")
    _tables.write_csv(paths[-1], rows, provenance)
  shown = {
    _style.save(figure, folder / "figures" / stem)[0]: alt
    for stem, (figure, alt) in figures.items()
  }
  columns = section.get("columns", {})
  if len({row.get("seed") for row in section.get("rows", ())}) > 1:
    # Behind structure and objective, which else look the same twice.
    section["columns"] = {
      **{k: v for k, v in columns.items() if k in _columns.MODEL},
      "seed": "seed",
      **columns,
    }
  return _page.Section(tables=paths, figures=shown, **section)


def _who(provenance: Origin) -> str:
  synthetic = " (synthetic)" if provenance.get("synthetic") else ""
  return f"{provenance['cohort']}{synthetic},"


def _main(rows: Rows) -> list[Mapping[str, Any]]:
  """The paper has one Dice per data set, and scores where the organ is."""
  wanted = ("known", "pooled")
  return _levels.own(
    [row for row in rows if (row["scope"], row["aggregate"]) == wanted]
  )
