"""Which axes are a batch's is said, and never guessed."""

import functools

import jax
import numpy as np
import pytest

from jaxseg import metrics

MM = (3.0, 1.0, 0.7)
FLAT = MM[1:]
DRAW = np.random.default_rng(0)
A, B = DRAW.random((2, 2, 4, 5, 6, 3)) < 0.3  # [N, slice, row, column, C]
P = DRAW.random(A.shape, np.float32)
CUTS = np.float32([0.3, 0.6])
FEW = {"percentiles": (100.0,), "tolerances": (1.0,), "surface": "voxel"}


def report(a, b, spacing, **options):
  return metrics.surface_report(a, b, spacing, **FEW, **options)


METRICS = {
  "report": report,
  "directed": functools.partial(metrics.directed_hausdorff, surface="voxel"),
  "path": metrics.added_path_length,
  "sweep": lambda a, b, spacing, **options: metrics.surface_sweep(
    np.where(a, 0.9, 0.2).astype(np.float32), b, spacing, CUTS, **FEW, **options
  ),
  "rim": lambda a, b, spacing, **options: metrics.boundary_iou(
    a, b, spacing, 1.0, **options
  ),
}


@pytest.mark.parametrize("name", METRICS)
@pytest.mark.parametrize("axes", [(0, -1), (-1, 0), (0, 1, 4)])
def test_batches(name, axes):
  metric = METRICS[name]
  left = [k for k in range(5) if k not in {axis % 5 for axis in axes}]
  spacing = MM if len(left) == 3 else FLAT
  found = metric(A, B, spacing, batch_axes=axes)
  batch = sorted(axis % 5 for axis in axes)
  a, b = (np.moveaxis(m, batch, range(len(batch))) for m in (A, B))
  lengths = a.shape[: len(batch)]
  for place in list(np.ndindex(lengths))[::5]:
    one = metric(a[place], b[place], spacing)
    jax.tree.map(
      lambda many, value, place=place: np.testing.assert_array_equal(
        many[place], value
      ),
      found,
      one,
    )


@pytest.mark.parametrize("name", METRICS)
@pytest.mark.parametrize(
  ("shape", "spacing", "batch", "said"),
  [
    ((2, 5, 6, 3), MM, None, r"4 axes; give 2 or 3, .*batch_axes=0"),
    ((2, 4, 5, 6, 3), MM, None, r"5 axes; give 2 or 3"),
    ((2, 5, 6), FLAT, None, r"of 2 axes, the masks have 3; .*batch_axes=0"),
    ((2, 5, 6), MM, 0, r"spacing .* does not fit masks of 2 axes"),
    ((2, 4, 5, 6, 3), MM, 0, r"5 axes, 4 of them no batch's"),
    ((5, 6), FLAT, 0, r"2 axes, 1 of them no batch's"),
    ((2, 5, 6), FLAT, 3, r"axis 3 does not fit an array of 3 axes"),
  ],
)
def test_what_is_ambiguous_is_refused(name, shape, spacing, batch, said):
  mask = np.ones(shape, np.bool_)
  with pytest.raises(ValueError, match=said):
    METRICS[name](mask, mask, spacing, batch_axes=batch)


def test_a_batch_of_slices_under_jit():
  a, b = A[0, ..., 0], B[0, ..., 0]  # [N, H, W]
  call = functools.partial(report, spacing=FLAT, batch_axes=0)
  found, expected = jax.jit(call)(a, b), call(a, b)
  for name, values in expected.items():
    assert found[name].shape == (4,)
    np.testing.assert_allclose(found[name], values, rtol=2e-6, atol=1e-6)


def test_a_transform_of_channels():
  found = metrics.distance_transform(A, MM, batch_axes=(0, 4))
  for n, c in np.ndindex(2, 3):
    np.testing.assert_array_equal(
      found[n, ..., c], metrics.distance_transform(A[n, ..., c], MM)
    )


class TestTraced:
  def test_the_tolerance(self):
    a, b = A[0, ..., 0], B[0, ..., 0]
    nsd = functools.partial(metrics.normalized_surface_dice, a, b, MM)
    tolerances = np.float32([0.5, 1.0, 3.0])
    expected = [nsd(float(t)) for t in tolerances]
    found = jax.jit(jax.vmap(lambda t: nsd(t, surface="surfel")))(tolerances)
    np.testing.assert_allclose(found, expected, rtol=2e-6)
    assert nsd(np.float32(1)) == nsd(jax.numpy.float32(1)) == expected[1]

  def test_the_spacing_of_a_transform(self):
    mask = A[0, ..., 0]
    expected = metrics.distance_transform(mask, MM)
    call = jax.jit(metrics.distance_transform)
    np.testing.assert_array_equal(call(mask, MM), expected)
    np.testing.assert_array_equal(call(mask, np.float32(MM)), expected)
    with pytest.raises(ValueError, match=r"spacing of shape \(2,\) does not"):
      call(mask, np.float32(FLAT))

  def test_beta(self):
    a, b = A[0], B[0]
    found = jax.jit(lambda beta: metrics.f_beta(a, b, beta=beta))(2.0)
    assert float(found) == float(metrics.f_beta(a, b, beta=2.0))


def test_one_way_only():
  """As far as SciPy's distance transform says that the prediction strays."""
  from scipy import ndimage

  a, b = A[0, ..., 1], B[0, ..., 1]
  rims = [
    m & ~ndimage.binary_erosion(m, ndimage.generate_binary_structure(3, 1))
    for m in (a, b)
  ]
  far = ndimage.distance_transform_edt(~rims[1], sampling=MM)[rims[0]]
  one_way = functools.partial(metrics.directed_hausdorff, surface="voxel")
  assert one_way(a, b, MM) == pytest.approx(far.max(), rel=1e-12)
  assert one_way(a, b, MM, percentile=95) == pytest.approx(
    np.percentile(far, 95), rel=1e-12
  )
  jitted = jax.jit(lambda a, b: one_way(a, b, MM))(a, b)
  assert float(jitted) == pytest.approx(far.max(), rel=2e-6)
  for surface in ("surfel", "voxel"):
    both = [
      metrics.directed_hausdorff(*pair, MM, percentile=95, surface=surface)
      for pair in ((a, b), (b, a))
    ]
    assert max(both) == metrics.hausdorff(
      a, b, MM, percentile=95, surface=surface
    )
