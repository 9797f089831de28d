"""Distances from points of a lattice to the nearest of others, exactly.

Two contours of one organ lie a few voxels apart, so most nearest points are
found by looking at the neighbours in order of distance; a tree finds those
that are far. Distances come from whole differences of indices times the
spacing, so that equal distances are equal numbers, and a tolerance is either
met or not.
"""

from collections.abc import Iterator
import functools
import itertools
import math
from typing import NamedTuple

import numpy as np
from scipy import ndimage
from scipy import spatial

# Neighbours looked at before a tree is built: 128 looks cost about as much as
# one query of the tree.
_LOOKS = 128
# If at least one in so many places of the lattice is queried, a distance
# transform of all costs less than a tree, which is slow among many points that
# are equally far.
_CROWD = 32
# Points that walk together: what they find stays in the processor's cache.
_TOGETHER = 1 << 14
# Looks after which `to_cuts` decides whether to go on, and the most it takes.
_STRIDE = 128
_MOST_LOOKS = 8 * 1024


class Near(NamedTuple):
  """Distances of points to the nearest other.

  Attributes:
    rank: Index of each point's distance in `values`, integer `[point]`.
    values: The distances that may occur, float64 mm, ascending.
  """

  rank: np.ndarray
  values: np.ndarray

  @property
  def distances(self) -> np.ndarray:
    """float64 `[point]`, mm."""
    return self.values[self.rank]


class Points:
  """Points of a lattice, to be queried for the nearest.

  Args:
    points: int64 `[axis, point]`, indices >= 0; at least one.
    shape: Lengths of the lattice.
    spacing: mm, of the axes.
  """

  def __init__(
    self,
    points: np.ndarray,
    shape: tuple[int, ...],
    spacing: tuple[float, ...],
  ) -> None:
    self._points, self._shape = points, shape
    self._spacing = np.asarray(spacing, np.float64)[:, np.newaxis]
    self._looks = looks(spacing, _LOOKS)
    self._lattice = Padded(shape, self._looks.reach)
    self._there = np.zeros(self._lattice.size, np.bool_)
    self._there[self._lattice.flat(points)] = True

  def query(self, points: np.ndarray) -> Near:
    """Distance of each given point to the nearest of these.

    Args:
      points: int64 `[axis, point]`, indices within the lattice.
    """
    rank = np.empty(points.shape[1], np.uint16)
    at = self._lattice.flat(points)
    left = np.arange(points.shape[1])
    steps = self._looks.steps @ self._lattice.strides
    for step, place in zip(steps, self._looks.rank, strict=True):
      found = self._there.take(at + step)
      if not found.any():
        continue
      rank[left[found]] = place
      missing = np.flatnonzero(~found)
      at, left = at.take(missing), left.take(missing)
      if not len(at):
        return Near(rank, self._looks.values)
    return joined(rank, self._looks.values, left, self.far(points[:, left]))

  def far(self, points: np.ndarray) -> np.ndarray:
    """The same for points that are far away, float64 `[point]`, mm."""
    if points.shape[1] * _CROWD > math.prod(self._shape):
      nearest = self._all[(slice(None), *points)]
    else:
      _, index = self._tree.query((points * self._spacing).T)
      nearest = self._points[:, index]
    apart = (points - nearest) * self._spacing
    return np.sqrt((apart * apart).sum(axis=0))

  @property
  def _all(self) -> np.ndarray:
    """The point nearest to each place of the lattice, int32 `[axis, ...]`."""
    there = np.ones(self._shape, np.bool_)
    there[tuple(self._points)] = False
    found: np.ndarray = ndimage.distance_transform_edt(
      there,
      sampling=self._spacing[:, 0],
      return_distances=False,
      return_indices=True,
    )
    return found

  @functools.cached_property
  def _tree(self) -> spatial.cKDTree:
    # A perfectly balanced tree takes longer to build than it saves.
    return spatial.cKDTree(
      (self._points * self._spacing).T,
      balanced_tree=False,
      compact_nodes=False,
    )


def joined(
  rank: np.ndarray, values: np.ndarray, left: np.ndarray, far: np.ndarray
) -> Near:
  """Joins the ranks of points found by looking with the far ones' distances.

  Args:
    rank: Index into `values`, `[point]`; anything where not found.
    values: Distances that looking finds, ascending.
    left: Points that were not found.
    far: Their distances.
  """
  # Looking stops early, so that far distances may lie between its values.
  together, place = np.unique(
    np.concatenate([values, far]), return_inverse=True
  )
  found = rank.copy()
  found[left] = 0
  result = place[: len(values)].take(found)
  result[left] = place[len(values) :]
  return Near(result, together)


class Padded:
  """A lattice with a margin, so that no look falls outside it.

  Args:
    shape: Lengths of the lattice.
    reach: Width of the margin along each axis.
  """

  def __init__(self, shape: tuple[int, ...], reach: np.ndarray) -> None:
    self.shape = np.asarray(shape) + 2 * reach
    self.size = int(self.shape.prod())
    self.strides = np.append(np.cumprod(self.shape[:0:-1])[::-1], 1)
    self._start = int(reach @ self.strides)

  def flat(self, points: np.ndarray) -> np.ndarray:
    """Positions of points `[axis, point]` in the flat array."""
    flat = points[-1] + self._start
    for axis, stride in enumerate(self.strides[:-1]):
      flat += points[axis] * stride
    return flat


class Looks(NamedTuple):
  """Steps to neighbours, the nearest first; all or none of one length.

  Attributes:
    steps: int64 `[look, axis]`; the first one is zero.
    rank: Index of each step's length in `values`.
    values: Lengths, float64 mm, ascending, all different.
    reach: Longest step along each axis.
  """

  steps: np.ndarray
  rank: np.ndarray
  values: np.ndarray
  reach: np.ndarray


@functools.lru_cache(maxsize=64)
def looks(spacing: tuple[float, ...], count: int) -> Looks:
  """As many steps as asked for, or a few more."""
  for radius in _radii(spacing):
    steps = _within(spacing, radius)
    if len(steps) >= count:
      break
  scale = np.asarray(spacing, np.float64)
  apart = np.sqrt(((steps * scale) ** 2).sum(axis=1))
  order = np.argsort(apart, kind="stable")
  order = order[apart[order] <= apart[order[count - 1]]]
  steps, apart = steps[order], apart[order]
  values, rank = np.unique(apart, return_inverse=True)
  return Looks(steps, rank, values, np.abs(steps).max(axis=0))


def _radii(spacing: tuple[float, ...]) -> Iterator[float]:
  return (min(spacing) * 1.25**k for k in itertools.count())


def _within(spacing: tuple[float, ...], radius: float) -> np.ndarray:
  """All steps up to a length, int64 `[step, axis]`."""
  reach = [int(radius / s) for s in spacing]
  axes = [np.arange(-r, r + 1) for r in reach]
  steps = np.stack(np.meshgrid(*axes, indexing="ij"), -1)
  steps = steps.reshape(-1, len(spacing))
  far = ((steps * np.asarray(spacing)) ** 2).sum(axis=1)
  return steps[far <= radius * radius]


def to_cuts(
  points: np.ndarray,
  low: np.ndarray,
  high: np.ndarray,
  cuts: int,
  spacing: tuple[float, ...],
) -> tuple[np.ndarray, np.ndarray]:
  """Distance of each point to the surface of a map at every cut.

  A corner of the lattice has voxels around it: `low` is the number of cuts the
  lowest of them reaches, `high` the highest. At cut j the corner is inside the
  shape if low > j, outside if high <= j, else on the surface. A point inside is
  as far from the surface as from the nearest corner that is not inside: one
  step before that corner lies inside too, and is its neighbour. So a single
  walk over the neighbours, the nearest first, that keeps the smallest `low` and
  the largest `high` met so far, gives the distance at all cuts.

  Args:
    points: int64 `[axis, point]`, indices within the lattice.
    low: uint8 or uint16 on the lattice; 0 beyond it.
    high: Of the same shape and dtype.
    cuts: Number of cuts.
    spacing: mm, of the axes.

  Returns:
    uint16 `[cut, point]`, index of the distance, or the number of distances
    where the walk ended before; and the distances, float64 mm, ascending.
  """
  to_look = looks(spacing, min(_MOST_LOOKS, math.prod(low.shape)))
  lattice = Padded(low.shape, to_look.reach)
  inner = tuple(
    slice(r, r + n) for r, n in zip(to_look.reach, low.shape, strict=True)
  )
  lows, highs = (np.zeros(lattice.shape, v.dtype) for v in (low, high))
  lows[inner], highs[inner] = low, high
  steps = to_look.steps @ lattice.strides
  rank = np.empty((cuts, points.shape[1]), np.uint16)
  for start in range(0, points.shape[1], _TOGETHER):
    group = slice(start, start + _TOGETHER)
    at = lattice.flat(points[:, group])
    rank[:, group] = _walk(
      at, lows.ravel(), highs.ravel(), steps, to_look, cuts
    )
  return rank, to_look.values


def _walk(
  at: np.ndarray,
  low: np.ndarray,
  high: np.ndarray,
  steps: np.ndarray,
  to_look: Looks,
  cuts: int,
) -> np.ndarray:
  """Ranks `[cut, point]` of points at positions of the padded lattice."""
  none = len(to_look.values)
  # The rank at which each `low` (row) and `high` was first met.
  inward = np.full((cuts + 1, len(at)), none, np.uint16)
  outward = np.full((cuts + 1, len(at)), none, np.uint16)
  column = np.arange(len(at))
  least, most = low.take(at), high.take(at)
  inward[least, column] = outward[most, column] = 0
  found = 0
  for look in range(1, len(steps)):
    near = at + steps[look]
    for field, best, better, rows in (
      (low, least, np.less, inward),
      (high, most, np.greater, outward),
    ):
      met = field.take(near)
      new = np.flatnonzero(better(met, best))
      if len(new):
        values = met[new]
        found += int(np.abs(values.astype(np.int64) - best[new]).sum())
        best[new] = values
        rows[values, column[new]] = to_look.rank[look]
    if look % _STRIDE == 0:
      # 64 looks cost as much as a tree's query for one point and cut.
      if found * 64 < len(at):
        break
      found = 0
  # A lower `low` than needed, or a higher `high`, serves as well.
  np.minimum.accumulate(inward, axis=0, out=inward)
  np.minimum.accumulate(outward[::-1], axis=0, out=outward[::-1])
  # From inside: the first low <= cut. From outside: the first high > cut.
  return np.maximum(inward[:-1], outward[1:])
