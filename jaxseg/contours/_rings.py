"""Closed polygons, many of them in flat arrays.

A *ring* is a polygon `[P, 2]` of (row, column) in one slice, in index
coordinates: whole numbers are voxel centres. The last point is joined to the
first.
"""

from collections.abc import Iterator, Sequence
import dataclasses

import numpy as np

# How far apart the points of a planar polygon may lie across its plane, mm.
PLANAR_MM = 0.1


def levels(
  polygons: Sequence[np.ndarray], origin: np.ndarray, normal: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
  """Where polygons lie along a normal.

  Args:
    polygons: Points `[P, 3]` each, at least one.
    origin: Point `[3]` from which distances are measured.
    normal: Unit vector `[3]`.

  Returns:
    The mean, lowest and highest distance of each polygon's points, float64
    `[polygon]`. A polygon is planar if the last two are within `PLANAR_MM`.
  """
  if not len(polygons):
    return np.empty(0), np.empty(0), np.empty(0)
  along = (np.concatenate(polygons) - origin) @ normal
  lengths = np.array([len(points) for points in polygons])
  starts = np.cumsum(lengths) - lengths
  return (
    np.add.reduceat(along, starts) / lengths,
    np.minimum.reduceat(along, starts),
    np.maximum.reduceat(along, starts),
  )


def has_area(points: np.ndarray) -> bool:
  """Whether a polygon has at least three distinct points.

  Args:
    points: `[P, 2]` or `[P, 3]`, in any unit.

  Returns:
    False where it can enclose nothing.
  """
  if len(points) < 3:
    return False
  unlike = (points != points[0]).any(axis=1)
  other = points[int(unlike.argmax())]
  return bool((unlike & (points != other).any(axis=1)).any())


@dataclasses.dataclass(frozen=True, eq=False)
class Edges:
  """The edges of rings, `[edge]` each; coordinates are float64, in pixels.

  Attributes:
    ring: Index of the ring.
    row: Row of the start.
    column: Column of the start.
    row_end: Row of the end.
    column_end: Column of the end.
  """

  ring: np.ndarray
  row: np.ndarray
  column: np.ndarray
  row_end: np.ndarray
  column_end: np.ndarray

  def __getitem__(self, which: np.ndarray) -> "Edges":
    return Edges(
      self.ring[which],
      self.row[which],
      self.column[which],
      self.row_end[which],
      self.column_end[which],
    )

  def turned(self) -> "Edges":
    """The same edges with rows and columns exchanged."""
    return Edges(
      self.ring, self.column, self.row, self.column_end, self.row_end
    )


def edges(rings: Sequence[np.ndarray]) -> Edges:
  """All edges of rings, including those of no length."""
  lengths = np.array([len(ring) for ring in rings], np.int64)
  points = np.concatenate([*rings, np.empty((0, 2))]).astype(np.float64)
  last = np.cumsum(lengths)
  following = np.arange(1, len(points) + 1)
  full = lengths > 0
  following[last[full] - 1] = (last - lengths)[full]
  return Edges(
    np.repeat(np.arange(len(rings)), lengths),
    points[:, 0],
    points[:, 1],
    points[following, 0],
    points[following, 1],
  )


def spans(of: Edges, columns: int) -> np.ndarray:
  """An upper bound, and a close one, on the lines that each edge crosses."""
  return abs(of.column_end - of.column).clip(0, columns) + 1


def batches(of: Edges, columns: int, *, most: int = 1 << 20) -> Iterator[Edges]:
  """Groups of edges that cross about `most` of the lines 0 ... columns - 1.

  Each edge of a contour of few points can cross every column of an image; what
  is made of one group fits in memory, and in the cache.

  Args:
    of: Edges.
    columns: Number of lines.
    most: Crossings in a group, or as many as its last edge adds.
  """
  span = spans(of, columns)
  if span.sum() <= most:
    yield of
    return
  group = np.cumsum(span) // most
  starts = np.flatnonzero(np.diff(group, prepend=-1))
  for first, last in zip(starts, [*starts[1:], len(span)], strict=True):
    yield of[np.arange(first, last)]


def crossings(
  of: Edges, columns: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
  """Where edges cross the lines column = 0, 1, ..., columns - 1.

  An edge covers the half-open range of columns [lower, upper). So a line
  through a vertex meets one of two edges that continue across it, and none or
  both of two that turn back; an edge along the line has no crossing.

  Args:
    of: Edges.
    columns: Number of lines.

  Returns:
    For each crossing the index of its edge, its column, both int64, and its
    row, float64.
  """
  low = np.ceil(np.minimum(of.column, of.column_end)).clip(0, columns)
  high = np.ceil(np.maximum(of.column, of.column_end)).clip(0, columns)
  count = (high - low).astype(np.int64)
  edge = np.repeat(np.arange(len(count)), count)
  first = np.cumsum(count) - count
  column = np.arange(len(edge)) + np.repeat(low.astype(np.int64) - first, count)
  # In [0, 1] for any edge, however steep; edges that meet no line are absent.
  share = (column - of.column[edge]) / (of.column_end - of.column)[edge]
  row = of.row[edge] + share * (of.row_end - of.row)[edge]
  return edge, column, row


def touched(
  of: Edges, shape: tuple[int, int], *, within: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
  """Voxel centres that lie on edges.

  Args:
    of: Edges.
    shape: Numbers of rows and columns; centres beyond are left out.
    within: Greatest distance from the edge, pixels.

  Returns:
    For each such centre and edge the index of the ring, row, column; int64.
  """
  flat = abs(of.column_end - of.column) >= abs(of.row_end - of.row)
  steep = of[~flat].turned()
  found = [
    _touched(some, shape, within) for some in batches(of[flat], shape[1])
  ]
  for some in batches(steep, shape[0]):
    ring, column, row = _touched(some, shape[::-1], within)
    found.append((ring, row, column))
  rings, rows, columns = zip(*found, strict=True)
  return np.concatenate(rings), np.concatenate(rows), np.concatenate(columns)


def _touched(
  of: Edges, shape: tuple[int, int], within: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
  """As `touched`, for edges that run more along the columns than across."""
  low = np.minimum(of.column, of.column_end) - within
  high = np.maximum(of.column, of.column_end) + within
  first = np.ceil(low).clip(0, shape[1])
  count = (np.floor(high).clip(-1, shape[1] - 1) - first + 1).clip(0)
  count = count.astype(np.int64)
  edge = np.repeat(np.arange(len(count)), count)
  begin = np.cumsum(count) - count
  column = np.arange(len(edge)) + np.repeat(
    first.astype(np.int64) - begin, count
  )
  run, rise = of.column_end - of.column, of.row_end - of.row
  with np.errstate(over="ignore"):  # Of edges that are nearly points.
    share = (column - of.column[edge]) / np.where(run == 0, 1.0, run)[edge]
  row = np.rint(of.row[edge] + share.clip(0, 1) * rise[edge])
  # Distance to the segment: to the nearest of its points.
  square = np.maximum(run**2 + rise**2, np.finfo(np.float64).tiny)
  across, along = row - of.row[edge], column - of.column[edge]
  foot = ((across * rise[edge] + along * run[edge]) / square[edge]).clip(0, 1)
  off = np.hypot(across - foot * rise[edge], along - foot * run[edge])
  near = (off <= within) & (row >= 0) & (row < shape[0])
  return of.ring[edge[near]], row[near].astype(np.int64), column[near]
