"""Distances between the border voxels of two masks, exactly, on the host.

The family that other tools call Hausdorff distance by voxels: a border voxel
is one that an erosion by the face-connected cross takes away, it lies at its
centre, and each counts the same whatever the area of its faces.
"""

from collections.abc import Sequence
import math
from typing import NamedTuple

import numpy as np
from scipy import ndimage

from jaxseg import _checks as checks
from jaxseg.metrics import _empty


class SurfaceDistances(NamedTuple):
  """Distances in mm; inf if one mask is empty.

  Attributes:
    hausdorff: Larger of the two directed maxima.
    hausdorff_percentile: Larger of the two directed percentiles.
    average_symmetric_surface_distance: Mean of all distances of both borders.
    mean_average_surface_distance: Mean of the two directed means.
  """

  hausdorff: float
  hausdorff_percentile: float
  average_symmetric_surface_distance: float
  mean_average_surface_distance: float


def voxel_surface_distances(
  prediction: np.ndarray,
  reference: np.ndarray,
  spacing: Sequence[float],
  *,
  percentile: float = 95.0,
  empty: str = "nan",
) -> SurfaceDistances:
  """Surface distances of two masks by border voxels, float64.

  The work is done in the box of both masks, so it costs what the structure
  costs and not what the image does.

  >>> a, b = np.zeros((2, 1, 9), bool)
  >>> a[0, 2], b[0, 5] = True, True
  >>> voxel_surface_distances(a, b, (1.0, 2.0)).hausdorff
  6.0

  Args:
    prediction: Mask, bool, 2D or 3D.
    reference: Mask, bool, same shape.
    spacing: Of the array's axes, in their order, mm, > 0.
    percentile: Of the directed distances, in [0, 100], linear interpolation.
    empty: Both masks empty: "nan", or "perfect" for 0; "skip" is nan whenever
      the reference is empty. One mask empty is inf otherwise.

  Raises:
    ConfigError: The policy is unknown.
    TypeError: A mask is not boolean.
    ValueError: Shapes differ, or `spacing` or `percentile` cannot be.

  References:
    Maier-Hein et al., Metrics Reloaded, arXiv:2206.01653.
  """
  checks.boolean(prediction=prediction, reference=reference)
  checks.same_shape(prediction=prediction, reference=reference)
  _empty.check(empty)
  mm = [float(s) for s in spacing]
  if len(mm) != prediction.ndim or not all(0 < s < math.inf for s in mm):
    raise ValueError(
      f"spacing {mm} mm does not fit masks of {prediction.ndim} axes; give"
      " one number above 0 per axis, in the array's order"
    )
  if not 0 <= percentile <= 100:
    raise ValueError(f"percentile {percentile} is not in [0, 100]")
  found = prediction.any(), reference.any()
  if not all(found):
    undefined = not any(found) or (empty == "skip" and not found[1])
    best = 0.0 if empty == "perfect" else math.nan
    return SurfaceDistances(*[best if undefined else math.inf] * 4)
  a, b = _boxed(np.asarray(prediction), np.asarray(reference))
  there, back = _directed(a, b, mm), _directed(b, a, mm)
  return SurfaceDistances(
    float(max(there.max(), back.max())),
    float(
      max(np.percentile(there, percentile), np.percentile(back, percentile))
    ),
    float(np.concatenate([there, back]).mean()),
    float(0.5 * (there.mean() + back.mean())),
  )


def _boxed(*masks: np.ndarray) -> list[np.ndarray]:
  """The masks within their common box and one voxel of background around."""
  box = ndimage.find_objects((masks[0] | masks[1]).astype(np.uint8))[0]
  return [np.pad(mask[box], 1) for mask in masks]


def _directed(
  source: np.ndarray, target: np.ndarray, spacing: Sequence[float]
) -> np.ndarray:
  """Distance of each border voxel of `source` to the border of `target`."""
  near = ndimage.distance_transform_edt(~_border(target), sampling=spacing)
  return near[_border(source)]


def _border(mask: np.ndarray) -> np.ndarray:
  return mask & ~ndimage.binary_erosion(mask)
