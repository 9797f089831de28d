"""Counts under jit equal brute force for every dtype, grid and tie."""

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
from jaxseg.thresholds import _count
from jaxseg.thresholds import _grid

DTYPES = (np.float32, np.float16, ml_dtypes.bfloat16, np.uint8, np.float64)
GRIDS = (
  thresholds.grid(4),
  thresholds.grid(1001),
  np.float32([0.5]),
  np.float32([0.1, 0.11, 0.5, 0.9]),  # Not even: the search must serve.
  np.float32([0.0, 1e-40, 0.3, 0.3]),  # A subnormal one, and two equal.
  np.float32([-0.5, 0.2, 0.999, 1.5]),  # Beyond the ends.
)
SIZE = 64


def brute_force(p, y, cuts):
  """Counts by comparing each voxel with each threshold in NumPy."""
  if p.dtype == np.uint8:
    p = (p.astype(np.float64) / 255).astype(np.float32)
  at_or_above = p.astype(np.float32).reshape(-1, 1) >= cuts
  place, y = at_or_above.sum(-1), y.ravel()
  return (
    np.bincount(place[y], minlength=len(cuts) + 1),
    np.bincount(place[~y], minlength=len(cuts) + 1),
  )


@st.composite
def maps(draw):
  """Maps with many ties: grid values, their neighbours, both ends."""
  cuts = draw(st.sampled_from(GRIDS))
  generator = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
  on_grid = generator.choice(cuts, SIZE)
  near = np.nextafter(on_grid, np.float32(generator.choice([0, 1])))
  p = np.select(
    [generator.random(SIZE) < 0.4, generator.random(SIZE) < 0.5],
    [on_grid, near],
    generator.random(SIZE, np.float32),
  )
  p = np.clip(p, 0, 1).astype(np.float32)
  dtype = draw(st.sampled_from(DTYPES))
  p = (p * 255).astype(np.uint8) if dtype is np.uint8 else p.astype(dtype)
  share = draw(st.sampled_from([0.0, 0.5, 1.0]))  # Empty and full ones, too.
  return p, generator.random(SIZE) < share, cuts


@hypothesis.settings(deadline=None, max_examples=400)
@hypothesis.given(maps())
def test_counts_equal_brute_force(drawn):
  p, y, cuts = drawn
  positive, negative = brute_force(p, y, cuts)
  host = thresholds.count_case(p, y, cuts)
  np.testing.assert_array_equal(host.positive, positive)
  np.testing.assert_array_equal(host.negative, negative)
  device = thresholds.count(p, y, cuts)
  np.testing.assert_array_equal(device.positive, positive)
  np.testing.assert_array_equal(device.negative, negative)
  tp, fp = thresholds.sweep_counts(p, y, cuts)
  np.testing.assert_array_equal(host.true_positive, tp)
  np.testing.assert_array_equal(host.false_positive, fp)


@pytest.mark.parametrize("n", [2, 3, 256, 1001, 100_003])
def test_float32_values_over_the_whole_range(n):
  # All 2**30 were tried once (14 s); the bits alone say what is right, for
  # floats from 0 to 1 are as many as their bit patterns are apart.
  bits = np.arange(0, 0x3F800001, 1023, dtype=np.uint32)
  p, cuts = bits.view(np.float32), thresholds.grid(n)
  begin = np.searchsorted(bits, np.append(np.uint32(0), cuts.view(np.uint32)))
  expected = np.diff(np.append(begin, len(bits)))
  y = np.ones(p.shape, np.bool_)
  found = thresholds.count(p, y, cuts)
  np.testing.assert_array_equal(found.positive, expected)
  host = thresholds.count_case(p, y, cuts)
  np.testing.assert_array_equal(host.positive, expected)


@pytest.mark.parametrize("n", [2, 11, 1001, 65_537, (1 << 20) + 1])
def test_every_threshold_and_its_neighbours(n):
  cuts = thresholds.grid(n)
  up, down = np.float32(2), np.float32(-1)
  p = np.concatenate([cuts, np.nextafter(cuts, up), np.nextafter(cuts, down)])
  p = p[(p >= 0) & (p <= 1)]
  y = np.ones(p.shape, np.bool_)
  place = np.searchsorted(cuts, p, side="right")
  expected = np.bincount(place, minlength=n + 1)
  for found in (
    thresholds.count(p, y, cuts),
    thresholds.count_case(p, y, cuts),
  ):
    np.testing.assert_array_equal(found.positive, expected)


@pytest.mark.parametrize("dtype", [np.float16, ml_dtypes.bfloat16])
@pytest.mark.parametrize(
  "cuts", [thresholds.grid(), np.float32([-1e-40, 0, 1e-40, 1e-39, 7e4])]
)
def test_every_16_bit_float(dtype, cuts):
  p = np.arange(1 << 16, dtype=np.uint16).view(dtype)
  wide = p.astype(np.float32)
  place = np.searchsorted(cuts, wide, side="right")
  place[np.isnan(wide)] = 0  # Below all thresholds.
  expected = np.bincount(place, minlength=len(cuts) + 1)
  found = thresholds.count(p, np.ones(p.shape, np.bool_), cuts)
  np.testing.assert_array_equal(found.positive, expected)


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


@hypothesis.settings(deadline=None, max_examples=25)
@hypothesis.given(
  hnp.arrays(np.float32, (4, 6, 3), elements=st.floats(0, 1, width=32)),
  hnp.arrays(np.bool_, (4, 6, 3)),
)
def test_counts_of_parts_add_to_the_whole(p, y):
  cuts = thresholds.grid(11)
  whole = thresholds.count(p, y, cuts)
  halves = [
    thresholds.count(p[i], y[i], cuts) for i in np.split(np.arange(4), 2)
  ]
  structures = thresholds.count(p, y, cuts, axis=(0, 1))
  assert structures.positive.shape == (3, 12)
  by_vmap = jax.vmap(thresholds.count, in_axes=(2, 2, None))(p, y, cuts)
  np.testing.assert_array_equal(structures.positive, by_vmap.positive)
  np.testing.assert_array_equal(structures.negative, by_vmap.negative)
  for other in (halves[0] + halves[1], structures.sum()):
    np.testing.assert_array_equal(whole.positive, other.positive)
    np.testing.assert_array_equal(whole.negative, other.negative)


@pytest.mark.parametrize("axis", [0, 1, -1, (0, 2), (2, 0), (-2,), (0, 1, 2)])
def test_axis(axis):
  generator = np.random.default_rng(1)
  p = generator.random((3, 4, 5), np.float32)
  y = generator.random(p.shape) < p
  cuts = thresholds.grid(11)
  found = thresholds.count(p, y, cuts, axis=axis)
  inside = p[..., None] >= cuts
  axes = tuple(a % 3 for a in np.atleast_1d(axis))
  expected = (inside & y[..., None]).sum(axes)
  np.testing.assert_array_equal(found.true_positive, expected)


@pytest.mark.parametrize("shape", [(1, 50), (3, 50), (7, 5), (50, 3), (9, 1)])
@pytest.mark.parametrize("block", [1, 8, 64])
def test_blocks_do_not_show(monkeypatch, shape, block):
  monkeypatch.setattr(_count, "_block", lambda: block)
  generator = np.random.default_rng(2)
  p = generator.random(shape, np.float32)
  y = generator.random(shape) < p
  keep = generator.random(shape) < 0.7
  cuts = thresholds.grid(11)
  found = _count._histograms(_count._nearest, jnp.asarray(cuts), p, y, keep)
  for row in range(len(p)):
    there = keep[row]
    expected = brute_force(p[row, there], y[row, there], cuts)
    np.testing.assert_array_equal(found[row, ::-1], expected)


def test_new_values_of_thresholds_do_not_trace_again(monkeypatch):
  traces = []
  original = _count._histograms
  monkeypatch.setattr(
    _count, "_histograms", lambda *a: traces.append(1) or original(*a)
  )
  p = np.linspace(0, 1, 13).astype(np.float32)  # A shape of its own.
  y = p > 0.4
  jitted = jax.jit(thresholds.count)
  for function in (thresholds.count, jitted):
    function(p, y, np.float32([0.0, 0.5, 1.0]))
    before = len(traces)
    # Even ones and others, as values and as arguments.
    for values in ([0.1, 0.2, 0.9], [0.0, 0.5, 1.0], [0.0, 0.4, 1.0]):
      cuts = np.float32(values)
      found = function(p, y, cuts)
      expected = brute_force(p, y, cuts)
      np.testing.assert_array_equal(found.positive, expected[0])
      np.testing.assert_array_equal(found.negative, expected[1])
    assert len(traces) == before > 0


def test_where_broadcasts_and_nan_is_predicted_nowhere():
  p = np.float32([[0.1, np.nan], [0.9, 0.9], [0.4, 0.2]])
  y = np.array([[True, True], [True, False], [False, False]])
  rows = np.array([[True], [False], [True]])
  found = thresholds.count(p, y, thresholds.grid(3), where=rows)
  assert found.positive.tolist() == [1, 1, 0, 0]
  assert found.negative.tolist() == [0, 2, 0, 0]
  columns = thresholds.count(
    p, y, thresholds.grid(3), where=np.array([False, True])
  )
  assert columns.positive.tolist() == [1, 0, 0, 0]  # Only the NaN was there.
  assert int(columns.negative.sum()) == 2


def test_nan_counts_alike_in_all_ways():
  p = np.float32([np.nan, 0.9, 0.2, np.nan])
  y = np.array([True, True, False, False])
  cuts = thresholds.grid(5)
  by_counts = thresholds.curve(thresholds.count(p, y, cuts))
  swept = thresholds.sweep(p, y, cuts)
  np.testing.assert_array_equal(by_counts, swept)
  for t, value in zip(cuts, by_counts, strict=True):
    cut = np.asarray(thresholds.binarize(p, t))
    assert float(value) == pytest.approx(2 * (cut & y).sum() / (cut.sum() + 2))


def test_axes_as_people_give_them():
  p = np.full((2, 3), 0.5, np.float32)
  y = p > 0
  for axis in (np.int64(1), [1], -1):
    assert thresholds.count(p, y, GRIDS[0], axis=axis).positive.shape == (2, 5)
  with pytest.raises(ValueError, match="twice"):
    thresholds.count(p, y, GRIDS[0], axis=(0, -2))
  for cuts in (0.5, np.zeros((2, 2), np.float32), np.zeros(0, np.float32)):
    with pytest.raises(errors.ConfigError, match="vector"):
      thresholds.sweep(p, y, cuts)


@pytest.mark.parametrize("cuts", GRIDS[1:3])
def test_devices_count_their_part(cuts):
  generator = np.random.default_rng(4)
  p = generator.random((4, 30), np.float32)
  y = generator.random(p.shape) < p
  mesh = jax.sharding.Mesh(np.asarray(jax.devices()[:2]), ("part",))
  split, whole = (
    jax.sharding.PartitionSpec("part"),
    jax.sharding.PartitionSpec(),
  )
  jitted = jax.jit(thresholds.count)
  maps = jax.device_put((p, y), jax.sharding.NamedSharding(mesh, split))

  def counted_apart(p, y, cuts):
    counts = thresholds.count(p, y, cuts, where=p >= 0)
    return counts.psum("part")

  apart = jax.shard_map(
    counted_apart, mesh=mesh, in_specs=(split, split, whole), out_specs=whole
  )
  together = jitted(*maps, cuts)
  for found in (apart(*maps, cuts), together):
    np.testing.assert_array_equal(found.thresholds, cuts)
    for one, expected in zip(
      (found.positive, found.negative), brute_force(p, y, cuts), strict=True
    ):
      np.testing.assert_array_equal(one, expected)


def test_vmap_over_structures_gives_counts_to_go_on_with():
  generator = np.random.default_rng(5)
  p = generator.random((3, 40), np.float32)
  y = generator.random(p.shape) < p
  cuts = thresholds.grid(11)
  found = jax.vmap(lambda p, y: thresholds.count(p, y, cuts))(p, y)
  for k in range(3):
    alone = thresholds.count_case(p[k], y[k], cuts)
    assert thresholds.optimum(found[k]) == thresholds.optimum(alone)
    np.testing.assert_array_equal(
      thresholds.sensitivity(found[k], perturbations=(-0.1, 0.1)),
      thresholds.sensitivity(alone, perturbations=(-0.1, 0.1)),
    )
  whole = thresholds.count_case(p, y, cuts)
  assert thresholds.optimum(found.sum()) == thresholds.optimum(whole)
  assert thresholds.bootstrap(found, resamples=10).samples.shape == (10,)


def test_thresholds_that_were_added_are_refused():
  p = np.float32([0.1, 0.6, 0.9])
  one = thresholds.count(p, p > 0.5, thresholds.grid(11))
  wrong = jax.tree.map(lambda v: v + v, one)
  for function in (thresholds.optimum, thresholds.sensitivity):
    with pytest.raises(errors.ConfigError, match="Counts.psum"):
      function(wrong)


def test_nothing_to_count():
  found = thresholds.count(
    np.zeros((0, 2), np.float32), np.zeros((0, 2), np.bool_), GRIDS[0], axis=0
  )
  assert found.positive.shape == (2, 5)
  assert int(found.positive.sum() + found.negative.sum()) == 0


def test_what_could_wrap_is_refused():
  shape = (1 << 11, 1 << 20)
  maps = (
    jax.ShapeDtypeStruct(shape, jnp.float32),
    jax.ShapeDtypeStruct(shape, jnp.bool_),
  )
  cuts = thresholds.grid(3)
  for function in (thresholds.count, thresholds.sweep_counts):
    with pytest.raises(ValueError, match="2147483648 voxels.*int32"):
      jax.eval_shape(lambda p, y, f=function: f(p, y, cuts), *maps)
    # Row by row it fits.
    jax.eval_shape(lambda p, y, f=function: f(p, y, cuts, axis=1), *maps)


@pytest.mark.parametrize(
  ("cuts", "message"),
  [
    ([0.5, 0.1], r"thresholds\[1\] is 0.1.*ascending"),
    ([0.1, np.nan], r"thresholds\[1\] is nan"),
    ([np.nan], r"thresholds\[0\] is nan"),
    ([], "shape .0,."),
    ([[0.1, 0.2]], "shape .1, 2."),
  ],
)
def test_wrong_thresholds_are_refused(cuts, message):
  p, y = np.float32([0.5]), np.array([True])
  for function in (thresholds.count, thresholds.count_case):
    with pytest.raises(errors.ConfigError, match=message):
      function(p, y, np.float32(cuts))


def test_wrong_maps_are_refused():
  cuts = thresholds.grid(3)
  y = np.zeros(3, np.bool_)
  for function in (thresholds.count, thresholds.count_case):
    with pytest.raises(ValueError, match="shapes differ"):
      function(np.zeros(4, np.float32), y, cuts)
    with pytest.raises(TypeError, match=r"int32.*uint8"):
      function(np.zeros(3, np.int32), y, cuts)
  with pytest.raises(ValueError, match="axis 1 does not fit"):
    thresholds.count(np.zeros(3, np.float32), y, cuts, axis=1)


def test_too_many_thresholds_for_arithmetic_are_searched():
  assert _grid.fits_arithmetic(1 << 20)
  assert not _grid.fits_arithmetic((1 << 20) + 1)
  assert not _grid.fits_arithmetic(1)
