"""Pairs by name: every layout that people have, and never a guess."""

import numpy as np
import pytest

from jaxseg import errors
from jaxseg import formats


def touch(folder, *names):
  for name in names:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"")


def names(pairing):
  return [
    (one.name, one.probabilities.name, one.reference.name)
    for one in pairing.pairs
  ]


def test_equal_names(tmp_path):
  touch(tmp_path, "p/a.nii.gz", "p/b.npz", "p/c.nrrd", "r/a.nrrd", "r/b.mha",
        "r/d.nii")  # fmt: skip
  found = formats.pair(tmp_path / "p", str(tmp_path / "r" / "*"))
  assert names(found) == [("a", "a.nii.gz", "a.nrrd"), ("b", "b.npz", "b.mha")]
  assert [path.name for path in found.unpaired_probabilities] == ["c.nrrd"]
  assert [path.name for path in found.unpaired_reference] == ["d.nii"]
  assert [row["status"] for row in found.audit()] == [
    "paired", "paired", "no reference", "no map",
  ]  # fmt: skip


def test_what_all_names_share_is_left_aside(tmp_path):
  touch(tmp_path, *(f"prob_case{k}.nii.gz" for k in (1, 2, 10)))
  touch(tmp_path, *(f"case{k}_label.nii.gz" for k in (1, 2, 10, 11)))
  found = formats.pair(
    str(tmp_path / "prob_*.nii.gz"), str(tmp_path / "*_label.nii.gz")
  )
  assert [p for _, p, _ in names(found)] == [
    "prob_case1.nii.gz", "prob_case10.nii.gz", "prob_case2.nii.gz",
  ]  # fmt: skip
  for one in found.pairs:
    number = one.probabilities.name[9:].partition(".")[0]
    assert one.reference.name == f"case{number}_label.nii.gz"


def test_a_folder_for_each_case(tmp_path):
  for case in ("p1", "p2"):
    touch(tmp_path, f"m/{case}/prob.nii.gz", f"r/{case}/mask.nii.gz")
  found = formats.pair(
    str(tmp_path / "m/**/prob.nii.gz"), str(tmp_path / "r/**/mask.nii.gz")
  )
  assert [one.name for one in found.pairs] == ["p1", "p2"]
  for one in found.pairs:
    assert one.probabilities.parent.name == one.reference.parent.name


def test_nnunets_own_segmentation_is_no_map(tmp_path):
  touch(tmp_path, "out/a.npz", "out/a.nii.gz", "out/a.pkl", "out/b.npz",
        "out/b.nii.gz", "labels/a.nii.gz", "labels/b.nii.gz")  # fmt: skip
  found = formats.pair(tmp_path / "out", tmp_path / "labels")
  assert names(found) == [
    ("a", "a.npz", "a.nii.gz"), ("b", "b.npz", "b.nii.gz"),
  ]  # fmt: skip


def test_two_that_fit_one_are_refused(tmp_path):
  touch(tmp_path, "p/a.nii.gz", "p/a.nrrd", "p/b.nrrd", "r/a.mha", "r/b.mha")
  with pytest.raises(errors.DataError, match=r"a\.nii\.gz.*a\.nrrd.*both fit"):
    formats.pair(tmp_path / "p", tmp_path / "r")


def test_numbers_of_other_patients_are_no_pairs(tmp_path):
  touch(tmp_path, "p/p1_t1.nrrd", "p/p1_t2.nrrd", "r/p2_t1.nrrd",
        "r/p2_t2.nrrd")  # fmt: skip
  with pytest.raises(errors.DataError, match="no pairs"):
    formats.pair(tmp_path / "p", tmp_path / "r")


def test_one_file_each(tmp_path):
  touch(tmp_path, "x.nrrd", "y.mha")
  found = formats.pair(tmp_path / "x.nrrd", tmp_path / "y.mha")
  assert names(found) == [("x", "x.nrrd", "y.mha")]


@pytest.mark.parametrize(
  ("maps", "masks", "said"),
  [
    ("nowhere", "r", "no file there ends in"),
    ("p", "p", "among the maps and among the references"),
    ([], "r", "the list is empty"),
  ],
)
def test_refused(tmp_path, maps, masks, said):
  touch(tmp_path, "p/a.nrrd", "r/a.nrrd")
  given = [] if maps == [] else tmp_path / maps
  with pytest.raises(errors.DataError, match=said):
    formats.pair(given, tmp_path / masks)


def test_random_names_are_paired_as_they_were_made(tmp_path):
  draw = np.random.default_rng(0)
  for trial in range(30):
    folder = tmp_path / str(trial)
    count = int(draw.integers(2, 12))
    numbers = draw.choice(1000, count, replace=False)
    touch(folder, *(f"m/x_{n:03d}_prob.npy" for n in numbers))
    touch(folder, *(f"r/x_{n:03d}_seg.npy" for n in numbers))
    found = formats.pair(folder / "m", folder / "r")
    assert len(found) == count
    for one in found.pairs:
      assert one.probabilities.name[:5] == one.reference.name[:5]


@pytest.mark.parametrize("marked", ["M\u00fcller", "Mu\u0308ller"])
def test_letters_with_marks_are_one_whatever_the_system(tmp_path, marked):
  touch(tmp_path, f"p/{marked}.nii.gz", "p/a.nii.gz")
  touch(tmp_path, "r/M\u00fcller.nii.gz", "r/a.nii.gz")
  found = formats.pair(tmp_path / "p", tmp_path / "r")
  assert [one.name for one in found.pairs] == ["M\u00fcller", "a"]


@pytest.mark.parametrize(
  ("maps", "masks", "paired"),
  [
    # Some of a side have words more.
    (["c1_prob", "c2", "c3_prob"], ["c1", "c2", "c3"], ["c1", "c2", "c3"]),
    (["c1"], ["seg_c1", "seg_c2"], ["c1"]),
    # nnU-Net's channel, of one case as of many.
    (["case_001_0000"], ["case_001"], ["case_001"]),
    (["case_001_0000"], ["case_001", "case_002"], ["case_001"]),
    # Other words, and other numbers, are other patients.
    (["c", "anna_1", "anna_2"], ["c", "bert_1", "bert_2"], ["c"]),
    (["c", "p1_2"], ["c", "p1"], ["c"]),
    (["c", "p1_2020"], ["c", "p1"], ["c"]),
    (["c", "p10"], ["c", "p1"], ["c"]),
    # Which of two is meant is not clear.
    (["c", "d_left", "d_right"], ["c", "d"], ["c"]),
  ],
)
def test_what_is_left_over_may_have_more_words(tmp_path, maps, masks, paired):
  touch(tmp_path, *(f"p/{name}.npy" for name in maps))
  touch(tmp_path, *(f"r/{name}.npy" for name in masks))
  found = formats.pair(tmp_path / "p", tmp_path / "r")
  assert [one.name for one in found.pairs] == paired
  assert len(found.unpaired_probabilities) == len(maps) - len(paired)
  assert len(found.unpaired_reference) == len(masks) - len(paired)


def test_two_channels_of_a_case_are_refused(tmp_path):
  touch(tmp_path, "p/case_1_0000.nrrd", "p/case_1_0001.nrrd", "r/case_1.nrrd")
  with pytest.raises(errors.DataError, match="_0000.*_0001.*both fit"):
    formats.pair(tmp_path / "p", tmp_path / "r")


@pytest.mark.parametrize("what", ["link", "folder"])
def test_what_is_no_file_among_files_is_refused(tmp_path, what):
  (tmp_path / "p").mkdir()
  for name in ("a.npy", "b.npy"):
    np.save(tmp_path / "p" / name, np.zeros(3, np.float32))
  path = tmp_path / "p" / "b.npy"
  path.unlink()
  if what == "link":  # As of git annex, before its content is there.
    path.symlink_to("nowhere")
  else:
    path.mkdir()
  for given in (tmp_path / "p", f"{tmp_path}/p/*.npy"):
    with pytest.raises(errors.DataError, match=rf"b.npy: is a {what}.*; "):
      formats.find_maps(given)


def test_a_folder_of_each_files_name_is_looked_into(tmp_path):
  for name in ("a.npy", "b.npy"):
    (tmp_path / name).mkdir()
    np.save(tmp_path / name / name, np.zeros(3, np.float32))
  found = formats.find_maps(tmp_path)
  assert [path.name for _, path in found] == ["a.npy", "b.npy"]
