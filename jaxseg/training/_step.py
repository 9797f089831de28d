"""The state of a training, and the pure functions that move it."""

from collections.abc import Callable
import dataclasses
from typing import Any

import flax.struct
import jax
import jax.numpy as jnp
import optax

from jaxseg import losses
from jaxseg import models
from jaxseg import thresholds

_ADAM = optax.scale_by_adam()


@flax.struct.dataclass
class State:
  """All that changes in training; a pytree.

  Attributes:
    step: Steps done, int32.
    params: The network's parameters, float32.
    batch_stats: Running averages of batch norm; empty without it.
    opt_state: Adam's moments.
    key: Random key of the training; each step folds its number in.
  """

  step: jax.Array
  params: Any
  batch_stats: Any
  opt_state: Any
  key: jax.Array

  @property
  def variables(self) -> dict[str, Any]:
    """What the network is applied with."""
    return {"params": self.params, "batch_stats": self.batch_stats}


def init(forward: models.Forward, seed: jax.Array, images: jax.Array) -> State:
  """The state before the first step."""
  first, rest = jax.random.split(jax.random.key(seed))
  variables = forward.network.init(first, forward.inputs(images))
  return State(
    step=jnp.zeros((), jnp.int32),
    params=variables["params"],
    batch_stats=variables.get("batch_stats", {}),
    opt_state=_ADAM.init(variables["params"]),
    key=jax.random.key_data(rest),
  )


def step(
  forward: models.Forward,
  own_loss: Callable[..., jax.Array] | None,
  state: State,
  images: jax.Array,
  labels: jax.Array,
  learning_rate: jax.Array,
  bce_weight: jax.Array,
) -> tuple[State, jax.Array]:
  """One step of Adam: (new state, mean loss of the batch)."""
  inputs = forward.inputs(images)
  targets = labels[..., None].astype(jnp.float32)
  key = jax.random.fold_in(jax.random.wrap_key_data(state.key), state.step)

  def mean_loss(params):
    logits, changed = forward.network.apply(
      {"params": params, "batch_stats": state.batch_stats},
      inputs,
      train=True,
      mutable=["batch_stats"],
      rngs={"dropout": key},
    )
    if own_loss is None:
      loss = losses.bce_dice(
        logits, targets, weight=bce_weight, soft_labels=False
      )  # [N, C]
    else:
      loss = own_loss(logits, targets)
    return jnp.mean(loss.astype(jnp.float32)), changed.get("batch_stats", {})

  (loss, batch_stats), gradient = jax.value_and_grad(mean_loss, has_aux=True)(
    state.params
  )
  update, opt_state = _ADAM.update(gradient, state.opt_state, state.params)
  changed = dataclasses.replace(
    state,
    step=state.step + 1,
    params=jax.tree.map(
      lambda p, u: p - learning_rate * u, state.params, update
    ),
    batch_stats=batch_stats,
    opt_state=opt_state,
  )
  return changed, loss


def count(
  forward: models.Forward,
  state: State,
  images: jax.Array,
  labels: jax.Array,
  where: jax.Array,
  grid: jax.Array,
) -> thresholds.Counts:
  """Counts of a batch; `where [N]` leaves out slices that only fill it."""
  maps = forward.probabilities(state.variables, images)
  return thresholds.count(maps, labels > 0, grid, where=where[:, None, None])
