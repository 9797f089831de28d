"""Fills polygons: the voxel centres in their closed even-odd region."""

from collections.abc import Sequence

import numpy as np

from jaxseg import _arrays as arrays
from jaxseg import errors
from jaxseg.contours import _rings

# A centre this near to an edge lies on it. Contours are stored as decimals, so
# a border drawn through centres misses them by rounding; a wider margin would
# include neighbours that the contour leaves out on purpose.
BORDER_PIXELS = 1e-6
_COMBINE = ("even-odd", "union")


def rasterize(
  polygons: Sequence[np.ndarray],
  shape: tuple[int, int, int],
  affine: np.ndarray,
  *,
  combine: str = "even-odd",
) -> np.ndarray:
  """The mask of polygons that lie in the slices of a grid.

  A voxel is inside if its centre lies in the closed even-odd region of its
  slice's polygons: a polygon within a polygon is a hole, and borders are
  inside, including those of holes. The result depends neither on the order,
  start and direction of the points nor on mirroring.

  Args:
    polygons: Points `[P, 3]` each, patient LPS, mm, at least one point, all in
      one plane parallel to the slices.
    shape: Numbers of slices, rows, columns.
    affine: float64 `[4, 4]`, index (slice, row, column, 1) to LPS mm.
    combine: "even-odd", or "union": each polygon is filled by itself, and a
      voxel inside any of them is inside.

  Returns:
    Bool `[slice, row, column]`. A polygon belongs to the nearest slice, the
    lower one if two are equally near; beyond half a spacing, to none.

  Raises:
    GeometryError: A polygon is not planar, or not parallel to the slices; or
      the affine is not finite, or singular.
    DataError: A polygon is not `[P, 3]` or has a coordinate that is not finite.
  """
  affine = arrays.affine(affine)
  indexed = _to_index(polygons, affine)
  across = np.cross(affine[:3, 1], affine[:3, 2])
  slice_mm = abs(affine[:3, 0] @ across) / np.linalg.norm(across)
  # In index coordinates slices lie along the first axis.
  middle, low, high = _rings.levels(indexed, np.zeros(3), np.eye(3)[0])
  spread = (high - low) * slice_mm
  for number in np.flatnonzero(spread > _rings.PLANAR_MM)[:1]:
    raise errors.GeometryError(
      f"polygon {number}: its points are {spread[number]:.3g} mm apart across"
      " the slices; give polygons that lie in one slice"
    )
  slices = np.ceil(middle - 0.5 - 1e-6).astype(np.int64)
  found = np.flatnonzero((slices >= 0) & (slices < shape[0]))
  rings = [indexed[k][:, 1:] for k in found]
  return fill(rings, slices[found], shape, combine=combine)


def _to_index(
  polygons: Sequence[np.ndarray], affine: np.ndarray
) -> list[np.ndarray]:
  """Polygons in index coordinates (slice, row, column), float64 `[P, 3]`."""
  inverse = np.linalg.inv(affine)
  result = []
  for number, polygon in enumerate(polygons):
    (given,) = arrays.native(**{f"polygon {number}": polygon})
    points = np.asarray(given, np.float64)
    if points.ndim != 2 or points.shape[1] != 3 or not len(points):
      raise errors.DataError(
        f"polygon {number}: has shape {points.shape}; give points [P, 3]"
      )
    if not np.isfinite(points).all():
      raise errors.DataError(
        f"polygon {number}: a coordinate is not finite; leave it out"
      )
    result.append(points @ inverse[:3, :3].T + inverse[:3, 3])
  return result


def fill(
  rings: Sequence[np.ndarray],
  slices: Sequence[int] | np.ndarray,
  shape: tuple[int, int, int],
  *,
  planes: Sequence[int] | np.ndarray | None = None,
  combine: str = "even-odd",
) -> np.ndarray:
  """The mask of rings in index coordinates; see `rasterize`.

  Args:
    rings: Polygons `[P, 2]`, (row, column); whole numbers are voxel centres.
    slices: Slice of each ring.
    shape: Numbers of slices, rows, columns.
    planes: A number for each ring: even-odd combines only rings of a slice with
      the same number, and the union of the results is taken. None combines all
      rings of a slice.
    combine: "even-odd" or "union".

  Returns:
    Bool `[slice, row, column]`.

  Raises:
    ConfigError: `combine` is neither.
  """
  if combine not in _COMBINE:
    raise errors.ConfigError(
      f"combine is {combine!r}; give one of {', '.join(_COMBINE)}"
    )
  mask = np.zeros(shape, np.bool_)
  if not len(rings):
    return mask
  slices = np.asarray(slices, np.int64)
  if combine == "union":
    planes = np.arange(len(rings))
  turn = np.zeros(len(rings), np.int64)
  if planes is not None:
    turn = _turns(slices, np.asarray(planes, np.int64))
  edges = _rings.edges(rings)
  for number in range(int(turn.max()) + 1):
    chosen = edges if planes is None else edges[turn[edges.ring] == number]
    _paint(mask, chosen, slices)
  return mask


def _turns(slices: np.ndarray, planes: np.ndarray) -> np.ndarray:
  """For each ring, the rank of its plane among those of its slice."""
  pairs, which = np.unique(
    np.stack([slices, planes], axis=1), axis=0, return_inverse=True
  )
  _, first, own = np.unique(pairs[:, 0], return_index=True, return_inverse=True)
  return (np.arange(len(pairs)) - first[own])[which.ravel()]


def _paint(mask: np.ndarray, edges: _rings.Edges, slices: np.ndarray) -> None:
  """Adds the even-odd region of edges, and its border, to a mask."""
  if not len(edges.ring):
    return
  rows, columns = mask.shape[1:]
  # Nothing is inside beyond this box, but edges left of or above it matter.
  box = [
    (max(0, int(np.floor(v.min())) - 1), min(n, int(np.ceil(v.max())) + 2))
    for v, n in ((edges.row, rows), (edges.column, columns))
  ]
  (top, bottom), (left, right) = box
  if top >= bottom or left >= right:
    return
  used = slices[edges.ring]
  low, high = int(used.min()), int(used.max()) + 1
  # Flips [row, slice, column]: each row is contiguous, and a voxel is inside
  # after an odd number of them. uint8 wraps at an even number.
  flips = np.zeros((bottom - top, high - low, right - left), np.uint8)
  moved = _rings.Edges(
    edges.ring,
    edges.row,
    edges.column - left,
    edges.row_end,
    edges.column_end - left,
  )
  for some in _rings.batches(moved, right - left):
    at, column, row = _rings.crossings(some, right - left)
    row = np.ceil(row).clip(top, bottom).astype(np.int64) - top
    inside = row < bottom - top
    owner = slices[some.ring[at[inside]]] - low
    place = np.ravel_multi_index(
      (row[inside], owner, column[inside]), flips.shape
    )
    np.add.at(flips.reshape(-1), place, np.uint8(1))
  region = mask[low:high, top:bottom, left:right].view(np.uint8)
  state = np.zeros(flips.shape[1:], np.uint8)
  odd = np.empty_like(state)
  for index, flip in enumerate(flips):
    np.add(state, flip, out=state)
    np.bitwise_and(state, np.uint8(1), out=odd)
    np.bitwise_or(region[:, index], odd, out=region[:, index])
  ring, row, column = _rings.touched(
    edges, (rows, columns), within=BORDER_PIXELS
  )
  mask[slices[ring], row, column] = True
