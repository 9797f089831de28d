"""The count on the host: any layout, checked values, no shape too odd."""

import math

import hypothesis
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
import jax.numpy as jnp
import ml_dtypes
import numpy as np
import pytest

from jaxseg import errors
from jaxseg import thresholds
from jaxseg.thresholds import _count_case

GRID = thresholds.grid()
FLOATS = (np.float16, ml_dtypes.bfloat16, np.float32, np.float64)


def near_zero(shape, seed=0):
  """A map as networks give them: next to 0 but for a part."""
  generator = np.random.default_rng(seed)
  p = generator.random(shape, np.float32) * np.float32(1e-4)
  part = generator.random(shape) < 0.1
  p[part] = generator.random(int(part.sum()), np.float32)
  return p, generator.random(shape) < p


def expected(p, y, cuts):
  place = np.searchsorted(cuts, p.astype(np.float32).ravel(), side="right")
  bins = len(cuts) + 1
  return [
    np.bincount(place[k], minlength=bins) for k in (y.ravel(), ~y.ravel())
  ]


def assert_counts(found, two):
  assert found.positive.dtype == found.negative.dtype == np.int64
  np.testing.assert_array_equal(found.positive, two[0])
  np.testing.assert_array_equal(found.negative, two[1])


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize(
  "cuts", [GRID, GRID[1:], np.float32([-1, 1e-40, 0.3]), np.float32([2.0])]
)
def test_most_voxels_near_zero(dtype, cuts):
  p, y = near_zero((20, 21, 22))
  p = p.astype(dtype)
  assert_counts(thresholds.count_case(p, y, cuts), expected(p, y, cuts))


@pytest.mark.parametrize("cuts", [
    thresholds.fine_grid(),
    np.float32([-0.5, -1e-7, 0, 0, 1e-45, 0.25, 0.25, 0.5, 1, 1.5, np.inf]),
    np.float32([0.5]),
    np.nextafter(np.float32(1), np.float32(0)) - np.arange(9)[::-1]
    * np.float32(2**-24),
])  # fmt: skip
def test_thresholds_that_are_not_even(cuts):
  cuts = cuts.astype(np.float32)
  generator = np.random.default_rng(1)
  bits = generator.integers(0, np.float32(1).view(np.uint32), 20_000, np.uint32)
  near = np.concatenate(
    [np.nextafter(cuts, np.float32(way)) for way in (-1, 2)] + [cuts]
  )
  ends = np.float32([-5e-7, -1e-45, -0.0, 0.0, 1e-45, 1.0, 1.0000005])
  p = np.concatenate([
    bits.view(np.float32), generator.random(20_000, np.float32), near, ends
  ])  # fmt: skip
  p = p[(p >= -1e-6) & (p <= 1 + 1e-6)]
  y = generator.random(p.shape) < 0.5
  assert_counts(thresholds.count_case(p, y, cuts), expected(p, y, cuts))


@pytest.mark.parametrize("dtype", FLOATS)
def test_every_16_bit_value_and_slack_at_both_ends(dtype):
  p = np.arange(1 << 16, dtype=np.uint16).view(ml_dtypes.bfloat16)
  p = p.astype(np.float32)
  # Rounding to float16 stays within 1e-6.
  p = p[(p >= -5e-7) & (p <= 1)].astype(dtype)
  y = np.arange(len(p)) % 3 == 0
  for cuts in (GRID, np.float32([-1e-7, 0, 1e-40, 0.999])):
    assert_counts(thresholds.count_case(p, y, cuts), expected(p, y, cuts))


@pytest.mark.parametrize("chunk", [1, 7, 64, 1000])
def test_chunks_and_layouts_do_not_show(monkeypatch, chunk):
  p, y = near_zero((5, 6, 7, 2))
  keep = np.random.default_rng(1).random((6, 7, 1)) < 0.7
  there = np.broadcast_to(keep, p.shape)
  whole = expected(p, y, GRID)
  kept = expected(p[there], y[there], GRID)
  monkeypatch.setattr(_count_case, "_CHUNK", chunk)
  for a, b in (
    (p, y),
    (np.asfortranarray(p), y),
    (p[::-1], y[::-1]),
    (p.transpose(3, 1, 0, 2), y.transpose(3, 1, 0, 2)),
    (p.reshape(-1), y.reshape(-1)),
    (jnp.asarray(p), jnp.asarray(y)),
    (p.astype(">f4"), y.astype(np.uint8)),
  ):
    assert_counts(thresholds.count_case(a, b, GRID), whole)
  assert_counts(thresholds.count_case(p, y, GRID, where=keep), kept)


def test_cases_of_a_cohort_share_the_table_of_their_thresholds(monkeypatch):
  made = []

  class Table(_count_case._Table):
    def __init__(self, cuts):
      made.append(cuts.tolist())
      super().__init__(cuts)

  monkeypatch.setattr(_count_case, "_Table", Table)
  several = [np.float32([0.1, 0.3001]), np.float32([0.1, 0.3002])]
  for cuts in several * 2:
    for seed, dtype in enumerate((np.float32, np.float64, np.float16)):
      p, y = near_zero((5, 6, 7), seed)
      p = p.astype(dtype)
      found = thresholds.count_case(p, y, cuts)
      assert_counts(found, expected(p, y, cuts))
      cuts = cuts.copy()  # Another array of the same thresholds.
  assert made == [cuts.tolist() for cuts in several]


def test_bytes_are_a_table():
  u = np.random.default_rng(3).integers(0, 256, (40, 50), np.uint8)
  y = u > 99
  p = (u.astype(np.float64) / 255).astype(np.float32)
  assert_counts(thresholds.count_case(u, y, GRID), expected(p, y, GRID))
  keep = np.arange(50) < 20
  assert_counts(
    thresholds.count_case(u, y, GRID, where=keep),
    expected(p[:, keep], y[:, keep], GRID),
  )


@pytest.mark.parametrize("shape", [(), (1,), (0,), (3, 0, 2)])
def test_odd_shapes(shape):
  p, y = np.full(shape, 0.5, np.float32), np.ones(shape, np.bool_)
  found = thresholds.count_case(p, y, thresholds.grid(3))
  assert found.positive.tolist() == [0, 0, p.size, 0]


@pytest.mark.parametrize("value", [np.nan, 1.01, -0.5, np.inf, -np.inf, 7.3])
@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("rest", [0.0, 0.5])
def test_what_is_no_probability_is_refused_with_its_place(value, dtype, rest):
  p = np.full((3, 4), rest, dtype)
  p[1, 2] = value
  with pytest.raises(errors.DataError, match=r"\(1, 2\).*logits\?"):
    thresholds.count_case(p, p > 0.7, GRID)


def test_the_place_holds_across_chunks(monkeypatch):
  monkeypatch.setattr(_count_case, "_CHUNK", 10)
  p = np.zeros((4, 5, 6), np.float32)
  p[2, 3, 4] = p[3, 0, 0] = 1e30
  for a in (p, np.asfortranarray(p), p.astype(np.float64) * 1e30):
    with pytest.raises(errors.DataError, match=r"\(2, 3, 4\)"):
      thresholds.count_case(a, a > 1, GRID)


def test_what_does_not_count_may_hold_anything():
  p = np.float32([0.2, np.nan, 40.0, 0.9])
  keep = np.array([True, False, False, True])
  for y in (np.ones(4, np.bool_), np.zeros(4, np.bool_)):
    found = thresholds.count_case(p, y, GRID, where=keep)
    assert int(found.positive.sum()) == 2 * y[0]
  p[0] = -3
  with pytest.raises(errors.DataError, match=r"-3.0 at index \(0,\)"):
    thresholds.count_case(p, keep, GRID, where=keep)


def test_softmax_rounding_is_accepted():
  p = np.float32([1.0000001, -1e-8])
  found = thresholds.count_case(p, np.array([True, False]), thresholds.grid(3))
  assert found.positive.tolist() == [0, 0, 0, 1]
  assert found.negative.tolist() == [1, 0, 0, 0]


@pytest.mark.parametrize("cuts", [[2.0], [-3.0, -1.0], [0.0, 5.0]])
@pytest.mark.parametrize("dtype", FLOATS)
def test_thresholds_beyond_the_range_let_no_logit_through(cuts, dtype):
  p = np.asarray([0.2, 0.4, 1.5, 0.1, 0.3], dtype)
  with pytest.raises(errors.DataError, match=r"1.5 at index \(2,\)"):
    thresholds.count_case(p, p > 1, np.float32(cuts))


def test_more_than_2_to_the_31_voxels():
  """One row again and again, without the memory of all of them."""
  row = np.tile(np.array([0, 200, 255, 255], np.uint8), 2**16)
  shape = (2**13 + 5, 2**18)
  p = np.broadcast_to(row, shape)
  y = np.broadcast_to(row > 0, shape)
  found = thresholds.count_case(p, y, thresholds.grid())
  voxels = math.prod(shape)
  assert voxels > 2**31
  assert found.positive.sum() == 3 * voxels // 4
  assert found.positive[-1] == voxels // 2
  assert found.negative.sum() == found.negative[1] == voxels // 4


@hypothesis.settings(deadline=None)
@hypothesis.given(st.data(), st.sampled_from(["f2", "f4", "f8", "u1"]))
def test_every_distinct_value_by_brute_force(data, dtype):
  shape = (2, 7)
  if dtype == "u1":
    elements = st.integers(0, 255)
  else:
    elements = st.floats(0, 1, width=int(dtype[1]) * 8)
  p = data.draw(hnp.arrays(dtype, shape, elements=elements))
  y = data.draw(hnp.arrays(np.bool_, shape))
  where = data.draw(hnp.arrays(np.bool_, shape))
  hypothesis.assume(where.any())
  found = thresholds.count_distinct(p, y, where=where)
  values = np.asarray([thresholds.binarize(p, t) for t in found.thresholds])
  assert len(set(found.thresholds.tolist())) == len(found.thresholds)
  for k, mask in enumerate(values):
    assert found.true_positive[k] == (mask & y & where).sum()
    assert found.false_positive[k] == (mask & ~y & where).sum()
  grid = thresholds.count_case(p, y, thresholds.grid(), where=where)
  if (y & where).any():
    best = thresholds.optimum(found).value
    assert best >= thresholds.optimum(grid).value


def test_distinct_values_that_are_no_probabilities():
  y = np.array([True, False])
  with pytest.raises(errors.DataError, match=r"index \(1,\)"):
    thresholds.count_distinct(np.float32([0.1, np.nan]), y)
  with pytest.raises(errors.DataError, match="logits"):
    thresholds.count_distinct(np.float32([0.1, 3]), y)
  kept = thresholds.count_distinct(
    np.float32([0.1, 3]), y, where=np.array([True, False])
  )
  assert kept.positive.tolist() == [0, 1]
  with pytest.raises(errors.DataError, match="no voxel counts"):
    thresholds.count_distinct(np.float32([0.1, 1]), y, where=np.zeros(2, bool))


def test_distinct_values_as_in_scikit_learn(golden):
  """Its precision-recall curves, as they were printed by it."""
  arrays = np.load(golden / "sweep_arrays.npz")
  names = [n.removesuffix("__pr_threshold") for n in arrays.files
           if n.endswith("__pr_threshold")]  # fmt: skip
  compared = 0
  for name in names:
    p = arrays[f"{name}__prob"]
    if p.dtype not in (np.float32, np.float16):
      continue  # It compares float64 and u / 255 exactly, another rule.
    y = np.unpackbits(arrays[f"{name}__ref"])[: p.size].reshape(p.shape) > 0
    found = thresholds.count_distinct(p, y)
    theirs = arrays[f"{name}__pr_threshold"]
    np.testing.assert_array_equal(found.thresholds, theirs.astype(np.float32))
    np.testing.assert_allclose(
      thresholds.curve(found, metric="precision"),
      arrays[f"{name}__pr_precision"][:-1],
      rtol=1e-12,
    )
    np.testing.assert_allclose(
      thresholds.curve(found, metric="recall"),
      arrays[f"{name}__pr_recall"][:-1],
      rtol=1e-12,
    )
    compared += 1
  assert compared >= 3
