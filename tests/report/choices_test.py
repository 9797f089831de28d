"""Which threshold to use, on the page and in its tables."""

import csv

from jaxseg import report
from jaxseg import study
from tests.study import made


def test_maps_have_a_sentence_and_tables(tmp_path, provenance):
  settings = study.Settings(resamples=50, per_case="volume")
  tables = study.tables([made.maps(6)], settings)
  said = {"": study.recommendation(tables["per_case"])}
  section = report.per_case_section(tmp_path, tables, said, provenance)
  assert section.said.startswith("Cut at ")
  assert [p.name for p in section.tables] == [
    "per_case.csv",
    "case_thresholds.csv",
  ]
  assert [row["method"] for row in section.rows] == list(study.METHODS)
  assert "gain_half_interval" in section.headings
  with open(section.tables[1], newline="") as file:
    assert len(list(csv.DictReader(file))) == 6


def test_a_run_shows_its_recommendations(tmp_path, provenance):
  results = [made.model_counts(organ) for organ in ("brain", "larynx")]
  rows = study.recommendations(results, resamples=50)
  section = report.per_case_section(
    tmp_path, {"recommendations": rows}, {"unet, bce": "Cut."}, provenance
  )
  assert section.said == "U-Net, BCE: Cut."
  assert [p.name for p in section.tables] == ["recommendations.csv"]
  assert "network" in section.headings and "class" not in section.headings
