"""Curves, cases, calibration and surfaces, of maps and of a run alike."""

import json

import numpy as np
import pytest

from jaxseg import study
from jaxseg import thresholds
from tests.study import made


@pytest.fixture(scope="module")
def found():
  return made.maps(surfaces=True)


def test_curve_rows(found):
  cases = found.select()
  rows = study.curve_rows(cases, cases, made.SETTINGS)
  assert len(rows) == 1001
  assert all(r["dice_low"] <= r["dice_high"] for r in rows)
  assert rows[300]["dice"] == thresholds.curve(cases.even.sum())[300]
  assert "dice_test" not in rows[0]


def test_curves_of_a_run_have_the_test_patients_beside(results):
  choose_on, score_on = results[0].sides()
  row = study.curve_rows(choose_on, score_on, made.SETTINGS)[300]
  assert row["dice"] == thresholds.curve(choose_on.even.sum())[300]
  assert row["dice_test"] == thresholds.curve(score_on.even.sum())[300]


def test_case_rows(found):
  cases = found.select()
  best = thresholds.optimum(cases.even).threshold
  rows = study.case_rows(cases, cases, made.SETTINGS)
  for seed, row in enumerate(rows):
    p, y = made.case(seed)
    cut = thresholds.binarize(p, best)
    assert row["reference_voxels"] == y.sum()
    assert row["reference_ml"] == pytest.approx(y.sum() * 0.0045)
    assert row["dice"] == 2 * (cut & y).sum() / (cut.sum() + y.sum())
    assert row["own_dice"] >= row["dice"]
    assert not row["missed"] and not row["hallucinated"]


def test_cases_without_the_structure(found):
  p, y = made.case(0)
  empty = study.count_arrays(p, y & False, name="x", facts=found.facts)
  none = study.count_arrays(p * 0, y, name="y", facts=found.facts)
  counts = study.CohortCounts.join([made.maps(2), empty, none])
  rows = study.case_rows(*counts.sides(), made.SETTINGS)
  assert [r["hallucinated"] for r in rows] == [False, False, True, False]
  assert [r["missed"] for r in rows] == [False, False, False, True]
  assert rows[2]["own_threshold"] is None
  said = study.details({"optimum": [], "calibration": [{}], "cases": rows})
  assert (said["missed"], said["hallucinated"]) == (1, 1)


def test_calibration(found):
  (said,) = study.calibration_rows(*found.sides())
  best = thresholds.optimum(found.select().even)
  assert said["half_of_best_dice"] == best.value / 2
  assert 0 < said["expected_threshold"] < 1
  assert said["temperature"] > 0
  before, after = "expected_calibration_error", "temperature"
  assert said[f"{before}_calibrated"] < said[before], after
  json.dumps(said)


def test_the_temperature_is_fitted_on_others_than_it_is_scored_on(results):
  choose_on, score_on = results[0].sides()
  (said,) = study.calibration_rows(choose_on, score_on)
  warmth = thresholds.fit_temperature(choose_on.counts)
  soft = thresholds.with_temperature(score_on.counts, warmth)
  assert said["temperature"] == warmth
  assert said["expected_calibration_error_calibrated"] == (
    thresholds.reliability(soft).expected_error
  )
  assert said["brier"] == thresholds.brier(score_on.counts)


def test_a_constant_map_has_no_temperature():
  parts = []
  for k in range(2):
    _, y = made.case(k)
    flat = np.full(y.shape, 0.25, np.float32)
    parts.append(study.count_arrays(flat, y, name=f"c{k}"))
  (said,) = study.calibration_rows(*study.CohortCounts.merge(parts).sides())
  assert said["temperature"] is None
  assert said["expected_threshold_calibrated"] is None
  assert said["empirical_threshold"] < 0.25


def test_reliability_rows(found):
  rows = study.reliability_rows(*found.sides())
  curve = thresholds.reliability(found.select().counts)
  assert [row["voxels"] for row in rows] == curve.voxels.tolist()
  np.testing.assert_array_equal([r["low"] for r in rows], curve.edges[:-1])
  np.testing.assert_array_equal([r["frequency"] for r in rows], curve.frequency)


def test_surface_rows(found):
  rows = study.surface_rows(*found.sides())
  assert len(rows) == 101
  assert rows[100]["missed"] > 0
  assert rows[100]["hd95_mm"] == np.inf
  assert rows[40]["missed"] == 0
  assert rows[40]["nsd_2mm"] == pytest.approx(found.surfaces[:, 2, 40].mean())
  optima = {o["metric"]: o for o in study.surface_optima(rows)}
  assert set(optima) == {"hd95_mm", "assd_mm", "nsd_2mm"}
  assert 0.2 < optima["nsd_2mm"]["threshold"] < 0.7
  assert optima["nsd_2mm"]["value"] == max(row["nsd_2mm"] for row in rows)


def test_without_surfaces_there_are_no_rows():
  assert study.surface_rows(*made.maps(2).sides()) == []
  assert study.surface_optima([]) == []


def test_the_middle_of_the_widest_run_of_equal_surfaces():
  values = [0, 9, 9, 0, 9, 9, 9, 9, 9, 0]
  rows = [
    {"threshold": k / 10, "hd95_mm": np.inf, "assd_mm": 10.0 - v, "nsd_2mm": v}
    for k, v in enumerate(values)
  ]
  assd, nsd = study.surface_optima(rows)
  assert (assd["metric"], assd["threshold"]) == ("assd_mm", 0.6)
  assert (nsd["metric"], nsd["threshold"]) == ("nsd_2mm", 0.6)


def test_a_run_and_maps_pass_the_same_analyses(found, results):
  maps = study.tables([found], made.SETTINGS)
  run = study.tables(results, made.SETTINGS)
  assert list(maps) == ["optimum", *list(run)[1:]]
  assert list(run) == [
    "sweep", "curve", "cases", "calibration", "reliability", "surfaces",
    "surface_optima",
  ]  # fmt: skip
  who = {"structure", "objective", "seed", "negatives", "scope"}
  for name in list(run)[1:]:
    mine, theirs = set(maps[name][0]), set(run[name][0])
    assert theirs - mine - {"dice_test"} == who, name
    assert mine <= theirs
  assert "surfaces" not in study.tables([made.maps(2)], made.SETTINGS)
