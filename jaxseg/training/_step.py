"""The state of a training, and the pure functions that move it."""

from collections.abc import Callable
import dataclasses
from typing import Any

import flax.struct
import jax
from jax import lax
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
  *,
  axis: str | None = None,
) -> tuple[State, jax.Array]:
  """One step of Adam: (new state, mean loss of the batch).

  Where the batch is the rows of one of several devices, `axis` names these;
  moments of batch norm, loss and gradient are those of the global batch, and
  each device draws its own dropout.
  """
  inputs = forward.inputs(images)
  targets = labels[..., None].astype(jnp.float32)
  key = jax.random.fold_in(jax.random.wrap_key_data(state.key), state.step)
  if axis is not None:
    key = jax.random.fold_in(key, lax.axis_index(axis))

  def mean_loss(params):
    with models.batch_over(axis):
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
      # It may sum over the batch, so it is given all of it.
      loss = own_loss(_gathered(logits, axis), _gathered(targets, axis))
    return jnp.mean(loss.astype(jnp.float32)), changed.get("batch_stats", {})

  (loss, batch_stats), gradient = jax.value_and_grad(mean_loss, has_aux=True)(
    state.params
  )
  if axis is not None:
    loss, gradient = lax.pmean((loss, gradient), axis)
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


def _gathered(rows: jax.Array, axis: str | None) -> jax.Array:
  """The rows of all devices."""
  if axis is None:
    return rows
  return lax.all_gather(rows, axis, axis=0, tiled=True)


def count(
  forward: models.Forward,
  state: State,
  images: jax.Array,
  labels: jax.Array,
  where: jax.Array,
  grid: jax.Array,
  *,
  axis: str | None = None,
) -> thresholds.Counts:
  """Counts of a batch; `where [N]` leaves out slices that only fill it.

  Those of all devices together where the batch is the rows of one of several,
  which `axis` names.
  """
  maps = forward.probabilities(state.variables, images)
  found = thresholds.count(maps, labels > 0, grid, where=where[:, None, None])
  return found if axis is None else found.psum(axis)
