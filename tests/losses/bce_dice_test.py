"""The mix of cross entropy and Dice."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxseg import losses


def batch():
  generator = np.random.default_rng(0)
  logits = jnp.asarray(generator.normal(size=(2, 6, 4, 3)), jnp.float32)
  return logits, (logits > 0.5).astype(jnp.float32)


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


def test_one_compiled_step_serves_all_weights():
  logits, labels = batch()
  traces = []

  @jax.jit
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
  where = jnp.zeros((2, 6, 4, 1), jnp.bool_).at[0, 1, 2].set(True)
  found = losses.bce_dice(logits, labels, weight=1.0, where=where)
  entropy = losses.binary_cross_entropy(logits, labels)
  np.testing.assert_allclose(found[0], entropy[0, 1, 2], rtol=1e-6)
  np.testing.assert_array_equal(found[1], 0)  # None of its pixels counts.
