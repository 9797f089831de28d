"""Calibration, temperature and the expected optimum, against the maps."""

import numpy as np
import pytest
from scipy import optimize

from jaxseg import errors
from jaxseg import thresholds


def calibrated(size=400_000, spread=1.5, seed=0):
  """A map whose probabilities are what they say, and a reference."""
  draw = np.random.default_rng(seed)
  logits = draw.normal(-4, 2, size) * spread
  p = (1 / (1 + np.exp(-logits))).astype(np.float32)
  return p, draw.random(size) < p


@pytest.fixture(scope="module")
def maps():
  return calibrated()


@pytest.fixture(scope="module")
def counts(maps):
  return thresholds.count_case(*maps, thresholds.fine_grid())


def test_the_fine_grid_holds_the_even_one(maps, counts):
  fine = thresholds.fine_grid()
  assert (np.diff(fine) > 0).all()
  inner = fine[(fine > 1e-6) & (fine < 1 - 1e-5)].astype(np.float64)
  assert np.diff(np.log(inner / (1 - inner))).max() < 1 / 64 + 0.01
  even = thresholds.count_case(*maps, thresholds.grid())
  coarse = thresholds.coarsen(counts, thresholds.grid())
  np.testing.assert_array_equal(coarse.thresholds, even.thresholds)
  np.testing.assert_array_equal(coarse.positive, even.positive)
  np.testing.assert_array_equal(coarse.negative, even.negative)
  with pytest.raises(errors.ConfigError, match="not among"):
    thresholds.coarsen(even, np.float32([0.1234567]))


class TestReliability:
  def test_as_from_the_map(self, maps, counts):
    p, y = maps
    found = thresholds.reliability(counts, bins=10)
    place = np.minimum((p * 10).astype(int), 9)
    gaps = []
    for k in range(10):
      inside = place == k
      assert abs(found.voxels[k] - inside.sum()) <= 0.002 * len(p)
      assert found.confidence[k] == pytest.approx(p[inside].mean(), abs=2e-3)
      assert found.frequency[k] == pytest.approx(y[inside].mean(), abs=2e-3)
      gaps.append(abs(p[inside].mean() - y[inside].mean()) * inside.mean())
    assert found.expected_error == pytest.approx(sum(gaps), abs=1e-4)
    assert found.expected_error < 0.002
    assert found.maximum_error < 0.02

  def test_sees_miscalibration(self, maps, counts):
    sure = thresholds.with_temperature(counts, 0.5)
    assert thresholds.reliability(sure).expected_error > 0.01

  def test_by_hand(self):
    counts = thresholds.count_case(
      np.float32([0.3, 0.3, 0.3, 0.3, 0.9]),
      np.array([True, False, False, False, True]),
      thresholds.grid(11),
    )
    found = thresholds.reliability(counts, bins=2)
    np.testing.assert_allclose(found.confidence, [0.35, 0.95])
    np.testing.assert_allclose(found.frequency, [0.25, 1])
    assert found.voxels.tolist() == [4, 1]
    assert found.expected_error == pytest.approx((4 * 0.1 + 0.05) / 5)
    assert found.maximum_error == pytest.approx(0.1)

  def test_refuses(self, counts):
    with pytest.raises(errors.ConfigError, match="bins is 0"):
      thresholds.reliability(counts, bins=0)
    nothing = thresholds.Counts(
      thresholds.grid(3), np.zeros(4, np.int64), np.zeros(4, np.int64)
    )
    with pytest.raises(errors.DataError, match="of no voxel"):
      thresholds.reliability(nothing)


def test_brier_and_log_loss_as_from_the_map(maps, counts):
  p, y = (v.astype(np.float64) for v in maps)
  assert thresholds.brier(counts) == pytest.approx(
    np.mean((p - y) ** 2), abs=1e-5
  )
  expected = -np.mean(y * np.log(p) + (1 - y) * np.log1p(-p))
  found = thresholds.negative_log_likelihood(counts)
  assert found == pytest.approx(expected, rel=1e-3)


def test_certain_and_wrong_costs_infinitely():
  counts = thresholds.count_case(
    np.float32([1.0, 0.5]), np.array([False, True]), thresholds.grid(11)
  )
  assert thresholds.negative_log_likelihood(counts) == np.inf


class TestTemperature:
  @pytest.mark.parametrize("factor", [0.5, 1.0, 1.7])
  def test_is_found_again(self, maps, factor):
    p, y = maps
    logits = np.log(p) - np.log1p(-p.astype(np.float64))
    moved = (1 / (1 + np.exp(-logits * factor))).astype(np.float32)
    counts = thresholds.count_case(moved, y, thresholds.fine_grid())
    assert thresholds.fit_temperature(counts) == pytest.approx(factor, rel=0.02)

  def test_as_from_the_map(self, maps, counts):
    p, y = maps
    z = np.log(p) - np.log1p(-p.astype(np.float64))

    def loss(t):
      return np.mean(np.logaddexp(0, np.where(y, -z, z) / t))

    found = optimize.minimize_scalar(loss, bounds=(0.2, 5), method="bounded")
    assert thresholds.fit_temperature(counts) == pytest.approx(
      found.x, rel=1e-3
    )

  @pytest.mark.parametrize("temperature", [0.5, 2.0])
  def test_moves_the_optimum_and_not_its_dice(self, maps, counts, temperature):
    best = thresholds.optimum(counts)
    moved = thresholds.optimum(thresholds.with_temperature(counts, temperature))
    logit = np.log(best.threshold / (1 - best.threshold)) / temperature
    assert moved.threshold == pytest.approx(1 / (1 + np.exp(-logit)), rel=1e-5)
    assert moved.value == best.value
    # The same, as counted on the map itself.
    p, y = maps
    z = (np.log(p) - np.log1p(-p.astype(np.float64))) / temperature
    direct = thresholds.optimum(
      thresholds.count_case(
        (1 / (1 + np.exp(-z))).astype(np.float32), y, thresholds.fine_grid()
      )
    )
    assert direct.threshold == pytest.approx(moved.threshold, abs=0.02)
    assert direct.value == pytest.approx(best.value, abs=1e-3)

  def test_the_ends_stay(self):
    counts = thresholds.Counts(
      thresholds.grid(5), np.ones(6, np.int64), np.ones(6, np.int64)
    )
    moved = thresholds.with_temperature(counts, 3.0).thresholds
    assert (moved[0], moved[2], moved[4]) == (0, 0.5, 1)
    with pytest.raises(errors.ConfigError, match="temperature 0"):
      thresholds.with_temperature(counts, 0)

  def test_what_cannot_be_fitted(self):
    grid = thresholds.grid(5)
    p = np.float32([0.1, 0.9])
    for reference in ([True, True], [False, False]):
      counts = thresholds.count_case(p, np.array(reference), grid)
      with pytest.raises(errors.DataError, match="in and out"):
        thresholds.fit_temperature(counts)
    counts = thresholds.count_case(
      np.float32([0.3, 0.3]), np.array([True, False]), grid
    )
    with pytest.raises(errors.DataError, match="one interval"):
      thresholds.fit_temperature(counts)


class TestExpectedOptimum:
  @pytest.mark.parametrize("spread", [0.5, 1.0, 1.5, 3.0])
  def test_half_of_the_dice_within_a_hundredth(self, spread):
    p, y = calibrated(2_000_000, spread)
    counts = thresholds.count_case(p, y, thresholds.fine_grid())
    best = thresholds.optimum(thresholds.coarsen(counts, thresholds.grid()))
    expected = thresholds.expected_optimum(counts)
    assert abs(expected.threshold - expected.half) < 0.01
    assert abs(expected.threshold - best.value / 2) < 0.01
    assert abs(expected.value - best.value) < 0.01
    # The empirical optimum lies on a flat top: what counts is the Dice there.
    place = int(np.abs(counts.thresholds - expected.threshold).argmin())
    assert thresholds.curve(counts)[place] > best.value - 0.002

  def test_needs_no_reference(self, maps):
    p, y = maps
    fine = thresholds.fine_grid()
    without = thresholds.count_case(p, np.zeros_like(y), fine)
    assert thresholds.expected_optimum(without) == thresholds.expected_optimum(
      thresholds.count_case(p, y, fine)
    )

  def test_nothing_to_expect(self):
    nothing = thresholds.Counts(
      thresholds.grid(3), np.array([5, 0, 0, 0]), np.zeros(4, np.int64)
    )
    with pytest.raises(errors.DataError, match="nothing can be expected"):
      thresholds.expected_optimum(nothing)


class TestDistinctValues:
  """What was counted value by value is known, not the middle of a gap."""

  P = np.float32([0.1, 0.1, 0.9, 0.9, 0.0, 1.0, 0.3])
  Y = np.array([False, False, True, True, False, True, True])

  def counts(self, p=P, y=Y):
    return thresholds.count_distinct(p, y)

  def test_scores_are_those_of_the_map(self):
    p = self.P.astype(np.float64)
    counts = self.counts()
    brier = np.mean((p - self.Y) ** 2)
    assert thresholds.brier(counts) == pytest.approx(brier, rel=1e-12)
    cost = -np.log(np.where(self.Y, p, 1 - p)).mean()
    found = thresholds.negative_log_likelihood(counts)
    assert found == pytest.approx(cost, rel=1e-12)
    # The one voxel of 0.3 is wrong by 0.7, and four by 0.1.
    error = thresholds.reliability(counts, bins=10).expected_error
    assert error == pytest.approx((0.7 + 4 * 0.1) / 7, rel=1e-6)
    first = self.counts(self.P[:4], self.Y[:4])
    assert thresholds.brier(first) == pytest.approx(0.01, rel=1e-6)

  def test_a_zero_in_the_reference_costs_infinitely(self):
    counts = self.counts(np.float32([0.0, 0.5]), np.array([True, False]))
    assert thresholds.negative_log_likelihood(counts) == np.inf

  def test_the_expected_optimum_and_the_temperature(self):
    p, y = calibrated(3000)
    counts = self.counts(p, y)
    cuts = np.unique(p).astype(np.float64)
    mass = p.astype(np.float64)
    dice = [
      2 * mass[p >= t].sum() / ((p >= t).sum() + mass.sum()) for t in cuts
    ]
    found = thresholds.expected_optimum(counts)
    assert found.value == pytest.approx(max(dice), rel=1e-12)
    assert found.threshold == cuts[int(np.argmax(dice))]
    z = np.log(mass) - np.log1p(-mass)
    best = optimize.minimize_scalar(
      lambda t: np.mean(np.logaddexp(0, np.where(y, -z, z) / t)),
      bounds=(0.2, 5), method="bounded", options={"xatol": 1e-9},
    )  # fmt: skip
    found = thresholds.fit_temperature(counts)
    assert found == pytest.approx(best.x, rel=1e-5)
    moved = thresholds.with_temperature(counts, 2.0)
    expected = np.mean((1 / (1 + np.exp(-z / 2)) - y) ** 2)
    assert thresholds.brier(moved) == pytest.approx(expected, rel=1e-6)

  def test_is_kept_as_long_as_it_holds(self):
    one = self.counts()
    for same in (
      one + one, thresholds.Counts.stack([one, one]).sum(), one.on_host(),
      thresholds.Counts.stack([one, one])[0],
      thresholds.Counts.from_arrays(one.to_arrays()),
    ):  # fmt: skip
      assert same.distinct
      assert thresholds.brier(same) == pytest.approx(thresholds.brier(one))
    grid = thresholds.count_case(self.P, self.Y, one.thresholds)
    assert not (one + grid).distinct
    assert not thresholds.coarsen(one, one.thresholds[:2]).distinct
    assert set(grid.to_arrays()) == {"thresholds", "positive", "negative"}

  def test_no_temperature_for_masks(self):
    counts = self.counts(np.float32([0, 1, 1]), np.array([True, False, True]))
    with pytest.raises(errors.DataError, match="all probabilities are 0 or 1"):
      thresholds.fit_temperature(counts)


def test_an_edge_is_in_the_bin_above():
  counts = thresholds.count_distinct(
    np.float32([0.52, 0.53]), np.array([True, False])
  )
  found = thresholds.reliability(counts, bins=100)
  assert found.expected_error == pytest.approx(0.505, rel=1e-6)
  # Grid intervals do not straddle edges that are thresholds.
  p = thresholds.grid(101)[:-1]
  even = thresholds.count_case(p, p > 0.5, thresholds.grid(101))
  assert thresholds.reliability(even, bins=100).voxels.tolist() == [1] * 100


@pytest.mark.filterwarnings("error")
def test_a_temperature_next_to_zero_makes_a_step():
  cuts = thresholds.fine_grid(101)
  zeros = np.zeros(len(cuts) + 1, np.int64)
  counts = thresholds.Counts(cuts, zeros, zeros)
  moved = thresholds.with_temperature(counts, 1e-3).thresholds
  np.testing.assert_array_equal(moved[cuts < 0.3], 0)
  np.testing.assert_array_equal(moved[cuts > 0.7], 1)
  np.testing.assert_array_equal(moved[cuts == 0.5], 0.5)


def test_thresholds_beyond_0_and_1_stay_there():
  """Of a softmax that is 1.0000001, and one that nothing reaches."""
  p = np.float32([-1e-7, 0.2, 0.6, 1.0000001])
  counts = thresholds.count_distinct(p, np.array([False, False, True, True]))
  for temperature in (0.5, 1.0, 2.0):
    moved = thresholds.with_temperature(counts, temperature)
    assert not np.isnan(moved.thresholds).any()
    np.testing.assert_array_equal(moved.thresholds[[0, -1]], p[[0, -1]])
    assert np.isfinite(thresholds.brier(moved))
    assert np.isfinite(thresholds.expected_optimum(moved).value)
