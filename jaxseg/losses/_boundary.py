"""Boundary loss: probabilities weighted by their distance to the border."""

from collections.abc import Sequence
import math

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike
import numpy as np

from jaxseg import _arrays as arrays
from jaxseg import _checks as checks
from jaxseg.losses import _inputs
from jaxseg.losses import _mesh


def boundary(
  logits: ArrayLike,
  distances: ArrayLike,
  *,
  where: ArrayLike | None = None,
  activation: str = "sigmoid",
) -> jax.Array:
  """Boundary loss of each pixel: p times the signed distance to the border.

  It can be negative. Carries no shape information far from the border: add a
  region loss. Compute the distances once, by `signed_distance`.

  >>> float(boundary(jnp.zeros(1), jnp.array([3.0]))[0])
  1.5

  Args:
    logits: Network output, float, any shape; `activation` is inside.
    distances: Signed distance, < 0 in the structure, same shape.
    where: Pixels that count, bool, broadcastable to `distances`; None is all.
    activation: "sigmoid", "softmax" over the last axis, or "none" if `logits`
      are probabilities.

  Returns:
    Loss, float32 (float64 for float64 logits), like `logits`; 0 at pixels that
    do not count.

  Raises:
    ConfigError: The activation is unknown.
    TypeError: `logits` is not floating point, `where` is not boolean,
      `distances` is boolean, or an array is masked.
    ValueError: Shapes differ, `where` does not broadcast, or a softmax is of
      one class.

  References:
    Kervadec et al., Boundary loss for highly unbalanced segmentation,
    arXiv:1812.07032.
  """
  logits, distances, where = arrays.native(
    logits=logits, distances=distances, where=where
  )
  logits, distances = _inputs.widened(logits), _inputs.widened(distances)
  checks.floating(logits=logits)
  if jnp.asarray(distances).dtype == jnp.bool_:
    raise TypeError(
      "distances have dtype bool, as labels have; give signed_distance of them"
    )
  _inputs.check_activation(activation, logits)
  checks.same_shape(logits=logits, distances=distances)
  keep = _inputs.kept(where, np.shape(distances))
  if keep is not True:
    keep = _mesh.like(keep, logits)
  distances = _mesh.like(distances, logits)
  p = _inputs.probabilities(logits, activation, keep)
  d = jnp.where(keep, distances, 0).astype(p.dtype)
  return jnp.where(keep, p * d, 0)


def signed_distance(
  mask: ArrayLike, spacing: Sequence[float] | ArrayLike | None = None
) -> np.ndarray:
  """Signed distance of each pixel to the border of a mask, on the host.

  Outside it is the distance d to the nearest pixel of the mask, inside 1 - d to
  the nearest pixel outside, as the paper's code has it, where 1 is one pixel.
  So inside it is 0 or below if no spacing is below 1. With smaller pixels it is
  above 0 next to the border, and the loss would shrink the structure: divide
  the spacing by its smallest number, (3, 0.5, 0.5) mm to (6, 1, 1).

  >>> signed_distance(np.array([False, False, True, True])).tolist()
  [2.0, 1.0, 0.0, -1.0]

  Args:
    mask: Reference of one structure and case, bool, 2D or 3D (or a single
      line); call it for each case and class of a batch.
    spacing: Of the array's axes, in mm or, better, in smallest pixels; None is
      1. The 1 inside is in the same unit.

  Returns:
    float32 of the mask's shape; 0 everywhere if the mask is empty or full.

  Raises:
    TypeError: The mask is not boolean, or masked; or it or the spacing is
      traced.
    ValueError: It has more than 3 axes, or the spacing does not fit.

  References:
    Kervadec et al., Boundary loss for highly unbalanced segmentation,
    arXiv:1812.07032.
  """
  from scipy import ndimage  # The losses themselves need JAX alone.

  if checks.traced(mask, spacing):
    raise TypeError(
      "signed_distance works on the host, and mask or spacing is traced; give"
      " the compiled function the distances"
    )
  inside = np.asarray(arrays.native(mask=mask)[0])
  checks.boolean(mask=inside)
  if not 1 <= inside.ndim <= 3:
    raise ValueError(
      f"mask has {inside.ndim} axes; give one case of one structure, 2D or 3D"
    )
  if spacing is not None and (
    np.shape(spacing) != (inside.ndim,)
    or not all(0 < s < math.inf for s in np.asarray(spacing))
  ):
    raise ValueError(
      f"spacing {spacing} does not fit a mask of {inside.ndim} axes;"
      " give one number above 0 per axis"
    )
  if not inside.any() or inside.all():
    return np.zeros(inside.shape, np.float32)
  step = (
    None if spacing is None else tuple(float(s) for s in np.asarray(spacing))
  )
  outer = ndimage.distance_transform_edt(~inside, sampling=step)
  inner = ndimage.distance_transform_edt(inside, sampling=step)
  return np.asarray(np.where(inside, 1 - inner, outer), np.float32)
