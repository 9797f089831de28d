"""The convolution before the upsampling against the one after it."""

import jax.numpy as jnp
import pytest

from jaxseg.models import _fast
from jaxseg.models import _upsampled
from tests.models import fast_test


@pytest.mark.parametrize("size", [(4, 6), (3, 5), (1, 2)])
def test_it_is_the_convolution_of_the_upsampled_image(size):
  def plain(x, kernel):
    return _fast._convolve(_fast.upsample_2x(x), kernel)

  x = fast_test.draw(3, *size, 4)
  kernel = fast_test.draw(3, 3, 4, 6, seed=1)
  fast_test.assert_same(_upsampled.convolve_upsampled, plain, x, kernel)


def test_joined_is_the_convolution_of_the_concatenation():
  def plain(skip, below, kernel):
    both = jnp.concatenate([skip, _fast.upsample_2x(below)], -1)
    return _fast._convolve(both, kernel)

  skip = fast_test.draw(2, 8, 6, 3)
  below = fast_test.draw(2, 4, 3, 5, seed=1)
  kernel = fast_test.draw(3, 3, 8, 4, seed=2)
  fast_test.assert_same(_fast.convolve_joined, plain, skip, below, kernel)
