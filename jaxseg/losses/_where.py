"""Which pixels count: the `where` of every loss."""

import jax
import numpy as np

from jaxseg import _checks as checks


def kept(
  where: jax.Array | None, shape: tuple[int, ...]
) -> jax.Array | np.ndarray | bool:
  """The mask of pixels that count; True where all of them do.

  Args:
    where: Mask, bool, broadcastable to `shape`; None is all.
    shape: Shape of the labels.

  Returns:
    `where` itself, or True. A loss puts it through `jnp.where` before any
    arithmetic, for a NaN that is multiplied by 0 stays NaN.

  Raises:
    TypeError: The mask is not boolean; a weight would count as 1 or be lost.
    ValueError: It does not broadcast to `shape`.
  """
  if where is None:
    return True
  checks.boolean(where=where)
  mask = tuple(np.shape(where))
  # From the last axis; a mask of more axes would enlarge the result unseen.
  pairs = zip(mask[::-1], shape[::-1], strict=False)
  if len(mask) > len(shape) or any(m not in (1, n) for m, n in pairs):
    raise ValueError(
      f"where {mask} does not broadcast to labels {tuple(shape)}; give one"
      " length, or 1, per axis"
    )
  return where
