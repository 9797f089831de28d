"""Do probabilities match observed frequencies? Calibration, from maps.

`jaxseg.thresholds` has the same from counts: `reliability`, `brier` and
`negative_log_likelihood`. Here every probability counts as it is, not as the
middle of its interval.
"""

import math

import jax
from jax import lax
import jax.numpy as jnp
from jax.typing import ArrayLike
import numpy as np

from jaxseg import _arrays as arrays
from jaxseg import _checks as checks
from jaxseg import _probabilities
from jaxseg import errors

# Numbers added in one go: sums of such sums stay accurate in float32.
_BLOCK = 1024


def expected_calibration_error(
  probabilities: ArrayLike,
  reference: ArrayLike,
  *,
  bins: int = 15,
  where: ArrayLike | None = None,
) -> jax.Array:
  """ECE: sum over bins of |voxels inside - sum of p| / all voxels.

  >>> p = jnp.array([0.25, 0.25, 0.25, 0.25])
  >>> float(expected_calibration_error(p, jnp.array([True, True, True, False])))
  0.5

  Args:
    probabilities: Of the structure, floating point, any shape, in [0, 1].
    reference: Mask, bool, same shape.
    bins: Number of bins of equal width, at the edges float32(k / bins). A bin
      includes its lower edge, as p >= t does, and the last one 1 as well; some
      tools give an edge to the bin below. Empty bins do not count.
    where: Voxels that count, bool, broadcastable to the reference.

  Returns:
    Scalar float32 in [0, 1]; nan without any voxels.

  Raises:
    ConfigError: bins is not a whole number above 0.
    DataError: A probability that counts is known to be outside [0, 1] or NaN.
    TypeError: A dtype is wrong.
    ValueError: Shapes differ, or `where` does not broadcast.

  References:
    On calibration of modern neural networks, arXiv:1706.04599.
  """
  voxels, gap = _bins(probabilities, reference, bins, where)
  total = jnp.sum(voxels).astype(jnp.float32)
  # Rounded sums of maps that are wrong everywhere may exceed it.
  return jnp.minimum(jnp.sum(jnp.abs(gap)) / total, 1)


def maximum_calibration_error(
  probabilities: ArrayLike,
  reference: ArrayLike,
  *,
  bins: int = 15,
  where: ArrayLike | None = None,
) -> jax.Array:
  """MCE: the largest |share inside - mean of p| of any bin that has voxels.

  >>> p = jnp.array([0.25, 0.25, 0.75, 0.75])
  >>> reference = jnp.array([False, False, True, False])
  >>> float(maximum_calibration_error(p, reference, bins=2))
  0.25

  Args:
    probabilities: Of the structure, floating point, any shape, in [0, 1].
    reference: Mask, bool, same shape.
    bins: As in `expected_calibration_error`.
    where: Voxels that count, bool, broadcastable to the reference.

  Returns:
    Scalar float32 in [0, 1]; nan without any voxels.

  Raises:
    ConfigError: bins is not a whole number above 0.
    DataError: A probability that counts is known to be outside [0, 1] or NaN.
    TypeError: A dtype is wrong.
    ValueError: Shapes differ, or `where` does not broadcast.

  References:
    On calibration of modern neural networks, arXiv:1706.04599.
  """
  voxels, gap = _bins(probabilities, reference, bins, where)
  most = jnp.max(jnp.abs(gap) / jnp.maximum(voxels, 1).astype(jnp.float32))
  # NumPy's nan: a JAX one stops `jax.debug_nans` though it is not chosen.
  return jnp.where(jnp.any(voxels > 0), most, np.float32(math.nan))


def brier_score(
  probabilities: ArrayLike,
  reference: ArrayLike,
  *,
  where: ArrayLike | None = None,
) -> jax.Array:
  """Brier score: mean of (p - y)^2.

  >>> float(brier_score(jnp.array([0.5, 1.0]), jnp.array([False, True])))
  0.125

  Args:
    probabilities: Of the structure, floating point, any shape, in [0, 1].
    reference: Mask, bool, same shape.
    where: Voxels that count, bool, broadcastable to the reference.

  Returns:
    Scalar float32 in [0, 1]; nan without any voxels.

  Raises:
    DataError: A probability that counts is known to be outside [0, 1] or NaN.
    TypeError: A dtype is wrong.
    ValueError: Shapes differ, or `where` does not broadcast.

  References:
    Brier, Monthly Weather Review 78 (1950) 1-3.
  """
  p, y, use = _arrays(probabilities, reference, where)
  return _mean(jnp.square(p - y.astype(jnp.float32)), use)


def negative_log_likelihood(
  probabilities: ArrayLike,
  reference: ArrayLike,
  *,
  where: ArrayLike | None = None,
) -> jax.Array:
  """Mean of -log of the probability given to each voxel's own class, in nats.

  For training use `losses.binary_cross_entropy`, of logits.

  >>> p = jnp.array([0.5, 0.5])
  >>> round(float(negative_log_likelihood(p, jnp.array([False, True]))), 6)
  0.693147

  Args:
    probabilities: Of the structure, floating point, any shape, in [0, 1].
    reference: Mask, bool, same shape.
    where: Voxels that count, bool, broadcastable to the reference.

  Returns:
    Scalar float32, >= 0; inf if a voxel's own class was given 0; nan without
    any voxels.

  Raises:
    DataError: A probability that counts is known to be outside [0, 1] or NaN.
    TypeError: A dtype is wrong.
    ValueError: Shapes differ, or `where` does not broadcast.

  References:
    On calibration of modern neural networks, arXiv:1706.04599.
  """
  p, y, use = _arrays(probabilities, reference, where)
  p = jnp.clip(p, 0, 1)  # Softmax at times gives 1.0000001.
  return _mean(-jnp.where(y, jnp.log(p), jnp.log1p(-p)), use)


def _arrays(
  probabilities: ArrayLike, reference: ArrayLike, where: ArrayLike | None
) -> tuple[jax.Array, jax.Array, jax.Array]:
  """Flat probabilities, reference, and which voxels count."""
  p, y, use = arrays.native(
    probabilities=probabilities, reference=reference, where=where
  )
  checks.floating(probabilities=p)
  checks.boolean(reference=y)
  checks.same_shape(probabilities=p, reference=y)
  if use is not None:
    checks.boolean(where=use)
    checks.broadcasts(np.shape(y), where=use)
  _probabilities.check(p, use)
  p, y, use = arrays.gathered(p, y, use)
  flat = jnp.asarray(p).astype(jnp.float32).ravel()
  if use is None:
    use = np.True_
  use = jnp.broadcast_to(jnp.asarray(use), np.shape(y))
  return flat, jnp.asarray(y).ravel(), use.ravel()


def _bins(
  probabilities: ArrayLike,
  reference: ArrayLike,
  bins: int,
  where: ArrayLike | None,
) -> tuple[jax.Array, jax.Array]:
  """Voxels of each bin, int32, and voxels inside minus the sum of p."""
  if not isinstance(bins, int | np.integer) or bins < 1:
    raise errors.ConfigError(f"bins is {bins}; give a whole number above 0")
  edges = (np.arange(bins + 1, dtype=np.float64) / bins).astype(np.float32)
  return _of_bins(*_arrays(probabilities, reference, where), edges)


# Compiled as a whole: called by itself, a loop would be compiled every time.
@jax.jit
def _of_bins(
  p: jax.Array, y: jax.Array, use: jax.Array, edges: jax.Array
) -> tuple[jax.Array, jax.Array]:
  bins = edges.shape[0] - 1
  # The nearest edge by arithmetic, and then a comparison: p * bins alone puts
  # 0.53 of 100 bins below its edge.
  k = jnp.clip(p * bins + 0.5, 0, bins).astype(jnp.int32)
  place = k - (p < edges[k]).astype(jnp.int32)
  place = jnp.clip(place, 0, bins - 1)

  def one(number: jax.Array) -> tuple[jax.Array, jax.Array]:
    here = use & (place == number)
    gap = jnp.where(here, y.astype(jnp.float32) - p, jnp.float32(0))
    return jnp.sum(here, dtype=jnp.int32), _sum(gap)

  return lax.map(one, jnp.arange(bins, dtype=jnp.int32))


def _mean(values: jax.Array, use: jax.Array) -> jax.Array:
  count = jnp.sum(use, dtype=jnp.int32).astype(jnp.float32)
  return _sum(jnp.where(use, values, jnp.float32(0))) / count


def _sum(values: jax.Array) -> jax.Array:
  """Sum of a flat array by sums of short blocks."""
  if not values.size:
    return jnp.float32(0)
  while values.size > 1:
    short = -values.size % min(_BLOCK, values.size)
    values = jnp.pad(values, (0, short)).reshape(-1, min(_BLOCK, values.size))
    # Without the barrier the compiler merges the short sums into a long one.
    values = lax.optimization_barrier(jnp.sum(values, axis=1))
  return values.reshape(())
