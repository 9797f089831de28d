"""A mean never improves because a structure was missed."""

import math

import hypothesis
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
import numpy as np
import pytest

from jaxseg import errors
from jaxseg import metrics

NAN, INF = math.nan, math.inf
# Good, both empty, missed, hallucinated; the values are what MONAI prints.
HD95 = np.array([4.0, NAN, NAN, NAN])
DICE = np.array([0.8, NAN, 0.0, NAN])
FOUND = np.array([90, 0, 0, 12])
REFERENCE = np.array([100, 0, 50, 0])


@pytest.mark.parametrize(
  ("values", "kwargs", "mean", "median", "finite"),
  [
    (DICE, {}, 0.8 / 3, 0.0, 3),
    (DICE, {"empty": "perfect"}, 1.8 / 4, 0.4, 4),
    (DICE, {"empty": "skip"}, 0.4, 0.4, 2),
    (HD95, {"kind": "distance"}, INF, INF, 1),
    (HD95, {"kind": "distance", "worst_distance": 70}, 144 / 3, 70, 3),
    (HD95, {"kind": "distance", "empty": "skip", "worst_distance": 70}, 37,
     37, 2),
    (HD95, {"kind": "distance", "empty": "perfect"}, INF, INF, 2),
  ],
)  # fmt: skip
def test_by_hand(values, kwargs, mean, median, finite):
  found = metrics.aggregate(values, FOUND, REFERENCE, **kwargs)
  assert found.mean == pytest.approx(mean)
  assert found.median == pytest.approx(median)
  assert (found.n_cases, found.n_finite) == (4, finite)
  assert found.n_both_empty == found.n_missed == found.n_hallucinated == 1


@hypothesis.settings(max_examples=200)
@hypothesis.given(
  values=hnp.arrays(np.float64, 6, elements=st.floats(0, 1)),
  voxels=hnp.arrays(np.int64, (2, 6), elements=st.integers(0, 2)),
  kind=st.sampled_from(["overlap", "distance"]),
  empty=st.sampled_from(["nan", "perfect", "skip"]),
  worst=st.sampled_from([INF, 5.0, 0.5]),
  case=st.integers(0, 5),
)
def test_to_miss_is_never_better(values, voxels, kind, empty, worst, case):
  ours, theirs = voxels
  theirs[case] = 1
  kwargs = {"kind": kind, "empty": empty, "worst_distance": worst}
  ours[case] = 1
  before = metrics.aggregate(values, ours, theirs, **kwargs)
  ours[case] = 0
  values[case] = NAN
  after = metrics.aggregate(values, ours, theirs, **kwargs)
  sign = -1 if kind == "distance" else 1
  for name in ("mean", "median"):
    was, now = sign * getattr(before, name), sign * getattr(after, name)
    assert now <= was + 1e-12
  assert after.n_missed == before.n_missed + 1
  # To predict where there is nothing is not better than to stay silent.
  if empty == "perfect":
    theirs[case] = 0
    silent = metrics.aggregate(values, ours, theirs, **kwargs)
    ours[case] = 1
    loud = metrics.aggregate(values, ours, theirs, **kwargs)
    assert sign * loud.mean <= sign * silent.mean + 1e-12
    assert loud.n_hallucinated == silent.n_hallucinated + 1


def test_surface_metrics_go_in_as_they_come():
  some, none = np.zeros((2, 4, 6), np.bool_)
  some[1:3, 2:5] = True
  pairs = [(some, some), (none, some), (some, none), (none, none)]
  values = [metrics.hausdorff(a, b, (1, 1)) for a, b in pairs]
  sizes = np.array([[a.sum(), b.sum()] for a, b in pairs]).T
  found = metrics.aggregate(values, *sizes, kind="distance")
  assert (found.mean, found.median) == (INF, INF)
  found = metrics.aggregate(
    values, *sizes, kind="distance", worst_distance=math.hypot(4, 6)
  )
  assert found.mean == pytest.approx(2 * math.hypot(4, 6) / 3)


def test_nothing_has_no_mean():
  found = metrics.aggregate(np.zeros(0), np.zeros(0, int), np.zeros(0, int))
  assert math.isnan(found.mean)
  assert math.isnan(found.median)
  assert found.n_cases == 0
  values = np.array([0.5])
  metrics.aggregate(values, np.array([0]), np.array([0]))
  assert values[0] == 0.5  # What was given is not written to.


def test_wrong_input_is_refused():
  one = np.ones(2)
  with pytest.raises(ValueError, match="case 1 is nan though both masks"):
    metrics.aggregate(np.array([0.5, NAN]), one, one)
  with pytest.raises(ValueError, match="are not one number per case"):
    metrics.aggregate(one, one[:1], one)
  with pytest.raises(errors.ConfigError, match="kind 'dice' is unknown"):
    metrics.aggregate(one, one, one, kind="dice")
  with pytest.raises(errors.ConfigError, match="empty 'zero' is unknown"):
    metrics.aggregate(one, one, one, empty="zero")
  with pytest.raises(errors.ConfigError, match="worst_distance -1 is not"):
    metrics.aggregate(one, one, one, worst_distance=-1)


@pytest.mark.parametrize("voxels", [[1, -1], [1, np.nan]])
def test_what_is_no_number_of_voxels(voxels):
  with pytest.raises(ValueError, match="reference_voxels are not all 0"):
    metrics.aggregate(np.zeros(2), np.ones(2), np.array(voxels))
