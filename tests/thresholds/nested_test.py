"""Chosen on some patients, scored on the others."""

import time

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
  [
    ({"folds": 1}, "1 folds"),
    ({"folds": 10}, "10 folds of 9"),
    ({"folds": 2.0}, "folds is 2.0"),
    ({"folds": 2, "seed": -1}, "seed is -1"),
    ({"criterion": None}, "criterion is None"),
  ],
)
def test_wrong_options(counts, options, said):
  with pytest.raises(errors.ConfigError, match=said):
    thresholds.nested(counts, **options)
  with pytest.raises(errors.ConfigError, match="shape"):
    thresholds.nested(counts[0])


def naively(counts, taking_part, of, **how):
  """Chooses anew without each patient: what the sums must give."""
  rest = {p: [k for k in taking_part if of[k] != p] for p in of[taking_part]}
  return {
    p: thresholds.optimum(counts[np.array(which)], **how).threshold
    for p, which in rest.items()
  }


@pytest.mark.parametrize("aggregate", ["pooled", "mean_case", "worst_case"])
@pytest.mark.parametrize("criterion", ["dice", "volume", "recall>=0.6"])
def test_sums_choose_what_a_choice_anew_does(aggregate, criterion):
  draw = np.random.default_rng(2)
  how = {"criterion": criterion, "aggregate": aggregate}
  for trial in range(12):
    # Few voxels tie often; a huge patient hides what the others say.
    positive = draw.integers(1, (3, 10**6)[trial % 2], (7, 9))
    negative = draw.integers(0, 4, (7, 9))
    positive[0] *= 10 ** (trial % 3)
    positive[1], negative[1] = positive[2], negative[2]
    counts = counts_of(positive, negative)
    for patients in (np.arange(7), np.array([0, 1, 0, 2, 2, 2, 3])):
      try:
        by_hand = naively(counts, np.arange(7), patients, **how)
      except errors.DataError:
        continue
      found = thresholds.nested(counts, patients=patients, **how)
      at = found.thresholds[found.fold]
      np.testing.assert_array_equal(at, [by_hand[p] for p in patients])


def test_cases_of_a_patient_are_left_out_together(counts):
  names = ["a", "b", "a", "c", "c", "d", "e", "e", "e"]
  found = thresholds.nested(counts, patients=names)
  assert found.fold.tolist() == [0, 1, 0, 2, 2, 3, 4, 4, 4]
  assert len(found.thresholds) == 5
  two = thresholds.nested(counts, patients=names, folds=2, seed=3)
  for name in "ace":  # No patient is in both halves.
    own = two.fold[[k for k, n in enumerate(names) if n == name]]
    assert len(set(own)) == 1
  with pytest.raises(errors.ConfigError, match="6 folds of 5 patients"):
    thresholds.nested(counts, patients=names, folds=6)
  with pytest.raises(errors.ConfigError, match="one for each"):
    thresholds.nested(counts, patients=names[:3])


def test_time_is_linear():
  """Steps, not seconds: each fold looks at a bounded number of cases."""
  draw = np.random.default_rng(0)
  rows = 1500
  counts = counts_of(
    draw.integers(1, 90, (rows, 9)), draw.integers(0, 9, (rows, 9))
  )
  seen = []
  before = time.process_time()
  for aggregate in ("pooled", "mean_case"):
    thresholds.nested(
      counts, aggregate=aggregate, on_fold=lambda *at: seen.append(at)
    )
  # Anew without each of 1500 took 200 s.
  assert time.process_time() - before < 10
  assert seen[-1] == (rows, rows)


def test_thousands_of_exact_ties_end():
  """Thresholds 0.29 and 0.57 tie in the sum, and in no case alone."""
  draw = np.random.default_rng(1)
  half = draw.integers(1, 40, (400, 9))
  other = half.copy()
  other[:, [2, 4]] = other[:, [4, 2]]
  positive = np.concatenate([half, other])
  negative = np.zeros_like(positive)
  found = thresholds.nested(
    counts_of(positive, negative), aggregate="mean_case"
  )
  assert len(found.scores) == 800
