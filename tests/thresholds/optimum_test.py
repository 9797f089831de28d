"""The optimum is exact, and the sensitivity never wraps around."""

import fractions

import hypothesis
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
import jax
import numpy as np
import pytest

from jaxseg import errors
from jaxseg import thresholds

GRID = thresholds.grid(8)


def counts_of(positive, negative):
  return thresholds.Counts(
    GRID, np.asarray(positive, np.int64), np.asarray(negative, np.int64)
  )


def by_fractions(positive, negative):
  """All indices of the exactly highest pooled Dice."""
  scores = []
  for k in range(len(GRID)):
    tp, fp = sum(positive[k + 1 :]), sum(negative[k + 1 :])
    scores.append(fractions.Fraction(2 * int(tp), int(tp + fp + sum(positive))))
  return [k for k, s in enumerate(scores) if s == max(scores)]


@hypothesis.settings(deadline=None, max_examples=300)
@hypothesis.given(
  hnp.arrays(np.int64, 9, elements=st.integers(0, 4)),
  hnp.arrays(np.int64, 9, elements=st.integers(0, 4)),
)
def test_optimum_is_the_widest_exact_run(positive, negative):
  hypothesis.assume(positive.sum() > 0)
  best = thresholds.optimum(counts_of(positive, negative))
  tied = by_fractions(positive.tolist(), negative.tolist())
  runs, run = [], [tied[0]]
  for k in tied[1:]:
    if k == run[-1] + 1:
      run.append(k)
    else:
      runs.append(run)
      run = [k]
  runs.append(run)
  widest = max(runs, key=len)
  assert (best.first, best.last) == (widest[0], widest[-1])
  assert best.index == (widest[0] + (widest[-1] - widest[0]) // 2)
  assert best.runs == len(runs)
  assert best.low <= best.threshold <= best.high


def test_scores_that_floats_cannot_tell_apart():
  # 2a/(a + b + n): two quotients that differ by one part in 10^18.
  n = 10**9
  positive = [0, 1, n, 0, 0, 0, 0, 0, 0]
  negative = [0, 0, 1, 0, 0, 0, 0, 0, 0]
  negative[2] = 0
  best = thresholds.optimum(counts_of(positive, negative))
  # Thresholds 0 (all) and 1 (all but one voxel) round to the same Dice.
  assert (best.first, best.last) == (0, 0)


def test_mean_case_and_pooled_are_different_questions():
  # A big patient whose best cut is low, two small ones whose best is high.
  positive = np.zeros((3, 9), np.int64)
  negative = np.zeros((3, 9), np.int64)
  positive[0, 2] = 1000
  positive[1:, 7], negative[1:, 4] = 5, 20
  counts = counts_of(positive, negative)
  assert thresholds.optimum(counts).index < 3
  assert thresholds.optimum(counts, aggregate="mean_case").index > 3


def test_mean_case_leaves_out_cases_without_the_structure():
  positive = np.array([[0] * 9, [0] * 8 + [4]])
  negative = np.array([[9] * 9, [1] * 9])
  both = thresholds.optimum(
    counts_of(positive, negative), aggregate="mean_case"
  )
  alone = thresholds.optimum(counts_of(positive[1:], negative[1:]))
  assert (both.index, both.value) == (alone.index, alone.value)


def test_nothing_to_find_is_refused():
  with pytest.raises(errors.DataError, match="none of 1 cases"):
    thresholds.optimum(counts_of([0] * 9, [1] * 9))
  with pytest.raises(errors.ConfigError, match="dice or iou"):
    thresholds.optimum(counts_of([1] * 9, [1] * 9), objective="hausdorff")
  with pytest.raises(errors.ConfigError, match="pooled or mean_case"):
    thresholds.optimum(counts_of([1] * 9, [1] * 9), aggregate="median")


def test_sensitivity_at_the_ends_does_not_wrap():
  positive = [0, 10, 0, 0, 0, 0, 0, 0, 0]  # Only threshold 0 finds it.
  counts = counts_of(positive, [0] * 9)
  best = thresholds.optimum(counts)
  assert best.index == 0
  lower, higher = thresholds.sensitivity(counts, perturbations=(-0.5, 0.5))
  assert lower == 0.0  # Cut at the grid's end, which is the optimum itself.
  assert higher == 1.0


def test_sensitivity_about_a_given_threshold_can_be_negative():
  positive = [0, 0, 0, 0, 10, 0, 0, 0, 0]
  counts = counts_of(positive, [5] * 9)
  here = thresholds.sensitivity(
    counts, perturbations=(1 / 7, 2 / 7), threshold=float(GRID[1])
  )
  assert here[0] < 0


@hypothesis.settings(deadline=None, max_examples=50)
@hypothesis.given(
  hnp.arrays(np.int64, (3, 9), elements=st.integers(0, 50)),
  hnp.arrays(np.int64, (3, 9), elements=st.integers(0, 50)),
  st.sampled_from(["dice", "iou", "precision", "recall", "specificity"]),
  st.sampled_from(["nan", "perfect", "skip"]),
)
def test_curves_on_host_and_device_agree(positive, negative, metric, empty):
  host = counts_of(positive, negative)
  device = jax.tree.map(jax.numpy.asarray, host)
  found = jax.jit(lambda c: thresholds.curve(c, metric=metric, empty=empty))(
    thresholds.Counts(
      device.thresholds,
      device.positive.astype("int32"),
      device.negative.astype("int32"),
    )
  )
  expected = thresholds.curve(host, metric=metric, empty=empty)
  assert expected.dtype == np.float64
  np.testing.assert_allclose(found, expected, rtol=1e-6)


@pytest.mark.parametrize(
  "metric", ["dice", "iou", "precision", "recall", "specificity"]
)
def test_sweep_equals_curve_of_counts(metric):
  generator = np.random.default_rng(5)
  p = generator.random((4, 9, 9), np.float32)
  y = generator.random(p.shape) < p
  y[3] = False  # One structure without reference.
  by_counts = thresholds.curve(
    thresholds.count(p, y, GRID, axis=(1, 2)), metric=metric
  )
  by_vmap = thresholds.sweep(p, y, GRID, metric=metric, axis=(1, 2))
  np.testing.assert_allclose(by_counts, by_vmap, rtol=1e-6)


def test_empty_policies_by_hand():
  nothing = counts_of([0] * 9, [3] + [0] * 8)  # Neither is anywhere.
  missed = counts_of([2] + [0] * 8, [0] * 9)
  made_up = counts_of([0] * 9, [0] * 8 + [2])
  for counts, empty, expected in (
    (nothing, "nan", np.nan),
    (nothing, "perfect", 1.0),
    (nothing, "skip", np.nan),
    (missed, "nan", 0.0),
    (missed, "skip", 0.0),
    (made_up, "nan", 0.0),
    (made_up, "perfect", 0.0),
    (made_up, "skip", np.nan),
  ):
    for metric in ("dice", "iou", "precision", "recall"):
      value = thresholds.curve(counts, metric=metric, empty=empty)[-1]
      np.testing.assert_equal(value, expected)


def test_unknown_names_are_refused():
  counts = counts_of([1] * 9, [1] * 9)
  with pytest.raises(errors.ConfigError, match="dice, iou"):
    thresholds.curve(counts, metric="dise")
  with pytest.raises(errors.ConfigError, match="nan, perfect, skip"):
    thresholds.curve(counts, empty="zero")
