"""Surface metrics: by hand, by brute force, by other tools' values."""

import functools
import math

import hypothesis
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxseg import errors
from jaxseg import metrics
from tests.metrics.surface import surfaces

FAMILIES = surfaces.FAMILIES
SHAPES = st.sampled_from([(3, 5, 4), (6, 5), (1, 4, 4), (7, 1)])
PAIRS = SHAPES.flatmap(lambda s: st.tuples(*[hnp.arrays(np.bool_, s)] * 2))
report = metrics.surface_report


def pair(*shape):
  return np.zeros((2, *shape), np.bool_)


@pytest.mark.parametrize("surface", FAMILIES)
def test_two_voxels_apart(surface):
  a, b = pair(4, 3, 9)
  a[1, 1, 1], b[2, 1, 5] = True, True
  found = report(a, b, (3.0, 1.0, 1.0), tolerances=(4.9, 5), surface=surface)
  far = found["hausdorff_100"]
  if surface == "voxel":
    assert far == found["hausdorff_95"] == found["assd"] == 5.0
    assert (found["nsd_4.9"], found["nsd_5"]) == (0.0, 1.0)
  else:  # Along the slices a corner has one to face, or one 3 mm away.
    assert far == 5.0
    assert found["assd"] == pytest.approx((3 + 4 + 5 + math.hypot(3, 3)) / 4)


def test_means_and_percentiles_by_hand():
  # One pixel against four: 0 there; 0, 2, 4 and 6 mm back.
  a, b = pair(1, 9)
  a[0, 2] = True
  b[0, 2:6] = True
  found = report(
    a, b, (1.0, 2.0), percentiles=(0, 50, 100), tolerances=(0, 2, 3.9),
    surface="voxel",
  )  # fmt: skip
  assert found["hausdorff_100"] == 6
  assert found["hausdorff_50"] == 3  # Halfway between 2 and 4.
  assert found["hausdorff_0"] == 0
  assert found["assd"] == pytest.approx(12 / 5)
  assert found["mean_to_reference"] == 0
  assert found["mean_to_prediction"] == 3
  assert found["masd"] == 1.5
  shares = [found[f"nsd_{t}"] for t in ("0", "2", "3.9")]
  np.testing.assert_allclose(shares, [2 / 5, 3 / 5, 3 / 5])


def test_single_voxels_as_the_authors_of_surfels_publish_them():
  # surface-distance's own test of two voxels, spacing 3, 2, 1 mm: their eight
  # corners are 2 mm apart, or 1 mm where they face each other.
  a, b = pair(128, 128, 128)
  a[50, 60, 70], b[50, 60, 72] = True, True
  found = report(a, b, (3, 2, 1), tolerances=(1, 2))
  assert found["mean_to_reference"] == found["mean_to_prediction"] == 1.5
  assert found["hausdorff_100"] == found["hausdorff_95"] == 2.0
  assert found["nsd_1"] == 0.5
  same = report(a, a, (3, 2, 1))
  assert same["assd"] == same["hausdorff_100"] == 0.0
  assert same["nsd_1"] == 1.0


def test_two_cubes_as_the_authors_of_surfels_publish_them():
  # Their published numbers, to the digits they give: a box of 50 slices of 100
  # x 100 voxels, and one of a slice more, 2 mm thick.
  a, b = pair(100, 100, 100)
  a[:50], b[:51] = True, True
  found = report(b, a, (2, 1, 1), tolerances=(1,))
  assert found["mean_to_prediction"] == pytest.approx(0.322, abs=5e-4)
  assert found["mean_to_reference"] == pytest.approx(0.339, abs=5e-4)
  assert found["hausdorff_100"] == found["hausdorff_95"] == 2.0
  assert found["nsd_1"] == pytest.approx(0.836, abs=5e-4)


def test_the_end_of_the_array_is_a_border():
  # The middle voxel of 3 x 3 x 3 alone is inside; it is 1 mm from the others.
  full, middle = np.ones((3, 3, 3), np.bool_), np.zeros((3, 3, 3), np.bool_)
  middle[1, 1, 1] = True
  found = report(middle, full, (1, 1, 1), surface="voxel")
  assert found["hausdorff_100"] == pytest.approx(math.sqrt(3))
  for surface in FAMILIES:
    same = report(full, full, (1, 1, 1), surface=surface)
    assert same["hausdorff_100"] == same["assd"] == 0
    assert same["nsd_1"] == 1


@pytest.mark.parametrize("surface", FAMILIES)
@hypothesis.settings(max_examples=60)
@hypothesis.given(PAIRS, st.lists(st.floats(0.1, 10), min_size=3, max_size=3))
def test_brute_force_gives_the_same(surface, pair, spacing):
  a, b = pair
  hypothesis.assume(a.any() and b.any())
  spacing = spacing[: a.ndim]
  found = report(a, b, spacing, surface=surface)
  for name, value in surfaces.brute_force(a, b, spacing, surface).items():
    np.testing.assert_allclose(
      found[name], value, rtol=1e-11, atol=1e-12, err_msg=name
    )


@hypothesis.settings(max_examples=60)
@hypothesis.given(
  hnp.arrays(np.bool_, (2, 3, 4, 5)),
  st.floats(0.1, 10),
  st.sampled_from(FAMILIES),
)
def test_properties(pair, scale, surface):
  a, b = pair
  hypothesis.assume(a.any() and b.any())
  spacing = np.array([3.0, 1.0, 2.0])
  wanted = {"tolerances": (0.5, 1, 2, 4, 8), "percentiles": (50, 95, 100)}
  found = report(a, b, spacing, surface=surface, **wanted)
  values = np.array(list(found.values()))

  swapped = report(b, a, spacing, surface=surface, **wanted)
  for name in ("mean_to_reference", "mean_to_prediction"):
    other = {"mean_to_reference": "mean_to_prediction"}.get(
      name, "mean_to_reference"
    )
    assert swapped[name] == pytest.approx(found[other], rel=1e-13)
  for name in found.keys() - {"mean_to_reference", "mean_to_prediction"}:
    assert swapped[name] == pytest.approx(found[name], rel=1e-13)

  # Millimetres scale with the voxel, shares with the tolerance.
  scaled = report(
    a, b, spacing * 2, surface=surface, tolerances=(1, 2, 4, 8, 16),
    percentiles=(50, 95, 100),
  )  # fmt: skip
  factor = np.where([n.startswith("nsd") for n in found], 1.0, 2.0)
  np.testing.assert_array_equal(list(scaled.values()), values * factor)
  odd = report(a, b, spacing * scale, surface=surface)["assd"]
  assert odd == pytest.approx(found["assd"] * scale, rel=1e-12)

  moved = [np.pad(m, [(2, 0), (0, 3), (1, 1)]) for m in pair]
  again = report(*moved, spacing, surface=surface, **wanted)
  np.testing.assert_array_equal(list(again.values()), values)
  turned = [m.transpose() for m in pair]
  turned_values = report(*turned, spacing[::-1], surface=surface, **wanted)
  np.testing.assert_allclose(list(turned_values.values()), values, rtol=1e-12)

  assert (
    found["hausdorff_50"] <= found["hausdorff_95"] <= found["hausdorff_100"]
  )
  most = found["hausdorff_100"] * (1 + 1e-15)
  assert found["masd"] <= most
  assert found["assd"] <= most
  shares = [found[f"nsd_{t:g}"] for t in wanted["tolerances"]]
  assert shares == sorted(shares)
  assert all(0 <= share <= 1 for share in shares)
  itself = report(a, a, spacing, surface=surface)
  assert itself["hausdorff_100"] == 0
  assert itself["nsd_1"] == 1


def test_the_single_metrics_are_those_of_the_report():
  generator = np.random.default_rng(1)
  a, b = generator.random((2, 6, 7, 8)) < 0.2
  spacing = (2.0, 1.0, 1.5)
  for surface in FAMILIES:
    found = report(a, b, spacing, surface=surface, percentiles=(90, 100))
    kind = {"surface": surface}
    assert metrics.hausdorff(a, b, spacing, **kind) == found["hausdorff_100"]
    assert (
      metrics.hausdorff(a, b, spacing, percentile=90, **kind)
      == found["hausdorff_90"]
    )
    assert (
      metrics.average_symmetric_surface_distance(a, b, spacing, **kind)
      == found["assd"]
    )
    assert (
      metrics.normalized_surface_dice(a, b, spacing, 2.0, **kind)
      == found["nsd_2"]
    )


def test_any_array_is_welcome_and_none_is_changed():
  a, b = pair(6, 5)
  a[1:4, 1:3], b[2:5, 2:5] = True, True
  found = report(a, b, (1, 2))
  copies = a.copy(), b.copy()
  assert report(jnp.asarray(a), jnp.asarray(b), [1, 2]) == found
  assert report(a.tolist(), b.tolist(), np.array([1, 2])) == found
  assert report(a[:, ::-1], b[:, ::-1], (1, 2)) == found
  assert report(np.asfortranarray(a), b, (1, 2)) == found
  for mask in (a, b):
    mask.flags.writeable = False
  assert report(a, b, (1, 2)) == found
  np.testing.assert_array_equal((a, b), copies)


def test_wrong_input_is_refused():
  mask = np.ones((2, 3), np.bool_)
  for spacing in (
    (1,),
    (1, 1, 1),
    (1, 0),
    (1, -1),
    (1, math.nan),
    (1, math.inf),
    1.0,
    None,
    ("a", 1),
    np.ones((2, 2)),
  ):
    with pytest.raises(ValueError, match="spacing .* of 2 axes") as caught:
      report(mask, mask, spacing)
    assert "\n" not in str(caught.value)
  for percentile in (950, -1, math.nan):
    with pytest.raises(errors.ConfigError, match="percentile .* is not in"):
      report(mask, mask, (1, 1), percentiles=(percentile,))
  with pytest.raises(errors.ConfigError, match="tolerance -1 is not in"):
    report(mask, mask, (1, 1), tolerances=(-1,))
  with pytest.raises(errors.ConfigError, match="worst_distance nan is not in"):
    report(mask, mask, (1, 1), worst_distance=math.nan)
  with pytest.raises(TypeError, match="reference has dtype uint8"):
    report(mask, mask.astype(np.uint8), (1, 1))
  with pytest.raises(ValueError, match="shapes differ"):
    report(mask, mask[:1], (1, 1))
  with pytest.raises(ValueError, match="masks have 1 axes; give 2 or 3"):
    report(mask[0], mask[0], (1,))
  with pytest.raises(errors.ConfigError, match="surface 'mesh' is unknown"):
    report(mask, mask, (1, 1), surface="mesh")


def test_golden_values(golden):
  seen = 0
  for name, case, prediction, reference in surfaces.golden_cases(golden):
    seen += 1
    surfel, voxel = (
      report(
        prediction, reference, case["spacing"], percentiles=(50, 95, 100),
        surface=surface,
      )
      for surface in FAMILIES
    )  # fmt: skip
    peer, exact = case["deepmind"], case["exact_voxel"]
    expected = {
      "hausdorff_50": peer["hd50"],
      "hausdorff_95": peer["hd95"],
      "hausdorff_100": peer["hd100"],
      "mean_to_reference": peer["asd_pred_to_gt"],
      "mean_to_prediction": peer["asd_gt_to_pred"],
      **{f"nsd_{t}": peer["nsd"][t] for t in "123"},
    }
    if name == "both_empty":  # There the peer says inf, our policy nan.
      expected |= {f"hausdorff_{q}": "nan" for q in (50, 95, 100)}
    for key, value in expected.items():
      np.testing.assert_allclose(
        surfel[key], float(value), rtol=1e-12, err_msg=f"{name} {key}"
      )
    expected = {
      "hausdorff_95": exact["hd95"],
      "hausdorff_100": exact["hd"],
      "assd": exact["assd"],
      "masd": exact["masd"],
      **{f"nsd_{t}": exact["nsd"][t] for t in "123"},
    }
    for key, value in expected.items():
      np.testing.assert_allclose(
        voxel[key], float(value), rtol=1e-12, err_msg=f"{name} {key}"
      )
  assert seen == 32


@pytest.mark.parametrize("traced", [False, True])
def test_a_batch_in_front(traced):
  a, b = np.random.default_rng(3).random((2, 2, 3, 4, 5, 6)) < 0.2
  b[1, 2] = False
  call = functools.partial(report, spacing=(3.0, 1.0, 2.0), surface="voxel")
  batch = functools.partial(call, batch_axes=(0, 1))
  found = (jax.jit(batch) if traced else batch)(a, b)
  for index in np.ndindex(2, 3):
    one = call(a[index], b[index])
    for name, value in one.items():
      assert found[name].shape == (2, 3)
      np.testing.assert_allclose(found[name][index], value, rtol=2e-6)
  hausdorff = metrics.hausdorff(a, b, (3.0, 1.0, 2.0), batch_axes=(0, 1))
  assert hausdorff.shape == (2, 3)
