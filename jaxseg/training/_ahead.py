"""Compiling while slices are read: the step, then the count of validation.

    ahead = _ahead.Ahead(config, size, devices)  # Before anything is read.
    ...
    compiled = ahead.awaited(compiled)

XLA takes long and needs no data, only their shapes; a thread hands it these
while this one reads slices, draws weights and imports what saves them. What is
compiled is what the calls would have compiled, so no number depends on it.
"""

import contextlib
import dataclasses
import threading
from typing import Any

import jax
import numpy as np

from jaxseg import _devices
from jaxseg import thresholds
from jaxseg.training import _compiled
from jaxseg.training import _config


class Ahead:
  """A thread that compiles what a training will call."""

  def __init__(
    self,
    config: _config.Config,
    size: tuple[int, int],
    devices: _devices.Devices,
  ):
    """Starts it, where a model has the first device for itself.

    Arrays on other devices are marked with their place, and what is compiled
    for them is not the same.

    Args:
      config: Training.
      size: Rows and columns of a slice.
      devices: Those that learn.
    """
    self._step, self._count = threading.Event(), threading.Event()
    self._stopped = False
    if devices.alone and devices.devices[0] == jax.local_devices()[0]:
      compiled = _compiled.functions(config, devices)
      work = (config, size, compiled)
      threading.Thread(target=self._run, args=work).start()
    else:
      self._end()

  def awaited(self, compiled: _compiled.Functions) -> _compiled.Functions:
    """The same functions, called once they are compiled."""

    def step(*arguments: Any) -> Any:
      self._step.wait()
      return compiled.step(*arguments)

    def count(*arguments: Any) -> Any:
      self._count.wait()
      return compiled.count(*arguments)

    return dataclasses.replace(compiled, step=step, count=count)

  def stop(self) -> None:
    """Begins nothing more; what has begun ends by itself."""
    self._stopped = True

  def _end(self) -> None:
    self._step.set()
    self._count.set()

  def _run(
    self,
    config: _config.Config,
    size: tuple[int, int],
    compiled: _compiled.Functions,
  ) -> None:
    # What is wrong the call itself will find, where it is heard.
    with contextlib.suppress(Exception):
      for function, of, done in (
        (compiled.step, _of_step, self._step),
        (compiled.count, _of_count, self._count),
      ):
        if self._stopped:
          break
        state, batch = _shapes(config, size, compiled)
        jitted: Any = function
        jitted.lower(state, *batch, *of(config)).compile()
        done.set()
    self._end()


def _shapes(
  config: _config.Config,
  size: tuple[int, int],
  compiled: _compiled.Functions,
) -> tuple[Any, tuple[jax.ShapeDtypeStruct, jax.ShapeDtypeStruct]]:
  """Those of the state, and of a batch's images and labels."""
  batch, context = config.batch, config.forward.slices
  alone = jax.ShapeDtypeStruct((batch, *size), np.int16)
  images, labels = alone, jax.ShapeDtypeStruct(alone.shape, np.uint8)
  if context > 1:
    images = jax.ShapeDtypeStruct((batch, context, *size), np.int16)
  state = jax.eval_shape(compiled.init, np.uint32(0), alone)
  return state, (images, labels)


def _of_step(_: _config.Config) -> tuple[Any, ...]:
  return np.float32(0), np.float32(0)


def _of_count(config: _config.Config) -> tuple[Any, ...]:
  return np.ones(config.batch, np.bool_), thresholds.grid(1001)
