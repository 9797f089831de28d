"""Objectives patient by patient: by hand, and with Holm's correction."""

import dataclasses

import numpy as np
import pytest
import scipy.stats

from jaxseg import study
from jaxseg import thresholds
from tests.study import made

BETTER = {"objective": "dice", "distances": (2.0, 0.5, 0.9)}


def family(**how):
  models = (("brain", 0), ("brain", 1), ("larynx", 0))
  return [made.model_counts(*one, **how) for one in models]


@pytest.fixture(scope="module")
def rows():
  soft = {"inside": (0.7, 0.2), "outside": (0.3, 0.15)}
  results = family(**soft) + family(**{**soft, "inside": (0.8, 0.2)}, **BETTER)
  return study.objective_tests(results, resamples=500), results


def test_each_pair_score_and_cut_has_a_row(rows):
  found, _ = rows
  assert len(found) == 3 * 2 * 6  # Two organs, and all.
  assert {(r["objective"], r["other"]) for r in found} == {("dice", "bce")}
  of = {(r["structure"], r["at"], r["score"]): r for r in found}
  for score, (difference, better) in {
    "hd95_mm": (-1.0, "dice"),
    "nsd_2mm": (0.1, "dice"),
    "dice": (None, "dice"),
  }.items():
    row = of["all", "own", score]
    assert row["difference_low"] <= row["difference"] <= row["difference_high"]
    assert row["better"] == better
    if difference is not None:
      assert row["difference"] == pytest.approx(difference, abs=0.02)


def test_a_patient_differs_by_the_mean_over_seeds(rows):
  found, results = rows
  (row,) = (
    r
    for r in found
    if (r["structure"], r["at"], r["score"]) == ("brain", "own", "dice")
  )
  scores = {"bce": 0.0, "dice": 0.0}
  for result in results:
    if result.facts["structure"] != "brain":
      continue
    choose_on, score_on = result.sides()
    best = thresholds.optimum(choose_on.even)
    dice = thresholds.curve(score_on.even)[:, best.index]
    scores[result.facts["objective"]] += dice / 2
  each = scores["dice"] - scores["bce"]
  assert row["difference"] == pytest.approx(each.mean())
  assert row["p"] == pytest.approx(scipy.stats.wilcoxon(each).pvalue)
  own = [r["p"] for r in found if r["structure"] != "all"]
  assert row["p_holm"] == pytest.approx(
    dict(zip(own, _holm(own), strict=True))[row["p"]]
  )


def _holm(p):
  order = np.argsort(p, kind="stable")
  result = np.empty(len(p))
  result[order] = np.maximum.accumulate(
    np.minimum(1, np.sort(p) * (len(p) - np.arange(len(p))))
  )
  return result


@pytest.mark.filterwarnings("error")
def test_missed_by_each_with_another_seed_is_no_difference():
  drawn = [
    dataclasses.replace(
      counts,
      facts={**counts.facts, "network": {"name": "unet"}, "seed": seed},
      surfaces=counts.surfaces.copy(),
    )
    for name in ("bce", "dice")
    for seed in (0, 1)
    for counts in [made.run_counts(objective=name)]
  ]
  drawn[0].surfaces[4, 0] = np.inf
  drawn[3].surfaces[4, 0] = np.inf
  found = study.objective_tests(drawn, resamples=50)
  for row in found:
    if row["score"] == "hd95_mm":
      assert row["difference"] == row["difference_high"] == 0


def test_a_missed_structure_is_infinitely_far_and_tells_nothing_twice():
  one, other = (
    made.run_counts(peak=0.3, objective=name) for name in ("bce", "dice")
  )
  one, other = (
    dataclasses.replace(c, facts={**c.facts, "network": {"name": "unet"}})
    for c in (one, other)
  )
  other.surfaces[4, 0] = np.inf
  found = study.objective_tests([one, other], resamples=50)
  of = {(r["at"], r["score"]): r for r in found}
  # At 0.5 both miss every patient, which is no difference.
  assert of["0.5", "hd95_mm"]["difference"] == 0
  assert np.isnan(of["0.5", "hd95_mm"]["p_holm"])
  assert of["own", "hd95_mm"]["difference"] == 0  # The median of three.
  assert of["own", "hd95_mm"]["difference_high"] == np.inf
