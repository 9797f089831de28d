"""Surface metrics along a sweep are those of each cut."""

import math

import hypothesis
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import ndimage

from jaxseg import metrics
from jaxseg.metrics import _cut_distances

FAMILIES = ("surfel", "voxel")
SHAPES = st.sampled_from([(3, 5, 4), (6, 5), (1, 4, 4), (7, 1)])
CASES = SHAPES.flatmap(
  lambda s: st.tuples(
    hnp.arrays(np.float32, s, elements=st.sampled_from([0, 0.25, 0.5, 0.7, 1])),
    hnp.arrays(np.bool_, s),
  )
)


def agrees(p, reference, spacing, cuts, **kwargs):
  """The sweep's values beside a report of every cut."""
  found = metrics.surface_sweep(p, reference, spacing, cuts, **kwargs)
  for index, cut in enumerate(np.asarray(cuts, np.float32)):
    one = metrics.surface_report(p >= cut, reference, spacing, **kwargs)
    assert one.keys() == found.keys()
    for name, value in one.items():
      np.testing.assert_allclose(
        found[name][index], value, rtol=1e-12, err_msg=f"{name} at {cut}"
      )
  return found


def smooth(shape, seed):
  """A map with a soft border, and a mask that is not the map's own."""
  generator = np.random.default_rng(seed)
  fields = [
    ndimage.gaussian_filter(generator.standard_normal(shape), 2.0)
    for _ in range(2)
  ]
  p, other = (1 / (1 + np.exp(-8 * f / f.std())) for f in fields)
  return p.astype(np.float32), (0.7 * p + 0.3 * other) > 0.6


@pytest.mark.parametrize("surface", FAMILIES)
@pytest.mark.parametrize("empty", ["nan", "perfect", "skip"])
@hypothesis.settings(max_examples=25)
@hypothesis.given(CASES)
def test_any_map(surface, empty, case):
  p, reference = case
  spacing = (3.0, 1.0, 0.7)[: p.ndim]
  cuts = [0.5, 0, 0.25, 0.6, 0.5, 1, 1.5, -1]
  agrees(
    p, reference, spacing, cuts, surface=surface, empty=empty,
    percentiles=(0, 50, 95, 100), worst_distance=30.0,
  )  # fmt: skip


@pytest.mark.parametrize("surface", FAMILIES)
@pytest.mark.parametrize("shape", [(9, 24, 20), (30, 26)])
def test_a_map_of_a_network(surface, shape):
  p, reference = smooth(shape, 0)
  cuts = np.linspace(0, 1, 41).astype(np.float32)
  found = agrees(p, reference, (3.0, 1.0, 1.2)[: len(shape)], cuts,
                 surface=surface)  # fmt: skip
  best = int(np.argmax(found["nsd_1"]))
  assert 0 < best < 40  # It has an optimum, and not at an end.


@pytest.mark.parametrize("surface", FAMILIES)
def test_what_the_walk_did_not_find(surface, monkeypatch):
  # The walk ends at once, or goes on to the end: the rest is asked of a tree.
  p, reference = smooth((8, 20, 20), 1)
  cuts = np.linspace(0.05, 1, 20)
  for longest, stride in ((2, 1), (64, 4), (10**6, 10**6)):
    monkeypatch.setattr(_cut_distances, "_LONGEST", longest)
    monkeypatch.setattr(_cut_distances, "_STRIDE", stride)
    monkeypatch.setattr(_cut_distances, "_TOGETHER", 100)
    agrees(p, reference, (3.0, 1.0, 1.0), cuts, surface=surface)


def test_more_cuts_than_a_byte_counts():
  p, reference = smooth((4, 12, 12), 2)
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
  p, reference = smooth((4, 8, 8), 3)
  found = metrics.surface_sweep(p, reference, (2, 1, 1), np.zeros(0))
  assert found["assd"].shape == (0,)
  assert found["assd"].dtype == np.float64


def test_maps_of_other_kinds():
  p, reference = smooth((4, 10, 10), 4)
  cuts = np.array([0.25, 0.5])
  found = metrics.surface_sweep(p, reference, (2, 1, 1), cuts)
  jax_found = metrics.surface_sweep(
    jnp.asarray(p), jnp.asarray(reference), [2, 1, 1], jnp.asarray(cuts)
  )
  half = p.astype(np.float16)
  for name in found:
    np.testing.assert_array_equal(jax_found[name], found[name])
  agrees(half, reference, (2, 1, 1), cuts)


def test_wrong_input_is_refused():
  p = np.full((3, 4), 0.5, np.float32)
  mask = p > 0
  sweep = metrics.surface_sweep
  p[1, 2] = math.nan
  with pytest.raises(ValueError, match=r"probability at \(1, 2\) is nan"):
    sweep(p, mask, (1, 1), np.array([0.5]))
  with pytest.raises(ValueError, match="thresholds of shape"):
    sweep(np.zeros((3, 4)), mask, (1, 1), 0.5)
  many = np.linspace(0, 1, 70_000)
  with pytest.raises(ValueError, match="70000 thresholds .* at most 65535"):
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
