"""Claims as the page tells them: a table, and sentences of plain words."""

import csv
import math

import pytest

from jaxseg import report
from jaxseg import study
from jaxseg.report import _claims
from tests.study import made


def row(claim, verdict, value=0.03, low=0.02, high=0.05, **changed):
  return {
    "claim": claim,
    "network": "unet",
    "statement": "focal flattens the curve, brain",
    "value": value,
    "low": low,
    "high": high,
    "verdict": verdict,
    "structures": 7,
    "models": 21,
    "left_out": 0,
    "stuck": 0,
    **changed,
  }


@pytest.mark.parametrize(
  ("one", "said"),
  [
    (row("C1", "confirmed"), "It pays to give each organ its own threshold"),
    (row("C1", "confirmed"), "median of 3.0 % (95 % interval 2.0 % to 5.0 %)"),
    (row("C1", "refuted", 0.0), "0.5 is nearly as good as"),
    (row("C1", "undecided"), "own threshold beats 0.5 stays undecided"),
    (row("C2", "agrees"), "which agrees with the 11.8 % that the paper repor"),
    (row("C2", "refuted"), "far less than the 11.8 % that the paper reported"),
    (row("C2", "same order"), "of the order of the 11.8 %"),
    (row("C2", "same order", 0.7, 0.4, 0.9), "more than the 11.8 % that the"),
    (row("C2", "undecided", high=0.2), "too uncertain to set beside"),
    (row("C2", "undecided"), "below the 11.8 % that the paper reported"),
    (row("C3", "confirmed", 0.1), "moves the best threshold up (brain: 0.10"),
    (row("C3", "undecided"), "was not shown to move"),
    (row("C4", "confirmed", 0.4), "Training on focal at least halves the cost"),
    (row("C4", "undecided", math.nan), "cannot be told"),
    (row("C5", "confirmed", 4.0, math.nan, math.nan), "is 4 of 7 organs"),
    (row("C5", "refuted", 6.0, math.nan, math.nan), "in 6 of 7 organs"),
    (row("C5", "undecided", 3.0, math.nan, math.nan), "wins 3 of 7 organs so"),
    (row("C6", "confirmed"), "a shift cost more: with it, 3.0 percentage poin"),
    (row("C6", "undecided"), "cost of a shift stays undecided: with it, 3.0 p"),
    (
      row("C6", "undecided", 0.03, math.nan, math.nan),
      "3.0 percentage points more",
    ),
    (row("C6", "refuted", -0.05), "is not what makes a shift costly"),
  ],
)
def test_sentences(one, said):
  assert said in _claims.sentences([one])


def test_sentences_of_several_networks_name_them():
  other = "bice2020, dropout at image,stretch,last,rest"
  rest = "bice2020, dropout at rest"
  rows = [row("C2", "refuted", network=n) for n in ("unet", other, rest)]
  said = _claims.sentences(rows).split("\n\n")
  assert [one.partition(":")[0] for one in said] == [
    "U-Net", "The authors' network",
    "The authors' network without one-channel dropout",
  ]  # fmt: skip
  assert _claims.sentences([]) == ""


def test_several_sentences_are_a_list():
  rows = [row("C1", "confirmed"), row("C2", "agrees")]
  first, second = _claims.sentences(rows).splitlines()
  assert first.startswith("- It pays") and second.startswith("- A threshold")
  others = [{**one, "network": "unet"} for one in rows[:1]]
  several = _claims.sentences(
    [{**one, "network": "x"} for one in rows] + others
  )
  lead, first, second, _, alone = several.splitlines()
  assert lead == "X:" and first.startswith("- It") and second.startswith("- A")
  assert alone.startswith("U-Net: It pays")


def test_organs_of_one_claim_share_a_sentence():
  rows = [
    row("C3", "undecided", 0.1) | {"statement": f"slope, {organ}"}
    for organ in ("brain", "parotid_left")
  ]
  said = _claims.sentences(rows)
  assert said.count("Showing more") == 1
  assert (
    "(brain: 0.10 (95 % interval" in said and ", left parotid: 0.10" in said
  )


def test_the_table_says_what_was_not_tested(tmp_path, provenance):
  rows = [row("C4", "undecided", 0.5), row("C1", "confirmed", stuck=1)]
  section = report.claims_section(tmp_path, rows, provenance)
  shown = [(one["claim"], one["verdict"]) for one in section.rows]
  assert shown == [
    ("C1", "confirmed"),
    ("C2", "not tested"),
    ("C3", "not tested"),
    ("C4", "undecided"),
    ("C5", "not tested"),
    ("C6", "not tested"),
  ]
  assert section.rows[0]["interval"] == "2.0 % to 5.0 %"
  assert "needs four levels" in section.rows[2]["says"]
  assert "stuck" in section.headings
  assert "say nothing about the paper" in section.text
  with open(tmp_path / "tables" / "claims.csv", newline="") as file:
    written = list(csv.DictReader(file))
  assert [one["claim"] for one in written] == ["C4", "C1"]
  assert written[0]["cohort_hash"] == provenance["cohort_hash"]


def test_facts_are_those_with_an_interval():
  rows = [
    row("C1", "confirmed"),
    row("C2", "undecided", math.nan, math.nan, math.nan),
    row("C5", "confirmed"),
  ]
  assert _claims.facts(rows) == {
    "Dice lost by cutting at 0.5 (BCE, unseen patients)": (
      "3.0 % (2.0 % to 5.0 %)"
    )
  }


def test_each_claim_of_a_study_has_its_sentence_and_its_heading():
  results = [
    made.model_counts(structure, seed, objective=objective, patients=3)
    for structure in ("brain", "larynx")
    for seed in (0, 1)
    for objective in ("bce", "dice")
  ]
  rows = study.claims(results, resamples=20)
  assert {one["claim"] for one in rows} == {"C1", "C2", "C4", "C5"}
  assert _claims.sentences(rows).count(".") >= 4
  for one in _claims.section(rows, {}, []).rows:
    assert one["says"][:2] != one["claim"]
    assert "nan" not in str(one.get("interval"))
