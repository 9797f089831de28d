"""Structures to be written: names, looks, and contours in the slices."""

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


def drawn(structures, image, holes="separate"):
  return _contours.drawn(structures, image, holes=holes)


def square(z):
  return np.array([[0, -10, z], [4, -10, z], [4, -6, z], [0, -6, z]], float)


def empty(image):
  return np.zeros(image.shape, np.bool_)


def test_names_types_and_colours(image):
  keys = [
    "parotid_left", "gtv", "ptv_70", "Heart", "Bulbus links", " Niere ", "左耳",
  ]  # fmt: skip
  rois = drawn({key: empty(image) for key in keys}, image)
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


def test_what_is_said_goes_before_what_is_known(image):
  given = RtStructure(
    mask=empty(image),
    color=(1, 2, 3),
    interpreted_type="AVOIDANCE",
    description="unet 3, threshold 0.4",
    generation_algorithm="SEMIAUTOMATIC",
  )
  (roi,) = drawn({"brain": given}, image)
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
def test_names_that_cannot_be_written(image, name, said):
  with pytest.raises(errors.DataError, match=said) as caught:
    drawn({name: empty(image)}, image)
  assert str(caught.value).isprintable()


def test_long_names_are_counted_in_characters(image):
  (roi,) = drawn({"ü" * 64: empty(image)}, image)
  assert roi.name == "ü" * 64


@pytest.mark.parametrize(
  "pair", [("parotid_left", "Parotid_L"), ("Heart", "Heart ")]
)
def test_two_structures_of_one_name(image, pair):
  with pytest.raises(errors.DataError, match="both written as"):
    drawn(dict.fromkeys(pair, empty(image)), image)


@pytest.mark.parametrize(("change", "said"), [
    ({"color": (1, 2)}, "three whole"),
    ({"color": (1, 2, 256)}, "three whole"),
    ({"color": (1, 2, 0.5)}, "three whole"),
    ({"interpreted_type": "organ"}, "capitals"),
    ({"interpreted_type": "X" * 17}, "capitals"),
    ({"description": "x" * 65}, "65 characters long"),
    ({"description": "a\\b"}, "does not allow"),
    ({"generation_algorithm": "MAGIC"}, "SEMIAUTOMATIC"),
    ({"polygons": []}, "one of both"),
    ({"mask": None}, "one of both"),
])  # fmt: skip
def test_looks_that_cannot_be_written(image, change, said):
  given = RtStructure(**({"mask": empty(image)} | change))
  with pytest.raises(errors.DataError, match=said):
    drawn({"a": given}, image)


@pytest.mark.parametrize(
  "shape", [(5, 20, 16), (16, 20, 5), (4, 16, 20), (16, 20)]
)
def test_masks_of_another_grid_are_refused(image, shape):
  with pytest.raises(errors.GeometryError, match="resample the mask"):
    drawn({"a": np.ones(shape, np.bool_)}, image)


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_masks_that_are_not_bool_are_refused(image, dtype):
  with pytest.raises(errors.DataError, match="cut it at a threshold"):
    drawn({"a": np.ones(image.shape, dtype)}, image)


def test_polygons_are_taken_as_they_are_and_sorted_by_slice(image):
  polygons = [square(36.0), square(30.05), 1 + square(35.0)]
  (roi,) = drawn({"a": polygons}, image)
  assert roi.slices == [0, 2, 2]
  for kept, given in zip(
    roi.contours, (polygons[1], polygons[0], polygons[2]), strict=True
  ):
    np.testing.assert_array_equal(kept, given)
  (roi,) = drawn({"a": []}, image)
  assert roi.contours == []


def test_the_repeated_first_point_is_left_out(image):
  closed = np.concatenate([square(30), square(30)[:1]])
  (roi,) = drawn({"a": [closed]}, image)
  np.testing.assert_array_equal(roi.contours[0], square(30))


@pytest.mark.parametrize("z", [30.2, 31.5, 26.0, 45.0, -1e6])
def test_polygons_between_slices_are_refused(image, z):
  with pytest.raises(errors.GeometryError, match=r"'a', polygon 1.* mm off"):
    drawn({"a": [square(30), square(z)]}, image)


def test_slanting_polygons_are_refused(image):
  slanting = square(33)
  slanting[:2, 2] += 0.3
  slanting[2:, 2] -= 0.3
  with pytest.raises(errors.GeometryError, match="0.3 mm off"):
    drawn({"a": [slanting]}, image)


@pytest.mark.parametrize(("polygon", "said"), [
    (np.zeros((4, 2)), r"shape \(4, 2\)"),
    (np.zeros(12), r"shape \(12,\)"),
    ([[0, 0, 30], [1, 0, 30]], "3 distinct"),
    ([[0, 0, 30], [1, 0, 30], [0, 0, 30], [1, 0, 30]], "3 distinct"),
    ([[0, 0, 30]] * 5, "3 distinct"),
    (np.empty((0, 3)), "3 distinct"),
    ([[0, 0, 30], [1, np.nan, 30], [1, 1, 30]], "not finite"),
    ("polygon", "no numbers"),
])  # fmt: skip
def test_malformed_polygons(image, polygon, said):
  with pytest.raises(errors.DataError, match=f"polygon 0.*{said}"):
    drawn({"a": [polygon]}, image)


def test_holes_are_contours_of_their_own_or_joined(image):
  mask = empty(image)
  mask[2, 2:9, 2:9] = True
  mask[2, 4:7, 4:7] = False
  mask[2, 5, 5] = True
  (apart,) = drawn({"a": mask}, image)
  (joined,) = drawn({"a": mask}, image, "keyhole")
  assert (len(apart.contours), len(joined.contours)) == (3, 2)
  assert apart.slices == [2, 2, 2] and joined.slices == [2, 2]
  for roi in (apart, joined):
    assert all(np.ptp(points[:, 2]) == 0 for points in roi.contours)
