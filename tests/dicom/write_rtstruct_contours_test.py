"""Structures to be written: names, looks, contours in the slices, thinned."""

import numpy as np
import pytest

from jaxseg import dicom
from jaxseg import errors
from jaxseg.dicom import _write_rtstruct_contours as _contours
from jaxseg.dicom import RtStructure
from tests.dicom.ct_double import ct_series


@pytest.fixture(scope="module")
def image(tmp_path_factory):
  folder = tmp_path_factory.mktemp("ct")
  ct_series(folder)
  return dicom.read_ct(folder)


@pytest.fixture(scope="module")
def drawn(image, tmp_path_factory):
  """Structures -> ROIs as they come back from a file."""
  path = tmp_path_factory.mktemp("drawn") / "set.dcm"

  def back(structures, holes="separate"):
    dicom.write_rtstruct(path, structures, image, holes=holes, overwrite=True)
    return dicom.read_rtstruct(path).rois

  return back


def slices_of(roi, image):
  """The slice of each contour."""
  heights = [float(one.points[:, 2].mean()) - 30 for one in roi.contours]
  return image.grid.nearest(np.array(heights)).tolist()


def square(z):
  return np.array([[0, -10, z], [4, -10, z], [4, -6, z], [0, -6, z]], float)


def empty(image):
  return np.zeros(image.shape, np.bool_)


def test_names_types_and_colours(image, drawn):
  keys = [
    "parotid_left", "gtv", "ptv_70", "Heart", "Bulbus links", " Niere ", "左耳",
  ]  # fmt: skip
  rois = drawn({key: empty(image) for key in keys})
  assert [(roi.name, roi.interpreted_type) for roi in rois] == [
    ("Parotid_L", "ORGAN"),
    ("GTV", "GTV"),
    ("PTV_7000", "PTV"),
    ("Heart", ""),
    ("Bulbus links", "ORGAN"),  # Known, but written as given.
    ("Niere", ""),
    ("左耳", ""),
  ]
  assert rois[1].color == (255, 32, 32)
  assert len({roi.color for roi in rois}) == len(rois)
  assert all(0 <= v <= 255 for roi in rois for v in roi.color)
  assert {roi.generation_algorithm for roi in rois} == {"AUTOMATIC"}


def test_what_is_said_goes_before_what_is_known(image, drawn):
  given = RtStructure(
    mask=empty(image),
    color=(1, 2, 3),
    interpreted_type="AVOIDANCE",
    description="unet 3, threshold 0.4",
    generation_algorithm="SEMIAUTOMATIC",
  )
  (roi,) = drawn({"brain": given})
  assert (roi.name, roi.color) == ("Brain", (1, 2, 3))
  assert roi.interpreted_type == "AVOIDANCE"
  assert roi.description == "unet 3, threshold 0.4"
  assert roi.generation_algorithm == "SEMIAUTOMATIC"


@pytest.mark.parametrize(("name", "said"), [
    ("a\\b", "DICOM does not allow"),
    ("a\nb", "DICOM does not allow"),
    ("a\x1bb", "DICOM does not allow"),
    ("a\x85b", "DICOM does not allow"),
    ("\ud800", "DICOM does not allow"),
    ("", "empty"),
    ("  ", "empty"),
    ("x" * 65, "65 characters long"),
    (7, "type int"),
])  # fmt: skip
def test_names_that_cannot_be_written(image, drawn, name, said):
  with pytest.raises(errors.DataError, match=said) as caught:
    drawn({name: empty(image)})
  assert str(caught.value).isprintable()


def test_long_names_are_counted_in_characters(image, drawn):
  (roi,) = drawn({"ü" * 64: empty(image)})
  assert roi.name == "ü" * 64


@pytest.mark.parametrize(
  "pair", [("parotid_left", "Parotid_L"), ("Heart", "Heart ")]
)
def test_two_structures_of_one_name(image, drawn, pair):
  with pytest.raises(errors.DataError, match="both written as"):
    drawn(dict.fromkeys(pair, empty(image)))


@pytest.mark.parametrize(("change", "said"), [
    ({"color": (1, 2)}, "three whole"),
    ({"color": (1, 2, 256)}, "three whole"),
    ({"color": (1, 2, 0.5)}, "three whole"),
    ({"interpreted_type": "organ"}, "capitals"),
    ({"interpreted_type": "X" * 17}, "capitals"),
    ({"description": "x" * 65}, "65 characters long"),
    ({"description": "a\\b"}, "does not allow"),
    ({"generation_algorithm": "MAGIC"}, "SEMIAUTOMATIC"),
    ({"polygons": []}, "either a mask or polygons"),
    ({"mask": None}, "either a mask or polygons"),
])  # fmt: skip
def test_looks_that_cannot_be_written(image, drawn, change, said):
  given = RtStructure(**({"mask": empty(image)} | change))
  with pytest.raises(errors.DataError, match=said):
    drawn({"a": given})


@pytest.mark.parametrize(
  "shape", [(5, 20, 16), (16, 20, 5), (4, 16, 20), (16, 20)]
)
def test_masks_of_another_grid_are_refused(image, drawn, shape):
  with pytest.raises(errors.GeometryError, match="resample the mask"):
    drawn({"a": np.ones(shape, np.bool_)})


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_masks_that_are_not_bool_are_refused(image, drawn, dtype):
  with pytest.raises(errors.DataError, match="cut it at a threshold"):
    drawn({"a": np.ones(image.shape, dtype)})


def test_polygons_are_taken_as_they_are_and_sorted_by_slice(image, drawn):
  polygons = [square(36.0), square(30.05), 1 + square(35.0)]
  (roi,) = drawn({"a": polygons})
  assert slices_of(roi, image) == [0, 2, 2]
  for kept, given in zip(
    roi.contours, (polygons[1], polygons[0], polygons[2]), strict=True
  ):
    np.testing.assert_array_equal(kept.points, given)
  (roi,) = drawn({"a": []})
  assert roi.contours == ()


def test_the_repeated_first_point_is_left_out(image, drawn):
  closed = np.concatenate([square(30), square(30)[:1]])
  (roi,) = drawn({"a": [closed]})
  np.testing.assert_array_equal(roi.contours[0].points, square(30))


@pytest.mark.parametrize("z", [30.2, 31.5, 26.0, 45.0, -1e6])
def test_polygons_between_slices_are_refused(image, drawn, z):
  with pytest.raises(errors.GeometryError, match=r"'a', polygon 1.* mm off"):
    drawn({"a": [square(30), square(z)]})


def test_slanting_polygons_are_refused(image, drawn):
  slanting = square(33)
  slanting[:2, 2] += 0.3
  slanting[2:, 2] -= 0.3
  with pytest.raises(errors.GeometryError, match="0.3 mm off"):
    drawn({"a": [slanting]})


@pytest.mark.parametrize(("polygon", "said"), [
    (np.zeros((4, 2)), r"shape \(4, 2\)"),
    (np.zeros(12), r"shape \(12,\)"),
    ([[0, 0, 30], [1, 0, 30]], "3 distinct"),
    ([[0, 0, 30], [1, 0, 30], [0, 0, 30], [1, 0, 30]], "3 distinct"),
    ([[0, 0, 30]] * 5, "3 distinct"),
    (np.empty((0, 3)), "3 distinct"),
    ([[0, 0, 30], [1, np.nan, 30], [1, 1, 30]], "not finite"),
    ("polygon", "not numbers"),
])  # fmt: skip
def test_malformed_polygons(image, drawn, polygon, said):
  with pytest.raises(errors.DataError, match=f"polygon 0.*{said}"):
    drawn({"a": [polygon]})


def test_holes_are_contours_of_their_own_or_joined(image, drawn):
  mask = empty(image)
  mask[2, 2:9, 2:9] = True
  mask[2, 4:7, 4:7] = False
  mask[2, 5, 5] = True
  (apart,) = drawn({"a": mask})
  (joined,) = drawn({"a": mask}, "keyhole")
  assert (len(apart.contours), len(joined.contours)) == (3, 2)
  for roi in (apart, joined):
    assert set(slices_of(roi, image)) == {2}
    assert all(np.ptp(one.points[:, 2]) == 0 for one in roi.contours)


CORNERS = np.array([[0, 0, 5], [30, 0, 5], [30, 20, 5], [0, 20, 5]], float)


def walked(corners, steps):
  """The closed polygon with `steps` points on every side."""
  share = np.arange(steps)[:, None] / steps
  following = np.roll(corners, -1, axis=0)
  return np.concatenate([
    a + share * (b - a) for a, b in zip(corners, following, strict=True)
  ])  # fmt: skip


def ready(contours):
  return _contours.Drawn(
    name="a",
    color=(1, 2, 3),
    interpreted_type="",
    description="",
    generation_algorithm="AUTOMATIC",
    slices=[0] * len(contours),
    contours=contours,
  )


@pytest.mark.parametrize("start", [0, 1, 7, 33])
@pytest.mark.parametrize("turn", [0.0, 0.3])
def test_points_on_straight_lines_go(start, turn):
  c, s = np.cos(turn), np.sin(turn)
  corners = CORNERS @ np.array([[c, s, 0], [-s, c, 0], [0, 0, 1]])
  many = np.roll(walked(corners, 10), -start, axis=0)
  few = _contours.without_straight(many)
  assert len(few) == 4
  assert {tuple(p) for p in few.round(6)} == {
    tuple(p) for p in corners.round(6)
  }


def test_a_circle_keeps_its_points_however_small_the_bends():
  angle = np.linspace(0, 2 * np.pi, 100_000, endpoint=False)
  circle = np.stack([np.cos(angle), np.sin(angle), 0 * angle], axis=1)
  assert len(_contours.without_straight(circle)) > 99_000


def test_the_way_back_over_the_same_edge_stays():
  # Into the square, and back on the same line.
  inside = [[0, 10, 5], [15, 10, 5], [0, 10, 5]]
  keyhole = np.concatenate([CORNERS, inside])
  few = _contours.without_straight(keyhole)
  assert [15.0, 10.0, 5.0] in few.tolist() and len(few) == len(keyhole)


def test_repeated_points_go_and_one_point_stays():
  repeated = np.repeat(CORNERS, 3, axis=0)
  assert len(_contours.without_straight(repeated)) == 4
  same = np.zeros((5, 3))
  assert len(_contours.without_straight(same)) == 5


def test_only_contours_beyond_64_kilobytes_are_thinned():
  short, long = walked(CORNERS, 10), walked(CORNERS, 3000)
  first, second = _contours.encoded(ready([short, long]))
  assert (first.count, second.count) == (40, 4)
  assert not first.is_long and not second.is_long
  assert second.text == "0\\0\\5\\30\\0\\5\\30\\20\\5\\0\\20\\5"
  rng = np.random.default_rng(0)
  rough = np.column_stack([rng.uniform(0, 90, (4000, 2)), np.full(4000, 5.0)])
  (kept,) = _contours.encoded(ready([rough]))
  assert kept.is_long and kept.count == 4000
