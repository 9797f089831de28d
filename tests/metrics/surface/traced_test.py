"""Under jit and vmap the surface metrics are those of the host."""

import functools
import itertools
import math

import hypothesis
from hypothesis.extra import numpy as hnp
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxseg import metrics
from tests.metrics.surface import surfaces

FAMILIES = surfaces.FAMILIES
MM = (3.0, 1.0, 0.7)
# Each metric takes time to compile: where others do not matter, few are.
FEW = {"percentiles": (100.0,), "tolerances": (1.0,)}
# What runs but a few times on small arrays is quicker compiled than run fast.
quick = functools.partial(
  jax.jit, compiler_options={"xla_backend_optimization_level": 0}
)


def close(found, expected):
  assert found.keys() == expected.keys()
  for name, value in expected.items():
    np.testing.assert_allclose(
      found[name], value, rtol=2e-6, atol=1e-6, err_msg=name
    )


@functools.cache
def compiled(jit=jax.jit, **options):
  options = {"spacing": MM, **options}
  return jit(functools.partial(metrics.surface_report, **options))


@pytest.mark.parametrize("surface", FAMILIES)
@hypothesis.settings(max_examples=40)
@hypothesis.given(hnp.arrays(np.bool_, (2, 3, 4, 5)))
def test_any_masks(surface, pair):
  a, b = pair
  found = compiled(surface=surface, percentiles=(50, 95, 100))(a, b)
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
  # The default policy is compiled already, for any masks.
  how = {"surface": surface, "percentiles": (50, 95, 100)}
  if empty != "nan":
    how = {"surface": surface, "empty": empty, **FEW}
  for a, b in ((none, none), (none, full), (full, none)):
    found = compiled(jax.jit if empty == "nan" else quick, **how)(a, b)
    for name, value in metrics.surface_report(a, b, MM, **how).items():
      np.testing.assert_array_equal(found[name], value, err_msg=name)


def small_golden_cases(golden):
  """Cases by what has to be compiled anew, padded to one shape."""
  groups = {}
  for case in surfaces.golden_cases(golden):
    if case[2].size <= 8_000:
      groups.setdefault(tuple(case[1]["spacing"]), []).append(case)
  for spacing, cases in groups.items():
    for axes, some in itertools.groupby(cases, lambda case: case[2].ndim):
      masks = [case[2:] for case in some]
      shape = np.max([a.shape for a, _ in masks], axis=0)
      # Beyond an array is background, so more of it changes nothing.
      padded = [
        [np.pad(v, [(0, n - m) for n, m in zip(shape, v.shape, strict=True)])
         for v in pair]
        for pair in masks
      ]  # fmt: skip
      yield spacing, axes, padded


def agrees_on_golden_cases(spacing, padded):
  for surface in FAMILIES:
    report = functools.partial(
      metrics.surface_report, spacing=spacing, surface=surface
    )
    program = quick(report)
    for a, b in padded:
      close(program(a, b), report(a, b))
  return len(padded)


def test_golden_values_under_jit(golden):
  seen = 0
  for spacing, _, padded in small_golden_cases(golden):
    if len(padded) > 1:
      seen += agrees_on_golden_cases(spacing, padded)
  assert seen == 7


@pytest.mark.slow
def test_golden_values_of_other_spacings_under_jit(golden):
  seen = 0
  for spacing, _, padded in small_golden_cases(golden):
    if len(padded) == 1:
      seen += agrees_on_golden_cases(spacing, padded)
  assert seen == 5


@pytest.mark.parametrize("surface", FAMILIES)
def test_single_metrics_and_batches(surface):
  generator = np.random.default_rng(0)
  a, b = generator.random((2, 3, 4, 5, 6)) < 0.3  # Three cases.
  kind = {"spacing": MM, "surface": surface}

  @jax.jit
  @jax.vmap
  def found(p, q):
    return {
      "hausdorff": metrics.hausdorff(p, q, percentile=95, **kind),
      "assd": metrics.average_symmetric_surface_distance(p, q, **kind),
      "nsd": metrics.normalized_surface_dice(p, q, tolerance=1.0, **kind),
    }

  found = found(a, b)
  for n in range(3):
    expected = metrics.surface_report(a[n], b[n], **kind)
    assert found["hausdorff"][n] == pytest.approx(expected["hausdorff_95"])
    assert found["assd"][n] == pytest.approx(expected["assd"])
    assert found["nsd"][n] == pytest.approx(expected["nsd_1"])
    assert found["nsd"].dtype == jnp.float32


@pytest.mark.parametrize("surface", FAMILIES)
def test_a_window(surface):
  a, b = np.zeros((2, 8, 12, 14), np.bool_)
  a[5:8, 8:12, 9:13], b[4:7, 7:11, 10:14] = True, True  # At the array's end.
  how = {"surface": surface, **FEW}
  expected = metrics.surface_report(a, b, MM, **how)
  for box in ((4, 5, 5), (8, 12, 14), (6, 7, 9)):
    close(compiled(quick, box=box, **how)(a, b), expected)
  # What does not fit is never cut off silently.
  small = compiled(quick, box=(4, 5, 4), empty="perfect", **how)
  assert all(math.isnan(value) for value in small(a, b).values())
  none = np.zeros_like(a)
  assert small(none, none)["nsd_1"] == 1


@pytest.mark.parametrize("surface", FAMILIES)
def test_a_sweep(surface):
  p, reference = surfaces.smooth((6, 14, 12), 5)
  cuts = np.linspace(0, 1, 24).astype(np.float32)
  sweep = functools.partial(
    metrics.surface_sweep,
    spacing=MM,
    surface=surface,
    percentiles=(95,),
    tolerances=(1.0,),
  )
  expected = sweep(p, reference, thresholds=cuts)
  for together in (1, 8):
    found = quick(functools.partial(sweep, together=together))(
      p, reference, thresholds=cuts
    )
    close(found, expected)
  within = np.zeros((9, 20, 18), np.float32)
  within[2:8, 4:18, 3:15] = p
  mask = np.zeros(within.shape, np.bool_)
  mask[2:8, 4:18, 3:15] = reference
  found = quick(functools.partial(sweep, box=(7, 15, 14), together=10))(
    within, mask, thresholds=cuts[4:]
  )
  expected = sweep(within, mask, thresholds=cuts[4:])
  close(found, expected)


PERCENTILES = (0, 2.5, 33.3, 50, 95, 99.9, 100)
MANY = (97.123, 99.9999, 33.3333)


@functools.cache
def lines():
  """Two lines of pixels, and all percentiles of one program."""
  a, b = np.zeros((2, 1, 400), np.bool_)
  a[0, :350], b[0, 3::7] = True, True
  program = compiled(
    spacing=(1.0, 0.3), percentiles=PERCENTILES, surface="voxel", tolerances=()
  )
  return a, b, program(a, b)


@pytest.mark.parametrize("percentile", PERCENTILES)
def test_percentiles_between_points(percentile):
  a, b, found = lines()
  expected = metrics.hausdorff(
    a, b, (1.0, 0.3), percentile=percentile, surface="voxel"
  )
  value = found[f"hausdorff_{percentile:g}"]
  assert value == pytest.approx(expected, rel=1e-6)


@functools.cache
def blocks():
  """Two blocks of many voxels: the report under jit and on the host."""
  large, small = np.zeros((2, 70, 70, 70), np.bool_)
  large[:], small[20:40, 30:60, 10:20] = True, True
  how = {"percentiles": MANY, "surface": "voxel"}
  host = metrics.surface_report(large, small, MM, **how)
  return compiled(**how)(large, small), host


@pytest.mark.parametrize("percentile", MANY)
def test_percentiles_of_many_points_do_not_overflow(percentile):
  # Ranks times a numerator of six digits leave int32.
  found, expected = blocks()
  name = f"hausdorff_{percentile:g}"
  assert found[name] == pytest.approx(expected[name], rel=2e-6)
  close(found, expected)


def test_a_window_for_single_metrics():
  a, b = np.zeros((2, 20, 20, 20), np.bool_)
  a[3:6, 4:8, 5:9], b[3:7, 4:8, 5:8] = True, True
  functions = (
    (metrics.hausdorff, ()),
    (metrics.average_symmetric_surface_distance, ()),
    (metrics.normalized_surface_dice, (1.0,)),
  )

  @quick
  def boxed(a, b):
    return [f(a, b, MM, *more, box=(6, 6, 6)) for f, more in functions]

  for value, (f, more) in zip(boxed(a, b), functions, strict=True):
    np.testing.assert_allclose(value, f(a, b, MM, *more), rtol=2e-6)
  for box in (3, (6, 6), (6, 6, 0), (6, 6, 1.5)):
    with pytest.raises(ValueError, match="does not fit images of 3 axes"):
      metrics.hausdorff(a, b, MM, box=box)
