"""What the training objective does to threshold, Dice and distances."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from jaxseg import thresholds
from jaxseg.study import _sensitivity
from jaxseg.study import _sweep


def objectives(
  results: Sequence[_sweep.ModelCounts], *, scope: str = "known"
) -> list[dict[str, Any]]:
  """A row per model: test patients at 0.5 and at the validation's threshold.

  Distances are medians over the test patients, so that a missed structure
  counts as infinitely far and not as absent; `missed` says how many.

  Args:
    results: Counts of the models.
    scope: "known" or "volume"; distances are always of `known`.
  """
  rows = []
  for result in results:
    validation = result.counts["validation", scope]
    test = result.counts["test", scope]
    best = thresholds.optimum(validation)
    curve = _sweep.dice_curve(test, "pooled")
    per_case = _sweep.dice_curve(test, "mean_case")
    half = len(curve) // 2
    reduction = thresholds.sensitivity(
      validation, perturbations=(-_sensitivity.PAPER, _sensitivity.PAPER)
    )
    found = test.true_positive + test.false_positive
    rows.append(
      {
        "structure": result.structure,
        "objective": result.objective,
        "seed": result.seed,
        "scope": scope,
        "test_patients": len(result.patients["test"]),
        "threshold": best.threshold,
        "dice_optimum": float(curve[best.index]),
        "dice_half": float(curve[half]),
        "mean_case_dice_optimum": float(per_case[best.index]),
        "mean_case_dice_half": float(per_case[half]),
        "sensitivity": float(np.mean(reduction)),
        "hd95_mm": _median(result.hd95_mm[:, 1]),
        "assd_mm": _median(result.assd_mm[:, 1]),
        "hd95_half_mm": _median(result.hd95_mm[:, 0]),
        "assd_half_mm": _median(result.assd_mm[:, 0]),
        "nsd_2mm": _median(result.nsd_2mm[:, 1]),
        "nsd_2mm_half": _median(result.nsd_2mm[:, 0]),
        "missed": int(np.sum(found[:, best.index] == 0)),
        "missed_half": int(np.sum(found[:, half] == 0)),
      }
    )
  return rows


def _median(values: np.ndarray) -> float:
  # Not np.median: it subtracts infinities from each other, which gives nan.
  ordered = np.sort(values)
  count = len(ordered)
  return float(0.5 * (ordered[(count - 1) // 2] + ordered[count // 2]))
