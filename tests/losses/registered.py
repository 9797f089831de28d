"""Every registered loss and some with other options, found without a list."""

import functools
import inspect

import jax
import jax.numpy as jnp
import numpy as np

from jaxseg import losses

partial = functools.partial
VARIANTS = {
  "dice_squared": partial(losses.dice, squared=True),
  "dice_unsmoothed": partial(losses.dice, smooth=0),
  "focal_alpha": partial(losses.focal, gamma=0.5, alpha=0.25),
  "generalized_dice_sigmoid": partial(
    losses.generalized_dice, activation="sigmoid"
  ),
  "generalized_dice_largest": partial(
    losses.generalized_dice, absent="largest", weights="simple"
  ),
  "lovasz_sigmoid": partial(losses.lovasz, activation="sigmoid"),
}
# By the functions' own names, for a loss may be registered under several.
ALL = {f.__name__: f for f in map(losses.get, losses.names())} | VARIANTS
SHAPE = (2, 8, 8, 3)


def batch(dtype=jnp.float32):
  generator = np.random.default_rng(0)
  logits = jnp.asarray(generator.normal(size=SHAPE), dtype)
  return logits, jnp.asarray(generator.random(SHAPE) < 0.3, jnp.float32)


@functools.cache
def shape_of(name, shape=SHAPE):
  """Of a batch's loss."""
  some = jax.ShapeDtypeStruct(shape, jnp.float32)
  return jax.eval_shape(ALL[name], some, some).shape


def takes(name, option):
  """Whether a loss has an option."""
  return option in inspect.signature(ALL[name]).parameters


def of(option):
  """Names of the losses that have an option."""
  return [name for name in ALL if takes(name, option)]


def numbers(name):
  """Options of a loss that are numbers, and their values."""
  found = inspect.signature(ALL[name]).parameters
  return {k: p.default for k, p in found.items() if type(p.default) is float}


def refuses_soft(name):
  """Whether a loss says that it needs labels of 0 or 1."""
  logits = np.zeros((1, 2, 2, 2), np.float32)
  try:
    ALL[name](logits, logits + 0.5)
  except ValueError as e:
    return "needs 0 or 1" in str(e)
  return False
