"""What the training objective does to threshold, Dice and distances."""

from collections.abc import Sequence
import math
from typing import Any

import numpy as np

from jaxseg import metrics
from jaxseg import thresholds
from jaxseg.study import _cohort_counts
from jaxseg.study import _sensitivity
from jaxseg.study import _tables

_SURFACES = (
  ("hd95{}_mm", "distance"),
  ("assd{}_mm", "distance"),
  ("nsd_2mm{}", "overlap"),
)


def objectives(
  results: Sequence[_cohort_counts.CohortCounts],
) -> list[dict[str, Any]]:
  """A row per model: test patients at 0.5 and at the validation's threshold.

  Columns with `_half` are those at 0.5. Dice, IoU and volume bias (found minus
  true volume, as a share of the true one) are pooled over the patients;
  `sensitivity` is the mean reduction of Dice 0.05 below and above the
  threshold on the validation patients, `sensitivity_test` on the others.
  Distances are medians over the test patients, so that a missed structure
  counts as infinitely far and not as absent; `missed` and `hallucinated` say
  how many, and patients with neither are left out.

  Args:
    results: Counts of the models, with surfaces of the test patients.

  Raises:
    DataError: Counts have no surfaces at the chosen threshold or at 0.5.
  """
  return _tables.of_models(results, _rows)


def _rows(
  choose_on: _cohort_counts.Cases, score_on: _cohort_counts.Cases
) -> list[dict[str, Any]]:
  best = thresholds.optimum(choose_on.even)
  pooled, per_case = (
    thresholds.curve(score_on.even, empty="skip", aggregate=aggregate)
    for aggregate in ("pooled", "mean_case")
  )
  iou, bias = (
    thresholds.curve(score_on.even, metric=metric, aggregate="pooled")
    for metric in ("iou", "volume_difference")
  )
  half = score_on.index(0.5)
  own, unseen = (
    _mean_reduction(cases, best.threshold) for cases in (choose_on, score_on)
  )
  row = {
    "test_patients": len(score_on.names),
    "threshold": best.threshold,
    "dice_optimum": float(pooled[best.index]),
    "dice_half": float(pooled[half]),
    "mean_case_dice_optimum": float(per_case[best.index]),
    "mean_case_dice_half": float(per_case[half]),
    "sensitivity": own,
    "sensitivity_test": unseen,
    "iou_optimum": float(iou[best.index]),
    "iou_half": float(iou[half]),
    "volume_bias": float(bias[best.index]),
    "volume_bias_half": float(bias[half]),
    "calibration_error": thresholds.reliability(score_on.counts).expected_error,
  }
  at = {"": (best.threshold, best.index), "_half": (0.5, half)}
  for place, (column, kind) in enumerate(_SURFACES):
    for suffix, (threshold, index) in at.items():
      row[column.format(suffix)] = metrics.aggregate(
        score_on.surfaces_at(threshold)[:, place],
        score_on.predicted[:, index],
        score_on.reference,
        kind=kind,
      ).median
  there = score_on.reference > 0
  for suffix, (_, index) in at.items():
    found = score_on.predicted[:, index] > 0
    row[f"missed{suffix}"] = int((there & ~found).sum())
    row[f"hallucinated{suffix}"] = int((~there & found).sum())
  return [row]


def _mean_reduction(cases: _cohort_counts.Cases, threshold: float) -> float:
  """Of both sides that stay in [0, 1]; nan where none does."""
  shifts = (-_sensitivity.PAPER, _sensitivity.PAPER)
  lost = thresholds.sensitivity(
    cases.even, perturbations=shifts, threshold=threshold
  )
  within = lost[~np.isnan(lost)]
  return float(within.mean()) if len(within) else math.nan
