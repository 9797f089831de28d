"""Checks of arguments: what fits passes through, the rest is refused."""

import numpy as np
import pytest

from jaxseg import _checks


@pytest.mark.parametrize(
  ("axis", "found"),
  [(None, (0, 1, 2)), (1, (1,)), (-1, (2,)), ((-2, 0), (1, 0)), ([2], (2,)),
   (np.int64(0), (0,)), ((), ())],
)  # fmt: skip
def test_axes(axis, found):
  assert _checks.axes(axis, 3) == found


@pytest.mark.parametrize(
  ("axis", "said"),
  [(3, "axis 3 is not one of 3"), (-4, "not one of 3"), ((0, -3), "twice")],
)
def test_axes_that_are_not_there(axis, said):
  with pytest.raises(ValueError, match=said):
    _checks.axes(axis, 3)
  with pytest.raises(TypeError):
    _checks.axes(1.5, 3)


def test_spacing_is_of_the_last_axes():
  assert _checks.spacing([1, 2], 2) == (1.0, 2.0)
  assert _checks.spacing(np.array([3, 1, 2]), 5) == (3.0, 1.0, 2.0)
  with pytest.raises(ValueError, match="spacing .* of 3 axes"):
    _checks.spacing((1, 2), 5)
