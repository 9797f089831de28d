"""The compiled functions of a training.

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

import jax

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


def functions(config: _config.Config) -> Functions:
  """The compiled functions of a training; the same ones for equal networks.

  Args:
    config: Training; only `network`, `window_hu`, `input_range`, `options` and
      an objective beyond the study's three matter.
  """
  shared = _compiled(config.forward, config.options)
  if config.objective in _objective.OBJECTIVES:
    return shared
  step = _compiled_step(config.forward, config.objective, config.options)
  return dataclasses.replace(shared, step=step)


@functools.cache
def _compiled(forward: models.Forward, options: _step.Options) -> Functions:
  return Functions(
    init=jax.jit(
      functools.partial(_step.init, forward, options),
      compiler_options=models.init_options(),
    ),
    step=_compiled_step(forward, None, options),
    count=jax.jit(
      functools.partial(_step.count, forward),
      compiler_options=models.compiler_options(),
    ),
  )


@functools.cache
def _compiled_step(
  forward: models.Forward, objective: str | None, options: _step.Options
) -> Any:
  """The step of a loss of one's own ignores the weight."""
  loss = None if objective is None else _objective.loss_of(objective)
  return jax.jit(
    functools.partial(_step.step, forward, loss, options),
    donate_argnums=0,
    compiler_options=models.compiler_options(),
  )
