"""Soft Dice loss per slice: the study's 2D Dice."""

import jax

from jaxseg import _checks as checks
from jaxseg.losses import _region


def dice(
  logits: jax.Array,
  labels: jax.Array,
  *,
  axis: tuple[int, ...] = (-3, -2),
  squared: bool = False,
  smooth: float = 1.0,
  where: jax.Array | None = None,
  activation: str = "sigmoid",
) -> jax.Array:
  """One minus soft Dice: 1 - (2 sum(p t) + s) / (sum(p) + sum(t) + s).

  >>> import jax.numpy as jnp
  >>> labels = jnp.ones((1, 2, 2, 1))
  >>> dice(jnp.full((1, 2, 2, 1), 100.0), labels).shape
  (1, 1)
  >>> round(float(dice(jnp.zeros((1, 2, 2, 1)), labels)[0, 0]), 6)  # 1 - 5 / 7
  0.285714

  Args:
    logits: Network output, float, `[N, H, W, C]`; `activation` is inside.
    labels: Reference t in [0, 1], same shape; structures may overlap.
    axis: Axes summed over; the default is one slice.
    squared: Whether the denominator has sum(p^2) in place of sum(p).
    smooth: s > 0, in pixels; a slice without the structure, on which none is
      predicted, costs 0, and one pixel predicted there 1 - s / (1 + s).
    where: Pixels that count, bool, broadcastable to `labels`; None is all.
    activation: "sigmoid", "softmax" over the last axis, or "none" if `logits`
      are probabilities.

  Returns:
    Loss in [0, 1], float32 (float64 of float64 logits), `logits.shape` without
    `axis`: `[N, C]`.

  Raises:
    TypeError: `logits` is not floating point, or `where` not boolean.
    ValueError: Shapes differ, `where` or `axis` does not fit, the activation is
      unknown, or `smooth` is not positive.

  References:
    Milletari, Navab and Ahmadi, V-Net, arXiv:1606.04797.
  """
  checks.positive(smooth=smooth)
  s = _region.sums(
    logits, labels, axis=axis, where=where, activation=activation
  )
  if squared:
    return s.apart / (s.p2 + s.t + smooth)
  return (s.false_positive + s.false_negative) / (s.p + s.t + smooth)
