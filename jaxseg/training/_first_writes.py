"""Checkpoints and logs of a training that several processes share.

Process 0 alone touches files; what it reads, it tells the others.
"""

from collections.abc import Mapping, Sequence
import pathlib
from typing import Any

import jax
import numpy as np

from jaxseg import _distributed
from jaxseg.training import _checkpoints
from jaxseg.training import _logs
from jaxseg.training import _step


class Checkpoints:
  """`_checkpoints.Checkpoints` for all processes."""

  def __init__(self, folder: pathlib.Path):
    """Opens the checkpoints of a model."""
    self._own: _checkpoints.Checkpoints | None = None
    if _distributed.process() == 0:
      self._own = _checkpoints.Checkpoints(folder)

  def save(
    self, slot: str, epoch: int, state: _step.State, extra: dict[str, Any]
  ) -> None:
    """See `_checkpoints.Checkpoints`; all return when it is written."""
    if _distributed.processes() > 1 and self._own is not None:
      state = jax.device_get(state)

    def save() -> None:
      if self._own is not None:
        self._own.save(slot, epoch, state, extra)

    _distributed.first("saving a checkpoint", save)

  def restore(
    self, slot: str, like: _step.State
  ) -> tuple[_step.State, dict[str, Any]] | None:
    """See `_checkpoints.Checkpoints`; all get what process 0 finds."""
    if _distributed.processes() == 1 and self._own is not None:
      return self._own.restore(slot, like)
    state = jax.tree.map(lambda x: np.zeros(x.shape, x.dtype), like)

    def restore() -> dict[str, Any] | None:
      nonlocal state
      found = self._own and self._own.restore(slot, state)
      if not found:
        return None
      state = found[0]
      return found[1]

    extra = _distributed.first("restoring a checkpoint", restore)
    if extra is None:
      return None
    return jax.tree.map(_as, _distributed.broadcast(state), like), extra

  def __enter__(self) -> "Checkpoints":
    return self

  def __exit__(self, *_: object) -> None:
    if self._own is not None:
      self._own.close()


class MetricFiles:
  """`_logs.MetricFiles`, written by process 0 alone."""

  def __init__(self, folder: pathlib.Path):
    """Logs into a model's folder."""
    self._own: _logs.MetricFiles | None = None
    if _distributed.process() == 0:
      self._own = _logs.MetricFiles(folder)

  def write(self, history: Sequence[Mapping[str, Any]]) -> None:
    """See `_logs.MetricFiles`."""
    if self._own is not None:
      self._own.write(history)

  def __enter__(self) -> "MetricFiles":
    return self

  def __exit__(self, *error: object) -> None:
    if self._own is not None:
      self._own.__exit__(*error)


def _as(array: np.ndarray, like: jax.Array) -> jax.Array:
  """An array that every process has, laid out as another one."""
  return jax.make_array_from_callback(
    like.shape, like.sharding, lambda part: array[part]
  )
