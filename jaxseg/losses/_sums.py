"""The sums of probabilities and labels that overlap losses are made of."""

from collections.abc import Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp

from jaxseg import _checks as checks
from jaxseg.losses import _inputs


class Sums(NamedTuple):
  """Sums over the axes of a group, shape without them.

  For hard labels t they are those of products. A soft label is met half-way: of
  p and t the lesser is right, and what is beyond it is wrong. So errors are 0
  at p = t, where those of products have their least at p = 0 or 1.

  Attributes:
    both: sum(p t); of soft labels sum(min(p, t)).
    p: sum(p).
    p2: sum(p^2).
    t: sum(t).
    t2: sum(t^2), which is sum(t) for hard labels.
    false_positive: sum(p (1 - t)); of soft labels sum(max(p - t, 0)).
    false_negative: sum((1 - p) t); of soft labels sum(max(t - p, 0)).
    apart: sum((p - t)^2).
  """

  both: jax.Array
  p: jax.Array
  p2: jax.Array
  t: jax.Array
  t2: jax.Array
  false_positive: jax.Array
  false_negative: jax.Array
  apart: jax.Array


def sums(
  given: _inputs.Given, axis: int | Sequence[int], activation: str
) -> Sums:
  """The sums of probabilities p and labels t that overlap losses are made of.

  References:
    Wang et al., Dice semimetric losses, arXiv:2303.16296, for soft labels.

  Raises:
    ValueError: `axis` does not fit.
  """
  logits, labels, keep, soft = given
  t = _inputs.masked(keep, labels).astype(_inputs.wide(logits))
  p = jnp.where(keep, _inputs.probabilities(logits, activation, keep), 0)
  # 1 - p of a sigmoid is another sigmoid; a difference would cancel near p = 1.
  rest = 1 - p
  if activation == "sigmoid":
    rest = _inputs.probabilities(-jnp.asarray(logits), activation, keep)
  # Errors are summed as they are: differences of large sums would be rounding
  # noise where the map is nearly right.
  parts = Sums(
    both=p * t,
    p=p,
    p2=p * p,
    t=t,
    t2=t * t,
    false_positive=p * (1 - t),
    false_negative=rest * t,
    apart=p * p * (1 - t) + rest**2 * t,
  )
  if soft:
    parts = _where_soft(parts, p, t)
  over = checks.axes(axis, t.ndim)
  total = {
    name: jnp.sum(part, over)
    for name, part in parts._asdict().items()
    if soft or name != "t2"
  }
  return Sums(**{"t2": total["t"]} | total)


def _where_soft(parts: Sums, p: jax.Array, t: jax.Array) -> Sums:
  """The parts, changed where a label is neither 0 nor 1."""
  hard = (t == 0) | (t == 1)
  return parts._replace(
    both=jnp.where(hard, parts.both, jnp.minimum(p, t)),
    false_positive=jnp.where(hard, parts.false_positive, jnp.maximum(p - t, 0)),
    false_negative=jnp.where(hard, parts.false_negative, jnp.maximum(t - p, 0)),
    apart=jnp.where(hard, parts.apart, (p - t) ** 2),
  )
