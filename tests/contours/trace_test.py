"""Masks to polygons along voxel edges, and exactly back."""

import hypothesis
from hypothesis import strategies as st
import numpy as np
import pytest

from jaxseg import contours
from jaxseg import errors
from tests.contours import naive

AXIAL = np.array(
  [[0, 0, 0.9, -4], [0, 1.2, 0, 5], [2.5, 0, 0, -30], [0, 0, 0, 1.0]]
)
many = hypothesis.settings(max_examples=150, deadline=None)


def oblique(angles, spacing, shift):
  """An affine with any orientation."""
  turn = np.eye(3)
  for axis, angle in enumerate(angles):
    one = np.eye(3)
    a, b = (axis + 1) % 3, (axis + 2) % 3
    one[a, a] = one[b, b] = np.cos(angle)
    one[a, b], one[b, a] = -np.sin(angle), np.sin(angle)
    turn = turn @ one
  affine = np.eye(4)
  affine[:3, :3] = turn * np.array(spacing)
  affine[:3, 3] = shift
  return affine


@st.composite
def masks(draw):
  shape = tuple(draw(st.integers(1, n)) for n in (3, 8, 8))
  share = draw(st.sampled_from([0.1, 0.3, 0.5, 0.7, 0.9, 1.0]))
  seed = draw(st.integers(0, 2**32 - 1))
  return np.random.default_rng(seed).random(shape) < share


affines = st.builds(
  oblique,
  st.tuples(*[st.floats(-3, 3)] * 3),
  st.tuples(st.floats(0.5, 5), st.floats(0.1, 3), st.floats(0.1, 3)),
  st.tuples(*[st.floats(-900, 900)] * 3),
)


@many
@hypothesis.given(masks(), affines)
def test_mask_to_polygons_to_mask_is_the_identity(mask, affine):
  polygons = contours.trace(mask, affine)
  found = contours.rasterize(polygons, mask.shape, affine)
  np.testing.assert_array_equal(found, mask)


@many
@hypothesis.given(masks(), affines)
def test_so_it_is_after_decimals_of_a_file(mask, affine):
  polygons = [
    np.array([[float(f"{v:.4f}"[:16]) for v in p] for p in points])
    for points in contours.trace(mask, affine)
  ]
  found = contours.rasterize(polygons, mask.shape, affine)
  np.testing.assert_array_equal(found, mask)


@many
@hypothesis.given(masks())
def test_by_the_naive_rule_too(mask):
  loops = contours.trace_slices(mask)
  rings, slices = [p for _, p, _ in loops], [k for k, _, _ in loops]
  np.testing.assert_array_equal(naive.fill(rings, slices, mask.shape), mask)


@many
@hypothesis.given(masks())
def test_direction_order_and_corners(mask):
  loops = contours.trace_slices(mask)
  assert [k for k, _, _ in loops] == sorted(k for k, _, _ in loops)
  for _, points, is_hole in loops:
    row, column = points.T
    # Rows grow downwards on a screen, so the usual sign turns round.
    area = 0.5 * np.sum(row * np.roll(column, -1) - column * np.roll(row, -1))
    assert (area < 0) == is_hole and abs(area) >= 1
    assert (points % 1 == 0.5).all()
    steps = np.roll(points, -1, axis=0) - points
    assert ((steps == 0).sum(axis=1) == 1).all()  # Along one axis each,
    before = np.roll(steps, 1, axis=0)
    assert ((steps != 0) != (before != 0)).all()  # and turning at each point.


@pytest.mark.parametrize("mask", [
    np.indices((2, 6, 7)).sum(0) % 2 == 0,
    np.ones((2, 4, 5), bool),
    np.eye(5, dtype=bool)[None],
    np.eye(5, dtype=bool)[None, ::-1],
    np.zeros((1, 3, 3), bool),
], ids=["checkers", "full", "falling", "rising", "empty"])  # fmt: skip
def test_diagonal_neighbours_are_apart(mask):
  loops = contours.trace_slices(mask)
  if not mask.all():
    assert len(loops) == mask.sum()  # Each voxel by itself.
  found = contours.rasterize(contours.trace(mask, AXIAL), mask.shape, AXIAL)
  np.testing.assert_array_equal(found, mask)


def test_ring_with_an_island_by_hand():
  mask = np.zeros((1, 7, 7), bool)
  mask[0, 1:6, 1:6] = True
  mask[0, 2:5, 2:5] = False
  mask[0, 3, 3] = True
  found = contours.trace_slices(mask)
  assert [is_hole for _, _, is_hole in found] == [False, True, False]
  np.testing.assert_array_equal(
    found[0][1], [[0.5, 0.5], [5.5, 0.5], [5.5, 5.5], [0.5, 5.5]]
  )
  np.testing.assert_array_equal(
    found[1][1], [[1.5, 1.5], [1.5, 4.5], [4.5, 4.5], [4.5, 1.5]]
  )


def test_millimetres():
  mask = np.zeros((3, 4, 5), bool)
  mask[2, 1, 3] = True
  (points,) = contours.trace(mask, AXIAL)
  assert points.dtype == np.float64
  x, y, z = -4 + 0.9 * 3, 5 + 1.2, -30 + 2 * 2.5
  np.testing.assert_allclose(points.mean(axis=0), [x, y, z])
  np.testing.assert_allclose(np.ptp(points, axis=0), [0.9, 1.2, 0])


def test_a_hole_that_opens_by_a_corner_is_one_with_the_outside():
  mask = np.ones((1, 3, 3), bool)
  mask[0, 1, 1] = mask[0, 0, 0] = False
  assert len(contours.trace_slices(mask)) == 1
  assert contours.fill(
    [contours.trace_slices(mask)[0][1]], [0], mask.shape
  ).sum() == 7  # fmt: skip


def test_other_arrays_are_refused():
  with pytest.raises(errors.DataError, match="give bool"):
    contours.trace(np.zeros((2, 2, 2), np.uint8), AXIAL)
  with pytest.raises(errors.DataError, match="give bool"):
    contours.trace(np.zeros((2, 2), bool), AXIAL)
