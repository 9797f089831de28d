"""Traces masks along voxel edges, such that filling gives them back."""

import numpy as np

from jaxseg import _arrays as arrays
from jaxseg import errors

# Bits of the four voxels around a corner of the voxel lattice.
_TOP_LEFT, _TOP_RIGHT, _BOTTOM_LEFT, _BOTTOM_RIGHT = 1, 2, 4, 8
_FALLING, _RISING = _TOP_LEFT | _BOTTOM_RIGHT, _TOP_RIGHT | _BOTTOM_LEFT


def trace(mask: np.ndarray, affine: np.ndarray) -> list[np.ndarray]:
  """Polygons along voxel edges whose rasterisation is the mask again.

  Args:
    mask: Bool `[slice, row, column]`.
    affine: float64 `[4, 4]`, index (slice, row, column, 1) to LPS mm.

  Returns:
    Points `[P, 3]` each, float64, mm, the first one not repeated; slices
    ascending. See `trace_slices` for direction and order.

  Raises:
    DataError: The mask is not bool, or not of three axes.
    GeometryError: The affine is not finite, or singular.
  """
  matrix = arrays.affine(affine)
  polygons = []
  for index, points, _ in trace_slices(mask):
    full = np.column_stack([np.full(len(points), float(index)), points])
    polygons.append(full @ matrix[:3, :3].T + matrix[:3, 3])
  return polygons


def trace_slices(mask: np.ndarray) -> list[tuple[int, np.ndarray, bool]]:
  """Borders of a mask in index coordinates.

  Seen with columns to the right and rows downwards, outer borders run
  counter-clockwise and borders of holes clockwise. Voxels that touch only at a
  corner are separate, and background that does is connected. Only corners are
  vertices. No point lies within half a pixel of a voxel's centre, so rounding
  to decimals cannot change what is inside.

  Args:
    mask: Bool `[slice, row, column]`.

  Returns:
    (slice, float64 `[P, 2]` of (row, column) at half-integers, is a hole),
    sorted by slice and then by the border's first corner, row by row.

  Raises:
    DataError: The mask is not bool, or not of three axes.
  """
  (given,) = arrays.native(mask=mask)
  mask = np.asarray(given)
  if mask.ndim != 3 or mask.dtype != np.bool_:
    raise errors.DataError(
      f"mask is {mask.dtype} of shape {mask.shape}; give bool"
      " [slice, row, column]"
    )
  if not mask.any():
    return []
  corners, following = _corners(mask)
  result = []
  for loop in loops(following):
    points = corners[loop]
    ring = points[:, 1:] - 0.5
    row, column = ring[:, 0], ring[:, 1]
    area = np.sum(row * np.roll(column, -1) - column * np.roll(row, -1))
    result.append((int(points[0, 0]), ring, bool(area < 0)))
  return result


def _corners(mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
  """Corners of all borders `[corner, 3]`, and the one that follows each."""
  box = bounds(mask)
  padded = np.pad(mask[box], ((0, 0), (1, 1), (1, 1))).view(np.uint8)
  code = (
    padded[:, :-1, :-1]
    | padded[:, :-1, 1:] << 1
    | padded[:, 1:, :-1] << 2
    | padded[:, 1:, 1:] << 3
  )
  turns = np.array([bin(k).count("1") % 2 for k in range(16)], np.uint8)
  turns[[_FALLING, _RISING]] = 2  # Two borders meet, and each turns back.
  flat = code.ravel()
  at = np.flatnonzero(turns[flat])
  at = np.repeat(at, turns[flat[at]])
  kind = flat[at]
  second = np.zeros(len(at), np.bool_)
  second[1:] = at[1:] == at[:-1]
  where = np.stack(np.unravel_index(at, code.shape), axis=1)
  # Along a row, corners alternately begin and end horizontal runs; of two in
  # one place the first ends a run and the second begins one.
  following = np.empty(len(at), np.int64)
  left, right = np.arange(0, len(at), 2), np.arange(1, len(at), 2)
  # A run begins at `left`; the voxel inside lies below it or above.
  below = kind[left] & _BOTTOM_RIGHT > 0
  following[np.where(below, right, left)] = np.where(below, left, right)
  # The same along columns. At a rising saddle the second corner is the upper.
  upper = np.where(kind == _RISING, ~second, second)
  order = np.lexsort((upper, where[:, 1], where[:, 2], where[:, 0]))
  top, bottom = order[0::2], order[1::2]
  inside_right = kind[top] & _BOTTOM_RIGHT > 0
  following[np.where(inside_right, top, bottom)] = np.where(
    inside_right, bottom, top
  )
  return where + np.array([part.start for part in box]), following


def bounds(mask: np.ndarray) -> tuple[slice, slice, slice]:
  """The smallest box that holds a mask that is not empty."""
  first, second, third = (
    np.flatnonzero(mask.any(axis)) for axis in ((1, 2), (0, 2), (0, 1))
  )
  return (
    slice(int(first[0]), int(first[-1]) + 1),
    slice(int(second[0]), int(second[-1]) + 1),
    slice(int(third[0]), int(third[-1]) + 1),
  )


def loops(following: np.ndarray) -> list[list[int]]:
  """The cycles of a permutation, each starting at its lowest index."""
  step, seen, loops = following.tolist(), bytearray(len(following)), []
  for start in range(len(step)):
    if seen[start]:
      continue
    loop, at = [], start
    while not seen[at]:
      seen[at] = 1
      loop.append(at)
      at = step[at]
    loops.append(loop)
  return loops
