"""Exact Euclidean distance transform in JAX: pure, with static shapes.

Squared distances separate by axis. Along the first, the nearest True comes from
running maxima of indices. Along each other one, every place i takes the minimum
over j of f(j) + (s (i - j))^2, for all places at once and growing |i - j|,
until the square alone exceeds the value of every place. So the cost grows with
the distances, not with the size of the array.
"""

import functools
from typing import Any

import jax
from jax import lax
import jax.numpy as jnp
from jax.typing import ArrayLike
import numpy as np

from jaxseg import _arrays as arrays
from jaxseg import _checks as checks
from jaxseg.metrics.surface import _axes

# Squared mm that no distance reaches. Not inf: inf - inf is nan.
_FAR = 1e30


def distance_transform(
  mask: ArrayLike,
  spacing: _axes.Spacing,
  *,
  batch_axes: _axes.BatchAxes = None,
) -> jax.Array:
  """Distance of each voxel's centre to the nearest True voxel's, in mm.

  Pure, of the spacing as well: another one does not compile anew.

  >>> import numpy as np
  >>> distance_transform(np.array([[True, False, False]]), (1.0, 2.5)).tolist()
  [[0.0, 2.5, 5.0]]

  Args:
    mask: Mask, bool, `[row, column]` or `[slice, row, column]`, and a batch.
    spacing: Of the image's two or three axes, in their order, mm, > 0, which
      is checked where the values are known.
    batch_axes: Axes that are none of an image's, such as 0 of `[N, H, W]`.

  Returns:
    float32, the mask's shape; 0 where it is True, inf throughout an empty
    image. The relative error is at most 3e-7.

  Raises:
    TypeError: The mask is not boolean, or a masked array.
    ValueError: Its images do not have 2 or 3 axes, or the spacing does not fit.

  References:
    Felzenszwalb and Huttenlocher, Theory of Computing 8 (2012) 415-428, for
    the separation by axis.
  """
  (given,) = arrays.native(mask=mask)
  checks.boolean(mask=given)
  batch = _axes.of_batch(given.ndim, batch_axes)
  steps = _steps(spacing, given.ndim - len(batch))
  return _transform(jnp.asarray(given), steps, batch=batch)


def _steps(spacing: Any, axes: int) -> tuple[Any, ...]:
  """Spacing as float32 scalars, of which traced ones are not checked."""
  if not checks.traced(*jax.tree.leaves(spacing)):
    return tuple(np.float32(s) for s in _axes.millimetres(spacing, axes))
  steps = jnp.asarray(spacing, jnp.float32)
  if steps.shape != (axes,):
    raise ValueError(
      f"spacing of shape {steps.shape} does not fit masks of {axes} axes; give"
      " one number per axis, in the array's order"
    )
  return tuple(steps)


# Compiled as a whole: called by itself, a loop would be compiled every time.
@functools.partial(jax.jit, static_argnames="batch")
def _transform(
  mask: jax.Array, spacing: tuple[Any, ...], *, batch: tuple[int, ...]
) -> jax.Array:
  spec = jax.typeof(mask).sharding.spec if arrays.is_explicit(mask) else None
  transform = functools.partial(_distances, batch=batch)
  return arrays.automatic(transform, mask, spacing, spec=spec)


def _distances(
  mask: jax.Array, spacing: tuple[Any, ...], *, batch: tuple[int, ...]
) -> jax.Array:
  # Hidden from the compiler, which multiplies by constants in another order:
  # five steps of 0.7 mm were 3.4999998 mm.
  steps = lax.optimization_barrier(spacing)
  transform = functools.partial(squared_distances, spacing=steps)
  for _ in batch:
    transform = jax.vmap(transform)
  squared = transform(_axes.in_front(mask, batch))
  found = jnp.where(squared < _FAR, jnp.sqrt(squared), jnp.inf)
  return _axes.restored(found, batch)


def squared_distances(mask: jax.Array, spacing: tuple[Any, ...]) -> jax.Array:
  """Squared distances, float32 mm^2; 1e30 if the mask is empty."""
  if not mask.size:
    return jnp.zeros(mask.shape, jnp.float32)
  squared = _first(mask, spacing[0])
  for axis in range(1, mask.ndim):
    squared = _further(squared, axis, spacing[axis])
  return squared


def _first(mask: jax.Array, step: Any) -> jax.Array:
  """Squared distance to the nearest True along axis 0."""
  length = mask.shape[0]
  index = jnp.arange(length, dtype=jnp.int32)
  index = index.reshape(-1, *[1] * (mask.ndim - 1))
  none = 2 * length  # Farther than any.
  before = lax.cummax(jnp.where(mask, index, -none), axis=0)
  after = lax.cummin(jnp.where(mask, index, 3 * length), axis=0, reverse=True)
  apart = jnp.minimum(index - before, after - index)
  squared = jnp.square(apart.astype(jnp.float32) * jnp.float32(step))
  return jnp.where(apart < length, squared, jnp.float32(_FAR))


def _further(squared: jax.Array, axis: int, step: Any) -> jax.Array:
  """Minimum over j of f(j) + (s (i - j))^2 along an axis."""
  length = squared.shape[axis]
  pad = [(0, 0)] * squared.ndim
  pad[axis] = (length, length)
  padded = jnp.pad(squared, pad, constant_values=_FAR)
  # A line without any True stays empty: there is nothing to wait for.
  hopeless = jnp.min(squared, axis=axis, keepdims=True) >= _FAR

  def square(apart: jax.Array) -> jax.Array:
    return jnp.square(apart.astype(jnp.float32) * jnp.float32(step))

  def unfinished(state: tuple[jax.Array, jax.Array]) -> jax.Array:
    apart, best = state
    most = jnp.max(jnp.where(hopeless, jnp.float32(0), best))
    return (apart < length) & (square(apart) < most)

  def look(state: tuple[jax.Array, jax.Array]) -> tuple[jax.Array, jax.Array]:
    apart, best = state
    cost = square(apart)
    for start in (length - apart, length + apart):
      shifted = lax.dynamic_slice_in_dim(padded, start, length, axis)
      best = jnp.minimum(best, shifted + cost)
    return apart + 1, best

  _, best = lax.while_loop(unfinished, look, (jnp.int32(1), squared))
  return jnp.minimum(best, jnp.float32(_FAR))
