"""Boundary loss, and the distances it takes."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxseg import losses

SHAPE = (2, 8, 8, 3)


def batch():
  generator = np.random.default_rng(0)
  logits = jnp.asarray(generator.normal(size=SHAPE), jnp.float32)
  return logits, jnp.asarray(generator.random(SHAPE) < 0.3, jnp.float32)


def test_boundary_of_some_classes_and_in_float64():
  logits, phi = batch()
  where = jnp.array([False, True, True])
  found = losses.boundary(logits, phi, activation="softmax", where=where)
  p = jax.nn.softmax(logits, -1)
  expected = np.asarray(p) * np.asarray(phi) * np.asarray(where)
  np.testing.assert_allclose(found, expected, rtol=1e-6)
  with jax.enable_x64(True):
    z, d = np.asarray(logits, np.float64), np.asarray(phi, np.float64) - 0.3
    found = losses.boundary(z, d)
    assert found.dtype == jnp.float64
    np.testing.assert_allclose(found, d / (1 + np.exp(-z)), rtol=1e-12)


def test_signed_distance_by_hand_and_refusals():
  mask = np.array([[False, True, True, True, False]])
  found = losses.signed_distance(mask, (1.0, 0.5))
  np.testing.assert_allclose(found, [[0.5, 0.5, 0, 0.5, 0.5]])
  for bad, spacing, said in (
    (np.zeros((2, 4, 4, 1), bool), None, "4 axes"),
    (mask, (1.0,), "does not fit"),
    (mask, (1.0, 0.0), "does not fit"),
    (mask, (1.0, np.nan), "does not fit"),
    (mask, 2.0, "does not fit"),
  ):
    with pytest.raises(ValueError, match=said):
      losses.signed_distance(bad, spacing)
  with pytest.raises(TypeError, match="int64"):
    losses.signed_distance(mask.astype(np.int64))


def test_a_mask_without_a_border_has_no_distance():
  mask = np.zeros((3, 4), np.bool_)
  for one in (mask, ~mask):
    found = losses.signed_distance(one)
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, np.zeros((3, 4)))
