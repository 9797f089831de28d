"""What a wrong threshold costs, by hand."""

import math

import numpy as np
import pytest

from jaxseg import study
from jaxseg.study import _draws
from jaxseg.study import _shifts
from tests.study import made


def test_sensitivity_by_hand():
  rows = study.sensitivity([made.run_counts()], perturbations=(-0.05, 0.05))
  found = {
    row["perturbation"]: row for row in rows if row["aggregate"] == "pooled"
  }
  best = 2 * 1000 / (2000)  # No false positive at the peak.
  lower = 2 * 1000 / (2000 + 50)
  assert found[0.05]["threshold"] == pytest.approx(0.4)
  assert found[0.05]["reduction"] == 1.0  # Above the peak nothing is found.
  assert found[-0.05]["reduction"] == pytest.approx((best - lower) / best)
  assert found[-0.05]["reduction_test"] == found[-0.05]["reduction"]


def test_medians_are_over_structures_and_both_directions():
  rows = study.sensitivity(
    [made.run_counts(), made.run_counts("larynx", 0.0)],
    perturbations=(-0.1, 0.1),
  )
  median = next(
    row
    for row in study.sensitivity_medians(rows)
    if row["aggregate"] == "pooled"
  )
  values = [r["reduction"] for r in rows if r["aggregate"] == "pooled"]
  # The larynx has its optimum at 0, and there is nothing below.
  within = [value for value in values if not math.isnan(value)]
  assert len(within) == 3
  assert median["median_reduction"] == pytest.approx(np.median(within))
  counted = (median["values"], median["left_out"], median["structures"])
  assert counted == (3, 1, 2)
  lowest = [r for r in rows if r["structure"] == "larynx"]
  (below,) = [
    r
    for r in study.sensitivity_medians(
      [r for r in lowest if r["perturbation"] < 0]
    )
    if r["aggregate"] == "pooled"
  ]
  assert math.isnan(below["median_reduction"]) and below["values"] == 0


def test_another_scope_is_named():
  (row, *_) = study.sensitivity([made.run_counts()], scope="volume")
  assert row["scope"] == "volume"


def test_intervals_hold_the_medians_and_follow_the_patients():
  soft = {"inside": (0.6, 0.2), "outside": (0.2, 0.1)}
  results = [
    made.model_counts(organ, seed, **soft)
    for organ in ("brain", "larynx")
    for seed in (0, 1)
  ]
  rows = study.sensitivity(results, perturbations=(-0.05, 0.05), scope="kept")
  found = study.sensitivity_medians(rows, results=results, resamples=200)
  again = study.sensitivity_medians(rows, results=results, resamples=200)
  assert found == again
  assert {row["aggregate"] for row in found} == {"pooled", "mean_case"}
  for row in found:
    for name in ("median_reduction", "median_reduction_test"):
      low, high = row[f"{name}_low"], row[f"{name}_high"]
      assert low < row[name] < high, (name, row)
  # What is drawn first are the observed patients, once each.
  draws = _draws.Draws.of(results, resamples=1)
  for row in rows:
    (own,) = [
      r
      for r in results
      if (r.facts["structure"], r.facts["seed"])
      == (row["structure"], row["seed"])
    ]
    lost = _shifts._lost(
      own,
      draws,
      [row["perturbation"]],
      aggregate=row["aggregate"],
      scope="kept",
    )
    assert lost[0][0, 0] == pytest.approx(row["reduction"])
    assert lost[1][0, 0] == pytest.approx(row["reduction_test"])
  # The claim's interval, whose resamples are drawn by the same rule.
  (claim,) = [
    row for row in study.claims(results, resamples=200) if row["claim"] == "C2"
  ]
  (row,) = [row for row in found if row["aggregate"] == "pooled"]
  assert claim["value"] == pytest.approx(row["median_reduction_test"])
  assert claim["low"] == pytest.approx(row["median_reduction_test_low"])
  assert claim["high"] == pytest.approx(row["median_reduction_test_high"])


@pytest.mark.filterwarnings("error")
def test_a_shift_that_leaves_the_range_has_no_interval():
  result = made.run_counts("larynx", 0.0)
  (row,) = study.sensitivity_medians(
    [
      row
      for row in study.sensitivity([result], perturbations=(-0.1,))
      if row["aggregate"] == "pooled"
    ],
    results=[result],
    resamples=20,
  )
  assert row["left_out"] == 1 and math.isnan(row["median_reduction_low"])
