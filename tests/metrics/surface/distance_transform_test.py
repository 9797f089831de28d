"""The distance transform equals SciPy's, under jit and vmap as well."""

import functools
import math

import hypothesis
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import ndimage

from jaxseg import metrics

SHAPES = st.sampled_from([(3, 5, 4), (6, 5), (7, 1), (2, 1, 9)])
MASKS = SHAPES.flatmap(lambda shape: hnp.arrays(np.bool_, shape))


def expected(mask, spacing):
  if not mask.any():
    return np.full(mask.shape, np.inf)
  return ndimage.distance_transform_edt(~mask, sampling=spacing)


@functools.cache
def compiled(spacing):
  return jax.jit(lambda mask: metrics.distance_transform(mask, spacing))


@hypothesis.settings(max_examples=80)
@hypothesis.given(MASKS, st.sampled_from([(3.0, 1.0, 0.7), (0.2, 5.0, 1.0)]))
def test_any_mask(mask, spacing):
  spacing = spacing[: mask.ndim]
  found = metrics.distance_transform(mask, spacing)
  assert found.dtype == jnp.float32
  np.testing.assert_allclose(found, expected(mask, spacing), rtol=3e-7)


@pytest.mark.parametrize("share", [0.0003, 0.01, 0.5, 0.999])
def test_a_volume(share):
  mask = np.random.default_rng(0).random((20, 40, 36)) < share
  found = compiled((3.27, 0.977, 0.977))(mask)
  np.testing.assert_allclose(
    found, expected(mask, (3.27, 0.977, 0.977)), rtol=3e-7
  )
  np.testing.assert_array_equal(
    found, metrics.distance_transform(mask, (3.27, 0.977, 0.977))
  )


def test_a_batch():
  masks = np.random.default_rng(1).random((2, 3, 6, 7, 8)) < 0.02
  masks[0, 1] = False
  transform = functools.partial(metrics.distance_transform, spacing=(3, 1, 2))
  found = jax.vmap(jax.vmap(transform))(masks)
  np.testing.assert_array_equal(transform(masks, batch_axes=(0, 1)), found)
  for index in np.ndindex(2, 3):
    np.testing.assert_allclose(
      found[index], expected(masks[index], (3, 1, 2)), rtol=3e-7
    )


def test_wrong_input_is_refused():
  mask = np.ones((2, 3), np.bool_)
  with pytest.raises(TypeError, match="mask has dtype float32"):
    metrics.distance_transform(mask.astype(np.float32), (1, 1))
  for spacing in ((1, 1, 1), (1, 0), (1, math.inf), 1.0):
    with pytest.raises(ValueError, match="spacing .* of 2 axes"):
      metrics.distance_transform(mask, spacing)
  with pytest.raises(ValueError, match="masks have 1 axes; give 2 or 3"):
    metrics.distance_transform(mask[0], (1,))
  for shape in ((1, 1, 1, 1), (2, 3, 4, 5)):
    with pytest.raises(ValueError, match=r"have 4 axes; .*batch_axes=0"):
      metrics.distance_transform(np.ones(shape, np.bool_), (1, 1, 1))
