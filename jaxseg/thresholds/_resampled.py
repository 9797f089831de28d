"""Curves and optima of many resamples of patients at once."""

from collections.abc import Iterator

import numpy as np

from jaxseg.thresholds import _counts
from jaxseg.thresholds import _criterion
from jaxseg.thresholds import _curves
from jaxseg.thresholds import _optimum

# Curves that are looked at together: 512 of 1001 thresholds are 4 MB.
_BLOCK = 512
_NEAR = 1e-12


class Resampled:
  """One structure's patients, drawn again and again.

  A resample is a row of weights: how often each patient was drawn. Sums of
  counts are then matrix products, exact in float64 below 2**53 voxels.

  Attributes:
    thresholds: `[T]`.
  """

  def __init__(
    self,
    counts: _counts.Counts,
    criterion: str,
    aggregate: str,
    empty: str,
  ):
    self.thresholds = np.asarray(counts.thresholds)
    self._metric, self._pooled = criterion, aggregate == "pooled"
    cases, kept = _criterion.kept(counts, aggregate, empty)
    self._kept, self._cases = kept, cases
    self._has = cases.positive.any(-1)
    self._scores = _criterion.of_cases(cases, criterion, worst=False)
    self._four = [
      v.astype(np.float64)
      for v in (
        cases.true_positive, cases.false_positive,
        cases.false_negative, cases.true_negative,
      )
    ]  # fmt: skip

  def blocks(
    self, index: np.ndarray
  ) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Curves float64 `[block, T]` and weights `[block, case]`."""
    patients = len(self._kept)
    for first in range(0, len(index), _BLOCK):
      some = index[first : first + _BLOCK]
      flat = some + np.arange(len(some))[:, None] * patients
      times = np.bincount(flat.ravel(), minlength=len(some) * patients)
      weights = times.reshape(len(some), patients)[:, self._kept]
      yield self._curves(weights), weights

  def _curves(self, weights: np.ndarray) -> np.ndarray:
    factors = weights.astype(np.float64)
    # Without any patient who has the structure there is nothing to score.
    some = (factors @ self._has.astype(np.float64)) > 0
    with np.errstate(invalid="ignore", divide="ignore"):
      if self._pooled:
        ratio = _curves.ratio(self._metric)
        numerator, denominator = ratio(*(factors @ v for v in self._four))
        values = np.where(denominator > 0, numerator / denominator, 0)
      else:
        values = factors @ self._scores.values_of_cases
        values /= factors.sum(1, keepdims=True)
    return np.where(some[:, None], values, np.nan)

  def optima(self, curves: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Index of each resample's optimum by the exact rule, -1 without one."""
    top = curves.max(1, initial=-np.inf)
    result = np.full(len(curves), -1)
    kinds = self._scores.kinds
    for row in np.flatnonzero(~np.isnan(curves[:, 0])):
      best = np.flatnonzero(curves[row] >= top[row] - _NEAR)
      if kinds[best[0]] != kinds[best[-1]] or (np.diff(kinds[best]) != 0).any():
        # Rounding may hide a difference, or make one: compare fractions.
        best = best[_optimum.largest(self._exact(weights[row]), best)]
      first, last, _ = _optimum.widest(best)
      result[row] = first + (last - first) // 2
    return result

  def _exact(self, weights: np.ndarray) -> _criterion.Scores:
    """Exact scores of one resample."""
    times = np.repeat(np.arange(len(weights)), weights)
    cases = _counts.Counts(
      self.thresholds, self._cases.positive[times], self._cases.negative[times]
    )
    if self._pooled:
      cases = _counts.Counts(
        self.thresholds,
        cases.positive.sum(0, keepdims=True),
        cases.negative.sum(0, keepdims=True),
      )
    return _criterion.of_cases(cases, self._metric, worst=False)


def nearest(grid: np.ndarray, wanted: np.ndarray) -> np.ndarray:
  """Index of the threshold nearest to each wanted one, the lower of two.

  Args:
    grid: float64 `[T]`, ascending.
    wanted: `[...]`.
  """
  above = np.clip(np.searchsorted(grid, wanted), 1, max(1, len(grid) - 1))
  if len(grid) == 1:
    return np.zeros(np.shape(wanted), np.int64)
  below = above - 1
  closer = wanted - grid[below] <= grid[above] - wanted
  return np.where(closer, below, above)


def reached(
  grid: np.ndarray, centre: np.ndarray | float, shifts: np.ndarray
) -> np.ndarray:
  """Whether a shift leads to another threshold, or beyond the grid's ends.

  To one that stays where it is no loss can be shown: the grid is too coarse.

  Args:
    grid: float64 `[T]`, ascending.
    centre: Thresholds, broadcastable to the shifts.
    shifts: `[...]`.
  """
  wanted = centre + shifts
  moved = grid[nearest(grid, wanted)] != centre
  beyond = (wanted < grid[0]) | (wanted > grid[-1])
  return moved | beyond | (shifts == 0)
