"""What calibrated maps can lose: by hand, and by maps drawn at random."""

import numpy as np
import pytest

from jaxseg import errors
from jaxseg import study


def by_hand(dice, shift):
  """Of two probabilities each: those at the new threshold, and certain ones."""
  there = dice / 2 + shift
  if shift > 0:  # All of the reference is found; what is lost lies just below.
    found = 2 / dice - 1
    certain = max(0.0, found - (found - 1) / (1 - there))
    return 1 - 2 * certain / (certain + 1) / dice
  certain = dice / (2 - dice)  # All else that is inside lies at the new one.
  added = (1 - certain) / there
  return 1 - 2 / (certain + added + 1) / dice


@pytest.mark.parametrize("dice", [0.6, 0.7, 0.8, 0.9])
@pytest.mark.parametrize("shift", [-0.05, 0.05, 0.1])
def test_the_bound_is_that_of_the_worst_map_by_hand(dice, shift):
  found = study.calibrated_bound(dice, shift)
  assert found == pytest.approx(by_hand(dice, shift), abs=1e-6)


def test_no_calibrated_map_loses_more():
  draw = np.random.default_rng(0)
  p = np.arange(1, 200) / 200
  near = 0.0
  for _ in range(40):
    voxels = draw.dirichlet(np.full(len(p), draw.choice([0.02, 0.1, 1])))
    inside = voxels * p
    found, true = (v[::-1].cumsum()[::-1] for v in (voxels, inside))
    curve = 2 * true / (found + inside.sum())
    best = curve.max()

    def at(threshold):
      return curve[min(int(np.sum(p < threshold - 1e-9)), len(p) - 1)]

    for shift in (-0.05, 0.05):
      if not 0.06 < best / 2 < 0.94:
        continue
      lost = 1 - at(best / 2 + shift) / best
      bound = study.calibrated_bound(round(float(best), 3), shift)
      assert lost <= bound + 2e-3
      near = max(near, lost / bound)
  assert near > 0.1  # They are not all far from it.


def test_ends():
  assert study.calibrated_bound(1.0, 0.05) == pytest.approx(0, abs=1e-9)
  assert np.isnan(study.calibrated_bound(0.08, -0.05))
  for dice in (0.0, 1.1, float("nan")):
    with pytest.raises(errors.ConfigError, match="is not above 0"):
      study.calibrated_bound(dice, 0.05)
