"""Dice against threshold, one panel per structure."""

from collections.abc import Sequence
import dataclasses
import math
import textwrap
from typing import Any

from matplotlib import axes as mpl_axes
from matplotlib import figure as mpl_figure
from matplotlib import lines as mpl_lines
import numpy as np

from jaxseg import errors
from jaxseg.report import _labels
from jaxseg.report import _style

_HALF = "#9a9a9a"
_DASHES: tuple[Any, ...] = ("-", (0, (4, 2)), (0, (1, 1.2)), (0, (4, 1, 1, 1)))


@dataclasses.dataclass(frozen=True, eq=False)
class Curve:
  """Dice of one model at every threshold.

  Attributes:
    structure: Canonical name.
    objective: Name of the loss the model was trained with.
    thresholds: `[T]`, ascending, in [0, 1].
    dice: `[T]`, float64; NaN where undefined.
    optimum: Threshold of the curve's maximum.
    low: Least threshold of the plateau about the optimum.
    high: Greatest threshold of that plateau.
    value: Dice at the optimum.
    chosen: Threshold chosen on the validation split; None if unknown.
    split: What the curve was computed from ("validation", "test").
  """

  structure: str
  objective: str
  thresholds: np.ndarray
  dice: np.ndarray
  optimum: float
  low: float
  high: float
  value: float
  chosen: float | None = None
  split: str = "validation"

  def __post_init__(self):
    shapes = np.shape(self.thresholds), np.shape(self.dice)
    if len(shapes[0]) != 1 or shapes[0] != shapes[1] or not shapes[0][0]:
      raise errors.DataError(
        f"curve of {self.structure}: thresholds {shapes[0]} and Dice"
        f" {shapes[1]} are not two lists of one length; sweep it again"
      )


@_style.style()
def curves(curves: Sequence[Curve], title: str) -> mpl_figure.Figure:
  """Small multiples of Dice against threshold.

  Args:
    curves: Any number per structure; panels keep the order of the structures.
    title: Stands above the figure.

  Returns:
    Figure: a panel per structure, a line per objective, dashed for further
    splits. A dot is the optimum, the thick part its plateau, a ring the
    threshold chosen on validation where the curve's own optimum differs.

  Raises:
    DataError: There are no curves.
  """
  if not curves:
    raise errors.DataError(
      f"figure {title!r}: no curves; sweep a model's maps first"
    )
  names = list(dict.fromkeys(curve.structure for curve in curves))
  splits = list(dict.fromkeys(curve.split for curve in curves))
  styles = _style.objective_styles([curve.objective for curve in curves])
  columns = _columns(len(names))
  rows = math.ceil(len(names) / columns)
  figure = _style.new_figure(title, 1.0 + (3.4 if columns < 3 else 2.3) * rows)
  grid = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
  panels = dict(zip(names, grid.ravel(), strict=False))
  wide = {1: 90, 2: 50, 3: 34, 4: 25}.get(columns, 19)
  for name, panel in panels.items():
    _dress(panel, textwrap.fill(_labels.structure_label(name), wide))
  for panel in grid.ravel()[len(names) :]:
    panel.set_visible(False)
  # The lowest panel of each column, in a ragged grid too.
  for panel in grid.ravel()[max(0, len(names) - columns) : len(names)]:
    panel.xaxis.set_tick_params(labelbottom=True)
    panel.set_xlabel("threshold")
  order = list(styles)
  for curve in sorted(curves, key=lambda curve: order.index(curve.objective)):
    dash = _DASHES[splits.index(curve.split) % len(_DASHES)]
    _draw(panels[curve.structure], curve, styles[curve.objective], dash)
  for panel in grid[:, 0]:
    panel.set_ylabel(f"Dice, {splits[0]}" if len(splits) == 1 else "Dice")
  _style.add_legend(figure, _legend(curves, styles, splits))
  return figure


def _columns(count: int) -> int:
  """Columns of the grid: at most five, with few places left over."""
  if count <= 4:
    return count
  return min(range(5, 2, -1), key=lambda c: (-count % c > 1, -c))


def _dress(panel: mpl_axes.Axes, title: str) -> None:
  panel.set_title(title)
  panel.set(xlim=(-0.02, 1.02), ylim=(0.0, 1.03))
  panel.set_xticks([0.0, 0.5, 1.0], ["0", "0.5", "1"])
  panel.set_yticks([0.0, 0.25, 0.5, 0.75, 1.0], ["0", "", "0.5", "", "1"])
  panel.axvline(0.5, color=_HALF, linewidth=1.0, zorder=1.5)


def _draw(
  panel: mpl_axes.Axes,
  curve: Curve,
  look: _style.ObjectiveStyle,
  dash: Any,
) -> None:
  """One curve with its plateau, its optimum and the threshold chosen."""
  panel.plot(
    curve.thresholds, curve.dice, color=look.color, linestyle=dash, zorder=3
  )
  panel.plot(
    [curve.low, curve.high],
    [curve.value, curve.value],
    color=look.color,
    alpha=0.35,
    linewidth=7,
    solid_capstyle="butt",
    zorder=2.5,
  )
  panel.plot(
    curve.optimum,
    curve.value,
    color=look.color,
    marker=look.marker,
    markersize=look.size,
    markeredgecolor="white",
    markeredgewidth=0.8,
    zorder=4,
  )
  if curve.chosen is not None and curve.chosen != curve.optimum:
    panel.plot(
      curve.chosen,
      np.interp(curve.chosen, curve.thresholds, curve.dice),
      color="none",
      marker="o",
      markersize=8.5,
      markeredgecolor=look.color,
      markeredgewidth=1.4,
      zorder=3.5,
    )


def _legend(
  curves: Sequence[Curve],
  styles: dict[str, _style.ObjectiveStyle],
  splits: Sequence[str],
) -> list[mpl_lines.Line2D]:
  """Handles: the objectives, the splits if several, then the signs."""
  line = mpl_lines.Line2D
  handles = [
    line(
      [],
      [],
      color=look.color,
      marker=look.marker,
      markersize=look.size,
      markeredgecolor="white",
      label=look.label,
    )
    for look in styles.values()
  ]
  if len(splits) > 1:
    handles += [
      line(
        [],
        [],
        color=_style.INK,
        linestyle=_DASHES[number % len(_DASHES)],
        label=split,
      )
      for number, split in enumerate(splits)
    ]
  handles.append(
    line(
      [],
      [],
      color=_style.QUIET,
      linestyle="none",
      marker="o",
      markersize=6.5,
      label="optimum of the curve",
    )
  )
  if any(curve.high > curve.low for curve in curves):
    handles.append(
      line(
        [],
        [],
        color=_style.QUIET,
        alpha=0.35,
        linewidth=7,
        label="plateau of the optimum",
      )
    )
  if any(c.chosen is not None and c.chosen != c.optimum for c in curves):
    handles.append(
      line(
        [],
        [],
        color="none",
        marker="o",
        markersize=8.5,
        markeredgecolor=_style.QUIET,
        markeredgewidth=1.4,
        label="threshold chosen on validation",
      )
    )
  handles.append(
    line([], [], color=_HALF, linewidth=1.0, label="threshold 0.5")
  )
  return handles
