"""Overlap and surface metrics: by hand, by golden values, by properties."""

import json
import math

import hypothesis
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
import jax
import numpy as np
import pytest

from jaxseg import errors
from jaxseg import metrics

OVERLAP = {
  name: getattr(metrics, name)
  for name in ("dice", "iou", "precision", "recall", "specificity")
}
MASKS = hnp.arrays(np.bool_, (3, 5, 4))


def test_overlap_by_hand():
  prediction = np.array([1, 1, 1, 0, 0, 0], np.bool_)
  reference = np.array([1, 1, 0, 1, 1, 0], np.bool_)
  expected = {
    "dice": 4 / 7,
    "iou": 2 / 5,
    "precision": 2 / 3,
    "recall": 2 / 4,
    "specificity": 1 / 2,
  }
  for name, value in expected.items():
    assert OVERLAP[name](prediction, reference) == pytest.approx(value)


@hypothesis.settings(deadline=None, max_examples=60)
@hypothesis.given(MASKS, MASKS, st.sampled_from(sorted(OVERLAP)))
def test_overlap_properties(a, b, name):
  metric = OVERLAP[name]
  found = metric(a, b, axis=(1, 2))
  np.testing.assert_array_equal(
    found, jax.jit(lambda x, y: metric(x, y, axis=(1, 2)))(a, b)
  )
  per_slice = [metric(x, y) for x, y in zip(a, b, strict=True)]
  np.testing.assert_array_equal(found, per_slice)
  defined = found[~np.isnan(found)]
  assert ((defined >= 0) & (defined <= 1)).all()
  if name in ("dice", "iou"):
    np.testing.assert_array_equal(found, metric(b, a, axis=(1, 2)))
  if name == "precision" and a.any() and b.any():
    assert metric(a, b) == metrics.recall(b, a)


@pytest.mark.parametrize("name", ["dice", "iou", "precision", "recall"])
def test_overlap_of_empty_masks(name):
  full, empty = np.ones(4, np.bool_), np.zeros(4, np.bool_)
  metric = OVERLAP[name]
  assert math.isnan(metric(empty, empty))
  assert metric(empty, empty, empty="perfect") == 1
  for policy in ("nan", "perfect"):
    assert metric(full, empty, empty=policy) == 0
    assert metric(empty, full, empty=policy) == 0
  assert math.isnan(metric(full, empty, empty="skip"))
  assert metric(empty, full, empty="skip") == 0


def test_specificity_without_background():
  full = np.ones(4, np.bool_)
  assert math.isnan(metrics.specificity(full, full))
  assert metrics.specificity(full, full, empty="perfect") == 1


def test_golden_surfaces(golden):
  cases = json.loads((golden / "surface_values.json").read_text())["cases"]
  assert len(cases) == 32
  with np.load(golden / "surface_masks.npz") as masks:
    for name, case in cases.items():
      shape = case["shape"]
      reference, prediction = (
        np.unpackbits(masks[f"{name}__{kind}"])[: math.prod(shape)]
        .reshape(shape)
        .astype(np.bool_)
        for kind in ("gt", "pred")
      )
      found = metrics.voxel_surface_distances(
        prediction, reference, case["spacing"]
      )
      exact = case["exact_voxel"]
      expected = [float(exact[k]) for k in ("hd", "hd95", "assd", "masd")]
      np.testing.assert_allclose(found, expected, rtol=1e-12, err_msg=name)
      top, bottom = case["dice_exact"]
      if bottom:
        assert metrics.dice(prediction, reference) == pytest.approx(
          top / bottom
        )


def test_two_voxels_apart():
  a, b = np.zeros((2, 4, 3, 9), np.bool_)
  a[1, 1, 1], b[2, 1, 5] = True, True
  found = metrics.voxel_surface_distances(a, b, (3.0, 1.0, 1.0))
  np.testing.assert_allclose(found, 5.0)  # 3 mm and 4 mm, at a right angle.


@hypothesis.settings(deadline=None, max_examples=60)
@hypothesis.given(MASKS, MASKS, st.floats(0.1, 10))
def test_surface_properties(a, b, scale):
  hypothesis.assume(a.any() and b.any())
  spacing = np.array([3.0, 1.0, 2.0])
  found = metrics.voxel_surface_distances(a, b, spacing)
  np.testing.assert_allclose(
    metrics.voxel_surface_distances(b, a, spacing), found
  )
  np.testing.assert_allclose(
    metrics.voxel_surface_distances(a, b, spacing * scale),
    np.array(found) * scale,
    rtol=1e-9,
  )
  moved = [np.pad(m, ((2, 0), (0, 3), (1, 1))) for m in (a, b)]
  np.testing.assert_allclose(
    metrics.voxel_surface_distances(*moved, spacing), found
  )
  assert found.hausdorff_percentile <= found.hausdorff
  assert found.average_symmetric_surface_distance <= found.hausdorff
  assert (found.hausdorff == 0) == np.array_equal(
    *(m & ~_inner(m) for m in (a, b))
  )


def _inner(mask):
  from scipy import ndimage

  return ndimage.binary_erosion(mask)


def test_surfaces_of_empty_masks():
  full, empty = np.ones((2, 3), np.bool_), np.zeros((2, 3), np.bool_)
  distances = metrics.voxel_surface_distances
  assert np.isnan(distances(empty, empty, (1, 1))).all()
  assert not any(distances(empty, empty, (1, 1), empty="perfect"))
  for a, b in ((full, empty), (empty, full)):
    assert np.isinf(distances(a, b, (1, 1))).all()
  assert np.isnan(distances(full, empty, (1, 1), empty="skip")).all()
  assert np.isinf(distances(empty, full, (1, 1), empty="skip")).all()


def test_wrong_input_is_refused():
  mask = np.ones((2, 3), np.bool_)
  for spacing in ((1,), (1, 0), (1, -1), (1, math.nan), (1, math.inf)):
    with pytest.raises(ValueError, match="spacing"):
      metrics.voxel_surface_distances(mask, mask, spacing)
  with pytest.raises(ValueError, match="percentile"):
    metrics.voxel_surface_distances(mask, mask, (1, 1), percentile=950)
  with pytest.raises(errors.ConfigError, match="policy|empty"):
    metrics.dice(mask, mask, empty="zero")
  with pytest.raises(TypeError, match="boolean"):
    metrics.dice(mask.astype(np.int32), mask)
  with pytest.raises(ValueError, match="shapes differ"):
    metrics.dice(mask, mask[:1])
