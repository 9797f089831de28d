"""Isolines of a probability map, with vertices between voxel centres."""

import numpy as np

from jaxseg import _arrays as arrays
from jaxseg import _probabilities
from jaxseg import errors
from jaxseg.contours import _trace

# The four voxels of a cell are bits of its code, as in `_trace`; a line enters
# and leaves a cell by its sides.
_TOP, _BOTTOM, _LEFT, _RIGHT = range(4)
_SIDES_OF = {
  1: (_TOP, _LEFT),
  2: (_TOP, _RIGHT),
  4: (_BOTTOM, _LEFT),
  8: (_BOTTOM, _RIGHT),
}
# Lines keep this distance, in pixels, from centres below the threshold: within
# 1e-6, a centre would count as lying on the border, and thus inside.
_APART = 2e-6


def isolines(
  probabilities: np.ndarray, threshold: float, affine: np.ndarray
) -> list[np.ndarray]:
  """Lines on which a linearly interpolated map equals a threshold.

  `rasterize` turns them back into `p >= threshold`, in float32, for every map.
  Beyond the volume the map is 0, so that all lines close. Where only diagonal
  voxels of a cell are inside, they stay separate.

  Args:
    probabilities: float `[slice, row, column]` in [0, 1]; taken as float32.
    threshold: Above 0, at most 1.
    affine: float64 `[4, 4]`, index (slice, row, column, 1) to LPS mm.

  Returns:
    Points `[P, 3]` each, float64, mm, the first one not repeated; slices
    ascending. Seen with rows downwards, outer lines run counter-clockwise. A
    voxel of exactly the threshold among lower ones is a single point.

  Raises:
    DataError: The map is not of three axes, or a value is not in [0, 1].
    ConfigError: The threshold is not in (0, 1].
    GeometryError: The affine is not finite, or singular.
  """
  values = _checked(probabilities)
  matrix = arrays.affine(affine)
  cut = np.float32(threshold)
  if not 0 < cut <= 1:
    raise errors.ConfigError(f"threshold is {threshold}; give one in (0, 1]")
  mask = values >= cut
  if not mask.any():
    return []
  box = _wider(_trace.bounds(mask), values.shape)
  # A margin of zeros: lines may leave the volume by up to a pixel.
  padded = np.pad(values[box], ((0, 0), (1, 1), (1, 1)))
  points, following = _vertices(padded, float(cut))
  corner = np.array([part.start for part in box], np.float64) - (0, 1, 1)
  lines = []
  for loop in _trace.loops(following):
    line = points[loop]
    fresh = (line != np.roll(line, 1, axis=0)).any(axis=1)
    line = (line[fresh] if fresh.any() else line[:1]) + corner
    lines.append(line @ matrix[:3, :3].T + matrix[:3, 3])
  return lines


def _checked(probabilities: np.ndarray) -> np.ndarray:
  (given,) = arrays.native(probabilities=probabilities)
  values = np.asarray(given, np.float32)
  if values.ndim != 3:
    raise errors.DataError(
      f"map has shape {values.shape}; give [slice, row, column]"
    )
  bad = ~_probabilities.within(values)
  if bad.any():
    at = tuple(int(k) for k in np.argwhere(bad)[0])
    raise errors.DataError(
      f"map has {values[at]} at [slice, row, column] {list(at)}; give"
      " probabilities in [0, 1]"
    )
  return values


def _wider(
  box: tuple[slice, slice, slice], shape: tuple[int, ...]
) -> tuple[slice, slice, slice]:
  """One row and column more on each side, where there are any."""
  slices, rows, columns = box
  return (
    slices,
    slice(max(rows.start - 1, 0), min(rows.stop + 1, shape[1])),
    slice(max(columns.start - 1, 0), min(columns.stop + 1, shape[2])),
  )


def _vertices(values: np.ndarray, cut: float) -> tuple[np.ndarray, np.ndarray]:
  """Vertices `[vertex, 3]` in index coordinates, and the one after each.

  A vertex lies between two neighbouring centres of which one is inside; the
  line runs through it with the inside on its left.
  """
  inside = values >= np.float32(cut)
  shape = values.shape
  across = np.flatnonzero(_differs(inside, axis=2))  # Between columns,
  down = np.flatnonzero(_differs(inside, axis=1))  # and between rows.
  size = values.size
  keys = np.concatenate([across, down + size])
  first = np.concatenate([across, down])
  step = np.repeat([1, shape[2]], [len(across), len(down)])
  flat, flat_inside = values.ravel(), inside.ravel()
  starts_inside = flat_inside[first]
  a = flat[first].astype(np.float64)
  b = flat[first + step].astype(np.float64)
  high, low = np.where(starts_inside, a, b), np.where(starts_inside, b, a)
  share = np.minimum((high - cut) / (high - low), 1 - _APART)
  share = np.where(starts_inside, share, 1 - share)
  points = np.stack(np.unravel_index(first, shape), axis=1).astype(np.float64)
  horizontal = np.arange(len(keys)) < len(across)
  points[:, 2] += np.where(horizontal, share, 0)
  points[:, 1] += np.where(horizontal, 0, share)
  # The cell ahead, by its first voxel, and the side by which it is entered.
  row = shape[2]
  cell = np.where(
    horizontal,
    np.where(starts_inside, first - row, first),
    np.where(starts_inside, first, first - 1),
  )
  entered = np.where(
    horizontal,
    np.where(starts_inside, _BOTTOM, _TOP),
    np.where(starts_inside, _LEFT, _RIGHT),
  )
  bits = [flat_inside[cell + k].astype(np.int64) for k in (0, 1, row, row + 1)]
  code = bits[0] + 2 * bits[1] + 4 * bits[2] + 8 * bits[3]
  left = _EXIT[code, entered]
  target = cell + np.array([0, row, 0, 1])[left]
  target += np.where((left == _LEFT) | (left == _RIGHT), size, 0)
  return points, np.searchsorted(keys, target)


def _differs(inside: np.ndarray, *, axis: int) -> np.ndarray:
  """Whether a voxel and the next one along an axis differ."""
  result = np.zeros(inside.shape, np.bool_)
  head = [slice(None)] * 3
  tail = [slice(None)] * 3
  head[axis], tail[axis] = slice(None, -1), slice(1, None)
  result[tuple(head)] = inside[tuple(head)] != inside[tuple(tail)]
  return result


def _exits() -> np.ndarray:
  """The side by which a line leaves a cell, `[code, side entered]`, or -1."""
  table = np.full((16, 4), -1, np.int64)
  for code in range(1, 15):
    if code in (6, 9):  # The voxels of the diagonal are separate.
      pairs = [_SIDES_OF[bit] for bit in _SIDES_OF if code & bit]
    else:
      corners = [k for k, bit in enumerate((1, 2, 4, 8)) if code & bit]
      ends = {_TOP: (0, 1), _BOTTOM: (2, 3), _LEFT: (0, 2), _RIGHT: (1, 3)}
      crossed = [
        side
        for side, (a, b) in ends.items()
        if (a in corners) != (b in corners)
      ]
      pairs = [(crossed[0], crossed[1])]
    for one, other in pairs:
      table[code, one], table[code, other] = other, one
  return table


_EXIT = _exits()
