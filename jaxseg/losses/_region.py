"""Sums over a region that all losses of the Dice family are made of."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jaxseg import _checks as checks
from jaxseg.losses import _inputs
from jaxseg.losses import _where

ACTIVATIONS = ("sigmoid", "softmax", "none")


class Sums(NamedTuple):
  """Sums over the axes of a group, shape without them.

  Attributes:
    both: sum(p t).
    p: sum(p).
    p2: sum(p^2).
    t: sum(t).
    false_positive: sum(p (1 - t)).
    false_negative: sum((1 - p) t).
    apart: sum(p^2 + t - 2 p t), which is sum((p - t)^2) of hard labels.
  """

  both: jax.Array
  p: jax.Array
  p2: jax.Array
  t: jax.Array
  false_positive: jax.Array
  false_negative: jax.Array
  apart: jax.Array


def sums(
  logits: jax.Array,
  labels: jax.Array,
  *,
  axis: tuple[int, ...],
  where: jax.Array | None,
  activation: str,
) -> Sums:
  """The sums of probabilities and labels.

  Args:
    logits: Network output, float, `[..., C]`; see `probabilities`.
    labels: Reference t in [0, 1], same shape.
    axis: Axes summed over.
    where: Pixels that count, bool, broadcastable to `labels`; None is all.
    activation: As in `probabilities`.

  Raises:
    TypeError: `logits` is not floating point, or `where` not boolean.
    ValueError: Shapes differ, `where` or `axis` does not fit, or the activation
      is unknown.
  """
  checks.floating(logits=logits)
  checks.same_shape(logits=logits, labels=labels)
  keep = _where.kept(where, labels.shape)
  t = jnp.where(keep, labels, 0).astype(_inputs.wide(logits))
  p = jnp.where(keep, probabilities(logits, activation, keep), 0)
  # 1 - p of a sigmoid is another sigmoid, and no difference of near numbers.
  rest = 1 - p
  if activation == "sigmoid":
    rest = probabilities(-jnp.asarray(logits), activation, keep)
  # Errors are summed as such: as differences of large sums they would be
  # rounding where the map is nearly right.
  parts = (
    p * t, p, p * p, t, p * (1 - t), rest * t, p * p * (1 - t) + rest**2 * t,
  )  # fmt: skip
  over = _inputs.axes(axis, t.ndim)
  return Sums(*(jnp.sum(part, over) for part in parts))


def probabilities(
  logits: jax.Array, activation: str, keep: jax.Array | np.ndarray | bool = True
) -> jax.Array:
  """Probabilities of a network's output, float32 or wider.

  Widened before the activation: in bfloat16 1 - p is lost below 0.004, and a
  float16 sum over 512 x 512 pixels overflows.

  Args:
    logits: Network output, float, `[..., C]`.
    activation: "sigmoid" for structures that may overlap, "softmax" over the
      last axis for classes that do not, "none" for what are probabilities.
    keep: Pixels that count; what the others hold reaches no gradient.

  Raises:
    ValueError: The activation is unknown.
  """
  if activation == "softmax":
    # A class that does not count still takes part in the others' sum: only a
    # pixel none of whose classes counts is blank.
    keep = jnp.any(
      jnp.broadcast_to(keep, np.shape(logits)), axis=-1, keepdims=True
    )
  z = jnp.where(keep, logits, 0).astype(_inputs.wide(logits))
  if activation == "sigmoid":
    return jax.nn.sigmoid(_inputs.bounded(z))
  if activation == "softmax":
    return jax.nn.softmax(_inputs.bounded(z), axis=-1)
  if activation == "none":
    return z
  raise ValueError(
    f"activation {activation!r} is unknown; take one of"
    f" {', '.join(ACTIVATIONS)}"
  )
