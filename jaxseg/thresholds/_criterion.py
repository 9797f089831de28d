"""What a threshold is chosen for: scores of cases, exact to the last voxel.

A criterion is a metric to be highest, or a bound to be kept. Scores are
fractions of integers, so that none that differ look equal.
"""

import dataclasses
import fractions
import functools
import math
import re

import numpy as np

from jaxseg import _empty
from jaxseg import errors
from jaxseg.thresholds import _counts
from jaxseg.thresholds import _curves

AGGREGATES = ("pooled", "mean_case", "worst_case")
# A case without the structure is left out or scored; nan cannot be compared.
_POLICIES = ("skip", "perfect")
_CONSTRAINT = re.compile(r"(recall|precision|specificity)>=([01]?\.?[0-9]*)")


@dataclasses.dataclass(frozen=True, eq=False)
class Scores:
  """Scores of cases as fractions of integers.

  Attributes:
    numerator: int64 `[case, T]`; a single row if cases are pooled.
    denominator: int64 `[case, T]`, above 0.
    worst: Whether the worst case counts; otherwise their mean does.
  """

  numerator: np.ndarray
  denominator: np.ndarray
  worst: bool

  @functools.cached_property
  def values_of_cases(self) -> np.ndarray:
    """float64 `[case, T]`, rounded."""
    return self.numerator / self.denominator

  @functools.cached_property
  def values(self) -> np.ndarray:
    """float64 `[T]`, rounded."""
    each = self.values_of_cases
    return each.min(0) if self.worst else each.mean(0)

  def exact(self, k: int) -> fractions.Fraction:
    """The score at a threshold, exactly."""
    above, below = self.numerator[:, k], self.denominator[:, k]
    if not self.worst:
      return exact_sum(above, below) / len(above)
    return min(
      fractions.Fraction(a, b)
      for a, b in zip(above.tolist(), below.tolist(), strict=True)
    )

  @functools.cached_property
  def kinds(self) -> np.ndarray:
    """`[T]`: equal numbers mark thresholds with equal scores in all cases.

    Neighbouring thresholds mostly differ; where they do not, they are known to
    tie without forming a fraction.
    """
    both = np.concatenate([self.numerator, self.denominator])
    new = (both[:, 1:] != both[:, :-1]).any(0)
    return np.concatenate([[0], np.cumsum(new)])


def check_criterion(criterion: str) -> None:
  """Refuses a criterion that `optimum` does not know.

  >>> check_criterion("recall>=0.95")

  Args:
    criterion: A metric as in `curve`, or a bound such as "recall>=0.95".

  Raises:
    ConfigError: It is unknown, or has no best value.
  """
  if criterion == "volume_difference":
    raise errors.ConfigError(
      "criterion 'volume_difference' has a sign, and is highest at threshold 0;"
      " take volume"
    )
  if constraint(criterion) is None:
    _curves.ratio(criterion)


def check(criterion: str, aggregate: str, empty: str) -> None:
  """Checks the options of a choice.

  Raises:
    ConfigError: The criterion, the aggregate or the policy is unknown.
  """
  check_criterion(criterion)
  if aggregate not in AGGREGATES:
    raise errors.ConfigError(
      f"aggregate {aggregate!r} is unknown; take one of {', '.join(AGGREGATES)}"
    )
  _empty.check(empty, known=_POLICIES)


def constraint(criterion: str) -> tuple[str, fractions.Fraction] | None:
  """Metric and bound of a criterion such as "recall>=0.95", else None.

  Raises:
    ConfigError: It is no text, or the bound is not a number in [0, 1].
  """
  if not isinstance(criterion, str):
    raise errors.ConfigError(
      f"criterion is {criterion!r}; give the name of a metric, such as dice"
    )
  if ">=" not in criterion:
    return None
  match = _CONSTRAINT.fullmatch(criterion.replace(" ", ""))
  try:
    bound = fractions.Fraction(match[2]) if match else None
  except ValueError:
    bound = None
  if match is None or bound is None or bound > 1:
    raise errors.ConfigError(
      f"criterion {criterion!r} is not a bound; write recall>=0.95,"
      " precision>= or specificity>= with a number from 0 to 1"
    )
  return match[1], bound


def kept(
  counts: _counts.Counts, aggregate: str, empty: str
) -> tuple[_counts.Counts, np.ndarray]:
  """The cases that take part, `[case, T + 1]` on the host, and which those are.

  Raises:
    DataError: No case has the structure.
  """
  cases = _counts.cases(counts)
  has = np.asarray(cases.positive.any(-1))
  if not has.any():
    raise errors.DataError(none_has_it(len(has)))
  if aggregate == "pooled" or empty == "perfect":
    has = np.ones_like(has)
  return cases[has], has


def scores(
  counts: _counts.Counts, metric: str, aggregate: str, empty: str
) -> Scores:
  """Scores of the cases, or of their sum.

  Args:
    counts: `[..., T + 1]`.
    metric: As in `curve`.
    aggregate: One of `AGGREGATES`.
    empty: "skip" or "perfect".

  Raises:
    ConfigError: An option is unknown.
    DataError: No case has the structure.
  """
  check(metric, aggregate, empty)
  cases, _ = kept(counts, aggregate, empty)
  if aggregate == "pooled":
    cases = _counts.pooled(cases)
  return of_cases(cases, metric, worst=aggregate == "worst_case")


def of_cases(cases: _counts.Counts, metric: str, *, worst: bool) -> Scores:
  """Scores of counts `[case, T + 1]`.

  A score of 0 / 0 is the best if prediction and reference are both empty, and
  otherwise the worst, as in `curve` with empty="perfect".
  """
  _refuse_overflow(cases, metric)
  return of_four(
    cases.true_positive,
    cases.false_positive,
    cases.false_negative,
    cases.true_negative,
    metric,
    worst=worst,
  )


def of_four(
  tp: np.ndarray,
  fp: np.ndarray,
  fn: np.ndarray,
  tn: np.ndarray,
  metric: str,
  *,
  worst: bool,
) -> Scores:
  """Scores of integer counts `[case, T]`, as of `of_cases`."""
  numerator, denominator = _curves.ratio(metric)(tp, fp, fn, tn)
  undefined = denominator == 0
  if metric == "volume":  # -0 / 1, the best; or -FP / 1 without a reference.
    return Scores(numerator, denominator + undefined, worst)
  perfect = undefined & ((tp + fp + fn == 0) | (metric == "specificity"))
  return Scores(numerator + perfect, denominator + undefined, worst)


def none_has_it(number: int) -> str:
  """Says that no case has the structure."""
  return (
    f"none of {number} cases has the structure, so no threshold is best;"
    " leave the structure out"
  )


def exact_sum(
  numerators: np.ndarray,
  denominators: np.ndarray,
  times: np.ndarray | None = None,
) -> fractions.Fraction:
  """The sum of fractions of integers, exactly.

  Over one common denominator; thousands of fractions added one by one take
  minutes, because each step looks for a common divisor of long integers.

  Args:
    numerators: Integers `[n]`.
    denominators: Integers above 0, `[n]`.
    times: How often each counts, integers `[n]`; None is once.
  """
  if times is not None:
    drawn = times > 0
    numerators, denominators = numerators[drawn], denominators[drawn]
    times = times[drawn]
  divisors = np.gcd(numerators, denominators)
  below, place = np.unique(denominators // divisors, return_inverse=True)
  parts = [0] * len(below)
  above = (numerators // divisors).tolist()
  often = [1] * len(above) if times is None else times.tolist()
  for k, part, n in zip(place.tolist(), above, often, strict=True):
    parts[k] += part * n
  common = math.lcm(*below.tolist())
  return fractions.Fraction(
    sum(a * (common // b) for a, b in zip(parts, below.tolist(), strict=True)),
    common,
  )


def _refuse_overflow(cases: _counts.Counts, metric: str) -> None:
  most = int(cases.positive.sum(-1).max() + cases.negative.sum(-1).max())
  if most * _curves.largest_factor(metric) >= 2**63:
    raise errors.ConfigError(
      f"{metric} of {most} voxels does not fit in 64 bits; take a beta of"
      " fewer digits"
    )
