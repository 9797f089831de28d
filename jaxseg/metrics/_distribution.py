"""How far the points of one surface lie from another: a table of distances.

Few distances occur, since both surfaces lie on a lattice, and few weights. So
the points are counted by both, and every metric is a function of the counts.
"""

import dataclasses
import functools

import numpy as np

from jaxseg.metrics import _nearest

# Shares of area that are nearer to each other differ by rounding alone.
_TIE = 1e-9


@dataclasses.dataclass(frozen=True, eq=False)
class Distribution:
  """Distances of a surface's points to the other surface.

  Attributes:
    distances: float64 `[n]`, mm, ascending.
    points: int64 `[n]`, how many points lie there.
    weights: float64 `[n]`, what they weigh together: mm^2 (mm in 2D) of
      surfels, 1 each of voxels.
    counts: int64 `[n, kind]`, the points by their area.
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
      kind: Which of `areas` each point has, uint8 `[point]`.
      areas: float64 `[kind]`; None where each weighs 1.
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
    """What all points weigh."""
    return float(self.weights.sum())

  @functools.cached_property
  def moment(self) -> float:
    """Sum of distance times weight."""
    return float((self.distances * self.weights).sum())

  def within(self, tolerance: float) -> float:
    """Weight of the points at most this far, mm."""
    return float(self.weights[self.distances <= tolerance].sum())

  def percentile(self, percent: float) -> float:
    """A percentile of the distances, mm.

    By area: the first distance at which the share is reached. Unweighted:
    linear between the sorted distances, at (n - 1) percent / 100.
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
    """The percentile by area of a share that is reached, but for rounding.

    Equal areas often make up just half. Then the sum's order decides: this is
    that of the authors of surfels, point by point, by distance and area.
    """
    each = np.tile(areas, len(self.distances))
    weights = np.repeat(each, self.counts.ravel())
    share = np.cumsum(weights) / np.sum(weights)
    at = min(int(np.searchsorted(share, percent / 100)), len(share) - 1)
    place = np.searchsorted(np.cumsum(self.points), at, side="right")
    return float(self.distances[place])


@dataclasses.dataclass(frozen=True, eq=False)
class Distances:
  """Both ways between the surfaces of a prediction and a reference."""

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
    """Mean from prediction to reference, and the other way, mm."""
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
