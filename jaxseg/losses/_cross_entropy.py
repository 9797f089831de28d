"""Cross entropy from logits: binary, focal, and of exclusive classes."""

import math

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike
import numpy as np

from jaxseg import _checks as checks
from jaxseg.losses import _inputs


def binary_cross_entropy(
  logits: ArrayLike,
  labels: ArrayLike,
  *,
  where: ArrayLike | None = None,
  pos_weight: ArrayLike | None = None,
) -> jax.Array:
  """Cross entropy of each pixel: w t softplus(-z) + (1 - t) softplus(z).

  >>> import jax.numpy as jnp
  >>> loss = binary_cross_entropy(jnp.zeros(1), jnp.ones(1))
  >>> round(float(loss[0]), 6)  # log 2
  0.693147

  Args:
    logits: Network output z, float, any shape; the sigmoid is inside.
    labels: Reference t in [0, 1], same shape; structures may overlap.
    where: Pixels that count, bool, broadcastable to `labels`; None is all.
    pos_weight: w, weight of the structure's pixels, broadcastable; None is 1.

  Returns:
    Loss, float32 (float64 for float64 logits), like `logits`; 0 at pixels that
    do not count.

  Raises:
    TypeError: `logits` is not floating point, or `where` is not boolean.
    ValueError: Shapes differ, `where` does not broadcast, or `pos_weight` is
      negative.

  References:
    Cross entropy as an objective for U-Nets: arXiv:1505.04597. The form with
    softplus is finite for every logit.
  """
  keep = _inputs.checked(logits, labels, where)
  _inputs.within(0, math.inf, pos_weight=pos_weight)
  z, t = _inputs.prepared(logits, labels, keep)
  inside = t * jax.nn.softplus(-z)
  if pos_weight is not None:
    inside = inside * jnp.asarray(pos_weight, z.dtype)
  return jnp.where(keep, inside + (1 - t) * jax.nn.softplus(z), 0)


def focal(
  logits: ArrayLike,
  labels: ArrayLike,
  *,
  gamma: float = 2.0,
  alpha: ArrayLike | None = None,
  where: ArrayLike | None = None,
) -> jax.Array:
  """Cross entropy that down-weights easy pixels: times a_t (1 - p_t)^g.

  p_t is the probability of the true class, for hard labels.

  >>> loss = focal(jnp.zeros(1), jnp.ones(1))
  >>> round(float(loss[0]), 6)  # log 2 / 4
  0.173287

  Args:
    logits: Network output z, float, any shape; the sigmoid is inside.
    labels: Reference, 0 or 1, same shape; structures may overlap.
    gamma: g >= 0; 0 is cross entropy.
    alpha: a_t is alpha in the structure and 1 - alpha outside; None is 1 in
      both.
    where: Pixels that count, bool, broadcastable to `labels`; None is all.

  Returns:
    Loss, float32 (float64 for float64 logits), like `logits`; 0 at pixels that
    do not count.

  Raises:
    TypeError: `logits` is not floating point, or `where` is not boolean.
    ValueError: Shapes differ, `where` does not broadcast, `gamma` is
      negative, or `alpha` is outside [0, 1].

  References:
    Lin et al., Focal loss for dense object detection, arXiv:1708.02002.
  """
  keep = _inputs.checked(logits, labels, where)
  _inputs.within(0, math.inf, gamma=gamma)
  _inputs.within(0, 1, alpha=alpha)
  z, t = _inputs.prepared(logits, labels, keep)
  sign = 2 * t - 1
  # In logarithms: the gradient of a power is unbounded at 0.
  easy = jnp.exp(gamma * jax.nn.log_sigmoid(-z * sign))
  loss = easy * jax.nn.softplus(-z * sign)
  if alpha is not None:
    loss = loss * jnp.where(t > 0.5, alpha, 1 - alpha)
  return jnp.where(keep, loss, 0)


def softmax_cross_entropy(
  logits: ArrayLike,
  labels: ArrayLike,
  *,
  class_weights: ArrayLike | None = None,
  where: ArrayLike | None = None,
) -> jax.Array:
  """Cross entropy of each pixel: -sum_l w_l t_l log softmax(z)_l.

  >>> loss = softmax_cross_entropy(jnp.zeros((1, 4)), jnp.eye(4)[:1])
  >>> round(float(loss[0]), 6)  # log 4
  1.386294

  Args:
    logits: Network output z, float, `[..., C]`.
    labels: One-hot or soft labels t, same shape.
    class_weights: w, `[C]`; None is 1.
    where: Pixels that count, bool, broadcastable to `[..., 1]`; None is all.

  Returns:
    Loss, float32 (float64 for float64 logits), `[...]`; 0 at pixels that do not
    count.

  Raises:
    TypeError: `logits` is not floating point, or `where` is not boolean.
    ValueError: Shapes differ, `where` does not broadcast, or `class_weights`
      are not one for each class.

  References:
    U-Net, arXiv:1505.04597.
  """
  checks.floating(logits=logits)
  checks.same_shape(logits=logits, labels=labels)
  keep = _inputs.kept(where, (*np.shape(labels)[:-1], 1))
  z, t = _inputs.prepared(logits, labels, keep)
  if class_weights is not None:
    w = jnp.asarray(class_weights, t.dtype)
    if w.shape != t.shape[-1:]:
      raise ValueError(
        f"class_weights of shape {w.shape} do not fit {t.shape[-1]} classes;"
        " give one for each"
      )
    t = t * w.reshape((1,) * (t.ndim - 1) + (-1,))
  return -jnp.sum(t * jax.nn.log_softmax(z, axis=-1), axis=-1)
