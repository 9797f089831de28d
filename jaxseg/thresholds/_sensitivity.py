"""How much Dice is lost beside the optimum."""

from collections.abc import Sequence

import numpy as np

from jaxseg.thresholds import _counts
from jaxseg.thresholds import _curves
from jaxseg.thresholds import _optimum


def sensitivity(
  counts: _counts.Counts,
  *,
  perturbations: Sequence[float] = (-0.05, 0.05),
  aggregate: str = "pooled",
  threshold: float | None = None,
) -> np.ndarray:
  """Relative Dice reduction (D* - D(t* + d)) / D* for each perturbation d.

  Args:
    counts: `[T + 1]`, or with cases in front `[..., case, T + 1]`.
    perturbations: Shifts d of the threshold. The grid's threshold nearest to
      t* + d is taken; beyond the grid's ends, its end.
    aggregate: "pooled" or "mean_case", as in `optimum`.
    threshold: t*; None is the optimum of these counts. A threshold that was
      chosen on other patients can give negative reductions.

  Returns:
    float64 `[perturbation]`; nan where the Dice at t* is 0.

  Raises:
    ConfigError: The aggregate is unknown.
    DataError: No case has the structure.

  References:
    doi:10.1002/acm2.13331.
  """
  host = counts.on_host()
  grid = np.asarray(host.thresholds, np.float64)
  best = _optimum.optimum(host, aggregate=aggregate)  # Checks, too.
  centre = best.index
  if threshold is not None:
    centre = int(np.argmin(np.abs(grid - threshold)))
  bins = host.positive.shape[-1]
  cases = _counts.Counts(
    host.thresholds,
    host.positive.reshape(-1, bins),
    host.negative.reshape(-1, bins),
  )
  if aggregate == "pooled":
    dice = _curves.curve(cases.sum(0))
  else:
    has = cases.positive.sum(-1) > 0
    dice = _curves.curve(cases[has]).mean(0)
  there = [
    int(np.argmin(np.abs(grid - (grid[centre] + d)))) for d in perturbations
  ]
  level = dice[centre]
  if not level > 0:
    return np.full(len(there), np.nan)
  return (level - dice[there]) / level
