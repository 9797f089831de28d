"""Losses by name, and a user's own by import path."""

from collections.abc import Callable
import importlib

import jax

from jaxseg import errors
from jaxseg.losses import _boundary
from jaxseg.losses import _combined
from jaxseg.losses import _cross_entropy
from jaxseg.losses import _focal
from jaxseg.losses import _generalized_dice
from jaxseg.losses import _lovasz
from jaxseg.losses import _region
from jaxseg.losses import _tversky

_LOSSES: dict[str, Callable[..., jax.Array]] = {
  "bce": _cross_entropy.binary_cross_entropy,
  "bce_dice": _combined.bce_dice,
  "binary_cross_entropy": _cross_entropy.binary_cross_entropy,
  "combo": _combined.combo,
  "dice": _region.dice,
  "focal": _focal.focal,
  "focal_tversky": _tversky.focal_tversky,
  "generalized_dice": _generalized_dice.generalized_dice,
  "jaccard": _region.jaccard,
  "log_cosh_dice": _region.log_cosh_dice,
  "lovasz": _lovasz.lovasz,
  "lovasz_hinge": _lovasz.lovasz_hinge,
  "softmax_cross_entropy": _cross_entropy.softmax_cross_entropy,
  "softmax_focal": _focal.softmax_focal,
  "tversky": _tversky.tversky,
}


def names() -> tuple[str, ...]:
  """Names of the losses of (logits, labels), sorted.

  `get` knows one more, "boundary", which takes distances for labels.

  >>> "tversky" in names()
  True
  """
  return tuple(sorted(_LOSSES))


def get(name: str) -> Callable[..., jax.Array]:
  """A loss by name.

  >>> get("dice").__name__
  'dice'

  Args:
    name: One of `names()`, "boundary", or "package.module:function" for your
      own function of (logits, labels). Importing its module runs its code.

  Returns:
    The function itself, with its own options.

  Raises:
    ConfigError: There is no such loss, or its module cannot be imported.
  """
  if isinstance(name, str) and name in _LOSSES:
    return _LOSSES[name]
  if name == "boundary":
    return _boundary.boundary
  module, colon, function = str(name).partition(":")
  if not colon:
    raise _refusal(name, "is unknown")
  try:
    found = getattr(importlib.import_module(module), function)
  except Exception as e:
    # Whatever a user's module raises, the setting that names it is the place
    # to look; the cause stays attached.
    said = " ".join(str(e).split())  # One line, however many it had.
    raise _refusal(
      name, f"cannot be imported ({type(e).__name__}: {said})"
    ) from e
  if not callable(found):
    raise _refusal(name, f"is a {type(found).__name__}, not a function")
  loss: Callable[..., jax.Array] = found
  return loss


def _refusal(name: object, fact: str) -> errors.ConfigError:
  return errors.ConfigError(
    f"loss {name!r} {fact}; take one of {', '.join(names())}, or"
    " package.module:function"
  )
