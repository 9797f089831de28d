"""The state of a training, and the pure functions that move it."""

from collections.abc import Callable
import dataclasses
import functools
from typing import Any

import flax.struct
import jax
from jax import lax
import jax.numpy as jnp
import optax

from jaxseg import losses
from jaxseg import models
from jaxseg import thresholds
from jaxseg.training import _augment

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

  @property
  def learning(self) -> dict[str, Any]:
    """What the steps change."""
    return self.variables


@flax.struct.dataclass
class AveragedState(State):
  """A state whose `params` and `batch_stats` are running averages.

  So whatever reads a model gets the averages, and needs not know of them.

  Attributes:
    trained: The "params" and "batch_stats" that Adam moves.
  """

  trained: Any

  @property
  def learning(self) -> dict[str, Any]:
    """What the steps change."""
    return dict(self.trained)


@dataclasses.dataclass(frozen=True)
class Options:
  """What a step does beyond Adam's; all of it is off by default. Hashable.

  Attributes:
    augment: Pairs of a kind and its strength, as `_augment.KINDS` has them.
    clip_norm: Largest norm of the gradient of all parameters; None is any.
    ema: Share of the averaged parameters that is kept at each step; 0 keeps
      no averages.
    coarse: How labels become those of coarser outputs, under deep supervision,
      as in `losses.deep_supervision`.
  """

  augment: tuple[tuple[str, float], ...] = ()
  clip_norm: float | None = None
  ema: float = 0.0
  coarse: str = "mean"


def init(
  forward: models.Forward,
  options: Options,
  seed: jax.Array,
  images: jax.Array,
) -> State:
  """The state before the first step; of `images [N, H, W]` the shape counts."""
  first, rest = jax.random.split(jax.random.key(seed))
  variables = forward.network.init(first, forward.inputs(forward.alone(images)))
  fields = {
    "step": jnp.zeros((), jnp.int32),
    "params": variables["params"],
    "batch_stats": variables.get("batch_stats", {}),
    "opt_state": _ADAM.init(variables["params"]),
    "key": jax.random.key_data(rest),
  }
  if not options.ema:
    return State(**fields)
  trained = {name: fields[name] for name in ("params", "batch_stats")}
  return AveragedState(**fields, trained=trained)


def step(
  forward: models.Forward,
  own_loss: Callable[..., jax.Array] | None,
  options: Options,
  state: State,
  images: jax.Array,
  labels: jax.Array,
  learning_rate: jax.Array,
  bce_weight: jax.Array,
  *,
  axis: str | None = None,
  weighted: bool = False,
) -> tuple[State, jax.Array]:
  """One step of Adam: (new state, mean loss of the batch).

  Where the batch is the rows of one of several devices, `axis` names these;
  moments of batch norm, loss and gradient are those of the global batch, and
  each device draws its own dropout. Slices are augmented as in the whole batch.
  A `weighted` loss takes the weight of cross entropy, too.
  """
  if own_loss is not None and weighted:
    own_loss = functools.partial(own_loss, weight=bce_weight)
  if options.augment:
    place = 0 if axis is None else lax.axis_index(axis)
    images, labels = _augment.augment(
      dict(options.augment),
      _step_key(state),
      images,
      labels,
      window_hu=forward.window_hu,
      first=place * len(images),
    )
  inputs = forward.inputs(images)
  targets = labels[..., None].astype(jnp.float32)
  key = _step_key(state)
  if axis is not None:
    key = jax.random.fold_in(key, lax.axis_index(axis))

  def mean_loss(params):
    with models.batch_over(axis):
      logits, changed = forward.network.apply(
        {**state.learning, "params": params},
        inputs,
        train=True,
        mutable=["batch_stats", models.COARSE],
        rngs={"dropout": key},
      )
    coarse = models.coarse_logits(changed)
    if coarse:
      outputs = [logits, *coarse]
      loss = _deep(own_loss, outputs, targets, bce_weight, options, axis)
    elif own_loss is None:
      loss = losses.bce_dice(
        logits, targets, weight=bce_weight, soft_labels=False
      )  # [N, C]
    else:
      # It may sum over the batch, so it is given all of it.
      loss = own_loss(_gathered(logits, axis), _gathered(targets, axis))
    return jnp.mean(loss.astype(jnp.float32)), changed.get("batch_stats", {})

  params = state.learning["params"]
  (loss, batch_stats), gradient = jax.value_and_grad(mean_loss, has_aux=True)(
    params
  )
  if axis is not None:
    loss, gradient = lax.pmean((loss, gradient), axis)
  if options.clip_norm is not None:
    gradient = _clipped(gradient, options.clip_norm)
  update, opt_state = _ADAM.update(gradient, state.opt_state, params)
  following = state.step + 1
  learned = {
    "params": jax.tree.map(lambda p, u: p - learning_rate * u, params, update),
    "batch_stats": batch_stats,
  }
  moved = {"step": following, "opt_state": opt_state}
  if isinstance(state, AveragedState):
    averages = _averaged(state, learned, options.ema)
    return dataclasses.replace(
      state, **moved, **averages, trained=learned
    ), loss
  return dataclasses.replace(state, **moved, **learned), loss


def _step_key(state: State) -> jax.Array:
  return jax.random.fold_in(jax.random.wrap_key_data(state.key), state.step)


def _deep(
  own_loss: Callable[..., jax.Array] | None,
  outputs: list[jax.Array],
  targets: jax.Array,
  bce_weight: jax.Array,
  options: Options,
  axis: str | None,
) -> jax.Array:
  """Loss of the logits at several resolutions, the finest first."""

  def loss(logits, labels):
    if own_loss is not None:
      found = own_loss(_gathered(logits, axis), _gathered(labels, axis))
      return jnp.mean(found)
    mixed = losses.bce_dice(
      logits,
      labels,
      weight=bce_weight,
      soft_labels=logits.shape != targets.shape,
    )
    return jnp.mean(mixed)

  return losses.deep_supervision(
    loss, outputs, targets, downsample=options.coarse
  )


def _clipped(gradient: Any, most: float) -> Any:
  """Gradients shortened, all alike, to a norm of at most `most`."""
  squares = [jnp.sum(jnp.square(g)) for g in jax.tree.leaves(gradient)]
  norm = jnp.sqrt(sum(squares))
  # Where the norm is not finite the loss says so; nothing is hidden here.
  share = jnp.where(norm > most, most / norm, 1.0)
  return jax.tree.map(lambda g: g * share, gradient)


def _averaged(
  state: AveragedState, learned: dict[str, Any], decay: float
) -> dict[str, Any]:
  """The averages after a step.

  The first steps are forgotten sooner: after t of them a share of
  (1 + t) / (10 + t) is kept, up to the decay, as in TensorFlow's
  ExponentialMovingAverage.
  """
  kept = jnp.minimum(decay, (1.0 + state.step) / (10.0 + state.step))
  return jax.tree.map(
    lambda old, new: old + (1 - kept) * (new - old), state.variables, learned
  )


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
