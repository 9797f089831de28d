"""Counts to curves: one division at the end."""

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
import numpy as np

from jaxseg import errors
from jaxseg.thresholds import _counts

# (true positive, false positive, false negative, true negative) ->
# (numerator, denominator), integers.
_METRICS: dict[str, Callable[..., tuple[Any, Any]]] = {
  "dice": lambda tp, fp, fn, tn: (2 * tp, 2 * tp + fp + fn),
  "iou": lambda tp, fp, fn, tn: (tp, tp + fp + fn),
  "precision": lambda tp, fp, fn, tn: (tp, tp + fp),
  "recall": lambda tp, fp, fn, tn: (tp, tp + fn),
  "specificity": lambda tp, fp, fn, tn: (tn, tn + fp),
}
_POLICIES = ("nan", "perfect", "skip")


def curve(
  counts: _counts.Counts, *, metric: str = "dice", empty: str = "nan"
) -> Any:
  """A metric at every threshold.

  Args:
    counts: `[..., T + 1]`.
    metric: "dice", "iou", "precision", "recall" or "specificity".
    empty: Where prediction and reference are both empty: "nan", or "perfect"
      for 1; with "skip" every threshold is nan if the reference is empty. If
      one of them is empty and the metric is undefined, it is 0. Specificity
      is undefined only without a negative voxel.

  Returns:
    `[..., T]`: float64 from NumPy counts, float32 from JAX ones.

  Raises:
    ConfigError: The metric or the policy is unknown.

  References:
    Metrics Reloaded, arXiv:2206.01653.
  """
  return score(
    counts.true_positive,
    counts.false_positive,
    counts.false_negative,
    counts.true_negative,
    metric=metric,
    empty=empty,
  )


def ratio(metric: str) -> Callable[..., tuple[Any, Any]]:
  """Numerator and denominator of a metric as a function of the four counts.

  Raises:
    ConfigError: The metric is unknown.
  """
  if metric not in _METRICS:
    raise errors.ConfigError(
      f"metric {metric!r} is unknown; take one of {', '.join(_METRICS)}"
    )
  return _METRICS[metric]


def score(tp: Any, fp: Any, fn: Any, tn: Any, *, metric: str, empty: str):
  """A metric from the four counts, which are integers of one shape.

  Raises:
    ConfigError: The metric or the policy is unknown.
  """
  if empty not in _POLICIES:
    raise errors.ConfigError(
      f"empty {empty!r} is unknown; take one of {', '.join(_POLICIES)}"
    )
  four: tuple[Any, ...] = (tp, fp, fn, tn)
  host = isinstance(tp, np.ndarray)
  xp: Any = np if host else jnp
  dtype: Any = np.float64 if host else jnp.float32
  if not host:
    # 2 TP + FP + FN of what int32 holds fits, and is exact up to the division.
    four = tuple(
      v.astype(jnp.uint32) if v.dtype == jnp.int32 else v for v in four
    )
  numerator, denominator = ratio(metric)(*four)
  defined = denominator > 0
  safe = xp.where(defined, denominator, 1)
  value = numerator.astype(dtype) / safe.astype(dtype)
  no_reference = four[0] + four[2] == 0
  nothing = no_reference & (four[0] + four[1] == 0)
  if metric == "specificity":
    nothing = ~defined  # The reference is full: nothing could be left out.
  best = dtype(1.0 if empty == "perfect" else np.nan)
  value = xp.where(defined, value, xp.where(nothing, best, dtype(0)))
  if empty == "skip":
    value = xp.where(no_reference, dtype(np.nan), value)
  return value
