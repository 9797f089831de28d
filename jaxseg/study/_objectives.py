"""What the training objective does to threshold, Dice and distances."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from jaxseg import metrics
from jaxseg import thresholds
from jaxseg.study import _sensitivity
from jaxseg.study import _sweep


def objectives(
  results: Sequence[_sweep.ModelCounts], *, scope: str = "known"
) -> list[dict[str, Any]]:
  """A row per model: test patients at 0.5 and at the validation's threshold.

  Distances are medians over the test patients, so that a missed structure
  counts as infinitely far and not as absent; `missed` and `hallucinated` say
  how many, and patients with neither are left out.

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
    reference = test.positive.sum(-1)
    # Surfaces are of `known`: column 1 at its threshold, column 0 at 0.5.
    known = result.counts["test", "known"]
    voxels = known.true_positive + known.false_positive
    known_best = thresholds.optimum(result.counts["validation", "known"])
    at = {
      "": (1, known_best.index, best.index),
      "_half": (0, half, half),
    }
    surfaces: dict[str, Any] = {}
    for name, values, kind in (
      ("hd95{}_mm", result.hd95_mm, "distance"),
      ("assd{}_mm", result.assd_mm, "distance"),
      ("nsd_2mm{}", result.nsd_2mm, "overlap"),
    ):
      for suffix, (column, place, _) in at.items():
        surfaces[name.format(suffix)] = metrics.aggregate(
          values[:, column],
          voxels[:, place],
          known.positive.sum(-1),
          kind=kind,
        ).median
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
        **surfaces,
        **{
          f"{name}{suffix}": int(np.sum(which))
          for suffix, (_, _, place) in at.items()
          for name, which in (
            ("missed", (reference > 0) & (found[:, place] == 0)),
            ("hallucinated", (reference == 0) & (found[:, place] > 0)),
          )
        },
      }
    )
  return rows
