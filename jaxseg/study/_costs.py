"""What a model's threshold is worth on patients that did not choose it."""

from collections.abc import Sequence
import dataclasses
from typing import Any

import numpy as np

from jaxseg import thresholds
from jaxseg.study import _cohort_counts
from jaxseg.study import _draws

SHIFT = 0.05
SCOPE = "kept"
# A network that has learnt nothing: it is reported, and trained again.
STUCK = 0.1
# Rounding of a Dice is far below.
_NEAR = 1e-9


@dataclasses.dataclass(frozen=True, eq=False)
class Costs:
  """A model's threshold in every resample of patients.

  All arrays begin with the observed patients, `[resample + 1]`.

  Attributes:
    facts: Of the model.
    optimum: The threshold chosen on the validation patients.
    dice: On the test patients.
    lost_half: Share of `dice` that a cut at 0.5 loses; negative where it is
      better.
    lost: Shares lost 0.05 below and above `optimum`, `[resample + 1, 2]`; nan
      where the shift leaves [0, 1].
  """

  facts: dict[str, Any]
  optimum: np.ndarray
  dice: np.ndarray
  lost_half: np.ndarray
  lost: np.ndarray

  @property
  def key(self) -> _draws.Key:
    """Structure and seed that it is paired by."""
    return _draws.key_of(self.facts)

  @staticmethod
  def of(
    result: _cohort_counts.CohortCounts,
    draws: _draws.Draws,
    *,
    scope: str = SCOPE,
  ) -> "Costs":
    """Chooses on the validation, and scores on the test patients.

    Args:
      result: Counts of a model.
      draws: Patients of each resample.
      scope: Slices that count.
    """
    choose_on, score_on = result.sides(scope=scope)
    grid = np.asarray(choose_on.even.thresholds, np.float64)
    chosen = draws.counts("validation", choose_on)
    known = chosen.positive.any(-1)
    own = thresholds.curve(chosen)
    place = optima(chosen, own)
    unseen = draws.counts("test", score_on)
    known &= unseen.positive.any(-1)
    curves = np.where(known[:, None], thresholds.curve(unseen), np.nan)
    every = np.arange(len(draws))
    dice = curves[every, place]
    half = curves[:, np.abs(grid - 0.5).argmin()]
    return Costs(
      facts=dict(result.facts),
      optimum=np.where(known, grid[place], np.nan),
      dice=dice,
      lost_half=_share(dice, half),
      lost=shares_lost(curves, place, grid, (-SHIFT, SHIFT)),
    )


def shares_lost(
  curves: np.ndarray,
  place: np.ndarray,
  grid: np.ndarray,
  shifts: Sequence[float],
) -> np.ndarray:
  """Shares of Dice that shifts of a threshold lose in each resample.

  Args:
    curves: Dice, `[resample, T]`.
    place: Of the chosen threshold in the grid, `[resample]`.
    grid: Thresholds `[T]`, float64, ascending.
    shifts: Of the threshold.

  Returns:
    `[resample, shift]`; negative where the shift gains, nan where it leaves
    [0, 1] or the chosen threshold finds nothing.
  """
  wanted = grid[place][:, None] + np.asarray(shifts, np.float64)
  # The nearest of the grid; of two, the lower.
  above = np.searchsorted(grid, wanted).clip(1, len(grid) - 1)
  lower = wanted - grid[above - 1] <= grid[above] - wanted
  there = above - lower
  within = (wanted > grid[0] - 1e-6) & (wanted < grid[-1] + 1e-6)
  every = np.arange(len(curves))[:, None]
  share = _share(curves[every, place[:, None]], curves[every, there])
  return np.where(within, share, np.nan)


def _share(best: np.ndarray, at: np.ndarray) -> np.ndarray:
  with np.errstate(invalid="ignore", divide="ignore"):
    return (best - at) / np.where(best > 0, best, np.nan)


def never_learnt(validation: _cohort_counts.Cases) -> bool:
  """Whether a model is stuck at a constant map, told by validation patients.

  Of slices in which nothing is to be found it is not known, and False.
  """
  counts = validation.even
  if not counts.positive.any():
    return False
  return bool(thresholds.optimum(counts).value < STUCK)


def optima(counts: thresholds.Counts, curves: np.ndarray) -> np.ndarray:
  """Position of each resample's optimum, as `thresholds.optimum` has it.

  Exact fractions only have to decide where thresholds of different counts come
  near to the highest Dice. Without the structure it is 0.
  """
  there = counts.positive.any(-1)
  near = curves >= np.where(there, curves.max(-1), np.inf)[:, None] - _NEAR
  first, last = _ends(near)
  every = np.arange(len(curves))
  # Counts fall along the thresholds: with equal ends, all between are equal.
  alike = np.ones(len(curves), np.bool_)
  for side in (counts.true_positive, counts.false_positive):
    alike &= side[every, first] == side[every, last]
  place = middles(near & (there & alike)[:, None])
  for k in np.flatnonzero(there & ~alike):
    place[k] = thresholds.optimum(counts[int(k)]).index
  return place


def middles(best: np.ndarray) -> np.ndarray:
  """The middle of each row's widest run, as `thresholds.widest_run` has it.

  Args:
    best: Which thresholds are the best, bool `[resample, T]`.

  Returns:
    Positions `[resample]`; 0 of a row without any.
  """
  first, last = _ends(best)
  number = best.sum(-1)
  place = np.where(number > 0, first + (last - first) // 2, 0)
  for k in np.flatnonzero((number > 0) & (number <= last - first)):
    place[k] = thresholds.widest_run(best[k].astype(np.float64)).index
  return place


def _ends(best: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
  """The first and last position of each row that is True."""
  return best.argmax(-1), best.shape[-1] - 1 - best[:, ::-1].argmax(-1)
