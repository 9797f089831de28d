"""What vectors find of all resamples, beside what the library says of each."""

from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
import numpy as np
import pytest

from jaxseg import thresholds
from jaxseg.study import _costs


def counts_of(seed):
  """Counts of few voxels: full of plateaus, some interrupted, some empty."""
  draw = np.random.default_rng(seed)
  size, resamples = (2, 7, 29)[seed % 3], 40
  p = draw.integers(0, draw.integers(2, 12), (resamples, 24)) / 12
  labels = draw.random((resamples, 24)) < draw.choice([0, 0.1, 0.5, 0.9])
  grid = thresholds.grid(size)
  each = [
    thresholds.count(one, mask, thresholds=grid)
    for one, mask in zip(p.astype(np.float32), labels, strict=True)
  ]
  return thresholds.Counts.stack(each)


@pytest.mark.parametrize("seed", range(12))
def test_optima_are_those_of_each_resample(seed):
  counts = counts_of(seed)
  found = _costs.optima(counts, thresholds.curve(counts))
  for k, place in enumerate(found):
    if counts.positive[k].any():
      assert place == thresholds.optimum(counts[k]).index
    else:
      assert place == 0


@given(hnp.arrays(np.bool_, (5, 9)))
def test_middles_are_those_of_the_widest_runs(best):
  for row, place in zip(best, _costs.middles(best), strict=True):
    expected = (
      thresholds.widest_run(row.astype(float)).index if row.any() else 0
    )
    assert place == expected


@given(st.integers(2, 40), st.data())
def test_shares_are_lost_at_the_nearest_of_the_grid(size, data):
  grid = np.linspace(0, 1, size)
  curves = data.draw(
    hnp.arrays(np.float64, (3, size), elements=st.floats(0, 1))
  )
  place = data.draw(hnp.arrays(np.int64, 3, elements=st.integers(0, size - 1)))
  shifts = data.draw(st.lists(st.floats(-1, 1), min_size=1, max_size=5))
  found = _costs.shares_lost(curves, place, grid, shifts)
  for row, at, own in zip(curves, place, found, strict=True):
    for shift, lost in zip(shifts, own, strict=True):
      wanted = grid[at] + shift
      if not (-1e-6 < wanted < 1 + 1e-6) or row[at] == 0:
        assert np.isnan(lost)
      else:
        there = np.abs(grid - wanted).argmin()
        assert lost == (row[at] - row[there]) / row[at]
