"""Scores of all cases but some, from sums over all: linear in their number.

To leave out each of n cases in turn and score the others anew takes n^2 steps.
Here the score of the others is the sum of all minus that of those left out.
Every comparison stays exact: rounded sums only say which thresholds come near
to the highest score, and fractions of integers decide among these.
"""

from collections.abc import Sequence
import dataclasses
import fractions
import functools
import math
from typing import Any

import numpy as np

from jaxseg import errors
from jaxseg.thresholds import _counts
from jaxseg.thresholds import _criterion

# Rounding of one score is far below this share of it.
_ROUNDED = 1e-12


class LeftOut:
  """Cases in folds, and the scores of all but one of the folds."""

  def __init__(
    self, cases: _counts.Counts, fold: np.ndarray, metric: str, aggregate: str
  ):
    """Adds up what all folds share.

    Args:
      cases: Those that take part, `[case, T + 1]`, on the host.
      fold: Of each case, `[case]`, from 0; none is empty.
      metric: As in `curve`.
      aggregate: One of `_criterion.AGGREGATES`.
    """
    self._cases, self._metric = cases, metric
    self._aggregate = aggregate
    order = np.argsort(fold, kind="stable")
    starts = np.flatnonzero(np.diff(fold[order], prepend=-1))
    self._members = np.split(order, starts[1:])
    self._total = cases.sum(0)
    self._mixed = None
    if aggregate != "pooled":
      kind = _Mean if aggregate == "mean_case" else _Worst
      scores = _criterion.of_cases(cases, metric, worst=False)
      self._mixed = kind(scores, self._members)

  def total(self, fold: int) -> _counts.Counts:
    """Summed counts of all other folds, `[T + 1]`."""
    own = self._cases[self._members[fold]].sum(0)
    return _counts.Counts(
      self._total.thresholds,
      self._total.positive - own.positive,
      self._total.negative - own.negative,
    )

  def scores(self, fold: int) -> Any:
    """Scores of all other folds, as `_criterion.Scores` has them.

    Raises:
      DataError: None of them has the structure.
    """
    rest = self.total(fold)
    if not rest.positive.any():
      number = len(self._cases.positive) - len(self._members[fold])
      raise errors.DataError(_criterion.none_has_it(number))
    if self._mixed is not None:
      return self._mixed.without(fold)
    return _criterion.of_cases(
      _counts.Counts.stack([rest]), self._metric, worst=False
    )


@dataclasses.dataclass(frozen=True, eq=False)
class _Rest:
  """Scores without one fold; what `_optimum` needs of `_criterion.Scores`.

  Attributes:
    values: float64 `[T]`, rounded.
    kinds: `[T]`: equal numbers mark thresholds with equal scores in all cases.
  """

  whole: "_Mixed"
  fold: int
  values: np.ndarray

  @functools.cached_property
  def kinds(self) -> np.ndarray:
    whole = self.whole
    own = whole.changes[whole.members[self.fold]].sum(0)
    return np.concatenate([[0], np.cumsum(whole.change - own > 0)])

  def exact(self, k: int) -> fractions.Fraction:
    return self.whole.exact(self.fold, k)


class _Mixed:
  """What the mean and the worst of the cases' scores have in common."""

  def __init__(self, scores: _criterion.Scores, members: Sequence[np.ndarray]):
    self.members = members
    self._scores = scores
    two = scores.numerator, scores.denominator
    # Where a case's score differs from that at the threshold before.
    self.changes = np.logical_or(*(v[:, 1:] != v[:, :-1] for v in two))
    self.change = self.changes.sum(0)

  def exact(self, fold: int, k: int) -> fractions.Fraction:
    raise NotImplementedError


class _Mean(_Mixed):
  """The mean over the cases."""

  def __init__(self, scores: _criterion.Scores, members: Sequence[np.ndarray]):
    super().__init__(scores, members)
    each = scores.values_of_cases
    sums = np.stack([each[own].sum(0) for own in members])
    nothing = np.zeros_like(sums[:1])
    # From both ends; a difference would lose digits beside a large score.
    self._before = np.cumsum(np.concatenate([nothing, sums[:-1]]), axis=0)
    self._after = np.cumsum(np.concatenate([nothing, sums[:0:-1]]), axis=0)[
      ::-1
    ]
    self._totals: dict[int, fractions.Fraction] = {}

  def without(self, fold: int) -> _Rest:
    values = self._before[fold] + self._after[fold]
    return _Rest(self, fold, values / self._left(fold))

  def exact(self, fold: int, k: int) -> fractions.Fraction:
    if k not in self._totals:
      self._totals[k] = self._sum(slice(None), k)
    own = self._sum(self.members[fold], k)
    return (self._totals[k] - own) / self._left(fold)

  def _sum(self, which: Any, k: int) -> fractions.Fraction:
    scores = self._scores
    return _criterion.exact_sum(
      scores.numerator[which, k], scores.denominator[which, k]
    )

  def _left(self, fold: int) -> int:
    return len(self.changes) - len(self.members[fold])


class _Worst(_Mixed):
  """The lowest of the cases."""

  def __init__(self, scores: _criterion.Scores, members: Sequence[np.ndarray]):
    super().__init__(scores, members)
    each = scores.values_of_cases
    lowest = np.stack([each[own].min(0) for own in members])
    self._where = lowest.argmin(0)
    two = np.partition(lowest, 1, axis=0)
    self._first, self._second = two[0], two[1]

  def without(self, fold: int) -> _Rest:
    own = self._where == fold
    return _Rest(self, fold, np.where(own, self._second, self._first))

  def exact(self, fold: int, k: int) -> fractions.Fraction:
    each = self._scores.values_of_cases[:, k].copy()
    each[self.members[fold]] = math.inf
    low = each.min()
    near = np.flatnonzero(each <= low + _ROUNDED * max(1.0, abs(low)))
    return min(
      fractions.Fraction(
        int(self._scores.numerator[i, k]), int(self._scores.denominator[i, k])
      )
      for i in near
    )
