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
  """Distances in mm, float64.

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

  @property
  def masd(self) -> float:
    """`mean_average_surface_distance` by the name other tools give it."""
    return self.mean_average_surface_distance


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

  Returns:
    Four distances in mm, symmetric in the two masks but for "skip".

  Raises:
    ConfigError: The policy is unknown.
    TypeError: A mask is not boolean.
    ValueError: Shapes differ, or `spacing` or `percentile` cannot be.

  References:
    Maier-Hein et al., Metrics Reloaded, arXiv:2206.01653.
  """
  checks.boolean(prediction=prediction, reference=reference)
  checks.same_shape(prediction=prediction, reference=reference)
  outcome = _empty.outcomes(empty, best=0.0, worst=math.inf)
  a, b = np.asarray(prediction), np.asarray(reference)
  mm = _millimetres(spacing, a.ndim)
  if not 0 <= percentile <= 100:
    raise ValueError(
      f"percentile {percentile} is not in [0, 100]; give one such as 95"
    )
  in_a, in_b = a.any(), b.any()
  # SciPy measures from a voxel that is not there if nothing is background.
  if not in_a or not in_b:
    value = outcome.hallucinated if in_a else outcome.missed
    return SurfaceDistances(*[value if in_a or in_b else outcome.both] * 4)
  a, b = _boxed(a, b)
  there, back = _directed(a, b, mm), _directed(b, a, mm)
  high = [np.percentile(d, percentile) for d in (there, back)]
  return SurfaceDistances(
    hausdorff=float(max(there.max(), back.max())),
    hausdorff_percentile=float(max(high)),
    average_symmetric_surface_distance=float(
      np.concatenate([there, back]).mean()
    ),
    mean_average_surface_distance=float(0.5 * (there.mean() + back.mean())),
  )


def _millimetres(spacing: Sequence[float], axes: int) -> list[float]:
  try:
    mm = [float(s) for s in spacing]
  except (TypeError, ValueError):  # Not a sequence, or not of numbers.
    mm = []
  if len(mm) != axes or not all(0 < s < math.inf for s in mm):
    said = " ".join(str(spacing).split())  # An array's text has lines.
    raise ValueError(
      f"spacing {said} mm does not fit masks of {axes} axes; give one"
      " number above 0 per axis, in the array's order"
    )
  return mm


def _boxed(a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
  """The masks within their common box and one voxel of background around."""
  union = a | b
  box = []
  for axis in range(union.ndim):
    others = tuple(k for k in range(union.ndim) if k != axis)
    used = np.flatnonzero(union.any(axis=others))
    box.append(slice(used[0], used[-1] + 1))
  return np.pad(a[tuple(box)], 1), np.pad(b[tuple(box)], 1)


def _directed(
  source: np.ndarray, target: np.ndarray, spacing: Sequence[float]
) -> np.ndarray:
  """Distance of each border voxel of `source` to the border of `target`."""
  near = ndimage.distance_transform_edt(~_border(target), sampling=spacing)
  return near[_border(source)]


def _border(mask: np.ndarray) -> np.ndarray:
  """Voxels with a face on the background; the array's end is background."""
  return mask & ~ndimage.binary_erosion(mask)
