"""Surface metrics along a sweep are those of each cut."""

import math

import hypothesis
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
import jax.numpy as jnp
import numpy as np
import pytest

from jaxseg import errors
from jaxseg import metrics
from tests.metrics.surface import surfaces

FAMILIES = surfaces.FAMILIES
SHAPES = st.sampled_from([(3, 5, 4), (6, 5), (1, 4, 4), (7, 1)])
CASES = SHAPES.flatmap(
  lambda s: st.tuples(
    hnp.arrays(np.float32, s, elements=st.sampled_from([0, 0.25, 0.5, 0.7, 1])),
    hnp.arrays(np.bool_, s),
  )
)


@pytest.mark.parametrize("surface", FAMILIES)
@pytest.mark.parametrize("empty", ["nan", "perfect", "skip"])
@hypothesis.settings(max_examples=25)
@hypothesis.given(CASES)
def test_any_map(surface, empty, case):
  p, reference = case
  spacing = (3.0, 1.0, 0.7)[: p.ndim]
  cuts = [0.5, 0, 0.25, 0.6, 0.5, 1, 1.5, -1]
  surfaces.assert_sweep_agrees(
    p, reference, spacing, cuts, surface=surface, empty=empty,
    percentiles=(0, 50, 95, 100), worst_distance=30.0,
  )  # fmt: skip


@pytest.mark.parametrize("surface", FAMILIES)
@pytest.mark.parametrize("shape", [(9, 24, 20), (30, 26)])
def test_a_map_of_a_network(surface, shape):
  p, reference = surfaces.smooth(shape, 0)
  cuts = np.linspace(0, 1, 41).astype(np.float32)
  spacing = (3.0, 1.0, 1.2)[: len(shape)]
  found = surfaces.assert_sweep_agrees(
    p, reference, spacing, cuts, surface=surface
  )
  best = int(np.argmax(found["nsd_1"]))
  assert 0 < best < 40  # It has an optimum, and not at an end.


def test_more_cuts_than_a_byte_counts():
  p, reference = surfaces.smooth((4, 12, 12), 2)
  cuts = np.arange(301) / 300
  found = metrics.surface_sweep(p, reference, (2, 1, 1), cuts)
  few = metrics.surface_sweep(p, reference, (2, 1, 1), cuts[::50])
  for name in few:
    np.testing.assert_array_equal(found[name][::50], few[name])


def test_halves_are_cut_as_everywhere():
  # float32(0.7) lies below 0.7: a voxel of 0.7 is inside at 0.7.
  p = np.array([[0.0, 0.7, 0.0]], np.float32)
  found = metrics.surface_sweep(p, p > 0, (1, 1), np.array([0.7]))
  assert found["hausdorff_100"] == [0.0]


def test_no_thresholds_no_values():
  p, reference = surfaces.smooth((4, 8, 8), 3)
  found = metrics.surface_sweep(p, reference, (2, 1, 1), np.zeros(0))
  assert found["assd"].shape == (0,)
  assert found["assd"].dtype == np.float64


def test_maps_of_other_kinds():
  p, reference = surfaces.smooth((4, 10, 10), 4)
  cuts = np.array([0.25, 0.5])
  found = metrics.surface_sweep(p, reference, (2, 1, 1), cuts)
  jax_found = metrics.surface_sweep(
    jnp.asarray(p), jnp.asarray(reference), [2, 1, 1], jnp.asarray(cuts)
  )
  half = p.astype(np.float16)
  for name in found:
    np.testing.assert_array_equal(jax_found[name], found[name])
  surfaces.assert_sweep_agrees(half, reference, (2, 1, 1), cuts)


def test_wrong_input_is_refused():
  p = np.full((3, 4), 0.5, np.float32)
  mask = p > 0
  sweep = metrics.surface_sweep
  p[1, 2] = math.nan
  with pytest.raises(ValueError, match=r"probability at \(1, 2\) is nan"):
    sweep(p, mask, (1, 1), np.array([0.5]))
  with pytest.raises(errors.ConfigError, match="thresholds of shape"):
    sweep(np.zeros((3, 4)), mask, (1, 1), 0.5)
  many = np.linspace(0, 1, 70_000)
  with pytest.raises(errors.ConfigError, match="70000 thresholds .* 65535"):
    sweep(np.zeros((3, 4)), mask, (1, 1), many)
  with pytest.raises(ValueError, match=r"box \(2,\) does not fit"):
    sweep(np.zeros((3, 4)), mask, (1, 1), np.array([0.5]), box=(2,))
  with pytest.raises(TypeError, match="probabilities has dtype bool"):
    sweep(mask, mask, (1, 1), np.array([0.5]))
  with pytest.raises(TypeError, match="reference has dtype float32"):
    sweep(p, p, (1, 1), np.array([0.5]))
  with pytest.raises(ValueError, match="shapes differ"):
    sweep(p, mask[:1], (1, 1), np.array([0.5]))
  with pytest.raises(ValueError, match="spacing .* of 2 axes"):
    sweep(p, mask, (1, 1, 1), np.array([0.5]))
