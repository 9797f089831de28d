"""However a nearest point is found, the distance is the same."""

import numpy as np
import pytest

from jaxseg import metrics
from jaxseg.metrics.surface import _nearest
from tests.metrics.surface import surfaces


@pytest.mark.parametrize("surface", surfaces.FAMILIES)
def test_near_and_far_are_found_alike(surface, monkeypatch):
  generator = np.random.default_rng(0)
  a, b = generator.random((2, 12, 20, 18)) < 0.01
  spacing = (3.27, 0.976, 0.976)
  expected = metrics.surface_report(a, b, spacing, surface=surface)
  try:
    for looks, crowd in ((1, 0), (1, 10**9), (9, 0), (5000, 0)):
      monkeypatch.setattr(_nearest, "_LOOKS", looks)
      monkeypatch.setattr(_nearest, "_CROWD", crowd)
      found = metrics.surface_report(a, b, spacing, surface=surface)
      np.testing.assert_allclose(
        list(found.values()), list(expected.values()), rtol=1e-13
      )
  finally:
    _nearest.looks.cache_clear()


@pytest.mark.parametrize("surface", surfaces.FAMILIES)
def test_what_the_walk_did_not_find(surface, monkeypatch):
  # The walk ends at once, or goes on to the end; a tree finds the rest.
  p, reference = surfaces.smooth((8, 20, 20), 1)
  cuts = np.linspace(0.05, 1, 20)
  for longest, stride in ((2, 1), (64, 4), (10**6, 10**6)):
    monkeypatch.setattr(_nearest, "_MOST_LOOKS", longest)
    monkeypatch.setattr(_nearest, "_STRIDE", stride)
    monkeypatch.setattr(_nearest, "_TOGETHER", 100)
    surfaces.assert_sweep_agrees(
      p, reference, (3.0, 1.0, 1.0), cuts, surface=surface
    )
