"""Logits and labels as all losses take them."""

from collections.abc import Sequence
import operator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxseg.losses import _where

# A network in float16 overflows to infinity, and 0 times infinity is nan. A
# pixel this wrong is as wrong as any, and a sum of 10^8 of them still fits.
_LARGEST = 1e30


def wide(array: Any) -> Any:
  """The dtype to compute in: float32, float64 for float64."""
  return jnp.promote_types(jnp.asarray(array).dtype, jnp.float32)


@jax.custom_jvp
def bounded(logits: jax.Array) -> jax.Array:
  """Logits without infinities; a nan stays, for a broken network must show.

  Its derivative is 1 throughout: a clip's is 0 beyond the bound, and a pixel
  that is infinitely wrong would never be put right.
  """
  return jnp.clip(logits, -_LARGEST, _LARGEST)


@bounded.defjvp
def _bounded_jvp(
  primals: tuple[jax.Array], tangents: tuple[jax.Array]
) -> tuple[jax.Array, jax.Array]:
  return bounded(*primals), tangents[0]


def prepared(
  logits: jax.Array,
  labels: jax.Array,
  keep: jax.Array | np.ndarray | bool,
) -> tuple[jax.Array, jax.Array]:
  """Logits and labels in the dtype to compute in, 0 where they do not count.

  Masked before any use: a nan under the mask reaches neither value nor
  gradient.
  """
  dtype = wide(logits)
  z = jnp.where(keep, logits, 0).astype(dtype)
  return bounded(z), jnp.where(keep, labels, 0).astype(dtype)


def within(low: float, high: float, **values: Any) -> None:
  """Raises ValueError unless all numbers are in [low, high].

  Python's and NumPy's only: values of JAX may be traced.
  """
  for name, value in values.items():
    if value is None or isinstance(value, jax.Array):
      continue
    given = np.asarray(value)
    if not np.all((low <= given) & (given <= high)):
      wanted = f"{low} or above" if high == np.inf else f"[{low}, {high}]"
      said = " ".join(str(value).split())  # One line, however many it had.
      raise ValueError(f"{name} is {said}; give numbers of {wanted}")


def axes(axis: int | Sequence[int], ndim: int) -> tuple[int, ...]:
  """Axes summed over, none negative.

  Raises:
    ValueError: One is none of the array's, or is named twice.
  """
  given = axis if isinstance(axis, Sequence) else (axis,)
  found = tuple(operator.index(a) for a in given)
  if not all(-ndim <= a < ndim for a in found):
    raise ValueError(
      f"axis {axis} is not of an array of {ndim} axes; name its axes"
    )
  found = tuple(a % ndim for a in found)
  if len(set(found)) < len(found):
    raise ValueError(f"axis {axis} names an axis twice; name each once")
  return found


def has_structure(
  labels: jax.Array,
  *,
  axis: int | Sequence[int] = (-3, -2),
  where: jax.Array | None = None,
) -> jax.Array:
  """Which groups have a pixel of the structure in the reference.

  Empty slices can rule a mean of the 2D Dice loss. To leave them out, take the
  mean where this holds; its sum is the number that is left.

  >>> from jaxseg import losses
  >>> labels = jnp.zeros((2, 4, 4, 1)).at[0, 1:3, 1:3].set(1.0)
  >>> there = has_structure(labels)
  >>> there.tolist()
  [[True], [False]]
  >>> loss = losses.dice(jnp.zeros((2, 4, 4, 1)), labels)
  >>> round(float(jnp.mean(loss, where=there)), 3)
  0.615

  Args:
    labels: Reference in [0, 1], `[N, H, W, C]`.
    axis: Axes of a group; the default is one slice.
    where: Pixels that count, bool, broadcastable to `labels`; None is all.

  Returns:
    bool, `labels.shape` without `axis`: `[N, C]`.

  Raises:
    TypeError: `where` is not boolean.
    ValueError: `where` does not broadcast, or `axis` names no axes.

  References:
    Milletari, Navab and Ahmadi, V-Net, arXiv:1606.04797, for the loss that it
    is for.
  """
  keep = _where.kept(where, np.shape(labels))
  there = jnp.where(keep, labels, 0) > 0
  return jnp.any(there, axis=axes(axis, there.ndim))


def masked_mean(
  values: jax.Array,
  axis: int | Sequence[int],
  where: jax.Array | None,
) -> jax.Array:
  """Mean over axes of values that are 0 where they do not count."""
  over = axes(axis, values.ndim)
  if where is None:
    return jnp.mean(values, over)
  kept = jnp.sum(jnp.broadcast_to(where, values.shape), over)
  return jnp.sum(values, over) / jnp.maximum(kept, 1).astype(values.dtype)
