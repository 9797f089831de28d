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
from jaxseg.report import _labels
from jaxseg.report import _style

_MOST = 4


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
  _labels.check(
    f"figure {title!r}",
    rows,
    ("structure", "objective", "definition", "prominence", "threshold"),
  )
  if objective is None:
    named = [row["objective"] for row in rows]
    objective = "bce" if "bce" in named else named[0]
  shown = _means([row for row in rows if row["objective"] == objective])
  if not shown:
    raise errors.DataError(
      f"figure {title!r}: no finite row of objective {objective!r};"
      " choose one of the objectives in the table"
    )
  names = list(dict.fromkeys(row["definition"] for row in shown))[:_MOST]
  lines = math.ceil(len(names) / 2)
  figure = _style.new_figure(title, 0.8 + 3.7 * lines)
  grid = _panels(figure, lines, len(names))
  found = {(row["definition"], row["objective"]): row for row in correlations}
  parts = []
  for name, panel in zip(names, grid, strict=True):
    own = [row for row in shown if row["definition"] == name]
    line = _panel(panel, own, _labels.definition_label(name))
    parts.append((panel, own, line))
    panel.set_title(_statement(found.get((name, objective))))
  for panel in grid[::2]:
    said = _labels.objective_label(objective)
    panel.set_ylabel(f"optimal threshold, {said}")
  _share_limits(grid[0], shown)
  _footnote(figure, any(panel.get_xscale() == "log" for panel in grid))
  _name_points(figure, parts)
  return figure


def _panels(
  figure: mpl_figure.Figure, lines: int, count: int
) -> list[mpl_axes.Axes]:
  """Panels, two in a row."""
  grid = figure.subplots(
    lines, min(2, count), sharey=True, squeeze=False
  ).ravel()
  for panel in grid[count:]:
    panel.set_visible(False)
  return list(grid[:count])


def _means(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
  """A row per definition and structure, in order; only of finite values."""
  groups: dict[tuple[str, str], list[tuple[float, float]]] = {}
  for row in rows:
    pair = row["prominence"], row["threshold"]
    if all(_labels.is_finite(value) for value in pair):
      key = row["definition"], row["structure"]
      groups.setdefault(key, []).append(pair)
  return [
    dict(
      zip(
        ("prominence", "threshold"),
        np.mean(pairs, axis=0).tolist(),
        strict=True,
      ),
      definition=definition,
      structure=structure,
    )
    for (definition, structure), pairs in groups.items()
  ]


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
  panel.scatter(
    x,
    y,
    s=46,
    zorder=4,
    linewidths=0.9,
    edgecolors=_style.INK,
    c=[_style.structure_color(row["structure"]) for row in rows],
  )
  panel.set_xlabel(definition)
  return line


def _plain_number(value: float, _: Any) -> str:
  return f"{value:g}" if 1e-3 <= value < 1e4 else _labels.format_value(value)


def _statement(row: Mapping[str, Any] | None) -> str:
  """Correlation in words; the test's p and n beside each coefficient."""
  if row is None:
    return "no correlation computed"
  said = []
  for symbol, key in (("r", "pearson"), ("ρ", "spearman")):
    value, p = row.get(key), row.get(f"{key}_p")
    if not _labels.is_finite(value):
      said.append(f"{symbol} undefined")
      continue
    text = f"{symbol} = {value:.2f}".replace("-", "−")
    if _labels.is_finite(p):
      text += f" (p = {_labels.format_probability(p)})"
    said.append(text)
  return ",  ".join([*said, f"n = {row.get('n', '?')}"])


def _share_limits(
  panel: mpl_axes.Axes, rows: Sequence[Mapping[str, Any]]
) -> None:
  """One vertical range for all panels, a little wider than the points."""
  y = [float(row["threshold"]) for row in rows]
  margin = max(0.03, 0.12 * (max(y) - min(y)))
  panel.set_ylim(max(-0.02, min(y) - margin), min(1.02, max(y) + margin))


def _footnote(figure: mpl_figure.Figure, logarithmic: bool) -> None:
  text = "r, p: Pearson, two-sided, with its line of least squares; ρ: Spearman"
  if logarithmic:
    text += "; all of the values themselves, also where an axis is logarithmic"
  figure.supxlabel(text, size=9, color=_style.QUIET, x=0.012, ha="left")


def _name_points(
  figure: mpl_figure.Figure,
  parts: Sequence[
    tuple[mpl_axes.Axes, Sequence[Mapping[str, Any]], np.ndarray]
  ],
) -> None:
  figure.draw_without_rendering()
  figure.set_layout_engine("none")  # Names are placed where panels now are.
  for panel, rows, line in parts:
    _annotate.annotate(
      panel,
      [row["prominence"] for row in rows],
      [row["threshold"] for row in rows],
      [_labels.structure_label(row["structure"]) for row in rows],
      avoid=line,
    )
