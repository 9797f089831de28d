"""Losses by name, and a user's own by import path."""

from collections.abc import Callable
import importlib

import jax

from jaxseg import _loss_names
from jaxseg import errors


def names() -> tuple[str, ...]:
  """Names of the losses of (logits, labels), sorted.

  `get` knows one more, "boundary", which takes distances for labels.

  >>> "tversky" in names()
  True
  """
  return tuple(sorted(_loss_names.LOSSES))


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
  ours = {**_loss_names.LOSSES, "boundary": "boundary"}
  path = str(name)
  if path in ours:
    path = f"jaxseg.losses:{ours[path]}"
  module, colon, function = path.partition(":")
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
