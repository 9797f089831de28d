"""A map on the grid of its reference: exactly, or not at all unless asked."""

import itertools
import pathlib

import hypothesis
from hypothesis import strategies as st
import numpy as np
import pytest
from scipy.spatial import transform

from jaxseg import errors
from jaxseg import formats
from jaxseg import volume

SHAPE = (3, 4, 5)


def placed(spacing=(3.0, 1.5, 1.0), origin=(-10, 7, 1e3), turn=0.0):
  affine = np.eye(4)
  rotation = transform.Rotation.from_euler("xyz", np.array([1, 2, 3]) * turn)
  affine[:3, :3] = rotation.as_matrix() @ (np.eye(3)[:, ::-1] * spacing)
  affine[:3, 3] = origin
  return affine


def as_map(array, affine, name="a.nrrd"):
  return volume.Volume.from_affine(array, affine, source=pathlib.Path(name))


def values(seed=0):
  return np.random.default_rng(seed).random(SHAPE, np.float32)


ORDERS = [
  (axes, signs)
  for axes in itertools.permutations(range(3))
  for signs in itertools.product((1, -1), repeat=3)
]


@hypothesis.settings(deadline=None, max_examples=200)
@hypothesis.given(st.sampled_from(ORDERS), st.floats(-0.6, 0.6))
def test_every_order_of_the_axes_is_exact(order, turn):
  axes, signs = order
  array, affine = values(), placed(turn=turn)
  slices = tuple(slice(None, None, sign) for sign in signs)
  stored = array.transpose(axes)[slices]
  there = affine.copy()
  there[:3, :3] = affine[:3, axes] * signs
  last = np.where(np.array(signs) < 0, np.array(stored.shape) - 1, 0)
  there[:3, 3] -= there[:3, :3] @ last
  reference = np.zeros(SHAPE, np.bool_)
  p, y = formats.match_grids(
    as_map(stored, there), as_map(reference, affine, "b.nrrd")
  )
  np.testing.assert_array_equal(p, array)
  assert y is reference


def test_without_geometry_shapes_must_agree():
  p = as_map(values(), None, "a.npy")
  mask = np.ones(SHAPE, np.bool_)
  np.testing.assert_array_equal(
    formats.match_grids(p, as_map(mask, placed()))[0], p.array
  )
  with pytest.raises(errors.GeometryError, match=r"a\.npy"):
    formats.match_grids(p, as_map(mask[1:], placed()))


@pytest.mark.parametrize(
  "other",
  [
    placed(spacing=(3.0, 1.5, 1.01)),
    placed(origin=(-10, 7.4, 1e3)),
    placed(turn=0.05),
  ],
)
def test_another_grid_only_when_asked(other):
  mask = as_map(np.ones(SHAPE, np.bool_), placed(), "b.nrrd")
  p = as_map(np.full(SHAPE, 0.25, np.float32), other)
  with pytest.raises(errors.GeometryError, match="--resample") as raised:
    formats.match_grids(p, mask)
  assert "a.nrrd" in str(raised.value)
  assert "b.nrrd" in str(raised.value)
  moved, _ = formats.match_grids(p, mask, resample=True)
  assert moved.shape == SHAPE
  assert moved.dtype == np.float32
  assert moved[1, 1:3, 1:4] == pytest.approx(0.25, abs=1e-6)


def test_eight_bits_are_shares_after_resampling():
  p = as_map(np.full(SHAPE, 51, np.uint8), placed(origin=(-10.3, 7, 1e3)))
  mask = as_map(np.ones(SHAPE, np.bool_), placed())
  moved, _ = formats.match_grids(p, mask, resample=True)
  assert moved[1, 1, 1:3] == pytest.approx(0.2, abs=1e-6)


def test_rounding_of_an_origin_is_no_other_grid():
  mask = as_map(np.ones(SHAPE, np.bool_), placed())
  p = as_map(values(), placed(origin=(-10.0004, 7.0003, 1000.0004)))
  np.testing.assert_array_equal(formats.match_grids(p, mask)[0], p.array)
