"""Balanced accuracy and MCC: beside the plain formulas in float64."""

import math

import hypothesis
from hypothesis.extra import numpy as hnp
import jax
import numpy as np
import pytest

from jaxseg import metrics

MASKS = hnp.arrays(np.bool_, (2, 3, 5))


def plain(a, b):
  """(Balanced accuracy, MCC), nan where a formula is 0 / 0."""
  tp, tn = (a & b).sum(), (~a & ~b).sum()
  fp, fn = (a & ~b).sum(), (~a & b).sum()
  with np.errstate(invalid="ignore"):
    root = math.sqrt((tp + fp) * (tp + fn) * (tn + fp) * (tn + fn))
    return (
      (tp / (tp + fn) + tn / (tn + fp)) / 2,
      np.float64(tp * tn - fp * fn) / root,
    )


@hypothesis.settings(max_examples=100)
@hypothesis.given(MASKS)
def test_any_masks(pair):
  a, b = pair
  expected = plain(a, b)
  found = (
    metrics.balanced_accuracy(a, b), metrics.matthews_correlation(a, b)
  )  # fmt: skip
  for value, wanted in zip(found, expected, strict=True):
    if not np.isnan(wanted):
      assert float(value) == pytest.approx(wanted, abs=3e-7)
    else:  # Undefined: nan if the masks are equal, otherwise no better than 0.
      assert np.isnan(value) if (a == b).all() else float(value) == 0


def test_millions_of_voxels():
  draw = np.random.default_rng(0)
  b = draw.random((150, 200, 200)) < 0.02
  a = b ^ (draw.random(b.shape) < 0.001)
  assert float(metrics.matthews_correlation(a, b)) == pytest.approx(
    np.corrcoef(a.ravel(), b.ravel())[0, 1], rel=1e-6
  )


def test_axes_and_transformations():
  a, b = np.random.default_rng(1).random((2, 4, 6, 7, 3)) < 0.4
  for metric, k in (
    (metrics.balanced_accuracy, 0), (metrics.matthews_correlation, 1),
  ):  # fmt: skip
    found = metric(a, b, axis=(1, 2))
    assert found.shape == (4, 3)
    assert found.dtype == np.float32
    for n, c in np.ndindex(4, 3):
      wanted = plain(a[n, ..., c], b[n, ..., c])[k]
      assert float(found[n, c]) == pytest.approx(wanted, abs=3e-7)
    np.testing.assert_allclose(
      jax.jit(jax.vmap(metric))(a, b),
      [metric(*pair) for pair in zip(a, b, strict=True)],
      rtol=1e-6,
    )


def test_what_nothing_can_be_counted_of():
  full, none = np.ones((2, 3), np.bool_), np.zeros((2, 3), np.bool_)
  some = np.eye(2, 3, dtype=np.bool_)
  for metric in (metrics.balanced_accuracy, metrics.matthews_correlation):
    for same in (full, none):
      assert np.isnan(metric(same, same))
      assert float(metric(same, same, empty="perfect")) == 1
      assert float(metric(some, same)) == 0
    assert np.isnan(metric(some, none, empty="skip"))
    with jax.debug_nans(True):  # Equal masks, but defined.
      assert float(metric(some, some)) == 1
  assert float(metrics.balanced_accuracy(none, some)) == 0.5
  assert float(metrics.matthews_correlation(none, some)) == 0
