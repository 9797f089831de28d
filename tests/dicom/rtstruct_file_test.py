"""RTSTRUCT: real ones against their references, and every trap."""

import copy
import itertools
import time

import numpy as np
import pydicom
from pydicom import uid as uids
from pydicom.dataset import Dataset
import pytest
import SimpleITK as sitk

from jaxseg import dicom
from jaxseg import errors
from tests.dicom.ct_double import ct_series
from tests.dicom.ct_double import uid
from tests.dicom.rt_double import Drawn
from tests.dicom.rt_double import square
from tests.dicom.rt_double import structure_set

# x = -10 + column, y = -20 + 1.5 row, z = 30 + 3 slice.
STS = {
  "STS_001_CT": 117145,
  "STS_006_MR_T1": 83436,
  "STS_013_CT": 490336,
  "STS_013_PET": 30711,
  "STS_036_CT": 110129,
  "STS_045_CT": 160270,
}


@pytest.fixture
def image(tmp_path):
  ct_series(tmp_path / "ct", shape=(5, 30, 24), spacing=(3.0, 1.5, 1.0))
  return dicom.read_ct(tmp_path / "ct")


def codes(made):
  return {note.code for note in made.notes}


def read(tmp_path, rois, **options):
  return dicom.read_rtstruct(
    structure_set(tmp_path / "rt.dcm", rois, **options)
  )


def by_hand(image, slices, low, high, y0, y1):
  """Voxels whose centres lie in a closed box, in mm."""
  x = -10 + np.arange(image.shape[2])
  y = -20 + 1.5 * np.arange(image.shape[1])
  mask = np.zeros(image.shape, bool)
  inside = np.outer((y >= y0) & (y <= y1), (x >= low) & (x <= high))
  mask[slices] = inside
  return mask


@pytest.mark.parametrize(("name", "voxels"), STS.items())
def test_real_contours_equal_the_reference_to_the_voxel(
  dicom_data, name, voxels
):
  image = dicom.read_ct(dicom_data / "sts" / name / "image")
  rtss = dicom.read_rtstruct(dicom_data / "sts" / name / "rtstruct.dcm")
  (roi,) = rtss.rois
  made = rtss.mask(roi.number, image)
  nifti = sitk.ReadImage(dicom_data / "sts" / name / "reference_mask.nii.gz")
  # By geometry, not by index: where does each mask voxel lie?
  expected = np.zeros(image.shape, bool)
  at = np.argwhere(sitk.GetArrayFromImage(nifti) > 0)
  lps = np.array(
    [nifti.TransformIndexToPhysicalPoint(one) for one in at[:, ::-1].tolist()]
  )
  index = (lps - image.affine[:3, 3]) @ np.linalg.inv(image.affine[:3, :3]).T
  assert abs(index - np.rint(index)).max() < 0.01
  expected[tuple(np.rint(index).astype(int).T)] = True
  assert expected.sum() == voxels
  assert (made.array != expected).sum() == 0


def test_real_plan(dicom_data):
  folder = dicom_data / "rtstruct/dicompyler-core"
  rtss = dicom.read_rtstruct(folder / "rtss.dcm")
  assert rtss.names == (
    "BODY", "Areola", "Borders", "Breast", "Heart", "Lt Lung", "Nodes", "Scar",
    "Tumor Bed", "Tumor Bed Block",
  )  # fmt: skip
  counts = [len(roi.contours) for roi in rtss.rois]
  assert counts == [141, 0, 2, 48, 33, 165, 4, 6, 18, 24]
  masks = rtss.masks(dicom.read_ct(folder))
  assert masks.refused == {} and masks["BODY"].any()
  assert not masks["Areola"].any()  # Empty, and not an error.


@pytest.mark.parametrize(
  "name", ["invalid_reference_rt", "non_existent_reference_rt"]
)
def test_real_references_that_point_nowhere(dicom_data, name):
  folder = dicom_data / "rtstruct/rt-utils/mock_data"
  image = dicom.read_ct(folder)
  masks = dicom.read_rtstruct(folder / f"{name}.dcm").masks(image)
  sizes = [int(mask.sum()) for mask in masks.values()]
  assert sizes == [4976, 3697, 4519, 6954]
  assert masks.refused == {}
  (code,) = {n.code for n in masks.notes["ROI-1"]} & {"beyond-slices"}
  assert code


def test_structure_set_without_images(dicom_data):
  folder = dicom_data / "rtstruct/rt-utils/empty"
  rtss = dicom.read_rtstruct(folder)
  assert len(rtss.rois) == 4
  with pytest.raises(errors.DataError, match="RT Structure Set"):
    dicom.read_ct(folder)


def test_square_by_hand(tmp_path, image):
  rtss = read(tmp_path, {"Heart": [square(33), square(36)]})
  made = rtss.mask("Heart", image)
  np.testing.assert_array_equal(made.array, by_hand(image, [1, 2], 0, 6, 0, 6))
  roi = rtss["Heart"]
  assert roi.number == 3 and roi.color == (255, 3, 0)
  assert roi.interpreted_type == "ORGAN"
  assert roi.generation_algorithm == "MANUAL"
  assert made.notes == () and made.slices == (1, 2) and made.outside == 0


def test_geometry_decides_the_slice(tmp_path, image):
  first = image.instances[0]
  wrong = Drawn(square(36), images=[first])
  dangling = Drawn(square(39), images=["1.2.3"])
  right = Drawn(square(33), images=[image.instances[1]])
  made = read(tmp_path, {"a": [wrong, dangling, right]}).mask("a", image)
  assert made.array.any((1, 2)).tolist() == [False, True, True, True, False]
  assert codes(made) == {"wrong-reference", "dangling-reference"}


@pytest.mark.parametrize(
  ("z", "index"),
  [
    (28.6, 0),
    (31.4, 0),
    (31.5, 0),  # The middle belongs to the lower slice.
    (31.6, 1),
    (43.4, 4),
    (28.4, None),
    (43.6, None),
  ],
)
def test_nearest_slice_within_half_of_the_spacing(tmp_path, image, z, index):
  made = read(tmp_path, {"a": [square(z)]}).mask("a", image)
  assert np.flatnonzero(made.array.any((1, 2))).tolist() == (
    [] if index is None else [index]
  )
  assert ("beyond-slices" in codes(made)) == (index is None)
  assert ("off-plane" in codes(made)) == (index is not None)


def test_slices_between_stay_empty_and_are_counted(tmp_path, image):
  made = read(tmp_path, {"a": [square(30), square(42)]}).mask("a", image)
  assert made.array.any((1, 2)).tolist() == [True, False, False, False, True]
  (note,) = made.notes
  assert note.code == "empty-between" and note.text.startswith("3 slices")


def test_contours_of_half_slices_are_united(tmp_path, image):
  ring = [square(33, 0, 6), square(33, 2, 4)]
  made = read(tmp_path, {"a": [*ring, square(34, 10, 12)]}).mask("a", image)
  expected = by_hand(image, [1], 0, 6, 0, 6)
  hole = by_hand(image, [1], 2.1, 3.9, 2.1, 3.9)
  expected &= ~hole
  expected |= by_hand(image, [1], 10, 12, 10, 12)
  np.testing.assert_array_equal(made.array, expected)
  assert "planes-united" in codes(made)
  # A plane of its own does not cut a hole into another plane's area.
  nested = read(tmp_path, {"a": [square(33, 0, 6), square(34, 2, 4)]})
  np.testing.assert_array_equal(
    nested.mask("a", image).array, by_hand(image, [1], 0, 6, 0, 6)
  )


def test_non_planar_roi_is_refused_and_others_go_on(tmp_path, image):
  bent = square(33)
  bent[0, 2] += 0.2
  rtss = read(tmp_path, {"bent": [bent], "fine": [square(33)]})
  with pytest.raises(errors.GeometryError, match="not planar"):
    rtss.mask("bent", image)
  masks = rtss.masks(image)
  assert set(masks) == {"fine"} and "0.2 mm" in masks.refused["bent"]


def test_nested_is_a_hole_and_union_fills_it(tmp_path, image):
  rtss = read(tmp_path, {"a": [square(33, 0, 10), square(33, 3, 7)]})
  made = rtss.mask("a", image)
  assert (
    made.array.sum()
    == (
      by_hand(image, [1], 0, 10, 0, 10)
      & ~by_hand(image, [1], 3.5, 6.5, 3.1, 6.9)
    ).sum()
  )  # Borders of holes are inside.
  assert made.notes == ()
  filled = rtss.mask("a", image, combine="union")
  np.testing.assert_array_equal(filled.array, by_hand(image, [1], 0, 10, 0, 10))


def test_partial_overlap_is_told(tmp_path, image):
  rtss = read(tmp_path, {"a": [square(33, 0, 6), square(33, 4, 10)]})
  made = rtss.mask("a", image)
  assert codes(made) == {"partial-overlap"}
  assert not made.array[1, 17, 15]  # (5, 5.5) lies in both.
  union = rtss.mask("a", image, combine="union").array
  assert union[1, 17, 15]


@pytest.mark.parametrize(
  "kind", ["CLOSEDPLANAR_XOR", "CLOSED_PLANAR_XOR", "closedplanar_xor",
           "CLOSED PLANAR", "Closed_Planar "]
)  # fmt: skip
def test_spellings_of_closed(tmp_path, image, kind):
  ring = [Drawn(square(33, 0, 10), kind), Drawn(square(33, 3, 7), kind)]
  rtss = read(tmp_path, {"a": ring})
  made = rtss.mask("a", image)
  assert made.array.any() and not made.array[1, 17, 15]
  standard = kind.strip() in ("CLOSED_PLANAR", "CLOSEDPLANAR_XOR")
  assert ("geometric-type" in codes(made)) == (not standard)


def test_keyhole(tmp_path, image):
  outer, inner = square(33, 0, 10)[:, :2], square(33, 3, 7)[:, :2]
  path = [outer[0], *inner[[0, 3, 2, 1, 0]], outer[0], *outer[1:]]
  keyhole = np.column_stack([path, np.full(len(path), 33.0)])
  made = read(tmp_path, {"a": [keyhole]}).mask("a", image)
  plain = read(tmp_path, {"a": [square(33, 0, 10), square(33, 3, 7)]}).mask(
    "a", image
  )
  bridge = made.array != plain.array
  # The bridge runs through centres here, and an edge is inside.
  assert bridge.sum() <= 3
  assert "self-crossing" not in codes(made)


@pytest.mark.parametrize("repeat", [1, 2])
def test_repeated_and_collinear_points_are_harmless(tmp_path, image, repeat):
  points = square(33)
  middle = (points + np.roll(points, -1, axis=0)) / 2
  dense = np.stack([points, middle], 1).reshape(-1, 3).repeat(repeat, axis=0)
  closed = np.concatenate([dense, dense[:1]])
  made = read(tmp_path, {"a": [closed]}).mask("a", image)
  np.testing.assert_array_equal(made.array, by_hand(image, [1], 0, 6, 0, 6))
  assert made.notes == ()


def test_degenerate_contours_have_no_area(tmp_path, image):
  thin = [square(33)[:1], square(33)[:2], square(33)[[0, 1, 0, 1]]]
  made = read(tmp_path, {"a": thin}).mask("a", image)
  assert not made.array.any()
  (note,) = [n for n in made.notes if n.code == "degenerate"]
  assert note.text.startswith("3 contours")


def test_figure_eight_is_told(tmp_path, image):
  eight = square(33, 0, 8)[[0, 2, 1, 3]]
  assert "self-crossing" in codes(
    read(tmp_path, {"a": [eight]}).mask("a", image)
  )


def test_points_and_open_contours_are_listed_and_never_filled(tmp_path, image):
  rtss = read(tmp_path, {
      "iso": [Drawn(square(33)[:1], "POINT")],
      "wire": [Drawn(square(33), "OPEN_PLANAR"),
               Drawn(square(33), "OPEN_NONPLANAR")],
      "odd": [Drawn(square(33), "SPIRAL")],
  })  # fmt: skip
  for name in rtss.names:
    made = rtss.mask(name, image)
    assert not made.array.any() and "not-filled" in codes(made)
  np.testing.assert_array_equal(rtss["iso"].contours[0].points, square(33)[:1])


@pytest.mark.parametrize("change", [
    lambda p: p, lambda p: p[::-1], lambda p: np.roll(p, 2, axis=0),
    lambda p: np.concatenate([p, p[:1]]),
])  # fmt: skip
def test_exact_duplicates_do_not_cancel(tmp_path, image, change):
  made = read(tmp_path, {"a": [square(33), change(square(33))]}).mask(
    "a", image
  )
  np.testing.assert_array_equal(made.array, by_hand(image, [1], 0, 6, 0, 6))
  assert codes(made) == {"duplicate-contour"}


def test_a_duplicate_through_a_pinch_point_does_not_cancel(tmp_path, image):
  # The corner that comes first by number is passed twice.
  eight = np.array(
    [[0, 0, 33], [6, 0, 33], [6, 6, 33], [0, 0, 33], [0, 6, 33], [-6, 6, 33],
     [-6, 0, 33]], np.float64,
  )  # fmt: skip
  pinched = np.roll(eight * [-1, -1, 1], 2, axis=0)
  for ring in (eight, pinched):
    alone = read(tmp_path, {"a": [ring]}).mask("a", image)
    for start in range(len(ring)):
      twin = np.roll(ring[:: (-1) ** start], start, axis=0)
      made = read(tmp_path, {"a": [ring, twin]}).mask("a", image)
      np.testing.assert_array_equal(made.array, alone.array)
      assert "duplicate-contour" in codes(made)


def test_by_another_name_of_the_organ(tmp_path, image):
  rtss = read(tmp_path, {"Parotid_L": [square(33)], "cord": [square(36)]})
  assert rtss["parotid_left"].name == "Parotid_L"
  assert rtss.mask("spinal_cord", image).array.any()
  with pytest.raises(errors.StructureNotFoundError, match="no ROI"):
    rtss["parotid_right"]
  both = read(tmp_path, {"Parotid_L": [], "Left Parotid": []})
  with pytest.raises(errors.StructureNotFoundError, match="numbers 3, 4"):
    both["parotid_left"]


@pytest.mark.parametrize("implicit", [True, False])
def test_a_file_cut_off_anywhere_is_refused(tmp_path, implicit):
  rois = {"a": [square(33), square(36)], "b": [square(33)]}
  path = structure_set(tmp_path / "rt.dcm", rois, implicit=implicit)
  content = path.read_bytes()
  start = content.index(b"plan")
  whole = [len(roi.contours) for roi in dicom.read_rtstruct(path).rois]
  for end in range(start, len(content) - 1):
    path.write_bytes(content[:end])
    try:
      rtss = dicom.read_rtstruct(path)
    except errors.DataError:
      continue
    # Between two elements no file tells that it has been cut.
    if [len(roi.contours) for roi in rtss.rois] != whole:
      assert [note.code for note in rtss.notes] == ["no-contours"], end


def test_a_last_byte_of_padding_is_no_fault(tmp_path):
  path = structure_set(tmp_path / "rt.dcm", {"a": [square(33)]})
  path.write_bytes(path.read_bytes() + b"\0")
  assert len(dicom.read_rtstruct(path)["a"].contours) == 1


def test_a_malformed_observation_costs_no_contour(tmp_path):
  def spoil(dataset):
    item = dataset.RTROIObservationsSequence[0]
    item.add_new("ReferencedROINumber", "LO", "three")

  rtss = read(tmp_path, {"a": [square(33)]}, change=spoil)
  assert len(rtss["a"].contours) == 1


def test_contours_that_zigzag_are_bounded(tmp_path, image):
  # Every edge crosses every column: few points, much work.
  points = np.zeros((4000, 3))
  points[::2, 0], points[1::2, 0], points[:, 2] = -1e3, 1e3, 33
  points[:, 1] = np.linspace(-20, 20, len(points))
  rtss = read(tmp_path, {"a": [points]})
  assert rtss.mask("a", image).slices == (1,)
  with pytest.raises(errors.LimitError, match="rt.dcm: ROI 'a': .*'crossings'"):
    rtss.mask("a", image, limits=dicom.Limits(crossings=1000))


def test_rois_without_contours_are_empty(tmp_path, image):
  rtss = read(tmp_path, {"none": None, "nothing": [], "some": [square(33)]})
  masks = rtss.masks(image)
  assert not masks["none"].any() and not masks["nothing"].any()
  assert masks["some"].any() and masks.refused == {}


def test_the_number_ties_names_to_contours(tmp_path, image):
  def reverse(dataset):
    dataset.ROIContourSequence = list(reversed(dataset.ROIContourSequence))

  rois = {"low": [square(30)], "high": [square(42)]}
  rtss = read(tmp_path, rois, change=reverse)
  assert rtss.mask("low", image).slices == (0,)
  assert rtss.mask("high", image).slices == (4,)


def test_nameless_numbers_are_listed(tmp_path, image):
  def forget(dataset):
    dataset.StructureSetROISequence = dataset.StructureSetROISequence[:1]

  rtss = read(tmp_path, {"a": [square(30)], "b": [square(33)]}, change=forget)
  assert rtss.names == ("a", "") and rtss.notes[0].code == "nameless-roi"
  assert rtss.mask(4, image).array.any()


@pytest.mark.parametrize(
  "sequence", ["StructureSetROISequence", "ROIContourSequence"]
)
def test_a_number_twice_is_refused(tmp_path, sequence):
  def twice(dataset):
    for item in dataset[sequence].value:
      name = "ROINumber" if "ROINumber" in item else "ReferencedROINumber"
      setattr(item, name, 7)

  with pytest.raises(errors.DataError, match="number 7 twice"):
    read(tmp_path, {"a": [square(30)], "b": [square(33)]}, change=twice)


def test_names_that_occur_twice_need_the_number(tmp_path, image):
  def same(dataset):
    for item in dataset.StructureSetROISequence:
      item.ROIName = "twin"

  rtss = read(tmp_path, {"a": [square(30)], "b": [square(33)]}, change=same)
  with pytest.raises(errors.StructureNotFoundError, match="3, 4"):
    _ = rtss["twin"]
  assert set(rtss.masks(image)) == {"twin", "twin#4"}
  with pytest.raises(errors.StructureNotFoundError, match="no ROI 'other'"):
    _ = rtss["other"]


def test_an_empty_mask_is_noted(tmp_path, image):
  rtss = read(tmp_path, {"a": None, "b": [], "c": [Drawn(square(33), "POINT")]})
  for name in "abc":
    made = rtss.mask(name, image)
    assert not made.array.any() and "empty-mask" in codes(made)
    assert any("no closed contour" in str(note) for note in made.notes)


def test_points_beyond_the_image_are_clipped(tmp_path, image):
  made = read(tmp_path, {"a": [square(33, -16, -4)]}).mask("a", image)
  np.testing.assert_array_equal(
    made.array, by_hand(image, [1], -16, -4, -16, -4)
  )
  assert "outside" in codes(made) and 0 < made.outside < 1
  away = read(tmp_path, {"a": [square(33, 100, 110)]}).mask("a", image)
  assert not away.array.any() and away.outside == 1
  assert {"outside", "empty-mask"} <= codes(away)
  around = read(tmp_path, {"a": [square(33, -500, 500)]}).mask("a", image)
  assert around.array[1].all()


@pytest.mark.parametrize(("text", "said"), [
    ("0\\0\\33\\6\\0\\33\\6\\6\\33\\0\\6\\nan", "number 11 is 'nan'"),
    ("0\\0\\33\\6\\0\\33\\6\\6\\33\\0\\6\\inf", "number 11 is 'inf'"),
    ("0\\0\\33\\6\\0\\33\\6\\6\\33\\0\\6\\1e999", "number 11"),
    ("0\\0\\33\\6\\\\33\\6\\6\\33\\0\\6\\33", "number 4 is ''"),
    ("0\\0\\33\\6\\0\\33\\6,5\\6\\33\\0\\6\\33", "number 6 is '6,5'"),
    ("0\\0\\33\\6\\0\\33\\6\\6\\33\\0\\6", "11 numbers"),
    ("0\\0\\33\\6\\0\\33", "NumberOfContourPoints"),
    ("0\\0\\33\\6\\0\\33\\6 1\\6\\33\\0\\6\\33", "number 6 is '6 1'"),
    ("0\\0\\33\\6\\0\\33\\1-2\\6\\33\\0\\6\\33", "number 6 is '1-2'"),
    ("0\\0\\33\\6\\0\\33\\1_2\\6\\33\\0\\6\\33", "number 6 is '1_2'"),
    ("0\\0\\33\\6\\0\\33\\0x1\\6\\33\\0\\6\\33", "number 6 is '0x1'"),
    ("", "empty"),
])  # fmt: skip
def test_malformed_contours_are_refused_one_by_one(tmp_path, image, text, said):
  rtss = read(tmp_path, {"a": [Drawn(text), square(36)]})
  (reason,) = rtss["a"].refused
  assert reason.startswith("contour 0") and said in reason
  made = rtss.mask("a", image)
  assert made.slices == (2,) and "refused-contour" in codes(made)


@pytest.mark.parametrize("implicit", [True, False])
def test_contour_data_over_64_kb(tmp_path, image, implicit):
  turn = np.linspace(0, 2 * np.pi, 6000, endpoint=False)
  circle = np.column_stack(
    [5 * np.cos(turn), 5 * np.sin(turn), np.full(6000, 33.0)]
  )
  rtss = read(tmp_path, {"a": [circle]}, implicit=implicit)
  (contour,) = rtss["a"].contours
  np.testing.assert_allclose(contour.points, circle, atol=1e-8)
  assert rtss.mask("a", image).array.any()


def test_other_series_of_the_same_frame_of_reference(tmp_path, image):
  rtss = read(tmp_path, {"a": [square(33)]}, series="1.2.3")
  assert codes(rtss.mask("a", image)) == {"other-series"}


def test_other_frame_of_reference_is_refused_unless_asked(tmp_path, image):
  rtss = read(tmp_path, {"a": [square(33)]}, series="1.2.3", frame="1.2.4")
  with pytest.raises(errors.GeometryError, match="any_frame_of_reference"):
    rtss.mask("a", image)
  assert rtss.masks(image).refused.keys() == {"a"}
  made = rtss.mask("a", image, any_frame_of_reference=True)
  assert made.array.any() and codes(made) == {"frame-of-reference"}


def test_no_reference_at_all(tmp_path, image):
  rtss = read(tmp_path, {"a": [square(33)]}, series="", frame="")
  assert codes(rtss.mask("a", image)) == {"no-frame-of-reference"}


def test_names_are_trimmed_and_hostile_ones_shown_safely(tmp_path):
  hostile = "../../<script>\x1b[2J"
  rtss = read(tmp_path, {"Heart \0": [], hostile: []})
  assert rtss.names[0] == "Heart"
  with pytest.raises(errors.StructureNotFoundError) as caught:
    _ = rtss["x"]
  assert "\x1b" not in str(caught.value) and "\\x1b" in str(caught.value)


def test_character_sets(tmp_path):
  def latin(dataset):
    dataset.SpecificCharacterSet = "ISO_IR 100"

  rtss = read(tmp_path, {"Rückenmark": []}, change=latin)
  assert rtss.names == ("Rückenmark",)


def test_uneven_slices_keep_their_contours(tmp_path):
  ct_series(tmp_path / "ct", change=lambda _, k: k != 2)
  image = dicom.read_ct(tmp_path / "ct", spacing="keep")
  rois = {"a": [square(z) for z in (30, 33, 36, 39, 42)]}
  made = read(tmp_path, rois).mask("a", image)
  assert made.slices == (0, 1, 2, 3)
  assert made.array[3].any()


OBLIQUE = (0.9541666, -0.2080757, 0.2151061, 0.2785886, 0.880128, -0.3843997)


@pytest.mark.parametrize("iop", [OBLIQUE, (0, 1, 0, 0, 0, -1)])
def test_oblique_series(tmp_path, iop):
  ct_series(tmp_path / "ct", shape=(4, 18, 30), iop=iop)
  image = dicom.read_ct(tmp_path / "ct")
  corners = np.array(
    [[2, 3.5, 4.5], [2, 3.5, 20.5], [2, 9.5, 20.5], [2, 9.5, 4.5]]
  )
  points = corners @ image.affine[:3, :3].T + image.affine[:3, 3]
  made = read(tmp_path, {"a": [points]}).mask("a", image)
  expected = np.zeros(image.shape, bool)
  expected[2, 4:10, 5:21] = True
  np.testing.assert_array_equal(made.array, expected)


def test_what_is_not_a_structure_set(tmp_path, dicom_data):
  (path, *_) = ct_series(tmp_path)
  with pytest.raises(errors.DataError, match="not an RTSTRUCT"):
    dicom.read_rtstruct(path)
  (tmp_path / "text").write_text("hello")
  with pytest.raises(errors.NotDicomError):
    dicom.read_rtstruct(tmp_path / "text")
  with pytest.raises(errors.DataError, match="No such file"):
    dicom.read_rtstruct(tmp_path / "none")
  with pytest.raises(errors.DataError, match="0 structure sets"):
    dicom.read_rtstruct(tmp_path)


def test_bounds(tmp_path):
  path = structure_set(tmp_path / "rt.dcm", {"a": [square(33)] * 5})
  for name, bound in (("contours", 4), ("points", 19)):
    with pytest.raises(errors.LimitError, match=f"'{name}'"):
      dicom.read_rtstruct(path, limits=dicom.Limits(**{name: bound}))
  with pytest.raises(errors.LimitError, match="'seconds'"):
    dicom.read_rtstruct(path, limits=dicom.Limits(seconds=-1))


def test_deep_sequences_of_stated_length_are_refused(tmp_path):
  for depth in (20, 33, 100):

    def nest(dataset, depth=depth):
      inner = Dataset()
      for _ in range(depth - 1):
        outer = Dataset()
        outer.ReferencedStudySequence = [inner]
        inner = outer
      dataset.ReferencedStudySequence = [inner]

    path = structure_set(tmp_path / "rt.dcm", {"a": []}, change=nest)
    if depth < 32:
      assert dicom.read_rtstruct(path).names == ("a",)
      continue
    with pytest.raises(errors.LimitError, match="'depth'"):
      dicom.read_rtstruct(path)


@pytest.mark.parametrize("depth", [40, 3000])
def test_deep_sequences_are_refused(tmp_path, depth):
  def nest(dataset):
    inner = Dataset()
    for _ in range(40):
      outer = Dataset()
      outer.ReferencedStudySequence = [inner]
      outer["ReferencedStudySequence"].is_undefined_length = True
      inner.is_undefined_length_sequence_item = True
      inner = outer
    dataset.ReferencedStudySequence = [inner]
    dataset["ReferencedStudySequence"].is_undefined_length = True

  path = structure_set(tmp_path / "rt.dcm", {"a": [square(33)]}, change=nest)
  if depth > 40:  # pydicom cannot write this deep; a file can be made of it.
    content = path.read_bytes()
    opened = b"\x08\x00\x10\x11\xff\xff\xff\xff\xfe\xff\x00\xe0\xff\xff\xff\xff"
    assert opened in content
    path.write_bytes(content.replace(opened, opened * 80))

  def read(frames):
    return read(frames - 1) if frames else dicom.read_rtstruct(path)

  begin = time.monotonic()
  # Where exactly the stack ends, pydicom raises an error of another type.
  for frames in range(5):
    with pytest.raises(errors.LimitError, match="depth"):
      read(frames)
  assert time.monotonic() - begin < 10


def test_found_by_content(tmp_path):
  ct_series(tmp_path / "a")
  structure_set(tmp_path / "a" / "x.txt", {"a": []})
  found = dicom.find_series(tmp_path)
  assert {one.modality for one in found} == {"CT", "RTSTRUCT"}
  (rtstruct,) = [one for one in found if one.is_structure_set]
  assert rtstruct.sop_class_uid == uids.RTStructureSetStorage
  assert rtstruct.description == "plan"
  assert dicom.read_rtstruct(tmp_path).referenced_series == (
    uid(0, "series", "CT"),
  )


class TestSeveralFramesOfReference:
  """A set that refers to a CT and to an MR, which lie apart."""

  MR, MR_SERIES, MR_IMAGE = "1.2.840.99", "1.2.840.98", "1.2.840.97"

  def read(self, tmp_path, frame_of, images=()):
    def change(dataset):
      (ct,) = dataset.ReferencedFrameOfReferenceSequence
      mr = copy.deepcopy(ct)
      mr.FrameOfReferenceUID = self.MR
      (study,) = mr.RTReferencedStudySequence
      (series,) = study.RTReferencedSeriesSequence
      series.SeriesInstanceUID = self.MR_SERIES
      image = pydicom.Dataset()
      image.ReferencedSOPClassUID = "1.2.840.10008.5.1.4.1.1.4"
      image.ReferencedSOPInstanceUID = self.MR_IMAGE
      series.ContourImageSequence = [image]
      dataset.ReferencedFrameOfReferenceSequence = [ct, mr]
      for roi in dataset.StructureSetROISequence:
        roi.ReferencedFrameOfReferenceUID = frame_of[roi.ROIName]

    rois = {name: [Drawn(square(33), images=images)] for name in frame_of}
    return read(tmp_path, rois, change=change)

  def test_an_roi_of_the_mr_is_not_put_on_the_ct(self, tmp_path, image):
    own = image.frame_of_reference_uid
    rtss = self.read(tmp_path, {"on CT": own, "on MR": self.MR})
    assert rtss.mask("on CT", image).notes == ()
    with pytest.raises(errors.GeometryError, match=r"'on MR'.*1\.2\.840\.99"):
      rtss.mask("on MR", image)
    masks = rtss.masks(image)
    assert list(masks) == ["on CT"] and list(masks.refused) == ["on MR"]
    asked = rtss.mask("on MR", image, any_frame_of_reference=True)
    assert asked.array.any() and codes(asked) == {"frame-of-reference"}

  def test_an_roi_of_a_frame_that_the_set_does_not_list(self, tmp_path, image):
    rtss = self.read(tmp_path, {"a": "1.2.3.4"})
    with pytest.raises(errors.GeometryError, match="frame of reference"):
      rtss.mask("a", image)

  def test_without_a_frame_its_images_decide(self, tmp_path, image):
    rtss = self.read(tmp_path, {"a": ""}, images=[self.MR_IMAGE])
    with pytest.raises(errors.GeometryError, match="frame of reference"):
      rtss.mask("a", image)
    rtss = self.read(tmp_path, {"a": ""})
    assert codes(rtss.mask("a", image)) == {"frame-of-reference"}

  def test_a_set_with_another_uid_for_the_cts_own_frame(self, tmp_path, image):
    # As some anonymisers leave it: the set ties series, frame and ROI.
    rtss = read(tmp_path, {"a": [square(33)]}, frame="1.2.3.4")
    made = rtss.mask("a", image)
    assert made.array.any() and codes(made) == {"frame-of-reference"}


@pytest.mark.parametrize("implicit", [True, False])
@pytest.mark.parametrize("sequence", ["defined", "undefined"])
def test_references_by_bytes_are_those_that_pydicom_reads(
  tmp_path, implicit, sequence
):
  images = [uid(0, "instance", k) for k in range(2)]

  def change(dataset):
    for item in dataset.ROIContourSequence[0].ContourSequence[:1]:
      element = item["ContourImageSequence"]
      element.is_undefined_length = sequence == "undefined"
      for one in element.value:
        one.is_undefined_length_sequence_item = sequence == "undefined"

  rtss = read(
    tmp_path,
    {"a": [Drawn(square(33), images=images), square(36)]},
    implicit=implicit,
    change=change,
  )
  assert [c.images for c in rtss["a"].contours] == [tuple(images), ()]


class TestTime:
  def test_it_is_the_processors(self, tmp_path, monkeypatch):
    path = structure_set(tmp_path / "rs.dcm", {"a": [square(33)] * 3})
    # However long a busy machine or a slow disk takes.
    clock = itertools.count(0, 1000)
    monkeypatch.setattr(time, "monotonic", lambda: next(clock))
    monkeypatch.setattr(time, "time", lambda: next(clock))
    assert len(dicom.read_rtstruct(path)["a"].contours) == 3
    monkeypatch.setattr(time, "thread_time", lambda: next(clock))
    with pytest.raises(errors.LimitError, match=r"seconds.*--limit_s"):
      dicom.read_rtstruct(path)

  def test_a_large_file_may_take_longer(self, tmp_path, monkeypatch):
    rois = {"a": [square(33)]}
    path = structure_set(tmp_path / "rs.dcm", rois)
    large = structure_set(
      tmp_path / "large.dcm",
      rois,
      change=lambda d: d.add_new(0x00091010, "UN", b"\0" * (20 << 20)),
    )
    # A second for each look at the clock, of which both files need as many.
    for file, fits in ((path, False), (large, True)):
      clock = itertools.count()
      monkeypatch.setattr(time, "thread_time", lambda: next(clock))  # noqa: B023
      limits = dicom.Limits(seconds=20)
      if fits:
        assert dicom.read_rtstruct(file, limits=limits).names == ("a",)
      else:
        with pytest.raises(errors.LimitError, match="processor time"):
          dicom.read_rtstruct(file, limits=limits)
