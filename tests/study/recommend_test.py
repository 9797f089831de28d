"""Which threshold to use: each sentence on models made to earn it."""

import pytest

from jaxseg import study
from tests.study import made
from tests.study import per_case_test


def row(method, gain, gain_half, p):
  ends = {
    f"{name}{end}": value + move
    for name, value in (("gain", gain), ("gain_half", gain_half))
    for end, move in (("", 0), ("_low", -0.01), ("_high", 0.01))
  }
  return {"method": method, "cases": 20, "p_holm": p, **ends}


@pytest.mark.parametrize(
  ("gains", "start"),
  [
    ((0.05, 0.001, 0.05, 0.9, 0.0, 0.9), "Cut at each structure's own"),
    ((0.001, 0.9, 0.001, 0.9, 0.0, 0.9), "Cut at 0.5: "),
    ((0.05, 0.001, 0.02, 0.01, 0.03, 0.01), "Cut at a threshold for each"),
    # Worse than 0.5, however surely.
    ((-0.05, 0.001, 0.0, 0.9, 0.0, 0.9), "Cut at 0.5: "),
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
  said = study.recommendation([r for r in rows if r["objective"] == "dice"])
  assert said.startswith("Cut at 0.5: on 6 unseen patients")


def test_maps_alone_are_told_without_their_own_patient():
  cases = per_case_test.cases(24, 0, shift=0.08)
  rows = study.per_case_rows(cases, cases, study.Settings(resamples=200))
  assert rows[0]["p_holm"] >= rows[0]["gain_half_p"]
  assert "on 24 unseen patients" in study.recommendation(rows)
