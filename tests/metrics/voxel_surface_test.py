"""Voxel surface distances: by hand, by brute force, by golden values."""

import doctest
import itertools
import json
import math

import hypothesis
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
import jax.numpy as jnp
import numpy as np
import pytest

from jaxseg import metrics
from jaxseg.metrics import _voxel_surface

distances = metrics.voxel_surface_distances
SHAPES = st.sampled_from([(3, 5, 4), (6, 5), (1, 4, 4), (7, 1)])
PAIRS = SHAPES.flatmap(lambda s: st.tuples(*[hnp.arrays(np.bool_, s)] * 2))


def border_points(mask):
  """Indices of voxels with a face on the background or the array's end."""
  padded = np.pad(mask, 1)
  points = []
  for index in np.argwhere(padded):
    faces = itertools.product(range(mask.ndim), (-1, 1))
    moved = (
      index + step * np.eye(mask.ndim, dtype=int)[k] for k, step in faces
    )
    if not all(padded[tuple(near)] for near in moved):
      points.append(index)
  return np.array(points)


def brute_force(a, b, spacing, percentile):
  """The same numbers from all pairs of border voxels."""
  p, q = border_points(a), border_points(b)
  gaps = (p[:, None] - q[None]) * np.asarray(spacing)
  pairs = np.sqrt((gaps**2).sum(-1))
  there, back = pairs.min(1), pairs.min(0)
  return (
    max(there.max(), back.max()),
    max(np.percentile(d, percentile) for d in (there, back)),
    np.concatenate([there, back]).mean(),
    (there.mean() + back.mean()) / 2,
  )


def test_two_voxels_apart():
  a, b = np.zeros((2, 4, 3, 9), np.bool_)
  a[1, 1, 1], b[2, 1, 5] = True, True
  found = distances(a, b, (3.0, 1.0, 1.0))
  np.testing.assert_allclose(found, 5.0)  # 3 mm and 4 mm, at a right angle.
  assert found.masd == found.mean_average_surface_distance == 5.0


def test_means_and_percentiles_by_hand():
  # One pixel against four: 0 there; 0, 2, 4 and 6 mm back.
  a, b = np.zeros((2, 1, 9), np.bool_)
  a[0, 2] = True
  b[0, 2:6] = True
  found = distances(a, b, (1.0, 2.0), percentile=50)
  assert found.hausdorff == 6
  assert found.hausdorff_percentile == 3  # Halfway between 2 and 4.
  assert found.average_symmetric_surface_distance == pytest.approx(12 / 5)
  assert found.masd == pytest.approx((0 + 12 / 4) / 2)
  assert distances(a, b, (1.0, 2.0), percentile=100)[1] == 6
  assert distances(a, b, (1.0, 2.0), percentile=0)[1] == 0


def test_the_end_of_the_array_is_a_border():
  # The middle voxel of 3 x 3 x 3 alone is inside; it is 1 mm from the others.
  full, middle = np.ones((3, 3, 3), np.bool_), np.zeros((3, 3, 3), np.bool_)
  middle[1, 1, 1] = True
  found = distances(middle, full, (1, 1, 1))
  assert found.hausdorff == pytest.approx(math.sqrt(3))
  assert distances(full, full, (1, 1, 1)) == (0, 0, 0, 0)


@hypothesis.settings(deadline=None, max_examples=80)
@hypothesis.given(
  PAIRS,
  st.lists(st.floats(0.1, 10), min_size=3, max_size=3),
  st.sampled_from([0, 12.5, 50, 95, 100]),
)
def test_brute_force_gives_the_same(pair, spacing, percentile):
  a, b = pair
  hypothesis.assume(a.any() and b.any())
  spacing = spacing[: a.ndim]
  np.testing.assert_allclose(
    distances(a, b, spacing, percentile=percentile),
    brute_force(a, b, spacing, percentile),
    rtol=1e-12,
    atol=1e-13,
  )


@hypothesis.settings(deadline=None, max_examples=60)
@hypothesis.given(PAIRS, st.floats(0.1, 10))
def test_properties(pair, scale):
  a, b = pair
  hypothesis.assume(a.any() and b.any())
  spacing = np.array([3.0, 1.0, 2.0][: a.ndim])
  found = distances(a, b, spacing)
  np.testing.assert_allclose(distances(b, a, spacing), found, rtol=1e-13)
  np.testing.assert_allclose(
    distances(a, b, spacing * scale), np.array(found) * scale, rtol=1e-12
  )
  moved = [np.pad(m, [(2, 0), (0, 3), (1, 1)][: a.ndim]) for m in pair]
  assert distances(*moved, spacing) == found
  turned = [m.transpose() for m in pair]
  np.testing.assert_allclose(
    distances(*turned, spacing[::-1]), found, rtol=1e-13
  )
  assert found.hausdorff_percentile <= found.hausdorff
  assert found.masd <= found.hausdorff * (1 + 1e-15)
  assert found.average_symmetric_surface_distance <= found.hausdorff * (
    1 + 1e-15
  )
  same = np.array_equal(border_points(a), border_points(b))
  assert (found.hausdorff == 0) == same
  assert distances(a, a, spacing) == (0, 0, 0, 0)


def test_any_array_is_welcome_and_none_is_changed():
  a, b = np.zeros((2, 6, 5), np.bool_)
  a[1:4, 1:3], b[2:5, 2:5] = True, True
  found = distances(a, b, (1, 2))
  copies = a.copy(), b.copy()
  assert distances(jnp.asarray(a), jnp.asarray(b), [1, 2]) == found
  assert distances(a.tolist(), b.tolist(), np.array([1, 2])) == found
  assert distances(a[:, ::-1], b[:, ::-1], (1, 2)) == found
  assert distances(np.asfortranarray(a), b, (1, 2)) == found
  for mask in (a, b):
    mask.flags.writeable = False
  assert distances(a, b, (1, 2)) == found
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
      distances(mask, mask, spacing)
    assert "\n" not in str(caught.value)
  for percentile in (950, -1, math.nan):
    with pytest.raises(ValueError, match="percentile .* is not in"):
      distances(mask, mask, (1, 1), percentile=percentile)
  with pytest.raises(TypeError, match="reference has dtype uint8"):
    distances(mask, mask.astype(np.uint8), (1, 1))
  with pytest.raises(ValueError, match="shapes differ"):
    distances(mask, mask[:1], (1, 1))


def test_examples_in_docstrings():
  found = doctest.testmod(_voxel_surface)
  assert found.attempted and not found.failed


def test_golden_values(golden):
  cases = json.loads((golden / "surface_values.json").read_text())["cases"]
  assert len(cases) == 32
  with np.load(golden / "surface_masks.npz") as masks:
    for name, case in cases.items():
      shape = case["shape"]
      reference, prediction = (
        np.unpackbits(masks[f"{name}__{kind}"], count=math.prod(shape))
        .reshape(shape)
        .astype(np.bool_)
        for kind in ("gt", "pred")
      )
      found = distances(prediction, reference, case["spacing"])
      exact = case["exact_voxel"]
      expected = [float(exact[k]) for k in ("hd", "hd95", "assd", "masd")]
      np.testing.assert_allclose(found, expected, rtol=1e-12, err_msg=name)
