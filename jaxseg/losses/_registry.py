"""Losses by name, and a user's own by import path."""

from collections.abc import Callable
import importlib

import jax

from jaxseg import errors
from jaxseg.losses import _bce_dice
from jaxseg.losses import _boundary
from jaxseg.losses import _combo
from jaxseg.losses import _cross_entropy
from jaxseg.losses import _dice
from jaxseg.losses import _focal
from jaxseg.losses import _generalized_dice
from jaxseg.losses import _jaccard
from jaxseg.losses import _log_cosh_dice
from jaxseg.losses import _lovasz
from jaxseg.losses import _softmax_cross_entropy
from jaxseg.losses import _tversky

_LOSSES: dict[str, Callable[..., jax.Array]] = {
  "bce": _cross_entropy.binary_cross_entropy,
  "bce_dice": _bce_dice.bce_dice,
  "binary_cross_entropy": _cross_entropy.binary_cross_entropy,
  "combo": _combo.combo,
  "dice": _dice.dice,
  "focal": _focal.focal,
  "focal_tversky": _tversky.focal_tversky,
  "generalized_dice": _generalized_dice.generalized_dice,
  "jaccard": _jaccard.jaccard,
  "log_cosh_dice": _log_cosh_dice.log_cosh_dice,
  "lovasz": _lovasz.lovasz,
  "lovasz_hinge": _lovasz.lovasz_hinge,
  "softmax_cross_entropy": _softmax_cross_entropy.softmax_cross_entropy,
  "tversky": _tversky.tversky,
}


def names() -> tuple[str, ...]:
  """The names of losses of (logits, labels), sorted.

  `get` knows one more: "boundary" is of logits and distances.

  >>> "tversky" in names()
  True
  """
  return tuple(sorted(_LOSSES))


def get(name: str) -> Callable[..., jax.Array]:
  """A loss by name.

  >>> get("dice").__name__
  'dice'

  Args:
    name: One of `names()`, "boundary", or "package.module:function" for a
      function of (logits, labels) of one's own. The module is imported, so it
      runs.

  Returns:
    The function, as it is: its options are its own.

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
    # Whatever a user's own module raises, the setting that names it is the
    # place to look; the cause stays attached.
    said = " ".join(str(e).split())  # One line, however many it had.
    raise _refusal(
      name, f"cannot be imported ({type(e).__name__}: {said})"
    ) from e
  if not callable(found):
    raise _refusal(name, f"is a {type(found).__name__} and not a function")
  return found


def _refusal(name: object, fact: str) -> errors.ConfigError:
  return errors.ConfigError(
    f"loss {name!r} {fact}; take one of {', '.join(names())}, or"
    " package.module:function"
  )
