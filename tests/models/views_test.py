"""The mean of shifted views."""

import numpy as np
import pytest

from jaxseg import errors
from jaxseg import models


def test_a_map_that_goes_with_the_image_stays_as_it_is():
  images = np.random.default_rng(0).random((3, 17, 20), np.float32)
  seen = []

  def predict(given):
    seen.append(given.copy())
    return given

  for views in range(1, 10):
    seen.clear()
    found = models.mean_of_views(predict, images, views)
    np.testing.assert_allclose(found, images, rtol=1e-6)
    assert found.dtype == np.float32 and found.max() <= 1
    assert len(seen) == views
    assert len({view.tobytes() for view in seen}) == views


def test_it_is_the_mean_worked_out_by_hand():
  # A "network" that knows only where in its own image it looks.
  own = np.arange(12 * 13, dtype=np.float32).reshape(12, 13) / 1000
  found = models.mean_of_views(
    lambda x: np.stack([own] * len(x)), np.zeros((2, 12, 13), np.int16), 3
  )
  # At (5, 5) the views moved by (0, 0), (2, 3), (-3, 2) look at these places.
  expected = (own[5, 5] + own[7, 8] + own[2, 7]) / 3
  np.testing.assert_allclose(found[:, 5, 5], expected, rtol=1e-6)
  # At (0, 12) only the first still sees the pixel.
  np.testing.assert_allclose(found[:, 0, 12], own[0, 12], rtol=1e-6)


@pytest.mark.parametrize("views", [0, 10, 2.0, True, "3"])
def test_views_that_there_are_not(views):
  with pytest.raises(errors.ConfigError, match="from 1"):
    models.check_views(views)
