"""The compiled functions of a training.

    compiled = functions(config, devices)
    state = compiled.init(seed, images)
    state, loss = compiled.step(state, images, labels, learning_rate, weight)

Structure, objective, learning rate and data are arguments, not constants: the
family of models of one shape shares each compiled function. Each form of Dice
that learns on empty slices has one, whatever the weight of cross entropy; any
other loss has a step of its own. All models on single devices share
them, too; several devices together have their own.
"""

from collections.abc import Callable
import dataclasses
import functools
from typing import Any

import jax

from jaxseg import _devices
from jaxseg import models
from jaxseg import thresholds
from jaxseg.training import _config
from jaxseg.training import _objective
from jaxseg.training import _step


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

  init: Callable[..., _step.State]
  step: Callable[..., tuple[_step.State, jax.Array]]
  count: Callable[..., thresholds.Counts]


def functions(
  config: _config.Config, devices: _devices.Devices | None = None
) -> Functions:
  """The compiled functions of a training; the same ones for equal networks.

  Args:
    config: Training; only `network`, `window_hu`, `input_range`, `options` and
      the form of the objective matter.
    devices: That the model is trained on; None is a single one.
  """
  if devices is None or devices.alone:
    devices = None  # Whichever it is.
  options = config.options
  shared = _compiled(config.forward, options, devices)
  form, _ = _objective.form_of(config.objective) or (config.objective, 0.0)
  if form is None:
    return shared
  step = _compiled_step(config.forward, form, options, devices)
  return dataclasses.replace(shared, step=step)


@functools.cache
def _compiled(
  forward: models.Forward,
  options: _step.Options,
  devices: _devices.Devices | None,
) -> Functions:
  return Functions(
    init=_compiled_init(forward, options),
    step=_compiled_step(forward, None, options, devices),
    count=_compiled_count(forward, devices),
  )


@functools.cache
def _compiled_init(forward: models.Forward, options: _step.Options) -> Any:
  """On one device, wherever the state goes: its bits are the same."""
  return jax.jit(
    functools.partial(_step.init, forward, options),
    compiler_options=models.init_options(),
  )


@functools.cache
def _compiled_count(
  forward: models.Forward, devices: _devices.Devices | None
) -> Any:
  count = functools.partial(_step.count, forward)
  how: dict[str, Any] = {"compiler_options": models.compiler_options()}
  if devices is None:
    return jax.jit(count, **how)
  # An XLA that finds the exchange by itself sends whole maps.
  return devices.compile(
    functools.partial(count, axis=_devices.AXIS),
    in_axes=(None, 0, 0, 0, None),
    by_rows=True,
    **how,
  )


@functools.cache
def _compiled_step(
  forward: models.Forward,
  loss: str | None,
  options: _step.Options,
  devices: _devices.Devices | None,
) -> Any:
  """The step of a form, or of a loss of one's own, which ignores the weight."""
  weighted = loss in _objective.FORMS
  own = None
  if loss is not None:
    own = _objective.formed(loss) if weighted else _objective.loss_of(loss)
  step = functools.partial(_step.step, forward, own, options, weighted=weighted)
  how: dict[str, Any] = {
    "donate_argnums": 0,
    "compiler_options": models.compiler_options(),
  }
  if devices is None:
    return jax.jit(step, **how)
  if devices.parallel == "pmap":
    step = functools.partial(step, axis=_devices.AXIS)
  return devices.compile(step, in_axes=(None, 0, 0, None, None), **how)
