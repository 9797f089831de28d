"""Boundary IoU: overlap of the masks' rims, where large masks still differ."""

import functools
from typing import Any

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike
import numpy as np
from scipy import ndimage

from jaxseg import _arrays as arrays
from jaxseg import _checks as checks
from jaxseg import errors
from jaxseg.metrics import _overlap
from jaxseg.metrics.surface import _axes
from jaxseg.metrics.surface import _definitions
from jaxseg.metrics.surface import _distance_transform

# Voxels that exceed the width only by rounding belong to the rim.
_MARGIN = 1 + 1e-6


def boundary_iou(
  prediction: ArrayLike,
  reference: ArrayLike,
  spacing: _axes.Spacing,
  width: float,
  *,
  empty: str = "nan",
  batch_axes: _axes.BatchAxes = None,
) -> jax.Array:
  """IoU of the two masks' rims: their voxels near the background.

  IoU grows with the size of a mask, since its inside is easy; this does not. A
  mask's rim is those of its voxels whose centre lies at most `width` from that
  of a voxel outside the mask; beyond the array everything is outside.

  >>> a, b = np.zeros((2, 7, 7), bool)
  >>> a[1:6, 1:6], b[1:6, 1:5] = True, True
  >>> float(boundary_iou(a, b, (1.0, 1.0), 1.0))
  0.5789473652839661

  Args:
    prediction: Mask, bool, `[row, column]` or `[slice, row, column]`, and a
      batch.
    reference: Mask, bool, same shape.
    spacing: Of the image's two or three axes, in their order, mm, > 0.
    width: mm, at least the smallest spacing, or a rim could be empty. The
      authors take 2 % of the image's diagonal.
    empty: Policy for empty masks: "nan", "perfect" or "skip".
    batch_axes: Axes that are none of an image's, as in `surface_report`.

  Returns:
    Score in [0, 1] or nan, float32, of the batch's shape.

  Raises:
    ConfigError: The policy is unknown, or the width is too small.
    TypeError: A mask is not boolean, or the spacing or the width is traced.
    ValueError: Shapes differ, or the axes or the spacing do not fit.

  References:
    Boundary IoU, arXiv:2103.16562.
  """
  given = arrays.native(prediction=prediction, reference=reference)
  checks.boolean(prediction=given[0], reference=given[1])
  checks.same_shape(prediction=given[0], reference=given[1])
  arrays.refuse_traced("close over a number", width=width)
  axes = np.ndim(given[0])
  batch = _axes.of_batch(axes, batch_axes)
  mm = _axes.millimetres(spacing, axes - len(batch))
  if not width * _MARGIN >= min(mm):
    raise errors.ConfigError(
      f"width {width} mm is below the spacing of {min(mm):g} mm; take a larger"
      " one"
    )
  one: Any = functools.partial(_rim, spacing=mm, width=float(width))
  if not checks.traced(*given):
    images = (_axes.in_front(np.asarray(mask), batch) for mask in given)
    rims = [_on_host(mask, len(batch), mm, float(width)) for mask in images]
  else:
    for _ in batch:
      one = jax.vmap(one)
    whole = (jnp.asarray(mask) for mask in arrays.gathered(*given))
    rims = [one(_axes.in_front(mask, batch)) for mask in whole]
  last = tuple(range(len(batch), axes))
  return _overlap.iou(*rims, axis=last, empty=empty)


def _on_host(
  masks: np.ndarray, batch: int, spacing: tuple[float, ...], width: float
) -> np.ndarray:
  """The rims of masks `[..., image]`, in the masks' own boxes."""
  rims = np.zeros(masks.shape, np.bool_)
  for place in np.ndindex(masks.shape[:batch]):
    mask = masks[place]
    if not mask.any():
      continue
    box = _definitions.box(mask, mask)
    padded = np.pad(mask[box], 1)
    depth = ndimage.distance_transform_edt(padded, sampling=spacing)
    inner = (slice(1, -1),) * mask.ndim
    rims[place][box] = mask[box] & (depth[inner] <= width * _MARGIN)
  return rims


def _rim(
  mask: jax.Array, *, spacing: tuple[float, ...], width: float
) -> jax.Array:
  padded = jnp.pad(~mask, 1, constant_values=True)
  squared = _distance_transform.squared_distances(padded, spacing)
  inner = squared[(slice(1, -1),) * mask.ndim]
  return mask & (inner <= jnp.float32((width * _MARGIN) ** 2))
