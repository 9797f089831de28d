"""Lines against a threshold, in small multiples: Dice, surfaces, calibration.

A run's models give a panel per structure and a line per objective; anyone's
maps give one panel. Both are drawn from the rows of `study.tables`.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
import dataclasses
import math
from typing import Any

from matplotlib import axes as mpl_axes
from matplotlib import figure as mpl_figure
from matplotlib import ticker as mpl_ticker
import numpy as np

from jaxseg.report import _levels
from jaxseg.report import _style
from jaxseg.report import _wording

Rows = Sequence[Mapping[str, Any]]
_Key = tuple[str, str]
_HALF = "#9a9a9a"
_MEAN = "mean of the cases' Dice"
_MEAN_CASE, _MEDIAN_CASE = "mean of the cases", "median of the cases"
_MAPS = {
  "": _style.ObjectiveStyle("pooled Dice", "#0072b2", "o", 6.0, "-"),
  _MEAN: _style.ObjectiveStyle(_MEAN, "#d55e00", "", 0.0, "--"),
  _MEAN_CASE: _style.ObjectiveStyle(_MEAN_CASE, "#0072b2", "o", 6.0, "-"),
  _MEDIAN_CASE: _style.ObjectiveStyle(_MEDIAN_CASE, "#0072b2", "o", 6.0, "-"),
}


@dataclasses.dataclass(eq=False)
class _Line:
  """One line of a panel, its band, and what is marked on it."""

  panel: str
  look: str
  x: np.ndarray
  y: np.ndarray
  band: tuple[np.ndarray, np.ndarray] | None = None
  mark: tuple[float, float] | None = None
  plateau: tuple[float, float] | None = None
  interval: tuple[float, float] | None = None
  marker: str = ""


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
  _wording.check(f"figure {title!r}", rows, ("threshold", "dice"))
  _wording.check(f"figure {title!r}", optima, ("threshold", "aggregate"))
  best: dict[_Key, Mapping[str, Any]] = {}
  for row in optima:
    if row["aggregate"] == "pooled":
      best.setdefault(_model(row), row)
  first = next(iter(best.values()))
  is_run = "objective" in first
  part = "_validation" if is_run else ""
  plateau = ("low", "high") if is_run else ("plateau_low", "plateau_high")
  lines = []
  for key, own in _groups(rows):
    row = best[key]
    line = _Line(
      *_shown(key, best),
      _column(own, "threshold"),
      _column(own, "dice"),
      mark=(row["threshold"], row[f"dice{part}"]),
      plateau=(row[plateau[0]], row[plateau[1]]),
    )
    if "dice_low" in own[0]:
      line.band = _column(own, "dice_low"), _column(own, "dice_high")
      line.interval = row["threshold_low"], row["threshold_high"]
    lines.append(line)
  for key, own in () if is_run or first["cases"] < 2 else _groups(rows):
    mean = _column(own, "dice_mean_case")
    panel, _ = _shown(key, best)
    lines.append(_Line(panel, _MEAN, _column(own, "threshold"), mean))
  label = "Dice, validation" if is_run else "Dice"
  figure = _multiples(lines, title, "threshold", label)
  if len(best) == 1:
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
  _wording.check(f"figure {title!r}", rows, ("confidence", "frequency"))
  lines = []
  groups = dict(_groups(rows))
  for key, own in groups.items():
    x, y = _column(own, "confidence"), _column(own, "frequency")
    lines.append(_Line(*_shown(key, groups), x, y, marker="o"))
  labels = "mean probability", "share in the reference"
  if "objective" in rows[0] or len(groups) > 1:
    figure = _multiples(lines, title, *labels, diagonal=True)
    named = lines if "objective" in rows[0] else []
    _add_legend(figure, named, {}, "calibrated")
    return figure
  figure = _style.new_figure(title, 3.8)
  panel, below = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
  _dress(panel, "", diagonal=True)
  _draw(panel, lines[0], _MAPS[""])
  panel.set_ylabel(labels[1])
  low, high = _column(rows, "low"), _column(rows, "high")
  look: dict[str, Any] = {"align": "edge", "color": _MAPS[""].color}
  below.bar(low, _column(rows, "voxels"), 0.9 * (high - low), **look)
  below.set_yscale("log")
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
  columns = (column,) if column else ("nsd_2mm", "hd95_mm", "assd_mm")
  _wording.check(f"figure {title!r}", rows, ("threshold", *columns))
  best = {(*_model(row), row["metric"]): row for row in optima}
  lines = []
  groups = dict(_groups(rows))
  for name in columns:
    for key, own in groups.items():
      y, there = _column(own, name), best.get((*key, name))
      structure, objective = _shown(key, groups)
      if column and not objective:
        objective = _MEAN_CASE if name == "nsd_2mm" else _MEDIAN_CASE
      lines.append(
        _Line(
          structure if column else _wording.heading(name),
          objective,
          _column(own, "threshold"),
          np.where(np.isfinite(y), y, np.nan),
          mark=(there["threshold"], there["value"]) if there else None,
        )
      )
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


def _model(row: Mapping[str, Any]) -> _Key:
  """Structure and objective of a row; of anyone's maps their class and ""."""
  if "structure" in row:
    return row["structure"], row.get("objective", "")
  return _wording.class_label(row), ""


def _shown(key: _Key, models: Collection[_Key]) -> _Key:
  """A panel's title and a line's look; a single class is in the title above."""
  return ("", "") if len(models) == 1 and not key[1] else key


def _groups(rows: Rows) -> Iterator[tuple[_Key, Rows]]:
  """Rows of each model at the run's own level; of several seeds the first."""
  groups: dict[_Key, list[Mapping[str, Any]]] = {}
  for row in _levels.own(rows):
    own = groups.setdefault(_model(row), [])
    if not own or own[0].get("seed") == row.get("seed"):
      own.append(row)
  yield from groups.items()


def _column(rows: Rows, name: str) -> np.ndarray:
  return np.array([row[name] for row in rows], np.float64)


def _looks(lines: Sequence[_Line]) -> dict[str, _style.ObjectiveStyle]:
  names = [line.look for line in lines]
  if all(name in _MAPS for name in names):
    return {name: _MAPS[name] for name in dict.fromkeys(names)}
  return _style.objective_styles(names)


def _multiples(
  lines: Sequence[_Line],
  title: str,
  xlabel: str,
  ylabel: str,
  *,
  diagonal: bool = False,
  sharey: bool = True,
) -> mpl_figure.Figure:
  """A panel per name with its lines."""
  names = list(dict.fromkeys(line.panel for line in lines))
  columns = _columns(len(names))
  rows = math.ceil(len(names) / columns)
  figure = _style.new_figure(title, 1.0 + (3.4 if columns < 3 else 2.3) * rows)
  grid = figure.subplots(
    rows, columns, sharex=True, sharey=sharey, squeeze=False
  )
  panels = dict(zip(names, grid.ravel(), strict=False))
  wide = {1: 90, 2: 50, 3: 34, 4: 25}.get(columns, 19)
  for name, panel in panels.items():
    is_class = name.startswith(("class ", "label "))
    said = name if is_class else _wording.structure_label(name)
    said = "\n".join(_style.wrap(said, wide))
    _dress(panel, said, diagonal=diagonal)
  for panel in grid.ravel()[len(names) :]:
    panel.set_visible(False)
  # The lowest panel of each column, in a ragged grid too.
  for panel in grid.ravel()[max(0, len(names) - columns) : len(names)]:
    panel.xaxis.set_tick_params(labelbottom=True)
    panel.set_xlabel(xlabel)
  for panel in grid[:, 0]:
    panel.set_ylabel(ylabel)
  looks = _looks(lines)
  order = list(looks)
  for line in sorted(lines, key=lambda line: order.index(line.look)):
    _draw(panels[line.panel], line, looks[line.look])
  return figure


def _columns(count: int) -> int:
  """Columns of the grid: at most five, with few places left over."""
  if count <= 4:
    return count
  return min(range(5, 2, -1), key=lambda c: (-count % c > 1, -c))


def _dress(panel: mpl_axes.Axes, title: str, *, diagonal: bool) -> None:
  panel.set_title(title)
  panel.set(xlim=(-0.02, 1.02), ylim=(0.0, 1.03))
  panel.set_xticks([0.0, 0.5, 1.0], ["0", "0.5", "1"])
  panel.set_yticks([0.0, 0.25, 0.5, 0.75, 1.0], ["0", "", "0.5", "", "1"])
  if diagonal:
    panel.axline((0, 0), slope=1, color=_HALF, linewidth=1.0, zorder=1.5)
  else:
    panel.axvline(0.5, color=_HALF, linewidth=1.0, zorder=1.5)


def _draw(
  panel: mpl_axes.Axes, line: _Line, look: _style.ObjectiveStyle
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


def _write_threshold(panel: mpl_axes.Axes, line: _Line) -> None:
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
  lines: Sequence[_Line],
  found: Mapping[str, Any],
  grey: str = "threshold 0.5",
) -> None:
  """The lines, then the signs; a row of optima tells of their intervals."""
  handles = [
    _style.handle(
      one.label, color=one.color, ls=one.line, marker=one.marker, ms=one.size
    )
    for one in _looks(lines).values()
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
  handles.append(_style.handle(grey, color=_HALF, linewidth=1.0))
  _style.add_legend(figure, handles)
