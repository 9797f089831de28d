"""Boundary loss: probabilities weighted by their distance to the border."""

from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np

from jaxseg import _checks as checks
from jaxseg.losses import _region
from jaxseg.losses import _where


def boundary(
  logits: jax.Array,
  distances: jax.Array,
  *,
  where: jax.Array | None = None,
  activation: str = "sigmoid",
) -> jax.Array:
  """Boundary loss of each pixel: p times the signed distance to the border.

  It can be negative, and far from the border it says nothing of the shape: add
  a region loss. Distances are made once, by `signed_distance`.

  >>> float(boundary(jnp.zeros(1), jnp.array([3.0]))[0])
  1.5

  Args:
    logits: Network output, float, any shape; `activation` is inside.
    distances: Signed distance, < 0 in the structure, same shape.
    where: Pixels that count, bool, broadcastable to `distances`; None is all.
    activation: "sigmoid", "softmax" over the last axis, or "none" if `logits`
      are probabilities.

  Returns:
    Loss, float32, like `logits`; 0 at pixels that do not count.

  Raises:
    TypeError: `logits` is not floating point, or `where` not boolean.
    ValueError: Shapes differ, `where` does not broadcast, or the activation is
      unknown.

  References:
    Kervadec et al., Boundary loss for highly unbalanced segmentation,
    arXiv:1812.07032.
  """
  checks.floating(logits=logits)
  checks.same_shape(logits=logits, distances=distances)
  keep = _where.kept(where, distances.shape)
  p = _region.probabilities(logits, activation, keep)
  d = jnp.where(keep, distances, 0).astype(jnp.float32)
  return jnp.where(keep, p * d, 0)


def signed_distance(
  mask: np.ndarray, spacing: Sequence[float] | None = None
) -> np.ndarray:
  """Distance of each pixel to the border, on the host; below 0 in the mask.

  Outside it is the distance to the nearest pixel of the mask; inside minus that
  to the nearest pixel outside, plus 1: both are 0 at the border's two sides.

  >>> signed_distance(np.array([False, False, True, True])).tolist()
  [2.0, 1.0, 0.0, -1.0]

  Args:
    mask: Reference of one structure and case, bool, 2D or 3D.
    spacing: Of the array's axes, mm or any unit; None is 1. The 1 that is added
      inside is one unit.

  Returns:
    float32 of the mask's shape; 0 throughout if the mask is empty or full.
  """
  from scipy import ndimage  # The losses themselves need JAX alone.

  inside = np.asarray(mask, np.bool_)
  if not inside.any() or inside.all():
    return np.zeros(inside.shape, np.float32)
  step = None if spacing is None else tuple(float(s) for s in spacing)
  outer = ndimage.distance_transform_edt(~inside, sampling=step)
  inner = ndimage.distance_transform_edt(inside, sampling=step)
  return np.where(inside, 1 - inner, outer).astype(np.float32)
