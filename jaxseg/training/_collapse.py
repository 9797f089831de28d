"""Whether a training learned anything: against a map of one value.

A learning rate that is too high drives a network to where its gradient
vanishes: it then gives every pixel one value, or loses more than that would.
The numbers stay finite, and nothing else tells.
"""

from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np

from jaxseg import losses
from jaxseg.training import _config
from jaxseg.training import _history
from jaxseg.training import _objective
from jaxseg.training import _slices

# Epochs before it is said: a warm-up can look like this.
_PATIENCE = 3
# A Dice that is no success, whatever the structure.
_NEAR_ZERO = 0.1
# A loss that an epoch made so much less is on its way, however high it is.
_FALLING = 0.95
# The best constant found and the loss of a map that became one differ so much.
_ALIKE = 0.99
# Enough for a mean; each is [N, H, W].
_BATCHES = 16


def warning(
  config: _config.Config,
  slices: _slices.Slices,
  history: Sequence[_history.Row],
  *,
  over: bool,
) -> str | None:
  """One line if a training has learned nothing so far; None if it has.

  Args:
    config: Training.
    slices: What it learns from.
    history: Rows of the epochs so far.
    over: Whether these are all; before, it is said once.
  """
  if not (over or len(history) == _PATIENCE):
    return None
  if history[_history.best(history)]["dice_best"] > _NEAR_ZERO:
    return None
  row = history[-1]
  if not over and row["loss"] < _FALLING * history[-2]["loss"]:
    return None
  constant = _constant(config, slices, row["epoch"])
  if row["loss"] < _ALIKE * constant:
    return None
  return (
    f"{config.structure}, {config.objective}: has learned nothing in"
    f" {len(history)} epochs: validation Dice {row['dice_best']:.3f}, and loss"
    f" {row['loss']:.4g} where one value everywhere has {constant:.4g}; the"
    f" learning rate {config.learning_rate:g} is probably too high, try a"
    " tenth by --learning_rate, into another --output"
  )


def _constant(
  config: _config.Config, slices: _slices.Slices, epoch: int
) -> float:
  """The lowest mean loss that a map of one value has in an epoch."""
  values = jnp.linspace(-12, 12, 49)

  @jax.jit
  def of_values(labels: jax.Array) -> jax.Array:
    targets = labels[..., None].astype(jnp.float32)
    return jax.lax.map(lambda v: _loss(config.objective, v, targets), values)

  found = []
  for index in slices.batches(config, epoch)[:_BATCHES]:
    found.append(np.asarray(of_values(slices.masks(index))))
  return float(np.min(np.mean(found, axis=0)))


def _loss(objective: str, logit: jax.Array, targets: jax.Array) -> jax.Array:
  logits = jnp.full(targets.shape, logit)
  if objective in _objective.OBJECTIVES:
    weight = _objective.OBJECTIVES[objective]
    return jnp.mean(losses.bce_dice(logits, targets, weight=weight))
  return jnp.mean(_objective.loss_of(objective)(logits, targets))
