"""Slices between drawn ones: skipped or a real gap, and filled by shape."""

import numpy as np
import pytest
from scipy import ndimage

from jaxseg import contours
from jaxseg import errors


def stack(*slices, count=24, shift=0):
  """Squares on some slices, each `shift` columns beside the one before."""
  mask = np.zeros((count, 12, 40), np.bool_)
  for n, k in enumerate(slices):
    mask[k, 3:9, 2 + n * shift : 8 + n * shift] = True
  return mask


@pytest.mark.parametrize(
  ("drawn", "expected"),
  [
    ([2, 3, 4, 5], []),
    ([], []),
    ([7], []),
    ([2, 4, 6, 8], [3, 5, 7]),  # Every second slice.
    ([0, 5, 10, 15], [1, 2, 3, 4, 6, 7, 8, 9, 11, 12, 13, 14]),
    ([2, 4, 7, 9, 12], [3, 5, 6, 8, 10, 11]),  # 5 mm on slices of 2 mm.
    ([2, 3, 4, 6, 7, 8], [5]),  # One was forgotten.
    ([2, 3, 4, 5, 6, 9, 12, 15], [7, 8, 10, 11, 13, 14]),  # Ever coarser.
    ([2, 3, 4, 12, 13, 14], []),  # Two parts.
    ([2, 4, 6, 15, 17, 19], [3, 5, 16, 18]),  # Two, each on every second.
    ([2, 4, 6, 10, 12, 14], [3, 5, 7, 8, 9, 11, 13]),  # One was forgotten.
    ([3, 9], [4, 5, 6, 7, 8]),
  ],
)
def test_the_pattern_of_spacing_decides(drawn, expected):
  assert contours.skipped(stack(*drawn)).tolist() == expected


def test_parts_that_do_not_overlap_are_parts():
  # Two lymph nodes a slice apart, beside each other.
  mask = stack(2, 3, 4)
  mask[6:9] = stack(6, 7, 8)[6:9, :, ::-1]
  assert contours.skipped(mask).tolist() == []
  # Of two single slices nobody can tell.
  assert contours.skipped(stack(3, 7, shift=20)).tolist() == [4, 5, 6]
  # A thin oblique structure on every third slice does not overlap itself.
  assert contours.skipped(stack(0, 3, 6, shift=7)).tolist() == [1, 2, 4, 5]


def test_contours_too_small_for_a_voxel_were_drawn():
  mask = stack(2, 3, 5, 6)
  drawn = np.zeros(24, np.bool_)
  drawn[2:7] = True
  assert contours.skipped(mask, drawn=drawn).tolist() == []
  with pytest.raises(errors.GeometryError, match="drawn"):
    contours.skipped(mask, drawn=drawn[1:])


def test_between_equal_shapes_lies_the_shape():
  mask = stack(2, 4, 8)
  filled = contours.interpolate(
    mask, np.array([3, 5, 6, 7, 9]), np.arange(24.0), (1.0, 1.0)
  )
  np.testing.assert_array_equal(filled, stack(2, 3, 4, 5, 6, 7, 8))
  np.testing.assert_array_equal(mask, stack(2, 4, 8))


def test_a_square_grows_by_distance_not_by_index():
  mask = np.zeros((3, 41, 41), np.bool_)
  mask[0, 18:23, 18:23] = True  # Half an edge of 2.5, and 12.5 pixels.
  mask[2, 8:33, 8:33] = True
  for place, half in ((1.0, 5), (3.0, 10)):
    filled = contours.interpolate(
      mask, np.array([1]), np.array([0, place, 4.0]), (0.5, 0.5)
    )
    # By linear interpolation along the middle row: 2.5 + 10 * place / 4.
    assert filled[1, 20].sum() == 2 * half + 1


def test_signed_distances_by_another_way():
  generator = np.random.default_rng(5)
  field = ndimage.gaussian_filter(generator.normal(size=(3, 30, 34)), (0, 4, 4))
  mask = field > 0.02
  filled = contours.interpolate(
    mask, np.array([1]), np.array([0, 1.0, 4.0]), (1.0, 1.0)
  )

  def signed(one):
    inside, outside = (np.argwhere(one == v) for v in (True, False))
    result = np.empty(one.shape)
    for at in np.ndindex(*one.shape):
      others = outside if one[at] else inside
      nearest = np.sqrt(((others - at) ** 2).sum(axis=1).min()) - 0.5
      result[at] = nearest if one[at] else -nearest
    return result

  mixed = 0.75 * signed(np.pad(mask[0], 1)) + 0.25 * signed(np.pad(mask[2], 1))
  mixed = mixed[1:-1, 1:-1]
  clear = abs(mixed) > 1e-9
  np.testing.assert_array_equal(filled[1][clear], mixed[clear] > 0)


@pytest.mark.parametrize("radius", [5.3, 9.8])
def test_a_ball_from_half_of_its_slices(radius):
  k, i, j = np.indices((25, 25, 25)) - 12
  ball = k**2 + i**2 + j**2 <= radius**2
  half = ball.copy()
  drawn = np.flatnonzero(ball.any((1, 2)))
  half[drawn[1:-1:2]] = False
  skipped = contours.skipped(half)
  assert skipped.tolist() == drawn[1:-1:2].tolist()
  filled = contours.interpolate(half, skipped, np.arange(25.0), (1.0, 1.0))
  overlap = 2 * (filled & ball).sum() / (filled.sum() + ball.sum())
  assert overlap > 0.95
  assert filled.sum() == pytest.approx(ball.sum(), rel=0.06)


def test_without_shapes_on_both_sides_nothing_is_filled():
  mask = stack(5)
  again = contours.interpolate(
    mask, np.array([4, 6]), np.arange(24.0), (1.0, 1.0)
  )
  np.testing.assert_array_equal(again, mask)
  empty = np.zeros_like(mask)
  assert not contours.interpolate(
    empty, np.array([4]), np.arange(24.0), (1.0, 1.0)
  ).any()


def test_a_mask_of_one_slice_is_refused():
  with pytest.raises(errors.GeometryError, match=r"mask has shape \(4, 4\)"):
    contours.skipped(np.ones((4, 4), np.bool_))
