"""The logarithm of the hyperbolic cosine of the Dice loss."""

import math

import jax

from jaxseg.losses import _dice


def log_cosh_dice(
  logits: jax.Array,
  labels: jax.Array,
  *,
  axis: tuple[int, ...] = (-3, -2),
  squared: bool = False,
  smooth: float = 1.0,
  where: jax.Array | None = None,
  activation: str = "sigmoid",
) -> jax.Array:
  """Log cosh of the Dice loss: flat near a perfect map, steep far from it.

  >>> import jax.numpy as jnp
  >>> labels = jnp.ones((1, 2, 2, 1))
  >>> round(float(log_cosh_dice(jnp.zeros((1, 2, 2, 1)), labels)[0, 0]), 6)
  0.040273

  Args:
    logits: Network output, float, `[N, H, W, C]`; `activation` is inside.
    labels: Reference t in [0, 1], same shape.
    axis: Axes summed over; the default is one slice.
    squared: As in `dice`.
    smooth: As in `dice`.
    where: Pixels that count, bool, broadcastable to `labels`; None is all.
    activation: "sigmoid", "softmax" over the last axis, or "none" if `logits`
      are probabilities.

  Returns:
    Loss in [0, log cosh 1], float32 (float64 of float64 logits), `logits.shape`
    without `axis`: `[N, C]`.

  Raises:
    TypeError: `logits` is not floating point, or `where` not boolean.
    ValueError: Shapes differ, `where` or `axis` does not fit, the activation is
      unknown, or `smooth` is not positive.

  References:
    Jadon, A survey of loss functions for semantic segmentation,
    arXiv:2006.14822.
  """
  x = _dice.dice(
    logits, labels, axis=axis, squared=squared, smooth=smooth, where=where,
    activation=activation,
  )  # fmt: skip
  return x + jax.nn.softplus(-2 * x) - math.log(2)
