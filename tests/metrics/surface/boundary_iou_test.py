"""Boundary IoU: rims found by comparing each voxel with all others."""

import hypothesis
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
import jax
import numpy as np
import pytest

from jaxseg import errors
from jaxseg import metrics

MM = (3.0, 1.0, 0.7)


def rim(mask, spacing, width):
  """Voxels at most so far from one outside, which the padding is."""
  padded = np.pad(mask, 1)
  inside, outside = (np.argwhere(m) * spacing for m in (padded, ~padded))
  apart = np.linalg.norm(inside[:, None] - outside[None], axis=-1).min(1)
  found = np.zeros(padded.shape, np.bool_)
  found[padded] = apart <= width * (1 + 1e-6)
  return found[(slice(1, -1),) * mask.ndim]


def expected(a, b, spacing, width):
  a, b = (rim(mask, spacing, width) for mask in (a, b))
  return (a & b).sum() / (a | b).sum()


def blob(seed, shape=(6, 9, 10)):
  generator = np.random.default_rng(seed)
  places = np.stack(np.indices(shape), -1) - generator.uniform(3, 5, 3)
  return np.linalg.norm(places * (1.5, 1, 1), axis=-1) < 4.2


@hypothesis.settings(max_examples=40)
@hypothesis.given(
  hnp.arrays(np.bool_, (2, 3, 4, 5)), st.sampled_from([0.7, 1.5])
)
def test_any_masks(pair, width):
  a, b = pair
  found = metrics.boundary_iou(a, b, MM, width)
  if a.any() and b.any():
    assert float(found) == pytest.approx(expected(a, b, MM, width), rel=1e-6)


@pytest.mark.parametrize("width", [0.7, 2.1, 3.0, 50.0])
def test_thick_masks_and_jit(width):
  a, b = blob(0), blob(1)
  wanted = expected(a, b, MM, width)
  found = metrics.boundary_iou(a, b, MM, width)
  assert float(found) == pytest.approx(wanted, rel=1e-6)
  jitted = jax.jit(lambda a, b: metrics.boundary_iou(a, b, MM, width))(a, b)
  assert float(jitted) == float(found)
  if width == 50.0:  # Then all of a mask is its rim.
    assert float(found) == float(metrics.iou(a, b))


def test_batches():
  a, b = np.stack([blob(0), blob(1)]), np.stack([blob(2), blob(3)])
  wanted = [expected(*pair, MM, 1.0) for pair in zip(a, b, strict=True)]
  found = metrics.boundary_iou(a, b, MM, 1.0, batch_axes=0)
  np.testing.assert_allclose(found, wanted, rtol=1e-6)
  last = np.moveaxis(a, 0, -1), np.moveaxis(b, 0, -1)
  found = jax.jit(
    lambda a, b: metrics.boundary_iou(a, b, MM, 1.0, batch_axes=-1)
  )(*last)
  np.testing.assert_allclose(found, wanted, rtol=1e-6)


def test_wrong_input_is_refused():
  mask = np.ones((2, 3), np.bool_)
  for width in (0.5, 0, -1, np.nan):
    with pytest.raises(
      errors.ConfigError, match="is below the spacing of 1 mm"
    ):
      metrics.boundary_iou(mask, mask, (2, 1), width)
  with pytest.raises(ValueError, match=r"4 axes; .*batch_axes=0"):
    metrics.boundary_iou(mask[None, None], mask[None, None], MM, 1.0)
