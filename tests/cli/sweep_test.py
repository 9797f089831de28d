"""A sweep over anyone's maps as its user meets it: classes, patients, parts."""

import json
import shutil

import numpy as np
import pytest

from jaxseg.cli import _maps_told
from tests.cli import command

pytestmark = pytest.mark.usefixtures("no_figures")

GIVEN = ("--probabilities=maps", "--reference=labels", "--resamples=20")
TWO = (*GIVEN, "--class=1,2")


@pytest.fixture
def folder(tmp_path):
  """Softmax maps of two classes; three patients with two scans each."""
  for side in ("maps", "labels"):
    (tmp_path / side).mkdir()
  for k in range(6):
    draw = np.random.default_rng(k)
    y = draw.integers(0, 3, (2, 8, 9)).astype(np.uint8)
    channels = np.arange(3)[:, None, None, None]
    p = np.exp(draw.normal(0, 1, (3, *y.shape)) + 1.5 * (channels == y))
    name = f"pat0{k // 2}_scan{k % 2 + 1}"
    np.savez(tmp_path / "maps" / f"{name}.npz", np.float32(p / p.sum(0)))
    np.save(tmp_path / "labels" / f"{name}.npy", y)
  return tmp_path


def test_several_classes_are_one_table_and_one_page(folder):
  out = command.done("sweep", *TWO, folder=folder)
  assert "6 cases of 3 patients" in out
  assert "by argmax" in out
  run = folder / "runs" / "sweep"
  optima = command.rows(run / "tables" / "optimum.csv")
  assert [(r["class"], r["label"]) for r in optima] == [
    ("1", "1"), ("1", "1"), ("2", "2"), ("2", "2")
  ]  # fmt: skip
  assert {r["patients"] for r in optima} == {"3"}
  page = (run / "report" / "index.html").read_text()
  assert "class 1, label 1" in page
  assert "class 2, label 2" in page
  alone = ("--class=2", "--label=2", "--output=alone")
  out = command.done("sweep", *GIVEN, *alone, folder=folder)
  assert "class 2, label 2" in out
  for path in (
    run / "classes" / "2" / "threshold.json",
    folder / "alone" / "threshold.json",
  ):
    said = json.loads(path.read_text())
    assert said["structure"] == "2"
    assert (said["details"]["class"], said["details"]["label"]) == (2, 2)
    assert said["patients"] == 3
    assert f"{said['threshold']:.3f}" in out
  assert (
    "class 2, label 2"
    in (folder / "alone" / "report" / "index.html").read_text()
  )


def test_nothing_of_an_earlier_sweep_stays_among_a_later_ones(folder):
  run = folder / "runs" / "sweep"
  more = ("--per_case=expected", "--thresholds=21")
  command.done("sweep", *TWO, *more, folder=folder)
  assert (run / "classes" / "1" / "counts.npz").exists()
  (run / "tables" / "notes.txt").write_text("theirs")
  alone = ("--class=2", "--label=2", "--thresholds=21")
  command.done("sweep", *GIVEN, *alone, folder=folder)
  command.done("sweep", *GIVEN, *alone, "--output=clean", folder=folder)
  (run / "tables" / "notes.txt").unlink()
  for part in ("tables", "figures", "report", "classes", "."):
    there, clean = (
      {
        path.relative_to(place)
        for path in (place / part).rglob("*")
        if path.is_file() and place / "counts" not in path.parents
      }
      for place in (run, folder / "clean")
    )
    assert there == clean


def test_counts_are_not_written_among_the_maps(folder):
  for output in ("maps", "labels"):
    line = command.refused("sweep", *TWO, f"--output={output}", folder=folder)
    assert f"--output: {output} is the folder of --" in line
    assert len(list((folder / output).iterdir())) == 6
  inside = ("--class=1", "--label=1", "--output=maps/swept")
  for _ in range(2):
    out = command.done("sweep", *GIVEN, *inside, folder=folder)
    assert "left out" not in out
  # Where maps lie in folders alone, all of them are searched.
  shutil.rmtree(folder / "maps" / "swept")
  (folder / "maps").rename(folder / "fold_0")
  (folder / "maps").mkdir()
  (folder / "fold_0").rename(folder / "maps" / "fold_0")
  line = command.refused("sweep", *GIVEN, *inside, folder=folder)
  assert "--output: maps/swept lies within --probabilities" in line


def test_what_a_merge_lacks_is_named(folder):
  for part in "12":
    command.done(
      "sweep", *TWO, f"--shard={part}/3", f"--output=part{part}", folder=folder
    )
  merge = ("--merge=part1,part2", "--output=merged", "--resamples=20")
  line = command.refused("sweep", *merge, folder=folder)
  assert "without 2 of the cases that belong to these counts: pat01" in line
  assert "; count --shard=3/3 and merge again, or go without (--" in line
  assert not (folder / "merged").exists()
  out = command.done("sweep", *merge, "--partial", folder=folder)
  lacking = ["pat01_scan1", "pat02_scan2"]
  sentence = f"Missing: 2 cases that belong to these counts: {lacking[0]}"
  assert sentence in out
  assert "count --shard=3/3" in out
  run = folder / "merged"
  assert sentence in (run / "report" / "index.html").read_text()
  said = json.loads((run / "classes" / "1" / "threshold.json").read_text())
  assert said["details"]["missing_cases"] == lacking
  command.done("sweep", *TWO, "--shard=3/3", "--output=part3", folder=folder)
  merge = ("--merge=part1,part2,part3", "--output=all", "--resamples=20")
  assert "Missing" not in command.done("sweep", *merge, folder=folder)
  command.done("sweep", *TWO, folder=folder)
  whole, parts = (
    (folder / run / "classes" / "2" / "counts.npz").stat().st_size
    for run in ("runs/sweep", "all")
  )
  assert whole == parts
  # A case that was never counted is missed without shards, too.
  next((folder / "runs/sweep/counts/1").glob("pat02*")).unlink()
  line = command.refused("sweep", "--merge=runs/sweep/counts", folder=folder)
  assert "pat02" in line
  for path in (folder / "runs/sweep/counts").glob("*/pat02*"):
    path.unlink()
  merge = ("--merge=runs/sweep", *merge[1:])
  command.refused("sweep", *merge, folder=folder)
  out = command.done("sweep", *merge, "--partial", folder=folder)
  assert "Missing: 2 cases" in out


def test_a_merge_takes_the_classes_of_the_last_sweep_there(folder):
  merge = ("--merge=runs/sweep", "--output=merged", "--resamples=20")
  one = (*GIVEN, "--class=2", "--label=2")
  for given, classes in ((TWO, {"1", "2"}), (one, {"2"}), (TWO, {"1", "2"})):
    command.done("sweep", *given, "--thresholds=21", folder=folder)
    command.done("sweep", *merge, folder=folder)
    rows = command.rows(folder / "merged" / "tables" / "optimum.csv")
    assert {row["class"] for row in rows} == classes


def test_a_class_that_no_reference_has_is_left_out_of_a_merge_too(folder):
  for k, path in enumerate(sorted((folder / "labels").iterdir())):
    y = np.load(path)
    np.save(path, np.where(y == 2, 0, y) + np.uint8(3 * (k == 0)) * (y == 2))
  line = "left out: class 2: no reference has label 2"
  for part in "12":
    shard = (f"--shard={part}/2", f"--output=part{part}")
    command.done("sweep", *TWO, *shard, folder=folder)
  merge = ("--merge=part1,part2", "--output=merged", "--resamples=20")
  for flags in (merge, (*TWO, "--ignore=3")):
    out = command.done("sweep", *flags, folder=folder)
    assert line in out
    assert "class 1, label 1" in out
    assert out.count("Note, left-out") == ("--ignore=3" in flags)


def test_surfaces_of_classes_are_a_table(capsys):
  best = [
    {"class": c, "metric": m, "value": 2.0, "threshold": 0.25}
    for c in ("adrenal_gland_right_of_a_long_name", "liver")
    for m in ("hd95_mm", "nsd_2mm")
  ]
  _maps_told.tell_surfaces(best)
  out = capsys.readouterr().out
  assert out.count("2.000 at 0.25") == 4
  assert out.count("HD95 (mm)") == 1
  _maps_told.tell_surfaces(best[:1])
  assert capsys.readouterr().out == "Best HD95 (mm): 2.000 at 0.25\n"


@pytest.mark.parametrize(
  ("flags", "text"),
  [
    (("--class=1", "--label=7"), "no voxel has the label 7 in any of the 6"),
    (("--class=1,2", "--label=1"), "--label: 1 for 2 classes (1, 2)"),
    (("--class=2,2",), "class 2 is asked for twice"),
    (("--class=9", "--label=1"), "no channel 9"),
    (("--class=1", "--patients=x"), "'x' finds no patient in the case"),
    (("--class=1", "--patients=("), "regular expression"),
    (("--class=1", "--patients=x.csv"), "x.csv: cannot be read"),
  ],
)
def test_refused_before_a_process_starts(folder, flags, text, monkeypatch):
  def start(*_, **__):
    raise AssertionError("a pool of processes was started")

  monkeypatch.setattr("concurrent.futures.ProcessPoolExecutor", start)
  line = command.refused("sweep", *GIVEN, *flags, folder=folder)
  assert text in line
  assert not list(folder.glob("runs/sweep/tables/*"))


def test_patients_can_be_told(folder):
  each = ("--class=1", "--label=1", "--patients=.*")
  out = command.done("sweep", *GIVEN, *each, folder=folder)
  assert "6 cases, each taken for a patient" in out
  (row, _) = command.rows(folder / "runs/sweep/tables/optimum.csv")
  assert row["patients"] == "6"
  (folder / "who.csv").write_text(
    "case,patient\n"
    + "".join(f"pat0{k // 2}_scan{k % 2 + 1},p{k // 3}\n" for k in range(6))
  )
  told = ("--class=1", "--label=1", "--patients=who.csv")
  out = command.done("sweep", *GIVEN, *told, folder=folder)
  assert "6 cases of 2 patients, by the table who.csv" in out
  cases = command.rows(folder / "runs/sweep/tables/cases.csv")
  assert [row["patient"] for row in cases] == ["p0"] * 3 + ["p1"] * 3


def test_tables_hide_where_the_user_works(folder):
  choose = "--choose=recall>=0.6"
  flags = (
    f"--probabilities={folder}/maps",
    f"--reference={folder}/labels",
    f"--output={folder}/out",
    "--class=1",
    "--label=1",
    "--resamples=20",
    choose,
  )
  command.done("sweep", *flags, folder=folder)
  for path in (folder / "out").rglob("*"):
    if path.suffix in (".csv", ".json", ".html") and path.name != "pairs.json":
      assert str(folder) not in path.read_text(), path
  row, *others = command.rows(folder / "out/tables/curve.csv")
  assert "--probabilities=maps" in row["command"]
  assert {other["command"] for other in others} == {""}
