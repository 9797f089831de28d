"""What counts of anyone's maps say: the tables of one structure."""

from collections.abc import Mapping, Sequence
import dataclasses
from typing import Any

import numpy as np

from jaxseg import errors
from jaxseg import metrics
from jaxseg import thresholds
from jaxseg.study import _maps

AGGREGATES = ("pooled", "mean_case")
_METRICS = ("dice", "iou", "precision", "recall", "specificity")
_SHIFTS = (-0.1, -0.05, 0.05, 0.1)


@dataclasses.dataclass(frozen=True)
class MapSettings:
  """How an optimum is chosen and how sure one can be of it.

  Attributes:
    objective: As in `thresholds.optimum`.
    resamples: Of the patient bootstrap; below 2 cases there is none.
    seed: Of the bootstrap and of the folds.
    epsilon: Of the width of the optimum.
    level: Of the intervals.
  """

  objective: str = "dice"
  resamples: int = 2000
  seed: int = 0
  epsilon: float = 0.01
  level: float = 0.95

  def __post_init__(self):
    thresholds.check_criterion(self.objective)
    if self.resamples < 2:
      raise errors.ConfigError(f"{self.resamples} resamples; take at least 2")


def map_curve_rows(
  found: _maps.MapCounts, settings: MapSettings
) -> list[dict[str, Any]]:
  """A row for each threshold: metrics, and the interval of Dice."""
  counts = found.even
  columns: dict[str, np.ndarray] = {
    "threshold": np.asarray(counts.thresholds, np.float64)
  }
  for metric in _METRICS:
    columns[metric] = thresholds.curve(
      counts, metric=metric, aggregate="pooled"
    )
  columns["volume_difference"] = thresholds.curve(
    counts, metric="volume_difference", aggregate="pooled"
  )
  columns["dice_mean_case"] = thresholds.curve(
    counts, empty="skip", aggregate="mean_case"
  )
  if _many(counts):
    low, high = thresholds.bootstrap(
      counts, "curve", resamples=settings.resamples, seed=settings.seed
    ).interval(settings.level)
    columns |= {"dice_low": low, "dice_high": high}
  return [
    {name: float(values[k]) for name, values in columns.items()}
    for k in range(len(counts.thresholds))
  ]


def map_optimum_rows(
  found: _maps.MapCounts, settings: MapSettings
) -> list[dict[str, Any]]:
  """A row for each aggregate: the optimum, how sure, and what it is worth.

  Raises:
    DataError: No case has the structure, or the sum of all keeps no bound; a
      mean that keeps none has no row.
  """
  counts = found.even
  rows: list[dict[str, Any]] = []
  for aggregate in AGGREGATES:
    how = {"criterion": settings.objective, "aggregate": aggregate}
    try:
      best = thresholds.optimum(counts, epsilon=settings.epsilon, **how)
    except errors.DataError:
      if not rows:
        raise
      continue  # A bound that is kept of the sum, and not of the mean.
    row: dict[str, Any] = {
      "criterion": settings.objective,
      "aggregate": aggregate,
      "cases": len(found.names),
      "threshold": _decimal(best.threshold),
      "value": best.value,
      "plateau_low": _decimal(best.low),
      "plateau_high": _decimal(best.high),
      "near_low": _decimal(best.near_low),
      "near_high": _decimal(best.near_high),
      "epsilon": best.epsilon,
    }
    dice = thresholds.curve(counts, empty="skip", aggregate=aggregate)
    row["dice"] = float(dice[best.index])
    row["dice_half"] = float(dice[_nearest(counts, 0.5)])
    row |= _sensitivity(counts, best.threshold, aggregate)
    if _many(counts):
      row |= _uncertainty(counts, settings, aggregate)
    rows.append(row)
  return rows


def map_surface_rows(found: _maps.MapCounts) -> list[dict[str, Any]]:
  """A row for each of 101 thresholds: surface metrics of the cases.

  A missed or hallucinated structure is infinitely far, so distances are medians
  and become infinite where half of the cases are missed; cases without both are
  left out.

  Args:
    found: Counts with surfaces.
  """
  if found.surfaces is None:
    return []
  reference = np.asarray(found.counts.positive).sum(-1)
  rows: list[dict[str, Any]] = []
  for k, cut in enumerate(thresholds.grid(_maps.SURFACE_CUTS)):
    hd95, assd, nsd, predicted = found.surfaces[:, :, k].T
    far, mean, near = (
      metrics.aggregate(values, predicted, reference, kind=kind)
      for values, kind in (
        (hd95, "distance"),
        (assd, "distance"),
        (nsd, "overlap"),
      )
    )
    rows.append(
      {
        "threshold": _decimal(cut),
        "hd95_mm": far.median,
        "assd_mm": mean.median,
        "nsd_2mm": near.mean,
        "cases": near.n_cases,
        "missed": near.n_missed,
        "hallucinated": near.n_hallucinated,
      }
    )
  return rows


def map_surface_optima(
  rows: Sequence[Mapping[str, Any]],
) -> list[dict[str, Any]]:
  """The best threshold for each surface metric, the middle of equal ones."""
  found = []
  for metric, sign in (("hd95_mm", -1), ("assd_mm", -1), ("nsd_2mm", 1)):
    values = sign * np.array([row[metric] for row in rows])
    if not np.isfinite(values).any():
      continue
    best = np.flatnonzero(values == np.nanmax(values))
    # As for Dice: the widest run of equal ones, and of these the first.
    runs = np.split(best, np.flatnonzero(np.diff(best) > 1) + 1)
    run = max(runs, key=len)
    row = rows[(int(run[0]) + int(run[-1])) // 2]
    found.append(
      {"metric": metric, "threshold": row["threshold"], "value": row[metric]}
    )
  return found


def _sensitivity(
  counts: thresholds.Counts, threshold: float, aggregate: str
) -> dict[str, float]:
  lost = thresholds.sensitivity(
    counts, perturbations=_SHIFTS, aggregate=aggregate, threshold=threshold
  )
  row = {
    f"reduction_{'minus' if shift < 0 else 'plus'}_{abs(shift):g}": float(value)
    for shift, value in zip(_SHIFTS, lost, strict=True)
  }
  # Of Dice as are the reductions, whatever the threshold was chosen for.
  row["dice_regret_half"] = thresholds.regret(counts, aggregate=aggregate)
  return row


def _uncertainty(
  counts: thresholds.Counts, settings: MapSettings, aggregate: str
) -> dict[str, float]:
  """Intervals by bootstrap, and the choice without the patient scored."""
  row: dict[str, Any] = {"left_out_value": None, "optimism": None}
  try:
    nested = thresholds.nested(
      counts, criterion=settings.objective, aggregate=aggregate
    )
  except errors.DataError:
    # Without one of the patients no threshold keeps the bound.
    pass
  else:
    row |= {"left_out_value": nested.held_out, "optimism": nested.optimism}
  drawn: dict[str, Any] = {
    "resamples": settings.resamples,
    "seed": settings.seed,
  }
  how: dict[str, Any] = {
    "criterion": settings.objective,
    "aggregate": aggregate,
  }
  if ">=" in settings.objective:

    def both(some: thresholds.Counts) -> np.ndarray:
      best = thresholds.optimum(some, **how)
      return np.array([best.threshold, best.value])

    low, high = thresholds.bootstrap(counts, both, **drawn).interval(
      settings.level
    )
    ends = [(low[0], high[0]), (low[1], high[1])]
  else:
    ends = [
      thresholds.bootstrap(counts, name, **drawn, **how).interval(
        settings.level
      )
      for name in ("threshold", "value")
    ]
  for name, (first, last) in zip(("threshold", "value"), ends, strict=True):
    row |= {
      f"{name}_low": _decimal(float(first)),
      f"{name}_high": _decimal(float(last)),
    }
  return row | {
    "level": settings.level,
    "resamples": settings.resamples,
    "patients": len(counts.positive),
    "patients_with_structure": _with_structure(counts),
  }


def map_case_rows(
  found: _maps.MapCounts, threshold: float
) -> list[dict[str, Any]]:
  """A row for each case at a threshold, at 0.5, and at its own optimum.

  Args:
    found: Counts of the cases.
    threshold: That of the pooled optimum.
  """
  counts = found.even
  at, half = _nearest(counts, threshold), _nearest(counts, 0.5)
  rows: list[dict[str, Any]] = []
  for place, name in enumerate(found.names):
    own = counts[place]
    dice = thresholds.curve(own)
    reference = int(own.positive.sum())
    predicted = int(own.true_positive[at] + own.false_positive[at])
    row: dict[str, Any] = {
      "case": name,
      "reference_voxels": reference,
      "reference_ml": reference * float(found.voxel_ml[place]),
      "predicted_voxels": predicted,
      "dice": float(dice[at]),
      "dice_half": float(dice[half]),
      "own_threshold": None,
      "own_dice": None,
      "missed": bool(reference and not predicted),
      "hallucinated": bool(predicted and not reference),
    }
    if reference:
      best = thresholds.optimum(own)
      row |= {"own_threshold": _decimal(best.threshold), "own_dice": best.value}
    rows.append(row)
  return rows


def map_calibration(found: _maps.MapCounts) -> dict[str, Any]:
  """Whether the optimum lies where calibrated probabilities put it.

  Returns:
    JSON-able: errors of calibration, the fitted temperature, and the expected
    optimum as the maps are and at that temperature, which is fitted on these
    very cases; None where no temperature is better than another.
  """
  counts = found.counts
  curve = thresholds.reliability(counts)
  expected = thresholds.expected_optimum(counts)
  fitted: dict[str, Any] = dict.fromkeys(
    ("temperature", "expected_threshold_calibrated", "expected_dice_calibrated")
  )
  try:
    temperature = thresholds.fit_temperature(counts)
  except errors.DataError:
    pass  # Of a constant map no temperature is better than another.
  else:
    soft = thresholds.with_temperature(counts, temperature)
    after = thresholds.expected_optimum(soft)
    fitted = {
      "temperature": temperature,
      "expected_threshold_calibrated": _decimal(
        _back(after.threshold, temperature)
      ),
      "expected_dice_calibrated": after.value,
    }
  best = thresholds.optimum(found.even)
  return {
    "expected_calibration_error": curve.expected_error,
    "maximum_calibration_error": curve.maximum_error,
    "brier": thresholds.brier(counts),
    "negative_log_likelihood": thresholds.negative_log_likelihood(counts),
    "empirical_threshold": _decimal(best.threshold),
    "half_of_best_dice": best.value / 2,
    "expected_threshold": _decimal(expected.threshold),
    "expected_dice": expected.value,
    **fitted,
  }


def _back(threshold: float, temperature: float) -> float:
  """A threshold of the calibrated map as one of the map as it is."""
  if not 0 < threshold < 1:
    return threshold
  odds = (threshold / (1 - threshold)) ** temperature
  return float(odds / (1 + odds))


def _decimal(threshold: float) -> float:
  """The shortest number that is the same float32: 0.258."""
  return float(str(np.float32(threshold)))


def _many(counts: thresholds.Counts) -> bool:
  """Whether there are patients to resample and to leave out."""
  return _with_structure(counts) >= 2


def _with_structure(counts: thresholds.Counts) -> int:
  return int((counts.positive.sum(-1) > 0).sum())


def _nearest(counts: thresholds.Counts, threshold: float) -> int:
  grid = np.asarray(counts.thresholds, np.float64)
  return int(np.abs(grid - threshold).argmin())


def missed_and_hallucinated(rows: Sequence[dict[str, Any]]) -> tuple[int, int]:
  """How many cases of `map_case_rows` were missed and hallucinated."""
  missed = sum(row["missed"] for row in rows)
  return missed, sum(row["hallucinated"] for row in rows)
