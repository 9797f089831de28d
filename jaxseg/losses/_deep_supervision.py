"""Deep supervision: one loss at several depths of a network."""

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp

from jaxseg.losses import _inputs
from jaxseg.losses import _where


def deep_supervision(
  loss: Callable[..., jax.Array],
  outputs: Sequence[jax.Array],
  labels: jax.Array,
  *,
  weights: Sequence[float] | None = None,
  where: jax.Array | None = None,
) -> jax.Array:
  """Weighted mean of a loss at several resolutions.

  >>> from jaxseg import losses
  >>> fine, coarse = jnp.zeros((1, 4, 4, 1)), jnp.zeros((1, 2, 2, 1))
  >>> labels = jnp.ones((1, 4, 4, 1))
  >>> deep_supervision(losses.dice, [fine, coarse], labels).shape
  (1, 1)

  Args:
    loss: Function of (logits, labels) whose result has no pixels left, such as
      `dice`, or a lambda that takes the mean.
    outputs: Logits `[N, H, W, C]`, the finest first; height and width of each
      divide the first's.
    labels: Reference of the finest, `[N, H, W, C]`; coarser ones see the mean
      over the pixels that each of theirs covers.
    weights: One for each output; None is 1, 1/2, 1/4, ... Their sum is made 1.
    where: Pixels of the finest that count, bool, broadcastable to `labels`;
      None is all. A coarser pixel counts if one that it covers does, and sees
      the mean of those. `loss` is given it as `where`, of its logits' shape.

  Returns:
    Loss, as `loss` gives it.

  Raises:
    TypeError: `where` is not boolean.
    ValueError: There are no outputs, a size does not divide the first's,
      weights do not fit, or `where` does not broadcast.

  References:
    Lee et al., Deeply-supervised nets, arXiv:1409.5185.
  """
  if not outputs:
    raise ValueError("deep_supervision of no outputs; give at least one")
  given = [0.5**k for k in range(len(outputs))] if weights is None else weights
  if len(given) != len(outputs) or min(given) < 0 or not sum(given) > 0:
    raise ValueError(
      f"weights {list(given)} do not fit {len(outputs)} outputs; give one, 0 or"
      " above, for each"
    )
  keep = _where.kept(where, labels.shape)
  total: Any = 0
  for logits, weight in zip(outputs, given, strict=True):
    if where is None:
      value = loss(logits, _shrunk(labels, logits.shape))
    else:
      counts = jnp.broadcast_to(keep, labels.shape)
      share = _shrunk(counts, logits.shape)
      some = share > 0
      seen = _shrunk(jnp.where(counts, labels, 0), logits.shape)
      coarse = seen / jnp.where(some, share, 1)
      value = loss(logits, coarse, where=some)
    total = total + (weight / sum(given)) * value
  return total


def _shrunk(labels: jax.Array, shape: tuple[int, ...]) -> jax.Array:
  """Labels averaged down to a coarser output."""
  whole = labels.shape
  pairs = list(zip(whole, shape, strict=False))
  factors = [n // m if m else 0 for n, m in pairs]
  # Cases and classes are never averaged, though their number might divide.
  if (
    len(whole) != len(shape)
    or (whole[0], whole[-1]) != (shape[0], shape[-1])
    or any(m * f != n for (n, m), f in zip(pairs, factors, strict=True))
  ):
    raise ValueError(
      f"an output of shape {shape} does not divide labels of {whole}; give"
      " whole fractions of height and width, of the same cases and classes"
    )
  values = jnp.asarray(labels).astype(_inputs.wide(labels))
  if whole == shape:
    return values
  split = [k for n, f in zip(shape, factors, strict=True) for k in (n, f)]
  return values.reshape(split).mean(axis=tuple(range(1, 2 * len(shape), 2)))
