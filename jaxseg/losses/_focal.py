"""Focal loss: cross entropy, of which easy pixels get little."""

import jax
import jax.numpy as jnp

from jaxseg import _checks as checks
from jaxseg.losses import _inputs
from jaxseg.losses import _where


def focal(
  logits: jax.Array,
  labels: jax.Array,
  *,
  gamma: float = 2.0,
  alpha: float | None = None,
  where: jax.Array | None = None,
) -> jax.Array:
  """Focal loss of each pixel: a_t (1 - p_t)^g times the cross entropy.

  p_t is the probability given to the true class, of hard labels.

  >>> loss = focal(jnp.zeros(1), jnp.ones(1))
  >>> round(float(loss[0]), 6)  # log 2 / 4
  0.173287

  Args:
    logits: Network output z, float, any shape; the sigmoid is inside.
    labels: Reference, 0 or 1, same shape; structures may overlap.
    gamma: g >= 0; 0 is cross entropy.
    alpha: a_t is alpha in the structure and 1 - alpha outside; None is 1.
    where: Pixels that count, bool, broadcastable to `labels`; None is all.

  Returns:
    Loss, float32 (float64 of float64 logits), like `logits`; 0 at pixels that
    do not count.

  Raises:
    TypeError: `logits` is not floating point, or `where` not boolean.
    ValueError: Shapes differ, `where` does not broadcast, gamma is
      negative, or alpha not in [0, 1].

  References:
    Lin et al., Focal loss for dense object detection, arXiv:1708.02002.
  """
  checks.floating(logits=logits)
  checks.same_shape(logits=logits, labels=labels)
  if not gamma >= 0:
    raise ValueError(f"gamma {gamma} is negative; give 0 or above")
  _inputs.within(0, 1, alpha=alpha)
  keep = _where.kept(where, labels.shape)
  z, t = _inputs.prepared(logits, labels, keep)
  sign = 2 * t - 1
  # In logarithms: a power of 0 has a gradient without bound.
  loss = jnp.exp(gamma * jax.nn.log_sigmoid(-z * sign)) * (
    jax.nn.softplus(-z * sign)
  )
  if alpha is not None:
    loss = loss * jnp.where(t > 0.5, alpha, 1 - alpha)
  return jnp.where(keep, loss, 0)
