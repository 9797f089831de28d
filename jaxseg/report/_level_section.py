"""Prominence as a cause: each structure's optimum at levels of negatives."""

from collections.abc import Mapping, Sequence
import pathlib
from typing import Any

from matplotlib import figure as mpl_figure
from matplotlib import patheffects as mpl_patheffects
from matplotlib import ticker as mpl_ticker

from jaxseg.report import _page
from jaxseg.report import _sections
from jaxseg.report import _style
from jaxseg.report import _wording

Rows = Sequence[Mapping[str, Any]]
_COLUMNS = {
  "structure": "structure",
  "objective": "objective",
  "negatives": "slices without it",
  "kept_fraction": "kept fraction",
  "threshold": "threshold",
  "threshold_known": "on all known slices",
  "dice_test": "Dice, test",
  "lost_half": "lost at 0.5",
}
_MARKERS = "osD^v<>P"
_OUTLINE = mpl_patheffects.withStroke(linewidth=3, foreground=_style.INK)


def levels_section(
  folder: pathlib.Path, rows: Rows, slopes: Rows, provenance: Mapping[str, Any]
) -> _page.Section:
  """Levels of negatives: tables/level*.csv and figures/levels.

  Args:
    folder: Run folder to write into.
    rows: What `study.levels` gave.
    slopes: What `study.level_slopes` gave; its table is left out if empty.
    provenance: What `report.provenance` gave.
  """
  who = (
    f"{provenance['cohort']}{' (synthetic)' * bool(provenance['synthetic'])}"
  )
  tables = {"levels": rows, **({"level_slopes": slopes} if slopes else {})}
  said = [
    f" {_wording.structure_label(str(row['statement']).split(', ')[-1])}"
    f" {_said(row, 'value')} ({_said(row, 'low')} to {_said(row, 'high')}),"
    f" {row['verdict']}"
    for row in slopes
  ]
  return _sections.written(
    folder,
    provenance,
    tables,
    {
      "levels": (
        levels(rows, f"Optimal threshold by level of negatives, {who}"),
        "Optimal threshold against the share of foreground in training",
      )
    },
    title="Prominence as a cause",
    text="The same organ, trained with fewer or more slices that do not show"
    " it. Thresholds are chosen on the validation patients, on as many such"
    " slices as in training; beside it on all of them."
    + (
      " Slope of the threshold on ln(kept fraction), with 95 % intervals over"
      " patients and seeds:" + ";".join(said) + "."
      if said
      else ""
    ),
    rows=rows,
    columns=_COLUMNS,
  )


@_style.style()
def levels(rows: Rows, title: str) -> mpl_figure.Figure:
  """Optimal threshold against kept fraction, a line for each structure.

  Args:
    rows: What `study.levels` gave; of several objectives the first is drawn.
    title: Stands above the figure.
  """
  names = [row["objective"] for row in rows]
  objective = "bce" if "bce" in names else names[0]
  figure = _style.new_figure(title, 4.2)
  panel = figure.subplots()
  lines: dict[str, list[tuple[float, float]]] = {}
  for row in rows:
    if row["objective"] == objective:
      point = row["kept_fraction"], row["threshold"]
      lines.setdefault(row["structure"], []).append(point)
  handles = []
  for number, (structure, points) in enumerate(lines.items()):
    look: dict[str, Any] = {
      "color": _style.structure_color(structure),
      "marker": _MARKERS[number % len(_MARKERS)],
      "markeredgecolor": _style.INK,
      "path_effects": [_OUTLINE],  # Some structures' colours are pale.
    }
    x, y = zip(*sorted(points), strict=True)
    panel.plot(x, y, **look)
    handles.append(_style.handle(_wording.structure_label(structure), **look))
  panel.set_xscale("log")
  # Levels seldom span a decade, whose ends alone are labelled by default.
  panel.xaxis.set_major_locator(mpl_ticker.LogLocator(subs=(1, 2, 5)))
  panel.xaxis.set_major_formatter(mpl_ticker.FuncFormatter(_number))
  panel.xaxis.set_minor_formatter(mpl_ticker.NullFormatter())
  highest = max(y for points in lines.values() for _, y in points)
  panel.set_ylim(0, min(1, max(0.25, 1.2 * highest)))
  panel.set_xlabel("share of foreground in the pixels shown in training")
  label = _wording.objective_label(objective)
  panel.set_ylabel(f"optimal threshold, {label}")
  _style.add_legend(figure, handles)
  return figure


def _said(row: Mapping[str, Any], name: str) -> str:
  return f"{row[name]:z.3f}".replace("-", "−")


def _number(value: float, _: Any) -> str:
  return f"{value:g}"
