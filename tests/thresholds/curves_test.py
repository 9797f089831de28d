"""Curves are quotients of integers under one policy for empty masks."""

import fractions
import functools
import json

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

GRID = thresholds.grid(8)
METRICS = ("dice", "iou", "precision", "recall", "specificity")
POLICIES = ("nan", "perfect", "skip")


def counts_of(positive, negative):
  return thresholds.Counts(
    GRID, np.asarray(positive, np.int64), np.asarray(negative, np.int64)
  )


@functools.partial(jax.jit, static_argnums=(1, 2))
def jitted(counts, metric, empty):
  return thresholds.curve(counts, metric=metric, empty=empty)


@hypothesis.settings(deadline=None, max_examples=60)
@hypothesis.given(
  hnp.arrays(np.int64, (3, 9), elements=st.integers(0, 5)),
  hnp.arrays(np.int64, (3, 9), elements=st.integers(0, 5)),
  st.sampled_from(METRICS),
  st.sampled_from(POLICIES),
)
def test_device_agrees_with_host(positive, negative, metric, empty):
  host = counts_of(positive, negative)
  device = thresholds.Counts(
    jnp.asarray(GRID),
    jnp.asarray(positive, jnp.int32),
    jnp.asarray(negative, jnp.int32),
  )
  expected = thresholds.curve(host, metric=metric, empty=empty)
  found = jitted(device, metric, empty)
  assert (expected.dtype, found.dtype) == (np.float64, jnp.float32)
  # Integers up to the one division, so float32 is rounded but once.
  np.testing.assert_array_equal(found, expected.astype(np.float32))


def test_device_is_exact_where_int32_ends():
  half = 2**30
  counts = thresholds.Counts(
    jnp.asarray([0.5], jnp.float32),
    jnp.asarray([half - 1, half], jnp.int32),
    jnp.asarray([0, 0], jnp.int32),
  )
  # 2 TP + FN is beyond 2**31.
  expected = np.float32(2 * half / (3 * half - 1))
  assert thresholds.curve(counts)[0] == expected


@hypothesis.settings(deadline=None, max_examples=30)
@hypothesis.given(
  hnp.arrays(np.bool_, 12), hnp.arrays(np.bool_, 12), st.sampled_from(POLICIES)
)
def test_curve_of_a_mask_is_the_metric(prediction, reference, empty):
  counts = thresholds.count_case(
    prediction.astype(np.float32), reference, np.float32([0.5])
  )
  for metric in METRICS:
    found = thresholds.curve(counts, metric=metric, empty=empty)[0]
    expected = getattr(metrics, metric)(prediction, reference, empty=empty)
    np.testing.assert_equal(np.float32(found), np.float32(expected))


def test_empty_policies_by_hand():
  nothing = counts_of([0] * 9, [3] + [0] * 8)  # Neither is anywhere.
  missed = counts_of([2] + [0] * 8, [0] * 9)
  made_up = counts_of([0] * 9, [0] * 8 + [2])
  for counts, empty, expected in (
    (nothing, "nan", np.nan),
    (nothing, "perfect", 1.0),
    (nothing, "skip", np.nan),
    (missed, "nan", 0.0),
    (missed, "skip", 0.0),
    (made_up, "nan", 0.0),
    (made_up, "perfect", 0.0),
    (made_up, "skip", np.nan),
  ):
    for metric in ("dice", "iou", "precision", "recall"):
      value = thresholds.curve(counts, metric=metric, empty=empty)[-1]
      np.testing.assert_equal(value, expected)


def test_large_counts(golden):
  names = {k: k for k in METRICS} | {"iou": "jaccard"}
  for case in json.loads((golden / "counts_values.json").read_text()):
    counts = thresholds.Counts(
      np.float32([0.5]),
      np.asarray([case["fn"], case["tp"]], np.int64),
      np.asarray([case["tn"], case["fp"]], np.int64),
    )
    for metric, name in names.items():
      found = thresholds.curve(counts, metric=metric)[0]
      if case[name] == "nan":  # Undefined: nan, or 0 if one mask is empty.
        one = metric != "specificity" and case["fp"] + case["fn"] > 0
        np.testing.assert_equal(found, 0.0 if one else np.nan)
      else:
        np.testing.assert_allclose(found, case[name], rtol=5e-16)


def test_unknown_names_are_refused():
  counts = counts_of([1] * 9, [1] * 9)
  with pytest.raises(errors.ConfigError, match=r"'dise'.*dice, iou"):
    thresholds.curve(counts, metric="dise")
  with pytest.raises(errors.ConfigError, match=r"'zero'.*nan, perfect, skip"):
    thresholds.curve(counts, empty="zero")


@pytest.mark.parametrize("metric", ["f0.123", "f1.1", "f0.5", "f2", "f123.456"])
def test_f_beta_of_many_voxels_on_a_device(metric):
  # beta^2 as a fraction of integers times a billion voxels fits nowhere.
  positive = np.array([0, 10**8, 5 * 10**8, 10**6])
  negative = np.array([10**9, 3 * 10**8, 10**7, 0])
  cuts = np.float32([0.2, 0.5, 0.8])
  host = thresholds.curve(
    thresholds.Counts(cuts, positive, negative), metric=metric
  )
  traced = jax.jit(lambda c: thresholds.curve(c, metric=metric))(
    thresholds.Counts(
      cuts, jnp.asarray(positive, jnp.int32), jnp.asarray(negative, jnp.int32)
    )
  )
  np.testing.assert_allclose(traced, host, rtol=3e-7)


def test_volumes_and_f_scores_by_hand():
  counts = counts_of([0, 1, 0, 0, 0, 0, 0, 0, 3], [0, 4, 0, 0, 0, 0, 0, 0, 2])
  curve = thresholds.curve
  assert curve(counts, metric="volume_difference")[0] == (10 - 4) / 4
  assert curve(counts, metric="volume_difference")[7] == (5 - 4) / 4
  assert curve(counts, metric="volume")[7] == -0.25
  assert curve(counts, metric="f1").tolist() == curve(counts).tolist()
  assert curve(counts, metric="f2")[7] == 5 * 3 / (5 * 3 + 4 * 1 + 2)


def test_aggregates_by_hand():
  positive = [[0] * 8 + [4], [4] + [0] * 8, [0] * 9]
  negative = [[0] * 9, [0] * 9, [0] * 8 + [5]]
  counts = counts_of(positive, negative)
  curve = thresholds.curve
  assert curve(counts, aggregate="mean_case", empty="skip")[7] == 0.5
  assert curve(counts, aggregate="median_case", empty="skip")[7] == 0.5
  assert curve(counts, aggregate="worst_case", empty="skip")[7] == 0
  assert curve(counts, aggregate="mean_case")[7] == pytest.approx(1 / 3)
  assert curve(counts, aggregate="pooled")[7] == 2 * 4 / (8 + 4 + 5)
  none = counts_of([[0] * 9], [[1] + [0] * 8])
  for aggregate in ("mean_case", "median_case", "worst_case"):
    assert np.isnan(curve(none, aggregate=aggregate)).all()
  with pytest.raises(errors.ConfigError, match="aggregate 'sum'"):
    curve(counts, aggregate="sum")


@pytest.mark.parametrize("aggregate", ["mean_case", "median_case"])
def test_aggregates_of_jax_and_numpy_agree(aggregate):
  draw = np.random.default_rng(0)
  positive, negative = draw.integers(0, 9, (2, 4, 9))
  for metric in ("dice", "f2", "volume_difference"):
    host = thresholds.curve(
      counts_of(positive, negative), metric=metric, aggregate=aggregate
    )
    device = thresholds.curve(
      thresholds.Counts(GRID, jnp.asarray(positive), jnp.asarray(negative)),
      metric=metric,
      aggregate=aggregate,
    )
    np.testing.assert_allclose(device, host, rtol=1e-6)


@pytest.mark.parametrize("metric", ["dice", "specificity"])
@pytest.mark.parametrize(
  "aggregate", ["mean_case", "median_case", "worst_case"]
)
def test_debug_nans_does_not_stop_at_cases_left_out(metric, aggregate):
  # The second case has neither a reference nor a prediction.
  cuts = np.float32([0.25, 0.75])
  p = np.float32([[0.5, 0.8, 0.1], [0.1, 0.2, 0.1], [0.9, 0.3, 0.8]])
  y = np.array([[1, 1, 0], [0, 0, 0], [1, 0, 1]], np.bool_)
  counts = thresholds.count(p, y, cuts, axis=1)
  expected = thresholds.curve(
    counts.on_host(), metric=metric, aggregate=aggregate, empty="skip"
  )
  with jax.debug_nans(True):
    found = thresholds.curve(
      counts, metric=metric, aggregate=aggregate, empty="skip"
    )
  np.testing.assert_allclose(found, expected, rtol=1e-6)
  with jax.debug_nans(True):
    assert np.isfinite(thresholds.sweep(p, y, cuts, metric=metric)).all()


@pytest.mark.parametrize("metric", ["f123.4567", "f1234.5678"])
@pytest.mark.parametrize("voxels", [9, 400_000, 10_000_000])
def test_f_beta_of_many_digits_does_not_overflow(metric, voxels):
  positive, negative = np.array([1, 5 * voxels]), np.array([0, voxels])
  counts = thresholds.Counts(np.float32([0.5]), positive, negative)
  square = fractions.Fraction(metric[1:]) ** 2
  exact = (1 + square) * 5 * voxels
  exact /= exact + square * 1 + voxels
  (found,) = thresholds.curve(counts, metric=metric)
  assert found == pytest.approx(float(exact), rel=1e-12)
