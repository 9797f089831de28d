"""Lovasz losses: the convex extension of the Jaccard loss."""

from collections.abc import Sequence

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike

from jaxseg import _checks as checks
from jaxseg.losses import _inputs
from jaxseg.losses import _mesh
from jaxseg.losses import _numbers


def lovasz_hinge(
  logits: ArrayLike,
  labels: ArrayLike,
  *,
  axis: int | Sequence[int] = _inputs.SLICE,
  where: ArrayLike | None = None,
  class_weights: ArrayLike | None = None,
  ignore: ArrayLike | None = None,
) -> jax.Array:
  """Lovasz hinge of each group: sorted errors times steps of the Jaccard loss.

  The errors are max(0, 1 - z (2 t - 1)).

  >>> labels = jnp.array([1.0, 0.0]).reshape(1, 1, 2, 1)
  >>> float(lovasz_hinge(jnp.zeros((1, 1, 2, 1)), labels)[0, 0])
  1.0

  Args:
    logits: Network output z, float, `[N, H, W, C]`; no sigmoid is taken.
    labels: Reference, 0 or 1, same shape; structures may overlap. Not soft
      ones.
    axis: Axes of a group; the default is one slice, of four axes or more.
    where: Pixels that count, bool, broadcastable to `labels`; None is all.
    class_weights: Weight of each class's loss, `[C]`; None is 1.
    ignore: Value of labels that do not count, such as 255; None is none.

  Returns:
    Loss >= 0, float32 (float64 for float64 logits), `logits.shape` without
    `axis`: `[N, C]`. For an empty reference it is the largest error.

  Raises:
    TypeError: `logits` is not floating point, `where` is not boolean, or an
      array is masked.
    ValueError: Shapes differ, `where` or `axis` does not fit, the default axes
      have fewer than four to choose from, or a label whose value is known is
      neither 0 nor 1.

  References:
    Berman, Triki and Blaschko, The Lovasz-Softmax loss, arXiv:1705.08790.
  """
  logits, labels, keep, _ = _inputs.given(
    logits, labels, where, ignore=ignore, axis=axis, soft=False
  )
  z, t = _inputs.prepared(logits, labels, keep)
  # A pixel that does not count has no error and is in no set: it sorts last.
  errors = jnp.where(keep, jax.nn.relu(1 - z * (2 * t - 1)), 0)
  loss = _extension(errors, t, keep, axis)
  return _numbers.weighted(loss, class_weights, axis, errors.ndim)


def lovasz(
  logits: ArrayLike,
  labels: ArrayLike,
  *,
  axis: int | Sequence[int] = _inputs.SLICE,
  where: ArrayLike | None = None,
  activation: str = "softmax",
  class_weights: ArrayLike | None = None,
  ignore: ArrayLike | None = None,
) -> jax.Array:
  """Lovasz-softmax or -sigmoid of each class: errors are |t - p|.

  >>> labels = jnp.array([1.0, 0.0]).reshape(1, 1, 2, 1)
  >>> logits = jnp.zeros((1, 1, 2, 1))
  >>> float(lovasz(logits, labels, activation="sigmoid")[0, 0])
  0.5

  Args:
    logits: Network output, float, `[N, H, W, C]`; `activation` is inside.
    labels: Reference, 0 or 1, same shape; or, unless the activation is a
      sigmoid, class numbers, integers `[N, H, W]`. Not soft ones.
    axis: Axes of a group; the default is one slice, of four axes or more.
    where: Pixels that count, bool, broadcastable to `labels`; None is all.
    activation: "softmax" over the last axis, "sigmoid", or "none" if `logits`
      are probabilities.
    class_weights: Weight of each class's loss, `[C]`; None is 1.
    ignore: Value of labels that do not count, such as 255; None is none.

  Returns:
    Loss in [0, 1], float32 (float64 for float64 logits), `logits.shape` without
    `axis`: `[N, C]`. The paper takes the mean over the classes present.

  Raises:
    ConfigError: The activation is unknown.
    TypeError: `logits` is not floating point, `where` is not boolean, or an
      array is masked.
    ValueError: Shapes differ, `where` or `axis` does not fit, the default axes
      have fewer than four to choose from, or a label whose value is known is
      neither 0 nor 1.

  References:
    Berman, Triki and Blaschko, The Lovasz-Softmax loss, arXiv:1705.08790.
  """
  logits, labels, keep, _ = _inputs.given(
    logits,
    labels,
    where,
    ignore=ignore,
    activation=activation,
    axis=axis,
    soft=False,
  )
  t = _inputs.masked(keep, labels).astype(_inputs.wide(logits))
  p = _inputs.probabilities(logits, activation, keep)
  errors = jnp.where(keep, jnp.abs(t - p), 0)
  loss = _extension(errors, t, keep, axis)
  return _numbers.weighted(loss, class_weights, axis, errors.ndim)


def _extension(
  errors: jax.Array,
  labels: jax.Array,
  keep: _inputs.Mask,
  axis: int | Sequence[int],
) -> jax.Array:
  """The extension at the errors of each group, by groups."""
  axes = checks.axes(axis, errors.ndim)
  front = tuple(a for a in range(errors.ndim) if a not in axes)
  lead = tuple(errors.shape[a] for a in front)
  counts = jnp.broadcast_to(keep, errors.shape)
  if not errors.size:
    return jnp.zeros(lead, errors.dtype)

  def of_groups(e: jax.Array, t: jax.Array, one: jax.Array) -> jax.Array:
    rows = (v.transpose(front + axes).reshape(*lead, -1) for v in (e, t, one))
    return _of_rows(*rows)

  return _mesh.reshaping(of_groups, errors, labels, counts, axes=front)


def _of_rows(e: jax.Array, t: jax.Array, one: jax.Array) -> jax.Array:
  """Sorted errors times the discrete gradient of the Jaccard loss.

  Args:
    e: Errors, `[..., pixels]`.
    t: Labels.
    one: Pixels that count.
  """
  order = jnp.argsort(-jax.lax.stop_gradient(e), axis=-1, stable=True)
  e = jnp.take_along_axis(e, order, axis=-1)
  # int32: float32 would stop counting at 2^24 pixels.
  inside = jnp.take_along_axis((t > 0.5).astype(jnp.int32), order, axis=-1)
  one = jnp.take_along_axis(one.astype(jnp.int32), order, axis=-1)
  total = jnp.sum(inside, -1, keepdims=True)
  left = total - jnp.cumsum(inside, -1)
  union = total + jnp.cumsum(one - inside, -1)
  safe = jnp.maximum(union, 1).astype(e.dtype)
  # While the union is empty the loss is 0.
  jaccard = jnp.where(union > 0, 1 - left.astype(e.dtype) / safe, 0)
  steps = jnp.diff(jaccard, axis=-1, prepend=0)
  return jnp.sum(e * steps, axis=-1)
