"""Calibration from maps: beside NumPy in float64, and beside counts."""

import math

import hypothesis
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxseg import errors
from jaxseg import metrics
from jaxseg import thresholds

MAPS = hnp.arrays(
  np.float32, (4, 6), elements=st.floats(0, 1, width=32, allow_subnormal=False)
)
MASKS = hnp.arrays(np.bool_, (4, 6))


def plain(p, y, bins):
  """ECE, MCE, Brier and NLL in float64."""
  edges = (np.arange(bins + 1) / bins).astype(np.float32)
  place = np.clip(np.searchsorted(edges, p, side="right") - 1, 0, bins - 1)
  wide = p.astype(np.float64)
  gaps = [
    (y[place == k].mean() - wide[place == k].mean(), (place == k).mean())
    for k in range(bins)
    if (place == k).any()
  ]
  with np.errstate(divide="ignore"):
    cost = -np.where(y, np.log(wide), np.log1p(-wide))
  return (
    sum(abs(gap) * share for gap, share in gaps),
    max(abs(gap) for gap, _ in gaps),
    ((wide - y) ** 2).mean(),
    cost.mean(),
  )


def found(p, y, bins, **kwargs):
  return (
    metrics.expected_calibration_error(p, y, bins=bins, **kwargs),
    metrics.maximum_calibration_error(p, y, bins=bins, **kwargs),
    metrics.brier_score(p, y, **kwargs),
    metrics.negative_log_likelihood(p, y, **kwargs),
  )


@hypothesis.settings(max_examples=60)
@hypothesis.given(MAPS, MASKS, MASKS, st.sampled_from([1, 4, 15]))
def test_float64_gives_the_same(p, y, where, bins):
  np.testing.assert_allclose(
    found(p, y, bins), plain(p, y, bins), rtol=2e-6, atol=1e-6
  )
  if where.any():
    np.testing.assert_allclose(
      found(p, y, bins, where=where), plain(p[where], y[where], bins),
      rtol=2e-6, atol=1e-6,
    )  # fmt: skip


def test_millions_of_voxels():
  # A long float32 sum would be wrong in the third digit.
  draw = np.random.default_rng(0)
  p = draw.random(5_000_000, np.float32)
  y = draw.random(p.size, np.float32) < p * 0.9
  np.testing.assert_allclose(found(p, y, 15), plain(p, y, 15), rtol=1e-6)


def test_jit_vmap_and_other_dtypes():
  draw = np.random.default_rng(1)
  p, y = draw.random((3, 5, 8), np.float32), draw.random((3, 5, 8)) < 0.4
  rows = jax.jit(jax.vmap(lambda a, b: jnp.stack(found(a, b, 10))))(p, y)
  assert rows.dtype == jnp.float32
  for n in range(3):
    np.testing.assert_allclose(rows[n], plain(p[n], y[n], 10), rtol=2e-6)
  half = p.astype(np.float16)
  np.testing.assert_allclose(
    found(half, y, 10), plain(half.astype(np.float32), y, 10), rtol=2e-6
  )


def test_counts_say_the_same_within_an_interval():
  draw = np.random.default_rng(2)
  p = draw.random(20_000, np.float32)
  y = draw.random(p.size) < p**1.5
  counts = thresholds.count_case(p, y, thresholds.grid(1001))
  curve = thresholds.reliability(counts, bins=10)
  ece, mce, brier, nll = found(p, y, 10)
  assert float(ece) == pytest.approx(curve.expected_error, abs=5e-4)
  assert float(mce) == pytest.approx(curve.maximum_error, abs=5e-4)
  assert float(brier) == pytest.approx(thresholds.brier(counts), abs=5e-4)
  expected = thresholds.negative_log_likelihood(counts)
  assert float(nll) == pytest.approx(expected, rel=0.02)


def test_certain_and_wrong_and_nothing():
  one, y = jnp.ones(2), jnp.array([True, False])
  assert float(metrics.negative_log_likelihood(one, y)) == math.inf
  assert float(metrics.negative_log_likelihood(one, y | True)) == 0.0
  assert float(metrics.brier_score(one, y)) == 0.5
  none = jnp.zeros(2, jnp.bool_)
  assert all(math.isnan(v) for v in found(one, y, 3, where=none))


def test_wrong_input_is_refused():
  p, y = np.zeros(3, np.float32), np.zeros(3, np.bool_)
  for metric in (
    metrics.expected_calibration_error,
    metrics.maximum_calibration_error,
    metrics.brier_score,
    metrics.negative_log_likelihood,
  ):
    with pytest.raises(TypeError, match="probabilities has dtype bool"):
      metric(y, y)
    with pytest.raises(TypeError, match="reference has dtype float32"):
      metric(p, p)
    with pytest.raises(ValueError, match="shapes differ"):
      metric(p, y[:2])
  with pytest.raises(errors.ConfigError, match="bins is 0"):
    metrics.expected_calibration_error(p, y, bins=0)


@pytest.mark.parametrize("metric", [
    metrics.expected_calibration_error, metrics.maximum_calibration_error,
    metrics.brier_score, metrics.negative_log_likelihood,
])  # fmt: skip
def test_no_voxels_at_all(metric):
  assert np.isnan(metric(np.zeros((0, 3), np.float32), np.zeros((0, 3), bool)))


def test_a_softmax_just_above_one():
  p = np.float32([1.0000001, 0.5])
  found = metrics.negative_log_likelihood(p, np.array([True, False]))
  assert float(found) == pytest.approx(np.log(2) / 2)


def test_wrong_everywhere_is_an_error_of_1_and_not_more():
  p = np.full(3, np.nextafter(np.float32(1), np.float32(2)))
  assert metrics.expected_calibration_error(p, np.zeros(3, np.bool_)) == 1


def test_a_bin_holds_its_lower_end():
  # 0.5 is in the upper bin: no gap in the lower, 0.5 in the upper.
  p, y = np.float32([0.25, 0.5]), np.array([False, True])
  found = metrics.maximum_calibration_error(p, y, bins=2)
  assert float(found) == 0.5
  with pytest.raises(errors.ConfigError, match=r"bins is 2\.5"):
    metrics.maximum_calibration_error(p, y, bins=2.5)


def test_an_edge_is_in_the_bin_above():
  # float32(0.53) * 100 is 52.99999: in one bin the two would cancel out.
  p, y = np.float32([0.52, 0.53]), np.array([True, False])
  found = metrics.expected_calibration_error(p, y, bins=100)
  assert float(found) == pytest.approx((0.48 + 0.53) / 2, rel=1e-6)
  found = metrics.maximum_calibration_error(p, y, bins=100)
  assert float(found) == pytest.approx(0.53, rel=1e-6)


@pytest.mark.parametrize("bins", [29, 100])
def test_every_edge_and_its_neighbours(bins):
  edges = (np.arange(bins + 1) / bins).astype(np.float32)
  up, down = (np.nextafter(edges, np.float32(k)) for k in (2, -1))
  p = np.concatenate([edges, up[:-1], down[1:]])
  y = np.random.default_rng(bins).random(p.size) < 0.5
  np.testing.assert_allclose(
    found(p, y, bins)[:2], plain(p, y, bins)[:2], rtol=2e-6
  )


@pytest.mark.parametrize("jit", [False, True])
def test_debug_nans_does_not_stop_at_a_constant(jit):
  p, y = np.float32([0.25, 0.75]), np.array([False, True])
  call = metrics.maximum_calibration_error
  with jax.debug_nans(True):
    assert float((jax.jit(call) if jit else call)(p, y)) == 0.25


def test_logits_are_refused_where_they_show():
  p = np.array([0.2, 1.5, np.nan, 0.7], np.float32)
  y = np.array([True, False, True, False])
  for given in (p, jnp.asarray(p), p.astype(">f4"), p.astype(np.float16)):
    for metric in (
      metrics.expected_calibration_error, metrics.maximum_calibration_error,
      metrics.brier_score, metrics.negative_log_likelihood,
    ):  # fmt: skip
      with pytest.raises(errors.DataError, match=r"1.5 at index \(1,\).*logit"):
        metric(given, y)
      with pytest.raises(errors.DataError, match=r"nan at index \(2,\)"):
        metric(given, y, where=np.array([True, False, True, True]))
      metric(given, y, where=np.array([True, False, False, True]))
  with pytest.raises(ValueError, match=r"where \(3,\) does not broadcast to"):
    metrics.brier_score(p, y, where=np.ones(3, bool))
  # A softmax gives a little more than 1; a traced map is not looked at.
  metrics.brier_score(np.float32([1.0000001]), np.array([True]))
  jax.eval_shape(metrics.brier_score, p, y)
