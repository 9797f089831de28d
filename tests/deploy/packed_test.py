import numpy as np
import pytest

from jaxseg.deploy import _packed


@pytest.mark.parametrize("shape", [(1, 1, 1), (3, 5, 7), (2, 8, 8)])
def test_a_mask_comes_back(shape):
  mask = np.random.default_rng(0).random(shape) < 0.5
  for one in (mask, np.zeros(shape, bool), np.ones(shape, bool)):
    packed = _packed.Packed.of(one)
    np.testing.assert_array_equal(packed.unpack(), one)
    np.testing.assert_array_equal([*packed.slices()], one)
  assert packed.unpack().dtype == np.bool_


def test_masks_are_unpacked_when_they_are_asked_for():
  masks = {name: np.full((2, 3, 4), name == "a") for name in "ab"}
  packed = {name: _packed.Packed.of(mask) for name, mask in masks.items()}
  found = _packed.Unpacked(packed)
  assert list(found) == ["a", "b"] and len(found) == 2
  for name, mask in found.items():
    np.testing.assert_array_equal(mask, masks[name])
