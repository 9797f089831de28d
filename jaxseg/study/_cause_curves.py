"""Dice against threshold of networks that differ in nothing but the network."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from jaxseg import thresholds
from jaxseg.study import _causes
from jaxseg.study import _cohort_counts
from jaxseg.study import _costs

_ALIKE = ("steps_asked", "epochs_asked", "objective", "negatives")
_EVERY = 10  # Of the even grid: 0, 0.01 ... 1, of 1001 thresholds.
Rows = list[dict[str, Any]]


def cause_curves(
  results: Sequence[_cohort_counts.CohortCounts],
  *,
  scope: str = _costs.SCOPE,
) -> Rows:
  """Curves of the test patients, a network beside the other.

  Args:
    results: Counts of models; those that were to be trained as long, on as many
      slices without the structure and on the same objective as the first
      network's are compared. Models that never learnt are left out.
    scope: Slices that count.

  Returns:
    A row per network, structure and threshold 0, 0.01 ... 1: `dice_test`, the
    pooled Dice of the test patients, as mean over `models` seeds, with the
    `_least` and `_most` of them. [] where there are not two networks.
  """
  kinds: dict[tuple[Any, ...], dict[str, list[Any]]] = {}
  alike = None
  for result in results:
    if scope not in result.scopes:
      continue
    choose_on, score_on = result.sides(scope=scope)
    if _costs.never_learnt(choose_on):
      continue
    columns = _causes.columns(result, scope)
    own = tuple(map(columns.get, _ALIKE))
    alike = own if alike is None else alike
    if own == alike:
      kind = tuple(map(columns.get, _causes.ARM))
      of = kinds.setdefault(kind, {})
      of.setdefault(columns["structure"], []).append(score_on)
  if len(kinds) < 2:
    return []
  rows: Rows = []
  for kind, structures in kinds.items():
    for structure, cases in structures.items():
      curves = np.stack(
        [thresholds.curve(one.even, aggregate="pooled") for one in cases]
      )
      grid = np.asarray(cases[0].even.thresholds, np.float64)
      step = max(1, (len(grid) - 1) * _EVERY // 1000)
      for k in range(0, len(grid), step):
        rows.append(
          {
            **_causes.named(kind),
            "structure": structure,
            "models": len(cases),
            "threshold": round(float(grid[k]), 6),
            "dice_test": float(curves[:, k].mean()),
            "dice_test_least": float(curves[:, k].min()),
            "dice_test_most": float(curves[:, k].max()),
          }
        )
  return rows
