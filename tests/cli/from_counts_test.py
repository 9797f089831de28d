"""The study repeated from counts, without patients, models or training."""

import pytest

from tests.cli import claims_test
from tests.cli import command
from tests.study import made


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
  folder = tmp_path_factory.mktemp("counts")
  soft = {"inside": (0.6, 0.2), "outside": (0.2, 0.1)}
  for name, network in (
    ("own", {"name": "unet"}),
    ("other", {"name": "bice2020"}),
  ):
    results = [
      made.model_counts(organ, network=network, objective=objective, **soft)
      for organ in ("brain", "larynx")
      for objective in ("bce", "dice")
    ]
    claims_test.write(folder / name, *results)
  # Levels of negatives in a folder of their own, as other runs leave them.
  results = [
    made.model_counts(organ, negatives=level, **soft)
    for organ in ("brain", "larynx")
    for level in (1, 3)
  ]
  claims_test.write(folder / "levels", *results)
  return folder


@pytest.mark.slow
def test_tables_claims_causes_and_the_page(folder):
  flags = ("--counts=own,other,levels", "--output=out", "--seed=3")
  out = command.done("reproduce", *flags, folder=folder)
  assert "Tables and charts are of 4 models of U-Net" in out
  assert "calibration error" in out  # In a table of 100 columns, not broken.
  tables = folder / "out" / "tables"
  for name in (
    "sweep", "curve", "cases", "calibration", "sensitivity", "prominence",
    "correlations", "objectives", "objective_tests", "recommendations",
    "claims", "causes", "cause_arms",
  ):  # fmt: skip
    row, *_ = command.rows(tables / f"{name}.csv")
    assert row["cohort"] == "made up" and row["command"], name
  assert (tables / "objectives.tex").exists()
  assert {r["network"] for r in command.rows(tables / "causes.csv")} == {
    "unet",
    "bice2020",
  }
  (row, *_) = command.rows(tables / "sensitivity_medians.csv")
  assert float(row["median_reduction_test_low"]) <= float(
    row["median_reduction_test_high"]
  )
  levels = command.rows(tables / "levels.csv")
  assert [float(row["negatives"]) for row in levels] == [0.25, 1, 3] * 2
  assert len(command.rows(tables / "level_slopes.csv")) == 2
  assert command.rows(tables / "cause_curves.csv")
  assert (folder / "out" / "figures" / "cause_curves.pdf").exists()
  scopes = {row["scope"] for row in command.rows(tables / "sensitivity.csv")}
  assert scopes == {"known", "kept"}
  page = (folder / "out" / "report" / "index.html").read_text()
  assert "Which threshold to use" in page and "Cut at" in page
  assert "Made from counts" in page
  assert "4 of 12 (the others are in claims, causes and levels alone)" in page
  assert not (folder / "out" / "models").exists()


@pytest.mark.parametrize("name", ["reproduce", "claims", "causes"])
def test_a_run_keeps_its_own_tables(folder, name, tmp_path):
  run = tmp_path / "run"
  (run / "tables").mkdir(parents=True)
  (run / "run.json").write_text("{}")
  (run / "tables" / "claims.csv").write_text("its own")
  flags = ("--counts=own", f"--output={run}")
  line = command.refused(name, *flags, folder=folder)
  assert f"--output: {run} is a run folder, and --counts are not" in line
  assert (run / "tables" / "claims.csv").read_text() == "its own"


@pytest.mark.slow
def test_no_table_of_other_counts_stays(folder):
  for given, tested in (("own", True), ("levels", False)):
    flags = (f"--counts={given}", "--output=again")
    command.done("reproduce", *flags, folder=folder)
    path = folder / "again" / "tables" / "objective_tests.csv"
    assert path.exists() == tested


@pytest.mark.parametrize(
  ("flags", "text"),
  [
    (("--counts=none",), "none: no such folder"),
    (("--counts=empty",), "holds no counts of models"),
    (("--counts=own", "--epochs=3"), "--epochs: only for patients"),
    (("--counts=own", "--cohort=openkbp", "--input=x"), "--cohort, --input"),
    (("--counts=own,own",), "give each model once"),
    (("--counts=own", "--output=own/counts/0.npz"), "is a file"),
  ],
)
def test_what_has_no_effect_or_is_not_there_is_refused(folder, flags, text):
  (folder / "empty").mkdir(exist_ok=True)
  assert text in command.refused("reproduce", *flags, folder=folder)
