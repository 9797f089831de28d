"""Focal losses: cross entropy that down-weights what is easy."""

import math

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike

from jaxseg import _checks as checks
from jaxseg.losses import _inputs
from jaxseg.losses import _numbers

# Nearer to a soft label p is as good as there: the gradient of a power below 1
# is unbounded.
_NEAREST = 1e-6


def focal(
  logits: ArrayLike,
  labels: ArrayLike,
  *,
  gamma: ArrayLike = 2.0,
  alpha: ArrayLike | None = None,
  where: ArrayLike | None = None,
  ignore: ArrayLike | None = None,
  soft_labels: bool = True,
) -> jax.Array:
  """Cross entropy that down-weights easy pixels: times a_t |t - p|^g.

  For hard labels |t - p| is 1 - p_t, p_t the probability of the true class; for
  soft ones the loss is 0 at p = t.

  >>> loss = focal(jnp.zeros(1), jnp.ones(1))
  >>> round(float(loss[0]), 6)  # log 2 / 4
  0.173287

  Args:
    logits: Network output z, float, any shape; the sigmoid is inside.
    labels: Reference t in [0, 1], same shape; structures may overlap.
    gamma: g >= 0; 0 is cross entropy.
    alpha: a_t is alpha in the structure, 1 - alpha outside, and between them
      for soft labels; None is 1.
    where: Pixels that count, bool, broadcastable to `labels`; None is all.
    ignore: Value of labels that do not count, such as 255; None is none.
    soft_labels: Whether labels may lie between 0 and 1. False saves their
      arithmetic.

  Returns:
    Loss, float32 (float64 for float64 logits), like `logits`; 0 at pixels that
    do not count.

  Raises:
    TypeError: `logits` is not floating point, `where` is not boolean, or an
      array is masked.
    ValueError: Shapes differ, an array does not broadcast, or of what is known
      a label or `alpha` is outside [0, 1] or `gamma` is negative.

  References:
    Lin et al., Focal loss for dense object detection, arXiv:1708.02002; Li et
    al., Generalized focal loss, arXiv:2006.04388, for soft labels.
  """
  given = _inputs.given(logits, labels, where, ignore=ignore, soft=soft_labels)
  checks.within(0, math.inf, gamma=gamma)
  checks.within(0, 1, alpha=alpha)
  z, t = _inputs.prepared(given.logits, given.labels, given.keep)
  sign = 2 * t - 1
  power = _numbers.broadcast(gamma, z, "gamma")
  a = None if alpha is None else _numbers.broadcast(alpha, z, "alpha")
  # In logarithms: the gradient of a power is unbounded at 0.
  easy = jnp.exp(power * jax.nn.log_sigmoid(-z * sign))
  loss = easy * jax.nn.softplus(-z * sign)
  if a is not None:
    loss = loss * jnp.where(t > 0.5, a, 1 - a)
  if given.soft:
    near = jnp.maximum(jnp.abs(t - jax.nn.sigmoid(z)), _NEAREST)
    entropy = t * jax.nn.softplus(-z) + (1 - t) * jax.nn.softplus(z)
    soft = jnp.exp(power * jnp.log(near)) * entropy
    if a is not None:
      soft = soft * (t * a + (1 - t) * (1 - a))
    loss = jnp.where((t == 0) | (t == 1), loss, soft)
  return jnp.where(given.keep, loss, 0)


def softmax_focal(
  logits: ArrayLike,
  labels: ArrayLike,
  *,
  gamma: ArrayLike = 2.0,
  class_weights: ArrayLike | None = None,
  where: ArrayLike | None = None,
  ignore: ArrayLike | None = None,
) -> jax.Array:
  """Focal loss of exclusive classes: -sum_l w_l |t_l - p_l|^g t_l log p_l.

  p is the softmax. For hard labels it is w (1 - p)^g times the cross entropy, p
  and w those of the true class; for soft ones it is 0 at p = t.

  >>> loss = softmax_focal(jnp.zeros((1, 4)), jnp.array([2]))
  >>> round(float(loss[0]), 6)  # (3 / 4)^2 log 4
  0.779791

  Args:
    logits: Network output z, float, `[..., C]`.
    labels: One-hot or soft labels t, same shape; or class numbers, integers
      `[...]`.
    gamma: g >= 0; 0 is cross entropy.
    class_weights: w, `[C]`; None is 1.
    where: Pixels that count, bool, broadcastable to `[..., 1]`, or to class
      numbers; None is all.
    ignore: Value of labels whose pixels do not count; None is none.

  Returns:
    Loss, float32 (float64 for float64 logits), `[...]`; 0 at pixels that do not
    count.

  Raises:
    TypeError: `logits` is not floating point, `where` is not boolean, or an
      array is masked.
    ValueError: Shapes differ, an array does not broadcast, `class_weights` are
      not one for each class, or of what is known a label is outside [0, 1] or
      of no class, or `gamma` is negative.

  References:
    Lin et al., Focal loss for dense object detection, arXiv:1708.02002; Li et
    al., Generalized focal loss, arXiv:2006.04388, for soft labels.
  """
  given = _inputs.given(
    logits, labels, where, ignore=ignore, activation="softmax", by_pixel=True
  )
  checks.within(0, math.inf, gamma=gamma)
  z, t = _inputs.prepared(given.logits, given.labels, given.keep)
  if not z.size:  # A softmax of nothing is an error, and its sum is 0.
    return jnp.zeros(z.shape[:-1], z.dtype)
  power = _numbers.broadcast(gamma, z, "gamma")
  log_p = jax.nn.log_softmax(z, axis=-1)
  # 1 - p of the true class without the difference; 0 has no logarithm.
  gap = jnp.maximum(-jnp.expm1(log_p), jnp.finfo(z.dtype).tiny)
  if given.soft:
    near = jnp.maximum(jnp.abs(t - jnp.exp(log_p)), _NEAREST)
    gap = jnp.where(t == 1, gap, near)
  loss = jnp.exp(power * jnp.log(gap)) * t * log_p
  if class_weights is not None:
    loss = loss * _numbers.weights_of_classes(class_weights, z)
  return -jnp.sum(loss, axis=-1)
