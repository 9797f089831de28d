"""Losses: values by hand and by other tools, gradients at the worst points."""

import json

import jax
from jax import test_util
import jax.numpy as jnp
import numpy as np
import pytest

from jaxseg import errors
from jaxseg import losses

ALL = {
  "bce": losses.binary_cross_entropy,
  "bce_dice": losses.bce_dice,
  "dice": losses.dice,
}
SHAPE = (2, 8, 8, 3)


def batch(dtype=jnp.float32, seed=0):
  generator = np.random.default_rng(seed)
  logits = jnp.asarray(generator.normal(size=SHAPE), dtype)
  labels = jnp.asarray(generator.random(SHAPE) < 0.3, jnp.float32)
  return logits, labels


def test_dice_by_hand():
  # One slice of two pixels, both predicted, one right: 1 - (2 + 1)/(3 + 1).
  logits = jnp.full((1, 1, 2, 1), 50.0)
  labels = jnp.array([1.0, 0.0]).reshape(1, 1, 2, 1)
  assert losses.dice(logits, labels)[0, 0] == pytest.approx(0.25)
  assert losses.dice(logits, labels, smooth=1e-5)[0, 0] == pytest.approx(
    1 / 3, abs=1e-5
  )


def test_an_absent_structure_that_is_not_predicted_costs_nothing():
  logits, labels = jnp.full(SHAPE, -50.0), jnp.zeros(SHAPE)
  np.testing.assert_allclose(losses.dice(logits, labels), 0, atol=1e-6)
  np.testing.assert_allclose(losses.bce_dice(logits, labels), 0, atol=1e-6)


def test_slices_do_not_mix():
  logits, labels = batch()
  together = losses.dice(logits, labels)
  alone = losses.dice(logits[1:], labels[1:])
  assert together.shape == (2, 3)
  np.testing.assert_allclose(together[1:], alone, rtol=1e-6)


def test_pos_weight_weighs_the_structure_alone():
  logits, labels = batch()
  plain = losses.binary_cross_entropy(logits, labels)
  heavy = losses.binary_cross_entropy(logits, labels, pos_weight=3.0)
  np.testing.assert_allclose(
    heavy, jnp.where(labels > 0, 3 * plain, plain), rtol=1e-6
  )


@pytest.mark.parametrize("weight", [0.0, 0.5, 1.0])
def test_the_mix_is_the_sum_of_its_parts(weight):
  logits, labels = batch()
  parts = weight * jnp.mean(
    losses.binary_cross_entropy(logits, labels), (1, 2)
  ) + (1 - weight) * losses.dice(logits, labels)
  traced = jax.jit(lambda w: losses.bce_dice(logits, labels, weight=w))
  np.testing.assert_allclose(traced(weight), parts, rtol=1e-6)


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize(
  "dtype", [jnp.float32, jnp.bfloat16, jnp.float16], ids=str
)
def test_results_are_float32_and_the_same_under_jit(name, dtype):
  logits, labels = batch(dtype)
  plain = ALL[name](logits, labels)
  assert plain.dtype == jnp.float32
  np.testing.assert_allclose(
    jax.jit(ALL[name])(logits, labels), plain, rtol=1e-5
  )
  mapped = jax.vmap(ALL[name])(logits[:, None], labels[:, None])
  np.testing.assert_allclose(mapped.reshape(plain.shape), plain, rtol=1e-5)


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("label", [0.0, 1.0])
@pytest.mark.parametrize("logit", [0.0, 1e4, -1e4, 65504.0])
@pytest.mark.parametrize(
  "dtype", [jnp.float32, jnp.bfloat16, jnp.float16], ids=str
)
def test_values_and_gradients_are_finite(name, label, logit, dtype):
  logits = jnp.full(SHAPE, logit, dtype)
  labels = jnp.full(SHAPE, label, jnp.float32)
  value, gradient = jax.value_and_grad(
    lambda z: jnp.mean(ALL[name](z, labels).astype(jnp.float32))
  )(logits)
  assert np.isfinite(value)
  assert np.isfinite(gradient.astype(jnp.float32)).all()


@pytest.mark.parametrize("name", ALL)
def test_gradients_are_those_of_the_value(name):
  logits, labels = batch()
  test_util.check_grads(
    lambda z: ALL[name](z, labels), (logits,), 1, ["rev"], atol=0.02, rtol=0.02
  )


@pytest.mark.parametrize("name", ["dice", "bce_dice"])
def test_masked_pixels_have_no_influence(name):
  logits, labels = batch()
  where = jnp.arange(8)[:, None, None] < 5  # Rows.
  spoilt = logits.at[:, 5:].set(jnp.nan)

  def total(z):
    return jnp.sum(ALL[name](z, labels, where=where))

  np.testing.assert_allclose(
    ALL[name](spoilt, labels, where=where),
    ALL[name](logits[:, :5], labels[:, :5]),
    rtol=1e-5,
  )
  gradient = jax.grad(total)(spoilt)
  assert np.isfinite(gradient).all()
  np.testing.assert_array_equal(gradient[:, 5:], 0)


def test_masked_cross_entropy_is_zero_there():
  logits, labels = batch()
  where = jnp.zeros((8, 8, 1), jnp.bool_)
  found = losses.binary_cross_entropy(
    logits * jnp.nan, labels, where=where[None]
  )
  np.testing.assert_array_equal(found, 0)
  np.testing.assert_array_equal(
    losses.bce_dice(logits, labels, where=where[None]), 0
  )


@pytest.mark.parametrize("dtype", [jnp.bfloat16, jnp.float16], ids=str)
def test_large_slices_of_half_precision(dtype):
  shape = (1, 512, 512, 1)
  logits, labels = jnp.full(shape, 9.0, dtype), jnp.ones(shape)
  found = losses.dice(logits, labels)
  assert found[0, 0] == pytest.approx(6e-5, rel=0.3)  # Not nan, not 0.


def golden_cases(golden):
  values = json.loads((golden / "loss_values.json").read_text())["cases"]
  with np.load(golden / "loss_arrays.npz") as arrays:
    for name, case in values.items():
      z, t = arrays[f"{name}__logits"], arrays[f"{name}__labels"]
      if z.shape[1] == 1:
        yield name, case["values"], z, t


def test_values_of_other_tools(golden):
  seen = 0
  for name, values, z, t in golden_cases(golden):
    # (item, 1, row, column, ...): our slices are the first two space axes.
    logits = jnp.moveaxis(jnp.asarray(z), 1, -1)
    labels = jnp.asarray(t, jnp.float32).reshape(logits.shape)
    space = tuple(range(1, logits.ndim - 1))
    found = {
      "bce": jnp.mean(losses.binary_cross_entropy(logits, labels)),
    }
    for form, squared in (("plain", False), ("squared", True)):
      for key, smooth in (("s1", 1.0), ("s1em5", 1e-5)):
        for group, axis in (
          ("item", space),
          ("batch", (0, *space)),
          ("slice", space[:2]),
        ):
          found[f"dice_{form}_{key}_{group}"] = jnp.mean(
            losses.dice(
              logits, labels, axis=axis, squared=squared, smooth=smooth
            )
          )
    for key, value in found.items():
      if key in values:
        seen += 1
        np.testing.assert_allclose(
          value, values[key], rtol=1e-5, atol=1e-6, err_msg=f"{name} {key}"
        )
  assert seen > 40


def test_get_by_name_and_by_path():
  assert losses.get("bce") is losses.binary_cross_entropy
  assert losses.get("jaxseg.losses:dice") is losses.dice
  for name, text in (
    ("dise", "bce, bce_dice"),
    ("no.such.module:f", "cannot be imported"),
    ("jaxseg.losses:no", "cannot be imported"),
    ("jaxseg.losses:__all__", "is a list"),
  ):
    with pytest.raises(errors.ConfigError, match=text):
      losses.get(name)


def test_wrong_input_is_refused():
  logits, labels = batch()
  for loss in ALL.values():
    with pytest.raises(ValueError, match="shapes differ"):
      loss(logits, labels[:1])
    with pytest.raises(TypeError, match="floating"):
      loss(logits.astype(jnp.int32), labels)
  with pytest.raises(ValueError, match="smooth"):
    losses.dice(logits, labels, smooth=0)
