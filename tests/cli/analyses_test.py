"""Sweeps and analyses as a user calls them: files, and one clear line."""

import json
import shutil

import numpy as np
import pytest
import SimpleITK as sitk

from tests.cli import command

ANALYSES = ("sweep", "sensitivity", "prominence", "objectives")


@pytest.fixture(scope="module")
def reproduced(tmp_path_factory):
  folder = tmp_path_factory.mktemp("binaries")
  flags = ("--structures=brain,parotid_left,Brain", *command.TINY)
  # One compiled step, and six models whether they learn in three steps or not.
  flags += ("--objective=bce,dice,bce_dice", "--replace_stuck=0")
  out = command.done("reproduce", *flags, folder=folder)
  return folder, flags, out


def test_reproduce_leaves_tables_figures_and_a_page(reproduced):
  folder, _, out = reproduced
  run = folder / "runs" / "phantom"
  for stem in ("curves", "sensitivity", "prominence", "objectives"):
    for suffix in ("svg", "png", "pdf"):
      for place in (run, run / "report"):
        path = place / "figures" / f"{stem}.{suffix}"
        assert path.stat().st_size > 1000
  table = command.rows(run / "tables" / "sweep.csv")
  assert {r["structure"] for r in table} == {"brain", "parotid_left"}
  assert {r["objective"] for r in table} == {"bce", "dice", "bce_dice"}
  for name in ANALYSES:
    row, *others = command.rows(run / "tables" / f"{name}.csv")
    assert row["cohort"] == "phantom"
    assert row["cohort_hash"]
    assert row["command"].startswith("jaxseg reproduce")
    assert row["version"]
    assert row["date"]
    assert all(other["command"] == "" for other in others)
  page = (run / "report" / "index.html").read_text()
  assert "phantom" in page
  assert "no claim about patients" in page
  assert "The paper&#39;s claims" in page
  assert "../" not in page.partition("<script")[0]  # It is whole in itself.
  assert command.rows(run / "tables" / "claims.csv")[0]["cohort"] == "phantom"
  causes = command.rows(run / "tables" / "causes.csv")
  assert {r["scope"] for r in causes} == {"kept", "organ", "known"}
  assert len(causes) == 3 * len(command.rows(run / "tables" / "objectives.csv"))
  assert "runs/phantom/report/index.html" in out


@pytest.mark.usefixtures("no_figures")
def test_reproduce_again_trains_nothing(reproduced):
  folder, flags, _ = reproduced
  run = folder / "runs" / "phantom"
  paths = [*run.glob("models/**/metrics.csv"), *run.glob("counts/*.npz")]
  before = [path.stat().st_mtime_ns for path in paths]
  code, _, err = command.call("reproduce", *flags, folder=folder)
  assert code == 0, err
  assert err.count("was finished before") == 6
  assert [path.stat().st_mtime_ns for path in paths] == before


@pytest.mark.usefixtures("no_figures")
@pytest.mark.parametrize("name", ANALYSES)
def test_each_analysis_starts_from_the_run_folder(reproduced, tmp_path, name):
  folder, _, _ = reproduced
  run = tmp_path / "run"
  shutil.copytree(folder / "runs" / "phantom", run)
  shutil.rmtree(run / "tables")
  # Of an earlier sweep with --per_case, whose counts may have been others.
  stale = run / "tables" / "per_case.csv"
  stale.parent.mkdir()
  stale.write_text("method")
  out = command.done(name, f"--output={run}", folder=tmp_path)
  assert stale.exists() == (name != "sweep")
  assert command.rows(run / "tables" / f"{name}.csv")
  assert "Written:" in out


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
  given = (
    "--probabilities=maps",
    "--reference=labels",
    "--resamples=50",
    "--surfaces",
  )
  out = command.done("sweep", *given, folder=tmp_path)
  assert "4 maps with a reference" in out
  run = tmp_path / "runs" / "sweep"
  said = json.loads((run / "threshold.json").read_text())
  assert 0.2 < said["threshold"] < 0.6
  assert said["rule"] == "float32(p) >= float32(threshold)"
  assert "Best NSD at 2 mm: " in out
  for name in ("optimum", "curve", "cases", "calibration", "surfaces"):
    assert command.rows(run / "tables" / f"{name}.csv")
  for name in ("curve", "reliability", "surfaces"):
    assert (run / "figures" / f"{name}.svg").stat().st_size > 1000
  # Two parts, as two machines would count them, are the same.
  for part in ("1/2", "2/2"):
    command.done(
      "sweep",
      *given,
      f"--shard={part}",
      f"--output=part{part[0]}",
      "--workers=1",
      folder=tmp_path,
    )
  merge = ("--merge=part1,part2", "--output=merged", "--resamples=50")
  command.done("sweep", *merge, folder=tmp_path)
  merged = json.loads((tmp_path / "merged" / "threshold.json").read_text())
  for name in ("optima", "surface_optima"):
    assert merged["details"][name] == said["details"][name]
  for flags, text in (
    (("--probabilities=maps",), "--reference"),
    (("--probabilities=none", "--reference=labels"), "none"),
    (("--merge=nowhere",), "no counts in nowhere"),
    ((*given, "--shard=3/2"), "shard"),
    ((*given, "--choose=best"), "best"),
    ((*given, "--workers=0"), "--workers: 0"),
  ):
    line = command.refused("sweep", *flags, "--output=bad", folder=tmp_path)
    assert text in line
  (tmp_path / "file").write_text("")
  for output in ("file", "file/inside"):
    line = command.refused(
      "sweep", *given, f"--output={output}", folder=tmp_path
    )
    assert "--output: file is a file" in line


def test_what_is_no_run_folder_is_one_line_and_2(tmp_path):
  (tmp_path / "thesis").mkdir()
  for name, flags, text in (
    ("sweep", ("--output=nowhere",), "nowhere"),
    ("sensitivity", ("--output=thesis",), "run.json"),
    ("reproduce", ("--structures=spleen",), "spleen"),
    ("objectives", ("--colour=red",), "colour"),
    ("prominence", ("brain",), "unexpected argument"),
  ):
    assert text in command.refused(name, *flags, folder=tmp_path), (name, flags)
  assert [path.name for path in tmp_path.iterdir()] == ["thesis"]


@pytest.fixture
def maps(tmp_path):
  """Two maps and their references, and a folder that is a run."""
  for name in ("maps", "labels", "run"):
    (tmp_path / name).mkdir()
  y = np.zeros((3, 12, 14), np.uint8)
  y[:, 3:8, 4:9] = 1
  for k in range(2):
    np.save(tmp_path / "maps" / f"c{k}.npy", (0.2 + 0.6 * y).astype(np.float32))
    np.save(tmp_path / "labels" / f"c{k}.npy", y)
  (tmp_path / "run" / "run.json").write_text("{}")
  return tmp_path


GIVEN = ("--probabilities=maps", "--reference=labels")


@pytest.mark.parametrize(
  ("flags", "text"),
  [
    ((*GIVEN, "--output=run"), "run folder of a cohort"),
    ((*GIVEN, "--cohort=openkbp"), "--cohort: only for a run's models"),
    ((*GIVEN, "--seed=-1"), "seed is -1; give"),
    ((*GIVEN, "--shard=9/3"), "shard '9/3'"),
    ((*GIVEN, "--workers=0"), "--workers: 0"),
    (("--output=run", "--class=1", "--shard=1/2"), "--class, --shard: only"),
    (("--merge=maps", "--surfaces"), "--surfaces: only for --probabilities"),
    (("--output=run", "--seed=-1"), "seed is -1; give"),
  ],
)
def test_flags_without_effect_are_refused_before_anything(maps, flags, text):
  before = sorted(maps.rglob("*"))
  assert text in command.refused("sweep", *flags, folder=maps)
  assert sorted(maps.rglob("*")) == before


@pytest.mark.usefixtures("no_figures")
def test_a_chosen_threshold_survives_training_again(reproduced):
  folder, _, _ = reproduced
  path = folder / "runs/phantom/models/brain/bce/0/threshold.json"
  choose = ("--choose=recall>=0.1", "--resamples=20")
  command.done("sweep", "--output=runs/phantom", *choose, folder=folder)
  before = path.read_bytes()
  assert json.loads(before)["criterion"] == "recall>=0.1"
  again = ("--structure=brain", "--objective=bce", "--output=runs/phantom")
  command.done("train", *again, folder=folder)
  assert path.read_bytes() == before
