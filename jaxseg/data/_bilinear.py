"""Rows and columns interpolated linearly, slice by slice, to ITK's numbers.

`volume.resample` gives the very same for a grid whose slices stay where they
are. It needs SimpleITK for it, which takes 90 MiB before it does anything, and
computes eight corners of a voxel where four are enough.
"""

from collections.abc import Sequence

import numpy as np


def bilinear(
  array: np.ndarray,
  size: Sequence[int],
  *,
  origin: Sequence[float],
  step: Sequence[float],
  own: tuple[Sequence[float], Sequence[float]],
  fill: float,
) -> np.ndarray:
  """Interpolates each slice at the points of another grid of the plane.

  Args:
    array: Numbers `[slice, row, column]`.
    size: Rows and columns of the other grid.
    origin: Where its point (0, 0) lies.
    step: From one of its points to the next, along rows and columns.
    own: Where the array's own voxel (0, 0) lies, and its steps.
    fill: Value of points more than half a voxel beyond the outermost centres.

  Returns:
    float32 `[slice, *size]`.
  """
  index = []
  for n, at, by, own_at, own_by in zip(size, origin, step, *own, strict=True):
    # Of an affine, a step is the length of an axis: not to the last bit itself.
    by, own_by = np.sqrt(by * by), np.sqrt(own_by * own_by)
    index.append((at + np.arange(n + 1) * by - own_at) * (1 / own_by))
  # ITK finds where a row begins and would go on, and divides what is between.
  first, last, n = index[1][0], index[1][-1], size[1]
  index = [index[0][:-1], first + np.arange(n) / n * (last - first)]
  top, low, rows = _places(index[0], array.shape[1])
  left, right, columns = _places(index[1], array.shape[2])
  inside = np.isfinite(rows)[:, None] & np.isfinite(columns)
  result = np.empty((len(array), *size), np.float32)
  used, place = np.unique(np.concatenate([top, low]), return_inverse=True)
  top, low = place[: len(top)], place[len(top) :]
  for given, found in zip(array, result, strict=True):
    # Columns first, as ITK does: sums in float64 depend on their order.
    values = given[used].astype(np.float32).astype(np.float64)
    near = values[:, left]
    across = values[:, right]
    across -= near
    across *= columns
    across += near
    near = across[top]
    values = across[low]
    values -= near
    values *= rows[:, None]
    values += near
    found[...] = values
    found[~inside] = fill
  return result


def _places(
  index: np.ndarray, length: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
  """Of each point the voxels before and behind, and how far it is, 0 to 1.

  How far is NaN for points beyond.
  """
  before = np.clip(np.floor(index), 0, length - 1)
  far = np.clip(index - before, 0.0, 1.0)
  far[(index < -0.5) | (index >= length - 0.5)] = np.nan
  before = before.astype(np.intp)
  return before, np.minimum(before + 1, length - 1), far
