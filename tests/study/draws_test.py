"""Resamples beside those made one by one."""

import itertools

import numpy as np
import pytest

from jaxseg import thresholds
from jaxseg.study import _costs
from jaxseg.study import _draws
from tests.study import made

STEEP = {"inside": (0.13, 0.02), "outside": (0.07, 0.02)}


@pytest.fixture(scope="module")
def results():
  # Of the larynx two patients have no contour.
  return [
    made.model_counts("brain", **STEEP),
    made.model_counts("larynx", **STEEP).take([0, 1, 2, 4, 6, 7, 8, 9, 11]),
  ]


@pytest.fixture(scope="module")
def draws(results):
  return _draws.Draws.of(results, resamples=20, seed=3)


def test_all_are_drawn_once_first_and_then_with_replacement(results, draws):
  assert len(draws) == 21
  for part, names in draws.patients.items():
    assert (draws.index[part][0] == np.arange(len(names))).all()
    cases = results[1].select(part=part, scope="kept")
    times = draws.weights(part, cases.names)
    for b, drawn in enumerate(draws.index[part]):
      of = [names[k] for k in drawn]
      assert times[b].tolist() == [of.count(name) for name in cases.names]


def test_counts_are_the_sums_of_the_drawn(results, draws):
  cases = results[1].select(part="test", scope="kept")
  found = draws.counts("test", cases)
  names = draws.patients["test"]
  for b in (0, 1, 20):
    drawn = [names[k] for k in draws.index["test"][b]]
    which = [cases.names.index(name) for name in drawn if name in cases.names]
    np.testing.assert_array_equal(
      found.positive[b], cases.even.positive[which].sum(0)
    )
    np.testing.assert_array_equal(
      found.negative[b], cases.even.negative[which].sum(0)
    )


def test_costs_are_those_of_each_resample_alone(results, draws):
  found = _costs.Costs.of(results[0], draws)
  choose_on, score_on = results[0].sides(scope="kept")
  for b in (0, 7, 20):
    own = choose_on.even[draws.index["validation"][b]]
    unseen = score_on.even[draws.index["test"][b]]
    best = thresholds.optimum(own)
    assert found.optimum[b] == pytest.approx(best.threshold)
    dice = thresholds.curve(unseen.sum(0))
    assert found.dice[b] == pytest.approx(dice[best.index])
    lost = thresholds.sensitivity(unseen, threshold=best.threshold)
    np.testing.assert_allclose(found.lost[b], lost)
    half = (dice[best.index] - dice[500]) / dice[best.index]
    assert found.lost_half[b] == pytest.approx(half)
  assert found.key == ("brain", 0)
  assert not _costs.never_learnt(choose_on)


def test_a_side_beyond_the_ends_is_nan_and_a_constant_map_is_stuck(draws):
  low = {"inside": (0.03, 0.005), "outside": (0.01, 0.005)}
  found = _costs.Costs.of(made.model_counts("brain", **low), draws)
  assert np.isnan(found.lost[:, 0]).all()
  assert not np.isnan(found.lost[:, 1]).any()
  constant = {"inside": (0.02, 0.001), "outside": (0.02, 0.001)}
  bad = made.model_counts("brain", voxels=(9, 1200), **constant)
  assert _costs.never_learnt(bad.sides(scope="kept")[0])


@pytest.mark.parametrize("statistic", ["median", "mean"])
def test_nested_draws_organs_and_their_seeds(draws, statistic):
  generator = np.random.default_rng(1)
  values = {
    (organ, seed): generator.normal(size=(len(draws), 2))
    for organ, seeds in (("a", (0, 1, 2)), ("b", (5,)), ("c", (0, 1)))
    for seed in seeds
  }
  values["c", 1][:, 0] = np.nan
  found = draws.nested(values, statistic)
  every = np.concatenate([own[0] for own in values.values()])
  take = np.nanmedian if statistic == "median" else np.nanmean
  assert found[0] == pytest.approx(take(every))
  np.testing.assert_array_equal(found, draws.nested(values, statistic))
  # Of one organ and seed what is left is its own value in each resample.
  one = {("b", 5): values["b", 5]}
  np.testing.assert_allclose(
    draws.nested(one, "mean"), values["b", 5].mean(axis=1)
  )


def test_organs_alone_are_drawn_with_all_they_have(draws):
  generator = np.random.default_rng(1)
  values = {
    key: generator.normal(size=(len(draws), 2))
    for key in (("a", 0), ("a", 1), ("b", 5), ("c", 0))
  }
  values["c", 0][:, 0] = np.nan
  observed = {key: own[0] for key, own in values.items()}
  found = draws.over_organs(values)
  assert found[0] == np.nanmedian(np.concatenate([*observed.values()]))
  possible = {
    np.nanmedian(np.concatenate([v for k in some for v in own[k]]))
    for own in [
      {o: [v for (k, _), v in observed.items() if k == o] for o in "abc"}
    ]
    for some in itertools.product("abc", repeat=3)
  }
  assert set(found) <= possible and len(set(found)) > 3
  np.testing.assert_array_equal(found, draws.over_organs(values))
  alone = draws.over_organs({("b", 5): values["b", 5]})
  np.testing.assert_array_equal(alone, np.mean(observed["b", 5]))


def test_intervals_are_percentiles_of_the_resamples():
  values = np.append(99.0, np.arange(101.0))
  assert _draws.interval(values) == pytest.approx((2.5, 97.5))
  assert np.isnan(_draws.interval(np.array([1.0, np.nan]))).all()


def test_intervals_of_few_patients_are_wider_and_bear_infinities():
  values = np.append(50.0, np.arange(1001.0))
  few, many = (_draws.interval(values, units=n) for n in (15, 1000))
  assert few == pytest.approx((13.2, 986.8), abs=0.2)
  assert many == pytest.approx((25, 975), abs=0.2)
  values[-40:] = np.inf
  assert _draws.interval(values) == (25, np.inf)
  values[-40:] = 960
  assert _draws.interval(np.append(values, np.inf)) == (25, 960)


def test_intervals_of_means_over_few_organs_are_wider():
  values = np.append(50.0, np.arange(1001.0))
  low, high = _draws.interval(values, organs=7)
  assert (low, high) == pytest.approx((17.1, 982.9), abs=0.2)
  assert _draws.interval(values, organs=1) == _draws.interval(values)
  one = [(organ, 0) for organ in "abcdefg"]
  assert _draws.of_mean([*one, ("a", 1)]) == {"organs": 7}
  assert _draws.of_mean(one) == {"units": 7}  # By Student's t.
  assert _draws.of_mean([("a", 0)]) == {"organs": 1}
  wide = _draws.interval(values, units=7)
  assert wide[0] < low and high < wide[1]


@pytest.mark.parametrize("count", [1, 4, 7])
def test_means_and_medians_are_those_of_the_drawn(count):
  generator = np.random.default_rng(count)
  values = generator.normal(size=count)
  weights = generator.integers(0, 3, (30, count))
  weights[0] = 0
  middle, mean = _draws.medians(values, weights), _draws.means(values, weights)
  assert np.isnan([middle[0], mean[0]]).all()
  for b in range(1, 30):
    drawn = np.repeat(values, weights[b])
    if len(drawn):
      assert middle[b] == pytest.approx(np.median(drawn))
      assert mean[b] == pytest.approx(drawn.mean())
  assert _draws.medians(np.array([1.0, np.inf]), np.array([[2, 1]])) == [1.0]


def test_p_is_how_often_resamples_fall_on_the_other_side():
  values = np.append(1.0, np.linspace(-1, 9, 101))  # 11 of 101 are not above 0.
  assert _draws.two_sided(values) == pytest.approx(2 * 12 / 102)
  assert _draws.two_sided(-values) == pytest.approx(2 * 12 / 102)
  assert _draws.two_sided(np.zeros(50)) == 1.0
  assert np.isnan(_draws.two_sided(np.array([1.0])))


def test_optima_of_equal_fractions_are_those_of_the_library():
  # Two thresholds of different counts, and exactly the same Dice.
  fine = thresholds.grid(11)
  positive, negative = np.zeros((2, 1, 12), np.int64)
  positive[0, [4, 9]] = 2, 2
  negative[0, [0, 6, 8]] = 5, 2, 2
  counts = thresholds.Counts(fine, positive, negative)
  for side in (counts.positive, counts.negative):
    side[0, 1:3] += 1
  curves = thresholds.curve(counts)
  best = _costs.optima(counts, curves)
  assert best.tolist() == [thresholds.optimum(counts[0]).index]
