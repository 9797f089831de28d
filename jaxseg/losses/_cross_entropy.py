"""Cross entropy from logits: binary, and of exclusive classes."""

import math

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike

from jaxseg import _checks as checks
from jaxseg.losses import _inputs
from jaxseg.losses import _numbers


def binary_cross_entropy(
  logits: ArrayLike,
  labels: ArrayLike,
  *,
  where: ArrayLike | None = None,
  pos_weight: ArrayLike | None = None,
  ignore: ArrayLike | None = None,
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
    ignore: Value of labels that do not count, such as 255; None is none.

  Returns:
    Loss, float32 (float64 for float64 logits), like `logits`; 0 at pixels that
    do not count.

  Raises:
    TypeError: `logits` is not floating point, `where` is not boolean, or an
      array is masked.
    ValueError: Shapes differ, `where` or `pos_weight` does not broadcast, a
      label whose value is known is outside [0, 1], or a weight below 0.

  References:
    Cross entropy as an objective for U-Nets: arXiv:1505.04597. The form with
    softplus is finite for every logit.
  """
  given = _inputs.given(logits, labels, where, ignore=ignore)
  return entropy_of(given, pos_weight)


def entropy_of(
  given: _inputs.Given, pos_weight: ArrayLike | None = None
) -> jax.Array:
  """The binary cross entropy of arguments that are checked."""
  checks.within(0, math.inf, pos_weight=pos_weight)
  z, t = _inputs.prepared(given.logits, given.labels, given.keep)
  inside = t * jax.nn.softplus(-z)
  if pos_weight is not None:
    weight = _numbers.broadcast(pos_weight, z, "pos_weight")
    inside = inside * jnp.asarray(weight, z.dtype)
  return jnp.where(given.keep, inside + (1 - t) * jax.nn.softplus(z), 0)


def softmax_cross_entropy(
  logits: ArrayLike,
  labels: ArrayLike,
  *,
  class_weights: ArrayLike | None = None,
  where: ArrayLike | None = None,
  ignore: ArrayLike | None = None,
) -> jax.Array:
  """Cross entropy of each pixel: -sum_l w_l t_l log softmax(z)_l.

  >>> loss = softmax_cross_entropy(jnp.zeros((1, 4)), jnp.eye(4)[:1])
  >>> round(float(loss[0]), 6)  # log 4
  1.386294

  Args:
    logits: Network output z, float, `[..., C]`.
    labels: One-hot or soft labels t, same shape; or class numbers, integers
      `[...]`.
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
    ValueError: Shapes differ, `where` does not broadcast, `class_weights` are
      not one for each class, or a label whose value is known is outside [0, 1]
      or of no class.

  References:
    U-Net, arXiv:1505.04597.
  """
  given = _inputs.given(
    logits, labels, where, ignore=ignore, activation="softmax", by_pixel=True
  )
  z, t = _inputs.prepared(given.logits, given.labels, given.keep)
  if class_weights is not None:
    t = t * _numbers.weights_of_classes(class_weights, t)
  if not z.size:  # A softmax of nothing is an error, and its sum is 0.
    return jnp.zeros(z.shape[:-1], z.dtype)
  return -jnp.sum(t * jax.nn.log_softmax(z, axis=-1), axis=-1)
