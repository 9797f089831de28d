"""Counts to curves: integers up to one division at the end."""

from collections.abc import Callable, Sequence
import fractions
import math
import re
from typing import Any

import jax.numpy as jnp
import numpy as np

from jaxseg import _empty
from jaxseg import errors
from jaxseg.thresholds import _counts

# (true positive, false positive, false negative, true negative) ->
# (numerator, denominator), integers.
Ratio = Callable[..., tuple[Any, Any]]
_METRICS: dict[str, Ratio] = {
  "dice": lambda tp, fp, fn, tn: (2 * tp, 2 * tp + fp + fn),
  "iou": lambda tp, fp, fn, tn: (tp, tp + fp + fn),
  "precision": lambda tp, fp, fn, tn: (tp, tp + fp),
  "recall": lambda tp, fp, fn, tn: (tp, tp + fn),
  "specificity": lambda tp, fp, fn, tn: (tn, tn + fp),
  # Signed and relative; "volume" is minus its size, so that 0 is the best.
  "volume_difference": lambda tp, fp, fn, tn: (fp - fn, tp + fn),
  "volume": lambda tp, fp, fn, tn: (-abs(fp - fn), tp + fn),
}
_F_BETA = re.compile(r"f([0-9]{1,4}(?:\.[0-9]{1,4})?)")
SIGNED = ("volume", "volume_difference")
_MOST = 2**63 - 1  # Of int64.
_AGGREGATES = ("pooled", "mean_case", "median_case", "worst_case")


def curve(
  counts: _counts.Counts[_counts.A],
  *,
  metric: str = "dice",
  empty: str = "nan",
  aggregate: str | None = None,
) -> _counts.A:
  """A metric at every threshold.

  >>> import numpy as np
  >>> from jaxseg import thresholds
  >>> p = np.array([0.9, 0.7, 0.4, 0.1], np.float32)
  >>> reference = np.array([True, True, False, False])
  >>> counts = thresholds.count_case(p, reference, thresholds.grid(11))
  >>> curve(counts).round(2).tolist()
  [0.67, 0.67, 0.8, 0.8, 0.8, 1.0, 1.0, 1.0, 0.67, 0.67, 0.0]

  Args:
    counts: `[..., T + 1]`.
    metric: "dice", "iou", "precision", "recall", "specificity",
      "volume_difference" (predicted minus reference, relative to the
      reference), "volume" (minus the size of that) or F-beta as "f2" or "f0.5".
    empty: Where prediction and reference are both empty: "nan", or "perfect"
      for 1; with "skip" every threshold is nan if the reference is empty. If
      only one of them is empty and the metric undefined, it is 0; a volume
      difference is infinite. Specificity is undefined only where no voxel is
      negative.
    aggregate: None keeps the leading axes. Otherwise they are cases (patients
      or slices): "pooled" is the metric of the summed counts; "mean_case",
      "median_case" and "worst_case" are over the cases with a value, so choose
      `empty` accordingly: nan is left out.

  Returns:
    `[..., T]`, or `[T]` with an aggregate: float64 from NumPy counts, float32
    from JAX ones.

  Raises:
    ConfigError: The metric, the policy or the aggregate is unknown.

  References:
    Metrics Reloaded, arXiv:2206.01653.
  """
  if aggregate is not None and aggregate not in _AGGREGATES:
    raise errors.ConfigError(
      f"aggregate {aggregate!r} is unknown; take one of"
      f" {', '.join(_AGGREGATES)}"
    )
  axes = tuple(range(np.ndim(counts.positive) - 1))
  if aggregate == "pooled" and axes:
    counts = counts.sum(axes)
  four = (
    counts.true_positive,
    counts.false_positive,
    counts.false_negative,
    counts.true_negative,
  )
  if aggregate is None or aggregate == "pooled" or not axes:
    return score(*four, metric=metric, empty=empty)
  return _aggregated(four, metric, empty, axes, aggregate)


def _aggregated(
  four: Sequence[Any],
  metric: str,
  empty: str,
  axes: tuple[int, ...],
  aggregate: str,
) -> Any:
  """Aggregates the cases that have a value; nan where none has."""
  xp: Any = np if isinstance(four[0], np.ndarray) else jnp
  outcome = _outcomes(metric, empty)
  # No nan on the way, or `jax.debug_nans` would stop at a case left out.
  values = _score(
    four,
    metric,
    _empty.Outcomes(*(0.0 if v != v else v for v in outcome)),
    empty,
  )
  there = _defined(four, metric, outcome, empty)
  some = there.any(axes)
  if aggregate == "mean_case":
    total = xp.where(there, values, 0).sum(axes)
    return xp.where(some, total / xp.maximum(there.sum(axes), 1), np.nan)
  kept = xp.where(there, values, np.inf)
  if aggregate == "worst_case":
    return xp.where(some, kept.min(axes), np.nan)
  kept = xp.sort(kept.reshape(-1, kept.shape[-1]), axis=0)
  number = there.sum(axes)
  middle = xp.stack([xp.maximum(number - 1, 0) // 2, number // 2])
  middle = xp.minimum(middle, len(kept) - 1)
  median = xp.take_along_axis(kept, middle, axis=0).mean(0)
  return xp.where(some, median, np.nan)


def ratio(metric: str) -> Ratio:
  """Numerator and denominator of a metric, as a function of the four counts.

  Raises:
    ConfigError: The metric is unknown.
  """
  if metric in _METRICS:
    return _METRICS[metric]
  square = _beta_squared(metric)
  if square is None:
    raise errors.ConfigError(
      f"metric {metric!r} is unknown; take one of {', '.join(_METRICS)}, or f2"
      " for F-beta with beta 2"
    )
  b, q = square.numerator, square.denominator
  return lambda tp, fp, fn, tn: (
    (q + b) * tp,
    (q + b) * tp + b * fn + q * fp,
  )


def largest_factor(metric: str) -> int:
  """The largest integer by which a metric multiplies a count."""
  square = _beta_squared(metric)
  return 2 if square is None else square.numerator + square.denominator


def _beta_squared(metric: str) -> fractions.Fraction | None:
  """beta^2 of "f2" or "f0.5"; None for other metrics and f0."""
  match = _F_BETA.fullmatch(metric)
  return fractions.Fraction(match[1]) ** 2 or None if match else None


def score(
  tp: Any, fp: Any, fn: Any, tn: Any, *, metric: str, empty: str
) -> Any:
  """A metric from the four counts, which are integers of one shape.

  Raises:
    ConfigError: The metric or the policy is unknown.
  """
  return _score((tp, fp, fn, tn), metric, _outcomes(metric, empty), empty)


def _outcomes(metric: str, empty: str) -> _empty.Outcomes:
  best, worst = 1.0, 0.0
  if metric in SIGNED:
    best, worst = 0.0, -math.inf if metric == "volume" else math.inf
  return _empty.outcomes(empty, best=best, worst=worst)


def _score(
  four: Sequence[Any], metric: str, outcome: _empty.Outcomes, empty: str
) -> Any:
  tp, fp, fn, _ = four
  host = isinstance(tp, np.ndarray)
  xp: Any = np if host else jnp
  dtype: Any = np.float64 if host else jnp.float32
  if not host:
    # As uint32, 2 TP + FP + FN fits, and is exact up to the division.
    if metric not in SIGNED:
      four = tuple(
        v.astype(jnp.uint32) if v.dtype == jnp.int32 else v for v in four
      )
  square = _beta_squared(metric)
  if host and sum(v.max(initial=0) for v in four[:3]) <= _MOST // (
    largest_factor(metric)
  ):
    square = None  # All fits, and is exact up to the division.
  if square is None:
    numerator, denominator = ratio(metric)(*four)
  else:
    # Integer multiples of counts do not fit: beta^2 = 1.21 is 121 / 100.
    weight = float(square)
    tp, fp, fn = (v.astype(dtype) for v in four[:3])
    numerator = (1 + weight) * tp
    denominator = numerator + weight * fn + fp
  defined = denominator > 0
  safe = xp.where(defined, denominator, 1)
  value = numerator.astype(dtype) / safe.astype(dtype)
  in_reference = four[0] + four[2] > 0
  if metric != "specificity":
    return outcome.fill(value, four[0] + four[1] > 0, in_reference)
  # Undefined only where the reference is full: there is nothing to leave out.
  value = xp.where(defined, value, np.dtype(dtype).type(outcome.both))
  if empty == "skip":
    left_out = np.dtype(dtype).type(outcome.hallucinated)
    value = xp.where(in_reference, value, left_out)
  return value


def _defined(
  four: Sequence[Any], metric: str, outcome: _empty.Outcomes, empty: str
) -> Any:
  """Where a case has a value: not nan by the policy."""
  tp, fp, fn, tn = four
  in_reference = tp + fn > 0
  if metric == "specificity":
    there = (tn + fp > 0) | (outcome.both == outcome.both)
    return there & (in_reference | (empty != "skip"))
  in_prediction = tp + fp > 0
  hallucinated = outcome.hallucinated == outcome.hallucinated
  both = outcome.both == outcome.both
  return in_reference | (in_prediction & hallucinated) | (~in_prediction & both)
