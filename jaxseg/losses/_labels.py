"""What labels may be: checked where their values are known, and one-hot."""

from collections.abc import Iterator
import contextlib
import contextvars
import functools
from typing import Any

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike
import numpy as np

from jaxseg import _arrays as arrays

# Interpolated labels miss 0 and 1 by a few roundings.
_SLACK = 1e-6
# Of a sum over classes, of labels that may be bfloat16.
_NEAR = 1e-2

# Whether the labels of this call were averaged, which does not show in a trace.
_averaged = contextvars.ContextVar("averaged", default=False)


@contextlib.contextmanager
def averaged() -> Iterator[None]:
  """Within it labels lie between 0 and 1; a loss of hard ones refuses them."""
  before = _averaged.set(True)
  try:
    yield
  finally:
    _averaged.reset(before)


def are_hard(labels: ArrayLike) -> bool:
  """Whether the dtype alone says that labels are 0 or 1."""
  return not jnp.issubdtype(jnp.asarray(labels).dtype, jnp.floating)


def are_numbers(labels: ArrayLike, logits: ArrayLike) -> bool:
  """Whether labels are class numbers: one axis fewer, and integers."""
  dtype = jnp.asarray(labels).dtype
  return bool(
    np.shape(labels) == np.shape(logits)[:-1]
    and np.ndim(logits) > 0
    and jnp.issubdtype(dtype, jnp.integer)
  )


def one_hot(labels: ArrayLike, classes: int) -> jax.Array:
  """Class numbers as bool, with an axis of classes at the end."""
  numbers = jnp.asarray(labels).astype(jnp.int32)[..., None]
  every = jnp.arange(classes, dtype=jnp.int32)
  return numbers == every.reshape((1,) * (numbers.ndim - 1) + (-1,))


def counted(labels: ArrayLike, ignore: ArrayLike) -> jax.Array:
  """Where labels are not the value to ignore; one they cannot hold is fine."""
  if isinstance(labels, np.ndarray) and labels.dtype in (np.int64, np.uint64):
    return jnp.asarray(labels != np.asarray(ignore))  # Before JAX wraps them.
  values = jnp.asarray(labels)
  if isinstance(ignore, int) and jnp.issubdtype(values.dtype, jnp.integer):
    held = jnp.iinfo(values.dtype)
    if not held.min <= ignore <= held.max:
      return jnp.ones(values.shape, jnp.bool_)
    return values != jnp.asarray(ignore, values.dtype)
  if are_hard(values) and values.dtype.itemsize < 4:
    values = values.astype(jnp.int32)
  return values != ignore


def check_shape(labels: ArrayLike, logits: ArrayLike) -> None:
  """Raises ValueError unless labels and logits have one shape.

  The message names what the labels seem to be.
  """
  shape, whole = np.shape(labels), np.shape(logits)
  if shape == whole:
    return
  remedy = "give arrays of one shape"
  if shape == whole[:-1] or shape == (*whole[:-1], 1):
    remedy += (
      ", or class numbers: integers of the logits' shape without its last axis,"
      ' for a loss of a softmax (activation="softmax")'
    )
  elif len(whole) > 2 and shape in (
    (whole[0], *whole[2:]),
    (whole[0], 1, *whole[2:]),
  ):
    remedy = "the logits' classes seem to be axis 1; move them to the end"
  raise ValueError(f"shapes differ: logits {whole}, labels {shape}; {remedy}")


def check_values(
  labels: ArrayLike,
  where: ArrayLike | None,
  ignore: ArrayLike | None,
  *,
  numbers: int | None = None,
  hard: bool = False,
  exclusive: bool = False,
) -> None:
  """Looks at labels whose values are known; traced ones pass.

  Args:
    labels: As given, native byte order.
    where: Pixels that count, broadcastable to labels; None is all.
    ignore: Value of labels that do not count; None is none.
    numbers: How many classes there are, if labels are class numbers.
    hard: Whether labels must be 0 or 1.
    exclusive: Whether the last axis is of classes that exclude each other.

  Raises:
    TypeError: Labels are not real numbers.
    ValueError: One that counts is outside [0, 1], or no class, or neither 0 nor
      1 where it must be; or they are one-hot along another axis than the last.
  """
  dtype = jnp.asarray(labels).dtype
  if not (jnp.issubdtype(dtype, jnp.number) or dtype == jnp.bool_) or (
    jnp.issubdtype(dtype, jnp.complexfloating)
  ):
    raise TypeError(f"labels have dtype {dtype}; give real numbers or bool")
  if hard and not are_hard(labels) and _averaged.get():
    raise ValueError(
      "labels are averaged over coarser pixels, and this loss needs 0 or 1;"
      ' give deep_supervision downsample="nearest"'
    )
  if not arrays.known(labels, where, ignore):
    return
  if not _fits(labels, where, ignore, numbers, hard):
    _refuse(labels, where, ignore, numbers, hard)
  if exclusive and numbers is None:
    _check_classes_are_last(labels, where)


def _limits(numbers: int | None) -> tuple[float, float]:
  return (0, numbers - 1) if numbers is not None else (-_SLACK, 1 + _SLACK)


def _fits(
  labels: ArrayLike,
  where: ArrayLike | None,
  ignore: ArrayLike | None,
  numbers: int | None,
  hard: bool,
) -> bool:
  """Whether all labels that count are as they must be; looks at each once."""
  if jnp.asarray(labels).dtype == jnp.bool_ or not np.size(labels):
    return True
  low, high = _limits(numbers)
  hard = hard and not are_hard(labels)
  if isinstance(labels, jax.Array) and arrays.on_accelerator(labels):
    # There, so that a byte and not the labels is brought here; now, though
    # another function may be traced.
    with jax.ensure_compile_time_eval():
      return bool(_all_fit(labels, where, ignore, low, high, hard))
  values, mask, no = _host(labels), _host(where), _host(ignore)
  if where is None and ignore is None and not hard:
    return bool(values.min() >= low and values.max() <= high)
  return bool(np.all(_fine(values, mask, no, low, high, hard)))


def _fine(
  values: Any,
  where: Any,
  ignore: Any,
  low: float,
  high: float,
  hard: bool,
) -> Any:
  """Labels that are as they must be, or do not count."""
  fine = (values >= low) & (values <= high)
  if hard:
    fine = (values == 0) | (values == 1)
  if ignore is not None:
    fine = fine | (values == ignore)
  return fine if where is None else fine | ~where


@functools.partial(jax.jit, static_argnames=("low", "high", "hard"))
def _all_fit(
  labels: jax.Array,
  where: ArrayLike | None,
  ignore: ArrayLike | None,
  low: float,
  high: float,
  hard: bool,
) -> jax.Array:
  values = labels.astype(jnp.float32)
  return jnp.all(_fine(values, where, ignore, low, high, hard))


def _host(array: ArrayLike | None) -> Any:
  if array is None:
    return None
  values = np.asarray(array)
  # NumPy has no minimum of JAX's small types.
  return values if values.dtype.kind in "biuf" else values.astype(np.float32)


def _refuse(
  labels: ArrayLike,
  where: ArrayLike | None,
  ignore: ArrayLike | None,
  numbers: int | None,
  hard: bool,
) -> None:
  """Raises ValueError that names the first label that does not fit."""
  values, mask, no = _host(labels), _host(where), _host(ignore)
  low, high = _limits(numbers)
  fine = _fine(values, mask, no, low, high, hard and not are_hard(labels))
  place = tuple(int(i) for i in np.argwhere(~fine)[0])
  said = f"labels hold {values[place]!s} at {place}"
  if numbers is not None:
    raise ValueError(
      f"{said}, and there are {numbers} classes; give numbers of 0 to"
      f" {numbers - 1}, and leave others out by ignore={values[place]!s}"
    )
  if hard and low <= values[place] <= high:
    raise ValueError(
      f"{said}, and this loss needs 0 or 1; round them (labels > 0.5), or take"
      " a loss of soft labels"
    )
  raise ValueError(
    f"{said}; give values in [0, 1]: compare with a class (labels == 1), and"
    " leave pixels out by `where` or `ignore`"
  )


def _check_classes_are_last(labels: ArrayLike, where: ArrayLike | None) -> None:
  """Raises ValueError if labels add up to 1 along another axis than the last.

  The first case shows it; only if it does, all are looked at.
  """
  shape = np.shape(labels)
  if len(shape) < 3 or not np.size(labels):
    return
  whole = None if where is None else np.broadcast_to(where, shape)
  few = slice(None) if len(shape) == 3 else slice(1)
  if _adds_up(_cases(labels, few), whole if whole is None else whole[few], -1):
    return
  for axis in (0, 1) if len(shape) == 3 else (1,):
    if shape[axis] > 1 and _adds_up(_host(labels), whole, axis):
      raise ValueError(
        f"labels of shape {shape} are one-hot along axis {axis}, and a softmax"
        " is taken over the last; move the classes of logits and labels to the"
        f" end (jnp.moveaxis(x, {axis}, -1))"
      )


def _cases(labels: ArrayLike, some: slice) -> np.ndarray:
  """Some of the cases, on the host."""
  if isinstance(labels, jax.Array) and arrays.on_accelerator(labels):
    if len(labels.devices()) == 1:  # On a mesh it is no case's own.
      with jax.ensure_compile_time_eval():
        labels = labels[some]
        return np.asarray(_host(labels))
  return np.asarray(_host(labels)[some])


def _adds_up(values: np.ndarray, where: np.ndarray | None, axis: int) -> bool:
  """Whether values add up to 1 along an axis, wherever some of them count."""
  total = values.sum(axis=axis, dtype=np.float32)
  fine = np.abs(total - 1) <= _NEAR
  if where is not None:
    fine |= ~where.any(axis=axis)
  return bool(fine.all())
