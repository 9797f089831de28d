"""Tversky losses: small ones, and exponents that are refused."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxseg import losses
from tests.quick import jit


@jit
def focal_tversky(logits, labels):
  """The loss of one slice, and its gradient."""
  return jax.value_and_grad(lambda z: losses.focal_tversky(z, labels)[0, 0])(
    logits
  )


def test_a_focal_tversky_loss_that_is_small():
  # All but right: 2.1e-5, and a gradient.
  labels = jnp.ones((1, 8, 8, 1))
  p = 1 / (1 + np.exp(-14.0))
  wrong = 64 * 0.7 * (1 - p)
  expected = (wrong / (64 * p + wrong + 1)) ** 0.75
  found, gradient = focal_tversky(jnp.full(labels.shape, 14.0), labels)
  np.testing.assert_allclose(found, expected, rtol=1e-5)
  assert np.all(gradient < 0)


def test_the_least_focal_tversky_loss_has_no_gradient():
  labels = jnp.ones((1, 8, 8, 1))
  found, gradient = focal_tversky(jnp.full(labels.shape, 100.0), labels)
  assert found == 0
  np.testing.assert_array_equal(gradient, 0)


def test_the_exponent_is_above_0():
  logits = jnp.zeros((1, 2, 2, 1))
  for exponent in (0, -1.0, float("nan")):
    with pytest.raises(ValueError, match="exponent is .* above 0"):
      losses.focal_tversky(logits, logits, exponent=exponent)
