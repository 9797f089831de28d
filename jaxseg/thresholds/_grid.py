"""The grid of thresholds, and the one function that applies a threshold."""

from typing import Any

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike
import numpy as np
from numpy import typing as npt

from jaxseg import _arrays as arrays
from jaxseg import _checks as checks
from jaxseg import _probabilities
from jaxseg import errors

# float32(u / 255), each quotient rounded once. Under jit XLA would multiply by
# a rounded reciprocal instead, and half of the values come out one ulp low.
BYTES = (np.arange(256, dtype=np.float64) / 255).astype(np.float32)

# Up to this many, p * (n - 1) + 0.5 in float32, truncated, is the threshold
# nearest to p or its neighbour across p: errors stay below 1/5.
_MOST_BY_ARITHMETIC = 1 << 20


def grid(n: int = 1001) -> npt.NDArray[np.float32]:
  """Evenly spaced thresholds float32(k / (n - 1)), k = 0..n-1.

  >>> grid(5).tolist()
  [0.0, 0.25, 0.5, 0.75, 1.0]

  Args:
    n: Number of thresholds, at least 2.

  Returns:
    float32 `[n]`; each quotient is rounded once, so that values of a map stored
    with three decimals equal thresholds of the grid of 1001, as one expects.

  Raises:
    ConfigError: `n` is no whole number, or below 2.
  """
  checks.whole(2, n=n)
  return (np.arange(n, dtype=np.float64) / (n - 1)).astype(np.float32)


def fine_grid(n: int = 1001) -> npt.NDArray[np.float32]:
  """The even grid together with thresholds that are even in logits.

  Half of a map's voxels may lie below the even grid's first step. Counts at
  these thresholds resolve them, for calibration, temperature and the expected
  optimum; `coarsen` gives back the counts at the even grid. Between logits of
  -16 and 16 no interval is wider than 1/64, as far as float32 can tell such
  probabilities from 1.

  >>> len(fine_grid(11)) > len(grid(11))
  True

  Args:
    n: Number of thresholds of the even grid, at least 2.

  Returns:
    float32 `[T]`, ascending; the even grid's are among them.

  Raises:
    ConfigError: `n` is no whole number, or below 2.
  """
  logits = np.linspace(-16, 16, 2049, dtype=np.float64)
  both = np.concatenate([grid(n), (1 / (1 + np.exp(-logits))).astype("f4")])
  return np.unique(both)


def binarize(probabilities: ArrayLike, threshold: ArrayLike) -> jax.Array:
  """Cuts a probability map: float32(p) >= float32(t).

  Every sweep counts by this rule and every model is deployed by it, so a
  threshold means the same everywhere. NaN is never inside.

  >>> binarize(np.float32([0.2, 0.7, 0.9]), 0.7).tolist()
  [False, True, True]

  Args:
    probabilities: Floating point or uint8 (u means u / 255), any shape.
    threshold: Number or array, broadcastable.

  Returns:
    Mask, bool.

  Raises:
    TypeError: `probabilities` are neither floating point nor uint8, or an
      argument is a masked array.
  """
  p, cut = as_float32(probabilities), float32_thresholds(threshold)
  if arrays.is_explicit(p) and cut.ndim:
    p, cut = arrays.gathered(p, cut)
  shape = np.broadcast_shapes(p.shape, cut.shape)
  # Spelled out, since JAX can be set to refuse broadcasting between ranks.
  p, cut = jnp.broadcast_to(p, shape), jnp.broadcast_to(cut, shape)
  return (ordered(p) >= ordered(cut)) & ~jnp.isnan(p)


def check_dtype(dtype: Any) -> None:
  """Raises TypeError unless `dtype` is floating point or uint8."""
  # jnp.issubdtype and not NumPy's: bfloat16 is a float only to the former.
  if dtype != np.uint8 and not jnp.issubdtype(dtype, jnp.floating):
    raise TypeError(
      f"probabilities have dtype {dtype}; give floating point in [0, 1], or"
      " uint8 for u / 255"
    )


def rounded(probabilities: Any) -> Any:
  """NumPy float64 as float32, rounded on the host; anything else as it is.

  A compiled conversion flushes subnormal numbers to 0.
  """
  if isinstance(probabilities, np.ndarray) and (
    probabilities.dtype == np.float64
  ):
    return _probabilities.on_host(probabilities)
  return probabilities


def as_float32(probabilities: ArrayLike) -> jax.Array:
  """Probabilities as float32: 8-bit u means u / 255, floats are converted.

  Args:
    probabilities: Floating point or uint8, any shape.

  Raises:
    TypeError: The dtype is another.
  """
  (given,) = arrays.native(probabilities=probabilities)
  check_dtype(given.dtype)
  array = jnp.asarray(rounded(given))
  if array.dtype == jnp.uint8:
    return jnp.asarray(BYTES)[array.astype(jnp.int32)]
  return array.astype(jnp.float32)


def float32_thresholds(thresholds: Any) -> jax.Array:
  """Thresholds as float32; rounded on the host if they are NumPy's.

  Args:
    thresholds: Numbers, any shape.
  """
  (thresholds,) = arrays.native(thresholds=thresholds)
  if isinstance(thresholds, jax.Array):
    return thresholds.astype(jnp.float32)
  return jnp.asarray(np.asarray(thresholds, np.float32))


def ascending(thresholds: npt.ArrayLike) -> np.ndarray:
  """Thresholds as NumPy float32 `[T]`, checked; their values are known.

  Args:
    thresholds: Numbers, `[T]`.

  Raises:
    ConfigError: They are not a vector of at least one, one is NaN, or one is
      below its predecessor.
  """
  (thresholds,) = arrays.native(thresholds=thresholds)
  cuts = np.asarray(thresholds, np.float32)
  if cuts.ndim != 1 or not cuts.size:
    raise errors.ConfigError(
      f"thresholds have shape {cuts.shape}; give a vector of at least one"
    )
  wrong = ~(cuts[1:] >= cuts[:-1])  # True for NaN, too.
  if wrong.any() or np.isnan(cuts[0]):
    k = int(np.argmax(wrong)) + 1 if wrong.any() else 0
    raise errors.ConfigError(
      f"thresholds[{k}] is {cuts[k]}, not at least the one before; give them"
      " ascending, without NaN"
    )
  return cuts


def is_even(cuts: np.ndarray) -> bool:
  """Whether arithmetic finds the interval: `cuts` are `grid(T)`."""
  number = len(cuts)
  return fits_arithmetic(number) and np.array_equal(cuts, grid(number))


def fits_arithmetic(number: int) -> bool:
  """Whether arithmetic is exact on an even grid of so many thresholds."""
  return 2 <= number <= _MOST_BY_ARITHMETIC


def ordered(x: jax.Array) -> jax.Array:
  """Integers that compare as the floats do, subnormal ones included.

  Compiled comparisons of floats treat subnormal numbers as 0, so that -1e-45
  would be at or above a threshold of 0.

  Args:
    x: float32, any shape.

  Returns:
    int32 of the same shape; 0.0 and -0.0 are equal, NaN is above all numbers
    whatever its sign, which 0 / 0 sets on some processors.
  """
  bits = jax.lax.bitcast_convert_type(x, jnp.int32)
  size = bits & jnp.int32(0x7FFFFFFF)
  negative = (bits < 0) & (size <= jnp.int32(0x7F800000))
  return jnp.where(negative, -size, size)


def nearest(thresholds: npt.ArrayLike, wanted: npt.ArrayLike) -> np.ndarray:
  """Index of the threshold nearest to each wanted one; of two, the lower.

  Args:
    thresholds: `[T]`, ascending.
    wanted: `[...]`.

  Returns:
    Integers, `[...]`.
  """
  cuts, wanted = (np.asarray(v, np.float64) for v in (thresholds, wanted))
  above = np.clip(np.searchsorted(cuts, wanted), 1, max(1, len(cuts) - 1))
  if len(cuts) == 1:
    return np.zeros(np.shape(wanted), np.int64)
  below = above - 1
  closer = wanted - cuts[below] <= cuts[above] - wanted
  return np.where(closer, below, above)
