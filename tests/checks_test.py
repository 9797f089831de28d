"""Checks of arguments that several packages share."""

import numpy as np
import pytest

from jaxseg import _checks as checks
from jaxseg import errors


@pytest.mark.parametrize(
  ("axis", "expected"),
  [(None, (0, 1, 2)), (1, (1,)), (np.int64(-1), (2,)), ((-3, 1), (0, 1))],
)
def test_axes_count_from_the_front(axis, expected):
  assert checks.axes(axis, 3) == expected


@pytest.mark.parametrize(
  ("axis", "said"),
  [
    (3, "axis 3 does not fit an array of 3 axes"),
    ((0, -4), r"axis \(0, -4\) does not fit"),
    ((1, -2), "names an axis twice"),
  ],
)
def test_axes_that_cannot_be_meant_are_refused(axis, said):
  with pytest.raises(ValueError, match=said):
    checks.axes(axis, 3)


def test_an_unknown_name_is_a_config_error_that_lists_the_known():
  checks.one_of(("nan", "skip"), empty="skip")
  for value in ("zero", None, 1.0, np.array(["nan", "skip"])):
    with pytest.raises(errors.ConfigError, match="^empty .* one of nan, skip$"):
      checks.one_of(("nan", "skip"), empty=value)


def test_spacing_is_of_the_last_axes():
  assert checks.spacing([1, 2], 2) == (1.0, 2.0)
  assert checks.spacing(np.array([3, 1, 2]), 5) == (3.0, 1.0, 2.0)
  with pytest.raises(ValueError, match="spacing .* of 3 axes"):
    checks.spacing((1, 2), 5)


@pytest.mark.parametrize("number", [1, -1, 2.5, 3.0, "3", None, float("nan")])
def test_what_is_no_whole_number_is_refused(number):
  with pytest.raises(errors.ConfigError, match="n is .*; give a whole number"):
    checks.whole(2, n=number)


def test_whole_numbers_of_numpy_pass():
  checks.whole(2, n=np.int32(2), m=3)
