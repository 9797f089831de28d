"""Arrays come in as users have them, and none is misread in silence."""

import functools

import jax
import jax.numpy as jnp
import ml_dtypes
import numpy as np
import pytest

from jaxseg import _arrays as arrays
from jaxseg import contours
from jaxseg import metrics
from jaxseg import thresholds

DRAW = np.random.default_rng(0)
P = (DRAW.random((3, 5, 6)) * 1000).round().astype(np.float32) / 1000
Y = DRAW.random(P.shape) < P
MM = (3.0, 1.0, 0.7)
CUTS = thresholds.grid(11)
AFFINE = np.diag([3.0, 1.0, 0.7, 1.0])
# What takes a map and a reference, and what takes it at thresholds.
OF_MAPS = {
  "count": lambda p, y: thresholds.count(p, y, CUTS),
  "count_axis": lambda p, y: thresholds.count(p, y, CUTS, axis=1, where=y),
  "count_case": lambda p, y: thresholds.count_case(p, y, CUTS),
  "count_distinct": thresholds.count_distinct,
  "sweep": lambda p, y: thresholds.sweep(p, y, CUTS),
  "sweep_counts": lambda p, y: thresholds.sweep_counts(p, y, CUTS),
  "binarize": lambda p, y: thresholds.binarize(p, 0.5),
  "expected": metrics.expected_calibration_error,
  "maximum": metrics.maximum_calibration_error,
  "brier_score": metrics.brier_score,
  "nll": metrics.negative_log_likelihood,
  "surface_sweep": lambda p, y: metrics.surface_sweep(
    p, y, MM, CUTS, percentiles=(100.0,), tolerances=()
  ),
  "isolines": lambda p, y: contours.isolines(p, 0.5, AFFINE),
}
OF_NUMBERS = {  # Thresholds, spacings, positions, tables of values.
  "count": lambda v: thresholds.count(P, Y, v(CUTS)),
  "count_case": lambda v: thresholds.count_case(P, Y, v(CUTS)),
  "sweep": lambda v: thresholds.sweep(P, Y, v(CUTS)),
  "binarize": lambda v: thresholds.binarize(P, v(P[::-1])),
  "surface_sweep": lambda v: metrics.surface_sweep(P, Y, v(MM), v(CUTS)),
  "transform": lambda v: metrics.distance_transform(Y, v(MM)),
  "hausdorff": lambda v: metrics.hausdorff(Y, P > 0.5, v(MM)),
  "volume": lambda v: metrics.volume_difference(Y, P > 0.5, v(MM)),
  "aggregate": lambda v: metrics.aggregate(v([0.5, 1]), v([3, 4]), v([5, 6])),
  "rasterize": lambda v: contours.rasterize(
    [v([[0, 1, 1], [0, 1, 4], [0, 3, 1]])], (1, 5, 6), v(np.eye(4))
  ),
  "coarsen": lambda v: thresholds.coarsen(
    thresholds.count_case(P, Y, CUTS), v(CUTS[::5])
  ),
  "curve": lambda v: thresholds.curve(
    thresholds.Counts(v(CUTS), v(np.arange(12)), v(np.arange(12)))
  ),
}
OF_MASKS = {
  "dice": metrics.dice,
  "matthews": metrics.matthews_correlation,
  "volume": metrics.volume_similarity,
  "hausdorff": lambda a, b: metrics.hausdorff(a, b, MM),
  "path": lambda a, b: metrics.added_path_length(a, b, MM),
  "rim": lambda a, b: metrics.boundary_iou(a, b, MM, 1.0),
  "components": lambda a, b: metrics.component_dice(a, b, MM),
  "transform": lambda a, b: metrics.distance_transform(a, MM),
  "trace": lambda a, b: contours.trace(a, AFFINE),
}


def same(found, expected):
  assert jax.tree.structure(found) == jax.tree.structure(expected)
  for a, b in zip(
    jax.tree.leaves(found), jax.tree.leaves(expected), strict=True
  ):
    np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("name", OF_MAPS)
def test_maps_of_any_byte_order(name):
  # Of one value after the other: compiled for native order, then given others.
  call = OF_MAPS[name]
  for dtype in ("f4", "f8", "f2"):
    p = P.astype(dtype)
    expected = call(p, Y)
    same(call(p.astype(">" + dtype), Y), expected)
    same(call(p.astype("<" + dtype)[::1], Y), expected)


@pytest.mark.parametrize("name", OF_NUMBERS)
@pytest.mark.parametrize("order", "<>")
def test_numbers_of_any_byte_order(name, order):
  call = OF_NUMBERS[name]

  def reordered(values):
    array = np.asarray(values)
    return array.astype(array.dtype.newbyteorder(order))

  same(call(reordered), call(np.asarray))


@pytest.mark.parametrize("name", OF_MAPS)
def test_a_masked_map_is_refused(name):
  masked = np.ma.masked_array(P, mask=P > 0.9)
  with pytest.raises(TypeError, match="masked array, and its mask would be lo"):
    OF_MAPS[name](masked, Y)
  if name not in ("binarize", "isolines"):
    with pytest.raises(TypeError, match="reference is a masked array"):
      OF_MAPS[name](P, np.ma.masked_array(Y, mask=P > 0.9))


@pytest.mark.parametrize("name", OF_MASKS)
def test_a_masked_mask_is_refused(name):
  masked = np.ma.masked_array(Y, mask=P > 0.9)
  OF_MASKS[name](Y, Y)
  with pytest.raises(TypeError, match="is a masked array"):
    OF_MASKS[name](masked, masked)


@pytest.mark.parametrize(
  "call",
  [
    thresholds.count_case,
    thresholds.count,
    lambda p, y, cuts: thresholds.count_distinct(p, y),
    lambda p, y, cuts: thresholds.sweep(p, y, cuts),
    lambda p, y, cuts: thresholds.sweep_counts(p, y, cuts),
  ],
)
class TestReferences:
  @pytest.mark.parametrize(
    "wrong",
    [
      Y.astype(np.uint8) * 255,
      np.where(Y, 2, 1),
      Y * np.arange(6),
      Y.astype(">i2") * 255,
      Y * np.float32(0.5),
      np.where(Y, np.nan, 0),
      jnp.where(Y, 3, 0),
      -Y.astype(np.int8),
    ],
  )
  def test_that_are_no_mask_are_refused(self, call, wrong):
    with pytest.raises(TypeError, match=r"reference has dtype .* and holds"):
      call(P, wrong, CUTS)

  @pytest.mark.parametrize("dtype", ["u1", ">i2", "f4", ">f8", "i8"])
  def test_of_zeros_and_ones_are_masks(self, call, dtype):
    same(call(P, Y.astype(dtype), CUTS), call(P, Y, CUTS))


def test_traced_numbers_are_no_mask():
  count = jax.jit(lambda y: thresholds.count(P, y, CUTS))
  same(count(Y), thresholds.count(P, Y, CUTS))
  with pytest.raises(TypeError, match="reference has dtype int32; give a bool"):
    count(Y.astype(np.int32))
  with pytest.raises(TypeError, match="where has dtype float32; give a bool"):
    jax.jit(lambda w: thresholds.count(P, Y, CUTS, where=w))(P)
  with pytest.raises(TypeError, match="where has dtype float64 and holds"):
    thresholds.count_case(P, Y, CUTS, where=P.astype(float))


FLOATS8 = [
  name for name in dir(ml_dtypes)
  if name.startswith("float8") and hasattr(jnp, name)
]  # fmt: skip


@pytest.mark.parametrize("name", FLOATS8)
def test_every_8_bit_float(name):
  dtype = np.dtype(getattr(ml_dtypes, name))
  p = np.arange(256, dtype=np.uint8).view(dtype)
  wide = p.astype(np.float32)
  p, wide = (v[(wide >= 0) & (wide <= 1)] for v in (p, wide))
  y = np.arange(len(p)) % 3 == 0
  expected = thresholds.count_case(wide, y, CUTS)
  for found in (
    thresholds.count_case(p, y, CUTS),
    thresholds.count(jnp.asarray(p), y, CUTS),
  ):
    np.testing.assert_array_equal(found.positive, expected.positive)
    np.testing.assert_array_equal(found.negative, expected.negative)


def test_extended_precision_and_lists():
  wide = P.astype(np.longdouble)
  same(thresholds.count(wide, Y, CUTS), thresholds.count(P, Y, CUTS))
  same(metrics.brier_score(wide, Y), metrics.brier_score(P, Y))
  same(
    thresholds.count(P.tolist(), Y.tolist(), CUTS.tolist()),
    thresholds.count(P, Y, CUTS),
  )
  two = jax.jit(lambda a, b: thresholds.binarize([a, b], 0.5))(0.2, 0.7)
  assert two.tolist() == [False, True]


@pytest.mark.parametrize("optimum", [
    thresholds.optimum, thresholds.sensitivity, thresholds.brier,
    thresholds.reliability, thresholds.expected_optimum,
])  # fmt: skip
def test_what_is_of_the_host_says_so(optimum):
  counts = thresholds.count(P, Y, CUTS)
  with pytest.raises(TypeError, match=r"counts is traced.*outside, or use `cu"):
    jax.jit(optimum)(counts)


def test_what_decides_a_program_cannot_be_traced():
  report = functools.partial(metrics.hausdorff, Y, P > 0.5)
  for kind, call in {
    "spacing": lambda v: report((v, 1.0, 1.0)),
    "percentile": lambda v: report(MM, percentile=v),
    "worst_distance": lambda v: report(MM, worst_distance=v),
    "tolerances": lambda v: metrics.surface_report(Y, Y, MM, tolerances=(v,)),
  }.items():
    with pytest.raises(TypeError, match=f"^{kind} is traced, its value unkn"):
      jax.jit(call)(1.0)


def test_native_leaves_the_rest_alone():
  device, traced_out = jnp.zeros(3), []
  assert arrays.native(a=None, b=device) == (None, device)
  (same_one,) = arrays.native(p=P)
  assert same_one is P
  jax.jit(lambda v: traced_out.append(arrays.native(v=v)[0] is v))(device)
  assert traced_out == [True]


class TestExplicitMesh:
  """`jax.make_mesh` makes axes explicit: no function fails on such arrays."""

  def laid_out(self, *values):
    mesh = jax.make_mesh((2,), ("x",))
    spec = jax.sharding.PartitionSpec(None, None, "x")
    sharding = jax.sharding.NamedSharding(mesh, spec)
    assert mesh.axis_types == (jax.sharding.AxisType.Explicit,)
    return [jax.device_put(v, sharding) for v in values]

  @pytest.mark.parametrize("name", [n for n in OF_MAPS if n != "isolines"])
  def test_maps(self, name):
    p, y = self.laid_out(P, Y)
    found, expected = OF_MAPS[name](p, y), OF_MAPS[name](P, Y)
    jax.tree.map(np.testing.assert_array_equal, found, expected)
    if name in ("count_axis", "sweep", "binarize", "maximum"):
      jax.tree.map(
        np.testing.assert_array_equal, jax.jit(OF_MAPS[name])(p, y), expected
      )

  @pytest.mark.parametrize("name", [n for n in OF_MASKS if n != "trace"])
  def test_masks(self, name):
    a, b = self.laid_out(P > 0.5, Y)
    found = OF_MASKS[name](a, b)
    np.testing.assert_array_equal(found, OF_MASKS[name](P > 0.5, Y))
    if name == "transform":
      assert jax.typeof(found).sharding == jax.typeof(a).sharding

  def test_surfaces_under_jit(self):
    a, b = self.laid_out(P > 0.5, Y)
    call = jax.jit(lambda a, b: metrics.hausdorff(a, b, MM, surface="voxel"))
    expected = metrics.hausdorff(P > 0.5, Y, MM, surface="voxel")
    np.testing.assert_allclose(call(a, b), expected, rtol=2e-6)

  def test_a_mapped_axis_stays_laid_out(self):
    p, y = (np.moveaxis(v, 2, 0) for v in (P, Y))  # [6, 3, 5]
    mesh = jax.make_mesh((2,), ("x",))
    spec = jax.sharding.PartitionSpec("x")
    laid_out = jax.sharding.NamedSharding(mesh, spec)
    call = jax.vmap(lambda a, b: thresholds.count(a, b, CUTS).positive)
    found = jax.jit(call)(*(jax.device_put(v, laid_out) for v in (p, y)))
    assert jax.typeof(found).sharding.spec[0] == "x"
    np.testing.assert_array_equal(found, call(p, y))
