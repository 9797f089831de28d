import numpy as np
import pytest
from scipy import ndimage

from jaxseg import errors
from jaxseg.data import _body


def by_labels(image):
  """The definition: labels of the whole volume."""
  parts, _ = ndimage.label(image > -300)
  sizes = np.bincount(parts.ravel())
  sizes[0] = 0
  body = parts == np.argmax(sizes)
  places = [np.argwhere(one) for one in body if one.any()]
  return tuple(np.mean([one.mean(0) for one in places], axis=0))


@pytest.mark.parametrize("air", [0.1, 0.4, 0.55, 0.7, 0.9])
def test_it_is_that_of_the_largest_part_in_three_dimensions(air):
  draw = np.random.default_rng(int(100 * air))
  for shape in ((1, 5, 7), (6, 9, 4), (9, 12, 12), (12, 3, 2)):
    for _ in range(12):
      image = np.where(draw.random(shape) < air, -1000, 40).astype(np.int16)
      image.flat[draw.integers(image.size)] = 40
      assert _body.centre(image) == pytest.approx(by_labels(image), abs=1e-12)


def test_parts_that_meet_in_a_later_slice_are_one():
  image = np.full((3, 9, 9), -1000, np.int16)
  image[:2, 1, 1] = image[:2, 7, 7] = 0
  image[2, 1:8, 1] = image[2, 7, 1:8] = 0
  image[:, 4, 4] = 0
  assert _body.centre(image) == pytest.approx(by_labels(image))


def test_air_alone_has_none():
  with pytest.raises(errors.GeometryError, match="no voxel above -300 HU"):
    _body.centre(np.full((2, 4, 4), -1000, np.int16))
