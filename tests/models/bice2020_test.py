"""The authors' network: its size and its peculiarities."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxseg import errors
from jaxseg import models
from jaxseg.models import _bice2020
from tests.quick import jit
from tests.quick import variables as drawn

SMALL = {"depth": 2, "f": 1}


def draw(*shape, seed=0):
  values = np.random.default_rng(seed).normal(0, 1, shape)
  return jnp.asarray(values, jnp.float32)


def init(module, images):
  return jit(module.init)(jax.random.key(0), images)


def shapes(module, *size):
  images = jnp.zeros((1, *size, 1))
  return jax.eval_shape(module.init_with_output, jax.random.key(0), images)


@pytest.mark.parametrize(
  ("depth", "f", "parameters"),
  [(4, 3, 134_478), (5, 3, 541_326), (5, 4, 2_159_694)],
)
def test_parameters_are_those_of_the_authors_code(depth, f, parameters):
  module = models.Bice2020UNet(depth=depth, f=f)
  _, variables = shapes(module, 64, 64)
  assert models.parameter_count(variables) == parameters


def test_parameters_block_by_block():
  # Depth 4, f 3, each with biases and batch norm: conv n -> n, conv n -> m.
  down = [10 + 2 + 80 + 16, 584 + 16 + 1168 + 32]
  down += [2320 + 32 + 4640 + 64, 9248 + 64 + 18496 + 128]
  up = [18464 + 64 + 36928 + 128 + 18464 + 64]
  up += [4624 + 32 + 9248 + 64 + 4624 + 32, 1160 + 16 + 2320 + 32 + 1160 + 16]
  final = 73 + 2 + 38 + 4 + 19 + 2
  assert sum([*down, *up, final]) == 134_478
  _, variables = shapes(models.Bice2020UNet(), 300, 300)
  params = variables["params"]
  counted = [models.parameter_count(params[f"down_{k}"]) for k in range(4)]
  assert counted == down


@pytest.mark.parametrize(
  "size", [(300, 300), (16, 16), (17, 31), (37, 50), (96, 128)]
)
def test_logits_have_the_images_size(size):
  logits, _ = shapes(models.Bice2020UNet(), *size)
  assert logits.shape == (1, *size, 1) and logits.dtype == jnp.float32


def test_each_of_the_sizes_of_a_300_pixel_image():
  _, seen = jax.eval_shape(
    lambda: models.Bice2020UNet().init_with_output(
      jax.random.key(0),
      jnp.zeros((1, 300, 300, 1)),
      capture_intermediates=True,
      mutable=True,
    )
  )
  outputs = {
    name: value["__call__"][0].shape[1:]
    for name, value in seen["intermediates"].items()
    if isinstance(value, dict)
  }
  assert [outputs[f"down_{k}"] for k in range(4)] == [
    (300, 300, 8),
    (150, 150, 16),
    (75, 75, 32),
    (37, 37, 64),
  ]
  assert [outputs[f"stretch_{k}"] for k in (3, 2, 1, 0)] == [
    (37, 37, 32),
    (75, 75, 16),
    (151, 151, 8),
    (301, 301, 1),
  ]
  assert outputs["up_1"] == (150, 150, 8)


def test_too_small_images_are_refused():
  with pytest.raises(ValueError, match=r"\(16, 15\) have a side below 16; pad"):
    shapes(models.Bice2020UNet(), 16, 15)


def test_cropping_leaves_an_odd_rest_at_the_far_side():
  rows = jnp.arange(7.0)[None, :, None, None] * jnp.ones((1, 7, 7, 1))
  assert _bice2020._crop(rows, (1, 4, 7, 1))[0, :, 0, 0].tolist() == [
    1,
    2,
    3,
    4,
  ]


def test_every_parameter_has_a_gradient_and_every_average_moves():
  module = models.Bice2020UNet(**SMALL, dropout=0.1)
  images = draw(4, 13, 18, 1)
  variables = drawn(module, images)

  @jit
  def gradients(params):
    def loss(params):
      logits, changed = module.apply(
        {**variables, "params": params},
        images,
        train=True,
        mutable=["batch_stats"],
        rngs={"dropout": jax.random.key(1)},
      )
      return jnp.mean(logits * draw(*images.shape, seed=3)), changed

    return jax.grad(loss, has_aux=True)(params)

  change, changed = gradients(variables["params"])
  for path, leaf in jax.tree.leaves_with_path(change):
    assert jnp.isfinite(leaf).all() and jnp.any(leaf != 0), path
  moved = jax.tree.map(
    lambda a, b: bool(jnp.any(a != b)),
    variables["batch_stats"],
    changed["batch_stats"],
  )
  assert all(jax.tree.leaves(moved))


def constant_maps(**settings):
  """Which of 32 images have one logit everywhere, in training."""
  module = models.Bice2020UNet(**SMALL, dropout=0.5, **settings)
  images = draw(32, 8, 8, 1)
  variables = drawn(module, images)

  def train(seed):
    rngs = {"dropout": jax.random.key(seed)}
    logits, _ = module.apply(
      variables, images, train=True, mutable=["batch_stats"], rngs=rngs
    )
    return logits

  logits = jit(train)(0)
  return np.ptp(np.asarray(logits), axis=(1, 2, 3)) == 0


def test_final_dropout_flattens_whole_images_in_training():
  assert 6 <= constant_maps().sum() <= 26


def trained_twice(**settings):
  """Of 8 images whether two draws of dropout give other logits."""
  module = models.Bice2020UNet(**SMALL, dropout=0.5, **settings)
  images = draw(8, 8, 8, 1)
  variables = drawn(module, images)

  @jit
  def train(seed):
    rngs = {"dropout": jax.random.key(seed)}
    return module.apply(
      variables, images, train=True, mutable=["batch_stats"], rngs=rngs
    )[0]

  return bool(jnp.any(train(0) != train(1)))


@pytest.mark.parametrize("place", ["image", "stretch", "last", "rest"])
def test_dropout_at_one_place_drops_there(place):
  assert trained_twice(dropout_at=place)


def test_dropout_at_none_drops_nothing():
  assert not trained_twice(dropout_at="none")


def test_dropout_at_the_last_place_drops_the_same_images_without_the_others():
  assert (constant_maps() == constant_maps(dropout_at="last")).all()


@pytest.mark.parametrize("places", ["", "last,first", "none,last", "LAST"])
def test_dropout_at_an_unknown_place_is_refused(places):
  with pytest.raises(errors.ConfigError, match="image,stretch,last,rest"):
    models.Bice2020UNet(dropout_at=places)


def test_no_final_dropout_flattens_none():
  assert constant_maps(dropout_at="image,stretch,rest").sum() == 0


def test_final_dropout_without_norm_gives_logits_of_zero():
  assert 6 <= constant_maps(final_norm=False).sum() <= 26


def test_final_norm_is_two_parameters():
  with_norm, without = (
    models.parameter_count(
      shapes(models.Bice2020UNet(final_norm=norm), 16, 16)[1]
    )
    for norm in (True, False)
  )
  assert with_norm == without + 2


def test_no_leaky_relu_holds_logits_up_without_the_norm():
  module = models.Bice2020UNet(**SMALL, final_norm=False)
  images = draw(2, 8, 8, 1)
  variables = drawn(module, images)
  variables["params"]["logits"]["conv_1"]["bias"] = jnp.full(1, -30.0)
  # A leaky ReLU would make 0.3 of these 30.
  assert float(jnp.max(jit(module.apply)(variables, images))) < -10


def test_inference_needs_no_random_numbers_and_repeats():
  module = models.Bice2020UNet(depth=1, f=1)
  images = draw(2, 9, 9, 1)
  variables = init(module, images)
  apply = jit(module.apply)
  assert (apply(variables, images) == apply(variables, images)).all()


def test_bfloat16_work_gives_float32_logits():
  module = models.Bice2020UNet(**SMALL, dtype=jnp.bfloat16)
  logits, variables = shapes(module, 8, 8)
  assert logits.dtype == jnp.float32
  leaves = jax.tree.leaves(variables)
  assert {leaf.dtype for leaf in leaves} == {jnp.dtype(jnp.float32)}


@pytest.mark.parametrize(
  ("settings", "text"),
  [
    ({"depth": 0}, "bice2020: depth is 0; give at least 1"),
    ({"f": -1}, "bice2020: f is -1; give at least 0"),
    ({"dropout": -0.1}, r"bice2020: dropout is -0.1; give 0 or more"),
  ],
)
def test_settings_that_cannot_work(settings, text):
  with pytest.raises(errors.ConfigError, match=text):
    models.Bice2020UNet(**settings)
