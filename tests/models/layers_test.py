"""Normalisation and convolution layers against Flax's own."""

import math

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxseg.models import _layers
from tests.quick import jit


def draw(*shape, seed=0):
  values = np.random.default_rng(seed).normal(0.5, 2, shape)
  return jnp.asarray(values, jnp.float32)


def loss_and_gradients(module, variables, x, **options):
  """Loss, gradients for parameters and images, changed running averages."""
  output = jax.eval_shape(
    lambda: module.apply(variables, x, mutable=["batch_stats"], **options)[0]
  )
  change = draw(*output.shape, seed=5)

  def loss(params, x):
    y, changed = module.apply(
      {**variables, "params": params}, x, mutable=["batch_stats"], **options
    )
    return jnp.sum(y * change), changed

  def both(params, x):
    return jax.value_and_grad(loss, argnums=(0, 1), has_aux=True)(params, x)

  return jit(both)(variables["params"], x)


def assert_close(a, b):
  jax.tree.map(
    lambda p, q: np.testing.assert_allclose(p, q, rtol=2e-4, atol=2e-4), a, b
  )


def affine(channels):
  return {"scale": draw(channels, seed=3), "bias": draw(channels, seed=4)}


@pytest.mark.parametrize(
  ("channels", "groups"), [(4, 4), (8, 8), (12, 6), (16, 8), (11, 1)]
)
def test_group_norm_is_flaxs(channels, groups):
  x = draw(2, 5, 6, channels)
  variables = {"params": affine(channels)}
  ours = _layers.Norm("group")
  flax = nn.GroupNorm(num_groups=groups, epsilon=1e-5)
  assert_close(
    loss_and_gradients(ours, variables, x, train=True),
    loss_and_gradients(flax, variables, x),
  )


def test_batch_norm_is_flaxs_in_training_and_after():
  x = draw(3, 5, 6, 4)
  variables = {
    "params": affine(4),
    "batch_stats": {"mean": draw(4), "var": jnp.abs(draw(4)) + 1},
  }
  ours = _layers.Norm("batch")
  flax = nn.BatchNorm(momentum=0.9, epsilon=1e-5)
  for train in (True, False):
    assert_close(
      loss_and_gradients(ours, variables, x, train=train),
      loss_and_gradients(flax, variables, x, use_running_average=not train),
    )


def test_init_leaves_the_running_averages_alone():
  norm = _layers.Norm("batch")
  init = jit(norm.init, static_argnames="train")
  variables = init(jax.random.key(0), draw(2, 4, 4, 3), train=True)
  assert variables["batch_stats"]["mean"].tolist() == [0, 0, 0]
  assert variables["batch_stats"]["var"].tolist() == [1, 1, 1]


def test_no_norm_is_the_identity():
  x = draw(2, 4, 4, 3)
  norm = _layers.Norm("none")
  assert norm.init(jax.random.key(0), x, train=True) == {}
  assert norm.apply({}, x, train=True) is x


@pytest.mark.parametrize("kind", ["group", "batch"])
def test_constant_images_normalise_to_the_bias(kind):
  # 0.1 is not a float32: the difference of moments may come out below 0.
  x = jnp.full((2, 9, 9, 8), 100.1, jnp.float32)
  norm = _layers.Norm(kind)

  @jit
  def normalised(x):
    variables = norm.init(jax.random.key(0), x, train=True)
    return norm.apply(variables, x, train=True, mutable=["batch_stats"])

  y, _ = normalised(x)
  assert jnp.all(jnp.abs(y) < 1)


def test_convolution_with_bias_is_flaxs():
  x = draw(2, 5, 6, 3)
  variables = {"params": {"kernel": draw(3, 3, 3, 4), "bias": draw(4, seed=2)}}
  assert_close(
    loss_and_gradients(_layers.Conv3x3(4), variables, x),
    loss_and_gradients(nn.Conv(4, (3, 3)), variables, x),
  )


def test_initial_kernels_keep_the_variance_through_relu():
  layer = _layers.Conv3x3(64)
  variables = jit(layer.init)(jax.random.key(0), draw(1, 2, 2, 64))
  kernel = variables["params"]["kernel"]
  expected = math.sqrt(2 / (9 * 64))
  assert float(jnp.std(kernel)) == pytest.approx(expected, rel=0.02)
