"""The grid of thresholds and the one function that cuts."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxseg import errors

# float32(u / 255), each quotient rounded once. Under jit XLA would multiply by
# a rounded reciprocal instead, and half of the values come out one ulp low.
_BYTES = (np.arange(256, dtype=np.float64) / 255).astype(np.float32)


def grid(n: int = 1001) -> np.ndarray:
  """Evenly spaced thresholds float32(k / (n - 1)), k = 0..n-1.

  >>> grid(5).tolist()
  [0.0, 0.25, 0.5, 0.75, 1.0]

  Args:
    n: Number of thresholds, at least 2.

  Returns:
    float32 `[n]`; each quotient is rounded once, so that a map stored with
    three decimals ties with the grid of 1001 as its reader expects.

  Raises:
    ConfigError: `n` is below 2.
  """
  if n < 2:
    raise errors.ConfigError(f"a grid of {n} thresholds; take at least 2")
  return (np.arange(n, dtype=np.float64) / (n - 1)).astype(np.float32)


def as_float32(probabilities: jax.Array | np.ndarray) -> jax.Array:
  """Probabilities as float32: 8-bit u means u / 255, floats are converted.

  Args:
    probabilities: Floating point or uint8, any shape.

  Raises:
    TypeError: Another dtype.
  """
  array = jnp.asarray(probabilities)
  if array.dtype == jnp.uint8:
    return jnp.asarray(_BYTES)[array.astype(jnp.int32)]
  if not jnp.issubdtype(array.dtype, jnp.floating):
    raise TypeError(
      f"probabilities have dtype {array.dtype}; give floating point in"
      " [0, 1], or uint8 for u / 255"
    )
  return array.astype(jnp.float32)


def binarize(
  probabilities: jax.Array | np.ndarray,
  threshold: jax.Array | np.ndarray | float,
) -> jax.Array:
  """Cuts a probability map: float32(p) >= float32(t).

  Every sweep counts by this rule and every model is deployed by it, so a
  threshold means the same wherever it is said. NaN is inside nowhere.

  >>> binarize(np.float32([0.2, 0.7, 0.9]), 0.7).tolist()
  [False, True, True]

  Args:
    probabilities: Floating point or uint8 (u means u / 255), any shape.
    threshold: Number or array, broadcastable.

  Returns:
    Mask, bool.

  Raises:
    TypeError: `probabilities` have another dtype.
  """
  p, cut = as_float32(probabilities), float32_thresholds(threshold)
  return (ordered(p) >= ordered(cut)) & ~jnp.isnan(p)


def float32_thresholds(thresholds: Any) -> jax.Array:
  """Thresholds as float32, rounded on the host where they are there.

  Under jit a division that made them may have become a multiplication.

  Args:
    thresholds: Numbers, any shape.
  """
  if isinstance(thresholds, jax.Array):
    return thresholds.astype(jnp.float32)
  return jnp.asarray(np.asarray(thresholds, np.float32))


def ordered(x: jax.Array) -> jax.Array:
  """Integers that compare as the floats do, subnormal ones included.

  Compiled comparisons of floats take subnormal numbers for 0, so that -1e-45
  would be at or above a threshold of 0.

  Args:
    x: float32, any shape, no NaN.

  Returns:
    int32 of the same shape; 0.0 and -0.0 are equal.
  """
  bits = jax.lax.bitcast_convert_type(x, jnp.int32)
  return jnp.where(bits < 0, -(bits & jnp.int32(0x7FFFFFFF)), bits)
