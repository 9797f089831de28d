"""Chosen on some patients, scored on the others."""

import numpy as np
import pytest

from jaxseg import errors
from jaxseg import thresholds

GRID = thresholds.grid(8)


def counts_of(positive, negative):
  return thresholds.Counts(
    GRID, np.asarray(positive, np.int64), np.asarray(negative, np.int64)
  )


@pytest.fixture
def counts():
  draw = np.random.default_rng(5)
  positive = draw.integers(0, 50, (9, 9)) * np.arange(9)
  negative = draw.integers(0, 500, (9, 9)) // (1 + np.arange(9)) ** 2
  positive[4] = 0
  return counts_of(positive, negative)


@pytest.mark.parametrize("aggregate", ["pooled", "mean_case", "worst_case"])
def test_leave_one_out_by_hand(counts, aggregate):
  found = thresholds.nested(counts, aggregate=aggregate)
  chosen, tp_, all_ = [], [], []
  taking_part = [k for k in range(9) if aggregate == "pooled" or k != 4]
  for k in taking_part:
    rest = [j for j in taking_part if j != k]
    best = thresholds.optimum(counts[np.array(rest)], aggregate=aggregate)
    chosen.append(best.threshold)
    own = counts[k]
    tp = own.true_positive[best.index]
    tp_.append(2 * tp)
    all_.append(
      2 * tp + own.false_positive[best.index] + own.false_negative[best.index]
    )
  np.testing.assert_array_equal(found.thresholds, chosen)
  each = np.array([a / b for a, b in zip(tp_, all_, strict=True) if b])
  expected = {
    "pooled": sum(tp_) / sum(all_),
    "mean_case": each.mean(),
    "worst_case": each.min(),
  }[aggregate]
  assert found.held_out == pytest.approx(expected, abs=1e-15)
  best = thresholds.optimum(counts, aggregate=aggregate)
  assert found.in_sample == pytest.approx(best.value, abs=1e-15)
  assert np.isnan(found.scores[4])
  assert found.optimism == found.in_sample - found.held_out


def test_folds(counts):
  found = thresholds.nested(counts, folds=3, seed=1, aggregate="mean_case")
  assert found.fold[4] == -1
  assert np.bincount(found.fold[found.fold >= 0]).tolist() == [3, 3, 2]
  for k in range(3):
    rest = counts[np.flatnonzero((found.fold != k) & (found.fold >= 0))]
    best = thresholds.optimum(rest, aggregate="mean_case")
    assert found.thresholds[k] == best.threshold
  again = thresholds.nested(counts, folds=3, seed=1, aggregate="mean_case")
  np.testing.assert_array_equal(found.fold, again.fold)
  other = thresholds.nested(counts, folds=3, seed=2, aggregate="mean_case")
  assert not np.array_equal(found.fold, other.fold)


def test_noise_is_optimistic():
  """Of patients that have nothing in common the best threshold is luck."""
  draw = np.random.default_rng(0)
  optimism = []
  for _ in range(60):
    positive = draw.integers(1, 9, (4, 9))
    negative = draw.integers(1, 9, (4, 9))
    found = thresholds.nested(counts_of(positive, negative))
    optimism.append(found.optimism)
  assert np.mean(optimism) > 0


def test_a_bound(counts):
  found = thresholds.nested(counts, criterion="recall>=0.8")
  assert found.in_sample >= 0.8


@pytest.mark.parametrize(
  ("options", "said"),
  [({"folds": 1}, "1 folds"), ({"folds": 10}, "10 folds of 9")],
)
def test_wrong_options(counts, options, said):
  with pytest.raises(errors.ConfigError, match=said):
    thresholds.nested(counts, **options)
  with pytest.raises(errors.ConfigError, match="shape"):
    thresholds.nested(counts[0])
