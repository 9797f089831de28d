import pickle

import numpy as np
import pytest

from jaxseg import cohorts
from jaxseg import dicom
from jaxseg import errors
from tests.cohorts import drawn


def test_all_contours_have_the_names_of_the_file(tmp_path):
  drawn.patient(tmp_path)
  side = cohorts.ContourFolder(tmp_path)
  assert side.cases == ("p1",) and not side.synthetic
  opened = pickle.loads(pickle.dumps(side)).open("p1")
  assert [one.name for one in opened.named] == [*drawn.MASKS]
  assert opened.named[0].number == 1 and opened.named[0].drawn
  for name, mask in drawn.MASKS.items():
    np.testing.assert_array_equal(opened.contour(name).mask.array, mask)
  assert not opened.complete


def test_an_image_may_lie_elsewhere(tmp_path):
  drawn.patient(tmp_path / "in", apart=tmp_path / "rt")
  side = cohorts.ContourFolder(tmp_path / "rt", beside=[tmp_path / "in"])
  found = side.open("p1").contour("SpinalCord").mask
  np.testing.assert_array_equal(found.array, drawn.CORD)
  assert len(side.files("p1")) == 1 + drawn.SHAPE[0]
  assert len(side.files("p1", images=False)) == 1


def test_a_patient_with_two_contoured_images_is_two_cases(tmp_path):
  one = drawn.patient(tmp_path / "a")
  grid = drawn.volume.Grid.from_affine((5, 16, 14), drawn.AFFINE)
  dicom.write_ct(
    tmp_path / "b" / "ct",
    drawn.volume.Volume(np.zeros((5, 16, 14), np.int16), grid),
    patient_id="P1",
    seed=2,
  )
  two = dicom.read_ct(tmp_path / "b" / "ct")
  dicom.write_rtstruct(tmp_path / "b" / "r.dcm", {"X": drawn.CORD[:5]}, two)
  side = cohorts.ContourFolder(tmp_path)
  assert len(side.cases) == 2
  assert {u for case in side.cases for u in side.series(case)} == {
    one.series_uid,
    two.series_uid,
  }
  names = {case: side.open(case).named[0].name for case in side.cases}
  assert sorted(names.values()) == ["SpinalCord", "X"]


def test_of_two_sets_the_newest_has_a_name_and_says_so(tmp_path):
  image = drawn.patient(tmp_path)
  import datetime

  dicom.write_rtstruct(
    tmp_path / "later.dcm",
    {"SpinalCord": drawn.LEFT},
    image,
    now=datetime.datetime(2100, 1, 1),
  )
  opened = cohorts.ContourFolder(tmp_path).open("p1")
  found = opened.contour("SpinalCord").mask.array
  np.testing.assert_array_equal(found, drawn.LEFT)
  assert any("another set comes first" in note for note in opened.notes)


def test_a_segmentation_needs_no_image(tmp_path):
  drawn.patient(tmp_path, seg=True, apart=tmp_path / "seg")
  side = cohorts.ContourFolder(tmp_path / "seg")
  opened = side.open(side.cases[0])
  assert opened.image is None
  inside = opened.contour("SpinalCord").mask.array
  assert inside.sum() == drawn.CORD.sum()


def test_contours_without_an_image_are_filled_on_a_grid(tmp_path):
  drawn.patient(tmp_path, apart=tmp_path / "rt")
  side = cohorts.ContourFolder(tmp_path / "rt")
  assert side.needs_grid("p1")
  with pytest.raises(errors.DataError, match="give its folder"):
    side.open("p1")
  for flip in (1, -1):  # Stored from the feet up, and from the head down.
    affine = drawn.AFFINE.copy()
    affine[:, 3] += (flip < 0) * (drawn.SHAPE[0] - 1) * affine[:, 0]
    affine[:, 0] *= flip
    grid = drawn.volume.Grid.from_affine(drawn.SHAPE, affine)
    mask = side.open("p1", grid).contour("Parotid_L").mask
    placed = drawn.volume.reorder(mask, drawn.GRID)
    np.testing.assert_array_equal(placed.array, drawn.LEFT)


def test_a_folder_without_contours_is_refused(tmp_path):
  drawn.ct(tmp_path / "ct")
  with pytest.raises(errors.DataError, match="no structure set or segment"):
    cohorts.ContourFolder(tmp_path)
