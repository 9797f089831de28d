"""Added path length: by hand, and beside a count on every slice."""

import math

import hypothesis
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
import numpy as np
import pytest
from scipy import ndimage

from jaxseg import errors
from jaxseg import metrics

length = metrics.added_path_length


def border(mask):
  return mask & ~ndimage.binary_erosion(mask)


def counted(a, b, spacing, tolerance):
  """SciPy's erosion and distance transform, slice by slice."""
  total = 0
  for drawn, wanted in zip(a, b, strict=True):
    if not drawn.any():
      total += border(wanted).sum()
      continue
    far = ndimage.distance_transform_edt(~border(drawn), sampling=spacing[1:])
    total += (far[border(wanted)] > tolerance * (1 + 1e-12)).sum()
  return total * math.sqrt(spacing[1] * spacing[2])


def test_by_hand():
  # A square of 4 x 4 pixels has 12 on its border; shifted by one along a row,
  # the left column is new, and the inner ones of the right column are inside.
  a, b = np.zeros((2, 2, 8, 8), np.bool_)
  b[0, 2:6, 2:6] = True
  assert length(a | b, b, (3, 2, 2)) == 0
  a[0, 2:6, 3:7] = True
  assert length(a, b, (3, 2, 2)) == 2 * (4 + 2)
  assert length(a, b, (3, 2, 2), tolerance=1.9) == 2 * (4 + 2)
  assert length(a, b, (3, 2, 2), tolerance=2) == 0
  # What is on another slice does not help.
  assert length(a[::-1], b, (0.1, 2, 2), tolerance=5) == 2 * 12
  # Pixels 1 mm by 4 mm: 2 mm each.
  assert length(a[::-1], b, (3, 1, 4)) == 2 * 12


@hypothesis.settings(max_examples=60)
@hypothesis.given(
  hnp.arrays(np.bool_, (2, 3, 5, 6)), st.sampled_from([0, 0.7, 1.0, 1.5, 9])
)
def test_any_masks(pair, tolerance):
  a, b = pair
  hypothesis.assume(b.any())
  spacing = (3.0, 1.0, 0.7)
  found = length(a, b, spacing, tolerance=tolerance)
  assert found == pytest.approx(counted(a, b, spacing, tolerance), rel=1e-12)
  flat = length(a[0], b[0], spacing[1:], tolerance=tolerance)
  if b[0].any():
    assert flat == pytest.approx(counted(a[:1], b[:1], spacing, tolerance))


def test_empty_masks():
  some, none = np.ones((2, 3), np.bool_), np.zeros((2, 3), np.bool_)
  expected = {
    "nan": (math.nan, 6.0, math.inf),
    "perfect": (0.0, 6.0, math.inf),
    "skip": (math.nan, 6.0, math.nan),
  }
  for empty, row in expected.items():
    pairs = ((none, none), (none, some), (some, none))
    found = [length(a, b, (1, 1), empty=empty) for a, b in pairs]
    np.testing.assert_array_equal(found, row)


def test_wrong_input_is_refused():
  mask = np.ones((2, 3), np.bool_)
  with pytest.raises(errors.ConfigError, match="tolerance nan is not 0 or"):
    length(mask, mask, (1, 1), tolerance=math.nan)
  with pytest.raises(ValueError, match="spacing .* of 2 axes"):
    length(mask, mask, (1, 1, 1))
  with pytest.raises(TypeError, match="prediction has dtype"):
    length(mask.astype(int), mask, (1, 1))
