"""Deep supervision: one loss at several depths of a network."""

from collections.abc import Callable, Sequence

import jax
import jax.numpy as jnp


def deep_supervision(
  loss: Callable[..., jax.Array],
  outputs: Sequence[jax.Array],
  labels: jax.Array,
  *,
  weights: Sequence[float] | None = None,
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
    outputs: Logits `[N, H, W, C]`, the finest first; each size divides the
      first's.
    labels: Reference of the finest, `[N, H, W, C]`; coarser ones see the mean
      over the pixels that each of theirs covers.
    weights: One for each output; None is 1, 1/2, 1/4, ... Their sum is made 1.

  Returns:
    Loss, float32, as `loss` gives it.

  Raises:
    ValueError: There are no outputs, a size does not divide the first's, or
      weights do not fit.

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
  total = jnp.float32(0)
  for logits, weight in zip(outputs, given, strict=True):
    total = total + (weight / sum(given)) * loss(
      logits, _shrunk(labels, logits.shape)
    )
  return total


def _shrunk(labels: jax.Array, shape: tuple[int, ...]) -> jax.Array:
  """Labels averaged down to a coarser output."""
  factors = [n // m if m else 0 for n, m in zip(labels.shape, shape,
                                                strict=True)]  # fmt: skip
  if any(m * f != n for n, m, f in zip(labels.shape, shape, factors,
                                       strict=True)):  # fmt: skip
    raise ValueError(
      f"an output of shape {shape} does not divide labels of {labels.shape};"
      " give outputs of halved sizes"
    )
  if labels.shape == shape:
    return labels
  split = [k for n, f in zip(shape, factors, strict=True) for k in (n, f)]
  blocks = jnp.asarray(labels, jnp.float32).reshape(split)
  return blocks.mean(axis=tuple(range(1, 2 * len(shape), 2)))
