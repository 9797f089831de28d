"""Causes: what stands beside each model, and how kinds of them compare."""

import dataclasses

import numpy as np
import pytest

from jaxseg import study
from jaxseg import thresholds
from tests.study import made

STEEP = {"inside": (0.13, 0.02), "outside": (0.07, 0.02)}
DROPOUT = {"name": "bice2020"}
REST = {"name": "bice2020", "dropout_at": "rest"}
ORGANS = ("brain", "larynx")


def told(result, **facts):
  return dataclasses.replace(result, facts={**result.facts, **facts})


def calibrated():
  """Counts in which of voxels with probability p a share of p is inside."""
  counts = made.model_counts()
  fine = counts.scopes["kept"].thresholds
  p = np.clip(np.append(fine, 1.0) - 0.0005, 0, 1)
  voxels = np.round(4000 * np.exp(-6 * p)).astype(np.int64)
  inside = np.round(voxels * p).astype(np.int64)
  both = thresholds.Counts(
    fine, *(np.tile(side, (12, 1)) for side in (inside, voxels - inside))
  )
  return dataclasses.replace(counts, scopes=dict.fromkeys(counts.scopes, both))


def test_a_calibrated_map_keeps_both_rules_and_a_steep_one_neither():
  (row,) = study.causes([calibrated()], scopes=("kept",))
  assert row["half_rule"] and not row["beyond_bound"]
  assert row["threshold"] == pytest.approx(row["half_of_dice"], abs=0.02)
  assert 0 < row["lost_plus"] <= row["bound_plus"]
  steep = made.model_counts(network=DROPOUT, **STEEP)
  (row,) = study.causes([steep], scopes=("kept",))
  assert row["beyond_bound"] and not row["half_rule"]
  assert row["dropout_at"] == "image,stretch,last,rest"


def test_slices_without_the_organ_are_told_of_training_and_scoring():
  result = made.model_counts()
  known = result.scopes["known"]
  organ = thresholds.Counts(
    known.thresholds, known.positive, known.negative // 4
  )
  result = dataclasses.replace(
    told(
      result,
      prominence={"kept_fraction": 0.01, "organ_fraction": 0.03},
      steps=400,
      steps_made=220,
    ),
    scopes={"known": known, "organ": organ},
  )
  rows = {row["scope"]: row for row in study.causes([result])}
  assert list(rows) == ["organ", "known"]
  many, few = (
    side.positive[:6].sum() + side.negative[:6].sum() for side in (known, organ)
  )
  assert rows["known"]["negatives_trained"] == pytest.approx(2)
  assert rows["known"]["negatives_scored"] == pytest.approx(many / few - 1)
  assert rows["organ"]["negatives_scored"] == 0
  assert rows["organ"]["prior_ratio"] == pytest.approx(3)
  # Trained on more slices without the organ than it is scored on: the best
  # threshold of a calibrated map is lower.
  assert rows["organ"]["threshold_by_prior"] < rows["organ"]["half_of_dice"]
  assert (rows["known"]["steps_asked"], rows["known"]["steps"]) == (400, 220)


def test_kinds_of_models_are_compared_on_the_same_organs_and_seeds():
  results = [
    made.model_counts(organ, network=network, **how)
    for organ in ORGANS
    for network, how in ((DROPOUT, STEEP), (REST, {}))
  ]
  constant = {"inside": (0.02, 0.001), "outside": (0.02, 0.001)}
  results.append(
    made.model_counts("brain", 7, voxels=(9, 1200), network=REST, **constant)
  )
  one, other = study.cause_arms(results, resamples=60, scopes=("kept",))
  assert (one["models"], other["models"], other["stuck"]) == (2, 2, 1)
  assert one["compared_with"] == "dropout at rest"
  assert one["lost_difference"] == pytest.approx(one["lost"] - other["lost"])
  assert 0.1 < one["difference_low"] <= one["difference_high"]
  assert one["p"] == one["p_holm"] == pytest.approx(2 / 61)
  assert (one["half_rule"], one["beyond_bound"]) == (0, 2)
  assert other["compared_with"] == "" and np.isnan(other["p"])
  assert one["lost_low"] <= one["lost"] <= one["lost_high"]
  # Their curves: of what has learnt, and else alike.
  results.append(told(made.model_counts("brain", 0), steps=800))
  results.append(made.model_counts("brain", 1, network=REST))
  rows = study.cause_curves(results)
  assert {(r["dropout_at"], r["structure"]): r["models"] for r in rows} == {
    ("image,stretch,last,rest", "brain"): 1,
    ("image,stretch,last,rest", "larynx"): 1,
    ("rest", "brain"): 2,
    ("rest", "larynx"): 1,
  }
  own = [r for r in rows if (r["dropout_at"], r["models"]) == ("rest", 2)]
  assert [row["threshold"] for row in own] == [k / 100 for k in range(101)]
  pair = [results[k].sides(scope="kept")[1].even for k in (1, -1)]
  dice = [thresholds.curve(counts.sum())[500] for counts in pair]
  assert own[50]["dice_test"] == pytest.approx(np.mean(dice))
  assert own[50]["dice_test_least"] == pytest.approx(min(dice))
  assert own[50]["dice_test_most"] == pytest.approx(max(dice))
  assert study.cause_curves(results[1::2]) == []  # One network alone.


def test_epochs_tell_kinds_apart_where_no_steps_were_set():
  long = [
    told(made.model_counts(o, 0), epochs=50, steps_made=900) for o in ORGANS
  ]
  short = [
    told(made.model_counts(o, 1), epochs=2, steps_made=40) for o in ORGANS
  ]
  arms = study.cause_arms([*long, *short], resamples=9, scopes=("kept",))
  assert [(a["epochs_asked"], a["steps_most"]) for a in arms] == [
    (50, 900),
    (2, 40),
  ]
  rows = study.claims([*long, *short], resamples=9)
  assert rows == study.claims(long, resamples=9)
  # No column of what no model tells.
  known = study.cause_arms([made.model_counts()], resamples=9)
  assert not any("epochs_asked" in row for row in known)


def test_a_network_whose_rate_of_dropout_is_0_has_none():
  off = made.model_counts(network={**DROPOUT, "dropout": 0.0})
  (row,) = study.causes([off], scopes=("kept",))
  assert row["dropout_at"] == "none"
  assert study.network_of(off.facts) == "bice2020, dropout at none"


def test_claims_are_of_one_length_of_training():
  long = [
    told(made.model_counts(organ, 0), steps=800)
    for organ in (*ORGANS, "mandible")
  ]
  short = [told(made.model_counts(o, 0, **STEEP), steps=100) for o in ORGANS]
  rows = study.claims([*long, *short], resamples=9)
  assert rows == study.claims(long, resamples=9)
  arms = study.cause_arms([*long, *short], resamples=9, scopes=("kept",))
  assert [row["steps_asked"] for row in arms] == [800, 100]
  assert arms[0]["steps_least"] is None
  # An organ of fewer slices made fewer steps of the same setting.
  made_of = [
    told(one, steps_made=n)
    for one, n in zip(long, (800, 350, 800), strict=True)
  ]
  (arm,) = study.cause_arms(made_of, resamples=9, scopes=("kept",))
  assert (arm["models"], arm["steps_least"], arm["steps_most"]) == (3, 350, 800)
  assert study.claims(made_of, resamples=9) == study.claims(long, resamples=9)
