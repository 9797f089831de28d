"""Overlap of two masks, from integer counts and one division."""

from collections.abc import Sequence
import math
from typing import Any

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike
import numpy as np

from jaxseg import _arrays as arrays
from jaxseg import _checks as checks
from jaxseg import _empty
from jaxseg import errors

Axis = int | Sequence[int] | None

# Two masks' voxels together still fit in int32.
_LIMIT = 2**30
_LARGEST_BETA = 1e4  # Its square times the voxels still fits in float32.


def dice(
  prediction: ArrayLike,
  reference: ArrayLike,
  *,
  axis: Axis = None,
  empty: str = "nan",
  where: ArrayLike | None = None,
) -> jax.Array:
  """Dice coefficient, 2 |A and B| / (|A| + |B|).

  >>> import numpy as np
  >>> float(dice(np.array([True, True, False]), np.array([True, False, False])))
  0.6666666865348816

  Args:
    prediction: Mask, bool, any shape.
    reference: Mask, bool, same shape.
    axis: Axes summed over; None is all.
    empty: Policy for empty masks: "nan", "perfect" or "skip".
    where: Voxels that count, bool, broadcastable to the masks; None is all.

  Returns:
    Score in [0, 1] or nan, float32, shape without `axis`.

  Raises:
    ConfigError: The policy is unknown.
    TypeError: A mask or `where` is not boolean.
    ValueError: Shapes differ, `where` does not broadcast, or a score has 2^30
      voxels or more.

  References:
    Metrics Reloaded, arXiv:2206.01653.
  """
  both, a, b, _ = count(prediction, reference, axis, where)
  return score(2 * both, a + b, a, b, empty)


def iou(
  prediction: ArrayLike,
  reference: ArrayLike,
  *,
  axis: Axis = None,
  empty: str = "nan",
  where: ArrayLike | None = None,
) -> jax.Array:
  """Intersection over union (Jaccard index), |A and B| / |A or B|.

  >>> import numpy as np
  >>> float(iou(np.array([True, True, False]), np.array([True, False, False])))
  0.5

  Args:
    prediction: Mask, bool, any shape.
    reference: Mask, bool, same shape.
    axis: Axes summed over; None is all.
    empty: Policy for empty masks: "nan", "perfect" or "skip".
    where: Voxels that count, bool, broadcastable to the masks; None is all.

  Returns:
    Score in [0, 1] or nan, float32, shape without `axis`.

  Raises:
    ConfigError: The policy is unknown.
    TypeError: A mask or `where` is not boolean.
    ValueError: Shapes differ, `where` does not broadcast, or a score has 2^30
      voxels or more.

  References:
    Metrics Reloaded, arXiv:2206.01653.
  """
  both, a, b, _ = count(prediction, reference, axis, where)
  return score(both, a + b - both, a, b, empty)


def f_beta(
  prediction: ArrayLike,
  reference: ArrayLike,
  *,
  beta: ArrayLike = 1.0,
  axis: Axis = None,
  empty: str = "nan",
  where: ArrayLike | None = None,
) -> jax.Array:
  """F-score, (1 + beta^2) |A and B| / (|A| + beta^2 |B|).

  With beta above 1 recall counts for more, below 1 precision; 1 is Dice.

  >>> import numpy as np
  >>> a, b = np.array([True, False, False]), np.array([True, True, True])
  >>> round(float(f_beta(a, b, beta=2.0)), 6)
  0.384615

  Args:
    prediction: Mask A, bool, any shape.
    reference: Mask B, bool, same shape.
    beta: How much more recall counts than precision, > 0; it may be traced,
      and is then not checked.
    axis: Axes summed over; None is all.
    empty: Policy for empty masks: "nan", "perfect" or "skip".
    where: Voxels that count, bool, broadcastable to the masks; None is all.

  Returns:
    Score in [0, 1] or nan, float32, shape without `axis`.

  Raises:
    ConfigError: The policy is unknown, or beta is not in (0, 10000].
    TypeError: A mask or `where` is not boolean.
    ValueError: Shapes differ, `where` does not broadcast, or a score has 2^30
      voxels or more.

  References:
    Metrics Reloaded, arXiv:2206.01653.
  """
  weight: Any = beta
  if arrays.known(weight) and not np.all(
    (0 < np.asarray(weight)) & (np.asarray(weight) <= _LARGEST_BETA)
  ):
    raise errors.ConfigError(
      f"beta is {beta}; give a number above 0, at most {_LARGEST_BETA:g}"
    )
  both, a, b, _ = count(prediction, reference, axis, where)
  # Not from precision and recall: they are 0 / 0 where this is 0.
  square = jnp.asarray(weight * weight, jnp.float32)
  numerator = (1 + square) * both.astype(jnp.float32)
  denominator = a.astype(jnp.float32) + square * b.astype(jnp.float32)
  return score(numerator, denominator, a, b, empty)


def precision(
  prediction: ArrayLike,
  reference: ArrayLike,
  *,
  axis: Axis = None,
  empty: str = "nan",
  where: ArrayLike | None = None,
) -> jax.Array:
  """Precision: the share of the prediction that is right, |A and B| / |A|.

  >>> import numpy as np
  >>> a, b = np.array([True, True, False]), np.array([True, False, False])
  >>> float(precision(a, b))
  0.5

  Args:
    prediction: Mask A, bool, any shape.
    reference: Mask B, bool, same shape.
    axis: Axes summed over; None is all.
    empty: Policy for empty masks: "nan", "perfect" or "skip".
    where: Voxels that count, bool, broadcastable to the masks; None is all.

  Returns:
    Score in [0, 1] or nan, float32, shape without `axis`.

  Raises:
    ConfigError: The policy is unknown.
    TypeError: A mask or `where` is not boolean.
    ValueError: Shapes differ, `where` does not broadcast, or a score has 2^30
      voxels or more.

  References:
    Metrics Reloaded, arXiv:2206.01653.
  """
  both, a, b, _ = count(prediction, reference, axis, where)
  return score(both, a, a, b, empty)


def recall(
  prediction: ArrayLike,
  reference: ArrayLike,
  *,
  axis: Axis = None,
  empty: str = "nan",
  where: ArrayLike | None = None,
) -> jax.Array:
  """Recall: the share of the reference that was found, |A and B| / |B|.

  >>> import numpy as np
  >>> a, b = np.array([True, True, False]), np.array([True, False, False])
  >>> float(recall(a, b))
  1.0

  Args:
    prediction: Mask A, bool, any shape.
    reference: Mask B, bool, same shape.
    axis: Axes summed over; None is all.
    empty: Policy for empty masks: "nan", "perfect" or "skip".
    where: Voxels that count, bool, broadcastable to the masks; None is all.

  Returns:
    Score in [0, 1] or nan, float32, shape without `axis`.

  Raises:
    ConfigError: The policy is unknown.
    TypeError: A mask or `where` is not boolean.
    ValueError: Shapes differ, `where` does not broadcast, or a score has 2^30
      voxels or more.

  References:
    Metrics Reloaded, arXiv:2206.01653.
  """
  both, a, b, _ = count(prediction, reference, axis, where)
  return score(both, b, a, b, empty)


def specificity(
  prediction: ArrayLike,
  reference: ArrayLike,
  *,
  axis: Axis = None,
  empty: str = "nan",
  where: ArrayLike | None = None,
) -> jax.Array:
  """Specificity: the share of background left out, |not A and not B| / |not B|.

  >>> import numpy as np
  >>> a, b = np.array([True, True, False]), np.array([True, False, False])
  >>> float(specificity(a, b))
  0.5

  Args:
    prediction: Mask A, bool, any shape.
    reference: Mask B, bool, same shape.
    axis: Axes summed over; None is all.
    empty: Policy where there is no background: "nan", "perfect" or "skip";
      the last also makes an empty reference nan.
    where: Voxels that count, bool, broadcastable to the masks; None is all.

  Returns:
    Score in [0, 1] or nan, float32, shape without `axis`.

  Raises:
    ConfigError: The policy is unknown.
    TypeError: A mask or `where` is not boolean.
    ValueError: Shapes differ, `where` does not broadcast, or a score has 2^30
      voxels or more.

  References:
    Metrics Reloaded, arXiv:2206.01653.
  """
  both, a, b, size = count(prediction, reference, axis, where)
  outcome = _empty.outcomes(empty, best=1.0, worst=0.0)
  outside = size - b
  value = _ratio(size - a - b + both, outside)
  # Undefined only where the reference is full: there is nothing to leave out.
  value = jnp.where(outside > 0, value, outcome.both)
  return jnp.where(b > 0, value, jnp.nan) if empty == "skip" else value


def count(
  prediction: ArrayLike,
  reference: ArrayLike,
  axis: Axis,
  where: ArrayLike | None,
) -> tuple[jax.Array, jax.Array, jax.Array, Any]:
  """Voxels in both masks and in each, int32, and of all that count."""
  *given, keep = arrays.native(
    prediction=prediction, reference=reference, where=where
  )
  checks.boolean(prediction=given[0], reference=given[1])
  checks.same_shape(prediction=given[0], reference=given[1])
  a, b = (jnp.asarray(mask) for mask in given)
  axes = checks.axes(axis, a.ndim)
  size: Any = math.prod(a.shape[k] for k in axes)
  if size >= _LIMIT:
    raise ValueError(
      f"masks have {size} voxels per score, which int32 cannot add; give"
      f" fewer than {_LIMIT}"
    )
  if keep is not None:
    checks.boolean(where=keep)
    checks.broadcasts(a.shape, where=keep)
    counts = jnp.broadcast_to(jnp.asarray(keep), a.shape)
    a, b = a & counts, b & counts
    size = jnp.sum(counts, axes, dtype=jnp.int32)
  both, in_a, in_b = (jnp.sum(m, axes, dtype=jnp.int32) for m in (a & b, a, b))
  return both, in_a, in_b, size


def score(
  numerator: jax.Array,
  denominator: jax.Array,
  a: jax.Array,
  b: jax.Array,
  empty: str,
) -> jax.Array:
  """The ratio, or the policy's value where a mask is empty."""
  outcome = _empty.outcomes(empty, best=1.0, worst=0.0)
  return outcome.fill(_ratio(numerator, denominator), a > 0, b > 0)


def _ratio(numerator: jax.Array, denominator: jax.Array) -> jax.Array:
  """The quotient, float32; the numerator where the denominator is 0."""
  safe = jnp.where(denominator > 0, denominator, 1)
  return numerator.astype(jnp.float32) / safe.astype(jnp.float32)
