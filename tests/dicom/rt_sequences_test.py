"""Sequences of an RTSTRUCT: thinned contours, references to images."""

import dataclasses

import numpy as np
from pydicom import uid as uids
import pytest

from jaxseg import dicom
from jaxseg.dicom import _write_rtstruct
from jaxseg.dicom import _write_rtstruct_contours as _contours
from tests.dicom.ct_double import ct_series

CORNERS = np.array([[0, 0, 5], [30, 0, 5], [30, 20, 5], [0, 20, 5]], float)


def walked(corners, steps):
  """The closed polygon with `steps` points on every side."""
  share = np.arange(steps)[:, None] / steps
  following = np.roll(corners, -1, axis=0)
  return np.concatenate([
    a + share * (b - a) for a, b in zip(corners, following, strict=True)
  ])  # fmt: skip


def drawn(contours, slices=None):
  return _contours.Drawn(
    name="a",
    color=(1, 2, 3),
    interpreted_type="",
    description="",
    generation_algorithm="AUTOMATIC",
    slices=list(slices or [0] * len(contours)),
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
  first, second = _contours.encoded(drawn([short, long]))
  assert (first.count, second.count) == (40, 4)
  assert not first.is_long and not second.is_long
  assert second.text == "0\\0\\5\\30\\0\\5\\30\\20\\5\\0\\20\\5"
  rng = np.random.default_rng(0)
  rough = np.column_stack([rng.uniform(0, 90, (4000, 2)), np.full(4000, 5.0)])
  (kept,) = _contours.encoded(drawn([rough]))
  assert kept.is_long and kept.count == 4000


def references(image, slices):
  contours = [CORNERS] * len(slices)
  roi = drawn(contours, slices)
  made = _write_rtstruct._sequences([roi], [_contours.encoded(roi)], image)
  (frame,) = made["ReferencedFrameOfReferenceSequence"]
  (study,) = frame.RTReferencedStudySequence
  (series,) = study.RTReferencedSeriesSequence
  (shape,) = made["ROIContourSequence"]
  own = [one.get("ContourImageSequence", []) for one in shape.ContourSequence]
  return series, own


def test_every_slice_is_listed_and_each_contour_names_its_own(tmp_path):
  ct_series(tmp_path)
  image = dicom.read_ct(tmp_path)
  series, own = references(image, [0, 3])
  assert series.SeriesInstanceUID == image.series_uid
  listed = [i.ReferencedSOPInstanceUID for i in series.ContourImageSequence]
  assert listed == list(image.instances)
  assert [one[0].ReferencedSOPInstanceUID for one in own] == [
    image.instances[0], image.instances[3]
  ]  # fmt: skip
  for one in (*series.ContourImageSequence, own[0][0]):
    assert one.ReferencedSOPClassUID == uids.CTImageStorage
    assert "ReferencedFrameNumber" not in one


def test_frames_of_a_multi_frame_image(tmp_path):
  ct_series(tmp_path, shape=(4, 6, 8))
  image = dataclasses.replace(
    dicom.read_ct(tmp_path),
    sop_class_uid=uids.EnhancedCTImageStorage,
    instances=("1.2.3",) * 4,
    frames=(2, 4, 1, 3),
  )
  series, own = references(image, [0, 3])
  (listed,) = series.ContourImageSequence  # All frames: no numbers.
  assert listed.ReferencedSOPInstanceUID == "1.2.3"
  assert listed.ReferencedSOPClassUID == uids.EnhancedCTImageStorage
  assert "ReferencedFrameNumber" not in listed
  assert [one[0].ReferencedFrameNumber for one in own] == [2, 3]
  series, own = references(dataclasses.replace(image, frames=(2, 4, 1, 7)), [3])
  assert list(series.ContourImageSequence[0].ReferencedFrameNumber) == [
    1, 2, 4, 7
  ]  # fmt: skip


def test_interpolated_slices_have_no_image_to_refer_to(tmp_path):
  ct_series(tmp_path, change=lambda _, index: index != 2)
  image = dicom.read_ct(tmp_path, spacing="resample")
  series, own = references(image, [1, 2])
  assert len(series.ContourImageSequence) == 4
  assert len(own[0]) == 1 and len(own[1]) == 0
