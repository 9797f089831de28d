"""Scores of many cases in one row for each structure and metric."""

import collections
from collections.abc import Collection, Mapping, Sequence
import math
from typing import Any

import numpy as np
from scipy import stats

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
  "added_path_mm": "length",
  "component_dice": "overlap",
}
_LEVEL = 0.95


def settled(
  rows: Sequence[Mapping[str, Any]], expected: Collection[str] = ()
) -> Rows:
  """Scores in which a structure that nobody has predicted is no miss.

  Args:
    rows: What `evaluate_case` gave, of all cases.
    expected: Structures that count as missed even so.

  Returns:
    The same rows by structure and case. Where no prediction names a structure,
    its status is "not predicted", and its metrics are left out.
  """
  names = {row["structure"] for row in rows if row.get("prediction_name")}
  names |= {*expected}
  found = []
  for row in rows:
    kept = {name: value for name, value in row.items() if name != "named"}
    if row["structure"] not in names and row["status"] != "refused":
      about = ("case", "structure", "prediction_name", "reference_name")
      kept = {name: row.get(name, "") for name in about}
      kept |= {"status": "not predicted", "reason": "in no prediction"}
    found.append(kept)
  return sorted(found, key=lambda row: (row["structure"], row["case"]))


def evaluation_summary(
  rows: Sequence[Mapping[str, Any]],
  *,
  patients: Mapping[str, str] | None = None,
  worst_distance: float = math.inf,
) -> Rows:
  """Each structure and metric over all cases.

  A missed structure has the worst value, and so has a hallucinated one; neither
  improves a mean by being left out. The path that a missed structure adds is
  its whole contour. Of a patient with several cases their mean counts, in means
  and medians as in their intervals of 95 %: see `mean_interval` and
  `median_interval`.

  Args:
    rows: What `settled` gave.
    patients: Case -> patient, where some have several; None is one each.
    worst_distance: What a missed structure counts as, mm.

  Returns:
    Rows of "structure", "metric", "mean" and "median" with "_low" and "_high",
    "worst" and "worst_case", the numbers "cases", "patients" (of those that
    are not both empty, which no mean has), "scored",
    "missed", "hallucinated", "both_empty", "no_reference", "not_predicted",
    "refused" and, with a finite value, "finite".
  """
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
      "patients": len(
        {
          patient
          for patient, row in zip(of, scored, strict=True)
          if row["status"] != "both empty"
        }
      ),
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
          **_aggregated(scored, of, metric, kind, worst_distance),
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
  worst_distance: float,
) -> dict[str, Any]:
  """One metric of one structure."""
  # Cases without geometry have no distances.
  kept = [k for k, row in enumerate(rows) if metric in row]
  full = {k: _valued(rows[k], metric, kind, worst_distance) for k in kept}
  known = {k: value for k, value in full.items() if not math.isnan(value)}
  own: dict[str, list[float]] = {}
  for k, value in known.items():
    own.setdefault(patients[k], []).append(value)
  means = np.array([float(np.mean(one)) for one in own.values()])
  highest = {"overlap": 1.0, "distance": worst_distance, "length": math.inf}
  mean_low, mean_high = mean_interval(means, ends=(0.0, highest[kind]))
  median_low, median_high = median_interval(means)
  pick = min if kind == "overlap" else max
  worst = pick(known, key=lambda k: known[k]) if known else None
  return {
    "mean": float(means.mean()) if known else math.nan,
    "mean_low": mean_low,
    "mean_high": mean_high,
    "median": float(np.median(means)) if known else math.nan,
    "median_low": median_low,
    "median_high": median_high,
    "worst": None if worst is None else known[worst],
    "worst_case": "" if worst is None else rows[worst]["case"],
    "finite": int(np.isfinite(list(known.values())).sum()),
  }


def _valued(
  row: Mapping[str, Any], metric: str, kind: str, worst_distance: float
) -> float:
  """A case's value as it counts in the aggregate."""
  value = float(row[metric])
  if kind == "length":  # Of a missed structure: all that has to be drawn.
    return value
  far = kind == "distance"
  if row["status"] in ("missed", "hallucinated"):
    value = worst_distance if far else 0.0
  return min(value, worst_distance) if far else value


def mean_interval(
  values: np.ndarray,
  *,
  level: float = _LEVEL,
  ends: tuple[float, float] = (-math.inf, math.inf),
) -> tuple[float, float]:
  """Interval of a mean, by Student's t made symmetric by Hall's transformation.

  Dice piles up near 1 and distances have a long tail, so an interval that is
  symmetric about the mean is too short on one side.

  Args:
    values: One of each patient, `[patient]`.
    level: Share of samples whose interval holds the truth.
    ends: No mean lies beyond these.

  Returns:
    Its ends; nan where it has none, as of a single value or an infinite one.

  References:
    Hall, On the removal of skewness by transformation, Journal of the Royal
    Statistical Society B 54 (1992) 221-228.
  """
  number = len(values)
  if number < 2 or not np.isfinite(values).all():
    return math.nan, math.nan
  mean, spread = float(values.mean()), float(values.std(ddof=1))
  if spread <= 1e-12 * max(1.0, abs(mean)):
    return mean, mean
  skew = float(((values - mean) ** 3).mean()) / spread**3
  reach = float(stats.t.ppf((1 + level) / 2, number - 1)) / math.sqrt(number)
  low, high = (
    mean - spread * _unskewed(side * reach, skew, number) for side in (1, -1)
  )
  return max(low, ends[0]), min(high, ends[1])


def _unskewed(value: float, skew: float, number: int) -> float:
  """The inverse of Hall's transformation."""
  if abs(skew) < 1e-6:
    return value
  root = np.cbrt(1 + skew * (value - skew / (6 * number)))
  return float(3 / skew * (root - 1))


def median_interval(
  values: np.ndarray, level: float = _LEVEL
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
