"""Masks from maps: those whose Dice the sweep told, where their maps lie."""

import json
import shutil

import nibabel
import numpy as np
import pytest
import SimpleITK as sitk

from jaxseg import study
from jaxseg import thresholds
from tests.cli import command


@pytest.fixture
def folder(tmp_path):
  draw = np.random.default_rng(0)
  for side in ("maps", "labels"):
    (tmp_path / side).mkdir()
  for k in range(3):
    y = np.zeros((3, 12, 14), np.uint8)
    y[1:, 3:8, 4:9] = 1
    p = np.clip(0.5 * y + draw.normal(0.2, 0.1, y.shape), 0, 1)
    for side, array in (("maps", p.astype(np.float32)), ("labels", y)):
      image = sitk.GetImageFromArray(array)
      image.SetSpacing((1.0, 1.5, 2.5))
      image.SetOrigin((-7.0, 8.0, 30.0))
      image.SetDirection((0.8, -0.6, 0, 0.6, 0.8, 0, 0, 0, -1))
      end = "nrrd" if k == 2 else "nii.gz"
      sitk.WriteImage(image, str(tmp_path / side / f"case_{k}.{end}"))
  return tmp_path


MAPS = "--probabilities=maps"


def test_masks_have_the_dice_of_the_sweep(folder):
  command.done(
    "sweep", MAPS, "--reference=labels", "--resamples=20", folder=folder
  )
  out = command.done("apply", MAPS, "--threshold=runs/sweep", folder=folder)
  assert "Written: 3 masks into runs/masks" in out
  rows = command.rows(folder / "runs/sweep/tables/cases.csv")
  for row in rows:
    path = folder / "runs" / "masks" / f"{row['case']}.nii.gz"
    mask = sitk.ReadImage(str(path))
    (source,) = (folder / "labels").glob(f"{row['case']}.*")
    label = sitk.ReadImage(str(source))
    for get in ("GetSize", "GetSpacing", "GetOrigin", "GetDirection"):
      ours, theirs = getattr(mask, get)(), getattr(label, get)()
      np.testing.assert_allclose(ours, theirs, atol=1e-5)
    a, b = (sitk.GetArrayFromImage(image) > 0 for image in (mask, label))
    dice = 2 * (a & b).sum() / (a.sum() + b.sum())
    assert f"{dice:.5f}" == f"{float(row['dice']):.5f}"
    assert nibabel.load(path).get_data_dtype() == np.uint8
  # The same command goes on with what is there.
  path.unlink()
  out = command.done("apply", MAPS, "--threshold=runs/sweep", folder=folder)
  assert "3 masks into runs/masks, 2 of them before" in out
  # It is there now, and stays; nothing of another threshold comes beside it.
  (folder / "runs" / "masks" / "case_1.nii.gz").unlink()
  before = path.read_bytes()
  again = ("apply", MAPS, "--threshold=0.9")
  assert "case_0.nii.gz: already exists" in command.refused(
    *again, folder=folder
  )
  assert path.read_bytes() == before
  assert not (folder / "runs" / "masks" / "case_1.nii.gz").exists()
  command.done(*again, "--overwrite", folder=folder)
  assert path.read_bytes() != before


def test_several_classes_have_masks_of_their_own(tmp_path):
  (tmp_path / "maps").mkdir()
  p = np.random.default_rng(0).random((2, 3, 5, 6), np.float32)
  np.savez(tmp_path / "maps" / "a.npz", p)
  for name, cut, channel in (("liver", 0.25, 0), ("spleen", 0.75, 1)):
    thresholds.ChosenThreshold(
      cut, "dice", 0.5, 3, details={"class": channel}
    ).write(tmp_path / "chosen" / "classes" / name / "threshold.json")
  command.done("apply", MAPS, "--threshold=chosen", folder=tmp_path)
  masks = tmp_path / "runs" / "masks"
  for k, (name, cut) in enumerate((("liver", 0.25), ("spleen", 0.75))):
    mask = np.load(masks / name / "a.npy")
    np.testing.assert_array_equal(mask, p[k] >= np.float32(cut))
  one = ("--class=spleen", "--output=one")
  command.done("apply", MAPS, "--threshold=chosen", *one, folder=tmp_path)
  np.testing.assert_array_equal(np.load(tmp_path / "one" / "a.npy"), mask)
  for flags, places in (
    (("--threshold=chosen", "--class=all"), masks.glob("*/a.npy")),
    (("--threshold=chosen", "--class=spleen,0"), masks.glob("*/a.npy")),
    (
      ("--threshold=0.5", "--class=0,1"),
      [masks / "0/a.npy", masks / "1/a.npy"],
    ),
  ):
    shutil.rmtree(masks)
    out = command.done("apply", MAPS, *flags, folder=tmp_path)
    assert "Written: 2 masks" in out
    assert all(path.exists() for path in places)
  for flags, text in (
    (("--threshold=0.5", "--class=all"), "--class: all goes with the folder"),
    (("--threshold=chosen", "--class=liver,x"), "no threshold of x; it"),
    (("--threshold=chosen", "--class=liver,"), "--class: 'liver,' has nothing"),
  ):  # fmt: skip
    assert text in command.refused("apply", MAPS, *flags, folder=tmp_path)


def test_what_the_last_sweep_chose_is_cut(tmp_path):
  for side in ("maps", "labels"):
    (tmp_path / side).mkdir()
  for k in range(3):
    y = np.random.default_rng(k).integers(0, 4, (2, 4, 4), np.uint8)
    p = np.stack([np.where(y == c, 0.6, 0.2) for c in range(4)])
    np.save(tmp_path / "maps" / f"a{k}.npy", p.astype(np.float32))
    np.save(tmp_path / "labels" / f"a{k}.npy", y)
  few = ("--reference=labels", "--resamples=20", "--workers=1", "--output=o")

  def swept(classes):
    flags = (f"--class={classes}", f"--label={classes}", *few)
    command.done("sweep", MAPS, *flags, folder=tmp_path)
    shutil.rmtree(tmp_path / "masks", ignore_errors=True)
    flags = ("--threshold=o", "--output=masks", "--workers=1")
    command.done("apply", MAPS, *flags, folder=tmp_path)
    found = (tmp_path / "masks").rglob("a0.npy")
    return sorted(path.parent.name for path in found)

  assert swept("1") == ["masks"]
  assert swept("1,2,3") == ["1", "2", "3"]
  assert swept("1,2") == ["1", "2"]
  # As after a kill while the thresholds of all classes were written.
  path = tmp_path / "o" / "classes" / "2" / "threshold.json"
  chosen = thresholds.ChosenThreshold.read(path)
  path.unlink()
  line = command.refused("apply", MAPS, "--threshold=o", folder=tmp_path)
  assert "o: the sweep that wrote it has not ended, there is no thr" in line
  one = ("--threshold=o", "--class=1", "--output=one")
  command.done("apply", MAPS, *one, folder=tmp_path)
  # As an earlier version left it.
  chosen.write(tmp_path / "o" / "threshold.json")
  line = command.refused("apply", MAPS, "--threshold=o", folder=tmp_path)
  assert "holds threshold.json and classes/1/threshold.json, of two sw" in line
  assert swept("2") == ["masks"]


def test_what_a_threshold_was_chosen_without_is_said(tmp_path):
  (tmp_path / "maps").mkdir()
  np.save(tmp_path / "maps" / "a.npy", np.zeros((1, 2, 2), np.float32))
  thresholds.ChosenThreshold(
    0.5, "dice", 0.5, 3, details={"missing_cases": ["b", "c"]}
  ).write(tmp_path / "threshold.json")
  out = command.done("apply", MAPS, "--threshold=.", folder=tmp_path)
  assert "Note: . was chosen without 2 of its cases" in out


@pytest.mark.parametrize(
  ("flags", "text"),
  [
    (("--threshold=1.5",), "--threshold: 1.5 is not from 0 to 1"),
    (("--threshold=nan",), "--threshold: nan is not from 0 to 1"),
    (("--threshold=nowhere",), "nowhere: no such file"),
    ((), "--threshold: missing"),
    (("--threshold=0.5", "--workers=0"), "--workers: 0"),
    (("--threshold=0.5", "--class=4"), "case_0.nii.gz: holds a single map"),
    (("--threshold=0.5", "--output=maps/case_0.nii.gz"), "is a file"),
  ],
)
def test_refused_in_one_line(folder, flags, text):
  before = sorted(folder.rglob("*"))
  assert text in command.refused("apply", MAPS, *flags, folder=folder)
  assert sorted(folder.rglob("*")) == before


@pytest.mark.parametrize("value", [np.inf, np.nan, -0.01, 4])
def test_what_is_no_probability_is_refused_where_it_is(tmp_path, value):
  (tmp_path / "maps").mkdir()
  np.save(tmp_path / "maps" / "a.npy", np.float32([[[0.5, value]]]))
  line = command.refused("apply", MAPS, "--threshold=0.5", folder=tmp_path)
  value = np.float32(value)
  assert f"a.npy: probability {value} at index (0, 0, 1) is not" in line


def test_rounding_is_forgiven_as_by_the_sweep(tmp_path):
  (tmp_path / "maps").mkdir()
  (tmp_path / "labels").mkdir()
  p = np.array([[[0.25, np.nextafter(np.float32(1), np.float32(2)), -1e-7]]])
  np.save(tmp_path / "maps" / "a.npy", p.astype(np.float32))
  np.save(tmp_path / "labels" / "a.npy", np.uint8([[[0, 1, 0]]]))
  few = ("--reference=labels", "--resamples=20", "--workers=1")
  command.done("sweep", MAPS, *few, folder=tmp_path)
  for cut, inside in (("runs/sweep", [0, 1, 0]), ("0", [1, 1, 0])):
    flags = (f"--threshold={cut}", "--overwrite")
    command.done("apply", MAPS, *flags, folder=tmp_path)
    mask = np.load(tmp_path / "runs" / "masks" / "a.npy")
    np.testing.assert_array_equal(mask, [[inside]])


@pytest.mark.parametrize("overwrite", [(), ("--overwrite",)])
def test_maps_are_never_written_over(folder, overwrite):
  maps = folder / "maps"
  for path in maps.glob("*.nrrd"):
    path.unlink()
  np.save(maps / "plain.npy", np.full((1, 2, 2), 0.5, np.float32))
  # Without this one, the softmax beside it has no geometry.
  image = sitk.GetImageFromArray(np.zeros((1, 2, 2), np.int16))
  (folder / "soft").mkdir()
  sitk.WriteImage(image, str(folder / "soft" / "a.nii.gz"))
  np.savez(folder / "soft" / "a.npz", np.full((2, 1, 2, 2), 0.5, np.float32))
  (folder / "link").symlink_to("maps")
  before = {p: p.read_bytes() for p in folder.rglob("*") if p.is_file()}
  for given, output, name in (
    ("maps", "maps", "case_0.nii.gz"),
    ("maps/*.npy", "link", "plain.npy"),
    ("soft", "soft", "a.nii.gz"),
  ):
    line = command.refused(
      "apply", f"--probabilities={given}", "--threshold=0.5", "--class=0",
      f"--output={output}", *overwrite, folder=folder,
    )  # fmt: skip
    said = f"--output: {output} holds the maps themselves ({name}); name ano"
    assert said in line
  assert before == {p: p.read_bytes() for p in before}
  # Beside them there is room for others.
  flags = ("--threshold=0.5", "--output=maps/masks", "--class=0", *overwrite)
  command.done("apply", "--probabilities=soft", *flags, folder=folder)


@pytest.fixture
def swept(folder):
  flags = ("--reference=labels", "--resamples=20", "--workers=1")
  out = command.done("sweep", MAPS, *flags, "--per_case=volume", folder=folder)
  return folder, out


def test_each_map_is_cut_at_a_threshold_of_its_own(swept):
  folder, out = swept
  assert "Cut at " in out and "on 3 unseen patients" in out
  rows = command.rows(folder / "runs/sweep/tables/per_case.csv")
  assert [row["method"] for row in rows] == list(study.METHODS)
  said = json.loads((folder / "runs/sweep/threshold.json").read_text())
  learnt = said["details"]["per_case"]
  assert learnt["method"] == "volume"
  for how in ("volume", "expected"):
    flags = () if how == "volume" else ("--per_case=expected",)
    output = f"--output={how}"
    command.done(
      "apply", MAPS, "--threshold=runs/sweep", output, *flags, folder=folder
    )
    for row in command.rows(folder / how / "thresholds.csv"):
      (source,) = (folder / "maps").glob(f"{row['map']}.*")
      p = sitk.GetArrayFromImage(sitk.ReadImage(str(source)))
      cut = study.Chooser.from_json(learnt).of_map(
        p, how, voxel_ml=1.0 * 1.5 * 2.5 / 1000
      )
      assert float(row["threshold"]) == pytest.approx(cut, abs=1e-6)
      mask = sitk.ReadImage(str(folder / how / f"{row['map']}.nii.gz"))
      np.testing.assert_array_equal(
        sitk.GetArrayFromImage(mask) > 0, p >= np.float32(cut)
      )
  out = command.done(
    "apply", MAPS, "--threshold=runs/sweep", "--per_case=none",
    "--output=one", folder=folder,
  )  # fmt: skip
  assert f"cut at {said['threshold']:g}" in out
  assert not (folder / "one" / "thresholds.csv").exists()


def test_a_choice_per_case_that_is_not_there_is_refused(swept):
  folder, _ = swept
  path = folder / "runs" / "sweep" / "threshold.json"
  command.done(
    "sweep", MAPS, "--reference=labels", "--resamples=20", "--output=plain",
    "--workers=1", folder=folder,
  )  # fmt: skip
  how = ("--per_case=volume", "--output=no")
  for flags, text in (
    (("--threshold=0.4", *how), "is learnt by a sweep"),
    (("--threshold=plain", *how), "holds no choice per case"),
  ):
    assert text in command.refused("apply", MAPS, *flags, folder=folder)
  chosen = thresholds.ChosenThreshold.read(path)
  chosen.details["per_case"]["organ"] = 7
  chosen.write(path)
  line = command.refused(
    "apply", MAPS, "--threshold=runs/sweep", "--output=no", folder=folder
  )
  assert "runs/sweep: the choice per patient is malformed" in line
  line = command.refused(
    "sweep", MAPS, "--reference=labels", "--per_case=volume", "--choose=iou",
    folder=folder,
  )  # fmt: skip
  assert "per_case volume is for the highest Dice" in line
  assert not (folder / "no").exists()
