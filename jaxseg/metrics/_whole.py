"""Distances where the prediction is the whole array, as at a threshold of 0.

Its surface is the array's end, thousands of points that lie far from the
structure and equally far from its middle: a tree would ask them one by one.
But the faces of a box are grids, where the nearest is found axis by axis.
"""

import itertools

import numpy as np

from jaxseg.metrics import _distribution
from jaxseg.metrics import _nearest
from jaxseg.metrics import _surface


def distances(
  reference: np.ndarray, spacing: tuple[float, ...], surface: str
) -> _distribution.Distances:
  """Distances of a mask that is True everywhere, and a reference.

  Args:
    reference: Mask, bool, 2D or 3D, not empty.
    spacing: Of the array's axes, mm.
    surface: "surfel" or "voxel".
  """
  whole = _surface.of(
    np.pad(np.ones(reference.shape, np.bool_), 1), spacing, surface
  )
  box = _surface.box(reference, reference)
  theirs = _surface.of(np.pad(reference[box], 1), spacing, surface)
  start = np.array([part.start for part in box])[:, np.newaxis]
  points = theirs.points + start
  mm = np.asarray(spacing, np.float64)[:, np.newaxis]
  last = np.array(whole.shape)[:, np.newaxis] - 1
  back = (np.minimum(points, last - points) * mm).min(axis=0)
  there = np.empty(whole.points.shape[1], np.float64)
  for axis, end in itertools.product(range(len(whole.shape)), (0, 1)):
    place = end * int(last[axis, 0])
    face = np.flatnonzero(whole.points[axis] == place)
    beside = [k for k in range(len(whole.shape)) if k != axis]
    squared = _face(
      (points[axis] - place) * spacing[axis],
      points[beside],
      [whole.shape[k] for k in beside],
      [spacing[k] for k in beside],
    )
    there[face] = np.sqrt(squared[tuple(whole.points[beside][:, face])])
  return _distribution.Distances(
    _distribution.Distribution.of(_near(there), whole.kind, whole.areas),
    _distribution.Distribution.of(_near(back), theirs.kind, theirs.areas),
  )


def _near(distance: np.ndarray) -> _nearest.Near:
  values, rank = np.unique(distance, return_inverse=True)
  return _nearest.Near(rank, values)


def _face(
  height: np.ndarray,
  points: np.ndarray,
  shape: list[int],
  spacing: list[float],
) -> np.ndarray:
  """Squared distance of each place of a face to the nearest of points.

  Args:
    height: float64 `[point]`, how far each is from the face, mm.
    points: int64 `[axis, point]`, the place of the face it is above.
    shape: Lengths of the face.
    spacing: Of its axes, mm.
  """
  start = points.min(axis=1)
  lengths = points.max(axis=1) - start + 1
  squared = np.full(lengths, np.inf)
  np.minimum.at(squared, tuple(points - start[:, np.newaxis]), height**2)
  for axis, (length, step) in enumerate(zip(shape, spacing, strict=True)):
    # Rows to the front: from each of the structure's to each of the face's.
    rows = np.moveaxis(squared, axis, 0)
    best = np.full((length, *rows.shape[1:]), np.inf)
    for row, values in enumerate(rows):
      apart = (np.arange(length) - (start[axis] + row)) * step
      apart = (apart * apart).reshape(-1, *[1] * values.ndim)
      np.minimum(best, values + apart, out=best)
    squared = np.moveaxis(best, 0, axis)
  return squared
