"""Losses made of others: cross entropy beside overlap."""

from collections.abc import Sequence
import math

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike

from jaxseg import _checks as checks
from jaxseg.losses import _cross_entropy
from jaxseg.losses import _inputs
from jaxseg.losses import _numbers
from jaxseg.losses import _region


def bce_dice(
  logits: ArrayLike,
  labels: ArrayLike,
  *,
  weight: ArrayLike = 0.5,
  axis: int | Sequence[int] = _inputs.SLICE,
  smooth: _numbers.Smooth = 1.0,
  where: ArrayLike | None = None,
  ignore: ArrayLike | None = None,
  soft_labels: bool = True,
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
    axis: Axes that the mean and the Dice loss are taken over; the default is
      one slice, of four axes or more.
    smooth: As in `dice`.
    where: Pixels that count, bool, broadcastable to `labels`; None is all.
    ignore: Value of labels that do not count, such as 255; None is none.
    soft_labels: Whether labels may lie between 0 and 1. False saves their
      arithmetic.

  Returns:
    Loss, float32 (float64 for float64 logits), `logits.shape` without `axis`:
    `[N, C]`. Where no pixel counts both parts are 0.

  Raises:
    TypeError: `logits` is not floating point, `where` is not boolean, or an
      array is masked.
    ValueError: Shapes differ, `where` or `axis` does not fit, the default axes
      have fewer than four to choose from, or a label, weight or smoothing whose
      value is known is out of range.

  References:
    Bice et al. 2021, doi:10.1002/acm2.13331.
  """
  given = _inputs.given(
    logits, labels, where, ignore=ignore, axis=axis, soft=soft_labels
  )
  checks.within(0, 1, weight=weight)
  entropy = _cross_entropy.entropy_of(given)
  mean = _inputs.masked_mean(entropy, axis, given.keep)
  loss = _region.dice_of(given, axis, smooth=smooth)
  w = jnp.asarray(_numbers.broadcast(weight, loss, "weight"), loss.dtype)
  return w * mean + (1 - w) * loss


def combo(
  logits: ArrayLike,
  labels: ArrayLike,
  *,
  axis: int | Sequence[int] = _inputs.SLICE,
  weight: ArrayLike = 0.5,
  fn_weight: ArrayLike = 0.5,
  smooth: _numbers.Smooth = 1.0,
  where: ArrayLike | None = None,
  ignore: ArrayLike | None = None,
  soft_labels: bool = True,
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
    axis: Axes that the mean and Dice are taken over; the default is one slice,
      of four axes or more.
    weight: a in [0, 1]; it may be traced, such as the value of a schedule.
    fn_weight: b in [0, 1], weight of false negatives; false positives have
      1 - b.
    smooth: As in `dice`.
    where: Pixels that count, bool, broadcastable to `labels`; None is all.
    ignore: Value of labels that do not count, such as 255; None is none.
    soft_labels: Whether labels may lie between 0 and 1. False saves their
      arithmetic.

  Returns:
    Loss >= -1, float32 (float64 for float64 logits), `logits.shape` without
    `axis`: `[N, C]`. Where no pixel counts it is 0.

  Raises:
    TypeError: `logits` is not floating point, `where` is not boolean, or an
      array is masked.
    ValueError: Shapes differ, `where` or `axis` does not fit, the default axes
      have fewer than four to choose from, or a label, weight or smoothing whose
      value is known is out of range.

  References:
    Taghanaki et al., Combo loss, arXiv:1805.02798.
  """
  given = _inputs.given(
    logits, labels, where, ignore=ignore, axis=axis, soft=soft_labels
  )
  checks.within(0, 1, weight=weight, fn_weight=fn_weight)
  # b t A + (1 - b)(1 - t) B as differences of two cross entropies.
  both = _cross_entropy.entropy_of(given)
  inside = both - _cross_entropy.entropy_of(given, 0.0)
  b = _numbers.broadcast(fn_weight, both, "fn_weight")
  entropy = b * inside + (1 - b) * (both - inside)
  mean = _inputs.masked_mean(entropy, axis, given.keep)
  loss = _region.dice_of(given, axis, smooth=smooth)
  a = jnp.asarray(_numbers.broadcast(weight, loss, "weight"), loss.dtype)
  found = a * mean - (1 - a) * (1 - loss)
  if given.keep is True:
    over = checks.axes(axis, entropy.ndim)
    if math.prod(entropy.shape[k] for k in over):
      return found
    return jnp.zeros_like(found)
  counts = jnp.broadcast_to(given.keep, entropy.shape)
  return jnp.where(jnp.any(counts, checks.axes(axis, counts.ndim)), found, 0)
