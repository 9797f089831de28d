"""The optimum is exact: the middle of the widest run of fractions."""

import fractions

import hypothesis
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
import numpy as np
import pytest

from jaxseg import errors
from jaxseg import thresholds

GRID = thresholds.grid(8)
COUNTS = hnp.arrays(np.int64, (3, 9), elements=st.integers(0, 4))


def counts_of(positive, negative):
  return thresholds.Counts(
    GRID, np.asarray(positive, np.int64), np.asarray(negative, np.int64)
  )


def fraction(positive, negative, k, criterion):
  tp, fp = int(positive[k + 1 :].sum()), int(negative[k + 1 :].sum())
  union = int(positive.sum()) + fp
  if criterion == "iou":
    tp, union = tp, union
  else:
    tp, union = 2 * tp, union + tp
  return fractions.Fraction(tp, union) if union else fractions.Fraction(1)


def by_fractions(positive, negative, criterion, aggregate, empty):
  """(first, last, number of runs, value) by the definition."""
  if aggregate == "pooled":
    positive, negative = positive.sum(0)[None], negative.sum(0)[None]
  elif empty == "skip":
    has = positive.sum(1) > 0
    positive, negative = positive[has], negative[has]
  scores = [
    sum(
      fraction(a, b, k, criterion)
      for a, b in zip(positive, negative, strict=True)
    )
    / len(positive)
    for k in range(len(GRID))
  ]
  runs, best = [], max(scores)
  for k, score in enumerate(scores):
    if score == best and (not runs or runs[-1][1] != k - 1):
      runs.append([k, k])
    elif score == best:
      runs[-1][1] = k
  first, last = max(runs, key=lambda run: run[1] - run[0])
  return first, last, len(runs), float(best)


@hypothesis.settings(deadline=None, max_examples=400)
@hypothesis.given(
  COUNTS,
  COUNTS,
  st.sampled_from(["dice", "iou"]),
  st.sampled_from(["pooled", "mean_case"]),
  st.sampled_from(["skip", "perfect"]),
)
def test_optimum_is_the_widest_exact_run(
  positive, negative, criterion, aggregate, empty
):
  hypothesis.assume(positive.sum() > 0)
  how = {"criterion": criterion, "aggregate": aggregate, "empty": empty}
  best = thresholds.optimum(counts_of(positive, negative), **how)
  first, last, runs, value = by_fractions(positive, negative, **how)
  assert (best.first, best.last, best.runs) == (first, last, runs)
  assert best.index == first + (last - first) // 2
  assert best.value == value
  assert (best.low, best.threshold, best.high) == tuple(
    float(GRID[k]) for k in (first, best.index, last)
  )


def test_scores_that_floats_cannot_tell_apart():
  # Threshold 0 takes all, threshold 1 leaves one of 10^9 + 1 voxels out.
  n = 10**18
  positive = [0, 1, n, 0, 0, 0, 0, 0, 0]
  counts = counts_of(positive, [0] * 9)
  dice = thresholds.curve(counts)
  assert dice[0] == dice[1] == 1.0
  best = thresholds.optimum(counts)
  assert (best.first, best.last) == (0, 0)


def test_floats_that_differ_for_equal_scores():
  # Dice of three cases is .1, .2, .3 up to threshold 3 and .3, .2, .1 beyond.
  positive = np.zeros((3, 9), np.int64)
  negative = np.zeros((3, 9), np.int64)
  positive[:, 8], negative[:, 8] = (3, 1, 1), (14, 8, 5)
  positive[:, 4], negative[:, 4] = (0, 0, 5), (40, 0, 15)
  positive[2, 0] = 8
  counts = counts_of(positive, negative)
  means = thresholds.curve(counts).mean(0)
  assert means[0] > means[7]  # Rounding alone.
  best = thresholds.optimum(counts, aggregate="mean_case")
  assert (best.first, best.last, best.runs) == (0, 7, 1)


def test_mean_case_and_pooled_are_different_questions():
  # A big patient whose best cut is low, two small ones whose best is high.
  positive = np.zeros((3, 9), np.int64)
  negative = np.zeros((3, 9), np.int64)
  positive[0, 2] = 1000
  positive[1:, 7], negative[1:, 4] = 5, 20
  counts = counts_of(positive, negative)
  assert thresholds.optimum(counts).index < 3
  assert thresholds.optimum(counts, aggregate="mean_case").index > 3


def test_cases_without_the_structure():
  positive = np.array([[0] * 9, [0] * 4 + [4] * 5])
  negative = np.array([[0] * 8 + [9], [8] * 4 + [0] * 5])
  counts, alone = (
    counts_of(positive, negative),
    counts_of(positive[1], negative[1]),
  )
  skipped = thresholds.optimum(counts, aggregate="mean_case")
  own = thresholds.optimum(alone)
  assert (skipped.index, skipped.value) == (own.index, own.value)
  # Its voxels are everywhere at or above the last threshold: it scores 0.
  scored = thresholds.optimum(counts, aggregate="mean_case", empty="perfect")
  assert scored.value == own.value / 2


def test_large_counts_do_not_wrap():
  counts = counts_of([[0] * 4 + [2**60] + [0] * 4] * 2, [[1] * 9] * 2)
  best = thresholds.optimum(counts)
  assert (best.first, best.last) == (3, 3)


def test_nothing_to_find_is_refused():
  nothing = counts_of([[0] * 9] * 2, [[1] * 9] * 2)
  for aggregate in ("pooled", "mean_case"):
    with pytest.raises(errors.DataError, match="none of 2 cases"):
      thresholds.optimum(nothing, aggregate=aggregate)


@pytest.mark.parametrize(
  ("option", "message"),
  [
    (
      {"criterion": "hausdorff"},
      "'hausdorff' is unknown; take one of dice, iou",
    ),
    (
      {"aggregate": "median"},
      "'median' is unknown; take one of pooled, mean_case",
    ),
    ({"empty": "nan"}, "'nan' is unknown; take one of skip, perfect"),
  ],
)
def test_unknown_names_are_refused(option, message):
  with pytest.raises(errors.ConfigError, match=message):
    thresholds.optimum(counts_of([1] * 9, [1] * 9), **option)


@hypothesis.settings(max_examples=100)
@hypothesis.given(COUNTS, COUNTS)
def test_the_widest_run_of_a_curve_is_that_of_the_optimum(positive, negative):
  hypothesis.assume(positive.sum() > 0)
  counts = counts_of(positive, negative)
  best = thresholds.optimum(counts)
  # Of counts this small no two scores differ by rounding.
  run = thresholds.widest_run(thresholds.curve(counts, aggregate="pooled"))
  assert (run.index, run.first, run.last, run.runs) == (
    best.index, best.first, best.last, best.runs
  )  # fmt: skip


def test_the_widest_run_by_hand():
  found = thresholds.widest_run([3, 3, 1, 3, 3, 3, 3, 0, 3])
  assert (found.first, found.index, found.last, found.runs) == (3, 4, 6, 3)
  nan, inf = np.nan, np.inf
  assert thresholds.widest_run([nan, -inf, nan]).index == 1
  assert thresholds.widest_run([5, 5, 1, 5, 5]).last == 1  # The first of two.
  for values in ([nan, nan], []):
    with pytest.raises(errors.DataError, match="values is a number"):
      thresholds.widest_run(values)
