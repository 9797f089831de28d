"""Slices that contours leave open: unknown, or interpolated where asked."""

import numpy as np
import pytest

from jaxseg import dicom
from jaxseg import errors
from tests.dicom import rt_double
from tests.dicom.ct_double import ct_series
from tests.dicom.ct_double import uid
from tests.dicom.rt_double import Drawn
from tests.dicom.rt_double import structure_set
from tests.dicom.seg_double import seg

COUNT = 14


@pytest.fixture(scope="module")
def image(tmp_path_factory):
  folder = tmp_path_factory.mktemp("gaps")
  ct_series(folder, shape=(COUNT, 16, 20))
  return dicom.read_ct(folder)


def z(index):
  return 30.0 + 3 * index


def square(at):
  return rt_double.square(at, 0.0, 6.0, y=-10.0)


def mask(tmp_path, image, drawn, **options):
  path = structure_set(tmp_path / "rs.dcm", {"a": drawn})
  return dicom.read_rtstruct(path).mask("a", image, **options)


def shown(made):
  return np.flatnonzero(made.array.any((1, 2))).tolist()


def codes(made):
  return {note.code for note in made.notes}


def test_every_second_slice(tmp_path, image):
  drawn = [square(z(k)) for k in range(2, 12, 2)]
  made = mask(tmp_path, image, drawn)
  assert shown(made) == [2, 4, 6, 8, 10]
  assert made.unknown == (3, 5, 7, 9)
  (note,) = made.notes
  assert note.code == "empty-between" and "4 are unknown" in note.text
  filled = mask(tmp_path, image, drawn, gaps="interpolate")
  whole = mask(tmp_path, image, [square(z(k)) for k in range(2, 11)])
  np.testing.assert_array_equal(filled.array, whole.array)
  assert (filled.unknown, filled.slices) == ((), (2, 4, 6, 8, 10))
  assert "interpolated" in codes(filled) and whole.unknown == ()


def test_two_parts_stay_apart(tmp_path, image):
  drawn = [square(z(k)) for k in (1, 2, 3, 9, 10, 11)]
  for gaps in ("unknown", "interpolate"):
    made = mask(tmp_path, image, drawn, gaps=gaps)
    assert (shown(made), made.unknown) == ([1, 2, 3, 9, 10, 11], ())
    assert [n.text for n in made.notes] == [
      "5 slices between contoured ones have no contour: 5 are left empty, a"
      " real gap"
    ]


BROKEN = {
  "a word": "1\\2\\{z}\\3\\2\\{z}\\here\\4\\{z}",
  "a number short": "1\\2\\{z}\\3\\2\\{z}\\3\\4",
  "nan": "1\\2\\{z}\\3\\2\\{z}\\nan\\4\\{z}",
}


@pytest.mark.parametrize("text", BROKEN.values(), ids=BROKEN)
def test_malformed_contours_by_what_is_left_of_them(tmp_path, image, text):
  # Four in a row would be a real gap, if nobody had drawn there.
  drawn = [
    Drawn(text.format(z=z(k))) if k in (5, 6, 7, 8) else square(z(k))
    for k in range(COUNT)
  ]
  made = mask(tmp_path, image, drawn)
  assert made.unknown == (5, 6, 7, 8)
  assert {"refused-contour", "empty-between"} <= codes(made)
  filled = mask(tmp_path, image, drawn, gaps="interpolate")
  assert filled.unknown == () and filled.array.any((1, 2)).all()


def test_malformed_contours_by_their_images(tmp_path, image):
  lost = [
    Drawn("no\\number\\here", images=[uid(0, "instance", k)]) for k in (3, 9)
  ]
  # One on a slice that has another contour, one beyond the last.
  drawn = [square(z(k)) for k in range(2, 9)] + lost
  made = mask(tmp_path, image, drawn)
  assert made.unknown == (3, 9)
  assert "unknown-slices" in codes(made)
  assert mask(tmp_path, image, drawn, gaps="interpolate").unknown == (3, 9)


def test_malformed_contours_that_lie_nobody_knows_where(tmp_path, image):
  kept = [square(z(k)) for k in (3, 4, 5, 6, 9, 10)]
  made = mask(tmp_path, image, [*kept, Drawn(""), Drawn("a\\b\\c")])
  assert made.unknown == (7, 8)
  # More than there is room for between: they may lie at the ends.
  made = mask(tmp_path, image, [*kept, *[Drawn("")] * 4])
  assert made.unknown == (1, 2, 7, 8, 11, 12)
  filled = mask(tmp_path, image, [*kept, *[Drawn("")] * 4], gaps="interpolate")
  assert shown(filled) == [*range(3, 11)]
  assert filled.unknown == (1, 2, 11, 12)


def test_nothing_but_malformed_contours(tmp_path, image):
  made = mask(tmp_path, image, [Drawn(BROKEN["nan"].format(z=z(4)))])
  assert not made.array.any() and made.unknown == (4,)


def test_malformed_points_would_have_had_no_area(tmp_path, image):
  drawn = [square(z(k)) for k in (3, 4, 5)]
  made = mask(tmp_path, image, [*drawn, Drawn("x", kind="POINT")])
  assert made.unknown == ()


@pytest.mark.parametrize("kind", ["CLOSED_PLANAR", "OPEN_PLANAR"])
def test_contours_without_area_in_the_middle(tmp_path, image, kind):
  def spoilt(k):
    points = square(z(k))
    return Drawn(points[:2] if kind == "CLOSED_PLANAR" else points, kind=kind)

  drawn = [
    spoilt(k) if k in (0, 5, 6, 7, 8, 13) else square(z(k))
    for k in range(COUNT)
  ]
  made = mask(tmp_path, image, drawn)
  # A stray point or line at the ends is nothing.
  assert made.unknown == (5, 6, 7, 8)
  filled = mask(tmp_path, image, drawn, gaps="interpolate")
  assert filled.unknown == () and shown(filled) == list(range(1, 13))


def test_slices_made_by_resampling_bear_no_contours(tmp_path):
  # 3 mm apart, then 9: two slices of three are made in the coarse part.
  def coarse(_, index):
    return index < 6 or index % 3 == 2

  ct_series(tmp_path / "ct", shape=(15, 16, 20), change=coarse)
  image = dicom.read_ct(tmp_path / "ct", spacing="resample")
  assert image.shape[0] == 15
  made = mask(tmp_path, image, [square(z(k)) for k in (3, 4, 5, 8, 11)])
  assert shown(made) == [3, 4, 5, 8, 11]
  # Whether the structure goes on to 12 and 13 was not seen either.
  assert made.unknown == (6, 7, 9, 10, 12, 13)


def test_all_masks_tell_theirs(tmp_path, image):
  rois = {
    "half": [square(z(k)) for k in (2, 4, 6)],
    "whole": [square(z(k)) for k in (2, 3, 4)],
  }
  rtss = dicom.read_rtstruct(structure_set(tmp_path / "rs.dcm", rois))
  assert rtss.masks(image).unknown == {"half": (3, 5), "whole": ()}
  assert rtss.masks(image, gaps="interpolate").unknown["half"] == ()
  with pytest.raises(errors.ConfigError, match="gaps"):
    rtss.mask("half", image, gaps="guess")


def frames(*slices):
  pixels = np.zeros((16, 20), np.uint8)
  pixels[3:9, 4:12] = 1
  return [(k, 1, pixels) for k in slices]


class TestSegments:
  def test_every_second_slice(self, tmp_path, image):
    path = seg(tmp_path / "s.dcm", frames(2, 4, 6), labels=["a"])
    made = dicom.read_seg(path).mask_on(image, "a")
    assert (made.slices, made.unknown) == ((2, 4, 6), (3, 5))
    np.testing.assert_array_equal(
      made.array, dicom.read_seg(path).on(image, "a")
    )
    assert codes(made) == {"empty-between"}
    filled = dicom.read_seg(path).mask_on(image, "a", gaps="interpolate")
    assert shown(filled) == [2, 3, 4, 5, 6] and filled.unknown == ()

  def test_what_lies_beyond_the_image_is_told(self, tmp_path, image):
    path = seg(tmp_path / "s.dcm", frames(*range(-4, 3)), labels=["a"])
    made = dicom.read_seg(path).mask_on(image, "a")
    (note,) = made.notes
    assert note.code == "outside"
    assert note.text.startswith("192 of 336 voxels (57.1 %)")
    assert made.outside == pytest.approx(4 / 7)
    assert made.array.sum() == 144

  def test_beyond_a_grid_of_other_voxels(self, tmp_path, image):
    # 12 columns of 1 mm from x = -10 + 16 on, of which the image has 4.
    path = seg(
      tmp_path / "s.dcm", frames(2, 3), labels=["a"], ipp=(5.3, -20, 30)
    )
    made = dicom.read_seg(path).mask_on(image, "a", resample=True)
    (note,) = made.notes
    # Columns 4 to 11 lie at 9.3 to 16.3; the image ends at 9.5.
    assert note.text.startswith("84 of 96 voxels")
    with pytest.raises(errors.ConfigError, match="gaps"):
      dicom.read_seg(path).mask_on(image, "a", gaps="guess")

  def test_nothing_of_it_within_the_image(self, tmp_path, image):
    path = seg(tmp_path / "s.dcm", frames(20, 21), labels=["a"])
    made = dicom.read_seg(path).mask_on(image, "a")
    assert made.outside == 1 and codes(made) == {"outside", "empty-mask"}
