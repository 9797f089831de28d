"""A threshold for each patient, chosen without that patient's labels.

Four ways, all fitted on the patients to choose on and compared on the others:

- `half`: 0.5 for everyone.
- `organ`: the optimum of the patients to choose on, for everyone.
- `expected`: where the map itself, calibrated, expects its Dice to be highest.
- `volume`: by a line on the volume that the organ's threshold finds, after
  Valcarcel et al. 2020 (TAPAS), who did so for lesions of white matter.

Everything is a function of counts. A case's own label-free part of them is how
many of its voxels lie between two thresholds.
"""

from collections.abc import Mapping
import dataclasses
from typing import Any

import numpy as np

from jaxseg import thresholds
from jaxseg.study import _choice
from jaxseg.study import _cohort_counts

METHODS = ("organ", "half", "expected", "volume")
_FOLDS = 10
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
  """

  organ: float
  frequencies: np.ndarray
  slope: float
  intercept: float
  range: tuple[float, float]

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
    inside = cases.counts.positive.sum(0).astype(np.float64)
    voxels = inside + cases.counts.negative.sum(0)
    line = (0.0, organ, (0.0, 0.0))
    has = np.flatnonzero(cases.reference > 0)
    x = _log_volume(cases, organ)[has]
    if len(has) >= 3 and np.ptp(x) > 0:
      y = _own(cases) if best is None else best
      slope, intercept = np.polyfit(x, y[has], 1)
      line = (float(slope), float(intercept), (float(x.min()), float(x.max())))
    return Chooser(organ, _isotonic(inside, voxels), *line)

  def choose(self, cases: _cohort_counts.Cases) -> Mapping[str, np.ndarray]:
    """Thresholds for cases, of whose labels nothing is used.

    Returns:
      Method -> float64 `[case]`, thresholds of the even grid.
    """
    count = len(cases.names)
    x = np.clip(_log_volume(cases, self.organ), *self.range)
    by_volume = np.clip(self.intercept + self.slope * x, 0, 1)
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


def per_case_rows(
  choose_on: _cohort_counts.Cases,
  score_on: _cohort_counts.Cases,
  settings: _choice.Settings,
) -> list[dict[str, Any]]:
  """A row for each way of choosing: its Dice, and its gain over `organ`.

  Args:
    choose_on: Cases with labels that everything is fitted on.
    score_on: Cases that it is compared on. The same object stands for maps
      without other patients: each case's threshold is then fitted on the
      patients of the other folds.
    settings: Number of resamples, seed and level of the intervals, which are
      of the paired difference of each patient's Dice.

  Returns:
    Rows with method, cases, dice_mean_case, dice_pooled, gain (mean over the
    cases with the structure), gain_low and gain_high.
  """
  chosen = case_thresholds(choose_on, score_on)
  has = score_on.reference > 0
  scores = {name: _dice(score_on, cuts) for name, cuts in chosen.items()}
  rows: list[dict[str, Any]] = []
  for name in METHODS:
    gain = scores[name][0] - scores["organ"][0]
    low, high = _interval(gain[has], _patients(score_on)[has], settings)
    rows.append(
      {
        "method": name,
        "cases": int(has.sum()),
        "dice_mean_case": float(scores[name][0][has].mean()),
        "dice_pooled": scores[name][1],
        "gain": float(gain[has].mean()),
        "gain_low": low,
        "gain_high": high,
      }
    )
  return rows


def case_threshold_rows(
  choose_on: _cohort_counts.Cases, score_on: _cohort_counts.Cases
) -> list[dict[str, Any]]:
  """A row for each case scored: its threshold and Dice by each method."""
  chosen = case_thresholds(choose_on, score_on)
  scores = {name: _dice(score_on, cuts)[0] for name, cuts in chosen.items()}
  return [
    {
      "case": case,
      **{f"threshold_{m}": _choice.decimal(chosen[m][k]) for m in METHODS},
      **{f"dice_{m}": float(scores[m][k]) for m in METHODS},
    }
    for k, case in enumerate(score_on.names)
  ]


def case_thresholds(
  choose_on: _cohort_counts.Cases, score_on: _cohort_counts.Cases
) -> Mapping[str, np.ndarray]:
  """Method -> threshold of each case scored, float64 `[case]`."""
  if choose_on is not score_on:
    return Chooser.fit(choose_on).choose(score_on)
  patients, best = _patients(score_on), _own(score_on)
  folds = patients % min(_FOLDS, int(patients.max()) + 1)
  found = {name: np.empty(len(patients)) for name in METHODS}
  for fold in np.unique(folds):
    own = np.flatnonzero(folds == fold)
    others = np.flatnonzero(folds != fold)
    if not (score_on.reference[others] > 0).any():
      others = np.arange(len(folds))
    chooser = Chooser.fit(_some(score_on, others), best[others])
    for name, cuts in chooser.choose(_some(score_on, own)).items():
      found[name][own] = cuts
  return found


def _own(cases: _cohort_counts.Cases) -> np.ndarray:
  """Where each case has its best Dice, `[case]`; nan without a structure."""
  return np.array(
    [
      thresholds.optimum(cases.even[k]).threshold if there else np.nan
      for k, there in enumerate(cases.reference > 0)
    ]
  )


def _some(
  cases: _cohort_counts.Cases, which: np.ndarray
) -> _cohort_counts.Cases:
  return _cohort_counts.Cases(
    tuple(cases.names[k] for k in which),
    cases.counts[which],
    cases.grid,
    cases.voxel_ml[which],
    patients=tuple(cases.patients[k] for k in which),
  )


def _patients(cases: _cohort_counts.Cases) -> np.ndarray:
  """Number of each case's patient, in the order of their first cases."""
  number = {name: k for k, name in enumerate(dict.fromkeys(cases.patients))}
  return np.array([number[name] for name in cases.patients])


def _log_volume(cases: _cohort_counts.Cases, threshold: float) -> np.ndarray:
  """Logarithm of the volume found there, mL, or voxels where none is known."""
  found = cases.predicted[:, cases.index(threshold)].astype(np.float64)
  unit = np.where(np.isfinite(cases.voxel_ml), cases.voxel_ml, 1.0)
  return np.log(np.maximum(found, 1) * unit)


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


def _dice(
  cases: _cohort_counts.Cases, cuts: np.ndarray
) -> tuple[np.ndarray, float]:
  """Dice of each case at its own threshold, and of all voxels together."""
  grid = np.asarray(cases.counts.thresholds)
  place = np.searchsorted(grid, cuts.astype(np.float32), side="left")
  every = np.arange(len(cuts))
  place = np.minimum(place, len(grid) - 1)
  true = cases.counts.true_positive[every, place]
  wrong = cases.counts.false_positive[every, place]
  size = true + wrong + cases.reference
  with np.errstate(invalid="ignore", divide="ignore"):
    each = np.where(size > 0, 2 * true / size, np.nan)
  return each, float(2 * true.sum() / size.sum())


def _interval(
  gain: np.ndarray, patients: np.ndarray, settings: _choice.Settings
) -> tuple[float, float]:
  """Of the mean, by drawing patients with all of their cases."""
  names, of = np.unique(patients, return_inverse=True)
  if len(names) < 2:
    return float("nan"), float("nan")
  sums = np.bincount(of, gain)
  cases = np.bincount(of)
  drawn = np.random.default_rng(settings.seed).integers(
    len(names), size=(settings.resamples, len(names))
  )
  means = sums[drawn].sum(1) / cases[drawn].sum(1)
  tails = [50 * (1 - settings.level), 50 * (1 + settings.level)]
  low, high = np.percentile(means, tails)
  return float(low), float(high)
