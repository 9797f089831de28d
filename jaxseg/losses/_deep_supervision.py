"""Deep supervision: a loss at several resolutions of a network."""

from collections.abc import Callable, Sequence
import math
from typing import Any

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike
import numpy as np

from jaxseg import _arrays as arrays
from jaxseg import _checks as checks
from jaxseg.losses import _inputs
from jaxseg.losses import _labels
from jaxseg.losses import _mesh
from jaxseg.losses import _numbers

_DOWNSAMPLE = ("mean", "nearest")


def deep_supervision(
  loss: Callable[..., ArrayLike],
  outputs: Sequence[ArrayLike],
  labels: ArrayLike,
  *,
  weights: Sequence[ArrayLike] | ArrayLike | None = None,
  where: ArrayLike | None = None,
  downsample: str = "mean",
) -> jax.Array:
  """Weighted mean of a loss at several resolutions of a network.

  The mean over a coarser pixel is a soft label. All losses but the Lovasz ones
  have their least where the probability is that label; those are refused unless
  the labels are downsampled to the nearest.

  >>> from jaxseg import losses
  >>> fine, coarse = jnp.zeros((1, 4, 4, 1)), jnp.zeros((1, 2, 2, 1))
  >>> labels = jnp.ones((1, 4, 4, 1))
  >>> deep_supervision(losses.dice, [fine, coarse], labels).shape
  (1, 1)

  Args:
    loss: Function of (logits, labels) that reduces over the pixels, such as
      `dice`, or a lambda that takes the mean.
    outputs: Logits `[N, H, W, C]`, the finest first; height and width of each
      divide the first's.
    labels: Reference at the finest resolution, `[N, H, W, C]`; or class
      numbers, integers `[N, H, W]`, which the loss gets one-hot.
    weights: One for each output, 0 or above, traced or not; None is 1, 1/2,
      1/4, ... They are divided by their sum.
    where: Pixels of the finest output that count, bool, broadcastable to
      `labels`; None is all. `loss` gets the mask as `where`.
    downsample: "mean": a coarser output is compared with the mean over those
      pixels under each of its own that count, and a pixel counts if one of
      these does. "nearest": it is compared with the pixel in their middle.

  Returns:
    Loss, of the shape that `loss` gives.

  Raises:
    ConfigError: `downsample` is unknown.
    TypeError: `where` is not boolean, or an array is masked.
    ValueError: There are no outputs, a size does not divide the first's, the
      weights do not fit, `where` does not broadcast, a label whose value is
      known is outside [0, 1] or of no class, `loss` needs labels of 0 or 1, or
      does not reduce over the pixels.

  References:
    Lee et al., Deeply-supervised nets, arXiv:1409.5185.
  """
  if not outputs:
    raise ValueError("deep_supervision has no outputs; give at least one")
  checks.one_of(_DOWNSAMPLE, downsample=downsample)
  shares = _shares(weights, len(outputs))
  labels, where = _checked(labels, where, outputs[0])
  total: Any = 0
  for logits, share in zip(outputs, shares, strict=True):
    shape = np.shape(logits)
    if downsample == "nearest":
      t = _nearest(labels, shape)
      mask = where if where is None else _nearest(where, shape)
      value = loss(logits, t) if mask is None else loss(logits, t, where=mask)
    elif shape == np.shape(labels):
      value = _call(loss, logits, labels, where)
    else:
      with _labels.averaged():
        value = _call(loss, logits, labels, where)
    value = jnp.asarray(value)
    if np.shape(total) not in ((), value.shape):
      raise ValueError(
        f"the loss of logits {shape} has shape {value.shape}, that of the"
        f" finest {np.shape(total)}; give one that reduces over the pixels,"
        " such as dice, or a lambda that takes the mean"
      )
    total = total + _numbers.number(share, value.dtype) * value
  return jnp.asarray(total)


def _shares(weights: Any, number: int) -> list[Any]:
  """Weights divided by their sum.

  Raises:
    ValueError: There are more or fewer than outputs, or they are known to be
      negative, not finite, or all 0.
  """
  given: Any = [0.5**k for k in range(number)] if weights is None else weights
  shape = given.shape if hasattr(given, "shape") else (len(given),)
  if tuple(shape) != (number,):
    raise ValueError(
      f"weights of shape {tuple(shape)} do not fit {number} outputs; give one"
      " for each"
    )
  if arrays.known(given):
    values = [float(w) for w in np.asarray(given)]
    fine = all(0 <= w < math.inf for w in values) and sum(values) > 0
    if not fine:
      raise ValueError(
        f"weights {values} do not fit {number} outputs; give each one of 0 or"
        " above, not all 0"
      )
    return [w / sum(values) for w in values]
  return [w / sum(given) for w in given]


def _checked(
  labels: ArrayLike, where: ArrayLike | None, finest: ArrayLike
) -> tuple[ArrayLike, ArrayLike | None]:
  """Labels of the finest output's shape, and the mask of that shape."""
  labels, where = arrays.native(labels=labels, where=where)
  labels = _inputs.widened(labels)
  if _labels.are_numbers(labels, finest):
    found = _inputs.given(finest, labels, where, activation="softmax")
    labels, where = found.labels, None if where is None else found.keep
  else:
    _inputs.kept(where, np.shape(labels))
    _labels.check_values(labels, where, None)
  if where is not None:
    where = _mesh.like(jnp.broadcast_to(where, np.shape(labels)), labels)
  return labels, where


def _call(
  loss: Callable[..., ArrayLike],
  logits: ArrayLike,
  labels: ArrayLike,
  where: ArrayLike | None,
) -> ArrayLike:
  """The loss of an output and the mean of the labels under each pixel."""
  shape = np.shape(logits)
  if where is None:
    return loss(logits, _mean(labels, shape))
  share = _mean(where, shape)
  some = share > 0
  seen = _mean(_inputs.masked(where, labels), shape)
  return loss(logits, seen / jnp.where(some, share, 1), where=some)


def _factors(whole: tuple[int, ...], shape: tuple[int, ...]) -> list[int]:
  """How many labels are under a pixel, along each axis."""
  pairs = list(zip(whole, shape, strict=False))
  factors = [n // m if m else 1 for n, m in pairs]
  # Cases and classes are never averaged, even where their number divides.
  if (
    len(whole) != len(shape)
    or (whole[0], whole[-1]) != (shape[0], shape[-1])
    or any(m * f != n for (n, m), f in zip(pairs, factors, strict=True))
  ):
    raise ValueError(
      f"an output of shape {shape} does not divide labels of shape {whole};"
      " divide height and width by whole numbers, with the same cases and"
      " classes"
    )
  return factors


def _mean(labels: ArrayLike, shape: tuple[int, ...]) -> jax.Array:
  """Labels averaged down to the shape of a coarser output."""
  factors = _factors(np.shape(labels), shape)
  values = jnp.asarray(labels).astype(_inputs.wide(labels))
  if values.shape == shape:
    return values
  split = [k for n, f in zip(shape, factors, strict=True) for k in (n, f)]

  def of(v: jax.Array) -> jax.Array:
    return v.reshape(split).mean(axis=tuple(range(1, 2 * len(shape), 2)))

  return _mesh.reshaping(of, values, axes=range(len(shape)))


def _nearest(labels: ArrayLike, shape: tuple[int, ...]) -> jax.Array:
  """The labels in the middle of what each pixel of a coarser output covers."""
  factors = _factors(np.shape(labels), shape)
  middle = tuple(slice(f // 2, None, f) for f in factors)
  values = jnp.asarray(labels)
  if values.shape == shape:
    return values
  return _mesh.reshaping(lambda v: v[middle], values, axes=range(len(shape)))
