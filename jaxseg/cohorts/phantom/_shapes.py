"""Simple solids by signed distance, for the phantom.

Distances are in mm, negative inside, first-order right near the surface:
enough to blend one voxel's width and to move a surface by a few mm.
"""

from collections.abc import Sequence
import dataclasses

import numpy as np


@dataclasses.dataclass(frozen=True)
class Points:
  """Coordinates of voxel centres in mm, three arrays of one shape.

  Attributes:
    x: Grows to the patient's left.
    y: Grows to posterior.
    z: Grows to superior.
  """

  x: np.ndarray
  y: np.ndarray
  z: np.ndarray

  def __getitem__(self, box: tuple[slice, ...]) -> "Points":
    return Points(self.x[box], self.y[box], self.z[box])


def ellipsoid(
  at: Points, centre: Sequence[float], radii: Sequence[float]
) -> np.ndarray:
  """Signed distance to an ellipsoid with axes along x, y, z."""
  u = [
    (a - np.float32(c)) / np.float32(r)
    for a, c, r in zip((at.x, at.y, at.z), centre, radii, strict=True)
  ]
  k = np.sqrt(u[0] ** 2 + u[1] ** 2 + u[2] ** 2)
  slope = np.sqrt(
    sum((v / np.float32(r)) ** 2 for v, r in zip(u, radii, strict=True))
  )
  return k * (k - 1) / np.maximum(slope, np.float32(1e-6))


def tube(
  at: Points, path: Sequence[Sequence[float]], radii: Sequence[float]
) -> np.ndarray:
  """Signed distance to a tube along a path, with flat ends.

  Args:
    at: Points.
    path: Centres (x, y, z) with ascending z; between them it is straight.
    radii: Half axes (x, y).
  """
  xs, ys, zs = (np.array(v, np.float32) for v in zip(*path, strict=True))
  x, y = np.interp(at.z, zs, xs), np.interp(at.z, zs, ys)
  u, v = (at.x - x) / radii[0], (at.y - y) / radii[1]
  k = np.sqrt(u**2 + v**2).astype(np.float32)
  side = (k - 1) * np.float32(min(radii))
  return np.maximum(side, np.maximum(zs[0] - at.z, at.z - zs[-1]))


def arch(
  at: Points,
  centre: Sequence[float],
  radii: Sequence[float],
  *,
  width: float,
  bottom: float,
  top: float,
) -> np.ndarray:
  """Signed distance to the front half of an elliptic band, like a jaw.

  Args:
    at: Points.
    centre: Of the ellipse (x, y).
    radii: Of its middle line (x, y).
    width: Of the band.
    bottom: Lowest z.
    top: Highest z.
  """
  u, v = (at.x - centre[0]) / radii[0], (at.y - centre[1]) / radii[1]
  k = np.sqrt(u**2 + v**2)
  band = np.abs(k - 1) * np.float32(min(radii)) - np.float32(width / 2)
  lid = np.maximum(bottom - at.z, at.z - top)
  return np.maximum(np.maximum(band, lid), at.y - centre[1])


def box(
  at: Points, centre: Sequence[float], half: Sequence[float]
) -> np.ndarray:
  """Signed distance to a box with sides along x, y, z."""
  sides = [
    np.abs(a - np.float32(c)) - np.float32(h)
    for a, c, h in zip((at.x, at.y, at.z), centre, half, strict=True)
  ]
  return np.maximum(np.maximum(*sides[:2]), sides[2])


def union(*distances: np.ndarray) -> np.ndarray:
  """Signed distance to all of the solids together."""
  result = distances[0]
  for other in distances[1:]:
    result = np.minimum(result, other)
  return result


def without(solid: np.ndarray, *others: np.ndarray) -> np.ndarray:
  """Signed distance to a solid minus others."""
  for other in others:
    solid = np.maximum(solid, -other)
  return solid
