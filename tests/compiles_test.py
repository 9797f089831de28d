"""No function that is called eagerly is compiled twice for one shape."""

import jax
import numpy as np
import pytest

from jaxseg import metrics
from jaxseg import thresholds

DRAW = np.random.default_rng(0)
SHAPE = (3, 4, 6)
STARTED = []  # What JAX has traced or compiled.


def _listen(event, _, **facts):
  if "jaxpr_trace" in event or "backend_compile" in event:
    STARTED.append((event, facts.get("fun_name")))


jax.monitoring.register_event_duration_secs_listener(_listen)


def a_map():
  return DRAW.random(SHAPE, np.float32)


def a_mask():
  return DRAW.random(SHAPE) < 0.4


def spacing():
  return tuple(DRAW.uniform(0.5, 3.0, 3))


def cuts():
  return np.sort(DRAW.random(5, np.float32))


def counts():
  return thresholds.count(a_map(), a_mask(), cuts(), axis=(1, 2))


# Each call draws values of its own, of options as well.
CALLS = {
  "binarize": lambda: thresholds.binarize(a_map(), DRAW.random()),
  "count": counts,
  "where": lambda: thresholds.count(a_map(), a_mask(), cuts(), where=a_mask()),
  "sweep": lambda: thresholds.sweep(a_map(), a_mask(), cuts()),
  "sum": lambda: counts().sum(),
  **{
    f"curve_{metric}": lambda metric=metric: thresholds.curve(
      counts(), metric=metric
    )
    for metric in ("dice", "specificity", "f2")
  },
  **{
    aggregate: lambda aggregate=aggregate: thresholds.curve(
      counts(), aggregate=aggregate
    )
    for aggregate in ("pooled", "mean_case", "median_case", "worst_case")
  },
  "optimum": lambda: thresholds.optimum(counts()),
  **{
    name: lambda name=name: getattr(metrics, name)(a_map(), a_mask())
    for name in (
      "expected_calibration_error",
      "maximum_calibration_error",
      "brier_score",
      "negative_log_likelihood",
    )
  },
  **{
    name: lambda name=name: getattr(metrics, name)(a_mask(), a_mask())
    for name in (
      "balanced_accuracy",
      "dice",
      "iou",
      "matthews_correlation",
      "precision",
      "recall",
      "relative_volume_difference",
      "specificity",
      "volume_similarity",
    )
  },
  "f_beta": lambda: metrics.f_beta(a_mask(), a_mask(), beta=DRAW.random() + 1),
  "volume_difference": lambda: metrics.volume_difference(
    a_mask(), a_mask(), spacing()
  ),
  "distance_transform": lambda: metrics.distance_transform(a_mask(), spacing()),
  "boundary_iou": lambda: metrics.boundary_iou(
    a_mask(), a_mask(), spacing(), 3.0 + DRAW.random()
  ),
  **{
    name: lambda name=name: getattr(metrics, name)(
      a_mask(), a_mask(), spacing()
    )
    for name in (
      "added_path_length",
      "average_symmetric_surface_distance",
      "component_dice",
      "directed_hausdorff",
      "hausdorff",
      "surface_report",
    )
  },
  "normalized_surface_dice": lambda: metrics.normalized_surface_dice(
    a_mask(), a_mask(), spacing(), DRAW.random()
  ),
  "surface_sweep": lambda: metrics.surface_sweep(
    a_map(), a_mask(), spacing(), cuts()
  ),
}


@pytest.mark.parametrize("name", CALLS)
def test_once(name):
  CALLS[name]()
  STARTED.clear()
  for _ in range(2):
    CALLS[name]()
  assert STARTED == []


def test_the_listener_hears():
  STARTED.clear()
  jax.jit(lambda x: x + 1)(np.float32(DRAW.random()))
  assert len(STARTED) >= 2


def test_all_metrics_are_tried():
  tried = {*CALLS, "aggregate", "Aggregate"}
  assert set(metrics.__all__) <= tried
