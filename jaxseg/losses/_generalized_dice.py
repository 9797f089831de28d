"""Generalised Dice: one ratio over classes weighted by inverse size."""

from collections.abc import Sequence

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike
import numpy as np

from jaxseg import _checks as checks
from jaxseg.losses import _inputs
from jaxseg.losses import _numbers
from jaxseg.losses import _sums

_WEIGHTS = ("square", "simple")
_ABSENT = ("skip", "largest")


def generalized_dice(
  logits: ArrayLike,
  labels: ArrayLike,
  *,
  axis: int | Sequence[int] = _inputs.SLICE,
  weights: str = "square",
  absent: str = "skip",
  smooth: _numbers.Smooth = 1e-5,
  where: ArrayLike | None = None,
  activation: str = "softmax",
  class_weights: ArrayLike | None = None,
  ignore: ArrayLike | None = None,
  soft_labels: bool = True,
) -> jax.Array:
  """1 - (2 sum_l w_l I_l + s) / (sum_l w_l (sum(p_l) + sum(t_l)) + s).

  The sums over classes come before the ratio, as in the paper; a mean of the
  classes' Dice is a different loss.

  >>> logits = jnp.zeros((1, 2, 2, 2))
  >>> labels = jnp.zeros((1, 2, 2, 2)).at[..., 0].set(1.0)
  >>> round(float(generalized_dice(logits, labels)[0]), 3)
  0.333

  Args:
    logits: Network output, float, `[N, H, W, C]`; `activation` is inside.
    labels: Reference t in [0, 1], same shape, classes on the last axis; or,
      unless the activation is a sigmoid, class numbers, integers `[N, H, W]`.
    axis: Axes summed over, not the last; the default is one slice, of four axes
      or more.
    weights: "square": w = 1 / sum(t)^2; "simple": w = 1 / sum(t).
    absent: A class without a pixel in the reference would have an infinite
      weight. "skip" leaves it out; "largest" gives it the largest of the
      others.
    smooth: s, 0 or above; or a pair, of numerator and denominator. Divided by
      voxels² like the sums; use less for volumes.
    where: Pixels that count, bool, broadcastable to `labels`; None is all.
    activation: "sigmoid", "softmax" over the last axis, or "none" if `logits`
      are probabilities.
    class_weights: Factor of each class's w, `[C]`; None is 1.
    ignore: Value of labels that do not count, such as 255; None is none.
    soft_labels: Whether labels may lie between 0 and 1. False saves their
      arithmetic.

  Returns:
    Loss in [0, 1], float32 (float64 for float64 logits), `logits.shape` without
    `axis` and classes: `[N]`. 0 if the reference has no class at all.

  Raises:
    ConfigError: The activation, `weights` or `absent` is unknown.
    TypeError: `logits` is not floating point, `where` is not boolean, or an
      array is masked.
    ValueError: Shapes differ, `where` or `axis` does not fit, the default axes
      have fewer than four to choose from, `axis` includes the classes' axis, or
      a label, weight or smoothing whose value is known is out of range.

  References:
    Sudre et al., Generalised Dice overlap, arXiv:1707.03237.
  """
  above, below, sure = _numbers.smoothing(smooth)
  checks.one_of(_WEIGHTS, weights=weights)
  checks.one_of(_ABSENT, absent=absent)
  given = _inputs.given(
    logits,
    labels,
    where,
    ignore=ignore,
    activation=activation,
    axis=axis,
    soft=soft_labels,
  )
  ndim = len(np.shape(logits))
  if ndim - 1 in checks.axes(axis, ndim):
    raise ValueError(
      f"axis {axis} includes the classes' axis, which is summed over in any"
      " case; leave it out"
    )
  s = _sums.sums(given, axis, activation)
  there = s.t > 0
  size = jnp.where(there, s.t, 1)
  w = jnp.where(there, 1 / (size * size if weights == "square" else size), 0)
  if absent == "largest" and w.size:  # Nothing has no largest.
    w = jnp.where(there, w, jnp.max(w, axis=-1, keepdims=True))
  if class_weights is not None:
    w = w * _numbers.weights_of_classes(class_weights, w)
  numerator = 2 * jnp.sum(w * s.both, axis=-1)
  denominator = jnp.sum(w * (s.p + s.t), axis=-1)
  top = numerator + _numbers.broadcast(above, numerator, "smooth")
  bottom = denominator + _numbers.broadcast(below, denominator, "smooth")
  if sure:
    return 1 - top / bottom
  # Without smoothing there is nothing to divide by where no class is.
  some = bottom > 0
  return jnp.where(some, 1 - top / jnp.where(some, bottom, 1), 0)
