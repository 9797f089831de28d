"""The state of a training and the jitted functions that move it.

Structure, objective, learning rate and data are arguments, not constants: the
family of models of one shape shares each compiled function. Only a loss beyond
the study's three has a step of its own.
"""

from collections.abc import Callable
import functools
from typing import Any, NamedTuple

import flax.linen as nn
import flax.struct
import jax
import jax.numpy as jnp
import numpy as np
import optax

from jaxseg import losses
from jaxseg import models
from jaxseg import thresholds
from jaxseg.data import window
from jaxseg.training import _config
from jaxseg.training import _objective


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


class Functions(NamedTuple):
  """The compiled functions of one network, see `functions`."""

  init: Any
  step: Any
  predict: Any
  count: Any


def functions(config: _config.Config) -> Functions:
  """The jitted functions of a training; the same ones for equal networks.

  - `init(seed, images)` -> `State`.
  - `step(state, images, labels, learning_rate, bce_weight)` -> (state, loss);
    the given state's memory is reused: do not touch it again.
  - `predict(state, images)` -> probabilities, float32 `[N, H, W]`.
  - `count(state, images, labels, where, grid)` -> `thresholds.Counts` of one
    structure; `where [N]` leaves out the slices that only fill the batch.

  Images are int16 HU `[N, H, W]`, labels uint8 of the same shape.

  Args:
    config: Training; only `network`, `window_hu`, `input_range` and an
      objective beyond the study's three matter.
  """
  network = tuple(sorted(config.network.items()))
  shared = _functions(network, config.window_hu, config.input_range)
  if config.objective in _objective.OBJECTIVES:
    return shared
  step = _own_step(
    network, config.window_hu, config.input_range, config.objective
  )
  return shared._replace(step=step)


@functools.cache
def _functions(
  network: tuple[tuple[str, Any], ...],
  window_hu: tuple[float, float],
  input_range: tuple[float, float],
) -> Functions:
  module = models.create(**dict(network))
  adam = optax.scale_by_adam()
  jit = functools.partial(jax.jit, compiler_options=models.compiler_options())
  jit_once = functools.partial(jax.jit, compiler_options=models.init_options())

  prepare = _prepare(window_hu, input_range)

  def logits(state: State, images: jax.Array) -> jax.Array:
    variables = {"params": state.params, "batch_stats": state.batch_stats}
    result: Any = module.apply(variables, prepare(images))
    return result[..., 0]

  def predict(state: State, images: jax.Array) -> jax.Array:
    return jax.nn.sigmoid(logits(state, images))

  def count(state, images, labels, where, grid):
    return thresholds.count(
      predict(state, images), labels > 0, grid, where=where[:, None, None]
    )

  return Functions(
    init=jit_once(functools.partial(_init, module, adam, prepare)),
    step=jit(
      functools.partial(_step, module, adam, prepare, None), donate_argnums=0
    ),
    predict=jit(predict),
    count=jit(count),
  )


@functools.cache
def _own_step(
  network: tuple[tuple[str, Any], ...],
  window_hu: tuple[float, float],
  input_range: tuple[float, float],
  objective: str,
) -> Any:
  """The step of another loss, compiled for it; it ignores the weight."""
  step = functools.partial(
    _step,
    models.create(**dict(network)),
    optax.scale_by_adam(),
    _prepare(window_hu, input_range),
    _objective.loss_of(objective),
  )
  return jax.jit(
    step, donate_argnums=0, compiler_options=models.compiler_options()
  )


def _prepare(
  window_hu: tuple[float, float], input_range: tuple[float, float]
) -> Callable[[jax.Array], jax.Array]:
  def prepare(images: jax.Array) -> jax.Array:
    return window(images, *window_hu, to=input_range)[..., None]

  return prepare


def _init(module: nn.Module, adam, prepare, seed, images) -> State:
  key = jax.random.key(seed)
  first, rest = jax.random.split(key)
  variables = module.init(first, prepare(images))
  params = variables["params"]
  return State(
    step=jnp.zeros((), jnp.int32),
    params=params,
    batch_stats=variables.get("batch_stats", {}),
    opt_state=adam.init(params),
    key=jax.random.key_data(rest),
  )


def _step(
  module: nn.Module,
  adam: optax.GradientTransformation,
  prepare,
  own_loss: Callable[..., jax.Array] | None,
  state: State,
  images: jax.Array,
  labels: jax.Array,
  learning_rate: jax.Array,
  bce_weight: jax.Array,
) -> tuple[State, jax.Array]:
  inputs = prepare(images)
  targets = labels[..., None].astype(jnp.float32)
  key = jax.random.fold_in(jax.random.wrap_key_data(state.key), state.step)

  def loss_of(params):
    logits, changed = module.apply(
      {"params": params, "batch_stats": state.batch_stats},
      inputs,
      train=True,
      mutable=["batch_stats"],
      rngs={"dropout": key},
    )
    if own_loss is None:
      loss = losses.bce_dice(logits, targets, weight=bce_weight)  # [N, C]
    else:
      loss = own_loss(logits, targets)
    return jnp.mean(loss.astype(jnp.float32)), changed.get("batch_stats", {})

  (loss, batch_stats), gradient = jax.value_and_grad(loss_of, has_aux=True)(
    state.params
  )
  update, opt_state = adam.update(gradient, state.opt_state, state.params)
  params = jax.tree.map(
    lambda p, u: p - learning_rate * u, state.params, update
  )
  changed = State(
    step=state.step + 1,
    params=params,
    batch_stats=batch_stats,
    opt_state=opt_state,
    key=state.key,
  )
  return changed, loss


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
