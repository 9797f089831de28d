"""How much Dice is lost away from the optimum."""

from collections.abc import Sequence

import numpy as np

from jaxseg import errors
from jaxseg.thresholds import _counts
from jaxseg.thresholds import _criterion
from jaxseg.thresholds import _grid
from jaxseg.thresholds import _optimum

_ROUNDING = 1e-6


def sensitivity(
  counts: _counts.Counts,
  *,
  perturbations: Sequence[float] = (-0.05, 0.05),
  aggregate: str = "pooled",
  threshold: float | None = None,
  empty: str = "skip",
) -> np.ndarray:
  """Relative Dice reduction (D* - D(t* + d)) / D* for each perturbation d.

  >>> import numpy as np
  >>> from jaxseg import thresholds
  >>> p = np.array([0.9, 0.7, 0.4, 0.1], np.float32)
  >>> reference = np.array([True, True, False, False])
  >>> counts = thresholds.count_case(p, reference, thresholds.grid(11))
  >>> sensitivity(counts, perturbations=(-0.3, 0.2)).round(3).tolist()
  [0.2, 0.333]

  Args:
    counts: `[T + 1]`, or with cases in front `[..., case, T + 1]`.
    perturbations: Shifts d of the threshold. The grid's threshold nearest to
      t* + d is taken.
    aggregate: "pooled", "mean_case" or "worst_case", as in `optimum`.
    threshold: t*, moved to the nearest of the grid; None is the optimum of
      these counts. A threshold chosen on other patients can give negative
      reductions.
    empty: Cases without the structure, as in `optimum`.

  Returns:
    float64 `[perturbation]`; nan where the Dice at t* is 0, where t* + d lies
    beyond the grid's ends, since no map is cut there, and where the grid is too
    coarse for a shift, so that the nearest threshold is t* itself.

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
  grid = np.asarray(counts.on_host().thresholds, np.float64)
  dice = _criterion.scores(counts, "dice", aggregate, empty).values  # [T]
  if threshold is None:
    best = _optimum.optimum(counts, aggregate=aggregate, empty=empty)
    centre = best.index
  else:
    centre = int(_grid.nearest(grid, given))
  if not dice[centre] > 0:
    return np.full(shifts.shape, np.nan)
  there = _grid.nearest(grid, grid[centre] + shifts)
  lost = (dice[centre] - dice[there]) / dice[centre]
  return np.where(reached(grid, grid[centre], shifts), lost, np.nan)


def regret(
  counts: _counts.Counts,
  *,
  at: float = 0.5,
  aggregate: str = "pooled",
  empty: str = "skip",
) -> float:
  """Relative Dice reduction at a threshold other than the optimum.

  >>> import numpy as np
  >>> from jaxseg import thresholds
  >>> p = np.array([0.9, 0.7, 0.4, 0.1], np.float32)
  >>> reference = np.array([True, True, False, False])
  >>> counts = thresholds.count_case(p, reference, thresholds.grid(11))
  >>> round(regret(counts, at=0.1), 3)
  0.333

  Args:
    counts: `[T + 1]`, or with cases in front `[..., case, T + 1]`.
    at: That threshold, moved to the nearest of the grid.
    aggregate: As in `optimum`.
    empty: As in `optimum`.

  Returns:
    (D* - D(at)) / D*; nan where D* is 0.

  Raises:
    ConfigError: The aggregate or the policy is unknown, or `at` is not finite.
    DataError: No case has the structure.
  """
  if not np.isfinite(at):
    raise errors.ConfigError(f"threshold {at} is not finite; give a number")
  grid = np.asarray(counts.on_host().thresholds, np.float64)
  dice = _criterion.scores(counts, "dice", aggregate, empty).values
  best = _optimum.optimum(counts, aggregate=aggregate, empty=empty).index
  if not dice[best] > 0:
    return float("nan")
  there = int(_grid.nearest(grid, at))
  return float((dice[best] - dice[there]) / dice[best])


def derivative(
  counts: _counts.Counts,
  *,
  step: float = 0.01,
  aggregate: str = "pooled",
  empty: str = "skip",
) -> np.ndarray:
  """Slope of Dice with respect to the threshold, by central differences.

  >>> import numpy as np
  >>> from jaxseg import thresholds
  >>> p = np.array([0.9, 0.7, 0.4, 0.1], np.float32)
  >>> reference = np.array([True, True, False, False])
  >>> counts = thresholds.count_case(p, reference, thresholds.grid(11))
  >>> derivative(counts, step=0.1).round(2).tolist()
  [0.0, 0.67, 0.67, 0.0, 1.0, 1.0, 0.0, -1.67, -1.67, -3.33, -6.67]

  Args:
    counts: `[T + 1]`, or with cases in front `[..., case, T + 1]`.
    step: Half of the difference's span; cut off at the grid's ends.
    aggregate: As in `optimum`.
    empty: As in `optimum`.

  Returns:
    float64 `[T]`, Dice per unit of threshold.

  Raises:
    ConfigError: The aggregate or the policy is unknown, or the step reaches no
      other threshold.
    DataError: No case has the structure.
  """
  if not step > 0:
    raise errors.ConfigError(f"step {step} is not above 0; try 0.01")
  grid = np.asarray(counts.on_host().thresholds, np.float64)
  dice = _criterion.scores(counts, "dice", aggregate, empty).values
  below = np.searchsorted(grid, grid - step * (1 + 1e-6), side="left")
  above = np.searchsorted(grid, grid + step * (1 + 1e-6), side="right") - 1
  apart = grid[above] - grid[below]
  if not (apart > 0).all():
    raise errors.ConfigError(
      f"step {step} reaches no other threshold of the grid; take a larger one"
    )
  return (dice[above] - dice[below]) / apart


def reached(
  grid: np.ndarray, centre: np.ndarray | float, shifts: np.ndarray
) -> np.ndarray:
  """Whether a shift leads to another threshold of the grid.

  Where it leads back to the same one the grid is too coarse to show a loss;
  where it leads beyond the grid's ends, a loss at the end would be that of a
  smaller shift.

  Args:
    grid: float64 `[T]`, ascending.
    centre: Thresholds, broadcastable to the shifts.
    shifts: `[...]`.
  """
  wanted = centre + shifts
  moved = grid[_grid.nearest(grid, wanted)] != centre
  # float32(0.8) + 0.2 is just above 1, and means 1.
  within = (wanted > grid[0] - _ROUNDING) & (wanted < grid[-1] + _ROUNDING)
  return (moved & within) | (shifts == 0)
