"""Prominence in the training set against the optimal threshold."""

from collections.abc import Mapping, Sequence
import math
from typing import Any

from matplotlib import axes as mpl_axes
from matplotlib import figure as mpl_figure
from matplotlib import ticker as mpl_ticker
import numpy as np

from jaxseg import errors
from jaxseg.report import _annotate
from jaxseg.report import _style
from jaxseg.report import _wording

_MOST = 4
_FOOTNOTE = (
  "r, p: Pearson, two-sided, with its line of least squares; ρ: Spearman"
)


@_style.style()
def prominence(
  rows: Sequence[Mapping[str, Any]],
  correlations: Sequence[Mapping[str, Any]],
  title: str,
  *,
  objective: str | None = None,
) -> mpl_figure.Figure:
  """Scatter of the optimal threshold against prominence.

  Args:
    rows: With structure, objective, definition, prominence and threshold;
      several of one structure, of other seeds for instance, are averaged.
    correlations: With definition, objective, pearson, pearson_p, spearman,
      spearman_p and n; a panel without its row says so.
    title: Stands above the figure.
    objective: The one shown; None is "bce", or the first if no row has that.

  Returns:
    Figure of up to four panels, one per definition of prominence. The axis
    is logarithmic where the prominences span more than a factor of ten;
    line and Pearson's r are of the values themselves all the same.

  Raises:
    DataError: A column is missing, or no row is of the objective.
  """
  _wording.check(
    f"figure {title!r}",
    rows,
    ("structure", "objective", "definition", "prominence", "threshold"),
  )
  if objective is None:
    named = [row["objective"] for row in rows]
    objective = "bce" if "bce" in named else named[0]
  shown = means([row for row in rows if row["objective"] == objective])
  if not shown:
    raise errors.DataError(
      f"figure {title!r}: no finite row of objective {objective!r};"
      " choose one of the objectives in the table"
    )
  names = list(dict.fromkeys(row["definition"] for row in shown))[:_MOST]
  lines = math.ceil(len(names) / 2)
  figure = _style.new_figure(title, 0.8 + 3.7 * lines)
  grid = list(
    figure.subplots(
      lines, min(2, len(names)), sharey=True, squeeze=False
    ).ravel()
  )
  while len(grid) > len(names):
    grid.pop().set_visible(False)
  found = {(row["definition"], row["objective"]): row for row in correlations}
  parts = []
  for name, panel in zip(names, grid, strict=True):
    own = [row for row in shown if row["definition"] == name]
    line = _panel(panel, own, _wording.definition_label(name))
    parts.append((panel, own, line))
    panel.set_title(statement(found.get((name, objective))))
  for panel in grid[::2]:
    said = _wording.objective_label(objective)
    panel.set_ylabel(f"optimal threshold, {said}")
  y = [row["threshold"] for row in shown]
  margin = max(0.03, 0.12 * (max(y) - min(y)))
  grid[0].set_ylim(max(-0.02, min(y) - margin), min(1.02, max(y) + margin))
  text = _FOOTNOTE
  if any(panel.get_xscale() == "log" for panel in grid):
    text += "; all of the values themselves, also where an axis is logarithmic"
  figure.supxlabel(text, size=9, color=_style.QUIET, x=0.012, ha="left")
  figure.draw_without_rendering()
  figure.set_layout_engine("none")  # Names are placed where panels now are.
  for panel, own, line in parts:
    names = [_wording.structure_label(row["structure"]) for row in own]
    x, y = ([row[k] for row in own] for k in ("prominence", "threshold"))
    _annotate.annotate(panel, x, y, names, avoid=line)
  return figure


def means(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
  """A row per definition and structure, in order; only of finite values."""
  groups: dict[tuple[str, str], list[tuple[float, float]]] = {}
  for row in rows:
    pair = row["prominence"], row["threshold"]
    if all(_wording.is_finite(value) for value in pair):
      key = row["definition"], row["structure"]
      groups.setdefault(key, []).append(pair)
  found = []
  for (definition, structure), pairs in groups.items():
    x, y = np.mean(pairs, axis=0).tolist()
    row = {"definition": definition, "structure": structure}
    found.append({**row, "prominence": x, "threshold": y})
  return found


def _panel(
  panel: mpl_axes.Axes, rows: Sequence[Mapping[str, Any]], definition: str
) -> np.ndarray:
  """Points and their line of least squares; gives the line, `[m, 2]`."""
  x = np.array([row["prominence"] for row in rows], np.float64)
  y = np.array([row["threshold"] for row in rows], np.float64)
  if x.min() > 0 and x.max() / x.min() > 10:
    panel.set_xscale("log")
    panel.xaxis.set_major_formatter(mpl_ticker.FuncFormatter(_plain_number))
    panel.xaxis.set_minor_formatter(mpl_ticker.NullFormatter())
    margin = (x.max() / x.min()) ** 0.12
    grid = np.geomspace(x.min() / margin, x.max() * margin, 200)
  else:
    margin = 0.12 * (x.max() - x.min()) or 0.1 * abs(x.max()) or 0.1
    panel.xaxis.set_major_locator(
      mpl_ticker.MaxNLocator(5, steps=[1, 2, 2.5, 5, 10])
    )
    grid = np.linspace(x.min() - margin, x.max() + margin, 200)
  panel.set_xlim(grid[0], grid[-1])
  line = np.empty((0, 2))
  if len(x) > 1 and np.ptp(x) > 0:
    # Of the values themselves: on a logarithmic axis the line is bent.
    slope, intercept = np.polyfit(x, y, 1)
    line = np.column_stack([grid, slope * grid + intercept])
    panel.plot(*line.T, color=_style.QUIET, linewidth=1.3, zorder=2)
  colors = [_style.structure_color(row["structure"]) for row in rows]
  panel.scatter(x, y, s=46, c=colors, lw=0.9, ec=_style.INK, zorder=4)
  panel.set_xlabel(definition)
  return line


def _plain_number(value: float, _: Any) -> str:
  return f"{value:g}" if 1e-3 <= value < 1e4 else _wording.format_value(value)


def statement(row: Mapping[str, Any] | None) -> str:
  """Correlation in words; the test's p and n beside each coefficient."""
  if row is None:
    return "no correlation computed"
  said = []
  for symbol, key in (("r", "pearson"), ("ρ", "spearman")):
    value, p = row.get(key), row.get(f"{key}_p")
    if not _wording.is_finite(value):
      said.append(f"{symbol} undefined")
      continue
    text = f"{symbol} = {value:z.2f}".replace("-", "−")
    if _wording.is_finite(p):
      text += f" (p = {_wording.format_probability(p)})"
    said.append(text)
  return ",  ".join([*said, f"n = {row.get('n', '?')}"])
