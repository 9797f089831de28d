"""Contours that an exporter stored twice, which even-odd would cancel out.

The copy need not have the same bytes: points are rounded anew, a point in the
middle of an edge is added or left out, or the list starts elsewhere.
"""

from collections.abc import Sequence

import numpy as np

from jaxseg import contours
from jaxseg import volume

# Copies are nearer to each other than this part of a pixel, and than the
# distance at which places count as the same: the two borders of a wall, which
# make a ring on purpose, are farther apart.
_APART_PIXELS = 0.02
_MOST_PAIRS = 3000
_MOST_MEETINGS, _MOST_VOXELS = 1 << 22, 1 << 24


def without(
  rings: Sequence[np.ndarray],
  points: Sequence[np.ndarray],
  groups: np.ndarray,
  pixel: np.ndarray,
) -> list[int]:
  """Indices of all contours but copies of an earlier one.

  Args:
    rings: Polygons `[P, 2]`, (row, column) in index coordinates.
    points: The same as stored, `[P, 3]`.
    groups: Int `[ring, ...]`; only contours with the same numbers, such as
      slice and plane, are compared.
    pixel: Spacing between rows and between columns, mm.

  Returns:
    The indices, ascending. Exact copies are always found; of the others no
    more than 3000 pairs whose boxes agree are compared.
  """
  if len(rings) < 2:
    return list(range(len(rings)))
  apart = min(volume.SAME_MM, _APART_PIXELS * float(pixel.min()))
  scaled = [ring * pixel for ring in rings]
  dropped: set[int] = set()
  left = _MOST_PAIRS
  for group in _candidates(scaled, groups, apart):
    seen: set[str] = set()
    kept: list[int] = []
    for index in group:
      form = repr(_edge_set(points[index]))
      if form in seen:
        dropped.add(index)
        continue
      seen.add(form)
      for other in kept[:left]:
        left -= 1
        if _are_copies(scaled[other], scaled[index], pixel, apart):
          dropped.add(index)
          break
      else:
        kept.append(index)
  return [k for k in range(len(rings)) if k not in dropped]


def _edge_set(points: np.ndarray) -> tuple:
  """The edges of a closed polygon, whatever its start and direction."""
  ends = np.roll(points, -1, axis=0).tolist()
  pairs = zip(points.tolist(), ends, strict=True)
  return tuple(sorted(sorted(pair) for pair in pairs if pair[0] != pair[1]))


def _candidates(
  rings: Sequence[np.ndarray], groups: np.ndarray, apart: float
) -> list[list[int]]:
  """Rings of one group whose boxes are about the same, two or more each.

  Along each side of the boxes in turn, rings part where two neighbours lie
  farther from each other than copies do.
  """
  lengths = np.array([len(ring) for ring in rings])
  starts = np.cumsum(lengths) - lengths
  points = np.concatenate(rings)
  boxes = np.concatenate(
    [
      np.minimum.reduceat(points, starts),
      np.maximum.reduceat(points, starts),
    ],
    axis=1,
  )
  _, label = np.unique(groups, axis=0, return_inverse=True)
  label = label.ravel()
  for side in (*boxes.T, *boxes.T):  # Again, as chains of others are gone.
    order = np.lexsort((side, label))
    new = (np.diff(label[order]) > 0) | (np.diff(side[order]) > 2 * apart)
    label[order] = np.concatenate([[0], np.cumsum(new)])
  order = np.argsort(label, kind="stable")
  parts = np.split(order, np.flatnonzero(np.diff(label[order])) + 1)
  return [part.tolist() for part in parts if len(part) > 1]


def _are_copies(
  one: np.ndarray, other: np.ndarray, pixel: np.ndarray, apart: float
) -> bool:
  """Whether two rings, in mm, bound the same area with the same border.

  Their corners alone do not tell: a figure eight has those of a square.
  """
  low = np.minimum(one.min(axis=0), other.min(axis=0))
  high = np.maximum(one.max(axis=0), other.max(axis=0))
  corner = np.floor(low / pixel)
  rows, columns = np.ceil(high / pixel) - corner + 1
  if rows * columns > _MOST_VOXELS:
    return False
  if not (_all_near(one, other, apart) and _all_near(other, one, apart)):
    return False
  filled = contours.fill(
    [one / pixel - corner, other / pixel - corner],
    [0, 1],
    (2, int(rows), int(columns)),
  )
  unlike = np.argwhere(filled[0] != filled[1])
  return _all_near((unlike + corner) * pixel, other, apart)


def _all_near(points: np.ndarray, ring: np.ndarray, apart: float) -> bool:
  """Whether points `[P, 2]` lie within a distance of a ring's edges.

  Each edge is compared with the points beside it alone, along the axis of which
  the edges cover less; where they are too many for that, the answer is no.
  """
  start, end = ring, np.roll(ring, -1, axis=0)
  extent = np.ptp(ring, axis=0) + apart
  axis = int(np.argmin(abs(end - start).sum(axis=0) / extent))
  points = points[np.argsort(points[:, axis], kind="stable")]
  low = np.minimum(start, end)[:, axis] - apart
  high = np.maximum(start, end)[:, axis] + apart
  first = np.searchsorted(points[:, axis], low)
  count = np.searchsorted(points[:, axis], high, side="right") - first
  if count.sum() > _MOST_MEETINGS:
    return False
  edge = np.repeat(np.arange(len(ring)), count)
  begin = np.cumsum(count) - count
  at = np.arange(len(edge)) + np.repeat(first - begin, count)
  along, moved = (end - start)[edge], points[at] - start[edge]
  square = np.maximum((along**2).sum(axis=1), np.finfo(np.float64).tiny)
  share = ((moved * along).sum(axis=1) / square).clip(0, 1)
  off = np.linalg.norm(moved - share[:, None] * along, axis=1)
  near = np.zeros(len(points), np.bool_)
  near[at[off <= apart]] = True
  return bool(near.all())
