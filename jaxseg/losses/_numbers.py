"""Numbers that losses take: traced or not, one or one for each class."""

from collections.abc import Sequence
import math
from typing import Any, TypeAlias

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike
import numpy as np

from jaxseg import _arrays as arrays
from jaxseg import _checks as checks

# Smoothing of numerator and denominator, or one for both.
Smooth: TypeAlias = ArrayLike | tuple[ArrayLike, ArrayLike]

# In pixels. A denominator below it is of no pixel at all; the gradient of a
# quotient has its square below, which float32 still holds.
_LEAST = 1e-18


def number(value: ArrayLike, dtype: Any) -> Any:
  """A number as it enters arithmetic: one of Python's, or of this dtype.

  NumPy's and JAX's would make a float32 loss float64.
  """
  if type(value) in (int, float):
    return value
  return jnp.asarray(arrays.native(number=value)[0]).astype(dtype)


def broadcast(value: ArrayLike, array: jax.Array, name: str) -> Any:
  """A number for each element of an array, or fewer.

  Raises:
    ValueError: It has axes or lengths that the array has not, and would make
      the loss larger.
  """
  shape, whole = np.shape(value), array.shape
  pairs = zip(shape[::-1], whole[::-1], strict=False)
  if len(shape) > len(whole) or any(m not in (1, n) for m, n in pairs):
    raise ValueError(
      f"{name} of shape {shape} does not broadcast to {whole}; give one number,"
      " or one for each class"
    )
  return number(value, array.dtype)


def smoothing(smooth: Smooth) -> tuple[Any, Any, bool]:
  """Smoothing of numerator and denominator, and whether the latter is above 0.

  Raises:
    ValueError: One is known to be negative or not finite, or the numerator's is
      above 0 and the denominator's is not.
  """
  pair = smooth if isinstance(smooth, (tuple, list)) else (smooth, smooth)
  if len(pair) != 2:
    raise ValueError(
      f"smooth has {len(pair)} numbers; give one, or a pair of numerator and"
      " denominator"
    )
  above, below = pair
  checks.within(0, math.inf, smooth=above)
  checks.within(0, math.inf, smooth=below)
  sure = arrays.known(below) and bool(np.all(np.asarray(below) > 0))
  if not sure and arrays.known(above, below):
    lost = (np.asarray(below) == 0) & (np.asarray(above) > 0)
    if np.any(lost):
      raise ValueError(
        f"smooth is {smooth}: above 0 in the numerator alone an empty group has"
        " no loss; give the denominator's as well"
      )
  return above, below, sure


def one_minus_ratio(
  wrong: jax.Array, total: jax.Array, smooth: Smooth
) -> jax.Array:
  """1 - (total - wrong + s) / (total + d), which is (wrong + d - s) / ...

  With s = d = 0 it is 0 where the total is 0, and so is its gradient.
  """
  above, below, sure = smoothing(smooth)
  top = wrong
  low = broadcast(below, total, "smooth")
  if above is not below:
    top = wrong + (low - broadcast(above, total, "smooth"))
  bottom = total + low
  return top / (bottom if sure else jnp.maximum(bottom, _LEAST))


def weighted(
  loss: jax.Array,
  class_weights: ArrayLike | None,
  axis: int | Sequence[int],
  ndim: int,
) -> jax.Array:
  """A loss of classes times their weights.

  Args:
    loss: Without the axes summed over, classes on the last.
    class_weights: One for each class; None is 1.
    axis: The axes that were summed over.
    ndim: Of the logits.

  Raises:
    ValueError: They do not fit, one is negative, or classes were summed over.
  """
  if class_weights is None:
    return loss
  if ndim - 1 in checks.axes(axis, ndim):
    raise ValueError(
      f"axis {axis} includes the classes, which have weights; leave it out"
    )
  return loss * weights_of_classes(class_weights, loss)


def weights_of_classes(class_weights: ArrayLike, values: jax.Array) -> Any:
  """Weights of classes as an array `[C]` that broadcasts to the values.

  Raises:
    ValueError: They are not one for each class, or one is negative.
  """
  (given,) = arrays.native(class_weights=class_weights)
  w = jnp.asarray(given).astype(values.dtype)
  if w.shape != values.shape[-1:]:
    raise ValueError(
      f"class_weights of shape {w.shape} do not fit {values.shape[-1]} classes;"
      " give one for each"
    )
  checks.within(0, math.inf, class_weights=class_weights)
  return w.reshape((1,) * (values.ndim - 1) + (-1,))
