"""The threshold at which a criterion is highest, compared exactly."""

import dataclasses
import fractions

import numpy as np

from jaxseg import errors
from jaxseg.thresholds import _counts
from jaxseg.thresholds import _criterion

# Rounding of float64 scores is far below this; what is nearer than it to the
# maximum is compared in exact fractions.
_NEAR = 1e-9


@dataclasses.dataclass(frozen=True)
class Optimum:
  """The best threshold and the plateau around it.

  Attributes:
    threshold: Middle of the widest run of thresholds with the highest value;
      of runs of equal width the lowest.
    value: The criterion there.
    low: First threshold of that run.
    high: Last threshold of that run.
    index: Position of `threshold` in the grid.
    first: Position of `low`.
    last: Position of `high`.
    runs: Number of runs that reach the highest value.
    epsilon: What the criterion may fall short of `value` by.
    near_low: First threshold of the run about `threshold` whose values are
      within `epsilon`.
    near_high: Last threshold of it.
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
  """Finds the threshold of the highest criterion.

  Scores of different counts can be equal in floating point and differ; they
  are compared as fractions of integers.

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
      at least that recall, "precision>=0.9" and "specificity>=0.99" for the
      most true positives.
    aggregate: "pooled" takes the score of the summed counts; "mean_case" the
      mean of the scores of the cases; "worst_case" the lowest of them, so that
      the optimum is the best threshold for the worst patient.
    empty: Cases without the structure in "mean_case" and "worst_case": "skip"
      leaves them out; with "perfect" such a case scores 1 where nothing is
      predicted, else 0.
    epsilon: For the width of the neighbourhood that is nearly as good.

  Returns:
    The optimum. Of a bound such as "recall>=0.95", `value` is the metric that
    is bounded, and `epsilon` has no part: the neighbourhood is the run.

  Raises:
    ConfigError: Criterion, aggregate or policy is unknown.
    DataError: No case has the structure: no threshold is better than another;
      or no threshold keeps the bound.

  References:
    doi:10.1002/acm2.13331.
  """
  bound = _criterion.constraint(criterion)
  if bound is not None:
    best, scores = _within(counts, *bound, aggregate, empty)
    near = None
  else:
    scores = _criterion.scores(counts, criterion, aggregate, empty)
    best = highest(scores)
    near = scores.values
  first, last, runs = widest(best)
  index = first + (last - first) // 2
  grid = np.asarray(counts.on_host().thresholds)
  value = float(scores.exact(index))
  low, high = first, last
  if near is not None:
    low, high = _neighbourhood(near >= value - epsilon, first, last)
  return Optimum(
    threshold=float(grid[index]),
    value=value,
    low=float(grid[first]),
    high=float(grid[last]),
    index=index,
    first=first,
    last=last,
    runs=runs,
    epsilon=epsilon,
    near_low=float(grid[low]),
    near_high=float(grid[high]),
  )


def highest(scores: _criterion.Scores) -> np.ndarray:
  """All indices of the exactly highest score, ascending."""
  values = scores.values
  near = np.flatnonzero(values >= values.max() - _NEAR)
  return near[largest(scores, near)]


def widest(best: np.ndarray) -> tuple[int, int, int]:
  """First and last of the widest run of ascending indices, number of runs."""
  runs = np.split(best, np.flatnonzero(np.diff(best) > 1) + 1)
  run = max(runs, key=len)  # The first of equally wide ones.
  return int(run[0]), int(run[-1]), len(runs)


def largest(scores: _criterion.Scores, near: np.ndarray) -> np.ndarray:
  """Which of some thresholds reach the exactly highest score, bool."""
  kinds = scores.kinds[near]
  exact: dict[int, fractions.Fraction] = {}
  for kind, k in zip(kinds.tolist(), near.tolist(), strict=True):
    if kind not in exact:  # A plateau is many thresholds of the same counts.
      exact[kind] = scores.exact(k)
  top = max(exact.values())
  return np.array([exact[kind] == top for kind in kinds.tolist()])


def _neighbourhood(good: np.ndarray, first: int, last: int) -> tuple[int, int]:
  """The run of good thresholds about first..last."""
  bad = np.flatnonzero(~good)
  below, above = bad[bad < first], bad[bad > last]
  low = int(below[-1]) + 1 if len(below) else 0
  high = int(above[0]) - 1 if len(above) else len(good) - 1
  return low, high


def _within(
  counts: _counts.Counts,
  metric: str,
  bound: fractions.Fraction,
  aggregate: str,
  empty: str,
) -> tuple[np.ndarray, _criterion.Scores]:
  """The best of the thresholds that keep a bound, and the bounded scores."""
  scores = _criterion.scores(counts, metric, aggregate, empty)
  values = scores.values
  allowed = values >= float(bound)
  for k in np.flatnonzero(abs(values - float(bound)) < _NEAR).tolist():
    allowed[k] = scores.exact(k) >= bound
  if not allowed.any():
    raise errors.DataError(
      f"no threshold reaches {metric} {float(bound):g}; the highest is"
      f" {values.max():.4g}"
    )
  cases, _ = _criterion.kept(counts, aggregate, empty)
  total = cases.sum(0)
  fewer, more = -total.false_positive, total.true_positive
  goals = (fewer, more) if metric == "recall" else (more, fewer)
  best = np.flatnonzero(allowed)
  for goal in goals:
    best = best[goal[best] == goal[best].max()]
  return best, scores
