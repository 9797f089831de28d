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
  half = score_on.index(0.5)
  reduction = thresholds.sensitivity(
    choose_on.even, perturbations=(-_sensitivity.PAPER, _sensitivity.PAPER)
  )
  within = reduction[~np.isnan(reduction)]
  row = {
    "test_patients": len(score_on.names),
    "threshold": best.threshold,
    "dice_optimum": float(pooled[best.index]),
    "dice_half": float(pooled[half]),
    "mean_case_dice_optimum": float(per_case[best.index]),
    "mean_case_dice_half": float(per_case[half]),
    "sensitivity": float(within.mean()) if len(within) else math.nan,
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
