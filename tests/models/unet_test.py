"""The default U-Net: size, shapes, gradients, training mode."""

import functools

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxseg import errors
from jaxseg import models
from tests.quick import jit
from tests.quick import variables as drawn


def draw(*shape, seed=0):
  values = np.random.default_rng(seed).normal(0, 1, shape)
  return jnp.asarray(values, jnp.float32)


def init(module, images, seed=0):
  return jit(module.init)(jax.random.key(seed), images)


def by_hand(base, blocks, norm, structures):
  """Parameters of the U-Net, summed convolution by convolution."""

  def block(inputs, width):
    weights = 9 * inputs * width + 9 * width * width
    return weights + {"none": 2 * width}.get(norm, 4 * width)

  widths = [base * 2**k for k in range(blocks)]
  total = sum(
    block(a, b) for a, b in zip([1, *widths[:-1]], widths, strict=True)
  )
  for width in widths[:-1]:
    total += 2 * width * width + width  # Halves the channels from below.
    total += block(2 * width, width)
  return total + base * structures + structures


@pytest.mark.parametrize("norm", ["none", "batch", "group"])
@pytest.mark.parametrize(
  ("base", "blocks", "structures"), [(16, 5, 1), (8, 4, 3), (3, 1, 2)]
)
def test_parameters_are_those_counted_by_hand(base, blocks, structures, norm):
  module = models.UNet(structures, base=base, blocks=blocks, norm=norm)
  images = jnp.zeros((1, 16, 16, 1))
  variables = jax.eval_shape(module.init, jax.random.key(0), images)
  expected = by_hand(base, blocks, norm, structures)
  assert models.parameter_count(variables) == expected
  assert models.parameter_count(variables["params"]) == expected


def test_the_default_network_has_1_8_million_parameters():
  # Written out once, so that the formula above is not its own witness:
  # down 16 .. 256, bottom, halving convolutions, up, head.
  down = [2448 + 64, 13824 + 128, 55296 + 256, 221184 + 512]
  bottom = 294912 + 589824 + 1024
  halve = [512 + 16, 2048 + 32, 8192 + 64, 32768 + 128]
  up = [6912 + 64, 27648 + 128, 110592 + 256, 442368 + 512]
  assert sum([*down, bottom, *halve, *up, 17]) == 1_811_729
  assert by_hand(16, 5, "group", 1) == 1_811_729


@pytest.mark.parametrize("norm", ["none", "batch", "group"])
def test_logits_and_gradients_under_jit(norm):
  module = models.UNet(2, base=2, blocks=2, norm=norm, dropout=0.1)
  images = draw(2, 32, 16, 1)
  variables = drawn(module, images)

  @jit
  def step(variables, images):
    def loss(params):
      logits, changed = module.apply(
        {**variables, "params": params},
        images,
        train=True,
        mutable=["batch_stats"],
        rngs={"dropout": jax.random.key(1)},
      )
      return jnp.mean(jnp.square(logits)), (logits, changed)

    return jax.grad(loss, has_aux=True)(variables["params"])

  gradients, (logits, changed) = step(variables, images)
  assert logits.shape == (2, 32, 16, 2) and logits.dtype == jnp.float32
  for leaf in jax.tree.leaves(gradients):
    assert leaf.dtype == jnp.float32
    assert jnp.isfinite(leaf).all()
  assert ("batch_stats" in changed) == (norm == "batch")
  if norm == "batch":
    moved = jax.tree.map(
      lambda a, b: bool(jnp.any(a != b)),
      variables["batch_stats"],
      changed["batch_stats"],
    )
    assert all(jax.tree.leaves(moved))


def test_bfloat16_work_gives_float32_logits():
  images = draw(1, 16, 16, 1)
  exact = models.UNet(base=4, blocks=2)
  rough = models.UNet(base=4, blocks=2, dtype=jnp.bfloat16)
  variables = drawn(rough, images)
  leaves = jax.tree.leaves(variables)
  assert {leaf.dtype for leaf in leaves} == {jnp.dtype(jnp.float32)}
  logits = jit(rough.apply)(variables, images)
  assert logits.dtype == jnp.float32
  expected = jit(exact.apply)(variables, images)
  difference = jnp.abs(logits - expected)
  assert 0 < float(jnp.max(difference)) < 0.5
  program = str(jax.make_jaxpr(rough.apply)(variables, images))
  assert "bf16[1,16,16,4]" in program


@pytest.mark.parametrize("size", [(40, 32), (32, 8)])
def test_sides_are_multiples_of_16(size):
  module = models.UNet(base=1)
  text = rf"images \({size[0]}, {size[1]}\) is not divisible by 16; pad or crop"
  with pytest.raises(ValueError, match=text):
    jax.eval_shape(module.init, jax.random.key(0), jnp.zeros((1, *size, 1)))


def test_fewer_blocks_need_fewer_multiples():
  module = models.UNet(base=1, blocks=3)
  images = jnp.zeros((1, 20, 4, 1))
  logits, _ = jax.eval_shape(module.init_with_output, jax.random.key(0), images)
  assert logits.shape == (1, 20, 4, 1)


def test_wrong_images_are_refused():
  module, key = models.UNet(base=1), jax.random.key(0)
  with pytest.raises(TypeError, match="int16; give floating point"):
    jax.eval_shape(module.init, key, jnp.zeros((1, 16, 16, 1), jnp.int16))
  with pytest.raises(ValueError, match=r"\(16, 16, 1\); give \[N, H, W, ch"):
    jax.eval_shape(module.init, key, jnp.zeros((16, 16, 1)))


def test_every_skip_is_used():
  module = models.UNet(base=2, blocks=3)
  images = draw(2, 16, 16, 1)
  params = drawn(module, images)["params"]

  @jit
  def gradients(params):
    return jax.grad(lambda p: jnp.sum(module.apply({"params": p}, images)))(
      params
    )

  def largest(tree):
    return max(float(jnp.max(jnp.abs(x))) for x in jax.tree.leaves(tree))

  for level in range(2):
    # With nothing from below, only its own skip leads from a level to the
    # logits.
    muted = jax.tree.map(jnp.zeros_like, params[f"halve_{level}"])
    change = gradients({**params, f"halve_{level}": muted})
    assert largest(change[f"down_{level}"]) > 1e-3
    assert largest(change["bottom"]) == 0
  assert largest(gradients(params)["bottom"]) > 1e-3


def test_dropout_is_for_training_only():
  module = models.UNet(base=2, blocks=2, dropout=0.5)
  images = draw(2, 16, 16, 1)
  variables = drawn(module, images)

  @functools.partial(jit, static_argnames="train")
  def logits(seed, train):
    rngs = {"dropout": jax.random.key(seed)}
    return module.apply(variables, images, train=train, rngs=rngs)

  assert (logits(0, False) == logits(1, False)).all()
  assert (logits(0, True) == logits(0, True)).all()
  assert (logits(0, True) != logits(1, True)).any()


def test_dropout_drops_whole_channels():
  module = models.UNet(base=8, blocks=1, dropout=0.5)
  images = draw(4, 16, 16, 1)
  variables = drawn(module, images)
  apply = functools.partial(
    module.apply,
    train=True,
    rngs={"dropout": jax.random.key(0)},
    capture_intermediates=lambda layer, _: isinstance(layer, nn.Dropout),
    mutable=["intermediates"],
  )
  _, seen = jit(apply)(variables, images)
  (dropped,) = jax.tree.leaves(seen)
  gone = jnp.all(dropped == 0, axis=(1, 2))
  assert 0.25 < float(jnp.mean(gone)) < 0.75


def test_no_dropout_needs_no_random_numbers():
  module = models.UNet(base=1, blocks=1)
  images = draw(1, 4, 4, 1)
  variables = drawn(module, images)
  apply = jit(module.apply, static_argnames="train")
  np.testing.assert_array_equal(
    apply(variables, images, train=True), apply(variables, images)
  )


@pytest.mark.parametrize("norm", ["batch", "group"])
def test_an_image_is_not_changed_by_its_batch(norm):
  module = models.UNet(base=2, blocks=2, norm=norm)
  images = draw(3, 16, 16, 1)
  variables = drawn(module, images)
  apply = jit(module.apply)
  np.testing.assert_allclose(
    apply(variables, images)[1:2],
    apply(variables, images[1:2]),
    rtol=1e-5,
    atol=1e-5,
  )


def test_the_same_seed_gives_the_same_bits():
  module = models.UNet(base=2, blocks=1)
  images = draw(1, 16, 16, 1)
  first, again, other = (init(module, images, seed) for seed in (0, 0, 1))
  jax.tree.map(np.testing.assert_array_equal, first, again)
  kernel = ("params", "bottom", "conv_0", "kernel")
  values = [functools.reduce(dict.get, kernel, v) for v in (first, other)]
  assert (values[0] != values[1]).all()


def test_the_untrained_network_gives_the_prior():
  module = models.UNet(base=2, blocks=1, prior=0.02)
  images = draw(1, 8, 8, 1)
  bias = init(module, images)["params"]["logits"]["bias"]
  assert jax.nn.sigmoid(bias).item() == pytest.approx(0.02)


def test_it_learns_a_disc():
  rows, columns = np.mgrid[:16, :16] - 7.5
  disc = jnp.asarray(rows**2 + columns**2 < 20, jnp.float32)[None, ..., None]
  images = disc * 2 - 1 + 0.3 * draw(1, 16, 16, 1)
  module = models.UNet(base=4, blocks=2)
  variables = drawn(module, images)

  @jit
  def step(variables):
    def loss(variables):
      logits = module.apply(variables, images, train=True)
      return -jnp.mean(jax.nn.log_sigmoid(logits * (2 * disc - 1)))

    value, gradient = jax.value_and_grad(loss)(variables)
    moved = jax.tree.map(lambda p, g: p - 0.3 * g, variables, gradient)
    return moved, value

  first = step(variables)[1]
  for _ in range(30):
    variables, last = step(variables)
  assert last < 0.2 * first


@pytest.mark.parametrize(
  ("settings", "text"),
  [
    ({"base": 0}, "base is 0; give at least 1"),
    ({"blocks": 0}, "blocks is 0; give at least 1"),
    ({"num_structures": 0}, "num_structures is 0"),
    ({"norm": "layer"}, "norm 'layer' is unknown; take one of none, batch"),
    ({"dropout": 1.0}, r"dropout is 1.0; give 0 or more, below 1"),
    ({"prior": 0.0}, r"prior is 0.0; give a probability"),
  ],
)
def test_settings_that_cannot_work(settings, text):
  with pytest.raises(errors.ConfigError, match=text):
    models.UNet(**settings)


@pytest.mark.parametrize(
  ("settings", "text"),
  [
    ({"slices": 2}, "odd"),
    ({"slices": 0}, "at least 1"),
    ({"deep_supervision": -1}, "at least 0"),
    ({"deep_supervision": 4}, "3 levels"),
    ({"deep_supervision": 1, "blocks": 1}, "0 levels"),
  ],
  ids=str,
)
def test_levels_and_slices_that_there_are_not(settings, text):
  with pytest.raises(errors.ConfigError, match=text):
    models.create("unet", **settings)


def test_coarser_logits_are_of_their_own_levels():
  module = models.UNet(base=2, blocks=5, deep_supervision=3)
  images = draw(1, 16, 16, 1)
  variables = jax.eval_shape(module.init, jax.random.key(0), images)
  assert set(variables) == {"params"}
  apply = functools.partial(module.apply, mutable=[models.COARSE])
  logits, changed = jax.eval_shape(apply, variables, images)
  sides = [z.shape[1] for z in models.coarse_logits(changed)]
  assert (logits.shape[1], sides) == (16, [8, 4, 2])
  # Without the collection the network gives its logits alone.
  alone = jax.eval_shape(module.apply, variables, images)
  assert alone.shape == logits.shape and models.coarse_logits({}) == []


def test_remat_gives_the_same_gradient():
  images = jnp.asarray(np.random.default_rng(0).normal(size=(2, 8, 8, 1)))
  images = images.astype(jnp.float32)
  found = []
  for remat in (False, True):
    network = models.create(
      "unet", base=2, blocks=2, norm="batch", dropout=0.5, remat=remat
    )
    variables = network.init(jax.random.key(0), images)

    def loss(params, network=network, variables=variables):
      logits, changed = network.apply(
        {**variables, "params": params},
        images,
        train=True,
        mutable=["batch_stats"],
        rngs={"dropout": jax.random.key(1)},
      )
      return jnp.mean(logits**2), changed

    found.append(jax.jit(jax.grad(loss, has_aux=True))(variables["params"]))
    text = str(
      jax.make_jaxpr(jax.grad(loss, has_aux=True))(variables["params"])
    )
    assert ("checkpoint" in text or "remat" in text) == remat
  for a, b in zip(*map(jax.tree.leaves, found), strict=True):
    np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)
