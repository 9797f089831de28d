"""The chart of objectives: Dice, sensitivity and distances side by side."""

from collections.abc import Mapping, Sequence
import math
from typing import Any

from jaxseg.report import _charts
from jaxseg.report import _palette
from jaxseg.report import _style
from jaxseg.report import _wording

Rows = Sequence[Mapping[str, Any]]
_METRICS = (
  # Column, that at 0.5, title, format of a value, factor.
  ("dice_optimum", "dice_half", "Dice, test patients", "{:.3f}", 1),
  (
    "sensitivity_test",
    "",
    "Dice lost at ±0.05, test patients",
    "{:.2f} %",
    100,
  ),
  ("sensitivity", "", "Dice lost at ±0.05, validation", "{:.2f} %", 100),
  ("hd95_mm", "hd95_half_mm", "HD95, mm", "{:.3g} mm", 1),
  ("assd_mm", "assd_half_mm", "ASSD, mm", "{:.3g} mm", 1),
  ("nsd_2mm", "nsd_2mm_half", "NSD at 2 mm", "{:.3f}", 1),
  ("iou_optimum", "iou_half", "IoU, test patients", "{:.3f}", 1),
  (
    "volume_bias",
    "volume_bias_half",
    "volume bias, relative",
    "{:+.1f} %",
    100,
  ),
  ("calibration_error", "", "calibration error", "{:.4f}", 1),
)
_OWN, _HALF = "own threshold", "threshold 0.5"


def objectives(rows: Rows, title: str) -> _charts.Chart:
  """Dice, sensitivity and distances of each structure and objective.

  Args:
    rows: Table `objectives`; columns that no row has are left out.
    title: What it shows.
  """
  looks = _style.objective_styles([row["objective"] for row in rows])
  names = list(dict.fromkeys(row["structure"] for row in rows))[::-1]
  panels = []
  halves = False
  for column, half, label, form, factor in _METRICS:
    if not any(_charts.number(row.get(column)) for row in rows):
      continue
    if column == "sensitivity" and "sensitivity_test" in rows[0]:
      continue  # What unseen patients lose tells more.
    halves |= any(_charts.number(row.get(half)) for row in rows)
    traces = [
      _dots(rows, names, look, key, at, form, factor, place, len(looks), group)
      for place, (key, look) in enumerate(looks.items())
      for at, group in ((half, _HALF), (column, _OWN))
      if any(_charts.number(row.get(at)) for row in rows)
    ]
    suffix = {"ticksuffix": " %"} if factor == 100 else {}
    zero = (
      {}
      if column.startswith(("dice", "iou", "volume"))
      else {"rangemode": "tozero"}
    )
    missed = _charts.infinite(rows, column) + _charts.infinite(rows, half)
    panels.append(
      _charts.Panel(
        label,
        traces,
        {
          "xaxis": _charts.axis(**suffix, **zero),
          "yaxis": _charts.categories(names),
          "shapes": _charts.stripes(len(names)),
          "hovermode": "closest",
        },
        f"{label} by structure and objective; the table has the values",
        note=f"infinite, not drawn: {missed}" if missed else "",
        height=max(240, 70 + 36 * len(names)),
      )
    )
  legend = [_charts.entry(k, look, line=False) for k, look in looks.items()]
  if halves:
    quiet = _palette.QUIET
    legend += [
      _charts.Entry(_OWN, "at its own threshold", quiet, symbol="circle"),
      _charts.Entry(_HALF, "at 0.5", quiet, symbol="circle-open"),
    ]
  return _charts.Chart(title, panels, legend)


def _dots(
  rows: Rows,
  names: Sequence[str],
  look: _style.ObjectiveStyle,
  objective: str,
  column: str,
  form: str,
  factor: float,
  place: int,
  count: int,
  group: str,
) -> dict[str, Any]:
  """One objective's values of a column."""
  at = "0.5" if group == _HALF else "its own threshold"
  kept = [
    row
    for row in rows
    if row["objective"] == objective
    and _charts.number(row.get(column))
    and math.isfinite(row[column])
  ]
  return _charts.trace(
    [factor * row[column] for row in kept],
    [
      names.index(row["structure"]) + _charts.offset(place, count)
      for row in kept
    ],
    [objective, group],
    name=_charts.text(look.label),
    mode="markers",
    marker=_charts.marker(look, hollow=group == _HALF),
    text=[
      _charts.text(
        f"{_wording.structure_label(row['structure'])}, {look.label}, at {at}:"
        f" {form.format(factor * row[column])}"
      )
      for row in kept
    ],
    hovertemplate="%{text}<extra></extra>",
  )
