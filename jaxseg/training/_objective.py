"""What a training minimises: a loss of the registry, or one's own."""

from collections.abc import Callable, Mapping
import functools
import inspect

import jax
import jax.numpy as jnp
import numpy as np

from jaxseg import errors
from jaxseg import losses
from jaxseg import models

# Weight of cross entropy in `losses.bce_dice`; the rest is the Dice loss. The
# paper's three objectives are this one loss, so one compiled step serves.
OBJECTIVES: Mapping[str, float] = {"bce": 1.0, "dice": 0.0, "bce_dice": 0.5}

# The same mixes in forms that still learn on slices without the structure. Per
# slice, with a smoothing of one pixel, the Dice loss of such a slice is
# P / (P + 1) of the P pixels predicted: once they are a hundred its gradient is
# a ten-thousandth of what one of them costs at first.
FORMS = (
  "batch",  # Sums over all slices of a batch.
  "present",  # Cross entropy on slices without the structure.
  "smooth",  # Per slice, with a smoothing of 100 pixels.
)
_SMOOTH = 100.0

# What a study compares: cross entropy, and the Dice that learns on slices
# without the structure, alone and mixed. experiments/results/objectives has the
# forms compared.
STUDY = ("bce", "dice_batch", "bce_dice_batch")


def objective_folder(objective: str) -> str:
  """An objective's name as a folder's: an import path without its colon."""
  return objective.replace(":", ".")


def _mixed(
  logits: jax.Array, labels: jax.Array, *, weight: float, form: str
) -> jax.Array:
  """Cross entropy and the Dice loss, mixed, in one of the `FORMS`."""
  if form == "batch":
    return losses.bce_dice(logits, labels, weight=weight, axis=(0, 1, 2))
  if form == "smooth":
    return losses.bce_dice(logits, labels, weight=weight, smooth=_SMOOTH)
  entropy = losses.binary_cross_entropy(logits, labels).mean((-3, -2))
  mixed = losses.bce_dice(logits, labels, weight=weight)
  return jnp.where(labels.any((-3, -2)), mixed, entropy)  # [N, C]


FORMED: Mapping[str, Callable[..., jax.Array]] = {
  f"{name}_{form}": functools.partial(_mixed, weight=weight, form=form)
  for name, weight in OBJECTIVES.items()
  for form in FORMS
  if weight < 1
}


def form_of(objective: str) -> tuple[str | None, float] | None:
  """What a step of several objectives needs to know of one.

  Returns:
    (form, weight of cross entropy) of the study's losses and their forms, the
    plain one being None; None of any other loss.
  """
  if objective in OBJECTIVES:
    return None, OBJECTIVES[objective]
  name, _, form = objective.rpartition("_")
  if objective in FORMED:
    return form, OBJECTIVES[name]
  return None


def formed(form: str) -> Callable[..., jax.Array]:
  """The loss (logits, labels, weight=...) of a form."""
  return functools.partial(_mixed, form=form)


def loss_of(objective: str) -> Callable[..., jax.Array]:
  """The loss of logits and labels `[N, H, W, 1]` that an objective names.

  Structures are independent: a loss of the registry that can take its
  probabilities from a sigmoid or a softmax takes them from a sigmoid.

  Raises:
    ConfigError: There is no such loss.
  """
  if objective in FORMED:
    return FORMED[objective]
  loss = losses.get(objective)
  of_ours = objective in losses.names()
  if of_ours and "activation" in inspect.signature(loss).parameters:
    return functools.partial(loss, activation="sigmoid")
  return loss


def coarse_labels(objective: str) -> str:
  """How labels become those of coarser outputs, under deep supervision.

  A mean over a coarser pixel is a soft label. A loss of one's own may need
  hard ones, as the Lovász losses do; both get the pixel in the middle.

  Returns:
    "mean" or "nearest", as in `losses.deep_supervision`.
  """
  of_ours = objective in FORMED or objective in losses.names()
  return "mean" if of_ours and "lovasz" not in objective else "nearest"


@functools.cache
def check_objective(objective: str) -> None:
  """Refuses a loss that a network of one structure cannot learn by.

  It is called with 2 small slices, one of them without the structure; once a
  process for each objective that passes.

  Raises:
    ConfigError: It is unknown, fails, gives something else than numbers, or
      does not depend on the logits.
  """
  if objective in OBJECTIVES:
    return
  loss = loss_of(objective)
  if loss is losses.boundary:
    raise errors.ConfigError(
      f"objective {objective!r} is of distances, not of labels, and needs a"
      " region loss beside it; give package.module:function of one of your own"
      " that adds both"
    )
  labels = np.zeros((2, 16, 16, 1), np.float32)
  labels[0, 4:9, 5:12] = 1
  logits = np.linspace(-2, 2, labels.size, dtype=np.float32)

  def mean(logits: jax.Array, labels: jax.Array) -> jax.Array:
    values = jnp.asarray(loss(logits, labels))
    if not jnp.issubdtype(values.dtype, jnp.floating):
      raise TypeError(f"it gives {values.dtype}")
    return jnp.mean(values)

  # As one program, as in a step; it runs once, so it is not optimised.
  slope = jax.jit(jax.grad(mean), compiler_options=models.init_options())
  try:
    gradient = slope(logits.reshape(labels.shape), labels)
  except Exception as e:
    # Whatever a user's own function raises, the setting is the place to look.
    said = " ".join(str(e).split())
    if objective in losses.names():
      raise errors.ConfigError(f"objective {objective!r}: {said}") from e
    said = said[:200]
    raise errors.ConfigError(
      f"objective {objective!r} fails on logits and labels [N, H, W, 1]"
      f" ({type(e).__name__}: {said}); give a function of both that returns"
      " losses"
    ) from e
  if not np.isfinite(gradient).all():
    raise errors.ConfigError(
      f"objective {objective!r} has a gradient that is not finite; give another"
    )
  if not np.any(gradient):
    raise errors.ConfigError(
      f"objective {objective!r} does not depend on logits of one channel; give"
      " one of sigmoids, not of a softmax over classes"
    )
