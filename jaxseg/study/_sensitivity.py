"""How much Dice a wrong threshold costs (the paper's first question)."""

from collections.abc import Sequence
import math
from typing import Any

import numpy as np

from jaxseg import thresholds
from jaxseg.study import _choice
from jaxseg.study import _cohort_counts
from jaxseg.study import _shifts
from jaxseg.study import _tables

PERTURBATIONS = tuple(round(0.01 * k, 2) for k in range(-20, 21) if k)
PAPER = 0.05


def sensitivity(
  results: Sequence[_cohort_counts.CohortCounts],
  *,
  perturbations: Sequence[float] = PERTURBATIONS,
  scope: str | None = None,
) -> list[dict[str, Any]]:
  """Relative Dice reduction about the optimum, per model.

  Args:
    results: Counts of the models.
    perturbations: Shifts of the threshold.
    scope: Of the counts; None is the first.

  Returns:
    A row per model, aggregate and perturbation. `reduction` is about the
    optimum of the validation patients, on them, as the paper has it;
    `reduction_test` about the same threshold on the test patients, where it
    can be negative. Both are nan where the shift leaves [0, 1].
  """
  shifts = tuple(perturbations)

  def rows(choose_on: _cohort_counts.Cases, score_on: _cohort_counts.Cases):
    for aggregate in _choice.AGGREGATES:
      best = thresholds.optimum(choose_on.even, aggregate=aggregate)
      own, unseen = (
        thresholds.sensitivity(
          cases.even,
          perturbations=shifts,
          aggregate=aggregate,
          threshold=best.threshold,
        )
        for cases in (choose_on, score_on)
      )
      for shift, a, b in zip(shifts, own, unseen, strict=True):
        yield {
          "aggregate": aggregate,
          "threshold": best.threshold,
          "dice": best.value,
          "perturbation": shift,
          "reduction": float(a),
          "reduction_test": float(b),
        }

  return _tables.of_models(results, lambda a, b: list(rows(a, b)), scope=scope)


def sensitivity_medians(
  rows: Sequence[dict[str, Any]],
  *,
  results: Sequence[_cohort_counts.CohortCounts] = (),
  resamples: int = 1000,
  seed: int = 0,
) -> list[dict[str, Any]]:
  """Medians over structures and both directions, by size of the shift.

  Args:
    rows: What `sensitivity` gave, of one scope.
    results: The counts that the rows are of, for 95 % intervals: structures,
      seeds and patients are drawn, and the threshold is chosen anew in each
      resample. On the validation patients, who choose it, a cost is never
      negative, so that a resample's is too large rather than too small.
    resamples: Of these.
    seed: Of the resamples.

  Returns:
    A row per objective, aggregate, size and level of negatives (the run's own
    first), with the number of values, and of those left out because the shift
    leaves [0, 1]; of counts also `_low` and `_high` of both medians.
  """
  groups: dict[tuple[str, str, float, Any], list[dict[str, Any]]] = {}
  for row in rows:
    size, level = abs(row["perturbation"]), row.get("negatives")
    key = row["objective"], row["aggregate"], size, level
    groups.setdefault(key, []).append(row)
  ends = _intervals(rows, results, resamples=resamples, seed=seed)
  return [
    {
      "objective": objective,
      "negatives": level,
      "scope": group[0]["scope"],
      "aggregate": aggregate,
      "perturbation": size,
      "structures": len({row["structure"] for row in group}),
      "values": len(group) - _left_out(group),
      "left_out": _left_out(group),
      "median_reduction": _median(group, "reduction"),
      "median_reduction_test": _median(group, "reduction_test"),
      **ends.get((objective, aggregate, size, level), {}),
    }
    for (objective, aggregate, size, level), group in sorted(
      groups.items(), key=lambda item: item[0][:3]
    )
  ]


def _intervals(
  rows: Sequence[dict[str, Any]],
  results: Sequence[_cohort_counts.CohortCounts],
  *,
  resamples: int,
  seed: int,
) -> dict[tuple[str, str, float, Any], dict[str, float]]:
  """Ends of each median's interval, by what its rows have in common."""
  shifts: dict[tuple[str, str, Any], dict[float, None]] = {}
  for row in rows:
    key = row["objective"], row["aggregate"], row.get("negatives")
    shifts.setdefault(key, {})[row["perturbation"]] = None
  ends = {}
  for (objective, aggregate, level), own in shifts.items():
    of = [
      result
      for result in results
      if (result.facts["objective"], result.facts["negatives"])
      == (objective, level)
    ]
    if not of:
      continue
    found = _shifts.intervals(
      of,
      sorted(own),
      aggregate=aggregate,
      scope=rows[0]["scope"],
      resamples=resamples,
      seed=seed,
    )
    for size, interval in found.items():
      ends[objective, aggregate, size, level] = {
        f"median_{name}": value for name, value in interval.items()
      }
  return ends


def _left_out(rows: Sequence[dict[str, Any]]) -> int:
  return sum(math.isnan(row["reduction"]) for row in rows)


def _median(rows: Sequence[dict[str, Any]], name: str) -> float:
  values = [row[name] for row in rows if not math.isnan(row[name])]
  return float(np.median(values)) if values else math.nan
