"""Objectives side by side: overlap, sensitivity, surface distances."""

from collections.abc import Mapping, Sequence
import math
from typing import Any, NamedTuple, TypeGuard

from matplotlib import axes as mpl_axes
from matplotlib import figure as mpl_figure
from matplotlib import ticker as mpl_ticker
import numpy as np

from jaxseg import errors
from jaxseg.report import _style
from jaxseg.report import _wording


class _Panel(NamedTuple):
  """A column shown as filled markers, and one beside it as hollow ones."""

  column: str
  label: str
  hollow: str = ""
  percent: bool = False
  from_zero: bool = True


_PANELS = (
  _Panel(
    "dice_optimum",
    "Dice: filled at own threshold, hollow at 0.5",
    hollow="dice_half",
    from_zero=False,
  ),
  _Panel(
    "sensitivity",
    "Dice lost at ±0.05, relative, validation patients",
    percent=True,
  ),
  _Panel("hd95_mm", "95th-percentile Hausdorff distance, mm"),
  _Panel("assd_mm", "average symmetric surface distance, mm"),
)


@_style.style()
def objectives(
  rows: Sequence[Mapping[str, Any]], title: str
) -> mpl_figure.Figure:
  """Dot plots of each objective's results by structure.

  Args:
    rows: Table `objectives`, one row for each structure and objective; columns
      that no row has are left out.
    title: Stands above the figure.

  Returns:
    Figure, two panels a row. A marker at the right edge is an infinite
    distance: the structure was missed.

  Raises:
    DataError: Structure or objective is missing, or every panel's column.
  """
  _wording.check(f"figure {title!r}", rows, ("structure", "objective"))
  shown = [p for p in _PANELS if any(_number(r.get(p.column)) for r in rows)]
  if not shown:
    raise errors.DataError(
      f"figure {title!r}: no row has any of"
      f" {', '.join(p.column for p in _PANELS)}; evaluate the models first"
    )
  names = list(dict.fromkeys(row["structure"] for row in rows))
  styles = _style.objective_styles([row["objective"] for row in rows])
  columns = min(2, len(shown))
  lines = math.ceil(len(shown) / columns)
  height = 0.6 + lines * (0.9 + 0.38 * max(3, len(names)))
  figure = _style.new_figure(title, height)
  grid = figure.subplots(lines, columns, sharey=True, squeeze=False).ravel()
  missed = False
  for panel, kind in zip(grid, shown, strict=False):
    missed |= _draw(panel, kind, rows, styles, names)
  for panel in grid[len(shown) :]:
    panel.set_visible(False)
  labels = [_wording.structure_label(name) for name in names]
  grid[0].set_yticks(range(len(names)), labels)
  grid[0].set_ylim(len(names) - 0.4, -0.6)  # The first structure at the top.
  handles = [
    _style.handle(one.label, color=one.color, ls="none", marker=one.marker)
    for one in styles.values()
  ]
  if missed:
    edge = "at the edge: infinite, missed"
    handles.append(
      _style.handle(edge, color=_style.QUIET, ls="none", marker=">")
    )
  _style.add_legend(figure, handles)
  return figure


def _number(value: Any) -> TypeGuard[float]:
  return value is not None and not math.isnan(value)


def _draw(
  panel: mpl_axes.Axes,
  kind: _Panel,
  rows: Sequence[Mapping[str, Any]],
  styles: Mapping[str, _style.ObjectiveStyle],
  names: Sequence[str],
) -> bool:
  """Draws one panel; says whether a value was infinite."""
  spread = 0.27 if len(styles) > 1 else 0.0
  offsets = np.linspace(-spread, spread, len(styles))
  places = dict(zip(styles, offsets, strict=True))
  missed = scaled = False
  for row in rows:
    look = styles[row["objective"]]
    y = names.index(row["structure"]) + places[row["objective"]]
    filled, hollow = row.get(kind.column), row.get(kind.hollow)
    scale = 100.0 if kind.percent else 1.0
    pair = [
      scale * v for v in (filled, hollow) if _number(v) and math.isfinite(v)
    ]
    scaled |= bool(pair)
    if len(pair) == 2:
      panel.plot(pair, [y, y], color=look.color, alpha=0.45, lw=1.4)
    dot: dict[str, Any] = {
      "ms": look.size + 0.5,
      "mec": look.color,
      "mew": 1.2,
      "zorder": 3,
    }
    for value, face in ((hollow, "white"), (filled, look.color)):
      if not _number(value):
        continue
      if math.isinf(value):
        missed = True
        at_edge = panel.get_yaxis_transform()
        panel.plot(
          1.0, y, ">", color=face, clip_on=False, transform=at_edge, **dot
        )
      else:
        panel.plot(scale * value, y, look.marker, color=face, **dot)
  _dress(panel, kind, len(names))
  if not scaled:
    panel.set(xlim=(0.0, 1.0), xticks=[])  # All missed: no scale to show.
  return missed


def _dress(panel: mpl_axes.Axes, kind: _Panel, count: int) -> None:
  panel.set_title(kind.label)
  panel.margins(x=0.06)
  if kind.from_zero:
    panel.set_xlim(left=min(0.0, panel.get_xlim()[0]))
  if kind.percent:
    panel.xaxis.set_major_formatter(mpl_ticker.FormatStrFormatter("%g %%"))
  _style.stripe(panel, count)
