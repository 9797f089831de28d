"""Distances between surfaces in two hard cases, by brute force."""

import numpy as np
import pytest

from jaxseg import metrics
from tests.metrics.surface import surfaces


@pytest.mark.parametrize("surface", surfaces.FAMILIES)
def test_everything_predicted(surface):
  # As by an untrained network: the array's edge is the surface.
  for shape in ((5, 7, 6), (7, 6)):
    full, some = np.ones(shape, np.bool_), np.zeros(shape, np.bool_)
    some[(slice(2, 4),) * len(shape)] = True
    spacing = (2.5, 1.0, 0.7)[: len(shape)]
    found = metrics.surface_report(full, some, spacing, surface=surface)
    expected = surfaces.brute_force(full, some, spacing, surface)
    for name, value in expected.items():
      assert found[name] == pytest.approx(value, rel=1e-12), name


def test_a_share_that_is_just_reached_rounds_as_point_by_point():
  # Half of all area lies within the first distances, but for rounding: the
  # authors of surfels add points one by one, by distance and area.
  generator = np.random.default_rng(0)
  ties = 0
  for _ in range(300):
    a, b = generator.random((2, 2, 3, 3)) < 0.3
    if not (a.any() and b.any()):
      continue
    spacing = (1.0, 1.0, 1.0)
    directed = []
    for one, other in ((a, b), (b, a)):
      p, w = surfaces.brute_points(one, spacing, "surfel")
      q, _ = surfaces.brute_points(other, spacing, "surfel")
      apart = np.sqrt(((p[:, None] - q[None]) ** 2).sum(-1)).min(1)
      order = np.lexsort((w, apart.round(9)))
      share = np.cumsum(w[order]) / np.sum(w[order])
      ties += np.abs(share - 0.5).min() < 1e-12
      at = min(np.searchsorted(share, 0.5), len(share) - 1)
      directed.append(apart[order][at])
    assert metrics.hausdorff(a, b, spacing, percentile=50) == pytest.approx(
      max(directed), rel=1e-12
    )
  assert ties > 5
