"""Dice against threshold, one network beside the other, for a paper."""

from collections.abc import Mapping, Sequence
import math
from typing import Any

from matplotlib import figure as mpl_figure
import numpy as np

from jaxseg.report import _chart_causes
from jaxseg.report import _curves
from jaxseg.report import _palette
from jaxseg.report import _style
from jaxseg.report import _wording

Rows = Sequence[Mapping[str, Any]]
STUCK = 0.1  # Validation Dice, as in `study.is_stuck`.


@_style.style()
def cause_curves(curves: Rows, rows: Rows, title: str) -> mpl_figure.Figure:
  """A panel per structure, a line per network, and where each model cuts.

  Args:
    curves: Table `cause_curves`.
    rows: Table `causes`: each model's chosen threshold is marked.
    title: Stands above the figure.

  Returns:
    Figure: a line is the mean over seeds, its band the range of these, a dot
    the threshold that was chosen on the validation patients.
  """
  looks = _chart_causes.looks(curves)
  names = list(dict.fromkeys(row["structure"] for row in curves))
  columns = _curves.columns(len(names))
  lines = math.ceil(len(names) / columns)
  height = (3.4 if columns < 3 else 2.3) * lines
  figure = _style.new_figure(title, 1.0 + height)
  grid = figure.subplots(
    lines, columns, sharex=True, sharey=True, squeeze=False
  )
  for panel in grid.ravel()[len(names) :]:
    panel.set_visible(False)
  for place, name in enumerate(names):
    panel = grid.ravel()[place]
    _curves.dress(panel, _wording.structure_label(name), diagonal=False)
    if place >= len(names) - columns:  # The lowest of its column.
      panel.xaxis.set_tick_params(labelbottom=True)
      panel.set_xlabel("threshold")
    for kind, look in looks.items():
      own = [r for r in curves if _chart_causes.kind(r) == kind]
      own = [r for r in own if r["structure"] == name]
      x, y, low, high = (
        np.array([row[column] for row in own], np.float64)
        for column in (
          "threshold", "dice_test", "dice_test_least", "dice_test_most",
        )
      )  # fmt: skip
      panel.fill_between(x, low, high, color=look.color, alpha=0.15, lw=0)
      panel.plot(x, y, look.line, color=look.color, zorder=3)
      for row in rows:
        who = _chart_causes.kind(row), row["structure"]
        # A model that never learnt is in no line.
        if who == (kind, name) and row["dice"] >= STUCK:
          dot: dict[str, Any] = {"mec": "white", "mew": 0.8, "zorder": 4}
          at = row["threshold"], row["dice_test"]
          panel.plot(*at, look.marker, color=look.color, ms=look.size, **dot)
  for panel in grid[:, 0]:
    panel.set_ylabel("Dice, unseen patients")
  handles = [
    _style.handle(
      look.label, color=look.color, marker=look.marker, ms=look.size
    )
    for look in looks.values()
  ]
  handles.append(_style.handle("0.5", color=_palette.HALF, linewidth=1.0))
  _style.add_legend(figure, handles)
  return figure
