"""How far two surfaces lie from each other: tables of distances.

Both surfaces lie on a lattice, so few distances occur, and few weights. The
points are counted by both, and every metric is a function of the counts. All
work is done in the bounding box of both masks: it costs what the structure
costs, not what the image does.
"""

import dataclasses
import functools
import itertools

import numpy as np

from jaxseg.metrics.surface import _definitions
from jaxseg.metrics.surface import _nearest

# Shares of area nearer than this differ by rounding alone.
_TIE = 1e-9


@dataclasses.dataclass(frozen=True, eq=False)
class Distribution:
  """Distances of a surface's points to the other surface.

  Attributes:
    distances: float64 `[n]`, mm, ascending.
    points: int64 `[n]`, number of points at each distance.
    weights: float64 `[n]`, their total weight: mm^2 (mm in 2D) of surfels, 1
      for each voxel.
    counts: int64 `[n, kind]`, the points by area.
    areas: float64 `[kind]`, ascending; None where each point weighs 1.
  """

  distances: np.ndarray
  points: np.ndarray
  weights: np.ndarray
  counts: np.ndarray
  areas: np.ndarray | None

  @classmethod
  def of(
    cls, near: _nearest.Near, kind: np.ndarray, areas: np.ndarray | None
  ) -> "Distribution":
    """Counts points.

    Args:
      near: Distance of each point.
      kind: Index of each point's area, uint8 `[point]`.
      areas: float64 `[kind]`; None where each point weighs 1.
    """
    kinds = 1 if areas is None else len(areas)
    key = near.rank.astype(np.intp) * kinds + kind
    ranks = len(near.values)
    counts = np.bincount(key, minlength=ranks * kinds).reshape(ranks, kinds)
    points = counts.sum(axis=1)
    some = points > 0
    counts, points = counts[some], points[some]
    weights = points.astype(np.float64)
    if areas is not None:
      weights = (counts * areas).sum(axis=1)
    return cls(near.values[some], points, weights, counts, areas)

  @functools.cached_property
  def total(self) -> float:
    """Weight of all points."""
    return float(self.weights.sum())

  @functools.cached_property
  def moment(self) -> float:
    """Sum of distance times weight."""
    return float((self.distances * self.weights).sum())

  def within(self, tolerance: float) -> float:
    """Weight of the points at most this far away, mm."""
    return float(self.weights[self.distances <= tolerance].sum())

  def percentile(self, percent: float) -> float:
    """A percentile of the distances, mm.

    Weighted by area: the first distance at which the share is reached.
    Unweighted: linear between the sorted distances, at (n - 1) percent / 100.
    """
    if self.areas is not None:
      share = np.cumsum(self.weights) / self.total
      if np.abs(share - percent / 100).min() < _TIE:
        return self._by_point(self.areas, percent)
      at = int(np.searchsorted(share, percent / 100))
      return float(self.distances[min(at, len(share) - 1)])
    rank = (int(self.points.sum()) - 1) * percent / 100
    low = int(rank)
    last = np.cumsum(self.points)
    first, second = (
      self.distances[min(int(np.searchsorted(last, k, "right")), len(last) - 1)]
      for k in (low, low + 1)
    )
    return float(first + (second - first) * (rank - low))

  def _by_point(self, areas: np.ndarray, percent: float) -> float:
    """The percentile by area where rounding decides whether it is reached.

    Equal areas often add up to exactly one half. Then the order of summation
    decides; this is that of the authors of surfels: point by point, by distance
    and area.
    """
    each = np.tile(areas, len(self.distances))
    weights = np.repeat(each, self.counts.ravel())
    share = np.cumsum(weights) / np.sum(weights)
    at = min(int(np.searchsorted(share, percent / 100)), len(share) - 1)
    place = np.searchsorted(np.cumsum(self.points), at, side="right")
    return float(self.distances[place])


@dataclasses.dataclass(frozen=True, eq=False)
class Distances:
  """Distances both ways between the surfaces of prediction and reference."""

  to_reference: Distribution
  to_prediction: Distribution

  def hausdorff(self, percent: float) -> float:
    """The larger of the two directed percentiles, mm."""
    return max(
      self.to_reference.percentile(percent),
      self.to_prediction.percentile(percent),
    )

  @property
  def means(self) -> tuple[float, float]:
    """Mean from prediction to reference, and from reference to it, mm."""
    there, back = self.to_reference, self.to_prediction
    return there.moment / there.total, back.moment / back.total

  @property
  def average(self) -> float:
    """ASSD: mean over both surfaces, mm."""
    there, back = self.to_reference, self.to_prediction
    return (there.moment + back.moment) / (there.total + back.total)

  def within(self, tolerance: float) -> float:
    """NSD: share of both surfaces at most this far from the other."""
    there, back = self.to_reference, self.to_prediction
    near = there.within(tolerance) + back.within(tolerance)
    return near / (there.total + back.total)


def between(
  prediction: np.ndarray,
  reference: np.ndarray,
  spacing: tuple[float, ...],
  surface: str,
  used: np.ndarray | None = None,
) -> Distances:
  """Distances between two masks, neither of them empty.

  Args:
    prediction: Mask, bool, 2D or 3D.
    reference: Mask, bool, same shape.
    spacing: Of the array's axes, mm.
    surface: "surfel" or "voxel".
    used: Slices of either mask, if already known, bool `[slice]`.
  """
  common = _definitions.box(prediction, reference, used)
  # Padded by one voxel: beyond the array there is background.
  ours, theirs = (
    _definitions.of(np.pad(mask[common], 1), spacing, surface)
    for mask in (prediction, reference)
  )
  to_theirs, to_ours = (
    _nearest.Points(side.points, side.shape, spacing) for side in (theirs, ours)
  )
  return Distances(
    Distribution.of(to_theirs.query(ours.points), ours.kind, ours.areas),
    Distribution.of(to_ours.query(theirs.points), theirs.kind, theirs.areas),
  )


def from_whole(
  reference: np.ndarray, spacing: tuple[float, ...], surface: str
) -> Distances:
  """Distances where the prediction is the whole array, as at threshold 0.

  Its surface is the array's edge: thousands of points far from the structure,
  many equally far, which a tree would have to be queried for one by one. But
  the faces of a box are grids, and there the nearest is found axis by axis.

  Args:
    reference: Mask, bool, 2D or 3D, not empty.
    spacing: Of the array's axes, mm.
    surface: "surfel" or "voxel".
  """
  whole = _definitions.of(
    np.pad(np.ones(reference.shape, np.bool_), 1), spacing, surface
  )
  box = _definitions.box(reference, reference)
  theirs = _definitions.of(np.pad(reference[box], 1), spacing, surface)
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
  return Distances(
    Distribution.of(_near(there), whole.kind, whole.areas),
    Distribution.of(_near(back), theirs.kind, theirs.areas),
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
  """Squared distance of each place of a face to the nearest of some points.

  Args:
    height: float64 `[point]`, distance of each point from the face, mm.
    points: int64 `[axis, point]`, the place of the face that it is above.
    shape: Lengths of the face.
    spacing: Of its axes, mm.
  """
  start = points.min(axis=1)
  lengths = points.max(axis=1) - start + 1
  squared = np.full(lengths, np.inf)
  np.minimum.at(squared, tuple(points - start[:, np.newaxis]), height**2)
  for axis, (length, step) in enumerate(zip(shape, spacing, strict=True)):
    # From each row of the structure to each row of the face.
    rows = np.moveaxis(squared, axis, 0)
    best = np.full((length, *rows.shape[1:]), np.inf)
    for row, values in enumerate(rows):
      apart = (np.arange(length) - (start[axis] + row)) * step
      apart = (apart * apart).reshape(-1, *[1] * values.ndim)
      np.minimum(best, values + apart, out=best)
    squared = np.moveaxis(best, 0, axis)
  return squared
