"""Generalised Dice: its classes and their weights."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxseg import errors
from jaxseg import losses
from tests.quick import jit

generalized_dice = jit(
  losses.generalized_dice,
  static_argnames=("weights", "absent", "activation", "smooth"),
)

SHAPE = (2, 8, 8, 3)


def batch():
  generator = np.random.default_rng(0)
  logits = jnp.asarray(generator.normal(size=SHAPE), jnp.float32)
  return logits, jnp.asarray(generator.random(SHAPE) < 0.3, jnp.float32)


def test_generalized_dice_without_the_background():
  logits, labels = batch()
  labels = jax.nn.one_hot(jnp.argmax(labels, -1), 3)
  p = jax.nn.softmax(logits, -1)
  expected = generalized_dice(p[..., 1:], labels[..., 1:], activation="none")
  found = generalized_dice(logits, labels, where=jnp.array([False, True, True]))
  np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_by_hand():
  # Four pixels, three of class 0 and one of 1, p = 1/2 everywhere. By 1 / n^2:
  # 1 - 2 (1.5 / 9 + 0.5) / (5 / 9 + 3); by 1 / n: 1 - 2 (0.5 + 0.5) / (14 / 3).
  logits = jnp.zeros((1, 2, 2, 2))
  labels = jnp.eye(2)[jnp.array([[[0, 0], [0, 1]]])]
  for weights, expected in (("square", 0.625), ("simple", 4 / 7)):
    found = generalized_dice(logits, labels, weights=weights, smooth=1e-9)
    assert found[0] == pytest.approx(expected)


def test_an_absent_class_is_left_out_or_weighs_most():
  # Both classes of the last test and one that is nowhere, all with p = 1/3.
  logits = jnp.zeros((1, 2, 2, 3))
  labels = jnp.eye(3)[jnp.array([[[0, 0], [0, 1]]])]
  both = 1 / 9 + 1 / 3  # The sum of w I: 1 / 9 * 1 + 1 * 1 / 3.
  whole = (4 / 3 + 3) / 9 + (4 / 3 + 1)
  for absent, more in (("skip", 0), ("largest", 4 / 3)):
    found = generalized_dice(logits, labels, absent=absent, smooth=1e-9)
    assert found[0] == pytest.approx(1 - 2 * both / (whole + more))


def test_unknown_names_and_the_axis_of_the_classes_are_refused():
  logits, labels = batch()
  for option in ("weights", "absent", "activation"):
    with pytest.raises(errors.ConfigError, match=f"{option} 'volume' is unkno"):
      losses.generalized_dice(logits, labels, **{option: "volume"})
  with pytest.raises(ValueError, match="classes' axis"):
    losses.generalized_dice(logits, labels, axis=(1, 2, 3))
