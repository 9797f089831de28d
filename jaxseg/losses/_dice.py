"""Soft Dice loss per slice: the study's 2D Dice."""

import jax
import jax.numpy as jnp

from jaxseg import _checks as checks
from jaxseg.losses import _where


def dice(
  logits: jax.Array,
  labels: jax.Array,
  *,
  axis: tuple[int, ...] = (-3, -2),
  squared: bool = False,
  smooth: float = 1.0,
  where: jax.Array | None = None,
) -> jax.Array:
  """One minus soft Dice: 1 - (2 sum(p t) + s) / (sum(p) + sum(t) + s).

  >>> import jax.numpy as jnp
  >>> labels = jnp.ones((1, 2, 2, 1))
  >>> dice(jnp.full((1, 2, 2, 1), 100.0), labels).shape
  (1, 1)
  >>> round(float(dice(jnp.zeros((1, 2, 2, 1)), labels)[0, 0]), 6)  # 1 - 5 / 7
  0.285714

  Args:
    logits: Network output, float, `[N, H, W, C]`; the sigmoid is inside.
    labels: Reference t in [0, 1], same shape; structures may overlap.
    axis: Axes summed over; the default is one slice.
    squared: Whether the denominator has sum(p^2) in place of sum(p).
    smooth: s > 0, in pixels; a slice without the structure, on which none is
      predicted, costs 0, and one pixel predicted there 1 - s / (1 + s).
    where: Pixels that count, bool, broadcastable to `labels`; None is all.

  Returns:
    Loss in [0, 1], float32, `logits.shape` without `axis`: `[N, C]`.

  Raises:
    TypeError: `logits` is not floating point, or `where` not boolean.
    ValueError: Shapes differ, `where` does not broadcast, or `smooth` is not
      positive.

  References:
    Milletari, Navab and Ahmadi, V-Net, arXiv:1606.04797.
  """
  checks.floating(logits=logits)
  checks.same_shape(logits=logits, labels=labels)
  checks.positive(smooth=smooth)
  keep = _where.kept(where, labels.shape)
  # float32 before the sigmoid: in bfloat16 1 - p is lost below 0.004, and a
  # float16 sum over 512 x 512 pixels overflows.
  z = jnp.where(keep, logits, 0).astype(jnp.float32)
  t = jnp.where(keep, labels, 0).astype(jnp.float32)
  p = jnp.where(keep, jax.nn.sigmoid(z), 0)
  both = jnp.sum(p * t, axis)
  size = jnp.sum(p * p if squared else p, axis) + jnp.sum(t, axis)
  return 1 - (2 * both + smooth) / (size + smooth)
