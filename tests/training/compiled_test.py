"""The compiled functions, as users compile them."""

import functools

import jax
import numpy as np
import pytest

from jaxseg import models
from jaxseg import thresholds
from jaxseg import training
from jaxseg.models import _forward
from jaxseg.training import _compiled
from jaxseg.training import _step
from tests import quick_networks
from tests import tiny


def made(forward, options):
  """Functions of this test alone: (init, step, count, predict)."""
  return (
    _compiled._compiled_init.__wrapped__(forward, options),
    _compiled._compiled_step.__wrapped__(forward, None, options, None),
    _compiled._compiled_count.__wrapped__(forward, None),
    _forward._compiled.__wrapped__(forward),
  )


def numbers(init, step, count, predict):
  draw = np.random.default_rng(0)
  images = draw.integers(-300, 500, (8, 32, 32)).astype(np.int16)
  labels = (draw.random(images.shape) < 0.3).astype(np.uint8)
  state, losses = init(np.uint32(0), images), []
  first = jax.device_get(state.params)
  counts = count(
    state, images, labels, np.ones(8, np.bool_), thresholds.grid(1001)
  )
  counts = jax.device_get((counts.positive, counts.negative))
  for _ in range(2):
    state, loss = step(state, images, labels, np.float32(0.01), np.float32(0.5))
    losses.append(float(loss))
  maps = np.asarray(predict(state.variables, images))
  return first, counts, losses, maps


def test_quick_compiling_changes_no_more_than_rounding():
  """All other tests of this folder compile quickly: this is what that hides."""
  config = tiny.config(network={"name": "unet", "base": 2, "blocks": 1})
  found = []
  quickly = made(config.forward, config.options)
  with quick_networks.options_are(quick_networks.OF_USERS):
    users = made(config.forward, config.options)
  for functions in (quickly, users):
    found.append(numbers(*functions))
  (first, counts, losses, maps), (*others,) = found
  jax.tree.map(np.testing.assert_array_equal, first, others[0])
  for one, other in zip(counts, others[1], strict=True):
    assert one.sum() == other.sum()
    # A probability at the border of an interval may fall into the next.
    assert np.abs(np.cumsum(one - other)).max() <= 3
  np.testing.assert_allclose(losses, others[2], rtol=1e-6)
  np.testing.assert_allclose(maps, others[3], atol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize(
  "network", [{"name": "unet", "base": 8}, {"name": "bice2020"}], ids=str
)
def test_weights_have_the_bits_that_fusion_emitters_give(network):
  config = training.Config("brain", network=network)
  images = np.zeros((4, 64, 64), np.int16)
  init = jax.jit(
    functools.partial(_step.init, config.forward, config.options)
  ).lower(np.uint32(0), images)
  level = {"xla_backend_optimization_level": "0"}
  with quick_networks.options_are(quick_networks.OF_USERS):
    ours = models.init_options()
  assert ours != level
  one, other = (
    jax.device_get(init.compile(options)(np.uint32(0), images))
    for options in (level, ours)
  )
  jax.tree.map(np.testing.assert_array_equal, one, other)
