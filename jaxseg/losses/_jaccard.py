"""Soft Jaccard loss: one minus intersection over union."""

import jax

from jaxseg import _checks as checks
from jaxseg.losses import _region


def jaccard(
  logits: jax.Array,
  labels: jax.Array,
  *,
  axis: tuple[int, ...] = (-3, -2),
  smooth: float = 1.0,
  where: jax.Array | None = None,
  activation: str = "sigmoid",
) -> jax.Array:
  """One minus soft IoU: 1 - (I + s) / (sum(p) + sum(t) - I + s), I = sum(p t).

  >>> import jax.numpy as jnp
  >>> labels = jnp.ones((1, 2, 2, 1))
  >>> round(float(jaccard(jnp.zeros((1, 2, 2, 1)), labels)[0, 0]), 6)  # 1 - 3/5
  0.4

  Args:
    logits: Network output, float, `[N, H, W, C]`; `activation` is inside.
    labels: Reference t in [0, 1], same shape.
    axis: Axes summed over; the default is one slice.
    smooth: s > 0, in pixels.
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
    Rahman and Wang, Optimizing intersection-over-union in deep neural networks,
    2016, doi:10.1007/978-3-319-50835-1_22.
  """
  checks.positive(smooth=smooth)
  s = _region.sums(
    logits, labels, axis=axis, where=where, activation=activation
  )
  wrong = s.false_positive + s.false_negative
  return wrong / (s.both + wrong + smooth)
