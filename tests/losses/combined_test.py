"""Losses made of others: mixes with cross entropy, several depths."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxseg import losses
from tests.quick import jit

SHAPE = (2, 8, 8, 3)


def batch():
  generator = np.random.default_rng(0)
  logits = jnp.asarray(generator.normal(size=SHAPE), jnp.float32)
  return logits, jnp.asarray(generator.random(SHAPE) < 0.3, jnp.float32)


@pytest.mark.parametrize("smooth", [1.0, 1e-5])
def test_the_mix_is_the_sum_of_its_parts(smooth):
  logits, labels = batch()
  entropy = jnp.mean(losses.binary_cross_entropy(logits, labels), (1, 2))
  overlap = losses.dice(logits, labels, smooth=smooth)
  for weight in (0.0, 0.25, 1.0):
    np.testing.assert_allclose(
      losses.bce_dice(logits, labels, weight=weight, smooth=smooth),
      weight * entropy + (1 - weight) * overlap,
      rtol=1e-6,
    )


def test_combo_by_its_formula():
  logits, labels = batch()
  z, t = np.asarray(logits, np.float64), np.asarray(labels, np.float64)
  entropy = 0.2 * t * np.logaddexp(0, -z) + 0.8 * (1 - t) * np.logaddexp(0, z)
  score = 1 - losses.dice(logits, labels, smooth=2.0)
  np.testing.assert_allclose(
    losses.combo(logits, labels, weight=0.7, fn_weight=0.2, smooth=2.0),
    0.7 * entropy.mean((1, 2)) - 0.3 * score,
    rtol=1e-5,
  )


def test_one_compiled_step_serves_all_weights():
  logits, labels = batch()
  traces = []

  @jit
  def loss(weight):
    traces.append(weight)
    return losses.bce_dice(logits, labels, weight=weight)

  for weight in (1.0, 0.0, 0.5):
    np.testing.assert_allclose(
      loss(jnp.float32(weight)),
      losses.bce_dice(logits, labels, weight=weight),
      rtol=1e-6,
    )
  assert len(traces) == 1
  # A weight per model, as where several are trained together.
  both = jax.vmap(lambda w: losses.bce_dice(logits, labels, weight=w))(
    jnp.array([1.0, 0.0])
  )
  np.testing.assert_allclose(both[1], losses.dice(logits, labels), rtol=1e-6)


def test_the_mean_is_of_the_pixels_that_count():
  logits, labels = batch()
  where = jnp.zeros((2, 8, 8, 1), jnp.bool_).at[0, 1, 2].set(True)
  found = losses.bce_dice(logits, labels, weight=1.0, where=where)
  entropy = losses.binary_cross_entropy(logits, labels)
  np.testing.assert_allclose(found[0], entropy[0, 1, 2], rtol=1e-6)
  np.testing.assert_array_equal(found[1], 0)  # None of its pixels counts.


def test_nothing_costs_nothing():
  logits, labels = batch()
  where = np.ones((2, 8, 8, 1), np.bool_)
  where[1] = False
  for loss in (losses.combo, losses.bce_dice):
    found = loss(logits, labels, where=where)
    np.testing.assert_array_equal(found[1], 0)
    np.testing.assert_allclose(found[0], loss(logits, labels)[0], rtol=1e-6)
    empty = loss(logits[:, :0], labels[:, :0])
    np.testing.assert_array_equal(empty, np.zeros((2, 3)))
