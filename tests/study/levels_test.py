"""Levels of negatives: the optimum of one organ as its prominence changes."""

import numpy as np
import pytest

from jaxseg import report
from jaxseg import study
from tests.study import made


def result(negatives, peak, *, seed=0, structure="brain", objective="bce"):
  return made.model_counts(
    structure,
    seed,
    inside=(peak + 0.1, 0.04),
    outside=(peak - 0.1, 0.04),
    negatives=negatives,
    objective=objective,
  )


@pytest.fixture(scope="module")
def results():
  return [
    *(
      result(negatives, peak, seed=seed)
      for negatives, peak in ((0.0, 0.7), (1.0, 0.5), (3.0, 0.3))
      for seed in (0, 1)
    ),
    result(1.0, 0.5, structure="larynx"),
    result(1.0, 0.5, objective="dice"),
  ]


def test_each_level_of_a_structure_has_a_row(results):
  rows = study.levels(results)
  assert [(r["structure"], r["objective"], r["negatives"]) for r in rows] == [
    ("brain", "bce", level) for level in (0.0, 1.0, 3.0)
  ]
  assert [row["models"] for row in rows] == [2, 2, 2]
  found = [row["threshold"] for row in rows]
  assert found == pytest.approx([0.7, 0.5, 0.3], abs=0.03)
  assert [row["kept_fraction"] for row in rows] == [0.02, 0.01, 0.005]
  assert rows[0]["threshold_known"] == found[0]  # Both scopes are the same.
  assert rows[1]["lost_half"] == pytest.approx(0, abs=0.01)
  assert study.levels(results[:2]) == []


def test_the_slope_is_the_claims(results):
  (row,) = study.level_slopes(results, resamples=50)
  assert row["claim"] == "C3" and row["statement"].endswith("brain")
  assert row["value"] == pytest.approx(0.4 / np.log(4), abs=0.03)
  assert row["low"] < row["value"] < row["high"]
  assert study.level_slopes(results[:4]) == []


def test_organs_without_negatives_are_told_apart(tmp_path):
  rows = [
    {
      **made.model_counts(name).columns("known"),
      "aggregate": "pooled",
      "definition": "kept_fraction",
      "prominence": 0.01 * (k + 1),
      "threshold": 0.2 + 0.1 * k,
      "shown_negatives": float(k > 0),
    }
    for k, name in enumerate(("spinal_cord", "brain", "parotid_left", "larynx"))
  ]
  origin = report.provenance(
    cohort="x", cohort_hash="1", synthetic=True, seed=0, command="jaxseg x"
  )
  section = report.prominence_section(
    tmp_path, rows, study.correlations(rows), origin
  )
  assert "Confounded: spinal cord continue" in section.text
  section = report.prominence_section(
    tmp_path, rows[1:], study.correlations(rows[1:]), origin
  )
  assert "Confounded" not in section.text
  # The paper reports; that it shows is for others to find.
  assert "The paper reports r" in section.text


def test_the_section_tells_levels_and_slopes(results, tmp_path):
  origin = report.provenance(
    cohort="x", cohort_hash="1", synthetic=True, seed=None, command="jaxseg x"
  )
  section = report.levels_section(
    tmp_path,
    study.levels(results),
    study.level_slopes(results, resamples=50),
    origin,
  )
  assert "ln(kept fraction)" in section.text and "Brain" in section.text.title()
  assert [path.name for path in section.tables] == [
    "levels.csv",
    "level_slopes.csv",
  ]
  assert (tmp_path / "figures" / "levels.svg").stat().st_size > 1000
