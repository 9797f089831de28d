"""Anyone's maps, on their image and on another grid's."""

import numpy as np
import pytest
import SimpleITK as sitk

from jaxseg import errors
from jaxseg import study
from jaxseg import thresholds
from jaxseg.study import _map_scenes
from tests.study import made


@pytest.fixture(scope="module")
def counted(tmp_path_factory):
  folder = tmp_path_factory.mktemp("maps")
  for seed in range(4):
    p, y = made.case(seed)
    made.write(p, folder / "p" / f"case{seed}.nii.gz")
    made.write(y.astype(np.uint8), folder / "r" / f"case{seed}.nii.gz")
    image = np.where(y, 50, -950).astype(np.int16)
    made.write(image, folder / "i" / f"case{seed}.nii.gz")
  pairs = made.pairs(folder)
  counts = study.count_maps(
    pairs, folder / "counts", options=made.OPTIONS, workers=1
  )
  return folder, pairs, counts


def test_each_mask_has_the_counts_of_the_library(counted):
  folder, pairs, counts = counted
  images = {p.name: folder / "i" / p.probabilities.name for p in pairs}
  scenes = list(study.map_scenes(pairs, [(counts, 0.4)], images))
  assert [one.role for one in scenes] == ["median", "worst", "best"]
  for one in scenes:
    (own,) = one.maps
    case = counts.select().even[counts.names.index(one.patient)]
    for k in (1, 400, 777):
      inside = own.place[own.level > k]
      both = np.isin(inside, one.reference).sum()
      assert both == case.true_positive[k]
      assert len(inside) - both == case.false_positive[k]
    assert one.spacing == (3.0, 1.5, 1.0)
    assert set(np.unique(one.image)) <= {50, -950}


def test_without_an_image_there_is_none(counted):
  _, pairs, counts = counted
  one, *_ = study.map_scenes(pairs, [(counts, 0.4)])
  assert one.image is None
  assert one.size == one.shape


def test_an_image_of_another_grid_is_brought_onto_the_references(counted):
  folder, pairs, counts = counted
  path = folder / "half.nii.gz"
  image = sitk.ReadImage(str(folder / "i" / "case0.nii.gz"))
  half = sitk.Shrink(image, [2, 2, 1])
  sitk.WriteImage(half, str(path))
  images = dict.fromkeys((p.name for p in pairs), path)
  for one in study.map_scenes(pairs, [(counts, 0.4)], images):
    assert one.image.shape == one.size


def test_an_image_of_no_known_place_is_refused(counted):
  folder, pairs, counts = counted
  path = folder / "other.nii.gz"
  made.write(np.zeros((3, 4, 5), np.int16), path)
  image = sitk.ReadImage(str(path))
  image.SetOrigin((1e4, 0, 0))
  sitk.WriteImage(image, str(path))
  images = dict.fromkeys((p.name for p in pairs), path)
  with pytest.raises(errors.GeometryError, match="overlap"):
    list(study.map_scenes(pairs, [(counts, 0.4)], images))


def test_a_map_in_another_order_lies_on_its_continued_reference(tmp_path):
  """The image belongs where the reference is, not where the map's rows are."""
  p, y = made.case(0)
  made.write(p, tmp_path / "p" / "a.nii.gz")
  made.write(np.where(y, 50, -950).astype(np.int16), tmp_path / "i.nii.gz")
  made.write(y.astype(np.uint8), tmp_path / "r" / "a.nii.gz")
  whole = sitk.ReadImage(str(tmp_path / "r" / "a.nii.gz"))
  cropped = sitk.Flip(whole[1:], [True, False, False])
  sitk.WriteImage(cropped, str(tmp_path / "r" / "a.nii.gz"))
  pairs = made.pairs(tmp_path)
  options = study.MapOptions(resample=True)
  counts = study.count_maps(pairs, tmp_path / "c", options=options, workers=1)
  images = {pairs[0].name: tmp_path / "i.nii.gz"}
  (one,) = study.map_scenes(pairs, [(counts, 0.3)], images)
  shown = np.full(one.shape, -950, np.int16)
  z, y, x = one.origin
  d, h, w = one.size
  shown[z : z + d, y : y + h, x : x + w] = one.image
  assert set(shown.ravel()[one.reference]) == {50}


def test_ignored_voxels_are_in_no_mask(tmp_path):
  p, y = made.case(1)
  coded = y.astype(np.uint8)
  coded[:, :8] = 9
  made.write(p, tmp_path / "p" / "a.nii.gz")
  made.write(coded, tmp_path / "r" / "a.nii.gz")
  pairs = made.pairs(tmp_path)
  options = study.MapOptions(ignore=(9,))
  counts = study.count_maps(pairs, tmp_path / "c", options=options, workers=1)
  (one,) = study.map_scenes(pairs, [(counts, 0.3)])
  rows = np.unravel_index(one.maps[0].place, one.shape)[1]
  assert rows.min() >= 8
  dice = thresholds.curve(counts.select().even[0])[300]
  inside = one.maps[0].place[one.maps[0].level > 300]
  both = np.isin(inside, one.reference).sum()
  assert 2 * both / (len(inside) + len(one.reference)) == pytest.approx(dice)


@pytest.mark.parametrize(
  ("structure", "label", "called"),
  [
    (None, None, ""),
    (1, 1, "class 1"),
    ("tumour", 2, "tumour, label 2"),
    (0, (1, 2), "class 0, label 1,2"),
    (None, 3, "label 3"),
  ],
)
def test_classes_have_names(structure, label, called):
  counts = made.maps(1, structure=structure, label=label)
  assert _map_scenes._called(counts) == called


def test_a_file_with_turned_rows_and_columns_is_shown_as_hung(
  counted, tmp_path
):
  """As nibabel writes by default, x to the right and y to the front."""
  folder, _, _ = counted
  for kind in "pri":
    (tmp_path / kind).mkdir()
    for path in (folder / kind).iterdir():
      image = sitk.Flip(sitk.ReadImage(str(path)), [True, True, False])
      assert image.GetDirection()[0] == image.GetDirection()[4] == -1
      sitk.WriteImage(image, str(tmp_path / kind / path.name))
  shown = []
  for where in (folder, tmp_path):
    pairs = made.pairs(where)
    counts = study.count_maps(
      pairs, tmp_path / f"counts{len(shown)}", options=made.OPTIONS, workers=1
    )
    images = {p.name: where / "i" / p.probabilities.name for p in pairs}
    shown.append(next(study.map_scenes(pairs, [(counts, 0.4)], images)))
  one, other = shown
  assert one.sides == other.sides == ("R", "A")
  np.testing.assert_array_equal(one.image, other.image)
  np.testing.assert_array_equal(one.reference, other.reference)
  np.testing.assert_array_equal(one.maps[0].place, other.maps[0].place)
