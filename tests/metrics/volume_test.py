"""Volumes and F-scores: by hand, and beside NumPy's whole numbers."""

import math

import hypothesis
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
import jax
import numpy as np
import pytest

from jaxseg import errors
from jaxseg import metrics

PAIRS = hnp.arrays(np.bool_, (2, 3, 4, 5))


@hypothesis.settings(max_examples=60)
@hypothesis.given(PAIRS, st.sampled_from([0.5, 1.0, 2.0]))
def test_whole_numbers_give_the_same(pair, beta):
  a, b = pair
  tp, fp, fn = (int((m).sum()) for m in (a & b, a & ~b, ~a & b))
  hypothesis.assume(a.any() and b.any())
  expected = {
    "f": (1 + beta**2) * tp / ((1 + beta**2) * tp + beta**2 * fn + fp),
    "similarity": 1 - abs(fp - fn) / (2 * tp + fp + fn),
    "relative": (fp - fn) / (tp + fn),
    "ml": (fp - fn) * 3.0 * 0.7 * 0.9 / 1000,
  }
  found = {
    "f": metrics.f_beta(a, b, beta=beta),
    "similarity": metrics.volume_similarity(a, b),
    "relative": metrics.relative_volume_difference(a, b),
    "ml": metrics.volume_difference(a, b, (3.0, 0.7, 0.9)),
  }
  for name, value in expected.items():
    assert found[name].dtype == np.float32
    assert float(found[name]) == pytest.approx(value, rel=3e-7), name
  if beta == 1:
    assert float(found["f"]) == pytest.approx(float(metrics.dice(a, b)))


def test_axes_and_jit():
  a, b = np.random.default_rng(0).random((2, 4, 3, 5, 6)) < 0.5
  axis = (-3, -2, -1)
  for metric in (
    metrics.f_beta,
    metrics.volume_similarity,
    metrics.relative_volume_difference,
    lambda p, r, axis: metrics.volume_difference(p, r, (2, 1, 1), axis=axis),
  ):
    found = jax.jit(lambda p, r, m=metric: m(p, r, axis=axis))(a, b)
    assert found.shape == (4,)
    rows = jax.vmap(lambda p, r, m=metric: m(p, r, axis=None))(a, b)
    np.testing.assert_array_equal(found, rows)


def test_signs_and_units():
  a, b = np.zeros((2, 4, 10, 10), np.bool_)
  a[0], b[:2] = True, True
  assert float(metrics.volume_difference(a, b, (5, 2, 1))) == -1.0  # mL
  assert float(metrics.volume_difference(b, a, (5, 2, 1))) == 1.0
  assert float(metrics.volume_difference(b, a, (2, 1))) == pytest.approx(0.2)
  assert float(metrics.relative_volume_difference(a, b)) == -0.5
  assert float(metrics.relative_volume_difference(b, a)) == 1.0
  none = np.zeros_like(a)
  assert float(metrics.volume_difference(none, none, (5, 2, 1))) == 0.0


@pytest.mark.parametrize(
  ("empty", "both", "hallucinated"),
  [("nan", math.nan, math.inf), ("perfect", 0.0, math.inf),
   ("skip", math.nan, math.nan)],
)  # fmt: skip
def test_relative_volume_of_empty_masks(empty, both, hallucinated):
  some, none = np.ones((2, 3), np.bool_), np.zeros((2, 3), np.bool_)
  found = [
    metrics.relative_volume_difference(a, b, empty=empty)
    for a, b in ((none, none), (none, some), (some, none))
  ]
  np.testing.assert_array_equal(found, [both, -1.0, hallucinated])


def test_wrong_input_is_refused():
  mask = np.ones((2, 3), np.bool_)
  with pytest.raises(errors.ConfigError, match="beta is 0"):
    metrics.f_beta(mask, mask, beta=0)
  with pytest.raises(ValueError, match="spacing .* of 3 axes"):
    metrics.volume_difference(mask, mask, (1,))
  with pytest.raises(ValueError, match="spacing 3.0 mm .* of 3 axes"):
    metrics.volume_difference(mask, mask, 3.0)
  with pytest.raises(errors.ConfigError, match="beta is inf"):
    metrics.f_beta(mask, mask, beta=np.inf)
  with pytest.raises(ValueError, match="spacing .* of 2 axes"):
    metrics.volume_difference(mask, mask, (1, -1))
