"""Which threshold to use: each sentence on models made to earn it."""

import dataclasses

import pytest

from jaxseg import study
from tests.study import made
from tests.study import per_case_test


def row(method, gain, gain_half, p, p_half=float("nan")):
  ends = {
    f"{name}{end}": value + move
    for name, value in (("gain", gain), ("gain_half", gain_half))
    for end, move in (("", 0), ("_low", -0.01), ("_high", 0.01))
  }
  return {
    "method": method,
    "cases": 20,
    "p_holm": p,
    "p_holm_half": p_half,
    **ends,
  }


@pytest.mark.parametrize(
  ("gains", "start"),
  [
    ((0.05, 0.001, 0.05, 0.9, 0.0, 0.9), "Cut at each structure's own"),
    ((0.001, 0.9, 0.001, 0.9, 0.0, 0.9), "Cut at 0.5 for now: "),
    ((0.05, 0.001, 0.02, 0.01, 0.03, 0.01), "Cut at a threshold for each"),
    # Worse than 0.5, however surely.
    ((-0.05, 0.001, 0.0, 0.9, 0.0, 0.9), "Cut at 0.5 for now: "),
  ],
)
def test_the_simpler_way_is_kept_until_another_is_shown_to_gain(gains, start):
  organ, p, expected, p_expected, volume, p_volume = gains
  said = study.recommendation(
    [
      row("organ", 0.0, organ, p),
      row("half", -organ, 0.0, float("nan")),
      row("expected", expected, organ + expected, p_expected),
      row("volume", volume, organ + volume, p_volume),
    ]
  )
  assert said.startswith(start)
  assert "on 20 unseen patients" in said and said.count("95 %") >= 2
  if "for each patient, by the volume" in said:
    assert "+0.030 (95 %: +0.020 to +0.040) of Dice over each" in said


def test_a_way_per_patient_may_beat_one_half_where_its_own_does_not():
  """What cuts best is not kept from a user by a way that cuts worse."""
  rows = [
    row("organ", 0.0, 0.009, 0.08, 0.1),
    row("half", -0.009, 0.0, float("nan")),
    row("expected", -0.0001, 0.0089, 0.9, 0.9),
    row("volume", 0.025, 0.196, 0.09, 0.03),
  ]
  said = study.recommendation(rows)
  assert said.startswith("Cut at a threshold for each patient, by the volume")
  assert "gains +0.196 (95 %: +0.186 to +0.206) of Dice over 0.5" in said
  # Its interval alone would look as if it did.
  own = "+0.025 (95 %: +0.015 to +0.035; p 0.09 by Holm)"
  assert f"over each structure's own threshold, {own}" in said
  assert "nor that over 0.5, +0.009 (95 %: −0.001 to +0.019)" in said
  rows[-1]["p_holm_half"] = 0.06
  assert study.recommendation(rows).startswith("Cut at 0.5 for now")


def test_a_gain_whose_interval_reaches_zero_is_not_shown():
  """Of few patients or organs the interval is widened, and p is not."""
  rows = [
    row("organ", 0.0, 0.005, 0.001, 0.001),
    row("half", -0.005, 0.0, float("nan")),
    row("expected", 0.005, 0.01, 0.001, 0.001),
    row("volume", 0.0, 0.005, 0.001, 0.001),
  ]
  assert study.recommendation(rows).startswith("Cut at 0.5 for now")
  rows[0]["gain_half_low"] = 0.001
  assert study.recommendation(rows).startswith("Cut at each structure's own")
  rows[2]["gain_low"] = 0.001
  assert study.recommendation(rows).startswith("Cut at a threshold for each")
  # A single patient has no interval.
  for one in rows:
    one |= {"gain_low": float("nan"), "gain_half_low": float("nan")}
  assert study.recommendation(rows).startswith("Cut at 0.5 for now")


@pytest.mark.parametrize(
  ("gain", "end"), [(0.0096, "−0.0004"), (0.0104, "+0.0004")]
)
def test_an_end_near_zero_is_told_from_it(gain, end):
  names = ("organ", "expected", "volume")
  rows = [row(name, 0.0, gain, 0.9) for name in names]
  assert f"(95 %: {end} to" in study.recommendation(rows)


def test_a_rounded_zero_has_no_sign():
  rows = [
    row(name, 0.0, 0.00998, 0.9) for name in ("organ", "expected", "volume")
  ]
  assert "(95 %: +0.0000 to" in study.recommendation(rows)  # Of -0.00002.


def test_models_of_a_run_are_told_by_network_and_objective():
  soft = {"inside": (0.3, 0.1), "outside": (0.1, 0.05)}
  results = [
    made.model_counts(organ, seed, objective=name, **how)
    for name, how in (("bce", soft), ("dice", {}))
    for organ in ("brain", "larynx")
    for seed in (0, 1)
  ]
  rows = study.recommendations(results, resamples=100)
  assert [r["method"] for r in rows] == [*study.METHODS, *study.METHODS]
  of = {(r["objective"], r["method"]): r for r in rows}
  assert of["bce", "organ"]["gain_half_low"] > 0.1
  assert of["bce", "organ"]["patients"] == 6
  assert of["bce", "organ"]["p_holm"] == pytest.approx(3 * 2 / 101)
  # Of five; where all are as small as can be, the first is times five.
  assert of["bce", "organ"]["p_holm_half"] == pytest.approx(5 * 2 / 101)
  said = study.recommendation([r for r in rows if r["objective"] == "dice"])
  assert said.startswith("Cut at 0.5 for now: on 6 unseen patients")


def test_levels_beside_a_run_do_not_speak_for_it():
  poor = {"inside": (0.3, 0.1), "outside": (0.1, 0.05)}
  own = [made.model_counts(organ) for organ in ("brain", "larynx")]
  beside = [
    dataclasses.replace(one, facts={**one.facts, "beside": True})
    for level in (0.1, 1.0)
    for one in (
      made.model_counts(organ, negatives=level, **poor)
      for organ in ("brain", "larynx")
    )
  ]
  rows = study.recommendations([*own, *beside], resamples=50)
  assert [row["gain_half"] for row in rows] == [
    row["gain_half"] for row in study.recommendations(own, resamples=50)
  ]
  assert [row["negatives"] for row in rows] == [0.25] * len(study.METHODS)


def test_maps_alone_are_told_without_their_own_patient():
  cases = per_case_test.cases(24, 0, shift=0.08)
  rows = study.per_case_rows(cases, cases, study.Settings(resamples=200))
  assert rows[0]["p_holm"] >= rows[0]["gain_half_p"]
  assert "on 24 unseen patients" in study.recommendation(rows)
