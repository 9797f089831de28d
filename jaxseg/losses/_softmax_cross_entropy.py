"""Cross entropy of classes that exclude each other, from logits."""

import jax
import jax.numpy as jnp

from jaxseg import _checks as checks
from jaxseg.losses import _where


def softmax_cross_entropy(
  logits: jax.Array,
  labels: jax.Array,
  *,
  class_weights: jax.Array | None = None,
  where: jax.Array | None = None,
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
    Loss, float32, `[...]`; 0 at pixels that do not count.

  Raises:
    TypeError: `logits` is not floating point, or `where` not boolean.
    ValueError: Shapes differ, or `where` does not broadcast.

  References:
    U-Net, arXiv:1505.04597.
  """
  checks.floating(logits=logits)
  checks.same_shape(logits=logits, labels=labels)
  keep = _where.kept(where, (*labels.shape[:-1], 1))
  z = jnp.where(keep, logits, 0).astype(jnp.float32)
  t = jnp.where(keep, labels, 0).astype(jnp.float32)
  if class_weights is not None:
    w = jnp.asarray(class_weights, jnp.float32)
    t = t * w.reshape((1,) * (t.ndim - 1) + (-1,))
  return -jnp.sum(t * jax.nn.log_softmax(z, axis=-1), axis=-1)
