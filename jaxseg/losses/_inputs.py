"""What every loss does first: check, mask, widen and activate its inputs."""

from collections.abc import Sequence
import math
from typing import Any, NamedTuple, TypeAlias

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike
import numpy as np

from jaxseg import _arrays as arrays
from jaxseg import _checks as checks
from jaxseg.losses import _labels
from jaxseg.losses import _mesh

ACTIVATIONS = ("sigmoid", "softmax", "none")

# The pixels that count: `where`, or True for all of them. A loss masks its
# inputs with it by jnp.where before any arithmetic, for NaN times 0 is NaN.
Mask: TypeAlias = ArrayLike

# A network in float16 overflows to infinity, and 0 times infinity is NaN. A
# pixel this wrong is as wrong as any, and a sum of 10^8 of them still fits.
_LARGEST = 1e30


class Slice(tuple[int, ...]):
  """The default axes of a group: rows and columns of `[N, H, W, C]`.

  A type of its own, so that the default is told from the same axes given.
  """

  def check(self, shape: tuple[int, ...]) -> None:
    """Raises ValueError if an array has too few axes for the default."""
    if len(shape) < 4:
      raise ValueError(
        f"arrays of shape {shape} have {len(shape)} axes, and the default axis"
        f" {tuple(self)} is of [N, H, W, C]; add the missing axes (x[..., None]"
        " for classes), or say which to sum over: axis=(-2, -1) of [N, H, W],"
        " axis=(-3, -2) of [H, W, C]"
      )


SLICE = Slice((-3, -2))


class Given(NamedTuple):
  """Arguments that are checked, and not yet masked.

  Attributes:
    logits: Float of 16 bits or more.
    labels: Of the logits' shape; class numbers have become one-hot.
    keep: The pixels that count.
    soft: Whether labels may lie between 0 and 1.
  """

  logits: ArrayLike
  labels: ArrayLike
  keep: Mask
  soft: bool


def given(
  logits: ArrayLike,
  labels: ArrayLike,
  where: ArrayLike | None,
  *,
  ignore: ArrayLike | None = None,
  activation: str = "sigmoid",
  axis: int | Sequence[int] = (),
  soft: bool = True,
  by_pixel: bool = False,
) -> Given:
  """Checks the arguments that all losses share.

  Args:
    logits: Network output.
    labels: Reference of the same shape, or class numbers without the last axis
      unless the activation is a sigmoid.
    where: Pixels that count; None is all.
    ignore: Value of labels that do not count; None is none.
    activation: As of `probabilities`.
    axis: Axes of a group.
    soft: Whether labels may lie between 0 and 1.
    by_pixel: Whether a pixel's classes count together.

  Raises:
    ConfigError: The activation is unknown.
    TypeError: `logits` is not floating point, `where` is not boolean, labels
      are not real, or an array is masked.
    ValueError: Shapes differ, `where` does not broadcast to `labels`, a label
      whose value is known does not fit, the axes must be said, or a softmax is
      of one class.
  """
  check_activation(activation, logits)
  logits, labels, where = arrays.native(
    logits=logits, labels=labels, where=where
  )
  _check_logits(logits)
  logits, labels = widened(logits), widened(labels)
  if isinstance(axis, Slice):
    axis.check(np.shape(logits))
  shape = np.shape(logits)
  if activation != "sigmoid" and _labels.are_numbers(labels, logits):
    keep = _of_numbers(labels, where, ignore, shape, by_pixel)
    return _alike(logits, _labels.one_hot(labels, shape[-1]), keep, soft=False)
  _labels.check_shape(labels, logits)
  keep = kept(where, (*shape[:-1], 1) if by_pixel else shape)
  _labels.check_values(
    labels,
    where,
    ignore,
    hard=not soft,
    exclusive=activation == "softmax",
  )
  if ignore is not None:
    counts = _labels.counted(labels, ignore)
    if by_pixel:
      counts = jnp.all(counts, axis=-1, keepdims=True)
    keep = counts if where is None else jnp.logical_and(keep, counts)
  return _alike(
    logits, labels, keep, soft=soft and not _labels.are_hard(labels)
  )


def check_activation(activation: str, logits: ArrayLike) -> None:
  """Refuses an activation that is unknown or makes a loss constant.

  Raises:
    ConfigError: It is unknown.
    ValueError: It is a softmax of one class.
  """
  checks.one_of(ACTIVATIONS, activation=activation)
  shape = np.shape(logits)
  if activation == "softmax" and shape[-1:] == (1,):
    raise ValueError(
      f"logits of shape {shape} have one class, whose softmax is 1 whatever"
      " they are; give them a channel for each class, the background too, or"
      ' take a loss of sigmoids (activation="sigmoid", binary_cross_entropy or'
      " focal)"
    )


def _alike(
  logits: ArrayLike, labels: ArrayLike, keep: Mask, *, soft: bool
) -> Given:
  """Arguments that lie on a mesh as the logits do."""
  if keep is not True:
    keep = _mesh.like(keep, logits)
  return Given(logits, _mesh.like(labels, logits), keep, soft)


def _of_numbers(
  labels: ArrayLike,
  where: ArrayLike | None,
  ignore: ArrayLike | None,
  shape: tuple[int, ...],
  by_pixel: bool,
) -> Mask:
  """The pixels that count, `[..., 1]` or of `shape`, where labels are numbers.

  Raises:
    ValueError: There is one class, a number is not of one, or `where` has
      another number of axes than labels or logits.
  """
  numbers, classes = np.shape(labels), shape[-1]
  if classes < 2:
    raise ValueError(
      f"labels {numbers} are class numbers, and logits {shape} have"
      f" {classes} class; give labels of the logits' shape"
    )
  keep: Mask = True
  pixels = None
  if where is not None:
    axes = np.ndim(where)
    if axes == len(numbers):
      keep = pixels = kept(where, numbers)
      keep = jnp.asarray(keep)[..., None]
    elif axes == len(shape):
      keep = kept(where, (*numbers, 1) if by_pixel else shape)
      if arrays.known(keep):
        pixels = np.asarray(keep).any(axis=-1)
    else:
      raise ValueError(
        f"where {np.shape(where)} does not broadcast to class numbers"
        f" {numbers}; give it an axis for each of theirs"
      )
  if where is None or pixels is not None:
    _labels.check_values(labels, pixels, ignore, numbers=classes)
  if ignore is not None:
    counts = _labels.counted(labels, ignore)[..., None]
    keep = counts if where is None else jnp.logical_and(keep, counts)
  return keep


def _check_logits(logits: ArrayLike) -> None:
  """Raises TypeError unless logits are of a float that has a sign."""
  checks.floating(logits=logits)
  dtype = jnp.asarray(logits).dtype
  if dtype.name == "float8_e8m0fnu":  # Powers of 2, for scales.
    raise TypeError(
      f"logits have dtype {dtype}, which has no sign; give floats"
    )


def widened(array: Any) -> Any:
  """An array as it is, float8 and smaller as float32.

  JAX promotes none of these to anything, and some cannot be negative or 0.
  """
  small = array.dtype.itemsize == 1 and jnp.issubdtype(
    array.dtype, jnp.floating
  )
  return jnp.asarray(array).astype(jnp.float32) if small else array


def kept(where: ArrayLike | None, shape: tuple[int, ...]) -> Mask:
  """The mask of pixels that count: `where` itself, or True for all.

  Raises:
    TypeError: The mask is not boolean; weights would be lost without notice.
    ValueError: It does not broadcast to `shape`.
  """
  if where is None:
    return True
  checks.boolean(where=where)
  checks.broadcasts(shape, where=where)
  return where


def wide(array: ArrayLike) -> np.dtype:
  """The dtype to compute in: float64 for float64, float32 for all others."""
  double = jnp.asarray(array).dtype == np.float64
  return np.dtype(np.float64 if double else np.float32)


def masked(keep: Mask, array: ArrayLike) -> jax.Array:
  """An array of its own dtype, with 0 (False) where it does not count.

  A literal 0 would ask JAX to promote booleans, which its strict mode refuses.
  """
  array = jnp.asarray(array)
  return jnp.where(keep, array, jnp.zeros((), array.dtype))


@jax.custom_jvp
def bounded(logits: jax.Array) -> jax.Array:
  """Logits without infinities.

  NaN passes through, so a broken network stays visible. The derivative is 1
  everywhere: that of a clip is 0 beyond the bound, and an infinitely wrong
  pixel would never be corrected.
  """
  return jnp.clip(logits, -_LARGEST, _LARGEST)


@bounded.defjvp
def _bounded_jvp(
  primals: tuple[jax.Array], tangents: tuple[jax.Array]
) -> tuple[jax.Array, jax.Array]:
  return bounded(*primals), tangents[0]


def prepared(
  logits: ArrayLike, labels: ArrayLike, keep: Mask
) -> tuple[jax.Array, jax.Array]:
  """Logits and labels, widened, and 0 where they do not count.

  Masked before any use: NaN under the mask reaches neither value nor gradient.
  """
  dtype = wide(logits)
  z = masked(keep, logits).astype(dtype)
  return bounded(z), masked(keep, labels).astype(dtype)


def probabilities(logits: ArrayLike, activation: str, keep: Mask) -> jax.Array:
  """Probabilities of a network's output, float32 or wider.

  Widened before the activation: in bfloat16 1 - p is lost below 0.004, and a
  float16 sum over 512 x 512 pixels overflows.

  Args:
    logits: Network output, float, `[..., C]`.
    activation: "sigmoid" for structures that may overlap, "softmax" over the
      last axis for classes that exclude each other, "none" if `logits` are
      probabilities.
    keep: Pixels that count; the values of the others reach no gradient.
  """
  if activation == "softmax":
    # A class that does not count still takes part in the others' softmax: only
    # a pixel without any class that counts is blank.
    shape = np.shape(logits)
    keep = jnp.any(jnp.broadcast_to(keep, shape), axis=-1, keepdims=True)
  z = masked(keep, logits).astype(wide(logits))
  if activation == "sigmoid":
    return jax.nn.sigmoid(bounded(z))
  if activation == "softmax" and z.size:
    return jax.nn.softmax(bounded(z), axis=-1)
  return z


def masked_mean(
  values: jax.Array, axis: int | Sequence[int], keep: Mask
) -> jax.Array:
  """Mean over axes of values that are 0 where they do not count."""
  over = checks.axes(axis, values.ndim)
  if math.prod(values.shape[a] for a in over) == 0:
    return jnp.sum(values, over)  # Of nothing: 0, where a mean is NaN.
  if keep is True:
    return jnp.mean(values, over)
  number = jnp.sum(jnp.broadcast_to(keep, values.shape), over)
  return jnp.sum(values, over) / jnp.maximum(number, 1).astype(values.dtype)


def has_structure(
  labels: ArrayLike,
  *,
  axis: int | Sequence[int] = SLICE,
  where: ArrayLike | None = None,
) -> jax.Array:
  """Which groups contain a pixel of the structure in the reference.

  Empty slices can dominate a mean of the 2D Dice loss. To leave them out, take
  the mean where this is True.

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
    axis: Axes of a group; the default is one slice, of four axes or more.
    where: Pixels that count, bool, broadcastable to `labels`; None is all.

  Returns:
    bool, `labels.shape` without `axis`: `[N, C]`.

  Raises:
    TypeError: `where` is not boolean, or an array is masked.
    ValueError: `where` does not broadcast, `axis` does not fit, or it is not
      given for fewer than four axes.

  References:
    Milletari, Navab and Ahmadi, V-Net, arXiv:1606.04797, for the loss it is
    meant for.
  """
  labels, where = arrays.native(labels=labels, where=where)
  labels = widened(labels)
  if isinstance(axis, Slice):
    axis.check(np.shape(labels))
  keep = kept(where, np.shape(labels))
  if keep is not True:
    keep = _mesh.like(keep, labels)
  seen = masked(keep, labels)
  there = seen > jnp.zeros((), seen.dtype)
  return jnp.any(there, axis=checks.axes(axis, there.ndim))
