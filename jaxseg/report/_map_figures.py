"""Figures of a sweep over anyone's maps: the curve, and the calibration."""

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib import figure as mpl_figure
import numpy as np

from jaxseg import study
from jaxseg import thresholds
from jaxseg.report import _style

_DICE, _MEAN, _HALF, _MARK = "#1b5e9c", "#c2571a", "#9a9a9a", "#222222"


@_style.style()
def map_curve(
  rows: Sequence[Mapping[str, Any]],
  optima: Sequence[Mapping[str, Any]],
  title: str,
) -> mpl_figure.Figure:
  """Dice against threshold with its intervals.

  Args:
    rows: As of `study.map_curve_rows`.
    optima: As of `study.map_optimum_rows`; the first is the pooled one.
    title: Stands above the figure.
  """
  figure = _style.new_figure(title, 3.6)
  panel = figure.subplots()
  t = np.array([row["threshold"] for row in rows])
  if "dice_low" in rows[0]:
    low, high = (
      np.array([row[name] for row in rows])
      for name in ("dice_low", "dice_high")
    )
    panel.fill_between(
      t, low, high, color=_DICE, alpha=0.15, lw=0,
      label=_how(optima[0]),
    )  # fmt: skip
  panel.plot(t, [r["dice"] for r in rows], color=_DICE, label="pooled Dice")
  if optima[0]["cases"] > 1:
    mean = [row["dice_mean_case"] for row in rows]
    panel.plot(t, mean, color=_MEAN, label="mean of the cases' Dice", lw=1.2)
  panel.axvline(0.5, color=_HALF, lw=0.8, ls=(0, (2, 2)), zorder=0)
  best = optima[0]
  panel.plot([best["threshold"]], [best["dice"]], "o", color=_MARK, ms=5)
  said = f"{best['threshold']:.3f}"
  if "threshold_low" in best:
    ends = best["threshold_low"], best["threshold_high"]
    panel.plot(ends, [best["dice"]] * 2, color=_MARK, lw=1.2)
    said += f" ({ends[0]:.3f} to {ends[1]:.3f})"
  panel.annotate(
    said, (best["threshold"], best["dice"]), xytext=(0, 7),
    textcoords="offset points", ha="center", fontsize=8,
  )  # fmt: skip
  panel.set(xlim=(0, 1), ylim=(0, 1.04), xlabel="threshold", ylabel="Dice")
  panel.legend(loc="best", frameon=False, fontsize=8)
  return figure


def _how(row: Mapping[str, Any]) -> str:
  """How intervals were made, as far as a row of optima tells."""
  return (
    f"{100 * row['level']:g} % of {row['resamples']} resamples of"
    f" {row['patients']} patients"
  )


@_style.style()
def map_surfaces(
  rows: Sequence[Mapping[str, Any]],
  curve: Sequence[Mapping[str, Any]],
  title: str,
) -> mpl_figure.Figure:
  """Surface metrics beside Dice, against the threshold.

  Args:
    rows: As of `study.map_surface_rows`.
    curve: As of `study.map_curve_rows`.
    title: Stands above the figure.
  """
  figure = _style.new_figure(title, 4.6)
  above, below = figure.subplots(2, 1, sharex=True)
  above.plot(
    [row["threshold"] for row in curve], [row["dice"] for row in curve],
    color=_DICE, label="pooled Dice",
  )  # fmt: skip
  t = np.array([row["threshold"] for row in rows])
  best = {one["metric"]: one for one in study.map_surface_optima(rows)}
  for panel, column, color, label in (
    (above, "nsd_2mm", _MEAN, "mean NSD at 2 mm"),
    (below, "hd95_mm", _DICE, "median HD95"),
    (below, "assd_mm", _MEAN, "median ASSD"),
  ):
    values = np.array([row[column] for row in rows])
    panel.plot(t, np.where(np.isfinite(values), values, np.nan), color=color,
               label=label)  # fmt: skip
    if column in best:
      there = best[column]["threshold"], best[column]["value"]
      panel.plot(*([x] for x in there), "o", color=color, ms=4)
  for panel in (above, below):
    panel.axvline(0.5, color=_HALF, lw=0.8, ls=(0, (2, 2)), zorder=0)
  above.set(ylabel="score", ylim=(0, 1.04), xlim=(0, 1))
  low = min(row["hd95_mm"] for row in rows)
  if np.isfinite(low):  # At both ends distances are those of the image.
    below.set_ylim(0, max(6 * low, 5.0))
  for panel in (above, below):  # Where the curves, cut to the panel, are not.
    panel.legend(loc="best", frameon=False, fontsize=8)
  below.set(xlabel="threshold", ylabel="mm")
  return figure


@_style.style()
def reliability(curve: thresholds.Reliability, title: str) -> mpl_figure.Figure:
  """Observed frequency against probability, and how many voxels there are.

  Args:
    curve: As of `thresholds.reliability`.
    title: Stands above the figure.
  """
  figure = _style.new_figure(title, 3.6)
  panel, below = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
  panel.plot([0, 1], [0, 1], color=_HALF, lw=0.8, ls=(0, (2, 2)))
  panel.plot(curve.confidence, curve.frequency, "o-", color=_DICE, ms=4)
  panel.set(ylabel="share in the reference", ylim=(-0.02, 1.02), xlim=(0, 1))
  panel.set_aspect("auto")
  middle = (curve.edges[1:] + curve.edges[:-1]) / 2
  width = np.diff(curve.edges) * 0.9
  below.bar(middle, np.maximum(curve.voxels, 0), width, color=_DICE)
  below.set_yscale("log")
  below.set(xlabel="probability", ylabel="voxels")
  return figure
