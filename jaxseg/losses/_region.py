"""Overlap losses: soft Dice, Jaccard and Tversky, each from the same sums."""

from collections.abc import Sequence
import math
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike

from jaxseg import _checks as checks
from jaxseg.losses import _inputs

# Below it a power of less than 1 has an unbounded gradient; that of 3/4 is
# 750 here.
_LEAST = 1e-12


def dice(
  logits: ArrayLike,
  labels: ArrayLike,
  *,
  axis: int | Sequence[int] = (-3, -2),
  squared: bool = False,
  smooth: float = 1.0,
  where: ArrayLike | None = None,
  activation: str = "sigmoid",
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
    labels: Reference t in [0, 1], same shape; structures may overlap.
    axis: Axes summed over; the default is one slice.
    squared: Whether the denominator has sum(p^2) in place of sum(p).
    smooth: s > 0, in pixels. A slice without the structure costs 0 if none is
      predicted, and 1 - s / (1 + s) if one pixel is.
    where: Pixels that count, bool, broadcastable to `labels`; None is all.
    activation: "sigmoid", "softmax" over the last axis, or "none" if `logits`
      are probabilities.

  Returns:
    Loss in [0, 1], float32 (float64 for float64 logits), `logits.shape` without
    `axis`: `[N, C]`.

  Raises:
    ConfigError: The activation is unknown.
    TypeError: `logits` is not floating point, or `where` is not boolean.
    ValueError: Shapes differ, `where` or `axis` does not fit, or `smooth` is
      not positive.

  References:
    Milletari, Navab and Ahmadi, V-Net, arXiv:1606.04797.
  """
  checks.positive(smooth=smooth)
  s = sums(logits, labels, axis=axis, where=where, activation=activation)
  if squared:
    return s.apart / (s.p2 + s.t + smooth)
  return (s.false_positive + s.false_negative) / (s.p + s.t + smooth)


def log_cosh_dice(
  logits: ArrayLike,
  labels: ArrayLike,
  *,
  axis: int | Sequence[int] = (-3, -2),
  squared: bool = False,
  smooth: float = 1.0,
  where: ArrayLike | None = None,
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
    activation: As in `dice`.

  Returns:
    Loss in [0, log cosh 1], float32 (float64 for float64 logits),
    `logits.shape` without `axis`: `[N, C]`.

  Raises:
    ConfigError: The activation is unknown.
    TypeError: `logits` is not floating point, or `where` is not boolean.
    ValueError: Shapes differ, `where` or `axis` does not fit, or `smooth` is
      not positive.

  References:
    Jadon, A survey of loss functions for semantic segmentation,
    arXiv:2006.14822.
  """
  x = dice(
    logits,
    labels,
    axis=axis,
    squared=squared,
    smooth=smooth,
    where=where,
    activation=activation,
  )
  return x + jax.nn.softplus(-2 * x) - math.log(2)


def jaccard(
  logits: ArrayLike,
  labels: ArrayLike,
  *,
  axis: int | Sequence[int] = (-3, -2),
  smooth: float = 1.0,
  where: ArrayLike | None = None,
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
    Loss in [0, 1], float32 (float64 for float64 logits), `logits.shape` without
    `axis`: `[N, C]`.

  Raises:
    ConfigError: The activation is unknown.
    TypeError: `logits` is not floating point, or `where` is not boolean.
    ValueError: Shapes differ, `where` or `axis` does not fit, or `smooth` is
      not positive.

  References:
    Rahman and Wang, Optimizing intersection-over-union in deep neural networks,
    2016, doi:10.1007/978-3-319-50835-1_22.
  """
  checks.positive(smooth=smooth)
  s = sums(logits, labels, axis=axis, where=where, activation=activation)
  wrong = s.false_positive + s.false_negative
  return wrong / (s.both + wrong + smooth)


def tversky(
  logits: ArrayLike,
  labels: ArrayLike,
  *,
  axis: int | Sequence[int] = (-3, -2),
  fp_weight: float = 0.3,
  fn_weight: float = 0.7,
  smooth: float = 1.0,
  where: ArrayLike | None = None,
  activation: str = "sigmoid",
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
    labels: Reference t in [0, 1], same shape.
    axis: Axes summed over; the default is one slice.
    fp_weight: a >= 0, the weight of false positives.
    fn_weight: b >= 0, the weight of false negatives.
    smooth: s > 0, in pixels.
    where: Pixels that count, bool, broadcastable to `labels`; None is all.
    activation: "sigmoid", "softmax" over the last axis, or "none" if `logits`
      are probabilities.

  Returns:
    Loss in [0, 1], float32 (float64 for float64 logits), `logits.shape` without
    `axis`: `[N, C]`.

  Raises:
    ConfigError: The activation is unknown.
    TypeError: `logits` is not floating point, or `where` is not boolean.
    ValueError: Shapes differ, `where` or `axis` does not fit, `smooth` is not
      positive, or a weight is negative.

  References:
    Salehi, Erdogmus and Gholipour, Tversky loss function, arXiv:1706.05721.
  """
  checks.positive(smooth=smooth)
  _inputs.within(0, math.inf, fp_weight=fp_weight, fn_weight=fn_weight)
  s = sums(logits, labels, axis=axis, where=where, activation=activation)
  wrong = fp_weight * s.false_positive + fn_weight * s.false_negative
  return wrong / (s.both + wrong + smooth)


def focal_tversky(
  logits: ArrayLike,
  labels: ArrayLike,
  *,
  axis: int | Sequence[int] = (-3, -2),
  exponent: float = 0.75,
  fp_weight: float = 0.3,
  fn_weight: float = 0.7,
  smooth: float = 1.0,
  where: ArrayLike | None = None,
  activation: str = "sigmoid",
) -> jax.Array:
  """The Tversky loss to a power: (1 - TI)^g.

  >>> import jax.numpy as jnp
  >>> labels = jnp.ones((1, 2, 2, 1))
  >>> round(float(focal_tversky(jnp.zeros((1, 2, 2, 1)), labels)[0, 0]), 4)
  0.4236

  Args:
    logits: Network output, float, `[N, H, W, C]`; `activation` is inside.
    labels: Reference t in [0, 1], same shape.
    axis: Axes summed over; the default is one slice.
    exponent: g > 0. The original paper writes 1/g for it, with g = 4/3.
    fp_weight: As in `tversky`.
    fn_weight: As in `tversky`.
    smooth: As in `tversky`.
    where: Pixels that count, bool, broadcastable to `labels`; None is all.
    activation: As in `tversky`.

  Returns:
    Loss in [0, 1], float32 (float64 for float64 logits), `logits.shape` without
    `axis`: `[N, C]`. Where the Tversky loss is below 1e-12, the loss and its
    gradient, which is unbounded there, are 0.

  Raises:
    ConfigError: The activation is unknown.
    TypeError: `logits` is not floating point, or `where` is not boolean.
    ValueError: Shapes differ, `where` or `axis` does not fit, `smooth` or
      `exponent` is not positive, or a weight is negative.

  References:
    Abraham and Khan, A novel focal Tversky loss function, arXiv:1810.07842.
  """
  checks.positive(exponent=exponent)
  loss = tversky(
    logits,
    labels,
    axis=axis,
    fp_weight=fp_weight,
    fn_weight=fn_weight,
    smooth=smooth,
    where=where,
    activation=activation,
  )
  near = loss <= _LEAST  # False for NaN, which stays visible.
  return jnp.where(near, 0, jnp.where(near, 1, loss) ** exponent)


class Sums(NamedTuple):
  """Sums over the axes of a group, shape without them.

  Attributes:
    both: sum(p t).
    p: sum(p).
    p2: sum(p^2).
    t: sum(t).
    false_positive: sum(p (1 - t)).
    false_negative: sum((1 - p) t).
    apart: sum(p^2 + t - 2 p t), which is sum((p - t)^2) for hard labels.
  """

  both: jax.Array
  p: jax.Array
  p2: jax.Array
  t: jax.Array
  false_positive: jax.Array
  false_negative: jax.Array
  apart: jax.Array


def sums(
  logits: ArrayLike,
  labels: ArrayLike,
  *,
  axis: int | Sequence[int],
  where: ArrayLike | None,
  activation: str,
) -> Sums:
  """The sums of probabilities p and labels t that overlap losses are made of.

  Raises:
    ConfigError: The activation is unknown.
    TypeError: `logits` is not floating point, or `where` is not boolean.
    ValueError: Shapes differ, or `where` or `axis` does not fit.
  """
  keep = _inputs.checked(logits, labels, where)
  t = jnp.where(keep, labels, 0).astype(_inputs.wide(logits))
  p = jnp.where(keep, _inputs.probabilities(logits, activation, keep), 0)
  # 1 - p of a sigmoid is another sigmoid; a difference would cancel near p = 1.
  rest = 1 - p
  if activation == "sigmoid":
    rest = _inputs.probabilities(-jnp.asarray(logits), activation, keep)
  # Errors are summed as they are: differences of large sums would be rounding
  # noise where the map is nearly right.
  parts = Sums(
    both=p * t,
    p=p,
    p2=p * p,
    t=t,
    false_positive=p * (1 - t),
    false_negative=rest * t,
    apart=p * p * (1 - t) + rest**2 * t,
  )
  over = checks.axes(axis, t.ndim)
  return Sums(*(jnp.sum(part, over) for part in parts))
