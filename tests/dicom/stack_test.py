"""Positions and spacings as exports round them: one even stack, or none."""

import numpy as np
import pytest

from jaxseg import dicom
from jaxseg import errors
from tests.dicom.ct_double import ct_series
from tests.dicom.ct_double import stored
from tests.dicom.seg_double import seg

OBLIQUE = (0.9541666, -0.2080757, 0.2151061, 0.2785886, 0.880128, -0.3843997)


def codes(image):
  return {note.code for note in image.notes}


def rounded(folder, count, gap, *, digits=1, without=(), **options):
  """A series with positions of so many decimals."""

  def change(dataset, index):
    if index in without:
      return False
    dataset.ImagePositionPatient = [
      round(float(v), digits) for v in dataset.ImagePositionPatient
    ]
    return True

  ct_series(
    folder, shape=(count, 6, 7), spacing=(gap, 1, 1), change=change, **options
  )
  return folder


@pytest.mark.parametrize("spacing", ["even", "resample"])
@pytest.mark.parametrize("iop", [(1, 0, 0, 0, 1, 0), OBLIQUE])
@pytest.mark.parametrize("gap", [0.625, 0.75, 1.25, 3.27])
def test_rounded_positions_keep_every_slice(tmp_path, gap, iop, spacing):
  count = 30
  image = dicom.read_ct(rounded(tmp_path, count, gap, iop=iop), spacing=spacing)
  # Neither interpolated nor left out, whatever the repair.
  np.testing.assert_array_equal(
    image.array, stored((count, 6, 7)).astype(np.int32) - 1024
  )
  assert all(image.instances) and image.unscanned is None
  assert codes(image) <= {"jitter", "slice-thickness"}
  first, last = image.grid.positions[[0, -1]]
  np.testing.assert_allclose(
    image.affine[:3, 0], (last - first) / (count - 1), rtol=0, atol=1e-12
  )
  # The ends are off by half of a tenth in three directions at most.
  assert image.spacing[0] == pytest.approx(gap, abs=0.18 / (count - 1))


def test_the_note_says_how_far(tmp_path):
  (note,) = dicom.read_ct(rounded(tmp_path, 9, 1.25)).notes
  assert note.code == "jitter"
  assert note.text.startswith(
    "slices lie up to 0.05 mm off an even spacing of 1.25 mm"
  )


def test_what_is_even_by_distance_is_as_it_was(tmp_path):
  image = dicom.read_ct(rounded(tmp_path, 9, 2.5))
  assert codes(image) == set() and image.spacing[0] == 2.5


def test_a_missing_slice_is_found_among_rounded_positions(tmp_path):
  folder = rounded(tmp_path, 20, 1.25, without=(7, 8, 14))
  with pytest.raises(errors.SeriesGapError, match="2 between.*1 between"):
    dicom.read_ct(folder)
  image = dicom.read_ct(folder, spacing="resample")
  wanted = stored((20, 6, 7)).astype(np.int32) - 1024
  whole = image.unscanned.all((1, 2))
  assert np.flatnonzero(whole).tolist() == [7, 8, 14]
  np.testing.assert_array_equal(image.array[~whole], wanted[~whole])


def test_jitter_beyond_rounding_keeps_the_number_of_slices(tmp_path):
  def change(dataset, index):
    x, y, z = dataset.ImagePositionPatient
    dataset.ImagePositionPatient = [x, y, float(z) + (0, 0.9, 0.4)[index % 3]]

  ct_series(tmp_path, shape=(31, 6, 7), change=change)
  with pytest.raises(errors.GeometryError, match="--repair=spacing"):
    dicom.read_ct(tmp_path)
  image = dicom.read_ct(tmp_path, spacing="resample")
  assert image.shape[0] == 31 and image.spacing[0] == pytest.approx(3.0)
  assert image.unscanned is None


def test_positions_in_whole_mm_keep_the_number_of_slices(tmp_path):
  folder = rounded(tmp_path, 33, 1.25, digits=0)
  with pytest.raises(errors.GeometryError, match="--repair=spacing"):
    dicom.read_ct(folder)
  image = dicom.read_ct(folder, spacing="resample")
  assert image.shape[0] == 33 and image.spacing[0] == pytest.approx(1.25)


def test_slices_that_grow_apart_are_not_even(tmp_path):
  def change(dataset, index):
    x, y, z = dataset.ImagePositionPatient
    dataset.ImagePositionPatient = [x, y, float(z) + 0.06 * index**2]

  ct_series(tmp_path, shape=(9, 6, 7), change=change)
  with pytest.raises(errors.GeometryError, match="not evenly spaced"):
    dicom.read_ct(tmp_path)


@pytest.mark.parametrize("iop", [(1, 0, 0, 0, 1, 0), OBLIQUE])
@pytest.mark.parametrize("slices", [range(12), (2, 5, 8), (3, 4)])
def test_masks_on_rounded_slices_come_back(tmp_path, slices, iop):
  image = dicom.read_ct(rounded(tmp_path / "ct", 12, 1.25, iop=iop))
  mask = np.random.default_rng(3).random(image.shape) < 0.4
  mask &= np.isin(np.arange(12), list(slices))[:, None, None]
  dicom.write_seg(tmp_path / "s.dcm", {"a": mask}, image)
  dicom.write_rtstruct(tmp_path / "r.dcm", {"a": mask}, image)
  np.testing.assert_array_equal(
    dicom.read_seg(tmp_path / "s.dcm").on(image, "a"), mask
  )
  made = dicom.read_rtstruct(tmp_path / "r.dcm").mask("a", image)
  np.testing.assert_array_equal(made.array, mask)


def test_a_segmentation_on_the_even_grid_fits(tmp_path):
  image = dicom.read_ct(rounded(tmp_path / "ct", 12, 1.25))
  pixels = np.ones((6, 7), np.uint8)
  path = seg(
    tmp_path / "s.dcm",
    [(k, 1, pixels) for k in range(2, 11)],
    labels=["a"],
    spacing=(1.25, 1, 1),
  )
  mask = dicom.read_seg(path).on(image, "a")
  assert np.flatnonzero(mask.all((1, 2))).tolist() == list(range(2, 11))


class TestTextsOfOnePixelSpacing:
  def series(self, folder, *texts):
    def change(dataset, index):
      dataset.PixelSpacing = list(texts[index % len(texts)])

    ct_series(folder, shape=(7, 6, 7), change=change)
    return folder

  @pytest.mark.parametrize(
    ("long", "short"),
    [
      ("0.9765625", "0.976562"),
      ("0.9765625", "0.977"),
      ("1.367188", "1.36719"),
    ],
  )
  def test_they_are_one(self, tmp_path, long, short):
    folder = self.series(tmp_path, (long, long), (short, short))
    (one,) = dicom.find_series(folder)
    assert one.frames == 7
    image = dicom.read_ct(folder)
    assert image.shape == (7, 6, 7) and codes(image) == {"pixel-spacing"}
    # Four of seven slices have the longer text.
    assert image.spacing[1:] == pytest.approx((float(long),) * 2, abs=1e-12)

  def test_of_as_many_the_one_with_more_digits(self, tmp_path):
    texts = (("0.976562",) * 2, ("0.9765625",) * 2)
    ct_series(
      tmp_path,
      shape=(6, 6, 7),
      change=lambda d, k: setattr(d, "PixelSpacing", list(texts[k % 2])),
    )
    spacing = dicom.read_ct(tmp_path).spacing
    assert spacing[1] == pytest.approx(0.9765625, abs=1e-12)

  def test_others_are_two(self, tmp_path):
    folder = self.series(tmp_path, ("0.9765625",) * 2, ("0.98",) * 2)
    assert len(dicom.find_series(folder)) == 2
