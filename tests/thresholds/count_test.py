"""Counts equal brute force for every dtype, grid and place of ties."""

import hypothesis
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
import jax
import jax.numpy as jnp
import ml_dtypes
import numpy as np
import pytest

from jaxseg import errors
from jaxseg import thresholds

DTYPES = (np.float32, np.float16, ml_dtypes.bfloat16, np.uint8, np.float64)
GRIDS = (
  thresholds.grid(2),
  thresholds.grid(11),
  thresholds.grid(1001),
  np.float32([0.5]),
  np.float32([0.1, 0.11, 0.5, 0.9]),  # Not even: the search must serve.
  np.float32([0.0, 1e-40, 0.3]),  # A subnormal threshold.
)


def brute_force(p, y, cuts):
  """Intervals by NumPy's search in exact comparisons of float32."""
  if p.dtype == np.uint8:
    p = (p.astype(np.float64) / 255).astype(np.float32)
  p = p.astype(np.float32).ravel()
  place = np.searchsorted(cuts, p, side="right")
  y, bins = y.ravel(), len(cuts) + 1
  return (
    np.bincount(place[y], minlength=bins),
    np.bincount(place[~y], minlength=bins),
  )


@st.composite
def maps(draw):
  """Maps with many ties: grid values, their neighbours, both ends."""
  cuts = draw(st.sampled_from(GRIDS))
  seed = draw(st.integers(0, 2**32 - 1))
  generator = np.random.default_rng(seed)
  size = draw(st.integers(1, 64))
  on_grid = generator.choice(cuts, size)
  near = np.nextafter(on_grid, np.float32(generator.choice([0, 1])))
  soft = generator.random(size, np.float32)
  p = np.select(
    [generator.random(size) < 0.4, generator.random(size) < 0.5],
    [on_grid, near],
    soft,
  ).astype(np.float32)
  p = np.clip(p, 0, 1)
  dtype = draw(st.sampled_from(DTYPES))
  if dtype is np.uint8:
    return (p * 255).astype(np.uint8), generator.random(size) < 0.5, cuts
  return p.astype(dtype), generator.random(size) < 0.5, cuts


# 61 sizes times dtypes would each be compiled: pad to one shape instead.
def padded(p, y):
  full, keep = np.zeros(64, p.dtype), np.arange(64) < len(p)
  full[: len(p)] = p
  reference = np.zeros(64, np.bool_)
  reference[: len(y)] = y
  return full, reference, keep


@hypothesis.settings(deadline=None, max_examples=400)
@hypothesis.given(maps())
def test_counts_equal_brute_force(drawn):
  p, y, cuts = drawn
  positive, negative = brute_force(p, y, cuts)
  host = thresholds.count_case(p, y, cuts)
  np.testing.assert_array_equal(host.positive, positive)
  np.testing.assert_array_equal(host.negative, negative)
  full, reference, keep = padded(p, y)
  if full.dtype != np.float64:
    device = jax.jit(thresholds.count)(full, reference, cuts, where=keep)
    np.testing.assert_array_equal(device.positive, positive)
    np.testing.assert_array_equal(device.negative, negative)


def test_every_grid_value_and_its_neighbours():
  cuts = thresholds.grid()
  p = np.concatenate(
    [
      cuts,
      np.nextafter(cuts, np.float32(2)),
      np.nextafter(cuts, np.float32(-1)),
    ]
  )
  y = np.ones(p.shape, np.bool_)
  found = thresholds.count(p, y, cuts)
  np.testing.assert_array_equal(found.positive, brute_force(p, y, cuts)[0])


@pytest.mark.parametrize("value", [-1e-45, 1e-45, -0.0, 0.0])
def test_subnormal_probabilities_are_not_zero(value):
  cuts = np.float32([0.0, 1e-45])
  p = np.float32([value])
  found = thresholds.count(p, np.ones(1, np.bool_), cuts)
  # Compared as NumPy does, which does not flush subnormal numbers.
  place = int(sum(p[0] >= t for t in cuts))
  assert int(found.positive[place]) == 1
  assert [bool(thresholds.binarize(p, t)[0]) for t in cuts] == [
    bool(p[0] >= t) for t in cuts
  ]


def test_intervals_by_hand():
  found = thresholds.count(
    np.float32([0.0, 0.25, 0.5, 0.75, 1.0]),
    np.array([False, False, True, True, True]),
    np.float32([0.0, 0.5, 1.0]),
  )
  assert found.positive.tolist() == [0, 0, 2, 1]
  assert found.negative.tolist() == [0, 2, 0, 0]
  assert found.true_positive.tolist() == [3, 3, 1]
  assert found.false_positive.tolist() == [2, 0, 0]
  assert found.false_negative.tolist() == [0, 0, 2]
  assert found.true_negative.tolist() == [0, 2, 2]


@hypothesis.settings(deadline=None, max_examples=25)
@hypothesis.given(
  hnp.arrays(np.float32, (4, 6, 3), elements=st.floats(0, 1, width=32)),
  hnp.arrays(np.bool_, (4, 6, 3)),
)
def test_counts_add(p, y):
  cuts = thresholds.grid(11)
  whole = thresholds.count(p, y, cuts)
  parts = thresholds.count(p[:2], y[:2], cuts) + thresholds.count(
    p[2:], y[2:], cuts
  )
  per_structure = thresholds.count(p, y, cuts, axis=(0, 1))
  assert per_structure.positive.shape == (3, 12)
  for other in (parts, per_structure.sum(0)):
    np.testing.assert_array_equal(whole.positive, other.positive)
    np.testing.assert_array_equal(whole.negative, other.negative)


def test_vmap_over_structures_equals_axis():
  generator = np.random.default_rng(0)
  p = generator.random((5, 7, 3), np.float32)
  y = generator.random((5, 7, 3)) < 0.3
  cuts = thresholds.grid(101)
  by_axis = thresholds.count(p, y, cuts, axis=(0, 1))
  by_vmap = jax.vmap(thresholds.count, in_axes=(2, 2, None))(p, y, cuts)
  np.testing.assert_array_equal(by_axis.positive, by_vmap.positive)
  np.testing.assert_array_equal(by_axis.negative, by_vmap.negative)


def test_new_threshold_values_do_not_compile_again():
  traces = []

  @jax.jit
  def counted(p, y, cuts):
    traces.append(1)
    return thresholds.count(p, y, cuts)

  p, y = jnp.linspace(0, 1, 8), jnp.arange(8) > 3
  for cuts in ([0.0, 0.5, 1.0], [0.1, 0.2, 0.9]):
    counted(p, y, jnp.asarray(cuts, jnp.float32))
  assert len(traces) == 1


def test_where_leaves_out_and_nan_is_nowhere():
  p = np.float32([0.1, np.nan, 0.9, 0.9])
  y = np.array([True, True, True, False])
  keep = np.array([True, True, False, True])
  found = thresholds.count(p, y, thresholds.grid(3), where=keep)
  assert int(found.positive.sum()) == 1
  assert int(found.negative.sum()) == 1
  assert not thresholds.binarize(p, 0.0)[1]


def test_host_chunks_do_not_show(monkeypatch):
  from jaxseg.thresholds import _count

  generator = np.random.default_rng(3)
  p = generator.random(5000, np.float32)
  y = generator.random(5000) < p
  keep = generator.random(5000) < 0.8
  whole = thresholds.count_case(p, y, thresholds.grid(), where=keep)
  monkeypatch.setattr(_count, "_CHUNK", 1024)
  parts = thresholds.count_case(p, y, thresholds.grid(), where=keep)
  np.testing.assert_array_equal(whole.positive, parts.positive)
  np.testing.assert_array_equal(whole.negative, parts.negative)
  assert whole.positive.dtype == np.int64


@pytest.mark.parametrize("value", [np.nan, 1.01, -0.5, np.inf, 7.3])
def test_what_is_no_probability_is_refused_with_its_place(value):
  p = np.full((3, 4), 0.5, np.float32)
  p[1, 2] = value
  with pytest.raises(errors.DataError, match=r"\(1, 2\).*logits"):
    thresholds.count_case(p, p > 0.7, thresholds.grid())


def test_softmax_rounding_is_accepted():
  p = np.float32([1.0000001, -1e-8])
  found = thresholds.count_case(p, np.array([True, False]), thresholds.grid(3))
  assert found.positive.tolist() == [0, 0, 0, 1]
  assert found.negative.tolist() == [1, 0, 0, 0]


def test_sums_over_a_cohort_do_not_wrap():
  grid = thresholds.grid(3)
  big = np.array([0, 0, 0, 2**31 - 1], np.int64)
  counts = thresholds.Counts.stack([thresholds.Counts(grid, big, big)] * 4)
  assert counts.sum(0).true_positive[0] == 4 * (2**31 - 1)


def test_wrong_input_is_refused():
  grid = thresholds.grid(3)
  with pytest.raises(ValueError, match="shapes differ"):
    thresholds.count(np.zeros(3, np.float32), np.zeros(4, np.bool_), grid)
  with pytest.raises(TypeError, match="int32"):
    thresholds.count(np.zeros(3, np.int32), np.zeros(3, np.bool_), grid)
  with pytest.raises(errors.ConfigError, match="same thresholds"):
    one = thresholds.count_case(np.float32([0.5]), np.array([True]), grid)
    two = thresholds.count_case(
      np.float32([0.5]), np.array([True]), np.float32([0, 0.4, 1])
    )
    one + two
  with pytest.raises(errors.ConfigError, match="grid of 1"):
    thresholds.grid(1)


def test_counts_are_a_pytree():
  counts = thresholds.count(
    np.float32([0.2]), np.array([True]), thresholds.grid(3)
  )
  doubled = jax.tree.map(lambda v: 2 * v, counts)
  assert isinstance(doubled, thresholds.Counts)
  assert int(doubled.positive.sum()) == 2
