"""The threshold that is best for a criterion, compared exactly."""

import dataclasses
import fractions

import numpy as np
from numpy import typing as npt

from jaxseg import errors
from jaxseg.thresholds import _counts
from jaxseg.thresholds import _criterion

# Rounding of float64 scores is far below this; scores nearer than this to the
# maximum are compared as exact fractions.
_NEAR = 1e-9


@dataclasses.dataclass(frozen=True)
class Optimum:
  """The best threshold and the plateau around it.

  Attributes:
    threshold: Middle of the widest run of thresholds with the highest value; of
      equally wide runs, the lowest.
    value: The criterion there.
    low: First threshold of that run.
    high: Last threshold of that run.
    index: Position of `threshold` in the grid.
    first: Position of `low`.
    last: Position of `high`.
    runs: Number of runs that reach the highest value.
    epsilon: By how much the criterion may fall short of `value`.
    near_low: First threshold of the run around `threshold` in which the
      criterion is within `epsilon`.
    near_high: Last threshold of that run.
  """

  threshold: float
  value: float
  low: float
  high: float
  index: int
  first: int
  last: int
  runs: int
  epsilon: float
  near_low: float
  near_high: float

  @property
  def width(self) -> float:
    """How far the threshold may move within `epsilon`: near_high - near_low."""
    return self.near_high - self.near_low


def optimum(
  counts: _counts.Counts,
  *,
  criterion: str = "dice",
  aggregate: str = "pooled",
  empty: str = "skip",
  epsilon: float = 0.01,
) -> Optimum:
  """Finds the threshold that is best for a criterion.

  Scores that differ can be equal in floating point; they are compared as
  fractions of integers.

  >>> import numpy as np
  >>> from jaxseg import thresholds
  >>> p = np.array([0.9, 0.7, 0.4, 0.1], np.float32)
  >>> reference = np.array([True, True, False, False])
  >>> counts = thresholds.count_case(p, reference, thresholds.grid(11))
  >>> best = optimum(counts)
  >>> round(best.threshold, 2), best.value
  (0.6, 1.0)
  >>> round(best.low, 2), round(best.high, 2)  # Equally good.
  (0.5, 0.7)

  Args:
    counts: `[T + 1]`, or with cases in front `[..., case, T + 1]`.
    criterion: "dice", "iou" or F-beta as "f2" or "f0.5"; "volume" for the
      predicted volume nearest to the reference's (its value is minus the
      relative difference); "recall>=0.95" for the fewest false positives with
      at least that recall; "precision>=0.9" or "specificity>=0.99" for the most
      true positives.
    aggregate: "pooled" is the score of the summed counts; "mean_case" the mean
      of the cases' scores; "worst_case" the lowest of them, so that the optimum
      is the best threshold for the worst patient.
    empty: Cases without the structure in "mean_case" and "worst_case": "skip"
      leaves them out; with "perfect" such a case scores 1 where nothing is
      predicted, else 0.
    epsilon: How far the criterion may fall short in the neighbourhood that is
      nearly as good.

  Returns:
    The optimum. With a bound such as "recall>=0.95", `value` is the bounded
    metric, and `epsilon` plays no part: the neighbourhood is the run.

  Raises:
    ConfigError: The criterion, the aggregate or the policy is unknown.
    DataError: No case has the structure, so that no threshold is better than
      another, or no threshold keeps the bound.

  References:
    doi:10.1002/acm2.13331.
  """
  bound = _criterion.constraint(criterion)
  if bound is not None:
    scores = _criterion.scores(counts, bound[0], aggregate, empty)
    total = _criterion.kept(counts, aggregate, empty)[0].sum(0)
    best, near = within(scores, total, *bound), None
  else:
    scores = _criterion.scores(counts, criterion, aggregate, empty)
    best = highest(scores)
    near = scores.values
  run = widest(best)
  grid = np.asarray(counts.on_host().thresholds)
  value = float(scores.exact(run.index))
  low, high = run.first, run.last
  if near is not None:
    low, high = _neighbourhood(near >= value - epsilon, run.first, run.last)
  return Optimum(
    threshold=float(grid[run.index]),
    value=value,
    low=float(grid[run.first]),
    high=float(grid[run.last]),
    **vars(run),
    epsilon=epsilon,
    near_low=float(grid[low]),
    near_high=float(grid[high]),
  )


@dataclasses.dataclass(frozen=True)
class Run:
  """Neighbouring thresholds that are equally good.

  Attributes:
    index: Position of the middle one; of two, the lower.
    first: Position of the first.
    last: Position of the last.
    runs: Number of such runs, of which this is the widest.
  """

  index: int
  first: int
  last: int
  runs: int


def widest_run(values: npt.ArrayLike) -> Run:
  """The widest run of thresholds that reach the highest value of a curve.

  It is how `optimum` chooses among equally good thresholds, for a curve of
  anything else. Values are compared as they are; nan is never the highest.

  >>> widest_run([0.0, 0.9, 0.5, 0.9, 0.9, 0.9, 0.1])
  Run(index=4, first=3, last=5, runs=2)

  Args:
    values: Numbers, `[T]`.

  Returns:
    The run; of equally wide ones, the first.

  Raises:
    DataError: No value is a number.
  """
  curve = np.asarray(values)
  known = ~np.isnan(curve)
  if not known.any():
    raise errors.DataError(
      f"none of {curve.size} values is a number, so no threshold is best"
    )
  return widest(np.flatnonzero(curve == curve[known].max()))


def highest(scores: _criterion.Scores) -> np.ndarray:
  """Positions of the exactly highest score, ascending."""
  values = scores.values
  near = np.flatnonzero(values >= values.max() - _NEAR)
  return near[largest(scores, near)]


def widest(best: np.ndarray) -> Run:
  """The widest run among ascending positions."""
  first, last, number = int(best[0]), int(best[-1]), 1
  if last - first >= len(best):
    runs = np.split(best, np.flatnonzero(np.diff(best) > 1) + 1)
    run = max(runs, key=len)  # The first of equally wide ones.
    first, last, number = int(run[0]), int(run[-1]), len(runs)
  return Run(first + (last - first) // 2, first, last, number)


def largest(scores: _criterion.Scores, near: np.ndarray) -> np.ndarray:
  """Which of the given thresholds reach the exactly highest score, bool."""
  kinds = scores.kinds[near]
  if (kinds == kinds[0]).all():  # They tie, whatever their score.
    return np.ones(len(near), np.bool_)
  exact: dict[int, fractions.Fraction] = {}
  for kind, k in zip(kinds.tolist(), near.tolist(), strict=True):
    if kind not in exact:  # On a plateau many thresholds have equal counts.
      exact[kind] = scores.exact(k)
  top = max(exact.values())
  return np.array([exact[kind] == top for kind in kinds.tolist()])


def _neighbourhood(good: np.ndarray, first: int, last: int) -> tuple[int, int]:
  """The run of good thresholds around first..last."""
  bad = np.flatnonzero(~good)
  below, above = bad[bad < first], bad[bad > last]
  low = int(below[-1]) + 1 if len(below) else 0
  high = int(above[0]) - 1 if len(above) else len(good) - 1
  return low, high


def within(
  scores: _criterion.Scores,
  total: _counts.Counts,
  metric: str,
  bound: fractions.Fraction,
) -> np.ndarray:
  """Positions of the best thresholds that keep a bound, ascending.

  Args:
    scores: Of the bounded metric.
    total: Summed counts of the same cases, `[T + 1]`.
    metric: The bounded metric.
    bound: What it must reach.

  Raises:
    DataError: No threshold keeps it.
  """
  values = scores.values
  allowed = values >= float(bound)
  for k in np.flatnonzero(abs(values - float(bound)) < _NEAR).tolist():
    allowed[k] = scores.exact(k) >= bound
  if not allowed.any():
    raise errors.DataError(
      f"no threshold reaches {metric} {float(bound):g}; the highest is"
      f" {values.max():.4g}"
    )
  fewer, more = -total.false_positive, total.true_positive
  goals = (fewer, more) if metric == "recall" else (more, fewer)
  best = np.flatnonzero(allowed)
  for goal in goals:
    best = best[goal[best] == goal[best].max()]
  return best
