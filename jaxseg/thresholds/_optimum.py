"""The threshold at which an objective is highest, compared exactly."""

import dataclasses
import fractions

import numpy as np

from jaxseg import errors
from jaxseg.thresholds import _counts
from jaxseg.thresholds import _curves

_OBJECTIVES = ("dice", "iou")
_AGGREGATES = ("pooled", "mean_case")
_POLICIES = ("skip", "perfect")

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
  empty: str = "skip",
) -> Optimum:
  """Finds the threshold of the highest objective.

  Scores of different counts can be equal in floating point and differ; they
  are compared as fractions of integers.

  Args:
    counts: `[T + 1]`, or with cases in front `[..., case, T + 1]`.
    objective: "dice" or "iou".
    aggregate: "pooled" takes the score of the summed counts; "mean_case" the
      mean of the scores of the cases.
    empty: Cases without the structure in "mean_case": "skip" leaves them out;
      with "perfect" such a case scores 1 where nothing is predicted, else 0.

  Raises:
    ConfigError: Objective, aggregate or policy is unknown.
    DataError: No case has the structure: no threshold is better than another.

  References:
    doi:10.1002/acm2.13331.
  """
  numerator, denominator = scores(counts, objective, aggregate, empty)
  best, value = _highest(numerator, denominator)
  runs = np.split(best, np.flatnonzero(np.diff(best) > 1) + 1)
  widest = max(runs, key=len)  # The first of equally wide ones.
  first, last = int(widest[0]), int(widest[-1])
  index = first + (last - first) // 2
  grid = np.asarray(counts.thresholds)
  return Optimum(
    threshold=float(grid[index]),
    value=value,
    low=float(grid[first]),
    high=float(grid[last]),
    index=index,
    first=first,
    last=last,
    runs=len(runs),
  )


def scores(
  counts: _counts.Counts, objective: str, aggregate: str, empty: str
) -> tuple[np.ndarray, np.ndarray]:
  """Numerators and denominators > 0, int64 `[case, T]`, of what is averaged.

  Raises:
    ConfigError: Objective, aggregate or policy is unknown.
    DataError: No case has the structure.
  """
  _one_of(_OBJECTIVES, objective=objective)
  _one_of(_AGGREGATES, aggregate=aggregate)
  _one_of(_POLICIES, empty=empty)
  host = counts.on_host()
  bins = host.positive.shape[-1]
  positive = host.positive.reshape(-1, bins)
  negative = host.negative.reshape(-1, bins)
  has = positive.any(-1)
  if not has.any():
    raise errors.DataError(
      f"none of {len(has)} cases has the structure, so no threshold is best;"
      " leave the structure out"
    )
  if aggregate == "pooled":
    positive, negative = positive.sum(0)[None], negative.sum(0)[None]
  elif empty == "skip":
    positive, negative = positive[has], negative[has]
  kept = _counts.Counts(host.thresholds, positive, negative)
  numerator, denominator = _curves.ratio(objective)(
    kept.true_positive,
    kept.false_positive,
    kept.false_negative,
    kept.true_negative,
  )
  nothing = denominator == 0  # Neither reference nor prediction: 1 / 1.
  return numerator + nothing, denominator + nothing


def _one_of(known: tuple[str, ...], **given: str) -> None:
  for name, value in given.items():
    if value not in known:
      raise errors.ConfigError(
        f"{name} {value!r} is unknown; take {' or '.join(known)}"
      )


def _highest(
  numerator: np.ndarray, denominator: np.ndarray
) -> tuple[np.ndarray, float]:
  """All indices of the exactly highest mean, ascending, and that mean."""
  rounded = (numerator / denominator).mean(0)  # [T]
  near = np.flatnonzero(rounded >= rounded.max() - _NEAR)
  seen: dict[bytes, fractions.Fraction] = {}
  values = []
  for k in near:
    case = numerator[:, k], denominator[:, k]
    key = b"".join(v.tobytes() for v in case)
    if key not in seen:  # A plateau is many thresholds of the same counts.
      a, b = (v.tolist() for v in case)
      seen[key] = sum(map(fractions.Fraction, a, b), fractions.Fraction(0))
    values.append(seen[key])
  highest = max(values)
  best = near[[value == highest for value in values]]
  return best, float(highest / len(numerator))
