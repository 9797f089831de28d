"""What every loss does first: check, mask, widen and activate its inputs."""

from collections.abc import Sequence
from typing import Any, TypeAlias

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike
import numpy as np

from jaxseg import _checks as checks

ACTIVATIONS = ("sigmoid", "softmax", "none")

# The pixels that count: `where`, or True for all of them. A loss masks its
# inputs with it by jnp.where before any arithmetic, for NaN times 0 is NaN.
Mask: TypeAlias = ArrayLike

# A network in float16 overflows to infinity, and 0 times infinity is NaN. A
# pixel this wrong is as wrong as any, and a sum of 10^8 of them still fits.
_LARGEST = 1e30


def checked(
  logits: ArrayLike, labels: ArrayLike, where: ArrayLike | None
) -> Mask:
  """Checks the arguments that all losses share; returns the pixels that count.

  Raises:
    TypeError: `logits` is not floating point, or `where` is not boolean.
    ValueError: Shapes differ, or `where` does not broadcast to `labels`.
  """
  checks.floating(logits=logits)
  checks.same_shape(logits=logits, labels=labels)
  return kept(where, np.shape(labels))


def kept(where: ArrayLike | None, shape: tuple[int, ...]) -> Mask:
  """The mask of pixels that count: `where` itself, or True for all.

  Raises:
    TypeError: The mask is not boolean; weights would be lost without notice.
    ValueError: It does not broadcast to `shape`.
  """
  if where is None:
    return True
  checks.boolean(where=where)
  mask = np.shape(where)
  # A mask with more axes than the labels would silently enlarge the result.
  pairs = zip(mask[::-1], shape[::-1], strict=False)
  if len(mask) > len(shape) or any(m not in (1, n) for m, n in pairs):
    raise ValueError(
      f"where {mask} does not broadcast to labels {tuple(shape)}; give each"
      " axis its full length or 1"
    )
  return where


def wide(array: ArrayLike) -> np.dtype:
  """The dtype to compute in: float64 for float64, float32 for all others."""
  return jnp.promote_types(jnp.asarray(array).dtype, jnp.float32)


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
  z = jnp.where(keep, logits, 0).astype(dtype)
  return bounded(z), jnp.where(keep, labels, 0).astype(dtype)


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

  Raises:
    ConfigError: The activation is unknown.
  """
  checks.one_of(ACTIVATIONS, activation=activation)
  if activation == "softmax":
    # A class that does not count still takes part in the others' softmax: only
    # a pixel without any class that counts is blank.
    shape = np.shape(logits)
    keep = jnp.any(jnp.broadcast_to(keep, shape), axis=-1, keepdims=True)
  z = jnp.where(keep, logits, 0).astype(wide(logits))
  if activation == "sigmoid":
    return jax.nn.sigmoid(bounded(z))
  if activation == "softmax":
    return jax.nn.softmax(bounded(z), axis=-1)
  return z


def within(low: float, high: float, **values: Any) -> None:
  """Raises ValueError unless all numbers are in [low, high].

  Only Python's and NumPy's are checked: JAX's may be traced.
  """
  for name, value in values.items():
    if value is None or isinstance(value, jax.Array):
      continue
    given = np.asarray(value)
    if not np.all((low <= given) & (given <= high)):
      wanted = f"{low} or above" if high == np.inf else f"{low} to {high}"
      said = " ".join(str(value).split())  # One line, however many it had.
      raise ValueError(f"{name} is {said}; give {wanted}")


def masked_mean(
  values: jax.Array, axis: int | Sequence[int], where: ArrayLike | None
) -> jax.Array:
  """Mean over axes of values that are 0 where they do not count."""
  over = checks.axes(axis, values.ndim)
  if where is None:
    return jnp.mean(values, over)
  number = jnp.sum(jnp.broadcast_to(where, values.shape), over)
  return jnp.sum(values, over) / jnp.maximum(number, 1).astype(values.dtype)


def has_structure(
  labels: ArrayLike,
  *,
  axis: int | Sequence[int] = (-3, -2),
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
    axis: Axes of a group; the default is one slice.
    where: Pixels that count, bool, broadcastable to `labels`; None is all.

  Returns:
    bool, `labels.shape` without `axis`: `[N, C]`.

  Raises:
    TypeError: `where` is not boolean.
    ValueError: `where` does not broadcast, or `axis` does not fit.

  References:
    Milletari, Navab and Ahmadi, V-Net, arXiv:1606.04797, for the loss it is
    meant for.
  """
  keep = kept(where, np.shape(labels))
  there = jnp.where(keep, labels, 0) > 0
  return jnp.any(there, axis=checks.axes(axis, there.ndim))
