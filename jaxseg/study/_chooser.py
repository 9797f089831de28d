"""What labelled patients teach about thresholds for others."""

from collections.abc import Mapping
import dataclasses
from typing import Any

import numpy as np

from jaxseg import _text
from jaxseg import errors
from jaxseg import thresholds
from jaxseg.study import _cohort_counts

# Ways to give each case a threshold of its own.
PER_CASE = ("expected", "volume")
_NEAR = 1e-12


@dataclasses.dataclass(frozen=True, eq=False)
class Chooser:
  """What some patients taught about thresholds.

  Attributes:
    organ: Their pooled optimum.
    frequencies: Share of their voxels that are the structure, between each two
      thresholds of the counts; never falling. `[T + 1]`.
    slope: Of the best threshold of a case on the logarithm of its volume.
    intercept: Of the same line.
    range: Smallest and largest logarithm of a volume that the line was fitted
      to; beyond them it is level.
    grid: Number of thresholds of the even grid of the counts.
    in_ml: Whether volumes are in mL; else they are in voxels, since the size
      of some voxels is not known.
  """

  organ: float
  frequencies: np.ndarray
  slope: float
  intercept: float
  range: tuple[float, float]
  grid: int
  in_ml: bool

  @staticmethod
  def fit(
    cases: _cohort_counts.Cases, best: np.ndarray | None = None
  ) -> "Chooser":
    """Learns from cases with labels.

    Args:
      cases: These cases.
      best: Threshold at which each has its best Dice, `[case]`, where that is
        known already.

    Raises:
      DataError: No case has the structure.
    """
    organ = thresholds.optimum(cases.even).threshold
    in_ml = bool(np.isfinite(cases.voxel_ml).all())
    inside = cases.counts.positive.sum(0).astype(np.float64)
    voxels = inside + cases.counts.negative.sum(0)
    line = (0.0, organ, (0.0, 0.0))
    has = np.flatnonzero(cases.reference > 0)
    x = _log_volume(cases, organ, in_ml)[has]
    if len(has) >= 3 and np.ptp(x) > 0:
      y = best_of_each(cases) if best is None else best
      slope, intercept = np.polyfit(x, y[has], 1)
      line = (float(slope), float(intercept), (float(x.min()), float(x.max())))
    shares = _isotonic(inside, voxels)
    return Chooser(organ, shares, *line, cases.grid, in_ml)

  def choose(self, cases: _cohort_counts.Cases) -> Mapping[str, np.ndarray]:
    """Thresholds for cases, of whose labels nothing is used.

    Returns:
      Method -> float64 `[case]`, thresholds that cases are counted at: what is
      scored is what is cut.

    Raises:
      DataError: A case's counts are at other thresholds, or the size of its
        voxels is needed and not known.
    """
    count = len(cases.names)
    if cases.grid != self.grid:
      raise errors.DataError(
        f"counts at {cases.grid} thresholds, but the choice was learnt at"
        f" {self.grid}; count again with as many"
      )
    bare = ~np.isfinite(cases.voxel_ml)
    if self.in_ml and self.slope and bare.any():
      raise errors.DataError(
        f"{_text.shown(cases.names[int(bare.argmax())])}: the size of its"
        " voxels is not known, and thresholds follow the volume in mL; give"
        " maps with geometry, or choose by expected"
      )
    x = np.clip(_log_volume(cases, self.organ, self.in_ml), *self.range)
    by_volume = np.clip(self.intercept + self.slope * x, 0, 1)
    even = np.asarray(thresholds.grid(self.grid), np.float64)
    by_volume = even[np.rint(by_volume * (self.grid - 1)).astype(np.int64)]
    return {
      "organ": np.full(count, self.organ),
      "half": np.full(count, 0.5),
      "expected": self._expected(cases),
      "volume": by_volume if self.slope else np.full(count, self.organ),
    }

  def _expected(self, cases: _cohort_counts.Cases) -> np.ndarray:
    voxels = cases.counts.positive + cases.counts.negative  # [case, T + 1]
    inside = voxels * self.frequencies
    # Voxels at or above each threshold lie in the intervals beyond it.
    found, true = (
      np.cumsum(side[:, ::-1], axis=1)[:, ::-1][:, 1:]
      for side in (voxels.astype(np.float64), inside)
    )
    size = found + inside.sum(1, keepdims=True)
    with np.errstate(invalid="ignore", divide="ignore"):
      dice = np.where(size > 0, 2 * true / size, 0)
    grid = np.asarray(cases.counts.thresholds, np.float64)
    return np.array([grid[_middle(curve)] for curve in dice])

  def of_map(
    self, probabilities: np.ndarray, method: str, *, voxel_ml: float = np.nan
  ) -> float:
    """The threshold of one map.

    Args:
      probabilities: float32, any shape.
      method: "expected" or "volume".
      voxel_ml: Volume of a voxel, mL.

    Raises:
      DataError: The size of its voxels is needed and not known.
    """
    counts = thresholds.count_case(
      probabilities,
      np.zeros(probabilities.shape, np.bool_),
      thresholds.fine_grid(self.grid),
    )
    case = _cohort_counts.Cases(
      ("the map",),
      thresholds.Counts.stack([counts]),
      self.grid,
      np.array([voxel_ml]),
    )
    return float(self.choose(case)[method][0])

  def to_json(self) -> dict[str, Any]:
    """Itself as JSON, from which `from_json` makes the same."""
    steps = np.flatnonzero(np.diff(self.frequencies, prepend=-1))
    return {
      "organ": self.organ,
      "slope": self.slope,
      "intercept": self.intercept,
      "range": list(self.range),
      "grid": self.grid,
      "in_ml": self.in_ml,
      "frequencies": [[int(k), float(self.frequencies[k])] for k in steps],
    }

  @staticmethod
  def from_json(content: Any) -> "Chooser":
    """What `to_json` gave.

    Raises:
      DataError: An entry is missing or malformed.
    """
    try:
      grid = int(content["grid"])
      place = np.array([k for k, _ in content["frequencies"]], np.int64)
      share = np.array([v for _, v in content["frequencies"]], np.float64)
      many = np.diff(np.append(place, len(thresholds.fine_grid(grid)) + 1))
      low, high = map(float, content["range"])
      organ, slope, intercept = (
        float(content[name]) for name in ("organ", "slope", "intercept")
      )
      every = np.array([organ, slope, intercept, low, high, *share])
      if place[0] != 0 or not (many > 0).all() or not np.isfinite(every).all():
        raise ValueError("numbers out of order")
      if not 0 <= organ <= 1 or (share < 0).any() or (share > 1).any():
        raise ValueError("no shares from 0 to 1")
      return Chooser(
        organ=organ,
        frequencies=np.repeat(share, many),
        slope=slope,
        intercept=intercept,
        range=(low, high),
        grid=grid,
        in_ml=bool(content["in_ml"]),
      )
    except (KeyError, IndexError, TypeError, ValueError) as e:
      raise errors.DataError(
        f"the choice per patient is malformed ({e}); sweep again with"
        " --per_case"
      ) from e


def best_of_each(cases: _cohort_counts.Cases) -> np.ndarray:
  """Where each case has its best Dice, `[case]`; nan without a structure."""
  return np.array(
    [
      thresholds.optimum(cases.even[k]).threshold if there else np.nan
      for k, there in enumerate(cases.reference > 0)
    ]
  )


def _log_volume(
  cases: _cohort_counts.Cases, threshold: float, in_ml: bool
) -> np.ndarray:
  """Logarithm of the volume found there, mL or voxels."""
  found = cases.predicted[:, cases.index(threshold)].astype(np.float64)
  unit = cases.voxel_ml if in_ml else np.ones(len(found))
  return np.log(np.maximum(found, 1) * np.where(np.isfinite(unit), unit, 1.0))


def _isotonic(inside: np.ndarray, voxels: np.ndarray) -> np.ndarray:
  """Share that is inside between each two thresholds, made never to fall.

  What holds no voxel takes the share of what is below.
  """
  from scipy import optimize  # Slow to import.

  known = voxels > 0
  share = inside[known] / voxels[known]
  fitted = optimize.isotonic_regression(share, weights=voxels[known]).x
  last = np.maximum(np.cumsum(known) - 1, 0)
  return np.asarray(fitted)[last]


def _middle(curve: np.ndarray) -> int:
  """Middle of the plateau about the first highest value."""
  best = int(curve.argmax())
  beyond = np.flatnonzero(curve[best:] < curve[best] - _NEAR)
  last = best + int(beyond[0]) - 1 if len(beyond) else len(curve) - 1
  return (best + last) // 2
