"""The mix of cross entropy and 2D Dice that the study recommends."""

import jax
import jax.numpy as jnp

from jaxseg.losses import _cross_entropy
from jaxseg.losses import _dice
from jaxseg.losses import _inputs


def bce_dice(
  logits: jax.Array,
  labels: jax.Array,
  *,
  weight: float | jax.Array = 0.5,
  axis: tuple[int, ...] = (-3, -2),
  smooth: float = 1.0,
  where: jax.Array | None = None,
) -> jax.Array:
  """Weighted sum: w mean(cross entropy) + (1 - w) Dice loss.

  >>> import jax.numpy as jnp
  >>> bce_dice(jnp.zeros((2, 4, 4, 3)), jnp.ones((2, 4, 4, 3))).shape
  (2, 3)

  Args:
    logits: Network output, float, `[N, H, W, C]`; the sigmoid is inside.
    labels: Reference in [0, 1], same shape; structures may overlap.
    weight: w in [0, 1]: 1 is cross entropy alone, 0 Dice alone. It may be a
      traced value, so that one compiled step serves all mixes.
    axis: Axes that the mean and the Dice loss are taken over.
    smooth: Of the Dice loss, > 0, in pixels.
    where: Pixels that count, bool, broadcastable to `labels`; None is all.

  Returns:
    Loss, float32 (float64 of float64 logits), `logits.shape` without `axis`:
    `[N, C]`. Where no pixel counts both parts are 0.

  Raises:
    TypeError: `logits` is not floating point, or `where` not boolean.
    ValueError: Shapes differ, `where` or `axis` does not fit, or `smooth` is
      not positive.

  References:
    Bice et al. 2021, doi:10.1002/acm2.13331.
  """
  entropy = _cross_entropy.binary_cross_entropy(logits, labels, where=where)
  mean = _inputs.masked_mean(entropy, axis, where)
  loss = _dice.dice(logits, labels, axis=axis, smooth=smooth, where=where)
  w = jnp.asarray(weight, loss.dtype)
  return w * mean + (1 - w) * loss
