"""Finds polygons that take long to fill or whose inside is ambiguous."""

from collections.abc import Sequence

import numpy as np

from jaxseg.contours import _rasterize
from jaxseg.contours import _rings

_MOST_CROSSINGS = 1 << 21
_MOST_PAIRS = 3000
_MOST_RINGS = 500


def count_crossings(rings: Sequence[np.ndarray], columns: int) -> int:
  """About how often polygons cross the columns of a grid, never too few.

  The time to fill them depends on it; a few points that zigzag can cross very
  often.

  Args:
    rings: Polygons `[P, 2]`, (row, column) in index coordinates.
    columns: Number of the grid's columns.

  Returns:
    The number of crossings, or a little more.
  """
  return int(_rings.spans(_rings.edges(rings), columns).sum())


def self_crossing(rings: Sequence[np.ndarray], columns: int) -> np.ndarray:
  """Which polygons wind around a voxel centre in both directions, or twice.

  A figure eight does, and so does a polygon that overlaps itself; one that
  walks to its hole and back along the same edge does not. Crossings that
  enclose no voxel centre make no difference to a mask and are not found;
  polygons that cross millions of columns, as no drawn contour does, are
  skipped.

  Args:
    rings: Polygons `[P, 2]`, (row, column).
    columns: Number of the grid's columns.

  Returns:
    Bool `[ring]`.
  """
  found = np.zeros(len(rings), np.bool_)
  of = _rings.edges(rings)
  span = np.bincount(of.ring, _rings.spans(of, columns), minlength=len(rings))
  looked = np.flatnonzero(span <= _MOST_CROSSINGS)
  group = np.cumsum(span[looked]) // _MOST_CROSSINGS
  for number in np.unique(group):
    chosen = looked[group == number]
    found[chosen] = _self_crossing([rings[k] for k in chosen], columns)
  return found


def _self_crossing(rings: Sequence[np.ndarray], columns: int) -> np.ndarray:
  """As `self_crossing`, all rings at once."""
  of = _rings.edges(rings)
  edge, column, row = _rings.crossings(of, columns)
  ring, row = of.ring[edge], np.ceil(row)
  sense = np.where(of.column_end > of.column, 1, -1)[edge]
  order = np.lexsort((row, column, ring))
  ring, column, row = ring[order], column[order], row[order]
  turns = np.cumsum(sense[order])  # Back to 0 at the end of each line.
  new = np.ones(len(ring) + 1, np.bool_)
  new[1:-1] = (
    (np.diff(row) != 0) | (np.diff(column) != 0) | (np.diff(ring) != 0)
  )
  settled = new[1:]  # The last of the crossings that meet in one place.
  highest = np.zeros(len(rings), np.int64)
  lowest = np.zeros(len(rings), np.int64)
  np.maximum.at(highest, ring[settled], turns[settled])
  np.minimum.at(lowest, ring[settled], turns[settled])
  return (highest - lowest) > 1


def partly_overlapping(
  rings: Sequence[np.ndarray],
  slices: np.ndarray,
  planes: np.ndarray,
  shape: tuple[int, int],
) -> int:
  """Number of slices on which two polygons overlap partly.

  They do if some voxel centres lie in both, and some in either one alone.

  Args:
    rings: Polygons `[P, 2]`, (row, column).
    slices: Slice of each.
    planes: Plane of each; only polygons of one plane are compared.
    shape: Numbers of rows and columns.

  Returns:
    The number, meant for a warning: no more than 3000 pairs whose boxes meet,
    and 500 polygons of a slice, are compared.
  """
  groups: dict[tuple[int, int], list[int]] = {}
  for index, key in enumerate(
    zip(slices.tolist(), planes.tolist(), strict=True)
  ):
    groups.setdefault(key, []).append(index)
  found, left = set(), _MOST_PAIRS
  for (index, _), group in groups.items():
    if len(group) < 2 or left <= 0:
      continue
    overlap, looked = _any_overlap(
      [rings[k] for k in group[:_MOST_RINGS]], shape, left
    )
    left -= looked
    if overlap:
      found.add(index)
  return len(found)


def _any_overlap(
  rings: Sequence[np.ndarray], shape: tuple[int, int], most: int
) -> tuple[bool, int]:
  """Whether two rings overlap partly, and how many pairs were compared."""
  low = np.stack([ring.min(axis=0) for ring in rings])
  high = np.stack([ring.max(axis=0) for ring in rings])
  apart = (low[:, None] > high[None]).any(-1)
  first, second = np.nonzero(np.triu(~(apart | apart.T), 1))
  pairs = zip(first[:most], second[:most], strict=True)
  for count, (i, j) in enumerate(pairs, start=1):
    # Only their common box is filled, as a small grid of its own.
    corner = np.floor(np.minimum(low[i], low[j])).clip(0)
    corner = np.minimum(corner, np.array(shape) - 1)
    far = np.minimum(np.ceil(np.maximum(high[i], high[j])), np.array(shape) - 1)
    size = (far - corner + 1).clip(1).astype(int)
    both = _rasterize.fill(
      [rings[i] - corner, rings[j] - corner], [0, 1], (2, *size)
    )
    if (
      (both[0] & both[1]).any()
      and (both[0] & ~both[1]).any()
      and (both[1] & ~both[0]).any()
    ):
      return True, count
  return False, min(most, len(first))
