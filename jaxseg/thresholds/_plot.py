"""A curve as a picture, for a look at counts where they are."""

from typing import Any

import numpy as np

from jaxseg import _extras
from jaxseg.thresholds import _counts
from jaxseg.thresholds import _curves
from jaxseg.thresholds import _optimum

_COLOR, _HALF = "#0072b2", "#9a9a9a"


def plot(counts: _counts.Counts, metric: str, axes: Any) -> Any:
  """Draws a metric against the threshold, see `Counts.plot`."""
  host = _counts.cases(counts)
  pooled = _curves.curve(host, metric=metric, aggregate="pooled")
  x = np.asarray(host.thresholds, np.float64)
  signed = metric in ("volume", "volume_difference")
  # The others are highest at one of the ends.
  best = None
  if metric not in ("precision", "recall", "specificity", "volume_difference"):
    best = _optimum.optimum(host, criterion=metric).index
  if axes is None:
    figures = _extras.load("matplotlib.figure", extra="report")
    axes = figures.Figure(layout="constrained").subplots()
  if len(host.positive) > 1:
    each = _curves.curve(host, metric=metric, empty="skip")
    axes.plot(x, each.T, color=_COLOR, lw=0.6, alpha=0.25)
  axes.plot(x, pooled, color=_COLOR, lw=1.8, label=f"pooled {metric}")
  axes.axvline(0.5, color=_HALF, lw=1.0, label="threshold 0.5")
  if best is not None:
    said = f"{pooled[best]:.3f} at {x[best]:.3f}"
    axes.plot(x[best], pooled[best], "o", color=_COLOR, mec="white", label=said)
  axes.set(xlabel="threshold", ylabel=metric, xlim=(-0.02, 1.02))
  if not signed:
    axes.set_ylim(0, 1.03)
  axes.legend()
  return axes
