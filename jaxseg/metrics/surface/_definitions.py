"""What a mask's surface is: two families, because the world has two.

- `surfel`: points are the corners of voxels, weighted by the area of the
  surface that passes there. The default.
- `voxel`: points are the centres of border voxels, those that a face-connected
  erosion removes; each counts 1, whatever the area of its faces.

Everything beyond the array is background, so a mask that touches the array's
edge has a surface there.

A corner of the lattice has 2, 4 or 8 voxels around it, and which of them are
inside makes its code. The boundary that passes the corner is a polygon through
the midpoints of the lattice's edges; its area, at a voxel spacing, is the
corner's weight.

References:
  Nikolov et al., arXiv:1809.04430, for the surface elements. The polygons here
  follow a rule: a face of the cube with two inside corners on its diagonal is
  cut twice, each time around an inside corner.
"""

from collections.abc import Iterator, Sequence
import dataclasses
import functools
import itertools
import math

import numpy as np

from jaxseg import errors

SURFACES = ("surfel", "voxel")
_CORNERS = tuple(itertools.product((0, 1), repeat=3))


@dataclasses.dataclass(frozen=True, eq=False)
class Surface:
  """Points of a mask's surface.

  Attributes:
    points: int64 `[axis, point]`, indices in a lattice that both masks share.
    kind: uint8 `[point]`, index of each point's area.
    areas: float64 `[kind]`, mm^2 (mm in 2D), ascending; None where each point
      weighs 1.
    shape: Lengths of the lattice.
  """

  points: np.ndarray
  kind: np.ndarray
  areas: np.ndarray | None
  shape: tuple[int, ...]


def check(surface: str) -> None:
  """Refuses an unknown family.

  Raises:
    ConfigError: It is neither.
  """
  if surface not in SURFACES:
    raise errors.ConfigError(
      f"surface {surface!r} is unknown; take {' or '.join(SURFACES)}"
    )


def of(mask: np.ndarray, spacing: tuple[float, ...], surface: str) -> Surface:
  """The surface of a mask padded by one voxel of background all around."""
  if surface == "voxel":
    border = _border(mask)
    place = np.flatnonzero(border)
    points = _points(place, border.shape)
    kind = np.zeros(len(place), np.uint8)
    return Surface(points, kind, None, border.shape)
  codes = _codes(mask)
  # Less 1, the empty code 0 becomes 255: it and the full code are excluded.
  place = np.flatnonzero(codes - np.uint8(1) < _full(mask.ndim) - 1)
  points = _points(place, codes.shape)
  kind, areas = kinds(codes.ravel().take(place), spacing)
  return Surface(points, kind, areas, codes.shape)


def kinds(
  codes: np.ndarray, spacing: tuple[float, ...]
) -> tuple[np.ndarray, np.ndarray]:
  """Index of each code's area, uint8 `[point]`, and the areas."""
  kind, areas = _kinds(spacing)
  return kind.take(codes), areas


def slices(mask: np.ndarray) -> np.ndarray:
  """Slices on which a mask has voxels, bool `[slice]`."""
  used: np.ndarray = np.any(mask, axis=tuple(range(1, mask.ndim)))
  return used


def box(
  a: np.ndarray, b: np.ndarray, used: np.ndarray | None = None
) -> tuple[slice, ...]:
  """The bounding box of two masks, at least one of which has voxels.

  Args:
    a: Mask.
    b: Mask.
    used: `slices` of either mask, if already known.
  """
  # Slices first, then those projected onto one: each step leaves the next
  # little to do.
  first = _span(slices(a) | slices(b) if used is None else used)
  flat = np.any(a[first], axis=0) | np.any(b[first], axis=0)
  if a.ndim == 2:
    return first, _span(flat)
  second = _span(np.any(flat, axis=1))
  return first, second, _span(np.any(flat[second], axis=0))


def _span(used: np.ndarray) -> slice:
  place = np.flatnonzero(used)
  return slice(place[0], place[-1] + 1)


def _border(mask: np.ndarray) -> np.ndarray:
  """Voxels with a face on the background, padding removed."""
  core = (slice(1, -1),) * mask.ndim
  inner = mask[core].copy()
  for axis in range(mask.ndim):
    for side in (slice(None, -2), slice(2, None)):
      inner &= mask[(*core[:axis], side, *core[axis + 1 :])]
  return mask[core] & ~inner


def _points(place: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
  """Indices `[axis, point]` of positions in the flat array."""
  return np.array(np.unravel_index(place, shape))


def _full(axes: int) -> int:
  """The code of a corner with all voxels around it inside."""
  return (1 << (1 << axes)) - 1


def _codes(mask: np.ndarray) -> np.ndarray:
  """Code of each corner, uint8: which voxels around it are inside."""
  codes = np.zeros([n - 1 for n in mask.shape], np.uint8)
  bits = mask.view(np.uint8)
  for offset, weight in code_weights(mask.ndim).items():
    part = tuple(
      slice(k, n - 1 + k) for k, n in zip(offset, mask.shape, strict=True)
    )
    codes |= bits[part] * np.uint8(weight)
  return codes


@functools.lru_cache(maxsize=64)
def _kinds(spacing: tuple[float, ...]) -> tuple[np.ndarray, np.ndarray]:
  """Index of each code's area, and the areas."""
  areas, kind = np.unique(surfel_areas(spacing), return_inverse=True)
  return kind.astype(np.uint8), areas


def code_weights(axes: int) -> dict[tuple[int, ...], int]:
  """Bit of each voxel around a corner, by its offset along the axes."""
  offsets = tuple(itertools.product((0, 1), repeat=axes))
  return {
    offset: 1 << (len(offsets) - 1 - k) for k, offset in enumerate(offsets)
  }


def surfel_areas(spacing: Sequence[float]) -> np.ndarray:
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
  """In 2D: one corner cut off, a straight piece, or two corners cut off."""
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
  # Edge -> the two edges where the polygon continues from its midpoint.
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
  """The corners of each face of the cube, in order around it."""
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
  """Pairs of edges of a face whose midpoints are joined."""
  edges = [frozenset((face[k], face[(k + 1) % 4])) for k in range(4)]
  crossed = [
    edge
    for k, edge in enumerate(edges)
    if inside[face[k]] != inside[face[(k + 1) % 4]]
  ]
  if len(crossed) == 2:
    yield crossed[0], crossed[1]
  elif len(crossed) == 4:
    for k in range(4):
      if inside[face[k]]:
        yield edges[k - 1], edges[k]


def _split(polygon: np.ndarray) -> list[np.ndarray]:
  """The triangulation with the largest area at unit spacing."""

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
