"""Scores of many cases in one row for each structure and metric."""

from collections.abc import Mapping, Sequence
import collections
import dataclasses
import math
from typing import Any

import numpy as np
from scipy import stats

from jaxseg import errors
from jaxseg import metrics
from jaxseg.study import _evaluate

Rows = list[dict[str, Any]]
# Columns of scores -> what they are; NSD columns depend on the tolerances.
_KINDS = {
  "dice": "overlap",
  "iou": "overlap",
  "precision": "overlap",
  "recall": "overlap",
  "volume_similarity": "overlap",
  "hd95_mm": "distance",
  "hd_mm": "distance",
  "assd_mm": "distance",
  "masd_mm": "distance",
  "added_path_mm": "distance",
  "component_dice": "overlap",
}
# Below, a sample tells too little of its own shape to be resampled.
_FEW = 8


@dataclasses.dataclass(frozen=True)
class Intervals:
  """How sure a mean or a median over patients is.

  Attributes:
    level: Share of samples whose interval holds the truth.
    resamples: Resamples of the patients.
    seed: Of the resamples.
  """

  level: float = 0.95
  resamples: int = 2000
  seed: int = 0

  def __post_init__(self) -> None:
    if not 0 < self.level < 1:
      raise errors.ConfigError(f"level {self.level}: give one from 0 to 1")
    if self.resamples < 100:
      raise errors.ConfigError(
        f"{self.resamples} resamples are too few for an interval; give 100 or"
        " more (--resamples)"
      )


def settled(rows: Sequence[Mapping[str, Any]]) -> Rows:
  """Scores in which a structure that nobody has predicted is no miss.

  Args:
    rows: What `evaluate_case` gave, of all cases.

  Returns:
    The same rows by structure and case. Where no prediction names a structure,
    its status is "not predicted", and its metrics are left out.
  """
  names = collections.Counter(
    row["structure"] for row in rows if row.get("prediction_name")
  )
  found = []
  for row in rows:
    kept = {name: value for name, value in row.items() if name != "named"}
    if not names[row["structure"]] and row["status"] != "refused":
      about = ("case", "structure", "prediction_name", "reference_name")
      kept = {name: row.get(name, "") for name in about}
      kept |= {"status": "not predicted", "reason": "in no prediction"}
    found.append(kept)
  return sorted(found, key=lambda row: (row["structure"], row["case"]))


def evaluation_summary(
  rows: Sequence[Mapping[str, Any]],
  *,
  patients: Mapping[str, str] | None = None,
  intervals: Intervals | None = None,
  worst_distance: float = math.inf,
) -> Rows:
  """Each structure and metric over all cases.

  A missed structure has the worst value, and so has a hallucinated one; neither
  improves a mean by being left out. The interval of a mean is that of the
  bootstrap-t over patients, of fewer than eight that of Student's t; that of a
  median is between two order statistics, and holds for any distribution.

  Args:
    rows: What `settled` gave.
    patients: Case -> patient, where some have several; None is one each.
    intervals: How they are made.
    worst_distance: What a missed structure counts as, mm.

  Returns:
    Rows of "structure", "metric", "mean" and "median" with "_low" and "_high",
    "worst" and "worst_case", the numbers "cases", "patients", "scored",
    "missed", "hallucinated", "both_empty", "no_reference", "not_predicted",
    "refused" and, with a finite value, "finite".

  References:
    Hall, Annals of Statistics 16 (1988) 927-953, doi:10.1214/aos/1176350933.
  """
  how = intervals or Intervals()
  by_structure: dict[str, list[Mapping[str, Any]]] = {}
  for row in rows:
    by_structure.setdefault(row["structure"], []).append(row)
  found: Rows = []
  for structure, own in by_structure.items():
    counts = collections.Counter(row["status"] for row in own)
    scored = [row for row in own if row["status"] in _evaluate.SCORED]
    of = [(patients or {}).get(row["case"], row["case"]) for row in scored]
    numbers = {
      "cases": len(scored),
      "patients": len(set(of)),
      **{
        status.replace(" ", "_"): counts[status]
        for status in (
          *_evaluate.SCORED,
          "no reference",
          "not predicted",
          "refused",
        )
      },
    }
    if not scored:
      found.append({"structure": structure, "metric": "dice", **numbers})
      continue
    for metric, kind in _metrics_of(scored):
      found.append(
        {
          "structure": structure,
          "metric": metric,
          **_aggregated(scored, of, metric, kind, how, worst_distance),
          **numbers,
        }
      )
  return found


def _metrics_of(
  rows: Sequence[Mapping[str, Any]],
) -> list[tuple[str, str]]:
  """Metrics that some row has, with their kinds."""
  there = list(dict.fromkeys(name for row in rows for name in row))
  return [
    (name, _KINDS.get(name, "overlap"))
    for name in there
    if name in _KINDS or name.startswith("nsd_")
  ]


def _aggregated(
  rows: Sequence[Mapping[str, Any]],
  patients: Sequence[str],
  metric: str,
  kind: str,
  how: Intervals,
  worst_distance: float,
) -> dict[str, Any]:
  """One metric of one structure."""
  # Cases without geometry have no distances.
  kept = [k for k, row in enumerate(rows) if metric in row]
  values = [float(rows[k][metric]) for k in kept]
  found = metrics.aggregate(
    np.array(values),
    np.array([rows[k]["predicted_voxels"] for k in kept]),
    np.array([rows[k]["reference_voxels"] for k in kept]),
    kind=kind,
    worst_distance=worst_distance,
  )
  far = kind == "distance"
  full = {k: _valued(rows[k], metric, far, worst_distance) for k in kept}
  known = {k: value for k, value in full.items() if not math.isnan(value)}
  own: dict[str, list[float]] = {}
  for k, value in known.items():
    own.setdefault(patients[k], []).append(value)
  means = np.array([float(np.mean(one)) for one in own.values()])
  ends = (0.0, math.inf) if far else (0.0, 1.0)
  mean_low, mean_high = mean_interval(means, how, ends=ends)
  median_low, median_high = median_interval(means, how.level)
  pick = max if far else min
  worst = pick(known, key=lambda k: known[k]) if known else None
  return {
    "mean": found.mean,
    "mean_low": mean_low,
    "mean_high": mean_high,
    "median": found.median,
    "median_low": median_low,
    "median_high": median_high,
    "worst": None if worst is None else known[worst],
    "worst_case": "" if worst is None else rows[worst]["case"],
    "finite": found.n_finite,
  }


def _valued(
  row: Mapping[str, Any], metric: str, far: bool, worst_distance: float
) -> float:
  """A case's value as it counts in the aggregate."""
  value = float(row[metric])
  if row["status"] in ("missed", "hallucinated"):
    value = worst_distance if far else 0.0
  return min(value, worst_distance) if far else value


def mean_interval(
  values: np.ndarray,
  how: Intervals,
  *,
  ends: tuple[float, float] = (-math.inf, math.inf),
) -> tuple[float, float]:
  """Interval of a mean, by bootstrap-t; of few values by Student's t.

  Args:
    values: One of each patient, `[patient]`.
    how: Level, resamples and seed.
    ends: No mean lies beyond these.

  Returns:
    Its ends; nan where it has none, as of a single value or an infinite one.
  """
  number = len(values)
  if number < 2 or not np.isfinite(values).all():
    return math.nan, math.nan
  mean, spread = values.mean(), values.std(ddof=1)
  if spread <= 1e-12 * max(1.0, abs(mean)):
    return float(mean), float(mean)
  error = spread / math.sqrt(number)
  tails = np.array([(1 - how.level) / 2, (1 + how.level) / 2])
  below, above = stats.t.ppf(tails, number - 1)
  if number >= _FEW:
    draws = np.random.default_rng(how.seed).integers(
      number, size=(how.resamples, number)
    )
    taken = values[draws]
    errors_of = taken.std(axis=1, ddof=1) / math.sqrt(number)
    told = errors_of > 1e-9 * error
    if told.mean() > 0.99:
      apart = (taken.mean(axis=1) - mean)[told] / errors_of[told]
      below, above = np.quantile(apart, tails)
  low, high = mean - above * error, mean - below * error
  return float(max(low, ends[0])), float(min(high, ends[1]))


def median_interval(
  values: np.ndarray, level: float = 0.95
) -> tuple[float, float]:
  """Interval of a median between two order statistics.

  Whatever the distribution, it holds the median in at least this share of
  samples; infinite values are no exception.

  Args:
    values: One of each patient, `[patient]`.
    level: The share.

  Returns:
    Its ends; nan where there are too few values for this level.
  """
  number = len(values)
  below = int(stats.binom.ppf((1 - level) / 2, number, 0.5)) if number else 0
  # The largest rank whose two tails together have no more than 1 - level.
  while below > 0 and 2 * stats.binom.cdf(below - 1, number, 0.5) > 1 - level:
    below -= 1
  if below < 1:
    return math.nan, math.nan
  ordered = np.sort(values)
  return float(ordered[below - 1]), float(ordered[number - below])
