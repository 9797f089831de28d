"""Checkpoints and logs of a training that several processes share.

Process 0 alone touches files; what it reads, it tells the others.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
import contextlib
import pathlib
from typing import Any

import jax
import numpy as np

from jaxseg import _distributed
from jaxseg.training import _checkpoints
from jaxseg.training import _history
from jaxseg.training import _lock
from jaxseg.training import _logs
from jaxseg.training import _step


@contextlib.contextmanager
def locked(folder: pathlib.Path) -> Iterator[None]:
  """`_lock.held` by process 0, for all.

  Raises:
    InUseError: Others train this model.
  """
  with contextlib.ExitStack() as held:

    def lock() -> None:
      held.enter_context(_lock.held(folder))

    _distributed.first("locking the model", lock)
    yield


class Checkpoints:
  """`_checkpoints.Checkpoints` for all processes."""

  def __init__(self, folder: pathlib.Path):
    """Opens the checkpoints of a model."""
    self._own: _checkpoints.Checkpoints | None = None
    if _distributed.process() == 0:
      self._own = _checkpoints.Checkpoints(folder)

  def save(
    self, slot: str, steps: int, state: _step.State, extra: dict[str, Any]
  ) -> None:
    """See `_checkpoints.Checkpoints`; all return when it is written."""
    if _distributed.processes() > 1 and self._own is not None:
      state = jax.device_get(state)

    def save() -> None:
      if self._own is not None:
        self._own.save(slot, steps, state, extra)

    _distributed.first("saving a checkpoint", save)

  def restore(
    self, slot: str, like: _step.State
  ) -> tuple[_step.State, dict[str, Any]] | None:
    """See `_checkpoints.Checkpoints`; all get what process 0 finds."""

    def restore(
      own: _checkpoints.Checkpoints, like: _step.State
    ) -> tuple[_step.State, Any] | None:
      return own.restore(slot, like)

    return self._shared(restore, like)

  def resume(
    self, like: _step.State, told: Callable[[str], None]
  ) -> _checkpoints.Resumed | None:
    """See `_checkpoints.Checkpoints`; all get what process 0 finds."""

    def resume(
      own: _checkpoints.Checkpoints, like: _step.State
    ) -> tuple[_step.State, Any] | None:
      found = own.resume(like, told)
      return None if found is None else (found.state, found[1:])

    found = self._shared(resume, like)
    return found and _checkpoints.Resumed(found[0], *found[1])

  def finish(self, history: Sequence[_history.Row]) -> None:
    """See `_checkpoints.Checkpoints`."""

    def finish() -> None:
      if self._own is not None:
        self._own.finish(history)

    _distributed.first("checking the checkpoints", finish)

  def _shared(
    self,
    load: Callable[..., tuple[_step.State, Any] | None],
    like: _step.State,
  ) -> tuple[_step.State, Any] | None:
    """A state and what is JSON-able, loaded by process 0 and given to all."""
    if _distributed.processes() == 1:
      return load(self._own, like)
    state = jax.tree.map(lambda x: np.zeros(x.shape, x.dtype), like)

    def first() -> list[Any] | None:
      nonlocal state
      found = load(self._own, state)
      if found is None:
        return None
      state = found[0]
      return [found[1]]

    rest = _distributed.first("loading a checkpoint", first)
    if rest is None:
      return None
    return jax.tree.map(_as, _distributed.broadcast(state), like), rest[0]

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
