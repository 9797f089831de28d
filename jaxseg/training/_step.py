"""The state of a training, and the compiled functions that move it.

    compiled = functions(config)
    state = compiled.init(seed, images)
    state, loss = compiled.step(state, images, labels, learning_rate, weight)

Structure, objective, learning rate and data are arguments, not constants: the
family of models of one shape shares each compiled function. Only a loss beyond
the study's three has a step of its own.
"""

from collections.abc import Callable
import dataclasses
import functools
from typing import Any

import flax.struct
import jax
import jax.numpy as jnp
import numpy as np
import optax

from jaxseg import losses
from jaxseg import models
from jaxseg import thresholds
from jaxseg.training import _config
from jaxseg.training import _objective

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


@dataclasses.dataclass(frozen=True)
class Functions:
  """The compiled functions of a training.

  Images are int16 HU `[N, H, W]`, labels uint8 of the same shape.

  Attributes:
    init: (seed, images) -> `State`.
    step: (state, images, labels, learning_rate, bce_weight) -> (state, loss).
      The given state's memory is reused: do not touch it again.
    count: (state, images, labels, where, grid) -> `thresholds.Counts`.
  """

  init: Callable[..., State]
  step: Callable[..., tuple[State, jax.Array]]
  count: Callable[..., thresholds.Counts]


def functions(config: _config.Config) -> Functions:
  """The compiled functions of a training; the same ones for equal networks.

  Args:
    config: Training; only `network`, `window_hu`, `input_range` and an
      objective beyond the study's three matter.
  """
  shared = _compiled(config.forward)
  if config.objective in _objective.OBJECTIVES:
    return shared
  step = _compiled_step(config.forward, config.objective)
  return dataclasses.replace(shared, step=step)


@functools.cache
def _compiled(forward: models.Forward) -> Functions:
  options = models.compiler_options()
  return Functions(
    init=jax.jit(
      functools.partial(init, forward), compiler_options=models.init_options()
    ),
    step=_compiled_step(forward, None),
    count=jax.jit(functools.partial(count, forward), compiler_options=options),
  )


@functools.cache
def _compiled_step(forward: models.Forward, objective: str | None) -> Any:
  """The step of a loss of one's own ignores the weight."""
  loss = None if objective is None else _objective.loss_of(objective)
  return jax.jit(
    functools.partial(step, forward, loss),
    donate_argnums=0,
    compiler_options=models.compiler_options(),
  )


@jax.jit
def take(
  images: jax.Array, labels: jax.Array, index: jax.Array
) -> tuple[jax.Array, jax.Array]:
  """Gathers slices on the device.

  Args:
    images: All slices, `[slice, row, column]`.
    labels: Masks of the same shape.
    index: Positions, int32 `[N]`.
  """
  return images[index], labels[index]


def pad_batch(index: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray]:
  """Fills a batch of positions up to a size.

  Args:
    index: Positions, `[n]`, n <= size.
    size: Wanted length.

  Returns:
    (positions int32 `[size]`, which of them are real, bool `[size]`).
  """
  padded = np.zeros(size, np.int32)
  padded[: len(index)] = index
  return padded, np.arange(size) < len(index)
