"""What holds for every loss, and what other tools get."""

import doctest
import functools
import importlib
import json

import jax
from jax import test_util
import jax.numpy as jnp
import numpy as np
import pytest

from jaxseg import losses

ALL = {
  "bce": losses.binary_cross_entropy,
  "bce_dice": losses.bce_dice,
  "dice": losses.dice,
  "dice_squared": functools.partial(losses.dice, squared=True),
}
HALF = [jnp.bfloat16, jnp.float16]
SHAPE = (2, 8, 8, 3)


@functools.cache
def compiled(name):
  """A loss, and the gradient of its mean, in one program."""

  def both(logits, labels):
    value = ALL[name](logits, labels)
    return value, jax.grad(lambda z: jnp.mean(ALL[name](z, labels)))(logits)

  return jax.jit(both)


def batch(dtype=jnp.float32):
  generator = np.random.default_rng(0)
  logits = jnp.asarray(generator.normal(size=SHAPE), dtype)
  return logits, jnp.asarray(generator.random(SHAPE) < 0.3, jnp.float32)


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("dtype", [jnp.float32, *HALF], ids=str)
def test_results_are_float32_and_the_same_under_transformations(name, dtype):
  logits, labels = batch(dtype)
  plain = ALL[name](logits, labels)
  assert plain.dtype == jnp.float32
  assert plain.shape == (SHAPE if name == "bce" else (2, 3))
  value, gradient = compiled(name)(logits, labels)
  assert value.dtype == jnp.float32 and gradient.dtype == dtype
  np.testing.assert_allclose(value, plain, rtol=1e-5)
  mapped = jax.vmap(ALL[name])(logits[:, None], labels[:, None])
  np.testing.assert_allclose(mapped.reshape(plain.shape), plain, rtol=1e-5)
  # Half precision is that of the logits; nothing else is lost.
  wide = ALL[name](logits.astype(jnp.float32), labels)
  np.testing.assert_array_equal(plain, wide)


@pytest.mark.parametrize("name", ALL)
def test_float64_and_other_labels_are_welcome(name):
  logits, labels = batch()
  plain = ALL[name](logits, labels)
  with jax.enable_x64(True):
    wide = ALL[name](
      np.asarray(logits, np.float64), np.asarray(labels, np.float64)
    )
    assert wide.dtype == jnp.float32
  np.testing.assert_allclose(wide, plain, rtol=1e-6)
  for dtype in (jnp.bool_, jnp.uint8, jnp.bfloat16):
    np.testing.assert_array_equal(
      ALL[name](logits, labels.astype(dtype)), plain
    )


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("dtype", [jnp.float32, *HALF], ids=str)
def test_values_and_gradients_are_finite(name, dtype):
  # float16 ends at 65504; the others have room for a sum at 1e30 too.
  largest = 65504.0 if dtype == jnp.float16 else 1e30
  for logit in (0.0, 1e4, -1e4, largest, -largest):
    for label in (0.0, 1.0):
      logits = jnp.full(SHAPE, logit, dtype)
      value, gradient = compiled(name)(logits, jnp.full(SHAPE, label))
      assert np.isfinite(value).all(), (logit, label)
      assert np.isfinite(gradient.astype(jnp.float32)).all(), (logit, label)


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("masked", [False, True])
def test_gradients_are_those_of_the_value(name, masked):
  logits, labels = batch()
  where = jnp.arange(8)[:, None, None] < 5 if masked else None
  loss = jax.jit(lambda z: ALL[name](z, labels, where=where))
  test_util.check_grads(loss, (logits,), 1, ["rev"], atol=0.02, rtol=0.02)


def test_descent_finds_the_labels():
  _, labels = batch()
  for name in ALL:
    logits = jnp.zeros(SHAPE)
    for _ in range(60):
      logits -= 300 * compiled(name)(logits, labels)[1]
    np.testing.assert_array_equal(logits > 0, labels > 0, err_msg=name)


def test_wrong_input_is_refused():
  logits, labels = batch()
  for loss in ALL.values():
    with pytest.raises(ValueError, match="shapes differ"):
      loss(logits, labels[:1])
    with pytest.raises(TypeError, match="logits has dtype int32; give float"):
      loss(logits.astype(jnp.int32), labels)


@pytest.mark.parametrize(
  "module", ["_bce_dice", "_cross_entropy", "_dice", "_registry"]
)
def test_examples_in_docstrings(module):
  found = doctest.testmod(importlib.import_module(f"jaxseg.losses.{module}"))
  assert found.attempted and not found.failed


def golden_cases(golden):
  values = json.loads((golden / "loss_values.json").read_text())["cases"]
  with np.load(golden / "loss_arrays.npz") as arrays:
    for name, case in values.items():
      z, t = arrays[f"{name}__logits"], arrays[f"{name}__labels"]
      if z.shape[1] == 1:  # Sigmoid; (item, 1, row, column, ...).
        logits = jnp.moveaxis(jnp.asarray(z), 1, -1)
        labels = jnp.asarray(t, jnp.float32).reshape(logits.shape)
        yield name, case["values"], logits, labels


@jax.jit
def golden_losses(logits, labels):
  """Every value of ours that the golden file has under the same key."""
  space = tuple(range(1, logits.ndim - 1))
  groups = {"item": space, "batch": (0, *space), "slice": space[:2]}
  found = {
    "bce": jnp.mean(losses.binary_cross_entropy(logits, labels)),
    # Theirs is the sum of both.
    "dice_bce_s1em5_item": 2
    * jnp.mean(losses.bce_dice(logits, labels, axis=space, smooth=1e-5)),
  }
  for group, axis in groups.items():
    present = jnp.sum(labels, axis) > 0
    for key, smooth in (("s1", 1.0), ("s1em5", 1e-5)):
      for form, squared in (("plain", False), ("squared", True)):
        loss = losses.dice(
          logits, labels, axis=axis, squared=squared, smooth=smooth
        )
        found[f"dice_{form}_{key}_{group}"] = jnp.mean(loss)
        found[f"dice_{form}_{key}_{group}_present"] = jnp.mean(
          loss, where=present
        )

  def total(z):
    mixed = losses.bce_dice(z, labels, smooth=1e-5)
    squared = losses.dice(z, labels, squared=True, smooth=1e-5)
    return jnp.sum(mixed) + jnp.sum(squared)

  return found, jax.grad(total)(logits)


def test_values_of_other_tools(golden):
  seen = 0
  for name, values, logits, labels in golden_cases(golden):
    found, gradient = golden_losses(logits, labels)
    assert np.isfinite(gradient).all(), name
    # Widened again, so that both share a program; see the first test.
    rough = logits.astype(jnp.bfloat16).astype(jnp.float32)
    half, _ = golden_losses(rough, labels)
    for key in found.keys() & values.keys():
      seen += 1
      said, expected = f"{name} {key}", float(values[key])
      # 5e-7: a few roundings of 1, which small Dice losses are cut from.
      np.testing.assert_allclose(
        found[key], expected, rtol=1e-5, atol=5e-7, err_msg=said
      )
      np.testing.assert_allclose(half[key], expected, rtol=2e-2, err_msg=said)
  assert seen == 114  # Of nine cases; two are nan, for want of foreground.
