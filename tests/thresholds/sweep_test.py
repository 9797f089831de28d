"""The sweep by vmap gives the integers of the counts."""

import jax
import numpy as np
import pytest

from jaxseg import errors
from jaxseg import thresholds
from jaxseg.thresholds import _grid
from jaxseg.thresholds import _sweep

GRID = thresholds.grid(101)
METRICS = ("dice", "iou", "precision", "recall", "specificity")


@pytest.fixture(scope="module")
def structures():
  generator = np.random.default_rng(5)
  p = generator.random((4, 9, 9), np.float32)
  p[:, ::2] = generator.choice(GRID, p[:, ::2].shape)
  y = generator.random(p.shape) < p
  y[3], y[2] = False, True  # One without reference, one full.
  return p, y


@pytest.mark.parametrize("axis", [None, (1, 2), (0, 2), -1])
def test_the_same_integers(structures, axis):
  p, y = structures
  counts = thresholds.count(p, y, GRID, axis=axis)
  for sweep in (
    thresholds.sweep_counts,
    jax.jit(thresholds.sweep_counts, static_argnames="axis"),
  ):
    tp, fp = sweep(p, y, GRID, axis=axis)
    assert tp.dtype == fp.dtype == np.int32
    np.testing.assert_array_equal(tp, counts.true_positive)
    np.testing.assert_array_equal(fp, counts.false_positive)


@pytest.mark.parametrize("metric", METRICS)
def test_the_same_curve(structures, metric):
  p, y = structures
  counts = thresholds.count(p, y, GRID, axis=(1, 2))
  np.testing.assert_array_equal(
    thresholds.sweep(p, y, GRID, metric=metric, axis=(1, 2)),
    thresholds.curve(counts, metric=metric),
  )


@pytest.mark.parametrize("budget", [1, 2000, 20_000])
def test_chunks_of_thresholds_do_not_show(monkeypatch, budget):
  monkeypatch.setattr(_sweep, "_BUDGET_BYTES", budget)
  generator = np.random.default_rng(6)
  p = generator.random(100 + len(str(budget)), np.float32)  # Traced anew.
  y = generator.random(p.shape) < p
  tp, fp = thresholds.sweep_counts(p, y, GRID)
  counts = thresholds.count_case(p, y, GRID)
  np.testing.assert_array_equal(tp, counts.true_positive)
  np.testing.assert_array_equal(fp, counts.false_positive)


def test_any_order_of_thresholds():
  p, y = np.float32([0.2, 0.8]), np.array([False, True])
  tp, fp = thresholds.sweep_counts(p, y, np.float32([0.5, 0.1, 0.9]))
  assert (tp.tolist(), fp.tolist()) == ([1, 1, 0], [0, 1, 0])


def test_new_values_of_thresholds_do_not_trace_again(monkeypatch):
  traces = []
  original = _grid.binarize
  monkeypatch.setattr(
    _grid, "binarize", lambda *a: traces.append(1) or original(*a)
  )
  p = np.linspace(0, 1, 17).astype(np.float32)
  for cuts in ([0.1, 0.5], [0.3, 0.7]):
    thresholds.sweep_counts(p, p > 0.5, np.float32(cuts))
    traces.append("called")
  assert traces.count(1) > 0
  assert traces.index("called") == len(traces) - 2


def test_an_unknown_metric_is_refused_at_once():
  with pytest.raises(errors.ConfigError, match=r"'dise'.*dice, iou"):
    thresholds.sweep(None, None, GRID, metric="dise")
