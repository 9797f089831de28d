"""Arrays from one grid to another: exactly where voxels coincide."""

import numpy as np
from scipy import ndimage

from jaxseg import volume as volumes
from jaxseg.dicom import _grid

# Two voxels coincide if their centres are this near, in voxels.
_SAME = 0.02


def copy(
  array: np.ndarray, source: _grid.Grid, target: _grid.Grid
) -> np.ndarray | None:
  """Copies voxels whose centres coincide; None where they do not.

  The grids may be shifted by whole voxels, cropped, and have axes that are
  exchanged or run the other way.

  Args:
    array: `[slice, row, column]` on the source grid.
    source: Where it lies.
    target: Where it shall lie.

  Returns:
    The same dtype on the target grid, 0 where the source has no voxel.
  """
  if source.is_even and target.is_even:
    copied = _copy_lattice(array, source, target)
    if copied is not None:
      return copied
  return _copy_slices(array, source, target)


def _copy_slices(
  array: np.ndarray, source: _grid.Grid, target: _grid.Grid
) -> np.ndarray | None:
  steps = (source.row_step, source.column_step)
  others = (target.row_step, target.column_step)
  if source.shape[1:] != target.shape[1:] or not np.allclose(
    steps, others, rtol=0, atol=1e-4
  ):
    return None
  result = np.zeros(target.shape, array.dtype)
  taken = set()
  for index in np.flatnonzero(array.any(axis=(1, 2))).tolist():
    apart = np.linalg.norm(target.positions - source.positions[index], axis=1)
    place = int(apart.argmin())
    # Two slices of a finer grid may lie by one of the target's.
    if apart[place] > _SAME * target.gap or place in taken:
      return None
    taken.add(place)
    result[place] = array[index]
  return result


def _copy_lattice(
  array: np.ndarray, source: _grid.Grid, target: _grid.Grid
) -> np.ndarray | None:
  # Target index of source index i: turn @ i + shift.
  to_target = np.linalg.inv(target.affine) @ source.affine
  if len(source.positions) == 1:
    # Where a single slice's neighbours would lie is not known: its normal is
    # not the way from slice to slice of a target that is sheared.
    step = int(np.abs(to_target[:3, 1:3]).max(axis=1).argmin())
    to_target[:3, 0] = np.sign(to_target[step, 0]) * np.eye(3)[step]
  turn, shift = np.rint(to_target[:3, :3]), to_target[:3, 3]
  once = np.abs(turn)
  if not ((once.sum(0) == 1).all() and (once.sum(1) == 1).all()):
    return None
  far = np.array(source.shape) - 1
  drift = np.abs(to_target[:3, :3] - turn) @ far
  off = np.abs(shift - np.rint(shift))
  if (drift + off > 2 * _SAME).any():
    return None
  start = np.rint(shift).astype(np.int64)
  axes = once.argmax(axis=1)  # Source axis that runs along each target axis.
  signs = turn[np.arange(3), axes].astype(np.int64)
  moved = array.transpose(axes)
  result = np.zeros(target.shape, array.dtype)
  take, put = [], []
  for axis in range(3):
    at = start[axis] + signs[axis] * np.arange(moved.shape[axis])
    inside = (at >= 0) & (at < target.shape[axis])
    take.append(np.flatnonzero(inside))
    put.append(at[inside])
  result[np.ix_(*put)] = moved[np.ix_(*take)]
  return result


def resample(
  array: np.ndarray, source: _grid.Grid, target: _grid.Grid
) -> np.ndarray:
  """Nearest voxel for masks, linear interpolation for other arrays.

  Raises:
    GeometryError: The slices of a grid are not evenly spaced.
  """
  if array.dtype != np.bool_:
    moved = volumes.resample(
      volumes.Volume(array, source.affine), target.shape, target.affine
    )
    return moved.array
  to_source = np.linalg.inv(source.affine) @ target.affine
  near = ndimage.affine_transform(
    array.view(np.uint8), to_source[:3, :3], to_source[:3, 3],
    output_shape=target.shape, order=0, mode="grid-constant", cval=0,
  )  # fmt: skip
  return near.astype(np.bool_)
