"""Thresholds without labels: by hand, by brute force, and what they gain."""

import numpy as np
import pytest
import scipy.optimize

from jaxseg import study
from jaxseg import thresholds
from jaxseg.study import _chooser
from jaxseg.study import _per_case
from tests.study import made

SETTINGS = study.Settings(resamples=200)


def cases(count, seed, *, shift=0.0, voxel_ml=0.01, size=(8, 200)):
  """Counts of maps whose best threshold moves with the logarithm of volume."""
  draw = np.random.default_rng(seed)
  fine = thresholds.fine_grid(1001)
  sides = ([], [])
  for _ in range(count):
    inside = int(np.exp(draw.uniform(*np.log(size))))
    centre = 0.5 + shift * (np.log(inside) - np.log(size).mean())
    for side, mean, voxels in (
      (0, centre + 0.1, inside),
      (1, centre - 0.1, 2 * inside),
    ):
      p = np.clip(draw.normal(mean, 0.06, voxels), 0, 1).astype(np.float32)
      place = np.searchsorted(fine, p, side="right")
      sides[side].append(np.bincount(place, minlength=len(fine) + 1))
  counts = thresholds.Counts(fine, *(np.array(s, np.int64) for s in sides))
  names = tuple(f"{seed}-{k}" for k in range(count))
  return study.Cases(names, counts, 1001, np.full(count, voxel_ml))


def test_the_expected_threshold_is_that_of_brute_force():
  choose_on, score_on = cases(12, 0), cases(5, 1)
  chooser = _chooser.Chooser.fit(choose_on)
  found = chooser.choose(score_on)["expected"]
  grid = np.asarray(score_on.counts.thresholds)
  inside = choose_on.counts.positive.sum(0)
  voxels = inside + choose_on.counts.negative.sum(0)
  known = np.flatnonzero(voxels)
  share = scipy.optimize.isotonic_regression(
    inside[known] / voxels[known], weights=voxels[known]
  ).x
  for n in range(5):
    own = score_on.counts.positive[n] + score_on.counts.negative[n]
    chance = np.array(
      [share[max(np.sum(known <= k) - 1, 0)] for k in range(len(own))]
    )
    curve = [
      2
      * (chance * own)[k + 1 :].sum()
      / (own[k + 1 :].sum() + (chance * own).sum())
      for k in range(len(grid))
    ]
    at = int(np.flatnonzero(grid == np.float32(found[n]))[0])
    assert curve[at] == pytest.approx(max(curve), rel=1e-9)


def test_labels_of_the_cases_scored_change_no_threshold():
  choose_on, score_on = cases(12, 0, shift=0.05), cases(6, 1, shift=0.05)
  counts = score_on.counts
  every = counts.positive + counts.negative
  other = study.Cases(
    score_on.names,
    thresholds.Counts(counts.thresholds, every // 2, every - every // 2),
    1001,
    score_on.voxel_ml,
  )
  one, two = (study.case_thresholds(choose_on, c) for c in (score_on, other))
  for name in study.METHODS:
    np.testing.assert_array_equal(one[name], two[name])


def test_a_line_on_the_volume_gains_where_the_optimum_follows_it():
  choose_on, score_on = cases(30, 0, shift=0.08), cases(40, 1, shift=0.08)
  rows = {
    row["method"]: row
    for row in study.per_case_rows(choose_on, score_on, SETTINGS)
  }
  assert tuple(rows) == study.METHODS
  assert rows["organ"]["gain"] == rows["organ"]["gain_high"] == 0
  assert 0.01 < rows["volume"]["gain_low"] < rows["volume"]["gain"]
  chosen = study.case_thresholds(choose_on, score_on)
  scores = []
  for n, cut in enumerate(chosen["volume"]):
    k = score_on.index(float(cut))
    own = score_on.even[n]
    true, wrong = own.true_positive[k], own.false_positive[k]
    scores.append(2 * true / (true + wrong + own.positive.sum()))
  assert rows["volume"]["dice_mean_case"] == pytest.approx(
    np.mean(scores), abs=2e-3
  )
  none = study.per_case_rows(cases(30, 2), cases(40, 3), SETTINGS)
  assert abs(none[3]["gain"]) < 0.01


def test_without_other_patients_each_fold_is_fitted_on_the_others():
  both = cases(25, 4, shift=0.06)
  found = study.case_thresholds(both, both)
  folds = np.arange(25) % 10
  own, others = np.flatnonzero(folds == 3), np.flatnonzero(folds != 3)
  alone = _chooser.Chooser.fit(_per_case._some(both, others)).choose(
    _per_case._some(both, own)
  )
  for name in study.METHODS:
    np.testing.assert_array_equal(found[name][own], alone[name])


def test_few_cases_and_missed_ones():
  counts = made.maps(2)
  alone = counts.select()
  rows = study.per_case_rows(alone, alone, SETTINGS)
  assert all(np.isfinite(row["dice_mean_case"]) for row in rows)
  table = study.case_threshold_rows(alone, alone)
  assert [row["case"] for row in table] == list(alone.names)
  assert all(0 <= row["threshold_expected"] <= 1 for row in table)
