"""The sensitivity is exact at shifts and never wraps around the grid."""

import numpy as np
import pytest

from jaxseg import errors
from jaxseg import thresholds

GRID = thresholds.grid(8)


def counts_of(positive, negative):
  return thresholds.Counts(
    GRID, np.asarray(positive, np.int64), np.asarray(negative, np.int64)
  )


def test_by_hand():
  # Dice at thresholds 2, 3, 4: 8 / (8 + 2), 1, 4 / (4 + 2).
  counts = counts_of([0, 0, 0, 0, 2, 2, 0, 0, 0], [0, 0, 0, 2, 0, 0, 0, 0, 0])
  assert thresholds.optimum(counts).index == 3
  found = thresholds.sensitivity(
    counts, perturbations=(-1 / 7, 0, 1 / 7, 2 / 7)
  )
  assert found.dtype == np.float64
  np.testing.assert_allclose(found, [0.2, 0, 1 / 3, 1], rtol=1e-15)


def test_a_shift_beyond_the_ends_is_nan():
  counts = counts_of([0, 10, 0, 0, 0, 0, 0, 0, 0], [0] * 9)
  assert thresholds.optimum(counts).index == 0  # Only threshold 0 finds it.
  found = thresholds.sensitivity(counts, perturbations=(-0.5, 0, 0.5))
  np.testing.assert_array_equal(found, [np.nan, 0, 1])
  high = counts_of([0, 0, 0, 0, 0, 0, 0, 0, 10], [0, 0, 0, 0, 0, 0, 0, 9, 0])
  assert thresholds.optimum(high).index == 7
  assert np.isnan(thresholds.sensitivity(high, perturbations=(9.0,)))
  made = thresholds.bootstrap(
    thresholds.Counts.stack([high] * 3),
    "sensitivity",
    resamples=5,
    perturbations=(-1 / 7, 9.0),
  )
  np.testing.assert_allclose(made.samples, [[9 / 29, np.nan]] * 5)


def test_a_shift_onto_an_end_is_within_whatever_float32_says():
  # Dice is 1 at 0.8 alone; float32(0.8) + 0.2 is above 1.
  grid = thresholds.grid(11)
  positive, negative = np.zeros((2, 12), np.int64)
  positive[9], positive[11], negative[8] = 4, 0, 3
  counts = thresholds.Counts(grid, positive, negative)
  assert grid[8].astype(np.float64) + 0.2 > 1
  found = thresholds.sensitivity(counts, perturbations=(-0.8, 0.2, 0.201))
  np.testing.assert_allclose(found, [3 / 11, 1, np.nan])


def test_the_nearest_threshold_is_taken():
  counts = counts_of([0, 0, 0, 0, 2, 2, 0, 0, 0], [0, 0, 0, 2, 0, 0, 0, 0, 0])
  found = thresholds.sensitivity(
    counts, perturbations=(0.06, 0.08, 0), threshold=float(GRID[3]) + 0.01
  )
  # To the first no threshold is nearer than the one shifted: no loss is shown.
  np.testing.assert_allclose(found, [np.nan, 1 / 3, 0])
  many = thresholds.Counts.stack([counts] * 3)
  made = thresholds.bootstrap(
    many, "sensitivity", resamples=5, perturbations=(0.06, 0.08)
  )
  np.testing.assert_allclose(made.samples, [[np.nan, 1 / 3]] * 5)


def test_about_a_threshold_chosen_elsewhere_it_can_be_negative():
  counts = counts_of([0, 0, 0, 0, 10, 0, 0, 0, 0], [5] * 9)
  found = thresholds.sensitivity(
    counts, perturbations=(1 / 7, 2 / 7), threshold=float(GRID[1])
  )
  assert found[0] < 0


def test_no_dice_at_the_centre_is_nan():
  counts = counts_of([0, 10, 0, 0, 0, 0, 0, 0, 0], [0] * 9)
  found = thresholds.sensitivity(counts, threshold=1.0)
  np.testing.assert_equal(found, [np.nan, np.nan])


@pytest.mark.parametrize("empty", ["skip", "perfect"])
def test_mean_case_is_the_mean_of_curves(empty):
  generator = np.random.default_rng(0)
  positive = generator.integers(0, 20, (5, 9))
  positive[2] = 0
  counts = counts_of(positive, generator.integers(0, 20, (5, 9)))
  dice = thresholds.curve(counts, empty=empty)
  dice = dice[~np.isnan(dice).any(-1)].mean(0)
  best = thresholds.optimum(counts, aggregate="mean_case", empty=empty).index
  found = thresholds.sensitivity(
    counts, perturbations=(1 / 7,), aggregate="mean_case", empty=empty
  )
  expected = (dice[best] - dice[min(best + 1, 7)]) / dice[best]
  np.testing.assert_allclose(found, [expected], rtol=1e-14)


def test_wrong_options_are_refused():
  counts = counts_of([1] * 9, [1] * 9)
  for option in ({"perturbations": (np.nan,)}, {"threshold": np.inf}):
    with pytest.raises(errors.ConfigError, match="not all finite"):
      thresholds.sensitivity(counts, **option)
  with pytest.raises(errors.ConfigError, match="one of pooled, mean_case"):
    thresholds.sensitivity(counts, aggregate="median")
  with pytest.raises(errors.DataError, match="none of 1 cases"):
    thresholds.sensitivity(counts_of([0] * 9, [1] * 9), threshold=0.5)
