"""What a shift of the threshold can cost a map that is calibrated."""

import functools
import math

import numpy as np

from jaxseg import errors

_STEP = 0.01  # Of the probabilities that a map may have, beside the ends.
_EDGE = 1e-9


@functools.lru_cache(maxsize=4096)
def calibrated_bound(dice: float, shift: float) -> float:
  """Largest relative Dice reduction that calibrated probabilities allow.

  Of voxels with probability p a share of p is inside. Then the best threshold
  is half of the best Dice, and how many voxels may have which probability is a
  linear programme: of all maps with this best Dice it finds the one that loses
  most. A measured cost above it shows that a map is not calibrated.

  >>> [round(100 * calibrated_bound(0.8, shift), 1) for shift in (0.05, -0.05)]
  [7.1, 4.5]

  Args:
    dice: Pooled Dice at the best threshold, in (0, 1].
    shift: Of the threshold from there.

  Returns:
    Share of the Dice, in [0, 1]; nan where the shift leaves [0, 1].

  Raises:
    ConfigError: The Dice is not in (0, 1].

  References:
    Z. C. Lipton, C. Elkan and B. Naryanaswamy, Optimal thresholding of
    classifiers to maximize F1 measure, arXiv:1402.1892; A. Charnes and
    W. W. Cooper, doi:10.1002/nav.3800090303.
  """
  if not 0 < dice <= 1:
    raise errors.ConfigError(f"a Dice of {dice} is not above 0 and at most 1")
  best = dice / 2
  there = best + shift
  if not -_EDGE <= there <= 1 + _EDGE:
    return math.nan
  from scipy import optimize  # Slow to import, and needed here alone.

  grid = np.arange(round(1 / _STEP) + 1) * _STEP
  p = np.unique(np.append(grid, [best, there]))
  before, after = p >= best, p >= there
  if shift > 0:  # Voxels just below the new threshold are lost.
    p, before, after = (
      np.append(p, there), np.append(before, True), np.append(after, False)
    )  # fmt: skip
  # Share of voxels with each p, in units in which predicted and reference
  # voxels at the new threshold add up to 1: that makes the Dice linear.
  found = optimize.linprog(
    2 * p * after,
    A_eq=np.stack([after + p, 2 * p * before - dice * (before + p)]),
    b_eq=[1.0, 0.0],
    bounds=(0, None),
    method="highs",
  )
  return float(np.clip(1 - found.fun / dice, 0, 1))
