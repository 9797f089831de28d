"""How much Dice is lost beside the optimum."""

from collections.abc import Sequence

import numpy as np

from jaxseg import errors
from jaxseg.thresholds import _counts
from jaxseg.thresholds import _optimum


def sensitivity(
  counts: _counts.Counts,
  *,
  perturbations: Sequence[float] = (-0.05, 0.05),
  aggregate: str = "pooled",
  threshold: float | None = None,
  empty: str = "skip",
) -> np.ndarray:
  """Relative Dice reduction (D* - D(t* + d)) / D* for each perturbation d.

  Args:
    counts: `[T + 1]`, or with cases in front `[..., case, T + 1]`.
    perturbations: Shifts d of the threshold. The grid's threshold nearest to
      t* + d is taken; beyond the grid's ends, its end.
    aggregate: "pooled" or "mean_case", as in `optimum`.
    threshold: t*, moved to the grid's nearest; None is the optimum of these
      counts. A threshold that was chosen on other patients can give negative
      reductions.
    empty: Cases without the structure, as in `optimum`.

  Returns:
    float64 `[perturbation]`; nan where the Dice at t* is 0.

  Raises:
    ConfigError: The aggregate or the policy is unknown, or a shift or the
      threshold is not finite.
    DataError: No case has the structure.

  References:
    doi:10.1002/acm2.13331.
  """
  shifts = np.asarray(perturbations, np.float64)
  given = np.float64(0 if threshold is None else threshold)
  if not (np.isfinite(shifts).all() and np.isfinite(given)):
    raise errors.ConfigError(
      f"perturbations {perturbations} and threshold {threshold} are not all"
      " finite; give numbers"
    )
  grid = np.asarray(counts.thresholds, np.float64)
  ratio = _optimum.scores(counts, "dice", aggregate, empty)
  dice = (ratio[0] / ratio[1]).mean(0)  # [T]
  if threshold is None:
    best = _optimum.optimum(counts, aggregate=aggregate, empty=empty)
    centre = best.index
  else:
    centre = int(np.abs(grid - given).argmin())
  there = np.abs(grid - (grid[centre] + shifts)[:, None]).argmin(-1)
  if not dice[centre] > 0:
    return np.full(shifts.shape, np.nan)
  return (dice[centre] - dice[there]) / dice[centre]
