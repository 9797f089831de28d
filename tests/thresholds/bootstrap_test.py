"""Resampled patients: equal to doing it one by one, and paired."""

import hypothesis
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
import numpy as np
import pytest

from jaxseg import errors
from jaxseg import thresholds

GRID = thresholds.grid(8)
COUNTS = hnp.arrays(np.int64, (4, 9), elements=st.integers(0, 4))


def counts_of(positive, negative):
  return thresholds.Counts(
    GRID, np.asarray(positive, np.int64), np.asarray(negative, np.int64)
  )


@pytest.fixture(scope="module")
def counts():
  draw = np.random.default_rng(3)
  positive = draw.integers(0, 50, (7, 9)) * np.arange(9)
  negative = draw.integers(0, 500, (7, 9)) // (1 + np.arange(9)) ** 2
  return counts_of(positive, negative)


@hypothesis.settings(deadline=None, max_examples=150)
@hypothesis.given(
  COUNTS,
  COUNTS,
  st.sampled_from(["dice", "iou", "f2", "volume"]),
  st.sampled_from(["pooled", "mean_case"]),
  st.sampled_from(["skip", "perfect"]),
)
def test_as_one_by_one(positive, negative, criterion, aggregate, empty):
  hypothesis.assume(positive.sum() > 0)
  counts = counts_of(positive, negative)
  how = {"criterion": criterion, "aggregate": aggregate, "empty": empty}
  index = np.random.default_rng(0).integers(4, size=(12, 4))
  found = {
    name: thresholds.bootstrap(counts, name, index=index, **how)
    for name in ("threshold", "value", "curve")
  }
  for row, drawn in enumerate(index):
    own = counts_of(positive[drawn], negative[drawn])
    if not own.positive.any():
      assert np.isnan(found["threshold"].samples[row])
      continue
    best = thresholds.optimum(own, **how)
    assert found["threshold"].samples[row] == best.threshold
    value = found["value"].samples[row]
    assert value == pytest.approx(best.value, abs=1e-12)
    assert found["curve"].samples[row, best.index] == value
  best = thresholds.optimum(counts, **how)
  assert found["threshold"].estimate == best.threshold


def test_sensitivity_and_regret_as_one_by_one(counts):
  index = np.random.default_rng(1).integers(7, size=(20, 7))
  shifts = (-0.3, -0.05, 0.2)
  lost = thresholds.bootstrap(
    counts, "sensitivity", index=index, perturbations=shifts
  )
  regret = thresholds.bootstrap(counts, "regret", index=index)
  for row, drawn in enumerate(index):
    own = counts[drawn]
    np.testing.assert_allclose(
      lost.samples[row],
      thresholds.sensitivity(own, perturbations=shifts),
      atol=1e-12,
    )
    assert regret.samples[row] == pytest.approx(
      thresholds.regret(own), abs=1e-12
    )
  assert lost.estimate.shape == (3,)


def test_structures_behind_the_patients(counts):
  both = thresholds.Counts(
    GRID,
    np.stack([counts.positive, counts.positive[::-1]], 1),
    np.stack([counts.negative, counts.negative[::-1]], 1),
  )
  index = np.random.default_rng(1).integers(7, size=(30, 7))
  all_ = thresholds.bootstrap(both, "curve", index=index)
  first = thresholds.bootstrap(counts, "curve", index=index)
  assert all_.samples.shape == (30, 2, 8)
  np.testing.assert_array_equal(all_.samples[:, 0], first.samples)
  np.testing.assert_array_equal(all_.estimate[0], first.estimate)


def test_a_function_of_counts(counts):
  def best(own):
    return thresholds.optimum(own, criterion="recall>=0.5").threshold

  found = thresholds.bootstrap(counts, best, resamples=25, seed=4)
  assert found.estimate == best(counts)
  for row, drawn in enumerate(found.index):
    assert found.samples[row] == best(counts[drawn])


def test_the_seed_decides(counts):
  one, two, other = (
    thresholds.bootstrap(counts, resamples=50, seed=seed) for seed in (1, 1, 2)
  )
  np.testing.assert_array_equal(one.samples, two.samples)
  assert not np.array_equal(one.index, other.index)


def test_paired_differences(counts):
  worse = counts_of(counts.positive[:, ::-1], counts.negative)
  a = thresholds.bootstrap(counts, "value", resamples=200, seed=0)
  b = thresholds.bootstrap(worse, "value", resamples=200, seed=0)
  apart = a - b
  assert apart.estimate == a.estimate - b.estimate
  low, high = apart.interval()
  assert 0 < low < high
  # Paired, the interval is narrower than if both were drawn apart.
  other = thresholds.bootstrap(worse, "value", resamples=200, seed=9)
  with pytest.raises(errors.ConfigError, match="drew different patients"):
    a - other


def test_intervals(counts):
  found = thresholds.bootstrap(counts, "value", resamples=400, seed=0)
  low, high = found.interval(0.9)
  wide = found.interval(0.99)
  assert wide[0] <= low <= found.estimate <= high <= wide[1]
  expected = np.percentile(found.samples, [5, 95])
  np.testing.assert_allclose([low, high], expected)
  assert found.standard_error > 0
  with pytest.raises(errors.ConfigError, match="level"):
    found.interval(95)


def test_rounding_hides_no_difference():
  # Dice differ by 1e-13 here: far below what float64 sums are compared by.
  big = 2**43
  counts = counts_of(
    [[0, 0, 0, 0, 0, 0, 0, 1, big], [0, 0, 0, 0, 0, 0, 0, 1, big]],
    [[0, 0, 0, 0, 0, 0, 0, 0, 0]] * 2,
  )
  index = np.array([[0, 1], [0, 0], [1, 1]])
  found = thresholds.bootstrap(counts, index=index)
  best = thresholds.optimum(counts)
  assert best.last == 6
  assert found.samples.tolist() == [best.threshold] * 3


@pytest.mark.parametrize(
  ("options", "said"),
  [
    ({"statistic": "mode"}, "mode"),
    ({"resamples": 1}, "resamples is 1; give a whole number, 2 or above"),
    ({"resamples": 2.5}, "resamples is 2.5"),
    ({"seed": -1}, "seed is -1"),
    ({"criterion": None}, "criterion is None"),
    ({"statistic": "curve", "criterion": "recall>=0.5"}, "is a bound"),
    ({"aggregate": "worst_case"}, "worst_case"),
    ({"statistic": "regret", "criterion": "iou"}, "is of Dice"),
    ({"index": np.array([[0, 7]])}, "some of 7 patients"),
    ({"index": np.array([[0.0, 1.0]])}, "float64 of shape"),
  ],
)
def test_wrong_options(counts, options, said):
  with pytest.raises(errors.ConfigError, match=said):
    thresholds.bootstrap(counts, **options)


def test_counts_without_patients(counts):
  with pytest.raises(errors.ConfigError, match="without patients"):
    thresholds.bootstrap(counts[0])


def some_patients(number=4):
  draw = np.random.default_rng(2)
  p = draw.random((number, 200), np.float32)
  return thresholds.Counts.stack([
    thresholds.count_case(one, draw.random(200) < one, thresholds.grid(101))
    for one in p
  ])  # fmt: skip


def test_a_function_may_give_an_optimum():
  counts = some_patients()
  own = thresholds.bootstrap(counts, thresholds.optimum, resamples=20)
  np.testing.assert_array_equal(
    own.samples, thresholds.bootstrap(counts, resamples=20).samples
  )


def test_a_function_without_an_answer_leaves_nan():
  counts = some_patients()
  empty = thresholds.Counts(
    counts.thresholds, counts.positive * 0, counts.negative
  )
  mixed = thresholds.Counts.stack([counts[0], empty[1]])
  made = thresholds.bootstrap(
    mixed, lambda c: thresholds.optimum(c).threshold, resamples=50
  )
  drew = (made.index == 0).any(1)
  np.testing.assert_array_equal(~np.isnan(made.samples), drew)
  assert 0 < drew.sum() < 50
  assert not np.isnan(made.standard_error)
  assert not np.isnan(made.interval()).any()


def test_one_patient_and_no_index_are_refused():
  counts = some_patients()
  with pytest.raises(errors.ConfigError, match="one patient"):
    thresholds.bootstrap(counts[:1])
  with pytest.raises(errors.ConfigError, match="some of 4 patients"):
    thresholds.bootstrap(counts, index=np.zeros((0, 4), int))
  with pytest.raises(errors.ConfigError, match="not above 0"):
    thresholds.derivative(counts, step=-0.1)


@pytest.mark.parametrize("aggregate", ["pooled", "mean_case"])
def test_all_cases_of_a_patient_are_drawn_together(counts, aggregate):
  patients = ["b", "a", "b", "b", "c", "a", "d"]
  members = [[0, 2, 3], [1, 5], [4], [6]]  # In the order of their first cases.
  index = np.random.default_rng(1).integers(4, size=(25, 4))
  how = {"aggregate": aggregate, "patients": patients, "index": index}
  found = thresholds.bootstrap(counts, "optimum", **how)
  called = thresholds.bootstrap(
    counts,
    lambda c: thresholds.optimum(c, aggregate=aggregate),
    patients=patients,
    index=index,
  )
  for row, drawn in enumerate(index):
    cases = np.concatenate([members[k] for k in drawn])
    best = thresholds.optimum(counts[cases], aggregate=aggregate)
    assert found.samples[row, 0] == best.threshold == called.samples[row]
    assert found.samples[row, 1] == pytest.approx(best.value, abs=1e-12)
  # Scans that repeat each other say nothing new: the interval stays as wide.
  twice = counts_of(*(np.repeat(v, 2, axis=0) for v in
                      (counts.positive, counts.negative)))  # fmt: skip
  one = thresholds.bootstrap(counts, "value", aggregate=aggregate)
  two = thresholds.bootstrap(
    twice, "value", aggregate=aggregate, patients=np.arange(14) // 2
  )
  np.testing.assert_allclose(one.samples, two.samples, atol=1e-12)
  with pytest.raises(errors.ConfigError, match="one patient drawn"):
    thresholds.bootstrap(counts, patients=["a"] * 7)


@pytest.mark.parametrize("aggregate", ["pooled", "mean_case"])
def test_a_bound_as_a_function_that_calls_optimum(counts, aggregate):
  for criterion in ("recall>=0.8", "precision>=0.5", "specificity>=0.9"):
    how = {"criterion": criterion, "aggregate": aggregate}

    def both(some, how=how):
      best = thresholds.optimum(some, **how)
      return np.array([best.threshold, best.value])

    found = thresholds.bootstrap(counts, "optimum", resamples=60, **how)
    called = thresholds.bootstrap(counts, both, resamples=60)
    np.testing.assert_array_equal(found.samples[:, 0], called.samples[:, 0])
    np.testing.assert_allclose(found.samples, called.samples, atol=1e-12)


def test_expanded_intervals_are_wider_for_few_patients(counts):
  found = thresholds.bootstrap(counts, "value", resamples=500)
  low, high = found.interval()
  wide_low, wide_high = found.interval(kind="expanded")
  assert wide_low < low and high < wide_high
  many = thresholds.Bootstrap(
    found.estimate, found.samples, np.zeros((1, 10**6))
  )
  assert many.interval(kind="expanded")[0] == pytest.approx(low, abs=1e-4)
  with pytest.raises(errors.ConfigError, match="percentile or expanded"):
    found.interval(kind="bca")


def test_expanded_intervals_hold_the_mean_of_normal_values():
  generator = np.random.default_rng(0)
  held = {"percentile": 0, "expanded": 0}
  for _ in range(400):
    values = generator.normal(size=10)
    drawn = generator.integers(10, size=(400, 10))
    made = thresholds.Bootstrap(
      values.mean(), values[drawn].mean(axis=1), drawn
    )
    for kind in held:
      low, high = made.interval(kind=kind)
      held[kind] += low <= 0 <= high
  assert held["percentile"] < 370 < held["expanded"]


@pytest.mark.parametrize("aggregate", ["pooled", "mean_case"])
def test_standard_errors_are_those_of_the_patients_drawn(counts, aggregate):
  # Two scans of some patients, drawn together.
  patients = [0, 1, 1, 2, 3, 3, 4]
  index = np.random.default_rng(2).integers(5, size=(9, 5))
  how = {"index": index, "patients": patients, "aggregate": aggregate}
  curves, values = (
    thresholds.bootstrap(counts, name, studentize=True, **how)
    for name in ("curve", "optimum")
  )
  tp, fp = counts.true_positive, counts.false_positive
  above, below = 2 * tp, tp + fp + counts.positive.sum(-1)[:, None]
  if aggregate == "mean_case":
    above, below = above / below, np.ones_like(below)
  above, below = (
    np.stack([part[np.equal(patients, p)].sum(0) for p in range(5)])
    for part in (above, below)
  )
  for row, drawn in enumerate([np.arange(5), *index]):
    a, b = above[drawn], below[drawn]
    residuals = a - a.sum(0) / b.sum(0) * b
    error = np.sqrt((residuals**2).sum(0) * 5 / 4) / b.sum(0)
    np.testing.assert_allclose(
      curves.standard_errors[row], error, rtol=1e-6, atol=1e-9
    )
    there = np.isclose(
      GRID, np.vstack([values.estimate, values.samples])[row, 0]
    )
    assert values.standard_errors[row, 1] == pytest.approx(error[there][0])
  assert np.isnan(values.standard_errors[:, 0]).all()


def test_studentized_intervals():
  draw = np.random.default_rng(5)
  positive = draw.integers(20, 90, (12, 9)) * np.arange(9)
  counts = counts_of(positive, draw.integers(0, 400, (12, 9)))
  found = thresholds.bootstrap(counts, "optimum", studentize=True)
  (_, low), (_, high) = found.interval(kind="studentized")
  assert 0 < low < found.estimate[1] < high < 1
  # By hand: distances in standard errors on the logit scale.
  error, value = (
    found.standard_errors[:, 1],
    np.append(found.estimate[1], found.samples[:, 1]),
  )
  place, error = np.log(value / (1 - value)), error / (value * (1 - value))
  own = np.maximum(error[1:], error[0] / 2)
  far = np.percentile((place[1:] - place[0]) / own, [97.5, 2.5])
  ends = 1 / (1 + np.exp(far * error[0] - place[0]))
  np.testing.assert_allclose([low, high], ends)
  # What has no standard error is widened, and so are few patients.
  wide = found.interval(kind="expanded")
  assert found.interval(kind="studentized")[0][0] == wide[0][0]
  few = thresholds.bootstrap(counts[:9], "value", studentize=True)
  assert few.interval(kind="studentized") == few.interval(kind="expanded")
  volume = thresholds.bootstrap(
    counts, "value", criterion="volume", studentize=True
  )
  assert np.isnan(volume.standard_errors).all()
  assert volume.interval(kind="studentized") == volume.interval(kind="expanded")
  with pytest.raises(errors.ConfigError, match="studentize=True"):
    thresholds.bootstrap(counts, "value").interval(kind="studentized")


def test_the_only_failure_does_not_stretch_the_interval_beyond_all_patients():
  """Resamples without it have next to no standard error."""
  true = np.append(np.full(18, 700) + np.arange(18), 60)
  positive = np.stack([1000 - true, true], axis=1)
  negative = np.tile([9000, 250], (19, 1))
  counts = thresholds.Counts(np.float32([0.5]), positive, negative)
  found = thresholds.bootstrap(
    counts, "curve", aggregate="mean_case", studentize=True
  )
  low, high = found.interval(kind="studentized")
  single = thresholds.curve(counts)[:, 0]
  assert single[:-1].min() > 0.7 and single[-1] < 0.1
  # Three of it among 19 would be 0.63.
  assert 0.6 < low[0] < found.estimate[0] < high[0] < 0.74


@pytest.mark.filterwarnings("error")
def test_studentized_curves_end_where_nothing_is_found():
  sides = np.zeros((11, 9), int), np.zeros((11, 9), int)
  sides[0][:, 3], sides[1][:, 2] = 50, 30 + np.arange(11)
  curve = thresholds.bootstrap(
    counts_of(*sides), "curve", resamples=50, studentize=True
  )
  low, high = curve.interval(kind="studentized")
  assert low[-1] == high[-1] == 0 and (low <= high).all()
  assert (low[2], high[2]) == (1, 1)  # Perfect for everyone.


def test_specificity_without_a_negative_is_that_of_the_optimum():
  positive = np.array([[1, 2, 3], [2, 2, 2]])
  counts = thresholds.Counts(
    np.float32([0.2, 0.5]), positive, np.zeros((2, 3), np.int64)
  )
  best = thresholds.optimum(counts, criterion="specificity")
  drawn = thresholds.bootstrap(
    counts, "value", criterion="specificity", resamples=5
  )
  assert drawn.estimate == best.value == 1
