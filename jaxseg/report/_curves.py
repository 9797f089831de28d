"""Lines against a threshold, in small multiples: Dice, surfaces, calibration.

Drawn from the rows of `study.tables`, by way of `_lines`.
"""

from collections.abc import Mapping, Sequence
import math
from typing import Any

from matplotlib import axes as mpl_axes
from matplotlib import figure as mpl_figure
from matplotlib import ticker as mpl_ticker
import numpy as np

from jaxseg.report import _lines
from jaxseg.report import _palette
from jaxseg.report import _style
from jaxseg.report import _wording

Rows = Sequence[Mapping[str, Any]]


@_style.style()
def curves(rows: Rows, optima: Rows, title: str) -> mpl_figure.Figure:
  """Dice against threshold with its intervals.

  Args:
    rows: Table `curve`.
    optima: Table `optimum`, or `sweep` of a run; each model's first row of the
      aggregate `pooled` is marked.
    title: Stands above the figure.

  Returns:
    Figure: a dot is the optimum, the thick part its plateau, the thin line
    through it the interval of the threshold, the band that of Dice.

  Raises:
    DataError: There are no rows, or one lacks a column.
  """
  lines = _lines.of_curves(rows, optima, f"figure {title!r}")
  first = next(row for row in optima if row["aggregate"] == "pooled")
  is_run = "objective" in first
  label = "Dice, validation" if is_run else "Dice"
  figure = _multiples(lines, title, "threshold", label)
  if len({_lines.model(row) for row in rows}) == 1:
    _write_threshold(figure.axes[0], lines[0])
  found = next((r for r in optima if "level" in r), first)
  _add_legend(figure, lines, found)
  return figure


@_style.style()
def reliability(rows: Rows, title: str) -> mpl_figure.Figure:
  """Observed frequency against probability, beside what calibration asks.

  Args:
    rows: Table `reliability`.
    title: Stands above the figure.

  Returns:
    Figure; of anyone's maps it has the voxels of each bin below.

  Raises:
    DataError: There are no rows, or one lacks a column.
  """
  lines = _lines.of_reliability(rows, f"figure {title!r}")
  labels = "mean probability", "share in the reference"
  if "objective" in rows[0] or len(lines) > 1:
    figure = _multiples(lines, title, *labels, diagonal=True)
    named = lines if "objective" in rows[0] else []
    _add_legend(figure, named, {}, "calibrated")
    return figure
  figure = _style.new_figure(title, 3.8)
  panel, below = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
  dress(panel, "", diagonal=True)
  _draw(panel, lines[0], _lines.MAPS[""])
  panel.set_ylabel(labels[1])
  low, high = _lines.column(rows, "low"), _lines.column(rows, "high")
  look: dict[str, Any] = {"align": "edge", "color": _lines.MAPS[""].color}
  below.bar(low, _lines.column(rows, "voxels"), 0.9 * (high - low), **look)
  below.set_yscale("log")
  below.yaxis.set_major_formatter(mpl_ticker.StrMethodFormatter("{x:,.0f}"))
  below.yaxis.set_minor_formatter(mpl_ticker.NullFormatter())
  below.set(xlabel="probability", ylabel="voxels")
  return figure


@_style.style()
def surfaces(
  rows: Rows, optima: Rows, title: str, *, column: str | None = None
) -> mpl_figure.Figure:
  """Surface metrics against the threshold.

  Args:
    rows: Table `surfaces`.
    optima: Table `surface_optima`, marked by dots.
    title: Stands above the figure.
    column: The metric shown, in a panel per structure or class; None shows all
      three of a single class of maps, a panel each.

  Returns:
    Figure; distances are on a logarithmic axis, linear below 1 mm.

  Raises:
    DataError: There are no rows, or one lacks a column.
  """
  what = f"figure {title!r}"
  lines = _lines.of_surfaces(rows, optima, what, only=column)
  label = _wording.heading(column) if column else ""
  figure = _multiples(lines, title, "threshold", label, sharey=bool(column))
  distances = figure.axes if column else figure.axes[1:]
  for panel in distances if column != "nsd_2mm" else ():
    # Towards both ends distances are those of the whole image.
    panel.set_yscale("symlog", linthresh=1, linscale=0.4)
    panel.yaxis.set_major_formatter(mpl_ticker.FormatStrFormatter("%g"))
    panel.set_ylim(0, 1.3 * max(np.nanmax([1.0, *one.y]) for one in lines))
  if column:
    _add_legend(figure, lines, {})
  return figure


def _multiples(
  lines: Sequence[_lines.Line],
  title: str,
  xlabel: str,
  ylabel: str,
  *,
  diagonal: bool = False,
  sharey: bool = True,
) -> mpl_figure.Figure:
  """A panel per name with its lines."""
  names = list(dict.fromkeys(line.panel for line in lines))
  across = columns(len(names))
  rows = math.ceil(len(names) / across)
  figure = _style.new_figure(title, 1.0 + (3.4 if across < 3 else 2.3) * rows)
  grid = figure.subplots(
    rows, across, sharex=True, sharey=sharey, squeeze=False
  )
  panels = dict(zip(names, grid.ravel(), strict=False))
  wide = {1: 90, 2: 50, 3: 34, 4: 25}.get(across, 19)
  for name, panel in panels.items():
    said = "\n".join(_style.wrap(_lines.panel_label(name), wide))
    dress(panel, said, diagonal=diagonal)
  for panel in grid.ravel()[len(names) :]:
    panel.set_visible(False)
  # The lowest panel of each column, in a ragged grid too.
  for panel in grid.ravel()[max(0, len(names) - across) : len(names)]:
    panel.xaxis.set_tick_params(labelbottom=True)
    panel.set_xlabel(xlabel)
  for panel in grid[:, 0]:
    panel.set_ylabel(ylabel)
  looks = _lines.looks(lines)
  order = list(looks)
  for line in sorted(lines, key=lambda line: order.index(line.look)):
    _draw(panels[line.panel], line, looks[line.look])
  return figure


def columns(count: int) -> int:
  """Columns of the grid: at most five, with few places left over."""
  if count <= 4:
    return count
  return min(range(5, 2, -1), key=lambda c: (-count % c > 1, -c))


def dress(panel: mpl_axes.Axes, title: str, *, diagonal: bool) -> None:
  """Gives a panel its title, axes from 0 to 1, and a line to compare with."""
  panel.set_title(title)
  panel.set(xlim=(-0.02, 1.02), ylim=(0.0, 1.03))
  panel.set_xticks([0.0, 0.5, 1.0], ["0", "0.5", "1"])
  panel.set_yticks([0.0, 0.25, 0.5, 0.75, 1.0], ["0", "", "0.5", "", "1"])
  if diagonal:
    panel.axline(
      (0, 0), slope=1, color=_palette.HALF, linewidth=1.0, zorder=1.5
    )
  else:
    panel.axvline(0.5, color=_palette.HALF, linewidth=1.0, zorder=1.5)


def _draw(
  panel: mpl_axes.Axes, line: _lines.Line, look: _style.ObjectiveStyle
) -> None:
  """A line with its band, its optimum and what surrounds that."""
  color = look.color
  dots: dict[str, Any] = {"marker": line.marker, "ms": 3.5}
  panel.plot(line.x, line.y, look.line, color=color, zorder=3, **dots)
  if line.band:
    # Every fifth: a band is not simplified as a line is, and files get large.
    x, low, high = (np.asarray(v)[::5] for v in (line.x, *line.band))
    panel.fill_between(x, low, high, color=color, alpha=0.15, lw=0)
  if line.mark is None:
    return
  best, y = line.mark
  if line.plateau:
    thick: dict[str, Any] = {"lw": 7, "alpha": 0.35, "solid_capstyle": "butt"}
    panel.plot(line.plateau, [y, y], color=color, zorder=2.5, **thick)
  if line.interval:
    panel.plot(line.interval, [y, y], color=color, lw=1.2, zorder=3.5)
  dot: dict[str, Any] = {
    "ms": look.size,
    "mec": "white",
    "mew": 0.8,
    "zorder": 4,
  }
  panel.plot(best, y, look.marker, color=color, **dot)


def _write_threshold(panel: mpl_axes.Axes, line: _lines.Line) -> None:
  """The threshold and its interval, in figures, above the only dot."""
  if line.mark is None:
    return
  text = f"{line.mark[0]:.3f}"
  if line.interval:
    text += " ({:.3f} to {:.3f})".format(*line.interval)
  x, y = line.mark
  # Towards the middle, as a text at the edge would leave the panel.
  side = "left" if x < 0.15 else "right" if x > 0.85 else "center"
  below = y > 0.88
  offset: dict[str, Any] = {
    "textcoords": "offset points",
    "ha": side,
    "va": "top" if below else "bottom",
    "size": 9,
  }
  panel.annotate(text, line.mark, (0, -8 if below else 8), **offset)


def _add_legend(
  figure: mpl_figure.Figure,
  lines: Sequence[_lines.Line],
  found: Mapping[str, Any],
  grey: str = "threshold 0.5",
) -> None:
  """The lines, then the signs; a row of optima tells of their intervals."""
  handles = [
    _style.handle(
      one.label, color=one.color, ls=one.line, marker=one.marker, ms=one.size
    )
    for one in _lines.looks(lines).values()
  ]
  signs: list[tuple[str, dict[str, Any]]] = []
  if any(line.mark for line in lines):
    rule = _wording.choice_label(found.get("criterion", "dice"))
    said = "optimum" if rule == "highest Dice" else f"chosen: {rule}"
    signs.append((said, {"ls": "none", "marker": "o"}))
  if any(one.plateau and one.plateau[1] > one.plateau[0] for one in lines):
    signs.append(("plateau of the optimum", {"alpha": 0.35, "lw": 7}))
  if "level" in found:
    level = f"{100 * found['level']:g} % interval of"
    signs.append((f"{level} the threshold", {"lw": 1.2}))
    signs.append((f"{level} Dice", {"alpha": 0.15, "lw": 9}))
  for label, look in signs:
    handles.append(_style.handle(label, color=_style.QUIET, **look))
  handles.append(_style.handle(grey, color=_palette.HALF, linewidth=1.0))
  _style.add_legend(figure, handles)
