"""Tversky losses: false positives and negatives at prices of their own."""

import jax
import jax.numpy as jnp

from jaxseg import _checks as checks
from jaxseg.losses import _region

# Below it a power of less than 1 has a gradient without bound; of 3/4 it is
# 750 here.
_LEAST = 1e-12


def tversky(
  logits: jax.Array,
  labels: jax.Array,
  *,
  axis: tuple[int, ...] = (-3, -2),
  fp_weight: float = 0.3,
  fn_weight: float = 0.7,
  smooth: float = 1.0,
  where: jax.Array | None = None,
  activation: str = "sigmoid",
) -> jax.Array:
  """One minus the Tversky index: 1 - (I + s) / (I + a FP + b FN + s).

  I = sum(p t), FP = sum(p (1 - t)), FN = sum((1 - p) t). With a = b = 1/2 it is
  the Dice loss of twice the smoothing.

  >>> labels = jnp.ones((1, 2, 2, 1))
  >>> round(float(tversky(jnp.zeros((1, 2, 2, 1)), labels)[0, 0]), 6)
  0.318182

  Args:
    logits: Network output, float, `[N, H, W, C]`; `activation` is inside.
    labels: Reference t in [0, 1], same shape.
    axis: Axes summed over; the default is one slice.
    fp_weight: a, price of a false-positive pixel, >= 0.
    fn_weight: b, price of a false-negative pixel, >= 0.
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
      unknown, `smooth` is not positive, or a price is negative.

  References:
    Salehi, Erdogmus and Gholipour, Tversky loss function, arXiv:1706.05721.
  """
  checks.positive(smooth=smooth)
  _check_prices(fp_weight, fn_weight)
  s = _region.sums(
    logits, labels, axis=axis, where=where, activation=activation
  )
  wrong = fp_weight * s.false_positive + fn_weight * s.false_negative
  return wrong / (s.both + wrong + smooth)


def focal_tversky(
  logits: jax.Array,
  labels: jax.Array,
  *,
  axis: tuple[int, ...] = (-3, -2),
  exponent: float = 0.75,
  fp_weight: float = 0.3,
  fn_weight: float = 0.7,
  smooth: float = 1.0,
  where: jax.Array | None = None,
  activation: str = "sigmoid",
) -> jax.Array:
  """The Tversky loss to a power: (1 - TI)^g.

  >>> labels = jnp.ones((1, 2, 2, 1))
  >>> round(float(focal_tversky(jnp.zeros((1, 2, 2, 1)), labels)[0, 0]), 4)
  0.4236

  Args:
    logits: Network output, float, `[N, H, W, C]`; `activation` is inside.
    labels: Reference t in [0, 1], same shape.
    axis: Axes summed over; the default is one slice.
    exponent: g > 0. The original paper writes 1/g for it, with g = 4/3.
    fp_weight: Price of a false-positive pixel, as in `tversky`.
    fn_weight: Price of a false-negative pixel.
    smooth: As in `tversky`.
    where: Pixels that count, bool, broadcastable to `labels`; None is all.
    activation: "sigmoid", "softmax" over the last axis, or "none" if `logits`
      are probabilities.

  Returns:
    Loss in [0, 1], float32 (float64 of float64 logits), `logits.shape` without
    `axis`: `[N, C]`. Where the Tversky loss is below 1e-12 the loss is 0 and so
    is its gradient, which has no bound there.

  Raises:
    TypeError: `logits` is not floating point, or `where` not boolean.
    ValueError: Shapes differ, `where` or `axis` does not fit, the activation is
      unknown, `smooth` or `exponent` is not positive, or a price is negative.

  References:
    Abraham and Khan, A novel focal Tversky loss function, arXiv:1810.07842.
  """
  checks.positive(exponent=exponent)
  loss = tversky(
    logits, labels, axis=axis, fp_weight=fp_weight, fn_weight=fn_weight,
    smooth=smooth, where=where, activation=activation,
  )  # fmt: skip
  near = loss <= _LEAST  # Not of nan, which has to show.
  return jnp.where(near, 0, jnp.where(near, 1, loss) ** exponent)


def _check_prices(fp_weight: float, fn_weight: float) -> None:
  if not (fp_weight >= 0 and fn_weight >= 0):
    raise ValueError(
      f"fp_weight {fp_weight} and fn_weight {fn_weight}: prices are 0 or above"
    )
