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


@pytest.mark.parametrize("resample", [False, True])
@pytest.mark.parametrize("order", [0, 1, 20, 47])
@pytest.mark.parametrize("skew", [1e-5, 1e-4, -3e-4])
def test_axes_a_little_off_orthogonal_are_those_of_one_image(
  skew, order, resample
):
  # As of an image whose sform is rounded, and a map that ITK has written.
  shape = (4, 90, 300)
  array = np.random.default_rng(0).random(shape, np.float32)
  affine = placed(turn=0.2)
  skewed = affine.copy()
  skewed[:3, 1] += skew * 1.5 * affine[:3, 2]
  skewed[:3, 2] += skew / 1.5 * affine[:3, 1]
  axes, signs = ORDERS[order]
  there = affine.copy()
  there[:3, :3] = affine[:3, axes] * signs
  last = np.where(np.array(signs) < 0, np.array(shape)[list(axes)] - 1, 0)
  there[:3, 3] -= there[:3, :3] @ last
  stored = array.transpose(axes)[tuple(slice(None, None, s) for s in signs)]
  p, _ = formats.match_grids(
    as_map(stored, there),
    as_map(np.zeros(shape, np.bool_), skewed, "b.nrrd"),
    resample=resample,
  )
  np.testing.assert_array_equal(p, array)


@pytest.mark.parametrize(
  ("change", "shape"),
  [
    ((0, 0, 0, 0.1), SHAPE),  # No corner meets.
    ((0, 0.05, 0, 0), SHAPE),  # Another direction, though a short way.
    ((0, 0, 2e-3, 0), (3, 4, 200)),  # The last one is 0.4 mm off.
    ((0, 2e-3, 0, 0), (3, 400, 5)),
  ],
)
def test_other_grids_are_not_taken_for_one_that_drifts(change, shape):
  affine = placed()
  other = affine + 0.0
  other[2] += change
  with pytest.raises(errors.GeometryError, match="different grids"):
    formats.match_grids(
      as_map(np.zeros(shape, np.float32), affine),
      as_map(np.zeros(shape, np.bool_), other, "b.nrrd"),
    )


def test_grids_that_are_turned_alone_are_told_by_how_much():
  affine = placed()
  other = affine + 0.0
  angle = np.radians(17)
  turn = np.eye(3)
  turn[:2, :2] = [
    [np.cos(angle), -np.sin(angle)],
    [np.sin(angle), np.cos(angle)],
  ]
  other[:3, :3] = turn @ affine[:3, :3]
  with pytest.raises(errors.GeometryError, match="differ by up to 17 degrees"):
    formats.match_grids(
      as_map(np.zeros((3, 4, 5), np.float32), affine),
      as_map(np.zeros((3, 4, 5), np.bool_), other, "b.nrrd"),
    )


def test_another_spacing_is_another_grid_however_little():
  shape = (3, 4, 60)  # The last column is 0.09 of its width off.
  with pytest.raises(errors.GeometryError, match="different grids"):
    formats.match_grids(
      as_map(np.zeros(shape, np.float32), placed(spacing=(3.0, 1.5, 1.0016))),
      as_map(np.zeros(shape, np.bool_), placed(), "b.nrrd"),
    )


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
  moved, whole = formats.match_grids(p, mask, resample=True)
  assert moved.shape == whole.shape
  assert moved.dtype == np.float32
  # What the turned map sticks out by is added in front and behind.
  at = np.argwhere(whole)[0]
  assert whole.sum() == mask.array.size
  assert moved[tuple(at + 1)] == pytest.approx(0.25, abs=1e-6)


def test_eight_bits_are_shares_after_resampling():
  p = as_map(np.full(SHAPE, 51, np.uint8), placed(origin=(-10.3, 7, 1e3)))
  mask = as_map(np.ones(SHAPE, np.bool_), placed())
  moved, _ = formats.match_grids(p, mask, resample=True)
  assert moved[1, 1, 1:3] == pytest.approx(0.2, abs=1e-6)


def test_rounding_of_an_origin_is_no_other_grid():
  mask = as_map(np.ones(SHAPE, np.bool_), placed())
  p = as_map(values(), placed(origin=(-10.0004, 7.0003, 1000.0004)))
  np.testing.assert_array_equal(formats.match_grids(p, mask)[0], p.array)


def cropped(box, order=((0, 1, 2), (1, 1, 1)), spacing=(3.0, 1.5, 1.0)):
  """A part of a whole mask, 1 and 2, where it lies, in any order of axes."""
  whole = np.zeros((7, 8, 9), np.uint8)
  whole[2:4, 3:6, 4:7] = 1
  whole[3, 5, 4:6] = 2
  axes, signs = order
  stored = whole[box].transpose(axes)
  affine = placed(spacing)
  affine[:3, 3] += affine[:3, :3] @ [part.start for part in box]
  last = np.where(np.array(signs) < 0, np.array(stored.shape) - 1, 0)
  affine[:3, :3] = affine[:3, axes]
  affine[:3, 3] += affine[:3, :3] @ last
  affine[:3, :3] *= signs
  slices = tuple(slice(None, None, sign) for sign in signs)
  return whole, as_map(stored[slices], affine, "b.nrrd")


@pytest.mark.parametrize("order", ORDERS[::7])
@pytest.mark.parametrize("dtype", [np.float32, np.float16, np.uint8])
def test_a_cropped_reference_is_continued(order, dtype):
  box = (slice(1, 5), slice(2, 8), slice(3, 7))
  whole, reference = cropped(box, order)
  inner = np.zeros_like(whole)
  inner[box] = whole[box]
  draw = np.random.default_rng(0)
  p = (100 * draw.random(whole.shape)).astype(dtype)
  found, mask = formats.match_grids(
    as_map(p, placed()), reference, resample=True
  )
  assert found.dtype == dtype
  # Every voxel of the map is there once, with the label it has in the whole.
  assert found.size == p.size
  for label in (0, 1, 2):
    np.testing.assert_array_equal(
      np.sort(found[mask == label]), np.sort(p[inner == label])
    )


def test_two_crops_of_one_lattice_meet_in_their_union():
  whole, reference = cropped((slice(2, 7), slice(0, 8), slice(2, 6)))
  p = np.random.default_rng(0).random((7, 8, 9), np.float32)
  part = (slice(0, 4), slice(0, 8), slice(4, 9))
  affine = placed()
  affine[:3, 3] += affine[:3, :3] @ [0, 0, 4]
  found, mask = formats.match_grids(
    as_map(p[part], affine), reference, resample=True
  )
  hand = np.full((7, 8, 7), 2, np.uint8)  # In neither: does not count.
  hand[:4, :, 2:] = 0
  hand[2:, :, :4] = whole[2:, :, 2:6]
  np.testing.assert_array_equal(mask, hand)
  values = np.zeros((7, 8, 7), np.float32)
  values[:4, :, 2:] = p[part]
  np.testing.assert_array_equal(found, values)


def test_what_lies_outside_the_reference_counts_on_another_lattice():
  # 6 x 6 x 6 mm of map, whose last 2 x 6 x 6 lie beyond the reference's end.
  reference = as_map(
    np.ones((2, 3, 3), np.uint8), np.diag([2.0, 2, 2, 1])[[2, 1, 0, 3]], "b"
  )
  p = np.zeros((6, 6, 6), np.float32)
  p[5] = 1
  affine = np.eye(4)[[2, 1, 0, 3]]
  affine[:3, 3] = -0.5
  found, mask = formats.match_grids(as_map(p, affine), reference, resample=True)
  np.testing.assert_array_equal(mask, [[[1] * 3] * 3] * 2 + [[[0] * 3] * 3])
  # The centre lies between slices 4 and 5 of the map.
  np.testing.assert_allclose(found[:, 1, 1], [0, 0, 0.5], atol=1e-6)


def test_a_finer_reference_of_the_same_extent_stays_as_it_is():
  mask = np.ones((6, 6, 6), np.uint8)
  affine = np.eye(4)[[2, 1, 0, 3]]
  coarse = np.diag([2.0, 2, 2, 1])[[2, 1, 0, 3]]
  coarse[:3, 3] = 0.5
  p = np.full((3, 3, 3), 0.25, np.float32)
  found, same = formats.match_grids(
    as_map(p, coarse), as_map(mask, affine, "b"), resample=True
  )
  assert same is mask
  assert found[3, 3, 3] == pytest.approx(0.25)


def test_every_other_slice_is_interpolated_not_left_empty():
  mask = as_map(np.ones((5, 4, 5), np.uint8), placed(), "b")
  p = as_map(
    np.full((3, 4, 5), 0.5, np.float32), placed(spacing=(6.0, 1.5, 1.0))
  )
  found, _ = formats.match_grids(p, mask, resample=True)
  np.testing.assert_allclose(found, 0.5, atol=1e-6)


def test_files_of_different_places_are_refused():
  mask = as_map(np.ones(SHAPE, np.uint8), placed(), "b.nrrd")
  for origin in [(-10, 7, 1012), (-10, 7, 1009), (500, 7, 1e3)]:
    with pytest.raises(errors.GeometryError, match="do not overlap"):
      formats.match_grids(
        as_map(values(), placed(origin=origin)), mask, resample=True
      )
  far = placed(spacing=(3.0, 1.5, 1e10))
  with pytest.raises(errors.LimitError, match="crop it"):
    formats.match_grids(as_map(values(), far), mask, resample=True)


def test_the_same_lengths_in_another_order_are_said():
  p = as_map(values().transpose(2, 1, 0), None, "a.npy")
  mask = as_map(np.ones(SHAPE, np.bool_), None, "b.npy")
  with pytest.raises(errors.GeometryError, match="same in another order"):
    formats.match_grids(p, mask)
  p, mask = as_map(p.array, placed()), as_map(mask.array, placed())
  with pytest.raises(errors.GeometryError, match="axes exchanged"):
    formats.match_grids(p, mask)
