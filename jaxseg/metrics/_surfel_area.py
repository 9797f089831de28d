"""Areas of the surface pieces in a cube of 2 x 2 x 2 voxels.

A corner of the lattice has 2, 4 or 8 voxels around it. Which of them are inside
makes a code; the border between inside and outside that passes the corner is a
polygon through the middles of the lattice's edges, and its area at a voxel
spacing is the corner's weight.

References:
  Nikolov et al., arXiv:1809.04430, for the surface elements; the polygons here
  are built by rule: each face of the cube that has two inside corners on its
  diagonal is cut twice, each time around an inside corner.
"""

from collections.abc import Iterator, Sequence
import functools
import itertools
import math

import numpy as np

_CORNERS = tuple(itertools.product((0, 1), repeat=3))


def code_weights(axes: int) -> dict[tuple[int, ...], int]:
  """Bit of each voxel around a corner, by its offset along the axes."""
  offsets = tuple(itertools.product((0, 1), repeat=axes))
  return {
    offset: 1 << (len(offsets) - 1 - k) for k, offset in enumerate(offsets)
  }


def areas(spacing: Sequence[float]) -> np.ndarray:
  """Weight of each code: mm^2 in 3D, mm in 2D.

  Args:
    spacing: Of two or three axes, mm.

  Returns:
    float64 `[256]` or `[16]`; 0 where there is no surface.
  """
  if len(spacing) == 2:
    return _lengths(*(float(s) for s in spacing))
  scale = np.asarray(spacing, np.float64)
  table = np.zeros(256)
  for code, triangles in enumerate(_triangles()):
    if len(triangles):
      a, b, c = np.moveaxis(np.asarray(triangles) * scale, 1, 0)
      table[code] = 0.5 * np.linalg.norm(np.cross(b - a, c - a), axis=1).sum()
  return table


def _lengths(first: float, second: float) -> np.ndarray:
  """In 2D: a corner cut off, a straight piece, or two corners cut off."""
  diagonal = math.hypot(first, second)
  table = np.zeros(16)
  table[[1, 2, 4, 7, 8, 11, 13, 14]] = diagonal / 2
  table[[3, 12]] = second
  table[[5, 10]] = first
  table[[6, 9]] = diagonal
  return table


@functools.cache
def _triangles() -> tuple[np.ndarray, ...]:
  """Triangles `[n, 3, 3]` of each code at unit spacing."""
  return tuple(
    np.array([t for polygon in _polygons(code) for t in _split(polygon)])
    for code in range(256)
  )


def _polygons(code: int) -> Iterator[np.ndarray]:
  """The closed polygons of a code, each `[vertex, 3]`."""
  if code.bit_count() > 4:
    code ^= 255
  weights = code_weights(3)
  inside = {corner: bool(code & weights[corner]) for corner in _CORNERS}
  # Edge -> the two edges to which the polygon goes on from its middle.
  following: dict[frozenset, list[frozenset]] = {}
  for face in _faces():
    for one, other in _cuts(face, inside):
      following.setdefault(one, []).append(other)
      following.setdefault(other, []).append(one)
  while following:
    start = edge = next(iter(following))
    polygon, before = [], None
    while True:
      polygon.append(np.mean(np.array([*edge]), axis=0))
      ahead = following.pop(edge)
      step = ahead[0] if ahead[0] != before else ahead[1]
      before, edge = edge, step
      if edge == start:
        break
    yield np.array(polygon)


def _faces() -> Iterator[list[tuple[int, ...]]]:
  """The corners of each face of the cube, in a circle."""
  for axis, side in itertools.product(range(3), (0, 1)):
    circle = []
    for u, v in ((0, 0), (0, 1), (1, 1), (1, 0)):
      corner = [u, v]
      corner.insert(axis, side)
      circle.append(tuple(corner))
    yield circle


def _cuts(
  face: list[tuple[int, ...]], inside: dict[tuple[int, ...], bool]
) -> Iterator[tuple[frozenset, frozenset]]:
  """Pairs of edges of a face whose middles are joined."""
  edges = [frozenset((face[k], face[(k + 1) % 4])) for k in range(4)]
  crossed = [
    edge for k, edge in enumerate(edges)
    if inside[face[k]] != inside[face[(k + 1) % 4]]
  ]  # fmt: skip
  if len(crossed) == 2:
    yield crossed[0], crossed[1]
  elif len(crossed) == 4:
    for k in range(4):
      if inside[face[k]]:
        yield edges[k - 1], edges[k]


def _split(polygon: np.ndarray) -> list[np.ndarray]:
  """The triangulation of the largest area at unit spacing."""

  def area(triangles: list[np.ndarray]) -> float:
    return sum(
      float(np.linalg.norm(np.cross(b - a, c - a))) for a, b, c in triangles
    )

  return max(_triangulations(polygon), key=area)


def _triangulations(polygon: np.ndarray) -> list[list[np.ndarray]]:
  """All ways to cut a polygon into triangles of its vertices."""
  if len(polygon) < 3:
    return [[]]
  found = []
  # The triangle on the edge from the first vertex to the last.
  for k in range(1, len(polygon) - 1):
    middle = polygon[[0, k, -1]]
    for left in _triangulations(polygon[: k + 1]):
      for right in _triangulations(polygon[k:]):
        found.append([middle, *left, *right])
  return found
