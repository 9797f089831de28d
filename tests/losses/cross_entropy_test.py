"""Cross entropy: by hand, its weight, and that it stays finite."""

import math

import hypothesis
from hypothesis import strategies as st
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxseg import losses
from tests.quick import jit

_loss = jit(losses.binary_cross_entropy)


def test_by_hand():
  # p = 1/2 and 3/4; the second pixel is outside: -log(1/4).
  logits = jnp.array([0.0, math.log(3)])
  np.testing.assert_allclose(
    losses.binary_cross_entropy(logits, jnp.array([1.0, 0.0])),
    [math.log(2), math.log(4)],
    rtol=1e-6,
  )
  # A label of 1/4 at p = 3/4: -(1/4 log 3/4 + 3/4 log 1/4).
  soft = losses.binary_cross_entropy(logits[1:], jnp.array([0.25]))
  assert soft[0] == pytest.approx(-0.25 * math.log(0.75) + 0.75 * math.log(4))


def test_saturated_logits_cost_their_distance():
  logits = jnp.array([1e4, -1e4, 1e4, -1e4])
  labels = jnp.array([1.0, 0.0, 0.0, 1.0])
  np.testing.assert_array_equal(_loss(logits, labels), [0, 0, 1e4, 1e4])
  total = jax.grad(lambda z: jnp.sum(losses.binary_cross_entropy(z, labels)))
  gradient = jit(total)(logits)
  np.testing.assert_array_equal(gradient, [0, 0, 1, -1])


@hypothesis.settings(deadline=None, max_examples=60)
@hypothesis.given(st.floats(-80, 80, width=32), st.sampled_from([0.0, 1.0]))
def test_small_losses_are_exact(logit, label):
  # log1p keeps what 1 - sigmoid(z) would lose beyond z = 17.
  wrong = -logit if label else logit
  expected = np.logaddexp(0.0, wrong)
  found = _loss(jnp.full((1,), logit), jnp.full((1,), label))
  assert found[0] == pytest.approx(expected, rel=2e-6, abs=1e-37)


def test_sides_are_alike():
  logits = jnp.linspace(-20, 20, 40)
  labels = jnp.arange(40) % 5 / 4  # Quarters: 1 - t is exact.
  np.testing.assert_allclose(
    _loss(logits, labels), _loss(-logits, 1 - labels), rtol=1e-6
  )


def test_pos_weight_weighs_the_structure_alone():
  logits = jnp.linspace(-3, 3, 24).reshape(1, 2, 4, 3)
  labels = (jnp.arange(24).reshape(1, 2, 4, 3) % 2).astype(jnp.float32)
  plain = losses.binary_cross_entropy(logits, labels)
  weight = jnp.array([1.0, 3.0, 0.5]).reshape(1, 1, 1, 3)
  np.testing.assert_allclose(
    losses.binary_cross_entropy(logits, labels, pos_weight=weight),
    jnp.where(labels > 0, weight * plain, plain),
    rtol=1e-6,
  )
