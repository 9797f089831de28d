"""Criteria beyond Dice, by definition and by hand."""

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


def four(positive, negative, k):
  tp, fp = int(positive[k + 1 :].sum()), int(negative[k + 1 :].sum())
  return (
    tp, fp, int(positive.sum()) - tp, int(negative.sum()) - fp,
  )  # fmt: skip


def score(metric, tp, fp, fn, tn):
  """A fraction; undefined is best only where both are empty."""
  b = {"f2": fractions.Fraction(4), "f0.5": fractions.Fraction(1, 4)}.get(
    metric
  )
  if b is not None:
    above, below = (1 + b) * tp, (1 + b) * tp + b * fn + fp
  else:
    above, below = {
      "recall": (tp, tp + fn),
      "precision": (tp, tp + fp),
      "specificity": (tn, tn + fp),
      "volume": (-abs(fp - fn), tp + fn),
    }[metric]
  if below:
    return fractions.Fraction(above) / below
  if metric == "volume":
    return fractions.Fraction(above)
  perfect = metric == "specificity" or tp + fp + fn == 0
  return fractions.Fraction(int(perfect))


def curve_of(positive, negative, metric, aggregate):
  if aggregate == "pooled":
    positive, negative = positive.sum(0)[None], negative.sum(0)[None]
  else:
    has = positive.sum(1) > 0
    positive, negative = positive[has], negative[has]
  values = []
  for k in range(len(GRID)):
    each = [
      score(metric, *four(a, b, k))
      for a, b in zip(positive, negative, strict=True)
    ]
    values.append(
      min(each) if aggregate == "worst_case" else sum(each) / len(each)
    )
  return values


def middle_of_widest(best):
  runs = []
  for k in best:
    if runs and runs[-1][1] == k - 1:
      runs[-1][1] = k
    else:
      runs.append([k, k])
  first, last = max(runs, key=lambda run: run[1] - run[0])
  return first + (last - first) // 2, len(runs)


@hypothesis.settings(deadline=None, max_examples=300)
@hypothesis.given(
  COUNTS,
  COUNTS,
  st.sampled_from(["f2", "f0.5", "volume", "recall", "specificity"]),
  st.sampled_from(["pooled", "mean_case", "worst_case"]),
)
def test_the_highest_exact_value(positive, negative, metric, aggregate):
  hypothesis.assume(positive.sum() > 0)
  best = thresholds.optimum(
    counts_of(positive, negative), criterion=metric, aggregate=aggregate
  )
  values = curve_of(positive, negative, metric, aggregate)
  top = [k for k, v in enumerate(values) if v == max(values)]
  assert (best.index, best.runs) == middle_of_widest(top)
  assert best.value == float(max(values))


@hypothesis.settings(deadline=None, max_examples=300)
@hypothesis.given(
  COUNTS,
  COUNTS,
  st.sampled_from(["recall", "precision", "specificity"]),
  st.sampled_from(["0.5", "0.75", "1", "0", ".3"]),
  st.sampled_from(["pooled", "mean_case", "worst_case"]),
)
def test_bounds(positive, negative, metric, bound, aggregate):
  hypothesis.assume(positive.sum() > 0)
  counts = counts_of(positive, negative)
  how = {"criterion": f"{metric}>={bound}", "aggregate": aggregate}
  values = curve_of(positive, negative, metric, aggregate)
  allowed = [k for k, v in enumerate(values) if v >= fractions.Fraction(bound)]
  if not allowed:
    with pytest.raises(
      errors.DataError, match=f"no threshold reaches {metric}"
    ):
      thresholds.optimum(counts, **how)
    return
  best = thresholds.optimum(counts, **how)
  assert best.index in allowed
  if aggregate == "pooled":
    has = np.ones(3, bool)
  else:
    has = positive.sum(1) > 0
  of = [four(positive[has].sum(0), negative[has].sum(0), k) for k in allowed]
  key = (lambda v: (-v[1], v[0])) if metric == "recall" else (
    lambda v: (v[0], -v[1])
  )  # fmt: skip
  top = max(map(key, of))
  ties = [k for k, v in zip(allowed, of, strict=True) if key(v) == top]
  assert best.index == middle_of_widest(ties)[0]
  assert best.value == pytest.approx(float(values[best.index]), abs=1e-15)


def test_worst_case_protects_the_worst_patient():
  # One patient is found only below 0.3, the other is best above 0.8.
  counts = counts_of(
    [[0, 0, 0, 9, 0, 0, 0, 0, 0], [0] * 8 + [90]],
    [[0, 20, 0, 0, 0, 0, 0, 0, 0], [0, 40, 40, 40, 9, 9, 9, 9, 0]],
  )
  assert thresholds.optimum(counts).index == 7
  worst = thresholds.optimum(counts, aggregate="worst_case")
  assert worst.index <= 2
  assert worst.value > 0


def test_the_neighbourhood_within_epsilon():
  counts = counts_of([0] * 5 + [50, 0, 0, 50], [0, 900, 1, 1, 1, 0, 0, 0, 0])
  best = thresholds.optimum(counts, epsilon=0.01)
  dice = thresholds.curve(counts)
  good = np.flatnonzero(dice >= best.value - 0.01)
  assert (best.near_low, best.near_high) == (GRID[good[0]], GRID[good[-1]])
  assert best.width == pytest.approx(float(GRID[good[-1]] - GRID[good[0]]))
  assert best.width > best.high - best.low
  exact = thresholds.optimum(counts, epsilon=0.0)
  assert (exact.near_low, exact.near_high) == (exact.low, exact.high)


@pytest.mark.parametrize(
  "criterion",
  [
    "recall>=1.5",
    "recall>=",
    "recall>=x",
    "dice>=0.5",
    "f0",
    "f",
    "f12345",
    "volume_difference",
  ],
)
def test_unknown_criteria(criterion):
  counts = counts_of([1] * 9, [1] * 9)
  with pytest.raises(errors.ConfigError):
    thresholds.optimum(counts, criterion=criterion)


def test_f_beta_of_many_digits_and_voxels_is_refused():
  counts = counts_of([2**50] * 9, [2**50] * 9)
  with pytest.raises(errors.ConfigError, match="64 bits"):
    thresholds.optimum(counts, criterion="f99.9999")
