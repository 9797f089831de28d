"""`jaxseg evaluate`, in this process."""

import json

import numpy as np
import pytest

from tests.cli import command
from tests.cohorts import drawn


@pytest.fixture(scope="module")
def patients(tmp_path_factory):
  """Two patients with contours, and masks that are off by a voxel."""
  folder = tmp_path_factory.mktemp("evaluate")
  for name in ("P1", "P2"):
    drawn.patient(folder / "ref", name)
    masks = {
      "spinal_cord": np.roll(drawn.CORD, 1, axis=2),
      "parotid_left": drawn.LEFT * (name == "P1"),
    }
    drawn.files(folder / "pred" / name.lower(), masks)
  return folder


def test_scores_tables_and_page(patients, tmp_path):
  out = command.done(
    "evaluate",
    f"--prediction={patients / 'pred'}",
    f"--reference={patients / 'ref'}",
    "--workers=1",
    folder=tmp_path,
  )
  folder = tmp_path / "runs" / "evaluate"
  assert "left parotid" in out and "2 cases, each taken for a patient" in out
  assert "Not scored: 'GTV-1 <b>': not predicted, 2 cases" in out
  scores = command.rows(folder / "tables" / "scores.csv")
  status = {(row["case"], row["structure"]): row["status"] for row in scores}
  assert status["p1", "parotid_left"] == "scored"
  assert status["p2", "parotid_left"] == "missed"
  summary = command.rows(folder / "tables" / "summary.csv")
  mean = {(r["structure"], r["metric"]): r["mean"] for r in summary}
  assert float(mean["parotid_left", "dice"]) == 0.5
  assert float(mean["spinal_cord", "dice"]) == pytest.approx(2 / 3, abs=1e-5)
  assert mean["parotid_left", "hd95_mm"] == "inf"
  assert "hausdorff" not in mean
  kept = json.loads((folder / "evaluation.json").read_text())
  assert kept["refused"] == {} and len(kept["scores"]) == len(scores)
  page = (folder / "report" / "index.html").read_text()
  assert "GTV-1 <b>" not in page and "GTV-1 &lt;b&gt;" in page


def test_a_bad_case_is_told_and_does_not_stop_the_others(patients, tmp_path):
  drawn.labels(tmp_path / "a" / "p1", drawn.CORD)
  drawn.labels(tmp_path / "b" / "p1", drawn.CORD)
  drawn.labels(tmp_path / "b" / "p2", drawn.CORD)
  (tmp_path / "a" / "p2.nii.gz").write_bytes(b"\x1f\x8b broken")
  out = command.done(
    "evaluate", "--prediction=a", "--reference=b", "--nosurfaces",
    folder=tmp_path,
  )  # fmt: skip
  assert "Refused: 'p2': a/p2.nii.gz" in out


@pytest.mark.parametrize(
  ("flags", "said"),
  [
    (["--prediction=nowhere"], "--prediction: masks nowhere: no file there"),
    (["--tolerances=1,x"], "--tolerances: 'x' is no distance in mm"),
    (["--worst_distance=-1"], "--worst_distance: -1.0 is not 0 or more"),
    (["--image=nowhere"], "nowhere: no such folder; check --image"),
    (["--pairs=nowhere.csv"], "nowhere.csv: cannot be read as a table"),
    (["--workers=0"], "--workers: 0 is below 1"),
    (["--output=REF/runs"], "runs lies within --reference, where it would be"),
    (["--prediction=REF"], "is on both sides, and would be compared"),
  ],
)
def test_bad_flags_end_in_one_line(patients, tmp_path, flags, said):
  places = [f"--prediction={patients / 'pred'}", "--reference=REF"]
  given = [
    one.replace("REF", str(patients / "ref")) for one in (*places, *flags)
  ]
  line = command.refused("evaluate", *given, folder=tmp_path)
  assert said in line and len(line) < 700
  assert not (tmp_path / "runs").exists()


def _pairs(patients):
  return (
    f"--prediction={patients / 'pred'}",
    f"--reference={patients / 'ref'}",
    "--nosurfaces",
    "--pairs=pairs.csv",
  )


@pytest.mark.slow
def test_pairs_may_be_named(patients, tmp_path):
  (tmp_path / "pairs.csv").write_text("prediction,reference\np2,p1\n")
  command.done("evaluate", *_pairs(patients), folder=tmp_path)
  rows = command.rows(tmp_path / "runs/evaluate/tables/scores.csv")
  assert {row["case"] for row in rows} == {"p1"}


def test_pairs_that_are_not_there_are_refused(patients, tmp_path):
  (tmp_path / "pairs.csv").write_text("prediction,reference\np2,p7\n")
  line = command.refused("evaluate", *_pairs(patients), folder=tmp_path)
  assert "line 2: 'p7' is no case of --reference; its cases are p1, p2" in line


def test_pairs_in_other_columns_are_refused(patients, tmp_path):
  (tmp_path / "pairs.csv").write_text("prediction;reference\np2;p1\n")
  line = command.refused("evaluate", *_pairs(patients), folder=tmp_path)
  assert "pairs.csv: its columns are 'prediction;reference'; they must" in line


def test_cases_that_do_not_fit_name_the_flag(tmp_path):
  for side, name in (("a", "x1"), ("b", "y2")):
    for one in ("Brain", "Lens_L"):
      drawn.files(tmp_path / side / name / "m", {one: drawn.CORD})
      drawn.files(tmp_path / side / f"{name}9" / "m", {one: drawn.CORD})
  given = ("--prediction=a", "--reference=b")
  line = command.refused("evaluate", *given, folder=tmp_path)
  assert line.startswith("no pairs: ") and "(--pairs)" in line


def test_nothing_in_common_is_refused(tmp_path):
  for side, names in (("a", ("Brain", "Larynx")), ("b", ("Lens_L", "Lips"))):
    masks = dict.fromkeys(names, drawn.CORD)
    drawn.files(tmp_path / side / "p1", masks)
  code, _, err = command.call(
    "evaluate", "--prediction=a", "--reference=b", folder=tmp_path
  )
  line = err.splitlines()[-1]
  assert (
    code == 2 and "no structure is on both sides: the predictions have" in line
  )


def test_structures_that_no_case_has_are_refused(tmp_path):
  for side in ("a", "b"):
    drawn.files(tmp_path / side / "p1", {"Brain": drawn.CORD})
  code, _, err = command.call(
    "evaluate", "--prediction=a", "--reference=b", "--structures=Lens",
    folder=tmp_path,
  )  # fmt: skip
  assert code == 2
  assert "--structures: Lens: no case has any of them" in err.splitlines()[-1]
