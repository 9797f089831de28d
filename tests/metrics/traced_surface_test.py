"""Under jit and vmap the surface metrics are those of the host."""

import functools
import math

import hypothesis
from hypothesis.extra import numpy as hnp
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxseg import metrics
from tests.metrics import surface_sweep_test
from tests.metrics import surface_test

FAMILIES = ("surfel", "voxel")
MM = (3.0, 1.0, 0.7)


def close(found, expected):
  assert found.keys() == expected.keys()
  for name, value in expected.items():
    np.testing.assert_allclose(
      found[name], value, rtol=2e-6, atol=1e-6, err_msg=name
    )


@functools.cache
def compiled(surface, empty="nan"):
  return jax.jit(
    functools.partial(
      metrics.surface_report, spacing=MM, surface=surface, empty=empty,
      percentiles=(50, 95, 100),
    )
  )  # fmt: skip


@pytest.mark.parametrize("surface", FAMILIES)
@hypothesis.settings(max_examples=40)
@hypothesis.given(hnp.arrays(np.bool_, (2, 3, 4, 5)))
def test_any_masks(surface, pair):
  a, b = pair
  found = compiled(surface)(a, b)
  expected = metrics.surface_report(
    a, b, MM, surface=surface, percentiles=(50, 95, 100)
  )
  if surface == "surfel":  # A share that is met exactly rounds either way.
    for name in ("hausdorff_50", "hausdorff_95"):
      del found[name], expected[name]
  close(found, expected)


@pytest.mark.parametrize("empty", ["nan", "perfect", "skip"])
@pytest.mark.parametrize("surface", FAMILIES)
def test_empty_masks(surface, empty):
  full, none = np.ones((3, 4, 5), np.bool_), np.zeros((3, 4, 5), np.bool_)
  for a, b in ((none, none), (none, full), (full, none)):
    found = compiled(surface, empty)(a, b)
    expected = metrics.surface_report(
      a, b, MM, surface=surface, empty=empty, percentiles=(50, 95, 100)
    )
    for name, value in expected.items():
      np.testing.assert_array_equal(found[name], value, err_msg=name)


def test_golden_values_under_jit(golden):
  seen = 0
  for _, case, prediction, reference in surface_test.golden_cases(golden):
    if prediction.size > 8_000:
      continue  # Each shape compiles; the small ones have all the kinds.
    seen += 1
    for surface in FAMILIES:
      report = functools.partial(
        metrics.surface_report, spacing=case["spacing"], surface=surface
      )
      found = jax.jit(report)(prediction, reference)
      close(found, report(prediction, reference))
  assert seen > 10


@pytest.mark.parametrize("surface", FAMILIES)
def test_single_metrics_and_batches(surface):
  generator = np.random.default_rng(0)
  a, b = generator.random((2, 3, 4, 5, 6)) < 0.3  # Three cases.
  kind = {"surface": surface}
  found = {
    "hausdorff": jax.vmap(
      lambda p, q: metrics.hausdorff(p, q, MM, percentile=95, **kind)
    )(a, b),
    "assd": jax.jit(
      jax.vmap(
        lambda p, q: metrics.average_symmetric_surface_distance(
          p, q, MM, **kind
        )
      )
    )(a, b),
    "nsd": jax.vmap(
      lambda p, q: metrics.normalized_surface_dice(p, q, MM, 1.0, **kind)
    )(a, b),
  }
  for n in range(3):
    expected = metrics.surface_report(a[n], b[n], MM, **kind)
    assert found["hausdorff"][n] == pytest.approx(expected["hausdorff_95"])
    assert found["assd"][n] == pytest.approx(expected["assd"])
    assert found["nsd"][n] == pytest.approx(expected["nsd_1"])
    assert found["nsd"].dtype == jnp.float32


@pytest.mark.parametrize("surface", FAMILIES)
def test_a_window(surface):
  a, b = np.zeros((2, 8, 12, 14), np.bool_)
  a[5:8, 8:12, 9:13], b[4:7, 7:11, 10:14] = True, True  # At the array's end.
  report = functools.partial(
    metrics.surface_report, spacing=MM, surface=surface
  )
  expected = report(a, b)
  for box in ((4, 5, 5), (8, 12, 14), (6, 7, 9)):
    close(jax.jit(functools.partial(report, box=box))(a, b), expected)
  # What does not fit is never cut off in silence.
  found = jax.jit(functools.partial(report, box=(4, 5, 4)))(a, b)
  assert all(math.isnan(value) for value in found.values())
  none = np.zeros_like(a)
  found = jax.jit(functools.partial(report, box=(2, 2, 2), empty="perfect"))(
    none, none
  )
  assert found["nsd_1"] == 1


@pytest.mark.parametrize("surface", FAMILIES)
def test_a_sweep(surface):
  p, reference = surface_sweep_test.smooth((6, 14, 12), 5)
  cuts = np.linspace(0, 1, 21).astype(np.float32)
  sweep = functools.partial(
    metrics.surface_sweep, spacing=MM, surface=surface, percentiles=(95, 100)
  )
  expected = sweep(p, reference, thresholds=cuts)
  for together in (1, 8):
    found = jax.jit(functools.partial(sweep, together=together))(
      p, reference, thresholds=cuts
    )
    close(found, expected)
  within = np.zeros((9, 20, 18), np.float32)
  within[2:8, 4:18, 3:15] = p
  mask = np.zeros(within.shape, np.bool_)
  mask[2:8, 4:18, 3:15] = reference
  found = jax.jit(functools.partial(sweep, box=(7, 15, 14)))(
    within, mask, thresholds=cuts[1:]
  )
  expected = sweep(within, mask, thresholds=cuts[1:])
  close(found, expected)


@pytest.mark.parametrize("percentile", [0, 2.5, 33.3, 50, 95, 99.9, 100])
def test_percentiles_between_points(percentile):
  a, b = np.zeros((2, 1, 400), np.bool_)
  a[0, :350], b[0, 3::7] = True, True
  hd = functools.partial(
    metrics.hausdorff, spacing=(1.0, 0.3), percentile=percentile,
    surface="voxel",
  )  # fmt: skip
  assert jax.jit(hd)(a, b) == pytest.approx(hd(a, b), rel=1e-6)


@pytest.mark.parametrize("percentile", [97.123, 99.9999, 33.3333])
def test_percentiles_of_many_points_do_not_overflow(percentile):
  # Ranks times a numerator of six digits leave int32.
  large, small = np.zeros((2, 70, 70, 70), np.bool_)
  large[:], small[20:40, 30:60, 10:20] = True, True
  how = {"percentiles": (percentile,), "surface": "voxel"}
  report = functools.partial(metrics.surface_report, spacing=MM, **how)
  close(jax.jit(report)(large, small), report(large, small))


def test_a_window_for_single_metrics():
  a, b = np.zeros((2, 20, 20, 20), np.bool_)
  a[3:6, 4:8, 5:9], b[3:7, 4:8, 5:8] = True, True
  for function, more in (
    (metrics.hausdorff, ()),
    (metrics.average_symmetric_surface_distance, ()),
    (metrics.normalized_surface_dice, (1.0,)),
  ):
    boxed = jax.jit(
      lambda a, b, f=function, m=more: f(a, b, MM, *m, box=(6, 6, 6))
    )
    np.testing.assert_allclose(
      boxed(a, b), function(a, b, MM, *more), rtol=2e-6
    )
  for box in (3, (6, 6), (6, 6, 0), (6, 6, 1.5)):
    with pytest.raises(ValueError, match="does not fit images of 3 axes"):
      metrics.hausdorff(a, b, MM, box=box)
