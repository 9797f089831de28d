"""Overlap of two masks, from integer counts and one division."""

from typing import Any

import jax
import jax.numpy as jnp

from jaxseg import _checks as checks
from jaxseg.metrics import _empty

_Axis = int | tuple[int, ...] | None


def dice(
  prediction: jax.Array,
  reference: jax.Array,
  *,
  axis: _Axis = None,
  empty: str = "nan",
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

  Returns:
    Score in [0, 1] or nan, float32, shape without `axis`.

  Raises:
    ConfigError: The policy is unknown.
    TypeError: A mask is not boolean.
    ValueError: Shapes differ.

  References:
    Metrics Reloaded, arXiv:2206.01653.
  """
  both, a, b, _ = _count(prediction, reference, axis, empty)
  return _score(2 * both.astype(jnp.float32), a + b, a, b, empty)


def iou(
  prediction: jax.Array,
  reference: jax.Array,
  *,
  axis: _Axis = None,
  empty: str = "nan",
) -> jax.Array:
  """Intersection over union (Jaccard index), |A and B| / |A or B|.

  Args:
    prediction: Mask, bool, any shape.
    reference: Mask, bool, same shape.
    axis: Axes summed over; None is all.
    empty: Policy for empty masks: "nan", "perfect" or "skip".

  Returns:
    Score in [0, 1] or nan, float32, shape without `axis`.

  Raises:
    ConfigError: The policy is unknown.
    TypeError: A mask is not boolean.
    ValueError: Shapes differ.

  References:
    Metrics Reloaded, arXiv:2206.01653.
  """
  both, a, b, _ = _count(prediction, reference, axis, empty)
  return _score(both, a + b - both, a, b, empty)


def precision(
  prediction: jax.Array,
  reference: jax.Array,
  *,
  axis: _Axis = None,
  empty: str = "nan",
) -> jax.Array:
  """Share of the prediction that is right, |A and B| / |A|.

  Args:
    prediction: Mask A, bool, any shape.
    reference: Mask B, bool, same shape.
    axis: Axes summed over; None is all.
    empty: Policy for empty masks: "nan", "perfect" or "skip".

  Returns:
    Score in [0, 1] or nan, float32, shape without `axis`.

  Raises:
    ConfigError: The policy is unknown.
    TypeError: A mask is not boolean.
    ValueError: Shapes differ.

  References:
    Metrics Reloaded, arXiv:2206.01653.
  """
  both, a, b, _ = _count(prediction, reference, axis, empty)
  return _score(both, a, a, b, empty)


def recall(
  prediction: jax.Array,
  reference: jax.Array,
  *,
  axis: _Axis = None,
  empty: str = "nan",
) -> jax.Array:
  """Share of the reference that was found, |A and B| / |B|.

  Args:
    prediction: Mask A, bool, any shape.
    reference: Mask B, bool, same shape.
    axis: Axes summed over; None is all.
    empty: Policy for empty masks: "nan", "perfect" or "skip".

  Returns:
    Score in [0, 1] or nan, float32, shape without `axis`.

  Raises:
    ConfigError: The policy is unknown.
    TypeError: A mask is not boolean.
    ValueError: Shapes differ.

  References:
    Metrics Reloaded, arXiv:2206.01653.
  """
  both, a, b, _ = _count(prediction, reference, axis, empty)
  return _score(both, b, a, b, empty)


def specificity(
  prediction: jax.Array,
  reference: jax.Array,
  *,
  axis: _Axis = None,
  empty: str = "nan",
) -> jax.Array:
  """Share of the background that was left out, |not A and not B| / |not B|.

  Args:
    prediction: Mask A, bool, any shape.
    reference: Mask B, bool, same shape.
    axis: Axes summed over; None is all.
    empty: Policy where there is no background: "nan", "perfect" or "skip";
      the last also makes an empty reference nan.

  Returns:
    Score in [0, 1] or nan, float32, shape without `axis`.

  Raises:
    ConfigError: The policy is unknown.
    TypeError: A mask is not boolean.
    ValueError: Shapes differ.

  References:
    Metrics Reloaded, arXiv:2206.01653.
  """
  both, a, b, size = _count(prediction, reference, axis, empty)
  outside = size - b
  right = size - a - b + both
  # Undefined only where the reference is full: nothing could be left out.
  value = _score(right, outside, outside, outside, empty)
  if empty == "skip":
    value = jnp.where(b > 0, value, jnp.nan)
  return value


def _count(
  prediction: Any, reference: Any, axis: _Axis, empty: str
) -> tuple[jax.Array, jax.Array, jax.Array, jax.Array]:
  """Voxels in both, in each, and of all, int32."""
  checks.boolean(prediction=prediction, reference=reference)
  checks.same_shape(prediction=prediction, reference=reference)
  _empty.check(empty)
  a, b = jnp.asarray(prediction), jnp.asarray(reference)
  masks = a & b, a, b, jnp.ones_like(a)
  both, in_a, in_b, size = (jnp.sum(m, axis, dtype=jnp.int32) for m in masks)
  return both, in_a, in_b, size


def _score(
  numerator: jax.Array,
  denominator: jax.Array,
  a: jax.Array,
  b: jax.Array,
  empty: str,
) -> jax.Array:
  safe = jnp.where(denominator > 0, denominator, 1).astype(jnp.float32)
  value = numerator.astype(jnp.float32) / safe
  nothing = 1.0 if empty == "perfect" else jnp.nan
  value = jnp.where((a == 0) & (b == 0), jnp.float32(nothing), value)
  if empty == "skip":
    value = jnp.where(b == 0, jnp.float32(jnp.nan), value)
  return value
