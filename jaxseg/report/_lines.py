"""Lines against a threshold, from the rows of `study.tables`.

A run's models give a panel per structure and a line per objective; anyone's
maps give one panel, or one per class. `_curves` draws them for paper and
`_chart_lines` for the page.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
import dataclasses
from typing import Any

import numpy as np

from jaxseg.report import _style
from jaxseg.report import _wording

Rows = Sequence[Mapping[str, Any]]
Key = tuple[str, str]
MEAN = "mean of the cases' Dice"
SURFACES = ("nsd_2mm", "hd95_mm", "assd_mm")
_MEAN_CASE, _MEDIAN_CASE = "mean of the cases", "median of the cases"
# What no two lines of a panel share, besides structure and objective.
_OTHERS = ("seed", "negatives", "level", "fold", "scope")
MAPS = {
  "": _style.ObjectiveStyle("pooled Dice", "#0072b2", "o", 6.0, "-"),
  MEAN: _style.ObjectiveStyle(MEAN, "#d55e00", "", 0.0, "--"),
  _MEAN_CASE: _style.ObjectiveStyle(_MEAN_CASE, "#0072b2", "o", 6.0, "-"),
  _MEDIAN_CASE: _style.ObjectiveStyle(_MEDIAN_CASE, "#0072b2", "o", 6.0, "-"),
}


@dataclasses.dataclass(eq=False)
class Line:
  """One line of a panel, its band, and what is marked on it.

  Attributes:
    panel: The panel's name: a structure, a class, a metric.
    look: The objective, or a key of `MAPS`.
    x: Thresholds or probabilities.
    y: Values.
    band: Interval of each value.
    mark: Threshold and value of the optimum.
    plateau: First and last threshold of the optimum's plateau.
    interval: Interval of the optimum's threshold.
    marker: Matplotlib's code of a sign at each value.
  """

  panel: str
  look: str
  x: np.ndarray
  y: np.ndarray
  band: tuple[np.ndarray, np.ndarray] | None = None
  mark: tuple[float, float] | None = None
  plateau: tuple[float, float] | None = None
  interval: tuple[float, float] | None = None
  marker: str = ""


def of_curves(rows: Rows, optima: Rows, what: str) -> list[Line]:
  """Dice against threshold: a line per model, of one seed each.

  Args:
    rows: Table `curve`.
    optima: Table `optimum`, or `sweep` of a run; each model's first row of the
      aggregate `pooled` is marked.
    what: What to call the rows in errors.

  Raises:
    DataError: There are no rows, or one lacks a column.
  """
  _wording.check(what, rows, ("threshold", "dice"))
  _wording.check(what, optima, ("threshold", "aggregate"))
  best: dict[Key, Mapping[str, Any]] = {}
  for row in optima:
    if row["aggregate"] == "pooled":
      best.setdefault(model(row), row)
  first = next(iter(best.values()))
  is_run = "objective" in first
  part = "_validation" if is_run else ""
  plateau = ("low", "high") if is_run else ("plateau_low", "plateau_high")
  lines = []
  for key, own in groups(rows):
    row = best[key]
    line = Line(
      *shown(key, best),
      column(own, "threshold"),
      column(own, "dice"),
      mark=(row["threshold"], row[f"dice{part}"]),
      plateau=(row[plateau[0]], row[plateau[1]]),
    )
    if "dice_low" in own[0]:
      line.band = column(own, "dice_low"), column(own, "dice_high")
      line.interval = row["threshold_low"], row["threshold_high"]
    lines.append(line)
  for key, own in () if is_run or first["cases"] < 2 else groups(rows):
    mean = column(own, "dice_mean_case")
    panel, _ = shown(key, best)
    lines.append(Line(panel, MEAN, column(own, "threshold"), mean))
  return lines


def of_reliability(rows: Rows, what: str) -> list[Line]:
  """Observed frequency against probability.

  Args:
    rows: Table `reliability`.
    what: What to call the rows in errors.

  Raises:
    DataError: There are no rows, or one lacks a column.
  """
  _wording.check(what, rows, ("confidence", "frequency"))
  found = dict(groups(rows))
  return [
    Line(
      *shown(key, found),
      column(own, "confidence"),
      column(own, "frequency"),
      marker="o",
    )
    for key, own in found.items()
  ]


def of_surfaces(
  rows: Rows, optima: Rows, what: str, *, only: str | None = None
) -> list[Line]:
  """Surface metrics against the threshold; infinite ones are NaN.

  Args:
    rows: Table `surfaces`.
    optima: Table `surface_optima`, marked.
    what: What to call the rows in errors.
    only: The metric shown, in a panel per structure or class; None gives all
      three of a single class of maps, a panel each.

  Raises:
    DataError: There are no rows, or one lacks a column.
  """
  columns = (only,) if only else SURFACES
  _wording.check(what, rows, ("threshold", *columns))
  best = {(*model(row), row["metric"]): row for row in reversed(optima)}
  found = dict(groups(rows))
  lines = []
  for name in columns:
    for key, own in found.items():
      y, there = column(own, name), best.get((*key, name))
      structure, objective = shown(key, found)
      if only and not objective:
        objective = _MEAN_CASE if name == "nsd_2mm" else _MEDIAN_CASE
      lines.append(
        Line(
          structure if only else _wording.heading(name),
          objective,
          column(own, "threshold"),
          np.where(np.isfinite(y), y, np.nan),
          mark=(there["threshold"], there["value"]) if there else None,
        )
      )
  return lines


def model(row: Mapping[str, Any]) -> Key:
  """Structure and objective of a row; of anyone's maps their class and ""."""
  if "structure" in row:
    return row["structure"], row.get("objective", "")
  return _wording.class_label(row), ""


def shown(key: Key, models: Collection[Key]) -> Key:
  """A panel's title and a line's look; a single class is in the title above."""
  return ("", "") if len(models) == 1 and not key[1] else key


def groups(rows: Rows) -> Iterator[tuple[Key, Rows]]:
  """Rows of each model; of several seeds or levels those of the first."""
  found: dict[Key, list[Mapping[str, Any]]] = {}
  for row in rows:
    own = found.setdefault(model(row), [])
    if not own or _others(own[0]) == _others(row):
      own.append(row)
  yield from found.items()


def same_but_seed(row: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
  """Whether rows are of models that differ by nothing but the seed."""
  return _others(row)[1:] == _others(other)[1:]


def column(rows: Rows, name: str) -> np.ndarray:
  """A column as float64."""
  return np.array([row[name] for row in rows], np.float64)


def looks(lines: Sequence[Line]) -> dict[str, _style.ObjectiveStyle]:
  """How each line's objective is drawn, in the order of the legend."""
  names = [line.look for line in lines]
  if all(name in MAPS for name in names):
    return {name: MAPS[name] for name in dict.fromkeys(names)}
  return _style.objective_styles(names)


def panel_label(name: str) -> str:
  """A panel's name for people."""
  is_class = name.startswith(("class ", "label "))
  return name if is_class else _wording.structure_label(name)


def _others(row: Mapping[str, Any]) -> list[Any]:
  return [row.get(name) for name in _OTHERS]
