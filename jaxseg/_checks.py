"""Checks of arguments: shape, dtype, axes, numbers and names.

They work while JAX traces a function: what is traced has a shape and a dtype to
look at, but no values yet. A wrong dtype is a TypeError; shapes, axes and
spacings that do not fit an array are a ValueError; any other setting that
cannot work is the caller's ConfigError.
"""

from collections.abc import Collection, Sequence
import math
import operator
from typing import Any

import numpy as np

from jaxseg import _arrays as arrays
from jaxseg import errors


def same_shape(**arrays: Any) -> None:
  """Raises ValueError unless all arrays have one shape."""
  shapes = {name: tuple(np.shape(array)) for name, array in arrays.items()}
  if len(set(shapes.values())) > 1:
    said = ", ".join(f"{name} {shape}" for name, shape in shapes.items())
    raise ValueError(f"shapes differ: {said}; give arrays of one shape")


def floating(**arrays: Any) -> None:
  """Raises TypeError unless every array is of a floating-point dtype."""
  # jnp.issubdtype and not NumPy's: bfloat16 is a float only to the former.
  import jax.numpy as jnp

  for name, array in arrays.items():
    if not jnp.issubdtype(jnp.asarray(array).dtype, jnp.floating):
      raise TypeError(
        f"{name} has dtype {jnp.asarray(array).dtype}; give floating point"
      )


def boolean(**arrays: Any) -> None:
  """Raises TypeError unless every array is boolean."""
  for name, array in arrays.items():
    dtype = array.dtype if hasattr(array, "dtype") else np.asarray(array).dtype
    if dtype != np.bool_:
      raise TypeError(f"{name} has dtype {dtype}; give a boolean mask")


def traced(*arrays: Any) -> bool:
  """Whether JAX is tracing any of the arrays."""
  import jax

  return any(isinstance(array, jax.core.Tracer) for array in arrays)


def broadcasts(shape: Sequence[int], **arrays: Any) -> None:
  """Raises ValueError unless every array broadcasts to a shape, as it is.

  One with more axes or longer ones would enlarge the result.
  """
  for name, array in arrays.items():
    found = np.shape(array)
    pairs = zip(found[::-1], tuple(shape)[::-1], strict=False)
    if len(found) > len(shape) or any(m not in (1, n) for m, n in pairs):
      raise ValueError(
        f"{name} {found} does not broadcast to {tuple(shape)}; give each axis"
        " its full length or 1"
      )


def axes(axis: int | Sequence[int] | None, ndim: int) -> tuple[int, ...]:
  """The axes that are meant, none negative; None is all.

  Raises:
    ValueError: One is not an axis of the array, or is named twice.
  """
  if axis is None:
    return tuple(range(ndim))
  given = axis if isinstance(axis, Sequence) else (axis,)
  found = tuple(operator.index(a) for a in given)
  if not all(-ndim <= a < ndim for a in found):
    raise ValueError(
      f"axis {axis} does not fit an array of {ndim} axes; name axes it has"
    )
  found = tuple(a % ndim for a in found)
  if len(set(found)) < len(found):
    raise ValueError(f"axis {axis} names an axis twice; name each once")
  return found


def one_of(known: Collection[str], **settings: Any) -> None:
  """Raises ConfigError unless every setting is one of the known names."""
  for name, value in settings.items():
    if not isinstance(value, str) or value not in known:
      raise errors.ConfigError(
        f"{name} {value!r} is unknown; take one of {', '.join(known)}"
      )


def positive(**values: Any) -> None:
  """Raises ValueError unless all are finite and above 0; traced ones may be."""
  for name, value in values.items():
    given = np.asarray(value) if arrays.known(value) else np.ones(1)
    if not np.all((given > 0) & np.isfinite(given)):
      said = " ".join(str(value).split())  # One line, however many it had.
      raise ValueError(f"{name} is {said}; give a number above 0")


def within(low: float, high: float, **values: Any) -> None:
  """Raises ValueError unless all numbers are in [low, high] and finite.

  None and what is traced pass.
  """
  for name, value in values.items():
    if value is None or not arrays.known(value):
      continue
    given = np.asarray(value)
    if not np.all((low <= given) & (given <= high) & np.isfinite(given)):
      wanted = f"{low} or above" if high == math.inf else f"{low} to {high}"
      said = " ".join(str(value).split())  # One line, however many it had.
      raise ValueError(f"{name} is {said}; give {wanted}")


def whole(least: int, **numbers: Any) -> None:
  """Raises ConfigError unless all are whole numbers, `least` or above."""
  for name, number in numbers.items():
    try:
      fits = operator.index(number) >= least
    except TypeError:
      fits = False
    if not fits:
      raise errors.ConfigError(
        f"{name} is {number!r}; give a whole number, {least} or above"
      )


def divisible(by: int, **shapes: Sequence[int]) -> None:
  """Raises ValueError unless every length is a positive multiple of `by`."""
  for name, shape in shapes.items():
    if any(length < by or length % by for length in shape):
      raise ValueError(
        f"{name} {tuple(shape)} is not divisible by {by};"
        " pad or crop the images to multiples of it"
      )


def spacing(spacing: Any, axes: int) -> tuple[float, ...]:
  """Spacing as floats, one above 0 for each axis of an image.

  Args:
    spacing: mm.
    axes: Of the masks; those before the last three are of a batch.

  Raises:
    ValueError: It does not fit, or the masks have fewer than 2 axes.
  """
  if axes < 2:
    raise ValueError(f"masks have {axes} axes; give 2 or 3, and a batch before")
  axes = min(axes, 3)
  try:
    mm = [float(s) for s in spacing]
  except (TypeError, ValueError):  # Not a sequence, or not of numbers.
    mm = []
  if len(mm) != axes or not all(0 < s < math.inf for s in mm):
    said = " ".join(str(spacing).split())  # An array's text has lines.
    raise ValueError(
      f"spacing {said} mm does not fit masks of {axes} axes; give one"
      " number above 0 per axis, in the array's order"
    )
  return tuple(mm)
