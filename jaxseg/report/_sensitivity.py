"""How much Dice is lost when the threshold is off its optimum."""

from collections.abc import Mapping, Sequence
import math
from typing import Any

from matplotlib import axes as mpl_axes
from matplotlib import figure as mpl_figure
from matplotlib import ticker as mpl_ticker
import numpy as np

from jaxseg import errors
from jaxseg.report import _labels
from jaxseg.report import _style

# Bice et al. 2021, doi:10.1002/acm2.13331: median over ten structures.
_PAPER = 0.118
_SIZE = 0.05


@_style.style()
def sensitivity(
  rows: Sequence[Mapping[str, Any]], title: str
) -> mpl_figure.Figure:
  """Relative Dice reduction about the optimum, beside the paper's median.

  Args:
    rows: With structure, objective, perturbation (of the threshold, such as
      -0.05) and reduction (relative, 0.03 is 3 %; NaN where the perturbed
      threshold leaves [0, 1]).
    title: Stands above the figure.

  Returns:
    Figure of two panels: each structure at ±0.05, and the median over the
    structures against the perturbation.

  Raises:
    DataError: A column is missing, or no row has a perturbation of ±0.05.
  """
  _labels.check(
    f"figure {title!r}",
    rows,
    ("structure", "objective", "perturbation", "reduction"),
  )
  rows = [row for row in rows if _labels.is_finite(row["reduction"])]
  near = [
    row
    for row in rows
    if math.isclose(abs(row["perturbation"]), _SIZE, abs_tol=1e-6)
  ]
  if not near:
    raise errors.DataError(
      f"figure {title!r}: no finite reduction at ±{_SIZE};"
      " add -0.05 and 0.05 to the perturbations"
    )
  styles = _style.objective_styles([row["objective"] for row in rows])
  names = _sorted_structures(near, next(iter(styles)))
  height = 2.3 + 0.42 * max(5, len(names))
  figure = _style.new_figure(title, height)
  left, right = figure.subplots(1, 2, width_ratios=(1.25, 1.0))
  _structures(left, near, styles, names)
  _perturbations(right, rows, styles)
  _style.add_legend(figure, left.get_legend_handles_labels()[0])
  return figure


def _sorted_structures(
  rows: Sequence[Mapping[str, Any]], objective: str
) -> list[str]:
  """Structures by what they lose with the first objective, least first."""

  def lost(name: str) -> tuple[float, str]:
    own = [row for row in rows if row["structure"] == name]
    first = [row for row in own if row["objective"] == objective] or own
    return float(np.mean([row["reduction"] for row in first])), name

  return sorted({row["structure"] for row in rows}, key=lost)


def _structures(
  panel: mpl_axes.Axes,
  rows: Sequence[Mapping[str, Any]],
  styles: Mapping[str, _style.ObjectiveStyle],
  names: Sequence[str],
) -> None:
  """Left panel: both sides of the optimum for each structure."""
  spread = 0.24 if len(styles) > 1 else 0.0
  offsets = np.linspace(spread, -spread, len(styles))
  for (objective, look), offset in zip(styles.items(), offsets, strict=True):
    own = [row for row in rows if row["objective"] == objective]
    for place, name in enumerate(names):
      both = [row for row in own if row["structure"] == name]
      _both_sides(panel, both, look, place + offset)
    if own:
      median = 100 * float(np.median([row["reduction"] for row in own]))
      panel.axvline(
        median,
        color=look.color,
        linewidth=1.4,
        linestyle=(0, (4, 2)),
        zorder=1.5,
        label=f"{look.label}: median {median:.1f} %",
      )
  panel.axvline(
    100 * _PAPER,
    color=_style.INK,
    linewidth=1.4,
    linestyle=(0, (1, 1.5)),
    zorder=1.5,
    label=f"Bice et al. 2021 (BCE): median {100 * _PAPER:.1f} %",
  )
  panel.set_yticks(
    range(len(names)), [_labels.structure_label(name) for name in names]
  )
  panel.set_ylim(-0.6, len(names) - 0.4)
  panel.set_xlim(left=min(0.0, panel.get_xlim()[0]))
  _style.stripe(panel, len(names))
  panel.xaxis.set_major_formatter(mpl_ticker.FormatStrFormatter("%g %%"))
  panel.set_xlabel("Dice lost, relative")
  panel.set_title(f"◂ {_SIZE} below the optimum, ▸ {_SIZE} above")


def _both_sides(
  panel: mpl_axes.Axes,
  rows: Sequence[Mapping[str, Any]],
  look: _style.ObjectiveStyle,
  height: float,
) -> None:
  """One structure and objective: a mark per side and a line between them."""
  lost = [100 * row["reduction"] for row in rows]
  panel.plot(lost, [height] * len(lost), color=look.color, alpha=0.45)
  for row, value in zip(rows, lost, strict=True):
    panel.plot(
      value,
      height,
      color=look.color,
      markersize=7,
      marker=">" if row["perturbation"] > 0 else "<",
      markeredgecolor="white",
      markeredgewidth=0.6,
    )


def _perturbations(
  panel: mpl_axes.Axes,
  rows: Sequence[Mapping[str, Any]],
  styles: Mapping[str, _style.ObjectiveStyle],
) -> None:
  """Right panel: medians and quartiles over the structures."""
  for objective, look in styles.items():
    groups: dict[float, list[float]] = {0.0: [0.0]}
    for row in rows:
      if row["objective"] == objective:
        # Rounded: steps of 0.01 made by addition are not one float.
        step = round(float(row["perturbation"]), 6) + 0.0
        groups.setdefault(step, []).append(100 * row["reduction"])
    steps = sorted(groups)
    low, middle, high = np.transpose(
      [np.percentile(groups[step], (25, 50, 75)) for step in steps]
    )
    panel.fill_between(steps, low, high, color=look.color, alpha=0.13, lw=0)
    panel.plot(
      steps,
      middle,
      color=look.color,
      marker=look.marker,
      markersize=look.size - 1.5,
      markeredgecolor="white",
      markeredgewidth=0.5,
    )
  panel.plot(
    [-_SIZE, _SIZE],
    [100 * _PAPER] * 2,
    color=_style.INK,
    linestyle="none",
    marker="x",
    markersize=8,
    markeredgewidth=1.8,
    zorder=5,
  )
  panel.annotate(
    f"Bice et al.: {100 * _PAPER:.1f} %",
    (0.0, 100 * _PAPER),
    (0, 9),  # Above the two marks, whatever their distance.
    textcoords="offset points",
    ha="center",
    va="bottom",
    size=9,
    bbox={"fc": "white", "ec": "none", "pad": 1.5},
  )
  panel.yaxis.set_major_formatter(mpl_ticker.FormatStrFormatter("%g %%"))
  low, high = panel.get_ylim()
  panel.set_ylim(min(0.0, low), max(high, 115 * _PAPER))  # Room for the label.
  reach = max(abs(float(row["perturbation"])) for row in rows)
  panel.xaxis.set_major_locator(
    mpl_ticker.MultipleLocator(_SIZE * max(1, math.ceil(reach / 0.12)))
  )
  panel.set_xlabel("threshold minus optimum")
  panel.set_title("median over structures, band: quartiles")
