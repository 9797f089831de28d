"""Tversky losses: overlap that weighs the two kinds of error apart."""

from collections.abc import Sequence
import math

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike
import numpy as np

from jaxseg import _checks as checks
from jaxseg.losses import _inputs
from jaxseg.losses import _numbers
from jaxseg.losses import _sums

# Below it a power of less than 1 has an unbounded gradient; that of 3/4 is
# 750 here.
_LEAST = 1e-12


def tversky(
  logits: ArrayLike,
  labels: ArrayLike,
  *,
  axis: int | Sequence[int] = _inputs.SLICE,
  fp_weight: ArrayLike = 0.3,
  fn_weight: ArrayLike = 0.7,
  smooth: _numbers.Smooth = 1.0,
  where: ArrayLike | None = None,
  activation: str = "sigmoid",
  class_weights: ArrayLike | None = None,
  ignore: ArrayLike | None = None,
  soft_labels: bool = True,
) -> jax.Array:
  """One minus the Tversky index: 1 - (I + s) / (I + a FP + b FN + s).

  I = sum(p t), FP = sum(p (1 - t)), FN = sum((1 - p) t). With a = b = 1/2 it is
  the Dice loss with twice the smoothing.

  >>> import jax.numpy as jnp
  >>> labels = jnp.ones((1, 2, 2, 1))
  >>> round(float(tversky(jnp.zeros((1, 2, 2, 1)), labels)[0, 0]), 6)
  0.318182

  Args:
    logits: Network output, float, `[N, H, W, C]`; `activation` is inside.
    labels: Reference t in [0, 1], same shape, or class numbers, as in `dice`.
    axis: Axes summed over; the default is one slice, of four axes or more.
    fp_weight: a >= 0, the weight of false positives.
    fn_weight: b >= 0, the weight of false negatives.
    smooth: As in `dice`.
    where: Pixels that count, bool, broadcastable to `labels`; None is all.
    activation: "sigmoid", "softmax" over the last axis, or "none" if `logits`
      are probabilities.
    class_weights: As in `dice`.
    ignore: As in `dice`.
    soft_labels: As in `dice`.

  Returns:
    Loss in [0, 1], float32 (float64 for float64 logits), `logits.shape` without
    `axis`: `[N, C]`.

  Raises:
    ConfigError: The activation is unknown.
    TypeError: As `dice`.
    ValueError: As `dice`, or a weight is known to be negative.

  References:
    Salehi, Erdogmus and Gholipour, Tversky loss function, arXiv:1706.05721.
  """
  given = _inputs.given(
    logits,
    labels,
    where,
    ignore=ignore,
    activation=activation,
    axis=axis,
    soft=soft_labels,
  )
  loss = _tversky(given, axis, activation, fp_weight, fn_weight, smooth)
  return _numbers.weighted(loss, class_weights, axis, np.ndim(logits))


def focal_tversky(
  logits: ArrayLike,
  labels: ArrayLike,
  *,
  axis: int | Sequence[int] = _inputs.SLICE,
  exponent: ArrayLike = 0.75,
  fp_weight: ArrayLike = 0.3,
  fn_weight: ArrayLike = 0.7,
  smooth: _numbers.Smooth = 1.0,
  where: ArrayLike | None = None,
  activation: str = "sigmoid",
  class_weights: ArrayLike | None = None,
  ignore: ArrayLike | None = None,
  soft_labels: bool = True,
) -> jax.Array:
  """The Tversky loss to a power: (1 - TI)^g.

  >>> import jax.numpy as jnp
  >>> labels = jnp.ones((1, 2, 2, 1))
  >>> round(float(focal_tversky(jnp.zeros((1, 2, 2, 1)), labels)[0, 0]), 4)
  0.4236

  Args:
    logits: Network output, float, `[N, H, W, C]`; `activation` is inside.
    labels: Reference t in [0, 1], same shape, or class numbers, as in `dice`.
    axis: Axes summed over; the default is one slice, of four axes or more.
    exponent: g > 0. The original paper writes 1/g for it, with g = 4/3.
    fp_weight: As in `tversky`.
    fn_weight: As in `tversky`.
    smooth: As in `tversky`.
    where: Pixels that count, bool, broadcastable to `labels`; None is all.
    activation: As in `tversky`.
    class_weights: As in `dice`.
    ignore: As in `dice`.
    soft_labels: As in `dice`.

  Returns:
    Loss in [0, 1], float32 (float64 for float64 logits), `logits.shape` without
    `axis`: `[N, C]`. Where the Tversky loss is below 1e-12, the loss and its
    gradient, which is unbounded there, are 0.

  Raises:
    ConfigError: The activation is unknown.
    TypeError: As `tversky`.
    ValueError: As `tversky`, or `exponent` is known not to be above 0.

  References:
    Abraham and Khan, A novel focal Tversky loss function, arXiv:1810.07842.
  """
  given = _inputs.given(
    logits,
    labels,
    where,
    ignore=ignore,
    activation=activation,
    axis=axis,
    soft=soft_labels,
  )
  checks.positive(exponent=exponent)
  loss = _tversky(given, axis, activation, fp_weight, fn_weight, smooth)
  power = _numbers.broadcast(exponent, loss, "exponent")
  near = loss <= _LEAST  # False for NaN, which stays visible.
  loss = jnp.where(near, 0, jnp.where(near, 1, loss) ** power)
  return _numbers.weighted(loss, class_weights, axis, np.ndim(logits))


def _tversky(
  given: _inputs.Given,
  axis: int | Sequence[int],
  activation: str,
  fp_weight: ArrayLike,
  fn_weight: ArrayLike,
  smooth: _numbers.Smooth,
) -> jax.Array:
  """The Tversky loss of arguments that are checked."""
  checks.within(0, math.inf, fp_weight=fp_weight, fn_weight=fn_weight)
  s = _sums.sums(given, axis, activation)
  a = _numbers.broadcast(fp_weight, s.p, "fp_weight")
  b = _numbers.broadcast(fn_weight, s.p, "fn_weight")
  wrong = a * s.false_positive + b * s.false_negative
  return _numbers.one_minus_ratio(wrong, s.both + wrong, smooth)
