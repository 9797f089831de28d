"""A run folder knows what it is: flags that contradict it are refused."""

import json
import shutil

import pytest

from jaxseg import cohorts
from jaxseg import training
from jaxseg.cli import _cohort_flags
from tests.cli import command


@pytest.fixture(scope="module")
def prepared(prepared_once, tmp_path_factory):
  """A folder with the prepared phantom in runs/phantom."""
  folder = tmp_path_factory.mktemp("prepared")
  shutil.copytree(prepared_once, folder, dirs_exist_ok=True)
  return folder


def content(folder):
  return {
    path.relative_to(folder): path.stat().st_mtime_ns
    for path in sorted(folder.rglob("*"))
  }


def test_flags_name_what_the_registries_hold():
  assert _cohort_flags.RECIPES == {
    k: v.text for k, v in training.RECIPES.items()
  }
  for name in ("OpenKBP", "DicomFolder", "NiftiFolder", "Phantom"):
    assert hasattr(cohorts, name)
  assert len(_cohort_flags.COHORTS) == 4


def test_run_json_says_what_the_run_is(prepared):
  facts = json.loads((prepared / "runs/phantom/run.json").read_text())
  assert facts["cohort"]["name"] == "phantom"
  assert facts["cohort_flags"] == {
    "cohort": "phantom",
    "patients": 8,
    "grid": 48,
  }
  assert facts["recipe"] == "quick"
  assert facts["prepare"]["size"] == [32, 32]
  assert facts["split"] == {"seed": 0, "fractions": [0.65, 0.15, 0.2]}
  assert facts["training_flags"] == {}
  assert facts["version"]


@pytest.mark.parametrize(
  ("flags", "texts"),
  [
    (
      ("--cohort=openkbp", "--recipe=bice2020"),
      ("cohort is phantom, asked is openkbp", "recipe is quick, asked is bice"),
    ),
    (("--input=open-kbp",), ("cohort is phantom, asked is openkbp",)),
    (("--patients=11",), ("patients is 8, asked is 11",)),
    (
      ("--grid=32", "--size=48"),
      ("grid is 48, asked is 32", "size is [32, 32]"),
    ),
    (("--spacing=4",), ("spacing is 8.0, asked is 4.0",)),
    (("--split_seed=1",), ("split_seed is 0, asked is 1",)),
    (("--split=split.json",), ("split was drawn, asked is one of a file",)),
    (("--on_two=first",), ("--on_two: only for --cohort=dicom_folder",)),
  ],
  ids=lambda flags: " ".join(flags) if flags[0][0] == "-" else "",
)
@pytest.mark.parametrize("name", ["prepare", "train"])
def test_a_contradicting_flag_is_refused(
  prepared, name, flags, texts, tmp_path
):
  shutil.copy(prepared / "runs/phantom/split.json", tmp_path)
  before = content(prepared)
  run = f"--output={prepared / 'runs/phantom'}"
  structure = ("--structure=brain",) if name == "train" else ()
  line = command.refused(name, run, *structure, *flags, folder=tmp_path)
  assert all(text in line for text in texts), line
  assert content(prepared) == before


@pytest.mark.parametrize(
  "flags",
  [
    (),
    ("--cohort=phantom", "--recipe=quick", "--size=32x32", "--split_seed=0"),
    (*command.PHANTOM, *command.PREPARED),
  ],
)
def test_a_run_is_opened_again_as_what_it_is(prepared, flags, orphan):
  before = content(prepared / "runs")
  left = orphan(prepared / "runs" / "phantom")
  out = command.done("prepare", *flags, folder=prepared)
  assert "phantom: 8 patients" in out
  assert not left.exists()
  assert content(prepared / "runs") == before


def test_an_older_run_folder_is_refused(prepared, tmp_path):
  run = tmp_path / "run"
  shutil.copytree(prepared / "runs" / "phantom", run)
  (run / "run.json").rename(run / "cohort.json")
  for name, *flags in ("prepare",), ("train", "--structure=brain"), ("sweep",):
    line = command.refused(name, *flags, "--output=run", folder=tmp_path)
    assert "older version (cohort.json, no run.json)" in line


def test_damage_to_run_json_is_one_line(prepared, tmp_path):
  run = tmp_path / "run"
  shutil.copytree(prepared / "runs" / "phantom", run)
  facts = json.loads((run / "run.json").read_text())
  for text, wrong in (
    ("cannot be read as JSON", "{"),
    ("of format None", "[]"),
    ("of format jaxseg.run/9", json.dumps({**facts, "format": "jaxseg.run/9"})),
    ("entry prepare is missing", json.dumps({**facts, "prepare": None})),
  ):
    (run / "run.json").write_text(wrong)
    line = command.refused("prepare", "--output=run", folder=tmp_path)
    assert text in line


def test_the_split_seed_draws_split_and_patients(tmp_path):
  flags = ("--patients=3", "--grid=48", *command.PREPARED)
  facts = []
  for seed in (0, 1):
    output = f"--output=run{seed}"
    command.done(
      "prepare", *flags, f"--split_seed={seed}", output, folder=tmp_path
    )
    marker = json.loads(
      (tmp_path / f"run{seed}-dicom/phantom.json").read_text()
    )
    run = json.loads((tmp_path / f"run{seed}/run.json").read_text())
    assert marker["seed"] == run["split"]["seed"] == seed
    facts.append(run["store"])
  assert facts[0] != facts[1]


def test_bad_flags_and_input_are_one_line_and_2(tmp_path):
  (tmp_path / "thesis").mkdir()
  (tmp_path / "thesis" / "a.txt").write_text("years of work")
  (tmp_path / "file").write_text("")
  for flags, text in (
    (("--cohort=hn2",), "hn2"),
    (("--cohort=openkbp",), "--input"),
    (("--input=nowhere",), "nowhere"),
    (("--output=thesis",), "thesis"),
    (("--output=file",), "file"),
    (("--output=file/inside",), "file is a file"),
    (("--size=1e3",), "1e3"),
    (("--size=8",), "fewer than 16 pixels"),
    (("--patients=0",), "0 patients"),
    (("--workers=0",), "--workers: 0 is below 1"),
    (("--split=none.json",), "none.json"),
    (("--cohort=dicom_folder",), "--input"),
    (("--cohort=phantom", "--input=a"), "the phantom cohort reads no files"),
    (("--cohort=openkbp", "--input=a", "--grid=9"), "only for the phantom"),
    (("--on_two=first",), "only for --cohort=dicom_folder"),
    (("--seed=1",), "seed"),
  ):
    assert text in command.refused("prepare", *flags, folder=tmp_path), flags
  assert [p.name for p in (tmp_path / "thesis").iterdir()] == ["a.txt"]
  assert sorted(p.name for p in tmp_path.iterdir()) == ["file", "thesis"]


def test_a_corrupt_csv_names_file_and_line(openkbp, tmp_path):
  cohort = tmp_path / "kbp"
  shutil.copytree(openkbp, cohort)
  path = sorted(cohort.glob("provided-data/train-pats/*/ct.csv"))[1]
  lines = path.read_text().splitlines()
  lines[7] = "12,not-a-number"
  path.write_text("\n".join(lines) + "\n")
  line = command.refused(
    "prepare", f"--input={cohort}", "--output=run", folder=tmp_path
  )
  assert f"{path.parent.name}/ct.csv" in line
  assert "8" in line
  assert not (tmp_path / "run").exists()
