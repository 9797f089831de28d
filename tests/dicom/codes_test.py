"""Colours and codes of structures as files hold them."""

import logging

import numpy as np
import pydicom
import pytest

from jaxseg import dicom
from jaxseg import errors
from jaxseg import structures
from jaxseg.dicom import _codes
from tests.dicom.ct_double import ct_series
from tests.dicom.write_rtstruct_test import dciodvfy

# sRGB in L*a*b* with the white of D50, as Lindbloom's calculator gives it.
LAB = {
  (255, 255, 255): (100, 0, 0),
  (0, 0, 0): (0, 0, 0),
  (255, 0, 0): (54.29, 80.81, 69.89),
  (0, 255, 0): (87.82, -79.29, 80.99),
  (0, 0, 255): (29.57, 68.30, -112.03),
  (119, 119, 119): (50.03, 0, 0),
}


@pytest.mark.parametrize("rgb", LAB)
def test_colours_in_cielab(rgb):
  lightness, a, b = _codes.cielab(rgb)
  # PS3.3, C.10.7.1.1: 0 to 100, and -128 to 127, in 16 bits.
  found = lightness / 655.35, a / 257 - 128, b / 257 - 128
  np.testing.assert_allclose(found, LAB[rgb], rtol=0, atol=0.02)


def test_colours_come_back_from_cielab():
  draw = np.random.default_rng(0)
  for rgb in [*LAB, *map(tuple, draw.integers(0, 256, (200, 3)).tolist())]:
    assert _codes.srgb(_codes.cielab(rgb)) == rgb
  # Brighter and greener than any screen shows: the nearest of each channel.
  assert _codes.srgb((65535, 0, 65535)) == (0, 255, 0)


@pytest.fixture(scope="module")
def written(tmp_path_factory):
  folder = tmp_path_factory.mktemp("codes")
  ct_series(folder / "ct")
  ct = dicom.read_ct(folder / "ct")
  mask = np.zeros(ct.shape, np.bool_)
  mask[1:3, 4:8, 5:9] = True
  shapes = dict.fromkeys(("parotid_left", "gtv", "Wart"), mask)
  dicom.write_rtstruct(folder / "r.dcm", shapes, ct)
  dicom.write_seg(folder / "s.dcm", shapes, ct)
  return folder, ct, mask


def test_a_segment_has_the_colour_of_the_roi(written):
  folder, *_ = written
  segments = pydicom.dcmread(folder / "s.dcm").SegmentSequence
  rois = pydicom.dcmread(folder / "r.dcm").ROIContourSequence
  for segment, roi in zip(segments, rois, strict=True):
    wanted = _codes.cielab(tuple(map(int, roi.ROIDisplayColor)))
    assert list(segment.RecommendedDisplayCIELabValue) == wanted


def test_an_roi_has_the_code_of_the_segment(written):
  folder, *_ = written
  observed = pydicom.dcmread(folder / "r.dcm").RTROIObservationsSequence
  segments = pydicom.dcmread(folder / "s.dcm").SegmentSequence
  for seen, segment in list(zip(observed, segments, strict=True))[:2]:
    (code,) = seen.RTROIIdentificationCodeSequence
    (kind,) = segment.SegmentedPropertyTypeCodeSequence
    assert code.CodeValue == kind.CodeValue
    assert code.CodingSchemeDesignator == "SCT"
  (side,) = (
    observed[0]
    .RTROIIdentificationCodeSequence[0]
    .SegmentedPropertyTypeModifierCodeSequence
  )
  assert side.CodeMeaning == "Left"
  # A name of one's own has no code that says more than "anatomy".
  assert "RTROIIdentificationCodeSequence" not in observed[2]


def test_every_structure_can_be_written_with_its_code(written):
  folder, ct, mask = written
  shapes = dict.fromkeys(structures.names(), mask)
  path = dicom.write_rtstruct(folder / "all.dcm", shapes, ct)
  assert dciodvfy(path) == []


def test_names_that_may_be_cut_off_are_warned_of(written, caplog):
  folder, ct, mask = written
  names = {"Sixteen letters.": mask, "Seventeen letters": mask, "brain": mask}
  with caplog.at_level(logging.WARNING, "jaxseg"):
    dicom.write_rtstruct(folder / "long.dcm", names, ct)
  (record,) = caplog.records
  said = record.getMessage()
  assert "1 ROI names" in said and "'Seventeen letters'" in said


def test_segments_may_have_colours_of_their_own(written):
  folder, ct, mask = written
  shapes, own = {"parotid_left": mask, "Wart": mask}, {"Wart": (1, 2, 3)}
  path = dicom.write_seg(folder / "colors.dcm", shapes, ct, colors=own)
  known = structures.get("parotid_left").color
  segments = dicom.read_seg(path).segments
  assert [one.color for one in segments] == [known, (1, 2, 3)]
  for wrong in ({"Wart": (1, 2, 300)}, {"wart": (1, 2, 3)}):
    with pytest.raises(errors.DataError, match="color"):
      dicom.write_seg(folder / "no.dcm", shapes, ct, colors=wrong)


def test_rois_may_have_numbers_of_their_own(written):
  folder, ct, mask = written
  shapes = {
    "a": mask,
    "b": dicom.RtStructure(mask, number=1),
    "c": dicom.RtStructure(mask, number=40),
    "d": mask,
  }
  path = dicom.write_rtstruct(folder / "own.dcm", shapes, ct)
  found = dicom.read_rtstruct(path)
  assert {roi.name: roi.number for roi in found.rois} == {
    "a": 2, "b": 1, "c": 40, "d": 3,
  }  # fmt: skip
  assert dciodvfy(path) == []
  for wrong in (1, -1, 2**31, True, 1.0):
    shapes["a"] = dicom.RtStructure(mask, number=wrong)
    with pytest.raises(errors.DataError, match="number"):
      dicom.write_rtstruct(folder / "no.dcm", shapes, ct)
