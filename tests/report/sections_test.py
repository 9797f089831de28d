"""Rows to tables, figures and parts of the page, for both kinds of counts."""

import csv
import dataclasses

import numpy as np
import pytest

from jaxseg import report
from jaxseg import study
from tests.study import made


def read(path):
  with open(path, newline="") as file:
    return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def results():
  return [
    made.run_counts(structure, peak, objective=objective)
    for structure, peak in (("brain", 0.2), ("larynx", 0.4), ("lips", 0.3))
    for objective in ("bce", "dice")
  ]


def files(section):
  return [path.name for path in (*section.tables, *section.figures)]


def test_a_sweep_of_a_run(results, tmp_path, provenance):
  tables = study.tables(results, made.SETTINGS)
  sections = report.sweep_sections(tmp_path, tables, provenance)
  assert [files(section) for section in sections] == [
    ["sweep.csv", "curve.csv", "cases.csv", "curves.svg"],
    ["calibration.csv", "reliability.csv", "reliability.svg"],
    ["surfaces.csv", "surface_optima.csv", "surfaces-nsd_2mm.svg",
     "surfaces-hd95_mm.svg"],
  ]  # fmt: skip
  for section in sections:
    assert all(path.exists() for path in (*section.tables, *section.figures))
    assert set(section.headings) <= {k for row in section.rows for k in row}
  first = sections[0]
  assert len(first.rows) == len(results)
  assert first.rows[0]["threshold_interval"] == "0.200 to 0.200"
  assert "95 % come from 50 resamples" in first.text
  assert "Scope `known`" in first.text
  rows = read(tmp_path / "tables" / "sweep.csv")
  assert len(rows) == 4 * len(results)
  assert rows[0]["cohort_hash"] == provenance["cohort_hash"]


def test_a_sweep_of_anyones_maps(tmp_path, provenance):
  tables = study.tables([made.maps(surfaces=True)], made.SETTINGS)
  sections = report.sweep_sections(tmp_path, tables, provenance)
  assert [files(section) for section in sections] == [
    ["optimum.csv", "curve.csv", "cases.csv", "curve.svg"],
    ["calibration.csv", "reliability.csv", "reliability.svg"],
    ["surfaces.csv", "surface_optima.csv", "surfaces.svg"],
  ]
  assert "chosen and scored on the same cases" in sections[0].text
  assert "that of the highest Dice" in sections[0].text
  assert "Scope" not in sections[0].text
  page = tmp_path / "report" / "index.html"
  # What to do about it is said first of all.
  advice = dataclasses.replace(sections[0], said="Cut at 0.5 for now.")
  sections = [advice, *sections[1:]]
  report.write_maps(page, tables["optimum"], sections, provenance)
  text = page.read_text()
  assert "<p>Cut at 0.5 for now.</p>" in text
  assert "5 cases" in text
  assert "figures/surfaces.svg" in text
  assert (page.parent / "figures" / "surfaces.svg").is_file()


def test_a_table_of_classes_says_nothing_twice(
  tmp_path, provenance, monkeypatch
):
  monkeypatch.setattr(
    "matplotlib.figure.Figure.savefig", lambda _, out, **__: out.write(b"")
  )
  maps = made.maps(3, surfaces=True)
  for names, heads in (
    (("a", "b"), ["class, label", "aggregate"]),
    ((1, "b"), ["class", "label", "aggregate"]),
  ):
    classes = [
      dataclasses.replace(maps, facts={"structure": name, "label": label})
      for name, label in zip(("a", "b"), names, strict=True)
    ]
    each = [study.tables([one], made.SETTINGS) for one in classes]
    tables = {name: each[0][name] + each[1][name] for name in each[0]}
    sections = report.sweep_sections(tmp_path, tables, provenance)
    said = list(sections[0].headings.values())
    assert said[: len(heads)] == heads
    assert (said.count("Dice"), "criterion" in said) == (1, False)
  assert [path.stem for path in sections[2].figures] == [
    "surfaces-nsd_2mm", "surfaces-hd95_mm", "surfaces-assd_mm"
  ]  # fmt: skip


def test_one_case_of_maps(tmp_path, provenance):
  tables = study.tables([made.maps(1)], made.SETTINGS)
  sections = report.sweep_sections(tmp_path, tables, provenance)
  assert len(sections) == 2
  assert "resamples" not in sections[0].text


def test_the_analyses_of_a_run(results, tmp_path, provenance):
  rows = study.sensitivity(results)
  medians = study.sensitivity_medians(rows)
  objectives = study.objectives(results)
  prominence = [
    {**result.columns(), "aggregate": "pooled", "definition": name,
     "prominence": 0.1 * k, "threshold": 0.1 * k}
    for k, result in enumerate(results, start=1)
    for name in study.DEFINITIONS
  ]  # fmt: skip
  sections = [
    report.sensitivity_section(tmp_path, rows, medians, provenance),
    report.prominence_section(
      tmp_path, prominence, study.correlations(prominence), provenance
    ),
    report.objectives_section(tmp_path, objectives, provenance),
  ]
  assert "Learnt nothing" not in sections[0].text
  stuck = [
    {**row, "dice": 0.05} if row["structure"] == "brain" else row
    for row in rows
  ]
  told = report.sensitivity_section(tmp_path, stuck, medians, provenance).text
  assert "at every threshold), and are in these medians all the same" in told
  assert "brain (BCE, seed 0)" in told
  assert [files(section) for section in sections] == [
    ["sensitivity_medians.csv", "sensitivity.csv", "sensitivity.svg"],
    ["correlations.csv", "prominence.csv", "prominence.svg"],
    ["objectives.csv", "objectives.svg"],
  ]
  assert {row["perturbation"] for row in sections[0].rows} == {
    0.01, 0.02, 0.05, 0.1, 0.2
  }  # fmt: skip
  for section in sections:
    assert set(section.headings) <= set(section.rows[0])


def test_examples(tmp_path, provenance):
  image = np.zeros((20, 20), np.int16)
  mask = np.zeros((20, 20), np.bool_)
  mask[5:9, 5:9] = True
  one = study.Example(
    structure="brain",
    objective="my.losses:edge",
    patient="p1",
    dice=0.8125,
    threshold=0.3,
    slice=4,
    image_hu=image,
    reference=mask,
    probability=mask * np.float32(0.4),
    pixel_mm=(2.0, 2.0),
  )
  (section,) = report.example_sections(tmp_path, [one], provenance)
  assert files(section) == ["overlay-brain-my.losses.edge.svg"]
  assert "Dice 0.812" in section.text
  assert "trained on edge" in section.text
