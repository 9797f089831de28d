"""Correlations beside SciPy's, Holm's correction by hand, coverage."""

import math

import numpy as np
import pytest
import scipy.stats

from jaxseg.study import _correlation


@pytest.mark.parametrize("n", [4, 7, 10])
def test_pearson_and_its_interval_are_scipys(n):
  draw = np.random.default_rng(n)
  x, y = draw.random((2, n))
  found = _correlation.correlate(x, y)
  theirs = scipy.stats.pearsonr(x, y)
  assert (found["pearson"], found["pearson_p"]) == pytest.approx(theirs)
  z, width = np.arctanh(found["pearson"]), 1.959963984540054 / (n - 3) ** 0.5
  ends = np.tanh([z - width, z + width])
  assert [found["pearson_low"], found["pearson_high"]] == pytest.approx(ends)


def test_three_points_have_no_interval_and_two_nothing():
  three = _correlation.correlate(np.array([1.0, 2, 3]), np.array([1.0, 3, 2]))
  assert three["pearson"] == pytest.approx(0.5)
  assert math.isnan(three["pearson_low"])
  for x in (np.array([1.0, 2]), np.array([1.0, 1, 1, 1])):
    found = _correlation.correlate(x, np.arange(len(x), dtype=float))
    assert all(map(math.isnan, found.values()))


def test_partial_is_that_of_the_inverse_correlation_matrix():
  draw = np.random.default_rng(3)
  x, y, z = draw.normal(size=(3, 9)) + draw.normal(size=9)
  found = _correlation.partial(x, y, z)
  inverse = np.linalg.inv(np.corrcoef([x, y, z]))
  expected = -inverse[0, 1] / math.sqrt(inverse[0, 0] * inverse[1, 1])
  assert found["partial"] == pytest.approx(expected)
  # The same p as the slope of x in a regression of y on both.
  design = np.column_stack([np.ones(9), x, z])
  slope, left, *_ = np.linalg.lstsq(design, y, rcond=None)
  variance = left[0] / 6 * np.linalg.inv(design.T @ design)[1, 1]
  t = abs(slope[1]) / math.sqrt(variance)
  assert found["partial_p"] == pytest.approx(2 * scipy.stats.t.sf(t, 6))


def test_partial_of_what_the_control_explains_is_nan():
  z = np.arange(6.0)
  found = _correlation.partial(2 * z + 1, z**2, z)
  assert all(map(math.isnan, found.values()))
  assert all(
    map(math.isnan, _correlation.partial(z[:3], z[:3], z[:3]).values())
  )


def test_holm_by_hand():
  found = _correlation.holm([0.01, 0.04, math.nan, 0.03, 0.005, 0.9])
  expected = [0.04, 0.09, math.nan, 0.09, 0.025, 0.9]
  np.testing.assert_allclose(found, expected)
  assert _correlation.holm([]) == []
  assert _correlation.holm([0.6, 0.7]) == [1.0, 1.0]


def test_the_interval_covers_the_truth():
  draw = np.random.default_rng(11)
  truth, inside, tries = 0.6, 0, 600
  for _ in range(tries):
    x, noise = draw.normal(size=(2, 10))
    y = truth * x + math.sqrt(1 - truth**2) * noise
    found = _correlation.correlate(x, y)
    inside += found["pearson_low"] <= truth <= found["pearson_high"]
  assert 0.93 <= inside / tries <= 0.97
