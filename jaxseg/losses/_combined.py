"""Losses made of others: with cross entropy, and at several depths."""

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike
import numpy as np

from jaxseg.losses import _cross_entropy
from jaxseg.losses import _inputs
from jaxseg.losses import _region


def bce_dice(
  logits: ArrayLike,
  labels: ArrayLike,
  *,
  weight: ArrayLike = 0.5,
  axis: int | Sequence[int] = (-3, -2),
  smooth: float = 1.0,
  where: ArrayLike | None = None,
) -> jax.Array:
  """Weighted sum: w mean(cross entropy) + (1 - w) Dice loss.

  With the default axes it is the mix with 2D Dice that the study recommends.

  >>> import jax.numpy as jnp
  >>> bce_dice(jnp.zeros((2, 4, 4, 3)), jnp.ones((2, 4, 4, 3))).shape
  (2, 3)

  Args:
    logits: Network output, float, `[N, H, W, C]`; the sigmoid is inside.
    labels: Reference in [0, 1], same shape; structures may overlap.
    weight: w in [0, 1]: 1 is cross entropy alone, 0 Dice alone. It may be
      traced, so that one compiled step serves all mixes.
    axis: Axes that the mean and the Dice loss are taken over.
    smooth: As in `dice`.
    where: Pixels that count, bool, broadcastable to `labels`; None is all.

  Returns:
    Loss, float32 (float64 for float64 logits), `logits.shape` without `axis`:
    `[N, C]`. Where no pixel counts both parts are 0.

  Raises:
    TypeError: `logits` is not floating point, or `where` is not boolean.
    ValueError: Shapes differ, `where` or `axis` does not fit, or `smooth` is
      not positive.

  References:
    Bice et al. 2021, doi:10.1002/acm2.13331.
  """
  entropy = _cross_entropy.binary_cross_entropy(logits, labels, where=where)
  mean = _inputs.masked_mean(entropy, axis, where)
  loss = _region.dice(logits, labels, axis=axis, smooth=smooth, where=where)
  w = jnp.asarray(weight, loss.dtype)
  return w * mean + (1 - w) * loss


def combo(
  logits: ArrayLike,
  labels: ArrayLike,
  *,
  axis: int | Sequence[int] = (-3, -2),
  weight: ArrayLike = 0.5,
  fn_weight: float = 0.5,
  smooth: float = 1.0,
  where: ArrayLike | None = None,
) -> jax.Array:
  """A mean(b t softplus(-z) + (1 - b) (1 - t) softplus(z)) - (1 - a) Dice.

  >>> import jax.numpy as jnp
  >>> labels = jnp.ones((1, 2, 2, 1))
  >>> loss = combo(jnp.full((1, 2, 2, 1), 100.0), labels)
  >>> float(loss[0, 0])  # No error, and a Dice of 1.
  -0.5

  Args:
    logits: Network output z, float, `[N, H, W, C]`; the sigmoid is inside.
    labels: Reference t in [0, 1], same shape; structures may overlap.
    axis: Axes that the mean and Dice are taken over.
    weight: a in [0, 1]; it may be traced, such as the value of a schedule.
    fn_weight: b in [0, 1], weight of false negatives; false positives have
      1 - b.
    smooth: As in `dice`.
    where: Pixels that count, bool, broadcastable to `labels`; None is all.

  Returns:
    Loss >= -1, float32 (float64 for float64 logits), `logits.shape` without
    `axis`: `[N, C]`.

  Raises:
    TypeError: `logits` is not floating point, or `where` is not boolean.
    ValueError: Shapes differ, `where` or `axis` does not fit, `smooth` is not
      positive, or `fn_weight` is outside [0, 1].

  References:
    Taghanaki et al., Combo loss, arXiv:1805.02798.
  """
  _inputs.within(0, 1, fn_weight=fn_weight)
  # b t A + (1 - b)(1 - t) B as differences of two cross entropies.
  both = _cross_entropy.binary_cross_entropy(logits, labels, where=where)
  inside = both - _cross_entropy.binary_cross_entropy(
    logits, labels, where=where, pos_weight=0.0
  )
  entropy = fn_weight * inside + (1 - fn_weight) * (both - inside)
  mean = _inputs.masked_mean(entropy, axis, where)
  loss = _region.dice(logits, labels, axis=axis, smooth=smooth, where=where)
  a = jnp.asarray(weight, loss.dtype)
  return a * mean - (1 - a) * (1 - loss)


def deep_supervision(
  loss: Callable[..., jax.Array],
  outputs: Sequence[ArrayLike],
  labels: ArrayLike,
  *,
  weights: Sequence[float] | None = None,
  where: ArrayLike | None = None,
) -> jax.Array:
  """Weighted mean of a loss at several resolutions of a network.

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
    labels: Reference at the finest resolution, `[N, H, W, C]`. A coarser
      output is compared with the mean over the pixels each of its own covers.
    weights: One for each output; None is 1, 1/2, 1/4, ... They are divided by
      their sum.
    where: Pixels of the finest output that count, bool, broadcastable to
      `labels`; None is all. A coarser pixel counts if it covers one that does,
      and is compared with the mean of those. `loss` gets the mask as `where`.

  Returns:
    Loss, of the shape that `loss` gives.

  Raises:
    TypeError: `where` is not boolean.
    ValueError: There are no outputs, a size does not divide the first's, the
      weights do not fit, or `where` does not broadcast.

  References:
    Lee et al., Deeply-supervised nets, arXiv:1409.5185.
  """
  if not outputs:
    raise ValueError("deep_supervision has no outputs; give at least one")
  given = [0.5**k for k in range(len(outputs))] if weights is None else weights
  if len(given) != len(outputs) or min(given) < 0 or not sum(given) > 0:
    raise ValueError(
      f"weights {list(given)} do not fit {len(outputs)} outputs; give each one"
      " of 0 or above, not all 0"
    )
  keep = _inputs.kept(where, np.shape(labels))
  total: Any = 0
  for logits, weight in zip(outputs, given, strict=True):
    shape = np.shape(logits)
    if where is None:
      value = loss(logits, _shrunk(labels, shape))
    else:
      counts = jnp.broadcast_to(keep, np.shape(labels))
      share = _shrunk(counts, shape)
      some = share > 0
      seen = _shrunk(jnp.where(counts, labels, 0), shape)
      value = loss(logits, seen / jnp.where(some, share, 1), where=some)
    total = total + (weight / sum(given)) * value
  return jnp.asarray(total)


def _shrunk(labels: ArrayLike, shape: tuple[int, ...]) -> jax.Array:
  """Labels averaged down to the shape of a coarser output."""
  whole = np.shape(labels)
  pairs = list(zip(whole, shape, strict=False))
  factors = [n // m if m else 0 for n, m in pairs]
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
  values = jnp.asarray(labels).astype(_inputs.wide(labels))
  if whole == shape:
    return values
  split = [k for n, f in zip(shape, factors, strict=True) for k in (n, f)]
  return values.reshape(split).mean(axis=tuple(range(1, 2 * len(shape), 2)))
