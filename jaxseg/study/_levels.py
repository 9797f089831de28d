"""Levels of negatives: prominence changed on purpose, all else the same.

Across organs prominence and optimum may go together for many reasons. Of one
organ, trained with fewer or more slices that do not show it, only the share of
foreground changes: if the optimum follows, prominence is a cause.
"""

from collections.abc import Sequence
import math
from typing import Any

import numpy as np

from jaxseg.study import _claims
from jaxseg.study import _cohort_counts
from jaxseg.study import _costs
from jaxseg.study import _draws

Rows = list[dict[str, Any]]


def levels(results: Sequence[_cohort_counts.CohortCounts]) -> Rows:
  """What each level of negatives does to the optimum of a structure.

  Args:
    results: Counts of a run's models.

  Returns:
    A row for each structure, objective and level, of those that have several
    levels, in the scope `kept` (as many slices without the structure as in
    training) and in `known` (all of them); means over seeds. `lost_half`,
    `lost_minus` and `lost_plus` are shares of the test Dice that a cut at 0.5,
    0.05 below and 0.05 above the threshold loses; nan where it leaves [0, 1].
  """
  groups: dict[tuple[str, str], dict[float, list[Any]]] = {}
  for result in results:
    facts = result.facts
    key = facts["structure"], facts["objective"]
    own = groups.setdefault(key, {})
    own.setdefault(float(facts["negatives"]), []).append(result)
  several = {key: own for key, own in groups.items() if len(own) > 1}
  if not several:
    return []
  draws = _draws.Draws.of(results, resamples=0)
  return [
    {
      "structure": structure,
      "objective": objective,
      "negatives": level,
      "models": len(models),
      **_row(models, draws),
    }
    for (structure, objective), own in several.items()
    for level, models in sorted(own.items())
  ]


def _row(
  models: Sequence[_cohort_counts.CohortCounts], draws: _draws.Draws
) -> dict[str, float]:
  """Means over the seeds of a level."""
  found = []
  for result in models:
    kept = _costs.Costs.of(result, draws)
    known = _costs.Costs.of(result, draws, scope="known")
    shown = result.facts["prominence"]
    found.append(
      {
        "kept_fraction": shown["kept_fraction"],
        "shown_negatives": shown.get("shown_negatives", math.nan),
        "threshold": kept.optimum[0],
        "threshold_known": known.optimum[0],
        "dice_test": kept.dice[0],
        "lost_half": kept.lost_half[0],
        "lost_minus": kept.lost[0, 0],
        "lost_plus": kept.lost[0, 1],
      }
    )
  return {
    name: float(np.mean([float(one[name]) for one in found]))
    for name in found[0]
  }


def level_slopes(
  results: Sequence[_cohort_counts.CohortCounts],
  *,
  resamples: int = 2000,
  seed: int = 0,
) -> Rows:
  """The claim C3 of a run: slopes of the optimum on prominence, by levels.

  Args:
    results: Counts of a run's models.
    resamples: Of patients and seeds.
    seed: Of the resamples.

  Returns:
    The rows of `claims` of that claim; [] where no structure has three levels.
  """
  of: dict[str, set[float]] = {}
  bce = [r for r in results if r.facts["objective"] == "bce"]
  for result in bce:
    own = of.setdefault(result.facts["structure"], set())
    own.add(float(result.facts["negatives"]))
  asked = [r for r in bce if len(of[r.facts["structure"]]) >= 3]
  if not asked:
    return []
  rows = _claims.claims(asked, resamples=resamples, seed=seed)
  return [row for row in rows if row["claim"] == "C3"]
