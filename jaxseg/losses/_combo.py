"""Combo loss: weighted cross entropy and the Dice score."""

import jax
import jax.numpy as jnp

from jaxseg.losses import _cross_entropy
from jaxseg.losses import _dice
from jaxseg.losses import _inputs


def combo(
  logits: jax.Array,
  labels: jax.Array,
  *,
  axis: tuple[int, ...] = (-3, -2),
  weight: float | jax.Array = 0.5,
  fn_weight: float = 0.5,
  smooth: float = 1.0,
  where: jax.Array | None = None,
) -> jax.Array:
  """A mean(b t softplus(-z) + (1 - b) (1 - t) softplus(z)) - (1 - a) Dice.

  >>> labels = jnp.ones((1, 2, 2, 1))
  >>> loss = combo(jnp.full((1, 2, 2, 1), 100.0), labels)
  >>> float(loss[0, 0])  # No error, and a Dice of 1.
  -0.5

  Args:
    logits: Network output, float, `[N, H, W, C]`; the sigmoid is inside.
    labels: Reference t in [0, 1], same shape; structures may overlap.
    axis: Axes that the mean and Dice are taken over.
    weight: a in [0, 1]; may be traced, such as a schedule's value.
    fn_weight: b in [0, 1], price of a false negative; 1 - b of a false
      positive.
    smooth: Of Dice, > 0, in pixels.
    where: Pixels that count, bool, broadcastable to `labels`; None is all.

  Returns:
    Loss >= -1, float32 (float64 of float64 logits), `logits.shape` without
    `axis`: `[N, C]`.

  Raises:
    TypeError: `logits` is not floating point, or `where` not boolean.
    ValueError: Shapes differ, `where` or `axis` does not fit, `smooth` is not
      positive, or `fn_weight` not in [0, 1].

  References:
    Taghanaki et al., Combo loss, arXiv:1805.02798.
  """
  if not 0 <= fn_weight <= 1:
    raise ValueError(f"fn_weight {fn_weight} is not in [0, 1]; give a share")
  # b t A + (1 - b)(1 - t) B as differences of two cross entropies.
  both = _cross_entropy.binary_cross_entropy(logits, labels, where=where)
  inside = both - _cross_entropy.binary_cross_entropy(
    logits, labels, where=where, pos_weight=0.0
  )
  entropy = fn_weight * inside + (1 - fn_weight) * (both - inside)
  mean = _inputs.masked_mean(entropy, axis, where)
  loss = _dice.dice(logits, labels, axis=axis, smooth=smooth, where=where)
  a = jnp.asarray(weight, loss.dtype)
  return a * mean - (1 - a) * (1 - loss)
