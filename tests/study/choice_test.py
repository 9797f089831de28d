"""The choice of a threshold, its intervals, and its worth on other cases."""

import json

import numpy as np
import pytest

from jaxseg import data
from jaxseg import errors
from jaxseg import study
from jaxseg import thresholds
from tests.study import made


@pytest.fixture(scope="module")
def found():
  return made.maps()


def rows_of(counts, **settings):
  how = study.Settings(**{"resamples": 50, **settings})
  return study.optimum_rows(*counts.sides(), how)


def test_optimum_rows(found):
  pooled, mean = rows_of(found)
  even = found.select().even
  best = thresholds.optimum(even)
  assert np.float32(pooled["threshold"]) == np.float32(best.threshold)
  assert pooled["value"] == pooled["dice"] == best.value
  assert pooled["threshold_low"] <= best.threshold <= pooled["threshold_high"]
  assert pooled["left_out_value"] <= pooled["value"]
  assert mean["aggregate"] == "mean_case"
  assert "dice_test" not in pooled
  json.dumps([pooled, mean])
  assert rows_of(found, criterion="recall>=0.9")[0]["value"] >= 0.9


def test_one_case_has_no_intervals():
  one = made.maps(1)
  row = rows_of(one)[0]
  assert "threshold_low" not in row
  assert "dice_low" not in study.curve_rows(*one.sides(), made.SETTINGS)[0]
  assert study.chosen(one, made.SETTINGS).interval is None


def test_losses_are_of_dice_whatever_is_chosen(found):
  row = rows_of(found, criterion="recall>=0.9")[0]
  assert row["dice_regret_half"] == thresholds.regret(found.select().even)
  assert "regret_half" not in row


def test_a_bound_has_intervals_and_may_have_no_value_without_a_patient(found):
  for row in rows_of(found, criterion="recall>=0.8"):
    assert row["threshold_low"] <= row["threshold"] <= row["threshold_high"]
    assert (row["level"], row["resamples"], row["patients"]) == (0.95, 50, 5)
    assert row["left_out_value"] is not None
  # One patient alone keeps the bound.
  draw = np.random.default_rng(0)
  p, y = made.case(1)
  two = study.CohortCounts.merge(
    [
      study.count_arrays(*made.case(0), name="a"),
      study.count_arrays(draw.random(p.shape, np.float32) / 2, y, name="b"),
    ]
  )
  # And the mean of the two never does.
  (pooled,) = rows_of(two, criterion="precision>=0.6")
  assert pooled["aggregate"] == "pooled"
  assert pooled["left_out_value"] is None
  assert pooled["threshold_low"] <= pooled["threshold_high"]


@pytest.mark.parametrize("aggregate", study.AGGREGATES)
def test_intervals_are_those_of_the_bootstrap(found, aggregate):
  how = {"resamples": 200, "seed": 3}
  row = next(
    row for row in rows_of(found, **how) if row["aggregate"] == aggregate
  )
  for name in ("threshold", "value"):
    ends = thresholds.bootstrap(
      found.select().even, name, aggregate=aggregate, **how
    ).interval(kind="expanded")
    np.testing.assert_allclose(
      (row[f"{name}_low"], row[f"{name}_high"]), ends, rtol=1e-6
    )


@pytest.mark.parametrize("aggregate", study.AGGREGATES)
def test_the_test_patients_are_scored_at_the_threshold(results, aggregate):
  counts = results[1]
  choose_on, score_on = counts.sides()
  row = next(
    row
    for row in rows_of(counts, resamples=200)
    if row["aggregate"] == aggregate
  )
  best = thresholds.optimum(choose_on.even, aggregate=aggregate)
  curve = thresholds.curve(score_on.even, empty="skip", aggregate=aggregate)
  assert row["dice_test"] == curve[best.index]
  assert row["dice_test_half"] == curve[500]
  assert row["dice_test"] <= row["dice_test_best"] + 1e-12
  for name, index in (("dice_test", best.index), ("dice_test_half", 500)):
    # Of the curve's bootstrap that one column, whatever the others are.
    low, high = thresholds.bootstrap(
      score_on.even, "curve", aggregate=aggregate, resamples=200
    ).interval()
    assert row[f"{name}_low"] == pytest.approx(low[index], abs=1e-12)
    assert row[f"{name}_high"] == pytest.approx(high[index], abs=1e-12)


def test_a_threshold_of_one_half_is_scored_once():
  (row, _) = rows_of(made.run_counts(peak=0.5))
  assert row["threshold"] == 0.5
  assert row["dice_test"] == row["dice_test_half"] == 1.0
  assert row["dice_test_low"] == row["dice_test_half_low"] == 1.0


def test_missed_test_patients_are_counted():
  row, _ = rows_of(made.run_counts(peak=0.3))
  assert (row["missed"], row["missed_half"]) == (0, 3)


def test_rows_of_a_run_name_scope_and_aggregate(results):
  rows = study.sweep_rows(results, made.SETTINGS)
  assert len(rows) == len(results) * len(data.SCOPES) * 2
  assert list(rows[0])[:18] == [
    "structure", "objective", "seed", "negatives", "scope", "aggregate",
    "validation_patients", "test_patients", "threshold", "low", "high",
    "dice_validation", "dice_validation_half", "dice_test", "dice_test_half",
    "missed", "missed_half", "threshold_test",
  ]  # fmt: skip
  for row in rows:
    assert 0 <= row["low"] <= row["threshold"] <= row["high"] <= 1
    assert row["dice_validation"] == pytest.approx(row["value"], rel=1e-14)
    # Of one patient there is no interval.
    assert ("threshold_low" in row) == (row["validation_patients"] > 1)
  closed = [r for r in rows if r["structure"] == "brain"]
  known, volume = (
    [{**r, "scope": ""} for r in closed if r["scope"] == scope]
    for scope in ("known", "volume")
  )
  assert known == volume


def test_threshold_json_of_a_run(tmp_path):
  counts = made.run_counts(peak=0.3)
  chosen = study.chosen(counts, made.SETTINGS, details={"cohort": "blobs"})
  chosen.write(tmp_path / "threshold.json")
  again = thresholds.ChosenThreshold.read(tmp_path)
  assert again == chosen
  assert again.threshold == 0.3
  assert (again.structure, again.scope, again.patients) == ("brain", "known", 3)
  assert again.interval == (0.3, 0.3)
  said = again.details
  assert (said["objective"], said["cohort"]) == ("bce", "blobs")
  assert (said["dice_test"], said["dice_test_half"]) == (1.0, 0.0)


def test_threshold_json_of_maps_is_json(tmp_path):
  p, y = made.case(0)
  p[0, 0, 0] = 1.0  # Certain, and wrong: no likelihood is finite.
  counts = study.CohortCounts.merge(
    [made.maps(3), study.count_arrays(p, y, name="x", facts={"label": None})]
  )
  details = study.details(study.tables([counts], made.SETTINGS))
  path = tmp_path / "threshold.json"
  study.chosen(counts, made.SETTINGS, details=details).write(path)

  def refuse(name):
    raise AssertionError(name)

  content = json.loads(path.read_text(), parse_constant=refuse)
  said = content["details"]
  assert said["calibration"]["negative_log_likelihood"] is None
  assert (said["missed"], said["hallucinated"]) == (0, 0)
  assert said["optima"][0]["threshold"] == content["threshold"]


def test_settings_that_say_nothing():
  with pytest.raises(errors.ConfigError, match="best"):
    study.Settings(criterion="best")
  with pytest.raises(errors.ConfigError, match="resamples is 1; give"):
    study.Settings(resamples=1)
