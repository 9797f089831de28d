"""Facts about polygons before they are filled."""

import numpy as np
import pytest

from jaxseg import contours


@pytest.mark.parametrize(
  ("points", "expected"),
  [
    ([[0, 0], [1, 0], [0, 1]], True),
    ([[0, 0], [0, 0], [1, 0], [1, 0], [0, 1]], True),
    ([[0, 0], [1, 0], [2, 0]], True),  # Distinct, whatever their line.
    ([[0, 0], [1, 0], [0, 0], [1, 0]], False),
    ([[0, 0]] * 5, False),
    ([[0, 0], [1, 0]], False),
    (np.empty((0, 3)), False),
  ],
)
def test_three_distinct_points_have_an_area(points, expected):
  assert contours.has_area(np.array(points, np.float64)) == expected


def test_levels_by_hand():
  polygons = [
    np.array([[0, 0, 5], [9, 9, 5], [7, 1, 8]], np.float64),
    np.array([[3, 3, -1]], np.float64),
  ]
  origin, normal = np.array([1.0, 1, 2]), np.array([0.0, 0, 1])
  middle, low, high = contours.levels(polygons, origin, normal)
  np.testing.assert_allclose(middle, [4, -3])
  np.testing.assert_allclose(low, [3, -3])
  np.testing.assert_allclose(high, [6, -3])
  oblique = np.array([0.6, 0.8, 0])
  middle, *_ = contours.levels(polygons[1:], origin, oblique)
  np.testing.assert_allclose(middle, 2 * 0.6 + 2 * 0.8)
  assert all(len(part) == 0 for part in contours.levels([], origin, normal))


def test_crossings_are_never_counted_too_few():
  square = np.array([[1.5, 1.5], [1.5, 6.5], [4.5, 6.5], [4.5, 1.5]])
  # Two sides cross columns 2 to 6, two cross none; each may count one more.
  assert 10 <= contours.count_crossings([square], 10) <= 14
  zigzag = np.zeros((4000, 2))
  zigzag[::2, 1], zigzag[1::2, 1] = -1e9, 1e9
  assert contours.count_crossings([zigzag], 512) >= 4000 * 512
  assert contours.count_crossings([], 512) == 0
