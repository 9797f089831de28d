"""Joins borders and their holes, for systems that fill every contour.

Such a polygon walks to each hole and back over the same bridge. The bridge has
no area; on traced borders it runs between voxel centres, so that no voxel
changes sides.
"""

from collections.abc import Sequence

import numpy as np


def nest(
  rings: Sequence[np.ndarray],
) -> list[tuple[np.ndarray, list[np.ndarray]]]:
  """Assigns each hole to the border around it.

  Args:
    rings: The borders of one slice as `trace_slices` gives them, `[P, 2]` of
      (row, column): outer ones counter-clockwise, holes clockwise.

  Returns:
    Each outer border with its holes.
  """
  outer = [ring for ring in rings if _area(ring) > 0]
  holes: list[list[np.ndarray]] = [[] for _ in outer]
  for hole in rings:
    if _area(hole) > 0:
      continue
    top = hole[np.lexsort((hole[:, 1], hole[:, 0]))[0]]
    # The voxel just above the hole's first corner belongs to its border.
    voxel = top + np.array([-0.5, 0.5])
    around = [k for k, ring in enumerate(outer) if _contains(ring, voxel)]
    holes[min(around, key=lambda k: _area(outer[k]))].append(hole)
  return list(zip(outer, holes, strict=True))


def keyhole(outer: np.ndarray, holes: Sequence[np.ndarray]) -> np.ndarray:
  """Joins a border and its holes.

  Args:
    outer: Border `[P, 2]`, (row, column).
    holes: Borders of its holes, all of axis-parallel edges as `outer`.

  Returns:
    One polygon `[P, 2]` with the same even-odd region. Bridges run from each
    hole's first corner upwards, between two columns of voxels.
  """
  joined = np.asarray(outer, np.float64)
  # Downwards, so that what a bridge meets on its way up is joined already.
  starts = [hole[np.lexsort((hole[:, 1], hole[:, 0]))[0]] for hole in holes]
  for number in sorted(range(len(holes)), key=lambda k: tuple(starts[k])):
    joined = _join(joined, holes[number], starts[number])
  return joined


def _join(
  polygon: np.ndarray, hole: np.ndarray, start: np.ndarray
) -> np.ndarray:
  row, column = polygon[:, 0], polygon[:, 1]
  row_end, column_end = np.roll(row, -1), np.roll(column, -1)
  above = (
    (row == row_end)
    & (row < start[0])
    & (np.minimum(column, column_end) <= start[1])
    & (np.maximum(column, column_end) >= start[1])
  )
  edges = np.flatnonzero(above)
  nearest = int(edges[np.argmax(row[edges])])
  foot = np.array([[row[nearest], start[1]]])
  first = int(np.flatnonzero((hole == start).all(axis=1))[0])
  walk = np.roll(hole, -first, axis=0)
  return np.concatenate(
    [polygon[: nearest + 1], foot, walk, walk[:1], foot, polygon[nearest + 1 :]]
  )


def _area(ring: np.ndarray) -> float:
  """Signed area: positive if counter-clockwise with rows downwards."""
  row, column = ring[:, 0], ring[:, 1]
  turned = row * np.roll(column, -1) - column * np.roll(row, -1)
  return 0.5 * float(turned.sum())


def _contains(ring: np.ndarray, point: np.ndarray) -> bool:
  """Even-odd rule, for points that do not lie on an edge."""
  row, column = ring[:, 0], ring[:, 1]
  row_end, column_end = np.roll(row, -1), np.roll(column, -1)
  spans = (row <= point[0]) != (row_end <= point[0])
  rise = np.where(spans, row_end - row, 1.0)
  cut = column + (point[0] - row) * (column_end - column) / rise
  return bool((spans & (cut < point[1])).sum() % 2)
