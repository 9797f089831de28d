"""Boundary loss: probabilities weighted by their distance to the border."""

from collections.abc import Sequence
import math

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
    Loss, float32 (float64 of float64 logits), like `logits`; 0 at pixels that
    do not count.

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
  d = jnp.where(keep, distances, 0).astype(p.dtype)
  return jnp.where(keep, p * d, 0)


def signed_distance(
  mask: np.ndarray, spacing: Sequence[float] | None = None
) -> np.ndarray:
  """Signed distance to the border of a mask, on the host.

  Outside it is the distance to the nearest pixel of the mask. Inside it is 1
  less that to the nearest pixel outside, so 0 or below for a spacing of 1: of
  pixels that are smaller, those next to the border are above 0.

  >>> signed_distance(np.array([False, False, True, True])).tolist()
  [2.0, 1.0, 0.0, -1.0]

  Args:
    mask: Reference of one structure and case, bool, 2D or 3D (or one
      line); call it for each case and class of a batch.
    spacing: Of the array's axes, mm or any unit; None is 1. The 1 that is added
      inside is one unit.

  Returns:
    float32 of the mask's shape; 0 throughout if the mask is empty or full.

  Raises:
    TypeError: The mask is not boolean.
    ValueError: It has more than 3 axes, or the spacing does not fit.

  References:
    Kervadec et al., Boundary loss for highly unbalanced segmentation,
    arXiv:1812.07032.
  """
  from scipy import ndimage  # The losses themselves need JAX alone.

  checks.boolean(mask=mask)
  inside = np.asarray(mask)
  if not 1 <= inside.ndim <= 3:
    raise ValueError(
      f"mask has {inside.ndim} axes; give one case of one structure, 2D or 3D"
    )
  if spacing is not None and (
    np.shape(spacing) != (inside.ndim,)
    or not all(0 < s < math.inf for s in spacing)
  ):
    raise ValueError(
      f"spacing {spacing} does not fit a mask of {inside.ndim} axes;"
      " give one number above 0 per axis"
    )
  if not inside.any() or inside.all():
    return np.zeros(inside.shape, np.float32)
  step = None if spacing is None else tuple(float(s) for s in spacing)
  outer = ndimage.distance_transform_edt(~inside, sampling=step)
  inner = ndimage.distance_transform_edt(inside, sampling=step)
  return np.where(inside, 1 - inner, outer).astype(np.float32)
