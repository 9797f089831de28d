"""Lines of a probability map at a threshold."""

import hypothesis
from hypothesis import strategies as st
import numpy as np
import pytest

from jaxseg import contours
from jaxseg import errors
from jaxseg import thresholds
from tests.contours import trace_test

AXIAL = trace_test.AXIAL
LARGEST = (3, 7, 7)


@st.composite
def maps(draw):
  shape = tuple(draw(st.integers(1, n)) for n in LARGEST)
  seed = draw(st.integers(0, 2**32 - 1))
  noise = np.random.default_rng(seed).random(shape).astype(np.float32)
  steps = draw(st.sampled_from([None, 1, 4, 10, 255]))
  return noise if steps is None else np.round(noise * steps) / np.float32(steps)


cuts = st.one_of(
  st.sampled_from([0.1, 0.25, 0.5, 0.3, 1.0, 1e-7, 0.75]),
  st.floats(1e-6, 1, allow_nan=False),
)


@trace_test.many
@hypothesis.given(maps(), cuts, trace_test.affines)
def test_inside_is_at_least_the_threshold(values, cut, affine):
  lines = contours.isolines(values, cut, affine)
  # Of one shape, so that it is compiled once.
  padded = np.zeros(LARGEST, np.float32)
  inside = tuple(slice(n) for n in values.shape)
  padded[inside] = values
  np.testing.assert_array_equal(
    contours.rasterize(lines, values.shape, affine),
    np.asarray(thresholds.binarize(padded, cut))[inside],
  )


@pytest.mark.parametrize("steps", [-1, 1])
def test_neighbours_of_the_threshold(steps):
  cut = np.float32(0.3)
  near = np.nextafter(cut, np.float32(steps))
  draw = np.random.default_rng(0)
  values = np.where(draw.random((2, 9, 9)) < 0.5, cut, near)
  found = contours.rasterize(
    contours.isolines(values, 0.3, AXIAL), values.shape, AXIAL
  )
  np.testing.assert_array_equal(found, values >= cut)


def test_vertices_by_hand():
  values = np.zeros((1, 3, 3), np.float32)
  values[0, 1, 1], values[0, 1, 2] = 1.0, 0.25
  (line,) = contours.isolines(values, 0.5, np.eye(4))
  # Halfway to zeros, two thirds of the way to a quarter.
  expected = {(0, 1, 0.5), (0, 1.5, 1), (0, 1, 1 + 2 / 3), (0, 0.5, 1)}
  assert {tuple(np.round(p, 9)) for p in line} == {
    tuple(np.round(p, 9)) for p in expected
  }
  row, column = line[:, 1], line[:, 2]
  assert np.sum(row * np.roll(column, -1) - column * np.roll(row, -1)) > 0


def test_a_disc_has_the_radius_of_its_level():
  row, column = np.mgrid[:41, :41] - 20.3
  radius = np.hypot(row, column)
  values = np.clip(1 - radius / 20, 0, 1).astype(np.float32)[None]
  (line,) = contours.isolines(values, 0.5, np.eye(4))
  found = np.hypot(line[:, 1] - 20.3, line[:, 2] - 20.3)
  assert abs(found - 10).max() < 0.02  # A mask's border is off by up to 0.7.


def test_lines_close_beyond_the_volume():
  lines = contours.isolines(np.ones((1, 2, 2), np.float32), 0.5, np.eye(4))
  assert len(lines) == 1 and lines[0].min() == -0.5 and lines[0].max() == 1.5
  assert contours.isolines(np.zeros((1, 2, 2)), 0.5, np.eye(4)) == []


def test_a_lonely_voxel_of_exactly_the_threshold_is_a_point():
  values = np.zeros((1, 3, 3), np.float32)
  values[0, 1, 1] = 0.5
  (line,) = contours.isolines(values, 0.5, np.eye(4))
  np.testing.assert_array_equal(line, [[0, 1, 1]])
  assert contours.rasterize([line], (1, 3, 3), np.eye(4)).sum() == 1


def test_a_softmax_that_is_a_rounding_above_1_is_a_map():
  values = np.zeros((1, 3, 3), np.float32)
  values[0, 1, 1] = np.float32(1) + np.finfo(np.float32).eps
  (line,) = contours.isolines(values, 0.5, AXIAL)
  assert contours.rasterize([line], (1, 3, 3), AXIAL).sum() == 1


def test_bad_maps_and_thresholds_are_refused():
  good = np.full((1, 2, 2), 0.5, np.float32)
  for value in (np.nan, -0.1, 1.5):
    bad = good.copy()
    bad[0, 1, 0] = value
    with pytest.raises(errors.DataError, match=r"\[0, 1, 0\]"):
      contours.isolines(bad, 0.5, AXIAL)
  for cut in (0, -1, 1.01, float("nan")):
    with pytest.raises(errors.ConfigError, match="give one in"):
      contours.isolines(good, cut, AXIAL)
  with pytest.raises(errors.DataError, match="shape"):
    contours.isolines(good[0], 0.5, AXIAL)
