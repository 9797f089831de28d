"""Curves and optima of many resamples at once, by products of matrices."""

from collections.abc import Iterator
import dataclasses
import fractions
import functools
from typing import Any

import numpy as np

from jaxseg import errors
from jaxseg.thresholds import _counts
from jaxseg.thresholds import _criterion
from jaxseg.thresholds import _curves
from jaxseg.thresholds import _optimum

# Curves processed together: 512 of 1001 thresholds are 4 MB.
_BLOCK = 512
# Rounding of float64 sums is below this; see `Resampled.optima`.
_NEAR = 1e-12


class Resampled:
  """Curves and optima of many resamples of one structure's patients.

  A resample is a row of weights: how often each case was drawn. Sums of
  counts are then matrix products, exact in float64 below 2**53 voxels.

  Attributes:
    thresholds: `[T]`.
  """

  def __init__(
    self,
    counts: _counts.Counts,
    patients: np.ndarray,
    criterion: str,
    aggregate: str,
    empty: str,
  ):
    self.thresholds = np.asarray(counts.thresholds)
    self._bound = _criterion.constraint(criterion)
    self._metric = self._bound[0] if self._bound else criterion
    self._pooled = aggregate == "pooled"
    cases, kept = _criterion.kept(counts, aggregate, empty)
    self._number = int(patients.max()) + 1
    self._patients = patients[kept]
    self._has = cases.positive.any(-1).astype(np.float64)
    self._two = cases.true_positive, cases.false_positive
    self._sizes = [v.sum(-1) for v in (cases.positive, cases.negative)]
    self._scores = _criterion.of_cases(cases, self._metric, worst=False)

  def blocks(
    self, index: np.ndarray
  ) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Curves float64 `[block, T]` and weights `[block, case]`."""
    for first in range(0, len(index), _BLOCK):
      some = index[first : first + _BLOCK]
      flat = some + np.arange(len(some))[:, None] * self._number
      times = np.bincount(flat.ravel(), minlength=len(some) * self._number)
      weights = times.reshape(len(some), self._number)[:, self._patients]
      yield self._curves(weights), weights

  def _curves(self, weights: np.ndarray) -> np.ndarray:
    factors = weights.astype(np.float64)
    # If no patient drawn has the structure there is nothing to score.
    some = (factors @ self._has) > 0
    with np.errstate(invalid="ignore", divide="ignore"):
      if self._pooled:
        numerator, denominator = _curves.ratio(self._metric)(
          *self._four(factors)
        )
        # As `_criterion.of_four` has it: without a negative none is wrong.
        undefined = float(self._metric == "specificity")
        values = np.where(denominator > 0, numerator / denominator, undefined)
      else:
        values = factors @ self._scores.values_of_cases
        values /= factors.sum(1, keepdims=True)
    return np.where(some[:, None], values, np.nan)

  def errors(
    self,
    curves: np.ndarray,
    weights: np.ndarray,
    columns: np.ndarray | None = None,
  ) -> np.ndarray:
    """Standard errors of the values of each resample, by linearisation.

    A value is a ratio of sums over patients, of a metric's two parts or of
    scores and cases; its error is that of the residuals, n - 1 in the place of
    n. nan where nobody is drawn, or the metric is no share.

    Args:
      curves: `[resample, T]`, or the values at `columns`, `[resample]`.
      weights: Of the cases, `[resample, case]`.
      columns: A threshold for each resample; None is all.
    """
    if self._bound is not None or self._metric in _curves.SIGNED:
      return np.full(curves.shape, np.nan)
    above, below = self._parts
    first = np.unique(self._patients, return_index=True)[1]
    drawn = weights[:, first].astype(np.float64)
    number = drawn.sum(1)
    if columns is None:
      squares = _squares(drawn, above, below, curves, number[:, None])
    else:
      squares = np.full(len(curves), np.nan)
      for k in np.unique(columns):
        own = columns == k
        if k >= 0:
          one = np.s_[:, k : k + 1]
          squares[own] = _squares(
            drawn[own], above[one], below[one], curves[own, None],
            number[own, None],
          )[:, 0]  # fmt: skip
    return np.sqrt(squares)

  @functools.cached_property
  def _parts(self) -> tuple[np.ndarray, np.ndarray]:
    """Numerator and denominator of each patient, float64 `[patient, T]`."""
    if self._pooled:
      tp, fp, inside, outside = self._floats
      above, below = _curves.ratio(self._metric)(
        tp, fp, inside[:, None] - tp, outside[:, None] - fp
      )
    else:
      above = self._scores.values_of_cases
      below = np.ones_like(above)
    _, patient = np.unique(self._patients, return_inverse=True)
    shape = (patient.max(initial=-1) + 1, above.shape[1])
    sums = np.zeros(shape), np.zeros(shape)
    for total, part in zip(sums, (above, below), strict=True):
      np.add.at(total, patient, part)
    return sums

  @functools.cached_property
  def _floats(self) -> list[np.ndarray]:
    return [v.astype(np.float64) for v in (*self._two, *self._sizes)]

  def _four(self, factors: np.ndarray) -> tuple[np.ndarray, ...]:
    """Summed counts of each resample, float64 `[resample, T]` of whole ones."""
    tp, fp, inside, outside = (factors @ v for v in self._floats)
    return tp, fp, inside[:, None] - tp, outside[:, None] - fp

  def optima(self, curves: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Position of each resample's optimum by the exact rule; -1 if none."""
    if self._bound is not None:
      return self._bounded(curves, weights)
    top = curves.max(1, initial=-np.inf)
    result = np.full(len(curves), -1)
    kinds = self._scores.kinds
    for row in np.flatnonzero(~np.isnan(curves[:, 0])):
      best = np.flatnonzero(curves[row] >= top[row] - _NEAR)
      if kinds[best[0]] != kinds[best[-1]] or (np.diff(kinds[best]) != 0).any():
        # Rounding may hide a difference or make one: compare fractions.
        best = best[_optimum.largest(self._exact(weights[row]), best)]
      result[row] = _optimum.widest(best).index
    return result

  def _bounded(self, curves: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """The same where the criterion is a bound."""
    if self._bound is None:
      return np.full(len(curves), -1)
    result = np.full(len(curves), -1)
    factors = weights.astype(np.float64)
    found = (np.rint(factors @ v).astype(np.int64) for v in self._floats[:2])
    for row, (tp, fp) in enumerate(zip(*found, strict=True)):
      if np.isnan(curves[row, 0]):
        continue
      scores: Any
      if self._pooled:
        scores = self._summed(tp, fp, weights[row])
        curves[row] = scores.values
      else:
        scores = _Weighted(self._scores, weights[row], curves[row])
      try:
        total: Any = _Total(tp, fp)
        best = _optimum.within(scores, total, *self._bound)
      except errors.DataError:
        continue  # No threshold keeps it in this resample.
      result[row] = _optimum.widest(best).index
    return result

  def _exact(self, weights: np.ndarray) -> Any:
    """Exact scores of one resample."""
    if not self._pooled:
      return _Weighted(self._scores, weights, None)
    tp, fp = (weights @ v for v in self._two)
    return self._summed(tp, fp, weights)

  def _summed(
    self, tp: np.ndarray, fp: np.ndarray, weights: np.ndarray
  ) -> _criterion.Scores:
    inside, outside = (int(weights @ v) for v in self._sizes)
    tp, fp = tp[np.newaxis], fp[np.newaxis]
    return _criterion.of_four(
      tp, fp, inside - tp, outside - fp, self._metric, worst=False
    )


def _squares(
  drawn: np.ndarray,
  above: np.ndarray,
  below: np.ndarray,
  values: np.ndarray,
  number: np.ndarray,
) -> np.ndarray:
  """Squared standard errors, `[resample, T]`, of ratios of sums."""
  residuals = (
    drawn @ above**2
    - 2 * values * (drawn @ (above * below))
    + values**2 * (drawn @ below**2)
  )
  with np.errstate(invalid="ignore", divide="ignore"):
    share = residuals / (drawn @ below) ** 2 * number / (number - 1)
  # What is left of a difference of equal numbers is no error.
  return np.where(share > _NEAR * values**2, share, share * 0)


@dataclasses.dataclass(frozen=True, eq=False)
class _Total:
  """Summed counts, integers `[T]`; what `_optimum.within` needs of them."""

  true_positive: np.ndarray
  false_positive: np.ndarray


@dataclasses.dataclass(frozen=True, eq=False)
class _Weighted:
  """The mean score of cases drawn several times; as `_criterion.Scores`."""

  scores: _criterion.Scores
  weights: np.ndarray
  values: np.ndarray | None

  @functools.cached_property
  def kinds(self) -> np.ndarray:
    drawn = self.weights > 0
    return dataclasses.replace(
      self.scores,
      numerator=self.scores.numerator[drawn],
      denominator=self.scores.denominator[drawn],
    ).kinds

  def exact(self, k: int) -> fractions.Fraction:
    scores = self.scores
    return _criterion.exact_sum(
      scores.numerator[:, k], scores.denominator[:, k], self.weights
    ) / int(self.weights.sum())
