"""Decimal strings: short, exact to 5e-5, and never in a form others misread."""

import re
import time

from hypothesis import given
from hypothesis import strategies as st
import numpy as np
import pytest

from jaxseg import errors
from jaxseg.dicom import _decimals


def texts(*values):
  return _decimals.joined(np.array(values, np.float64)).split("\\")


@pytest.mark.parametrize(("value", "text"), [
    (0.0, "0"),
    (-0.0, "0"),
    (-4e-5, "0"),
    (1e-9, "0"),
    (7.0, "7"),
    (-100.0, "-100"),
    (0.5, "0.5"),
    (-0.5, "-0.5"),
    (10.2501, "10.2501"),
    (10.25004, "10.25"),
    (-0.00007, "-0.0001"),
    (0.99996, "1"),
    (1e5, "100000"),
    (123456.789, "123456.789"),
    (-9999999998.0001, "-9999999998.0001"),
])  # fmt: skip
def test_by_hand(value, text):
  assert texts(value) == [text]
  assert texts(12.5, value, -1.0) == ["12.5", text, "-1"]


def test_arrays_of_any_shape():
  assert _decimals.joined(np.array([[2.0, -3], [0.25, 1000]])) == (
    "2\\-3\\0.25\\1000"
  )
  assert _decimals.joined(np.empty((0, 3))) == ""


@given(st.lists(st.floats(-1e9, 1e9), min_size=1, max_size=20))
def test_near_short_and_plain(values):
  for value, text in zip(values, texts(*values), strict=True):
    assert re.fullmatch(r"-?(0|[1-9]\d*)(\.\d{0,3}[1-9])?", text)
    assert len(text) <= 16 and text != "-0"
    # A billion has room for seven decimals in float64.
    assert abs(float(text) - value) <= 5e-5 + 2e-7
    places = len(text.partition(".")[2])
    if places:
      assert abs(round(value, places - 1) - value) >= 5e-5 - 2e-7


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e10, -3e12])
def test_what_no_decimal_string_holds_is_refused(value):
  with pytest.raises(errors.DataError, match="not finite or too large"):
    texts(1.0, value)


def test_a_million_numbers_in_a_second():
  values = np.random.default_rng(0).normal(0, 200, (1000, 1000))
  start = time.process_time()
  result = [_decimals.joined(row) for row in values]
  assert time.process_time() - start < 1.0
  back = np.array([float(text) for text in result[-1].split("\\")])
  np.testing.assert_allclose(back, values[-1], rtol=0, atol=5.0001e-5)
