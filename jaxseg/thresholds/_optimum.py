"""The threshold at which an objective is highest, compared exactly."""

import dataclasses
import fractions
from typing import Any

import numpy as np

from jaxseg import errors
from jaxseg.thresholds import _counts
from jaxseg.thresholds import _curves

OBJECTIVES = ("dice", "iou")
AGGREGATES = ("pooled", "mean_case")

# Rounding of float64 scores is far below this; what is nearer than it to the
# maximum is compared in exact fractions.
_NEAR = 1e-9


@dataclasses.dataclass(frozen=True)
class Optimum:
  """The best threshold and the plateau around it.

  Attributes:
    threshold: Middle of the widest run of thresholds with the highest value;
      of runs of equal width the lowest.
    value: The objective there.
    low: First threshold of that run.
    high: Last threshold of that run.
    index: Position of `threshold` in the grid.
    first: Position of `low`.
    last: Position of `high`.
    runs: Number of runs that reach the highest value.
  """

  threshold: float
  value: float
  low: float
  high: float
  index: int
  first: int
  last: int
  runs: int


def optimum(
  counts: _counts.Counts,
  *,
  objective: str = "dice",
  aggregate: str = "pooled",
) -> Optimum:
  """Finds the threshold of the highest objective.

  Scores of different counts can be equal in floating point and differ; they
  are compared as fractions of integers.

  Args:
    counts: `[T + 1]`, or with cases in front `[..., case, T + 1]`.
    objective: "dice" or "iou".
    aggregate: "pooled" takes the score of the summed counts; "mean_case" the
      mean of the scores of the cases that have the structure.

  Raises:
    ConfigError: Objective or aggregate is unknown.
    DataError: No case has the structure: no threshold is better than another.

  References:
    doi:10.1002/acm2.13331.
  """
  if objective not in OBJECTIVES:
    raise errors.ConfigError(
      f"objective {objective!r} is unknown; take {' or '.join(OBJECTIVES)}"
    )
  if aggregate not in AGGREGATES:
    raise errors.ConfigError(
      f"aggregate {aggregate!r} is unknown; take {' or '.join(AGGREGATES)}"
    )
  numerator, denominator = _fractions(counts, objective, aggregate)
  scores = (numerator / denominator).mean(0)  # [T]
  near = np.flatnonzero(scores >= scores.max() - _NEAR)
  exact: dict[Any, fractions.Fraction] = {}
  values = []
  for k in near:
    key = numerator[:, k].tobytes() + denominator[:, k].tobytes()
    if key not in exact:  # A plateau is many thresholds of the same counts.
      exact[key] = sum(
        map(
          fractions.Fraction,
          numerator[:, k].tolist(),
          denominator[:, k].tolist(),
        ),
        fractions.Fraction(0),
      )
    values.append(exact[key])
  highest = max(values)
  best = near[[value == highest for value in values]]
  runs = np.split(best, np.flatnonzero(np.diff(best) > 1) + 1)
  widest = max(runs, key=len)  # The first of equally wide ones.
  first, last = int(widest[0]), int(widest[-1])
  index = first + (last - first) // 2
  grid = np.asarray(counts.thresholds)
  return Optimum(
    threshold=float(grid[index]),
    value=float(highest / len(numerator)),
    low=float(grid[first]),
    high=float(grid[last]),
    index=index,
    first=first,
    last=last,
    runs=len(runs),
  )


def _fractions(
  counts: _counts.Counts, objective: str, aggregate: str
) -> tuple[np.ndarray, np.ndarray]:
  """Numerators and denominators, int64 `[case, T]`, of cases to average."""
  host = counts.on_host()
  bins = host.positive.shape[-1]
  positive = host.positive.reshape(-1, bins)
  negative = host.negative.reshape(-1, bins)
  if aggregate == "pooled":
    positive, negative = positive.sum(0)[None], negative.sum(0)[None]
  has = positive.sum(-1) > 0
  if not has.any():
    raise errors.DataError(
      f"none of {len(has)} cases has the structure, so no threshold is best;"
      " leave the structure out"
    )
  kept = _counts.Counts(host.thresholds, positive[has], negative[has])
  return _curves.ratio(objective)(
    kept.true_positive,
    kept.false_positive,
    kept.false_negative,
    kept.true_negative,
  )
