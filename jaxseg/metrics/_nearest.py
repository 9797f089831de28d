"""From points of a lattice to the nearest of a set of its points, exactly.

Two contours of one organ lie a few voxels apart, so most nearest points are
found by looking at the neighbours in the order of their distance; a tree finds
those that are far. Distances come from whole differences of indices, times the
spacing, so that equal distances are equal numbers and a tolerance is met or
not.
"""

from collections.abc import Iterator
import functools
import itertools
import math
from typing import NamedTuple

import numpy as np
from scipy import ndimage
from scipy import spatial

# Neighbours looked at before a tree is built: about 128 looks cost as much as
# one question to the tree.
_LOOKS = 128
# From one in so many places of the lattice, a distance transform of all costs
# less than a tree, which is slow where many points are equally far.
_CROWD = 32


class Near(NamedTuple):
  """Distances of points to the nearest.

  Attributes:
    rank: Which of `values` each point's is, integer `[point]`.
    values: The distances that may occur, float64 mm, ascending.
  """

  rank: np.ndarray
  values: np.ndarray

  @property
  def distances(self) -> np.ndarray:
    """float64 `[point]`, mm."""
    return self.values[self.rank]


class Points:
  """A set of points of a lattice, ready to be asked for the nearest.

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

  def ask(self, points: np.ndarray) -> Near:
    """Distance of each point to the nearest of the set.

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
    """The same for points that are not near, float64 `[point]`, mm."""
    if points.shape[1] * _CROWD > math.prod(self._shape):
      nearest = self._all[(slice(None), *points)]
    else:
      _, index = self._tree.query((points * self._spacing).T)
      nearest = self._points[:, index]
    apart = (points - nearest) * self._spacing
    return np.sqrt((apart * apart).sum(axis=0))

  @property
  def _all(self) -> np.ndarray:
    """The nearest point of each place of the lattice, int32 `[axis, ...]`."""
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
    # A tree in perfect balance takes longer to build than it saves.
    return spatial.cKDTree(
      (self._points * self._spacing).T,
      balanced_tree=False,
      compact_nodes=False,
    )


def joined(
  rank: np.ndarray, values: np.ndarray, left: np.ndarray, far: np.ndarray
) -> Near:
  """Ranks of points that were found, and the distances of those left."""
  # Not all values were looked at, so far ones may lie between them.
  together, place = np.unique(
    np.concatenate([values, far]), return_inverse=True
  )
  found = rank.copy()
  found[left] = 0
  result = place[: len(values)].take(found)
  result[left] = place[len(values) :]
  return Near(result, together)


class Padded:
  """A lattice with a margin, so that no look falls out of it.

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
    """Places of points `[axis, point]` in the flat array."""
    flat = points[-1] + self._start
    for axis, stride in enumerate(self.strides[:-1]):
      flat += points[axis] * stride
    return flat


class Looks(NamedTuple):
  """Where to look for neighbours, the nearest first.

  Of steps of one length there are all or none.

  Attributes:
    steps: int64 `[look, axis]`; the first is none at all.
    rank: Which of `values` the length of each is.
    values: Lengths, float64 mm, ascending, none twice.
    reach: Longest step along each axis.
  """

  steps: np.ndarray
  rank: np.ndarray
  values: np.ndarray
  reach: np.ndarray


@functools.lru_cache(maxsize=64)
def looks(spacing: tuple[float, ...], count: int) -> Looks:
  """About as many steps as asked for, or a few more."""
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
