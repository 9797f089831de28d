"""Masks of labels and regions, and the voxels that nobody knows."""

import json

import numpy as np
import pytest
import SimpleITK as sitk

from jaxseg import errors
from jaxseg import formats

LABELS = {"background": 0, "organ": [1, 2], "tumour": 2, "kidney": 3}
ARRAY = np.arange(60, dtype=np.uint8).reshape(3, 4, 5) % 5


@pytest.fixture
def path(tmp_path):
  folder = tmp_path / "labelsTr"
  folder.mkdir()
  sitk.WriteImage(sitk.GetImageFromArray(ARRAY), str(folder / "a.nii.gz"))
  return folder / "a.nii.gz"


def named(folder, **more):
  content = json.dumps({"labels": {**LABELS, **more}})
  (folder / "dataset.json").write_text(content)


def coded(inside, ignored):
  """0 outside, 1 inside, 2 left out, by hand."""
  return (np.isin(ARRAY, inside) + 2 * np.isin(ARRAY, ignored)).astype(np.uint8)


@pytest.mark.parametrize(
  ("structure", "inside"),
  [
    ("organ", [1, 2]),
    ("tumour", [2]),
    ((1, 2), [1, 2]),
    ([1, "kidney"], [1, 3]),
    ("organ,kidney", [1, 2, 3]),
    ("tumour, 1", [2, 1]),
    (np.int64(3), [3]),
    (9, [9]),
  ],
)
def test_labels_and_regions(path, structure, inside):
  named(path.parents[1])
  read = formats.read_mask(path, structure=structure)
  assert read.array.dtype == np.bool_
  np.testing.assert_array_equal(read.array, np.isin(ARRAY, inside))
  if structure != "organ":
    return
  # The same numbers as floating point, and as channels.
  np.save(path.parent / "b.npy", ARRAY.astype(np.float32))
  read = formats.read_mask(path.parent / "b.npy", structure=structure)
  np.testing.assert_array_equal(read.array, np.isin(ARRAY, inside))


def test_several_channels_are_one_structure(tmp_path):
  masks = np.stack([ARRAY == k for k in range(4)])
  np.save(tmp_path / "a.npy", masks)
  read = formats.read_reference(
    tmp_path / "a.npy", structure=(1, 3), ignore=(2,)
  )
  np.testing.assert_array_equal(read.array, coded([1, 3], [2]))


@pytest.mark.parametrize(
  ("ignore", "left_out"),
  [(None, [4]), ((), []), ((3,), [3]), ((3, 4), [3, 4]), (("kidney",), [3])],
)
def test_ignored_labels(path, ignore, left_out):
  named(path.parents[1], ignore=4)
  read = formats.read_reference(path, structure="organ", ignore=ignore)
  assert read.array.dtype == np.uint8
  np.testing.assert_array_equal(read.array, coded([1, 2], left_out))


def test_all_but_the_background_and_what_is_ignored(tmp_path):
  array = np.where(ARRAY == 4, 4, ARRAY == 1).astype(np.int16)
  np.save(tmp_path / "a.npy", array)
  with pytest.raises(errors.DataError, match=r"labels 1, 4; say .*--label"):
    formats.read_reference(tmp_path / "a.npy")
  read = formats.read_reference(tmp_path / "a.npy", ignore=[4])
  np.testing.assert_array_equal(read.array, coded([1], [4]))
  # nnU-Net 1's way round.
  content = '{"labels": {"0": "background", "1": "liver", "4": "ignore"}}'
  (tmp_path / "dataset.json").write_text(content)
  read = formats.read_reference(tmp_path / "a.npy")
  np.testing.assert_array_equal(read.array, coded([1], [4]))


def test_the_maps_dataset_json_where_the_reference_has_none(path, tmp_path):
  maps = tmp_path / "else" / "where" / "maps"
  maps.mkdir(parents=True)
  named(maps, ignore=4)
  read = formats.read_reference(path, structure="organ", beside=maps / "a.npz")
  np.testing.assert_array_equal(read.array, coded([1, 2], [4]))
  # Its own counts first.
  named(path.parent, ignore=3, kidney=4)
  read = formats.read_reference(path, structure="kidney", beside=maps / "a.npz")
  np.testing.assert_array_equal(read.array, coded([4], [3]))


@pytest.mark.parametrize(
  ("structure", "ignore", "said"),
  [
    (4, None, r"4 is asked for and ignored.*--label.*--ignore=none"),
    ("kidney", (3,), "3 is asked for and ignored"),
    ("organ", (0,), r"label 0 is the background.*--ignore"),
    (0, None, r"label 0 is the background.*--label"),
    ("spleen", None, r"no number for 'spleen'.*'organ'.*--label"),
    ("organ,spleen", None, "no number for 'spleen'"),
    (1, ("spleen",), r"no number for 'spleen'.*--ignore"),
    ((), None, "structure is empty"),
    (1.5, None, "structure is 1.5"),
  ],
)
def test_refused(path, structure, ignore, said):
  named(path.parents[1], ignore=4)
  with pytest.raises(errors.JaxsegError, match=said):
    formats.read_reference(path, structure=structure, ignore=ignore)
