"""Overlap losses: soft Dice and Jaccard, each from the same sums."""

from collections.abc import Sequence
import math

import jax
from jax.typing import ArrayLike
import numpy as np

from jaxseg.losses import _inputs
from jaxseg.losses import _numbers
from jaxseg.losses import _sums


def dice(
  logits: ArrayLike,
  labels: ArrayLike,
  *,
  axis: int | Sequence[int] = _inputs.SLICE,
  squared: bool = False,
  smooth: _numbers.Smooth = 1.0,
  where: ArrayLike | None = None,
  activation: str = "sigmoid",
  class_weights: ArrayLike | None = None,
  ignore: ArrayLike | None = None,
  soft_labels: bool = True,
) -> jax.Array:
  """One minus soft Dice: 1 - (2 sum(p t) + s) / (sum(p) + sum(t) + s).

  With the default axes it is the study's 2D Dice loss, one value per slice.

  >>> import jax.numpy as jnp
  >>> labels = jnp.ones((1, 2, 2, 1))
  >>> dice(jnp.full((1, 2, 2, 1), 100.0), labels).shape
  (1, 1)
  >>> round(float(dice(jnp.zeros((1, 2, 2, 1)), labels)[0, 0]), 6)  # 1 - 5 / 7
  0.285714

  Args:
    logits: Network output, float, `[N, H, W, C]`; `activation` is inside.
    labels: Reference t in [0, 1], same shape; structures may overlap. With a
      softmax also class numbers, integers `[N, H, W]`.
    axis: Axes summed over; the default is one slice, of four axes or more.
    squared: Whether the denominator has sum(p^2) in place of sum(p).
    smooth: s, 0 or above, in pixels; or a pair, of numerator and denominator. A
      slice without the structure costs 0 if none is predicted, and
      1 - s / (1 + s) if one pixel is. With 0 it costs 1 whatever is predicted,
      and has no gradient.
    where: Pixels that count, bool, broadcastable to `labels`; None is all.
    activation: "sigmoid", "softmax" over the last axis, or "none" if `logits`
      are probabilities.
    class_weights: Weight of each class's loss, `[C]`; None is 1.
    ignore: Value of labels that do not count, such as 255; None is none.
    soft_labels: Whether labels may lie between 0 and 1. False saves their
      arithmetic.

  Returns:
    Loss in [0, 1], float32 (float64 for float64 logits), `logits.shape` without
    `axis`: `[N, C]`.

  Raises:
    ConfigError: The activation is unknown.
    TypeError: `logits` is not floating point, `where` is not boolean, or an
      array is masked.
    ValueError: Shapes differ, `where` or `axis` does not fit, the default axes
      have fewer than four to choose from, or a label, weight or smoothing whose
      value is known is out of range.

  References:
    Milletari, Navab and Ahmadi, V-Net, arXiv:1606.04797.
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
  loss = dice_of(given, axis, activation, smooth=smooth, squared=squared)
  return _numbers.weighted(loss, class_weights, axis, np.ndim(logits))


def dice_of(
  given: _inputs.Given,
  axis: int | Sequence[int],
  activation: str = "sigmoid",
  *,
  smooth: _numbers.Smooth,
  squared: bool = False,
) -> jax.Array:
  """The Dice loss of arguments that are checked."""
  s = _sums.sums(given, axis, activation)
  if squared:
    return _numbers.one_minus_ratio(s.apart, s.p2 + s.t2, smooth)
  wrong = s.false_positive + s.false_negative
  return _numbers.one_minus_ratio(wrong, s.p + s.t, smooth)


def log_cosh_dice(
  logits: ArrayLike,
  labels: ArrayLike,
  *,
  axis: int | Sequence[int] = _inputs.SLICE,
  squared: bool = False,
  smooth: _numbers.Smooth = 1.0,
  where: ArrayLike | None = None,
  activation: str = "sigmoid",
  class_weights: ArrayLike | None = None,
  ignore: ArrayLike | None = None,
  soft_labels: bool = True,
) -> jax.Array:
  """Log cosh of the Dice loss: flat near a perfect map, steep far from it.

  >>> import jax.numpy as jnp
  >>> labels = jnp.ones((1, 2, 2, 1))
  >>> round(float(log_cosh_dice(jnp.zeros((1, 2, 2, 1)), labels)[0, 0]), 6)
  0.040273

  Args:
    logits: Network output, float, `[N, H, W, C]`; `activation` is inside.
    labels: Reference t in [0, 1], same shape, or class numbers, as in `dice`.
    axis: Axes summed over; the default is one slice, of four axes or more.
    squared: As in `dice`.
    smooth: As in `dice`.
    where: Pixels that count, bool, broadcastable to `labels`; None is all.
    activation: As in `dice`.
    class_weights: As in `dice`.
    ignore: As in `dice`.
    soft_labels: As in `dice`.

  Returns:
    Loss in [0, log cosh 1], float32 (float64 for float64 logits),
    `logits.shape` without `axis`: `[N, C]`.

  Raises:
    ConfigError: The activation is unknown.
    TypeError: `logits` is not floating point, `where` is not boolean, or an
      array is masked.
    ValueError: Shapes differ, `where` or `axis` does not fit, the default axes
      have fewer than four to choose from, or a label, weight or smoothing whose
      value is known is out of range.

  References:
    Jadon, A survey of loss functions for semantic segmentation,
    arXiv:2006.14822.
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
  x = dice_of(given, axis, activation, smooth=smooth, squared=squared)
  loss = x + jax.nn.softplus(-2 * x) - math.log(2)
  return _numbers.weighted(loss, class_weights, axis, np.ndim(logits))


def jaccard(
  logits: ArrayLike,
  labels: ArrayLike,
  *,
  axis: int | Sequence[int] = _inputs.SLICE,
  smooth: _numbers.Smooth = 1.0,
  where: ArrayLike | None = None,
  activation: str = "sigmoid",
  class_weights: ArrayLike | None = None,
  ignore: ArrayLike | None = None,
  soft_labels: bool = True,
) -> jax.Array:
  """One minus soft IoU: 1 - (I + s) / (sum(p) + sum(t) - I + s), I = sum(p t).

  >>> import jax.numpy as jnp
  >>> labels = jnp.ones((1, 2, 2, 1))
  >>> round(float(jaccard(jnp.zeros((1, 2, 2, 1)), labels)[0, 0]), 6)  # 1 - 3/5
  0.4

  Args:
    logits: Network output, float, `[N, H, W, C]`; `activation` is inside.
    labels: Reference t in [0, 1], same shape, or class numbers, as in `dice`.
    axis: Axes summed over; the default is one slice, of four axes or more.
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
    TypeError: `logits` is not floating point, `where` is not boolean, or an
      array is masked.
    ValueError: Shapes differ, `where` or `axis` does not fit, the default axes
      have fewer than four to choose from, or a label, weight or smoothing whose
      value is known is out of range.

  References:
    Rahman and Wang, Optimizing intersection-over-union in deep neural networks,
    2016, doi:10.1007/978-3-319-50835-1_22.
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
  s = _sums.sums(given, axis, activation)
  wrong = s.false_positive + s.false_negative
  loss = _numbers.one_minus_ratio(wrong, s.both + wrong, smooth)
  return _numbers.weighted(loss, class_weights, axis, np.ndim(logits))
