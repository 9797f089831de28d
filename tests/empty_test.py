"""The policy for empty masks is one table, for metrics and for curves."""

import math

import jax.numpy as jnp
import numpy as np
import pytest

from jaxseg import _empty
from jaxseg import errors
from jaxseg import metrics
from jaxseg import thresholds

TABLE = {  # Both empty, missed, hallucinated; of an overlap metric.
  "nan": (math.nan, 0.0, 0.0),
  "perfect": (1.0, 0.0, 0.0),
  "skip": (math.nan, 0.0, math.nan),
}
FULL, EMPTY = np.ones((2, 3), np.bool_), np.zeros((2, 3), np.bool_)
PAIRS = ((EMPTY, EMPTY), (EMPTY, FULL), (FULL, EMPTY))


def test_the_table():
  assert tuple(TABLE) == _empty.POLICIES
  for empty, row in TABLE.items():
    found = _empty.outcomes(empty, best=1.0, worst=0.0)
    np.testing.assert_array_equal(found, row)


@pytest.mark.parametrize("empty", TABLE)
@pytest.mark.parametrize("name", ["dice", "iou", "precision", "recall"])
def test_overlap_metrics_and_curves_follow_it(name, empty):
  metric = getattr(metrics, name)
  found = [metric(a, b, empty=empty) for a, b in PAIRS]
  np.testing.assert_array_equal(found, TABLE[empty])
  assert metric(FULL, FULL, empty=empty) == 1
  for count in (thresholds.count, thresholds.count_case):
    counts = [count(a.astype("f4"), b, np.float32([0.5])) for a, b in PAIRS]
    found = [thresholds.curve(c, metric=name, empty=empty)[0] for c in counts]
    np.testing.assert_array_equal(found, TABLE[empty])


@pytest.mark.parametrize("empty", TABLE)
def test_surface_distances_follow_it(empty):
  expected = [math.inf if v == 0 else v - 1 for v in TABLE[empty]]
  for (a, b), value in zip(PAIRS, expected, strict=True):
    found = metrics.surface_report(a, b, (1, 1), empty=empty)
    for name in ("hausdorff_95", "hausdorff_100", "assd", "masd"):
      np.testing.assert_array_equal(found[name], value)
    share = math.nan if math.isnan(value) else float(value == 0)
    np.testing.assert_array_equal(found["nsd_1"], share)
    # A mean over no points is undefined, whatever the policy.
    if a.any() != b.any():
      assert math.isnan(found["mean_to_prediction" if a.any() else
                              "mean_to_reference"])  # fmt: skip


def test_the_worst_distance_is_ones_own():
  for a, b in PAIRS[1:]:
    found = metrics.surface_report(a, b, (1, 1), worst_distance=70.0)
    assert found["hausdorff_95"] == found["assd"] == 70.0
    assert found["nsd_1"] == 0.0
    for metric in (
      metrics.hausdorff, metrics.average_symmetric_surface_distance
    ):  # fmt: skip
      assert metric(a, b, (1, 1), worst_distance=70.0) == 70.0


@pytest.mark.parametrize("empty", TABLE)
def test_specificity_is_undefined_where_nothing_could_be_left_out(empty):
  metric = metrics.specificity
  full = 1.0 if empty == "perfect" else math.nan
  np.testing.assert_array_equal(metric(FULL, FULL, empty=empty), full)
  np.testing.assert_array_equal(metric(EMPTY, FULL, empty=empty), full)
  # An empty reference is all background, and only "skip" leaves it out.
  skipped = math.nan if empty == "skip" else 1.0
  np.testing.assert_array_equal(metric(EMPTY, EMPTY, empty=empty), skipped)
  np.testing.assert_array_equal(metric(FULL, EMPTY, empty=empty), skipped * 0)


@pytest.mark.parametrize(
  ("xp", "dtype"), [(np, "float32"), (np, "float64"), (jnp, "float32")]
)
def test_values_are_filled_in_their_dtype(xp, dtype):
  outcome = _empty.outcomes("perfect", best=1.0, worst=-math.inf)
  there = np.array([a.any() for a, _ in PAIRS]), [b.any() for _, b in PAIRS]
  values = xp.asarray([7, 7, 7], dtype)
  filled = outcome.fill(values, there[0], np.array(there[1]))
  assert filled.dtype == values.dtype
  # The prediction alone is empty: the formula's own value stays.
  assert filled.tolist() == [1, 7, -math.inf]
  assert [outcome.of(a.any(), b.any()) for a, b in PAIRS] == list(outcome)


def test_an_unknown_policy_is_refused():
  text = "empty 'zero' is unknown; take one of nan, perfect, skip"
  for name in ("dice", "iou", "precision", "recall", "specificity"):
    with pytest.raises(errors.ConfigError, match=text):
      getattr(metrics, name)(FULL, FULL, empty="zero")
  with pytest.raises(errors.ConfigError, match=text):
    metrics.surface_report(FULL, FULL, (1, 1), empty="zero")
  counts = thresholds.count_case(FULL.astype("f4"), FULL, np.float32([0.5]))
  with pytest.raises(errors.ConfigError, match=text):
    thresholds.curve(counts, empty="zero")
  with pytest.raises(errors.ConfigError, match="take one of skip, perfect"):
    thresholds.optimum(counts, empty="nan")
