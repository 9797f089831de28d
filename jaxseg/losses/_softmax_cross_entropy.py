"""Cross entropy of classes that exclude each other, from logits."""

import jax
import jax.numpy as jnp

from jaxseg import _checks as checks
from jaxseg.losses import _inputs
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
    Loss, float32 (float64 of float64 logits), `[...]`; 0 at pixels that do not
    count.

  Raises:
    TypeError: `logits` is not floating point, or `where` not boolean.
    ValueError: Shapes differ, `where` does not broadcast, or `class_weights`
      are not one for each class.

  References:
    U-Net, arXiv:1505.04597.
  """
  checks.floating(logits=logits)
  checks.same_shape(logits=logits, labels=labels)
  keep = _where.kept(where, (*labels.shape[:-1], 1))
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
