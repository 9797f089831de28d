"""Losses by name, and a user's own by import path."""

from collections.abc import Callable
import importlib

import jax

from jaxseg import errors
from jaxseg.losses import _bce_dice
from jaxseg.losses import _cross_entropy
from jaxseg.losses import _dice

_LOSSES: dict[str, Callable[..., jax.Array]] = {
  "bce": _cross_entropy.binary_cross_entropy,
  "bce_dice": _bce_dice.bce_dice,
  "binary_cross_entropy": _cross_entropy.binary_cross_entropy,
  "dice": _dice.dice,
}


def names() -> tuple[str, ...]:
  """The names that `get` knows, sorted."""
  return tuple(sorted(_LOSSES))


def get(name: str) -> Callable[..., jax.Array]:
  """A loss by name.

  >>> get("dice").__name__
  'dice'

  Args:
    name: One of `names()`, or "package.module:function" for a function of
      (logits, labels) of one's own.

  Raises:
    ConfigError: There is no such loss.
  """
  if name in _LOSSES:
    return _LOSSES[name]
  module, colon, function = name.partition(":")
  if not colon:
    raise errors.ConfigError(
      f"loss {name!r} is unknown; take one of {', '.join(names())}, or"
      " package.module:function"
    )
  try:
    found = getattr(importlib.import_module(module), function)
  except (ImportError, AttributeError, ValueError) as e:
    raise errors.ConfigError(
      f"loss {name!r} cannot be imported ({e}); check module and function"
    ) from e
  if not callable(found):
    raise errors.ConfigError(
      f"loss {name!r} is a {type(found).__name__}; name a function of"
      " (logits, labels)"
    )
  return found
