"""`jaxseg evaluate`, in this process."""

import json
import shutil

import numpy as np
import pytest

from jaxseg import dicom
from jaxseg.cli import _evaluate
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


def sides(patients, *more):
  return (
    f"--prediction={patients / 'pred'}",
    f"--reference={patients / 'ref'}",
    "--workers=1",
    "--nosurfaces",
    *more,
  )


def test_it_goes_on_and_nothing_is_overwritten(patients, tmp_path, monkeypatch):
  from jaxseg import study

  place, real, scored = tmp_path / "runs" / "evaluate", study.evaluate_case, []

  def stopped(pair, **how):
    if len(scored) == 1:
      raise KeyboardInterrupt
    scored.append(pair)
    return real(pair, **how)

  monkeypatch.setattr(study, "evaluate_case", stopped)
  code, _, err = command.call("evaluate", *sides(patients), folder=tmp_path)
  assert (code, len(list((place / "cases").iterdir()))) == (3, 1)
  assert "the same command goes on from here" in err
  scored.append(None)
  out = command.done("evaluate", *sides(patients), folder=tmp_path)
  assert "1 of 2 cases were scored before" in out
  whole = command.rows(place / "tables" / "scores.csv")
  out = command.done("evaluate", *sides(patients), folder=tmp_path)
  assert "2 of 2 cases were scored before" in out
  assert command.rows(place / "tables" / "scores.csv") == whole
  # Shards share the folder, and the command alone puts them together.
  shards = ("--output=parts", "--shard=1/2"), ("--output=parts", "--shard=2/2")
  for one in shards:
    out = command.done("evaluate", *sides(patients, *one), folder=tmp_path)
    assert "Scored: 1 cases into parts/cases" in out
    assert [p.name for p in (tmp_path / "parts").iterdir()] == ["cases"]
  given = sides(patients, "--output=parts")
  assert "2 of 2" in command.done("evaluate", *given, folder=tmp_path)
  parts = command.rows(tmp_path / "parts" / "tables" / "scores.csv")
  for row in (*parts, *whole):
    row.pop("command", None)
  assert parts == whole
  # Another evaluation does not end up among these, unless it is asked for.
  for other, said in (
    ("--absent=empty", "absent is auto, asked is empty"),
    ("--worst_distance=5", "worst_distance is inf, asked is 5"),
    ("--patients=^(.)", "of other cases or patients"),
  ):
    given = sides(patients, other)
    line = command.refused("evaluate", *given, folder=tmp_path)
    assert said in line and "--overwrite" in line
  given = sides(patients, "--absent=empty", "--overwrite")
  command.done("evaluate", *given, folder=tmp_path)


def test_contours_filled_otherwise_are_another_evaluation(tmp_path):
  for name in ("pred", "ref"):
    drawn.patient(tmp_path / name)
  command.done("evaluate", *sides(tmp_path), folder=tmp_path)
  given = sides(tmp_path, "--combine=union")
  line = command.refused("evaluate", *given, folder=tmp_path)
  assert "'combine': 'union'" in line and "--overwrite" in line


def test_a_file_that_changed_is_another_evaluation(patients, tmp_path):
  for name in ("pred", "ref"):
    shutil.copytree(patients / name, tmp_path / name)
  command.done("evaluate", *sides(tmp_path), folder=tmp_path)
  (tmp_path / "pred" / "p1" / "spinal_cord.nii.gz").unlink()
  drawn.files(tmp_path / "pred" / "p1", {"spinal_cord": drawn.CORD})
  line = command.refused("evaluate", *sides(tmp_path), folder=tmp_path)
  assert "spinal_cord.nii.gz' has changed since" in line
  out = command.done(
    "evaluate", *sides(tmp_path, "--overwrite"), folder=tmp_path
  )
  assert "1 of 2 cases were scored before" in out
  (kept, _) = sorted((tmp_path / "runs" / "evaluate" / "cases").iterdir())
  kept.write_text(kept.read_text().replace("spinal", "spimal"))
  line = command.refused("evaluate", *sides(tmp_path), folder=tmp_path)
  assert f"{kept.name}: is damaged" in line
  out = command.done(
    "evaluate", *sides(tmp_path, "--overwrite"), folder=tmp_path
  )
  assert "1 of 2 cases were scored before" in out
  other = kept.with_name("mine.json")  # Nobody's but the user's.
  other.write_text("{}")
  given = sides(tmp_path, "--overwrite")
  assert other.name in command.refused("evaluate", *given, folder=tmp_path)


def test_a_bad_case_is_told_and_does_not_stop_the_others(patients, tmp_path):
  drawn.labels(tmp_path / "a" / "p1", drawn.CORD)
  drawn.labels(tmp_path / "b" / "p1", drawn.CORD)
  drawn.labels(tmp_path / "b" / "p2", drawn.CORD)
  drawn.labels(tmp_path / "b" / "p3", drawn.CORD)
  (tmp_path / "a" / "p2.nii.gz").write_bytes(b"\x1f\x8b broken")
  out = command.done(
    "evaluate", "--prediction=a", "--reference=b", "--nosurfaces",
    folder=tmp_path,
  )  # fmt: skip
  assert "Refused: 'p2': a/p2.nii.gz" in out
  page = (tmp_path / "runs/evaluate/report/index.html").read_text()
  assert "1 case without a partner, or that could not be used, is left" in page


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


def test_names_that_differ_are_one_only_if_one_of_them_is_unknown(tmp_path):
  """A case with a brain alone is no evidence on its spinal cord."""
  for case, name in (("p1", "brain"), ("p2", "label")):
    drawn.files(tmp_path / "pred" / case, {name: drawn.CORD})
    drawn.files(tmp_path / "ref" / case, {"spinal_cord": drawn.CORD})
  out = command.done(
    "evaluate", *sides(tmp_path, "--layout=structures"), folder=tmp_path
  )
  assert "in 1 case the only structure on both sides" in out
  assert "such as 'label' with 'spinal_cord' in 'p2'" in out
  rows = command.rows(tmp_path / "runs" / "evaluate" / "tables" / "scores.csv")
  found = {
    (row["case"], row["structure"]): (row["status"], row["prediction_name"])
    for row in rows
  }
  assert found == {
    ("p1", "brain"): ("no reference", "brain"),
    ("p1", "spinal_cord"): ("missed", ""),
    ("p2", "spinal_cord"): ("scored", "label"),
  }


def test_structures_that_no_case_has_are_refused(tmp_path):
  for side in ("a", "b"):
    drawn.files(tmp_path / side / "p1", {"Brain": drawn.CORD})
  code, _, err = command.call(
    "evaluate", "--prediction=a", "--reference=b", "--structures=Lens",
    folder=tmp_path,
  )  # fmt: skip
  assert code == 2
  assert "--structures: Lens: no case has any of them" in err.splitlines()[-1]


def test_labels_and_names_that_do_not_meet(tmp_path):
  drawn.labels(tmp_path / "a" / "p1", drawn.CORD, drawn.LEFT)
  masks = {"Brain": drawn.CORD, "Parotid_L": drawn.LEFT}
  drawn.files(tmp_path / "b" / "p1", masks)
  code, _, err = command.call(
    "evaluate", "--prediction=a", "--reference=b", "--nosurfaces",
    folder=tmp_path,
  )  # fmt: skip
  assert code == 2
  assert "the predictions have labels 1, 2, the references Brain," in err
  assert "(--aliases, --prediction_aliases), or how files lie (--layout)" in err


def test_names_that_only_look_like_labels(tmp_path):
  drawn.labels(tmp_path / "a" / "p1", drawn.CORD, drawn.LEFT)
  masks = {"\u00b2": drawn.CORD, "\u00b3": drawn.LEFT}  # Superscripts.
  drawn.patient(tmp_path / "b", "P1", masks)
  code, _, err = command.call(
    "evaluate", "--prediction=a", "--reference=b", "--nosurfaces",
    folder=tmp_path,
  )  # fmt: skip
  assert code == 2
  assert (
    "the predictions have labels 1, 2, the references \u00b2, \u00b3" in err
  )


def test_what_predict_writes_twice_is_told_once(tmp_path):
  for name in ("P1", "P2"):
    image = drawn.patient(tmp_path / "pred", name)
    dicom.write_seg(tmp_path / "pred" / name / "seg.dcm", drawn.MASKS, image)
    drawn.files(tmp_path / "ref" / name, drawn.MASKS)
  out = command.done(
    "evaluate", "--prediction=pred", "--reference=ref", "--nosurfaces",
    folder=tmp_path,
  )  # fmt: skip
  notes = [line for line in out.splitlines() if "merged by structure" in line]
  assert len(notes) == 1 and notes[0].endswith("(and so of 1 more)")
  kept = json.loads((tmp_path / "runs/evaluate/evaluation.json").read_text())
  assert sum("merged by" in line for line in kept["left_out"]) == 2


def test_a_long_evaluation_hints_at_a_short_one(monkeypatch, capsys):
  now = iter((0.0, 10.0, 30.0, 60.0))
  monkeypatch.setattr(_evaluate.time, "monotonic", lambda: next(now))
  hint = _evaluate._Hint(100, surfaces=True)
  hint.one_more()  # It may have been the slowest one.
  assert not capsys.readouterr().err
  hint.one_more()
  said = capsys.readouterr().err
  assert "98 cases will take about 24 minutes" in said
  assert "--nosurfaces leaves these out" in said
  hint.one_more()
  assert not capsys.readouterr().err
