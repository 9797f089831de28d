"""Binary cross entropy from logits."""

import math

import jax
import jax.numpy as jnp

from jaxseg import _checks as checks
from jaxseg.losses import _inputs
from jaxseg.losses import _where


def binary_cross_entropy(
  logits: jax.Array,
  labels: jax.Array,
  *,
  where: jax.Array | None = None,
  pos_weight: float | jax.Array | None = None,
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
    Loss, float32 (float64 of float64 logits), like `logits`; 0 at pixels that
    do not count.

  Raises:
    TypeError: `logits` is not floating point, or `where` not boolean.
    ValueError: Shapes differ, `where` does not broadcast, or `pos_weight` is
      negative.

  References:
    Cross entropy as an objective for U-Nets: arXiv:1505.04597. The form with
    softplus is finite for every logit.
  """
  checks.floating(logits=logits)
  checks.same_shape(logits=logits, labels=labels)
  _inputs.within(0, math.inf, pos_weight=pos_weight)
  keep = _where.kept(where, labels.shape)
  z, t = _inputs.prepared(logits, labels, keep)
  inside = t * jax.nn.softplus(-z)
  if pos_weight is not None:
    inside = inside * jnp.asarray(pos_weight, z.dtype)
  return jnp.where(keep, inside + (1 - t) * jax.nn.softplus(z), 0)
