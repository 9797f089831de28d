"""What a case refuses."""

import subprocess
import sys

import numpy as np
import pytest

from jaxseg import cohorts
from jaxseg import errors
from jaxseg import volume

SHAPE = (6, 2, 3)


def case(*, dtype=np.int16, **masks):
  """A case of six slices."""
  image = volume.Volume.from_affine(np.zeros(SHAPE, dtype), np.eye(4))
  return cohorts.Case("a", image, masks)


def test_contoured_is_sorted():
  mask = np.zeros(SHAPE, np.bool_)
  assert case(larynx=mask, brain=mask).contoured == ("brain", "larynx")


def test_nothing_contoured_is_no_error():
  assert case().contoured == ()


@pytest.mark.parametrize("dtype", [np.float32, np.int32, np.uint16])
def test_image_must_be_int16(dtype):
  with pytest.raises(errors.DataError, match="not int16 HU"):
    case(dtype=dtype)


@pytest.mark.parametrize(
  "mask", [np.zeros(SHAPE, np.uint8), np.zeros((6, 3, 2), np.bool_)]
)
def test_mask_must_fit_the_image(mask):
  with pytest.raises(errors.DataError, match="a: mask larynx is"):
    case(larynx=mask)


def test_a_cohort_is_what_has_the_protocols_members(tmp_path):
  (tmp_path / "pt_1").mkdir()
  cohort: cohorts.Cohort = cohorts.OpenKBP(tmp_path)
  assert cohort.name == "openkbp"
  assert len(cohort.structures) == 7
  assert cohort.patients() == ("pt_1",)


def test_all_but_dicom_needs_no_pydicom():
  program = """
import sys
sys.modules["pydicom"] = None
from jaxseg import cohorts, errors
assert cohorts.Phantom(size=32, slice_mm=20).load("phantom_000").masks
assert cohorts.OpenKBP
try:
  cohorts.DicomFolder("x")
except errors.MissingExtraError as e:
  assert "pip install 'jaxseg[io]'" in str(e)
else:
  raise AssertionError
"""
  subprocess.run([sys.executable, "-c", program], check=True, timeout=120)
