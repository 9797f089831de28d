"""What shifts of the threshold cost in every resample of patients."""

from collections.abc import Sequence
import math

import numpy as np

from jaxseg import thresholds
from jaxseg.study import _choice
from jaxseg.study import _cohort_counts
from jaxseg.study import _costs
from jaxseg.study import _draws

SIDES = ("reduction", "reduction_test")


def intervals(
  results: Sequence[_cohort_counts.CohortCounts],
  shifts: Sequence[float],
  *,
  aggregate: str,
  scope: str | None,
  resamples: int,
  seed: int,
) -> dict[float, dict[str, float]]:
  """Intervals of the medians over structures, seeds and directions.

  Structures, their seeds and the patients are drawn; in each resample the
  threshold is chosen anew on the validation patients drawn.

  Args:
    results: Counts of models of one objective and level of negatives.
    shifts: Of the threshold; those of one size are medians together.
    aggregate: "pooled" or "mean_case".
    scope: Of the counts; None is the first.
    resamples: Of patients, structures and seeds.
    seed: Of the resamples.

  Returns:
    Size -> reduction_low, reduction_high, on the validation patients, and
    reduction_test_low, reduction_test_high; nan where every shift of that size
    leaves [0, 1].
  """
  draws = _draws.Draws.of(results, resamples=resamples, seed=seed)
  values: dict[str, dict[_draws.Key, np.ndarray]] = {side: {} for side in SIDES}
  for result in results:
    key = result.facts["structure"], result.facts["seed"]
    lost = _lost(result, draws, shifts, aggregate=aggregate, scope=scope)
    for side, own in zip(SIDES, lost, strict=True):
      values[side][key] = own
  found: dict[float, dict[str, float]] = {}
  for size in dict.fromkeys(map(abs, shifts)):
    place = [k for k, shift in enumerate(shifts) if abs(shift) == size]
    found[size] = {}
    for side, of_models in values.items():
      drawn = draws.nested({k: v[:, place] for k, v in of_models.items()})
      low, high = _draws.interval(drawn)
      # Where hardly a shift stays in [0, 1], resamples tell of other models.
      if math.isnan(drawn[0]):
        low = high = math.nan
      found[size] |= {f"{side}_low": low, f"{side}_high": high}
  return found


def _lost(
  result: _cohort_counts.CohortCounts,
  draws: _draws.Draws,
  shifts: Sequence[float],
  *,
  aggregate: str,
  scope: str | None,
) -> tuple[np.ndarray, np.ndarray]:
  """Shares lost, validation and test, `[resample + 1, shift]`."""
  choose_on, score_on = result.sides(scope=scope)
  own, place = _chosen(choose_on, draws, aggregate)
  unseen = _curves(score_on, draws, "test", aggregate)
  grid = np.asarray(choose_on.even.thresholds, np.float64)
  return (
    _costs.shares_lost(own, place, grid, shifts),
    _costs.shares_lost(unseen, place, grid, shifts),
  )


def _chosen(
  cases: _cohort_counts.Cases, draws: _draws.Draws, aggregate: str
) -> tuple[np.ndarray, np.ndarray]:
  """Dice of the validation patients, and the position of each optimum."""
  curves = _curves(cases, draws, "validation", aggregate)
  if aggregate == "pooled":
    return curves, _costs.optima(draws.counts("validation", cases), curves)
  with np.errstate(invalid="ignore"):  # Of nan nothing is the best.
    best = curves >= curves.max(-1, keepdims=True) - 1e-12
  place = _costs.middles(best)
  place[0] = thresholds.optimum(cases.even, aggregate=aggregate).index
  return curves, place


def _curves(
  cases: _cohort_counts.Cases, draws: _draws.Draws, part: str, aggregate: str
) -> np.ndarray:
  """Dice in each resample, `[resample + 1, T]`; nan where none has it."""
  if aggregate == _choice.AGGREGATES[0]:
    counts = draws.counts(part, cases)
    known = counts.positive.any(-1)[:, None]
    return np.where(known, thresholds.curve(counts), np.nan)
  there = cases.reference > 0
  curves = thresholds.curve(cases.even)[there]
  times = draws.weights(part, cases.names)[:, there].astype(np.float64)
  total = times.sum(1, keepdims=True)
  return np.where(total > 0, times @ curves / np.maximum(total, 1), np.nan)
