import math

import pytest

from jaxseg import report
from jaxseg import study

HOSTILE = "<img src=x onerror=alert(1)>$x_{"
ORIGIN = {"cohort": "contours", "cohort_hash": "0", "synthetic": False}


def _row(case, structure, dice, status="scored"):
  far = math.inf if status != "scored" else 5 * (1 - dice)
  return {
    "case": case,
    "structure": structure,
    "status": status,
    "prediction_name": structure,
    "reference_name": structure,
    "reference_voxels": 9,
    "predicted_voxels": 0 if status == "missed" else 9,
    "reference_ml": 1.5,
    "predicted_ml": 1.4,
    "volume_difference": -0.1,
    "dice": dice,
    "hd95_mm": far,
    "nsd_1": dice,
    "nsd_2": dice,
  }


ROWS = [
  *(_row(f"p{k}", "brain", 0.9 - k / 100) for k in range(7)),
  _row("=p1", HOSTILE, 0.5),
  _row("p2", HOSTILE, 0.0, "missed"),
  {"case": "p3", "structure": "lens", "status": "no reference", "reason": ""},
]


@pytest.fixture(scope="module")
def page(tmp_path_factory):
  folder = tmp_path_factory.mktemp("evaluation")
  summary = study.evaluation_summary(ROWS)
  sections = report.evaluation_sections(folder, ROWS, summary, ORIGIN)
  path = folder / "report" / "index.html"
  report.write_evaluation(path, ROWS, summary, sections, ORIGIN, note="Note.")
  return path


def test_page_tells_scores_and_escapes_names(page):
  text = page.read_text()
  assert "<img src=x" not in text and "&lt;img src=x" in text
  assert "8 cases, 2 structures, 9 pairs of contours scored" in text
  for said in ("Scores by structure", "Where to look first", "no reference"):
    assert said in text
  assert "Note." in text


def test_tables_are_no_formulas(page):
  scores = (page.parents[1] / "tables" / "scores.csv").read_text()
  assert "\n'=p1," in scores and "\n=p1" not in scores


def test_figures_mark_what_was_missed(page):
  drawn = (page.parents[1] / "figures" / "hd95.svg").read_text()
  assert drawn.startswith("<?xml")
  assert (page.parents[1] / "figures" / "dice.png").stat().st_size > 5000


def test_brief_has_one_row_a_structure():
  brief = report.brief(study.evaluation_summary(ROWS))
  assert [row["structure"] for row in brief] == ["brain", HOSTILE]
  assert brief[0]["nsd"] == pytest.approx(0.87)
  assert brief[1]["missed"] == 1 and brief[1]["dice"] == 0.25


def test_not_scored_counts_cases():
  assert report.not_scored(ROWS) == [
    {"structure": "lens", "status": "no reference", "cases": 1, "reason": ""}
  ]


def test_page_says_what_a_miss_counts_as(page, tmp_path):
  assert "an infinite distance" in page.read_text()
  assert "NSD is at 2 mm." in page.read_text()
  summary = study.evaluation_summary(ROWS, worst_distance=50)
  first, *_ = report.evaluation_sections(
    tmp_path, ROWS[-1:], summary, ORIGIN, worst_distance=50
  )
  assert "a Dice of 0 and 50 mm of distance" in first.text
