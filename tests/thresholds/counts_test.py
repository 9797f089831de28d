"""Counts add without wrapping, and keep to one grid."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxseg import errors
from jaxseg import thresholds

GRID = thresholds.grid(3)


def host(positive, negative=None):
  positive = np.asarray(positive, np.int64)
  negative = np.zeros_like(positive) if negative is None else negative
  return thresholds.Counts(GRID, positive, np.asarray(negative, np.int64))


def device(positive):
  positive = jnp.asarray(positive, jnp.int32)
  return thresholds.Counts(jnp.asarray(GRID), positive, positive)


def test_four_counts_by_hand():
  counts = host([1, 2, 3, 4], [5, 6, 7, 8])
  assert counts.true_positive.tolist() == [9, 7, 4]
  assert counts.false_positive.tolist() == [21, 15, 8]
  assert counts.false_negative.tolist() == [1, 3, 6]
  assert counts.true_negative.tolist() == [5, 11, 18]


def test_sums_over_a_cohort_do_not_wrap():
  most = 2**31 - 1
  four = thresholds.Counts.stack([device([0, 0, 0, most])] * 4)
  added = device([0, 0, 0, most]) + device([0, 0, 0, most])
  by_sum = device([[0, 0, 0, most]] * 4).sum()
  for counts, times in ((four.sum(), 4), (added, 2), (by_sum, 4)):
    assert counts.positive.dtype == np.int64
    assert counts.true_positive[0] == times * most
  narrow = thresholds.Counts(GRID, *[np.full(4, most, np.int32)] * 2)
  assert narrow.true_positive[0] == 3 * most


def test_host_counts_are_not_cut_by_device_counts():
  large = host([0, 0, 0, 2**40])
  for total in (large + device([1, 0, 0, 1]), device([1, 0, 0, 1]) + large):
    assert total.positive.tolist() == [1, 0, 0, 2**40 + 1]
  with pytest.raises(OverflowError, match="1099511627776 exceeds 2147483647"):
    jax.jit(lambda c: c + large)(device([1, 0, 0, 1]))
  traced = jax.jit(lambda c: c + host([0, 0, 0, 7]))(device([1, 0, 0, 1]))
  assert traced.positive.tolist() == [1, 0, 0, 8]
  assert traced.positive.dtype == jnp.int32


def test_adding_is_a_sum_with_a_beginning():
  parts = [host([i, 0, 0, 1]) for i in range(4)]
  assert sum(parts).positive.tolist() == [6, 0, 0, 4]
  with pytest.raises(TypeError):
    parts[0] + 1


@pytest.mark.parametrize("make", [host, device])
def test_other_thresholds_are_refused(make):
  one = make([1, 0, 0, 0])
  cuts = type(one.thresholds)
  other = np.float32([0, 0.4, 1])
  other = other if cuts is np.ndarray else jnp.asarray(other)
  two = thresholds.Counts(other, one.positive, one.negative)
  for add in (lambda: one + two, lambda: thresholds.Counts.stack([one, two])):
    with pytest.raises(errors.ConfigError, match=r"\[1\] = 0.5 and 0.4.*same"):
      add()
  short = thresholds.Counts(GRID[:2], one.positive[:3], one.negative[:3])
  with pytest.raises(errors.ConfigError, match=r"\(3,\) and \(2,\)"):
    one + short


def test_nothing_to_stack_is_refused():
  with pytest.raises(errors.ConfigError, match="stack of 0"):
    thresholds.Counts.stack([])


@pytest.mark.parametrize("make", [np.asarray, jnp.asarray])
def test_leading_axes_only(make):
  array = make(np.arange(24, dtype=np.int32).reshape(2, 3, 4))
  counts = thresholds.Counts(GRID, array, array)
  assert counts[1].positive.tolist() == array[1].tolist()
  assert counts[1, 2].positive.tolist() == array[1, 2].tolist()
  assert counts[..., 0].positive.tolist() == array[:, 0].tolist()
  has = np.array([True, False])
  assert counts[has].positive.shape == (1, 3, 4)
  assert [c.positive.shape for c in counts] == [(3, 4)] * 2
  with pytest.raises(IndexError):
    counts[0, 0, 0]
  with pytest.raises(IndexError, match="no leading axis"):
    counts[0, 0][0]
  for axis, shape in ((0, (3, 4)), (-1, (2, 4)), (1, (2, 4)), ((0, 1), (4,))):
    assert counts.sum(axis).positive.shape == shape
    np.testing.assert_array_equal(
      counts.sum(axis).positive,
      np.asarray(array).sum(1 if axis == -1 else axis),
    )
  with pytest.raises(ValueError, match="axis 2 is not one of 2"):
    counts.sum(2)
  with pytest.raises(ValueError, match="not one of 0"):
    counts[0, 0].sum()


@pytest.mark.parametrize("make", [host, device])
def test_the_position_of_a_threshold(make):
  counts = make([[1, 2, 3, 4]] * 2)
  wanted = (-1, 0, 0.2, 0.25, 0.3, 0.5, 0.9, 9)
  # Halfway between two, the lower.
  assert [counts.index(t) for t in wanted] == [0, 0, 0, 0, 1, 1, 2, 2]
  assert counts[0].index(0.5) == 1
  for grid in (thresholds.grid(), thresholds.fine_grid()):
    counts = thresholds.Counts(grid, *[np.zeros(len(grid) + 1, int)] * 2)
    for k in (0, 1, 258, 500, 1000):
      assert grid[counts.index(k / 1000)] == np.float32(k / 1000)
  single = thresholds.Counts(np.float32([0.7]), *[np.zeros(2, int)] * 2)
  assert single.index(0.1) == 0


def test_counts_are_a_pytree():
  counts = device([1, 2, 3, 4])
  doubled = jax.tree.map(lambda v: 2 * v, counts)
  assert isinstance(doubled, thresholds.Counts)
  assert doubled.positive.tolist() == [2, 4, 6, 8]
  traced = jax.jit(lambda c: jax.tree.map(lambda v: v[None], c).sum())(counts)
  assert traced.positive.dtype == jnp.int32
  jitted = jax.jit(lambda c: (c.true_positive, c.false_negative))(counts)
  np.testing.assert_array_equal(jitted[0], counts.true_positive)
  np.testing.assert_array_equal(jitted[1], counts.false_negative)


def test_arrays_and_back(tmp_path):
  counts = host([[1, 2, 3, 4]] * 2, [[5, 6, 7, 2**40]] * 2)
  np.savez(tmp_path / "counts.npz", **counts.to_arrays())
  with np.load(tmp_path / "counts.npz") as arrays:
    back = thresholds.Counts.from_arrays(arrays)
  for name in ("thresholds", "positive", "negative"):
    one, two = getattr(counts, name), getattr(back, name)
    assert one.dtype == two.dtype
    np.testing.assert_array_equal(one, two)
  assert device([1, 2, 3, 4]).to_arrays()["positive"].dtype == np.int64


@pytest.mark.parametrize(
  ("change", "message"),
  [
    ({"positive": np.zeros(3, np.int64)}, r"\(3,\) and negative \(4,\)"),
    ({"thresholds": np.zeros(9)}, r"thresholds \(9,\)"),
    ({"negative": np.zeros(4)}, "negative float64 are not integers"),
  ],
)
def test_wrong_arrays_are_refused(change, message):
  arrays = host([1, 2, 3, 4]).to_arrays()
  with pytest.raises(errors.DataError, match=message):
    thresholds.Counts.from_arrays(arrays | change)
  arrays.pop("negative")
  with pytest.raises(errors.DataError, match="lack negative"):
    thresholds.Counts.from_arrays(arrays)


def some_cases():
  draw = np.random.default_rng(0)
  return thresholds.Counts(
    thresholds.grid(11),
    draw.integers(1, 50, (3, 12)),
    draw.integers(0, 50, (3, 12)),
  )


def test_rows_go_into_pandas():
  counts = some_cases()
  rows = counts.rows(metrics=["dice", "volume"])
  assert len(rows) == 33
  assert list(rows[0]) == [
    "case", "threshold", "true_positive", "false_positive", "false_negative",
    "true_negative", "dice", "volume",
  ]  # fmt: skip
  assert [row["threshold"] for row in rows[:4]] == [0.0, 0.1, 0.2, 0.3]
  assert all(type(v) in (int, float) for row in rows for v in row.values())
  row, tp = rows[11 + 3], int(counts.positive[1, 4:].sum())
  fp, fn = int(counts.negative[1, 4:].sum()), int(counts.positive[1, :4].sum())
  assert (row["case"], row["true_positive"], row["false_positive"]) == (
    1,
    tp,
    fp,
  )
  assert row["dice"] == 2 * tp / (2 * tp + fp + fn)
  assert "case" not in counts[0].rows()[0]


def test_plot():
  counts = some_cases()
  best = thresholds.optimum(counts)
  axes = counts.plot()
  *cases, pooled, _, dot = axes.lines
  assert len(cases) == 3
  np.testing.assert_array_equal(
    pooled.get_ydata(), thresholds.curve(counts, aggregate="pooled")
  )
  assert dot.get_xdata()[0] == best.threshold
  assert f"at {best.threshold:.3f}" in dot.get_label()
  axes.figure.canvas.draw()
  inside = axes.get_legend().get_window_extent()
  assert axes.get_window_extent().contains(inside.x0, inside.y0)
  again = counts[0].plot(metric="volume", axes=counts.plot(metric="recall"))
  assert again.get_ylabel() == "volume"


def test_coarse_counts_at_a_repeated_threshold():
  p, y = np.float32([0.1, 0.3, 0.6]), np.array([False, True, True])
  cuts = np.float32([0, 0, 0.5, 0.5, 1])
  coarse = thresholds.coarsen(
    thresholds.count_case(p, y, thresholds.grid(3)), cuts
  )
  counted = thresholds.count_case(p, y, cuts)
  np.testing.assert_array_equal(coarse.positive, counted.positive)
  np.testing.assert_array_equal(coarse.negative, counted.negative)


@pytest.mark.parametrize(
  ("change", "error", "message"),
  [
    ({"positive": np.zeros(2, np.int64)}, errors.DataError, "are not counts"),
    ({"negative": np.zeros((2, 4), int)}, errors.DataError, "are not counts"),
    ({"positive": np.full(4, 0.7)}, errors.DataError, "not integers"),
    ({"negative": np.int32([1, -7, 0, 0])}, errors.DataError, "is -7; did a"),
    (
      {"thresholds": np.float32([0.5, 0, 1])},
      errors.ConfigError,
      r"\[1\] is 0.0, not at least",
    ),
    (
      {"thresholds": np.float32([0, 0.5, np.nan])},
      errors.ConfigError,
      "without NaN",
    ),
  ],
)
def test_what_was_put_together_wrongly_is_refused(change, error, message):
  whole = {
    "thresholds": np.float32([0, 0.5, 1]),
    "positive": np.arange(4),
    "negative": np.arange(4),
  }
  thresholds.optimum(thresholds.Counts(**whole))
  with pytest.raises(error, match=message):
    thresholds.optimum(thresholds.Counts(**{**whole, **change}))
  with pytest.raises(error, match=message):
    thresholds.Counts.from_arrays({**whole, **change})


def test_counts_of_vmap_are_added_to_others():
  cuts = thresholds.grid(3)
  p = np.float32([[0.2, 0.7], [0.5, 1]])
  y = np.array([[False, True], [True, True]])
  each = jax.vmap(lambda p, y: thresholds.count(p, y, cuts))(p, y)
  both = each + thresholds.count_case(p[0], y[0], cuts)
  assert both.on_host().positive.tolist() == [[0, 0, 2, 0], [0, 0, 2, 1]]
  with pytest.raises(errors.ConfigError, match="cannot be added"):
    _ = each + thresholds.count_case(p[0], y[0], np.float32([0, 0.4, 1]))


def test_no_number_has_no_position():
  counts = thresholds.count(
    np.float32([0.3]), np.array([True]), thresholds.grid(3)
  )
  with pytest.raises(errors.ConfigError, match="nan"):
    counts.index(float("nan"))
