"""What a case refuses, and which slices it calls missing."""

import numpy as np
import pytest

from jaxseg import cohorts
from jaxseg import errors
from jaxseg import volume

SHAPE = (6, 2, 3)


def case(*, dtype=np.int16, unscanned=(), **masks):
  """A case of six slices."""
  image = volume.Volume.from_affine(np.zeros(SHAPE, dtype), np.eye(4))
  return cohorts.Case("a", image, masks, unscanned)


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


@pytest.mark.parametrize(
  ("unscanned", "missing"),
  [
    ((), ()),
    ((0, 1, 5), ()),  # Only ends.
    ((0, 2, 3, 5), (2, 3)),
    ((4,), (4,)),
    (tuple(range(6)), ()),  # Nothing scanned: no middle.
    (tuple(range(5)), ()),
  ],
)
def test_missing_slices_lie_between_scanned_ones(unscanned, missing):
  assert case(unscanned=unscanned).missing_slices == missing


def test_a_cohort_is_what_has_the_protocols_members(tmp_path):
  (tmp_path / "pt_1").mkdir()
  cohort: cohorts.Cohort = cohorts.OpenKBP(tmp_path)
  assert cohort.name == "openkbp"
  assert len(cohort.structures) == 7
  assert cohort.patients() == ("pt_1",)
