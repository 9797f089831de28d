"""How much Dice is lost when the threshold is off its optimum."""

from collections.abc import Mapping, Sequence
import math
from typing import Any

from matplotlib import axes as mpl_axes
from matplotlib import figure as mpl_figure
from matplotlib import ticker as mpl_ticker
import numpy as np

from jaxseg import errors
from jaxseg.report import _style
from jaxseg.report import _wording

Rows = Sequence[Mapping[str, Any]]
Looks = Mapping[str, _style.ObjectiveStyle]
# Bice et al. 2021, doi:10.1002/acm2.13331: median over ten structures, %.
PAPER = 11.8
_SIZE = 0.05


@_style.style()
def sensitivity(rows: Rows, title: str) -> mpl_figure.Figure:
  """Relative Dice reduction about the optimum, beside the paper's median.

  Args:
    rows: Table `sensitivity`, of one scope and aggregate; a reduction is NaN
      where the perturbed threshold leaves [0, 1].
    title: Stands above the figure.

  Returns:
    Figure of two panels: each structure at ±0.05, and the median over the
    structures against the perturbation.

  Raises:
    DataError: A column is missing, or no row has a perturbation of ±0.05.
  """
  columns = ("structure", "objective", "perturbation", "reduction")
  _wording.check(f"figure {title!r}", rows, columns)
  rows = [row for row in rows if _wording.is_finite(row["reduction"])]
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
  looks = _style.objective_styles([row["objective"] for row in rows])
  names = _sorted_structures(near, next(iter(looks)))
  figure = _style.new_figure(title, 2.3 + 0.42 * max(5, len(names)))
  left, right = figure.subplots(1, 2, width_ratios=(1.25, 1.0))
  _structures(left, near, looks, names)
  _perturbations(right, rows, looks)
  _style.add_legend(figure, left.get_legend_handles_labels()[0])
  return figure


def _sorted_structures(rows: Rows, objective: str) -> list[str]:
  """Structures by what they lose with the first objective, least first."""

  def lost(name: str) -> tuple[float, str]:
    own = [row for row in rows if row["structure"] == name]
    first = [row for row in own if row["objective"] == objective] or own
    return float(np.mean([row["reduction"] for row in first])), name

  return sorted({row["structure"] for row in rows}, key=lost)


def _structures(
  panel: mpl_axes.Axes, rows: Rows, looks: Looks, names: Sequence[str]
) -> None:
  """Left panel: both sides of the optimum for each structure."""
  spread = 0.24 if len(looks) > 1 else 0.0
  offsets = np.linspace(spread, -spread, len(looks))
  lines: dict[str, Any] = {"lw": 1.4, "zorder": 1.5}
  for (objective, look), offset in zip(looks.items(), offsets, strict=True):
    own = [row for row in rows if row["objective"] == objective]
    for place, name in enumerate(names):
      both = [row for row in own if row["structure"] == name]
      lost = [100 * row["reduction"] for row in both]
      height, color = place + offset, look.color
      panel.plot(lost, [height] * len(lost), color=color, alpha=0.45)
      for row, value in zip(both, lost, strict=True):
        sign = ">" if row["perturbation"] > 0 else "<"
        panel.plot(value, height, sign, color=color, ms=7, mec="white", mew=0.6)
    if own:
      median = 100 * float(np.median([row["reduction"] for row in own]))
      label = f"{look.label}: median {median:.1f} %"
      panel.axvline(
        median, color=look.color, ls=(0, (4, 2)), label=label, **lines
      )
  label = f"Bice et al. 2021 (BCE): median {PAPER} %"
  panel.axvline(PAPER, color=_style.INK, ls=(0, (1, 1.5)), label=label, **lines)
  panel.set_yticks(range(len(names)), map(_wording.structure_label, names))
  panel.set_ylim(-0.6, len(names) - 0.4)
  panel.set_xlim(left=min(0.0, panel.get_xlim()[0]))
  _style.stripe(panel, len(names))
  panel.xaxis.set_major_formatter(mpl_ticker.FormatStrFormatter("%g %%"))
  panel.set_xlabel("Dice lost, relative")
  panel.set_title(f"◂ {_SIZE} below the optimum, ▸ {_SIZE} above")


def _perturbations(panel: mpl_axes.Axes, rows: Rows, looks: Looks) -> None:
  """Right panel: medians and quartiles over the structures."""
  for objective, look in looks.items():
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
    dots: dict[str, Any] = {"marker": look.marker, "ms": look.size - 1.5}
    panel.plot(steps, middle, color=look.color, mec="white", mew=0.5, **dots)
  both = [-_SIZE, _SIZE]
  panel.plot(both, [PAPER] * 2, "x", color=_style.INK, ms=8, mew=1.8, zorder=5)
  panel.annotate(
    f"Bice et al.: {PAPER} %",
    (0.0, PAPER),
    (0, 9),  # Above the two marks, whatever their distance.
    textcoords="offset points",
    ha="center",
    va="bottom",
    size=9,
    bbox={"fc": "white", "ec": "none", "pad": 1.5},
  )
  panel.yaxis.set_major_formatter(mpl_ticker.FormatStrFormatter("%g %%"))
  low, high = panel.get_ylim()
  panel.set_ylim(min(0.0, low), max(high, 1.15 * PAPER))  # For the label.
  reach = max(abs(float(row["perturbation"])) for row in rows)
  panel.xaxis.set_major_locator(
    mpl_ticker.MultipleLocator(_SIZE * max(1, math.ceil(reach / 0.12)))
  )
  panel.set_xlabel("threshold minus optimum")
  panel.set_title("median over structures, band: quartiles")
