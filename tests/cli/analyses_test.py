"""The binaries as a user starts them: files, exit codes, one clear line."""

import csv
import json
import os
import shutil
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import SimpleITK as sitk

from tests.conftest import ROOT

NAMES = (
  "prepare",
  "train",
  "sweep",
  "sensitivity",
  "prominence",
  "objectives",
  "reproduce",
)
TINY = (
  "--patients=10",
  "--grid=64",
  "--size=32",
  "--spacing=8",
  "--base=4",
  "--epochs=1",
  "--steps_per_epoch=3",
  "--batch=8",
)


def start(name, *flags, folder, wait=True):
  environment = {**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "100"}
  process = subprocess.Popen(
    [sys.executable, "-W", "error", "-m", f"experiments.{name}", *flags],
    cwd=folder,
    env=environment,
    stdout=subprocess.PIPE,
    stderr=subprocess.PIPE,
    text=True,
  )
  if not wait:
    return process
  out, err = process.communicate(timeout=300)
  return process.returncode, out, err


def refused(name, *flags, folder):
  """The one line of a binary that refuses; checks that it is just that."""
  code, _, err = start(name, *flags, folder=folder)
  assert code == 2, err
  lines = err.strip().splitlines()
  assert len(lines) == 1, err
  return lines[0]


@pytest.fixture(scope="module")
def reproduced(tmp_path_factory):
  folder = tmp_path_factory.mktemp("binaries")
  flags = ("--structures=brain,parotid_left,Brain", *TINY)
  code, out, err = start("reproduce", *flags, folder=folder)
  assert code == 0, err
  return folder, flags, out


def rows(path):
  with open(path, newline="") as file:
    return list(csv.DictReader(file))


def test_reproduce_leaves_tables_figures_and_a_page(reproduced):
  folder, _, out = reproduced
  run = folder / "runs" / "phantom"
  for stem in ("curves", "sensitivity", "prominence", "objectives"):
    for suffix in ("svg", "png"):
      assert (run / "figures" / f"{stem}.{suffix}").stat().st_size > 1000
  table = rows(run / "tables" / "sweep.csv")
  assert {r["structure"] for r in table} == {"brain", "parotid_left"}
  assert {r["objective"] for r in table} == {"bce", "dice", "bce_dice"}
  for name in ("sweep", "sensitivity", "prominence", "objectives"):
    for row in rows(run / "tables" / f"{name}.csv"):
      assert row["cohort"] == "phantom"
      assert row["cohort_hash"]
      assert row["command"].startswith("python -m experiments.reproduce")
      assert row["version"]
      assert row["date"]
  page = (run / "report" / "index.html").read_text()
  assert "phantom" in page
  assert "no claim about patients" in page
  assert "runs/phantom/report/index.html" in out


def test_reproduce_again_trains_nothing(reproduced):
  folder, flags, _ = reproduced
  run = folder / "runs" / "phantom"
  paths = [*run.glob("models/**/metrics.csv"), *run.glob("counts/*.npz")]
  before = [path.stat().st_mtime_ns for path in paths]
  code, _, err = start("reproduce", *flags, folder=folder)
  assert code == 0, err
  assert err.count("was finished before") == 6
  assert [path.stat().st_mtime_ns for path in paths] == before


@pytest.mark.parametrize(
  "name", ["sweep", "sensitivity", "prominence", "objectives"]
)
def test_each_analysis_starts_from_the_run_folder(reproduced, tmp_path, name):
  folder, _, _ = reproduced
  run = tmp_path / "run"
  shutil.copytree(folder / "runs" / "phantom", run)
  shutil.rmtree(run / "tables")
  code, out, err = start(name, f"--output={run}", folder=tmp_path)
  assert code == 0, err
  assert rows(run / "tables" / f"{name}.csv")
  assert "Written:" in out


def test_train_reports_dice_on_unseen_patients(reproduced):
  folder, _, _ = reproduced
  code, out, err = start(
    "train",
    "--structure=parotid_left",
    "--objective=bce",
    "--base=4",
    "--epochs=1",
    "--steps_per_epoch=3",
    "--batch=8",
    folder=folder,
  )
  assert code == 0, err
  assert "test patients" in out
  said = json.loads(
    (
      folder / "runs/phantom/models/parotid_left/bce/0/threshold.json"
    ).read_text()
  )
  assert 0 <= said["dice_test"] <= 1


def test_phantom_inspect_and_train_on_what_was_found(tmp_path):
  flags = ("--patients=8", "--grid=48", "--output=made")
  code, out, err = start("phantom", *flags, folder=tmp_path)
  assert code == 0, err
  assert "Written: made" in out
  code, out, err = start("inspect", "made", folder=tmp_path)
  assert code == 0, err
  assert "8 of 8 patients can be used" in out
  audit = json.loads((tmp_path / "runs/inspect/audit.json").read_text())
  assert len(audit["patients"]) == 8
  table = rows(tmp_path / "runs" / "inspect" / "audit.csv")
  assert {row["status"] for row in table} == {"matched"}
  assert float(table[0]["ml"]) > 1
  # One of them loses a slice: the others go on.
  (tmp_path / "made/phantom_003/ct/0020.dcm").unlink()
  code, out, err = start(
    "train",
    "--cohort=dicom_folder",
    "--input=made",
    "--output=run",
    "--structure=brain",
    "--recipe=quick",
    *TINY[2:],
    folder=tmp_path,
  )
  assert code == 0, err
  assert "left out phantom_003" in out
  assert (tmp_path / "run/models/brain/bce/0/threshold.json").is_file()


def test_inspect_ends_with_2_where_nothing_can_be_used(dicom_data, tmp_path):
  case = dicom_data / "sts" / "STS_006_MR_T1"
  code, out, err = start("inspect", str(case), folder=tmp_path)
  assert code == 2
  assert "no CT series" in out
  assert err.strip().splitlines()[-1].endswith("the table above says why")


def test_inspect_reads_the_users_names(dicom_data, tmp_path):
  (tmp_path / "names.json").write_text('{"Lt Lung": "brain", "BODY": "lips"}')
  case = dicom_data / "rtstruct" / "dicompyler-core"
  code, _, err = start(
    "inspect", str(case), "--aliases=names.json", folder=tmp_path
  )
  assert code == 0, err
  (row,) = [
    row
    for row in rows(tmp_path / "runs" / "inspect" / "audit.csv")
    if row["structure"] == "lips"
  ]
  assert row["name"] == "'BODY'"
  assert row["status"] == "matched"


def test_sweep_over_anyones_maps(tmp_path):
  draw = np.random.default_rng(0)
  for folder in ("maps", "labels"):
    (tmp_path / folder).mkdir()
  for k in range(4):
    y = np.zeros((3, 12, 14), np.uint8)
    y[:, 3:8, 4:9] = 1
    p = np.clip(0.5 * y + draw.normal(0.2, 0.1, y.shape), 0, 1)
    for folder, array in (("maps", p.astype(np.float32)), ("labels", y)):
      image = sitk.GetImageFromArray(array)
      image.SetSpacing((1.0, 1.0, 2.5))
      sitk.WriteImage(image, str(tmp_path / folder / f"case_{k}.nii.gz"))
  given = ("--probabilities=maps", "--reference=labels", "--resamples=50",
           "--surfaces")  # fmt: skip
  code, out, err = start("sweep", *given, folder=tmp_path)
  assert code == 0, err
  assert "4 maps with a reference" in out
  run = tmp_path / "runs" / "sweep"
  said = json.loads((run / "threshold.json").read_text())
  assert 0.2 < said["threshold"] < 0.6
  assert said["rule"] == "float32(p) >= float32(threshold)"
  assert "Best NSD at 2 mm: " in out
  for name in ("optimum", "curve", "cases", "calibration", "surfaces"):
    assert rows(run / "tables" / f"{name}.csv")
  for name in ("curve", "reliability", "surfaces"):
    assert (run / "figures" / f"{name}.svg").stat().st_size > 1000
  # Two parts, as two machines would count them, are the same.
  for part in ("1/2", "2/2"):
    code, _, err = start(
      "sweep", *given, f"--shard={part}", f"--output=part{part[0]}",
      "--workers=1", folder=tmp_path,
    )  # fmt: skip
    assert code == 0, err
  merge = ("--merge=part1,part2", "--output=merged", "--resamples=50")
  code, _, err = start("sweep", *merge, folder=tmp_path)
  assert code == 0, err
  merged = json.loads((tmp_path / "merged" / "threshold.json").read_text())
  assert merged["optima"] == said["optima"]
  assert merged["surface_optima"] == said["surface_optima"]
  for flags, text in (
    (("--probabilities=maps",), "--reference"),
    (("--probabilities=none", "--reference=labels"), "none"),
    (("--merge=nowhere",), "no counts in nowhere"),
    ((*given, "--shard=3/2"), "shard"),
    ((*given, "--choose=best"), "best"),
    ((*given, "--workers=0"), "0 workers"),
  ):
    line = refused("sweep", *flags, "--output=bad", folder=tmp_path)
    assert text in line
  (tmp_path / "file").write_text("")
  for output in ("file", "file/inside"):
    line = refused("sweep", *given, f"--output={output}", folder=tmp_path)
    assert "--output: file is a file" in line


@pytest.mark.parametrize(
  ("name", "flag"), [("inspect", "--on_two"), ("phantom", "--slice_mm")]
)
def test_help_of_what_needs_no_run_folder(name, flag, tmp_path):
  code, out, err = start(name, "--help", folder=tmp_path)
  assert code == 0, err
  assert flag in out
  assert "--epochs" not in out


@pytest.mark.parametrize("name", NAMES)
def test_help_is_no_error(name, tmp_path):
  code, out, err = start(name, "--help", folder=tmp_path)
  assert code == 0, err
  assert f"experiments.{name}" in out
  for flag in ("--output", "--seed"):
    assert flag in out
  assert ("--epochs" in out) == (name in ("train", "reproduce"))


def test_bad_flags_and_input_are_one_line_and_2(reproduced, tmp_path):
  folder, _, _ = reproduced
  run = f"--output={folder / 'runs' / 'phantom'}"
  (tmp_path / "thesis").mkdir()
  (tmp_path / "thesis" / "a.txt").write_text("years of work")
  for name, flags, text in (
    ("train", (), "structure"),
    ("train", ("--structure=spleen", run), "spleen"),
    ("train", ("--structure=larynx", run), "larynx: contoured on no patient"),
    ("train", ("--structure=brain", "--objective=fokal", run), "fokal"),
    (
      "train",
      ("--structure=brain", "--objective=softmax_cross_entropy", run),
      "does not depend on logits of one channel",
    ),
    ("train", ("--structure=brain", "--colour=red"), "colour"),
    ("train", ("--structure=brain", "brain"), "unexpected argument"),
    ("prepare", ("--cohort=hn2",), "hn2"),
    ("prepare", ("--cohort=openkbp",), "--input"),
    ("prepare", ("--input=nowhere",), "nowhere"),
    ("prepare", ("--output=thesis",), "thesis"),
    ("prepare", ("--size=1e3",), "1e3"),
    ("prepare", ("--patients=0",), "0 patients"),
    ("prepare", (run, "--patients=11"), "patients is 10, asked is 11"),
    ("prepare", ("--split=none.json",), "none.json"),
    ("prepare", ("--cohort=dicom_folder",), "--input"),
    ("prepare", ("--on_two=first",), "only for --cohort=dicom_folder"),
    ("inspect", (), "FOLDER is missing"),
    ("inspect", ("a", "b"), "unexpected argument"),
    ("inspect", ("nowhere",), "nowhere: no such folder"),
    ("inspect", ("thesis",), "holds no DICOM files"),
    ("inspect", ("thesis", "--aliases=no.json"), "no.json"),
    ("phantom", ("--output=thesis",), "thesis: not empty and no phantom"),
    ("sweep", ("--output=nowhere",), "nowhere"),
    ("sensitivity", ("--output=thesis",), "cohort.json"),
  ):
    assert text in refused(name, *flags, folder=tmp_path), (name, flags)
  # All of these were refused before anything was prepared.
  assert os.listdir(tmp_path / "thesis") == ["a.txt"]
  assert sorted(os.listdir(tmp_path)) == ["thesis"]


def test_a_corrupt_csv_names_file_and_line(openkbp, tmp_path):
  cohort = tmp_path / "kbp"
  shutil.copytree(openkbp, cohort)
  path = sorted(cohort.glob("provided-data/train-pats/*/ct.csv"))[1]
  lines = path.read_text().splitlines()
  lines[7] = "12,not-a-number"
  path.write_text("\n".join(lines) + "\n")
  line = refused(
    "prepare", f"--input={cohort}", "--output=run", folder=tmp_path
  )
  assert f"{path.parent.name}/ct.csv" in line
  assert "8" in line
  assert not (tmp_path / "run").exists()


def test_openkbp_from_csv_to_a_score(openkbp, tmp_path):
  code, out, err = start(
    "train",
    "--structure=Mandible",
    f"--input={openkbp}",
    "--size=64",
    "--base=4",
    "--epochs=1",
    "--steps_per_epoch=2",
    folder=tmp_path,
  )
  assert code == 0, err
  assert "openkbp" in out
  run = tmp_path / "runs" / "openkbp"
  assert (run / "models/mandible/bce/0/threshold.json").is_file()


def test_the_studys_own_recipe_with_its_switches(tmp_path):
  code, _, err = start(
    "train",
    "--structure=brain",
    "--recipe=bice2020",
    "--nofinal_dropout",
    "--final_norm",
    "--patients=8",
    "--grid=64",
    "--epochs=1",
    "--steps_per_epoch=1",
    folder=tmp_path,
  )
  assert code == 0, err
  model = tmp_path / "runs" / "phantom" / "models" / "brain" / "bce" / "0"
  config = json.loads((model / "config.json").read_text())["config"]
  assert config["network"] == {
    "name": "bice2020",
    "final_dropout": False,
    "final_norm": True,
  }
  assert config["negatives"] == 0.25


def test_interrupted_is_3_and_resumes(tmp_path):
  flags = ("--structure=brain", *TINY[:4], "--base=4", "--batch=8")
  flags += ("--epochs=40", "--steps_per_epoch=2")
  process = start("train", *flags, folder=tmp_path, wait=False)
  metrics = tmp_path / "runs/phantom/models/brain/bce/0/metrics.csv"
  deadline = time.monotonic() + 240
  while not metrics.exists() and process.poll() is None:
    assert time.monotonic() < deadline
    time.sleep(0.1)
  process.send_signal(signal.SIGINT)
  _, err = process.communicate(timeout=120)
  assert process.returncode == 3, err
  assert "the same command goes on" in err
  done = len(rows(metrics))
  assert 0 < done < 40
  code, _, err = start("train", *flags, folder=tmp_path)
  assert code == 0, err
  assert len(rows(metrics)) >= done
  assert [int(r["epoch"]) for r in rows(metrics)] == list(
    range(len(rows(metrics)))
  )
