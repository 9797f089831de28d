"""States of a training on disk: the last and the best, two of each.

    MODEL/checkpoints/last/<steps>    the state after so many steps
    MODEL/checkpoints/best/<steps>    the same after the best epoch so far

Each is written by Orbax under another name, gets the digests of its files,
is flushed to the disk and renamed; so it is there whole or not at all. The one
before is kept, to go on from where the newest is damaged. Earlier versions
named them by epoch and wrote no digests; theirs are read, too.
"""

from collections.abc import Callable, Sequence
import errno
import os
import pathlib
import re
import threading
from typing import Any, NamedTuple

import jax

from jaxseg import _digests
from jaxseg import _distributed
from jaxseg import _extras
from jaxseg import _files
from jaxseg import _unfinished
from jaxseg import errors
from jaxseg.training import _history
from jaxseg.training import _step

SLOTS = ("last", "best")
_KEEP = 2
# Orbax counts its saves per process, and waits for folders to be made by that
# number: a save of another thread makes this one write into a folder that is
# not there yet.
_saving = threading.Lock()
# What names and metadata take beside the arrays, bytes.
_MARGIN = 2**18


class Resumed(NamedTuple):
  """Where a training goes on.

  Attributes:
    state: The state.
    history: Rows of the epochs that are over.
    losses: Losses of the steps of the epoch that is not.
  """

  state: _step.State
  history: list[_history.Row]
  losses: list[float]


class _DamagedError(Exception):
  """A checkpoint cannot be used; the text says why."""


class Checkpoints:
  """Two slots, "last" and "best", of states and what led to them."""

  def __init__(self, folder: pathlib.Path):
    """Opens the checkpoints of a model.

    Args:
      folder: The model's folder; `checkpoints/` is made within.
    """
    self._ocp = _extras.load("orbax.checkpoint", extra="train")  # Slow.
    self._model = folder
    self._folder = (folder / "checkpoints").absolute()
    alone = {"multiprocessing_options": _distributed.orbax_alone()}
    self._checkpointer = self._ocp.Checkpointer(
      self._ocp.CompositeCheckpointHandler(
        state=self._ocp.StandardCheckpointHandler(**alone),
        extra=self._ocp.JsonCheckpointHandler(**alone),
        composite_options=self._ocp.CompositeOptions(**alone),
      ),
      **alone,
    )
    for slot in SLOTS:
      _unfinished.sweep(self._folder / slot / "0")
    # What an earlier version left unfinished.
    for left in self._folder.glob("*/*.orbax-checkpoint-tmp*"):
      _files.remove_folder(left)

  def save(
    self, slot: str, steps: int, state: _step.State, extra: dict[str, Any]
  ) -> None:
    """Saves a state; the slot keeps it and the one before.

    Args:
      slot: "last" or "best".
      steps: Steps done; more than those of all that is in the slot.
      state: What `resume` gives back.
      extra: JSON-able; "history", and "losses" within an epoch.
    """
    ocp = self._ocp
    path = self._folder / slot / str(steps)
    if path.exists():
      _files.remove_folder(path)
    model = self._model / "model.json"
    said = {
      **extra,
      "signature": _signature(state),
      **_digests.promise(_files.read_json(model) if model.exists() else None),
    }
    with _files.new_folder(path) as temporary:
      _check_room(temporary / "room", state, path)
      temporary.rmdir()  # Orbax wants to make it.
      content = ocp.args.Composite(
        state=ocp.args.StandardSave(state), extra=ocp.args.JsonSave(said)
      )
      try:
        with _saving:
          self._checkpointer.save(temporary, args=content)
      except Exception as e:  # Orbax and TensorStore raise several.
        known = _disk_error(e, path)
        if known is None:
          raise
        raise known from e
      _digests.write(temporary)
    self._prune(slot, _KEEP)

  def restore(
    self, slot: str, like: _step.State
  ) -> tuple[_step.State, dict[str, Any]] | None:
    """The slot's newest state, or None if nothing was saved yet.

    Args:
      slot: "last" or "best".
      like: A state of the same shapes.

    Raises:
      DataError: The checkpoint is of another network, or damaged.
    """
    for path in self._newest(slot):
      try:
        return self._load(path, like)
      except _DamagedError as e:
        raise self._error(path, str(e)) from e
    return None

  def resume(
    self, like: _step.State, told: Callable[[str], None]
  ) -> Resumed | None:
    """The newest state from which a training can go on.

    That is one which is whole, and whose best epoch is kept, too. What is
    newer is deleted: it is damaged, or of a history that is lost.

    Args:
      like: A state of the same shapes.
      told: Hears what was passed over, and why.

    Returns:
      None if the training is to begin.

    Raises:
      DataError: There are checkpoints, and none can be used.
    """
    bad: list[str] = []
    paths = [path for slot in SLOTS for path in self._newest(slot)]
    for path in sorted(paths, key=_steps, reverse=True):
      if path.parent.name == "best" and "history" not in _digests.extra(path):
        continue  # Of an earlier version, which resumed from "last" alone.
      try:
        state, extra = self._load(path, like)
        history = list(extra["history"])
        losses = [float(loss) for loss in extra.get("losses", ())]
        self._check_best(history)
      except _DamagedError as e:
        bad.append(f"{path}: cannot be used ({e})")
        continue
      except (KeyError, TypeError, ValueError) as e:
        bad.append(f"{path}: cannot be used (history is malformed: {e!r})")
        continue
      for note in bad:
        told(f"{note}; going on from {path.parent.name}/{path.name}")
      for other in paths:
        if _steps(other) > _steps(path) and not self._comes_again(
          other, history
        ):
          _files.remove_folder(other)
      if path.parent.name == "best":  # Killed between the one and the other.
        self.save("last", _steps(path), state, {"history": history})
      return Resumed(state, history, losses)
    if bad:
      raise errors.DataError(
        f"{bad[0]}, and none before it; delete {self._model} and train again"
      )
    if paths:
      told(f"{self._folder}: no last checkpoint is left; beginning anew")
    for path in paths:
      _files.remove_folder(path)
    return None

  def finish(self, history: Sequence[_history.Row]) -> None:
    """Keeps one state of each slot, once the best is known to be whole.

    Raises:
      DataError: It is not.
    """
    try:
      self._check_best(history)
    except _DamagedError as e:
      raise errors.DataError(
        f"{self._folder}: {e}; start the same command again"
      ) from e
    for slot in SLOTS:
      self._prune(slot, 1)

  def close(self) -> None:
    """Frees what Orbax holds."""
    self._checkpointer.close()

  def __enter__(self) -> "Checkpoints":
    return self

  def __exit__(self, *_: object) -> None:
    self.close()

  def _newest(self, slot: str) -> list[pathlib.Path]:
    return _newest(self._folder / slot)

  def _prune(self, slot: str, keep: int) -> None:
    for path in self._newest(slot)[keep:]:
      _files.remove_folder(path)

  def _check_best(self, history: Sequence[_history.Row]) -> None:
    """Raises _DamagedError unless the best epoch's state is there and whole."""
    epoch = _history.best(history)
    if epoch < 0:
      return
    wanted = _files.as_json(list(history[: epoch + 1]))
    for path in self._newest("best"):
      extra = _digests.extra(path)
      old = "history" not in extra and path.name == str(epoch)
      if old or extra.get("history") == wanted:
        damaged = _digests.damage(path)
        if damaged:
          raise _DamagedError(f"best/{path.name}: {damaged}")
        return
      if self._comes_again(path, history):
        return
    raise _DamagedError(f"the state of the best epoch, {epoch}, is missing")

  def _comes_again(
    self, path: pathlib.Path, history: Sequence[_history.Row]
  ) -> bool:
    """Whether it is the best of an epoch that will be run once more.

    An earlier version kept one best state, and could be killed after that of
    an epoch and before its last.
    """
    if path.parent.name != "best":
      return False
    extra = _digests.extra(path)
    old = "signature" in extra and "history" not in extra
    return old and _steps(path) >= len(history)

  def _load(
    self, path: pathlib.Path, like: _step.State
  ) -> tuple[_step.State, dict[str, Any]]:
    """State and extra of one checkpoint.

    Raises:
      _DamagedError: It is damaged.
      DataError: It is of another network.
    """
    ocp = self._ocp
    damaged = _digests.damage(path)
    if damaged:
      raise _DamagedError(damaged)
    extra = _digests.extra(path)
    if extra.get("signature", _signature(like)) != _signature(like):
      raise self._error(path, "it is of another network")
    try:
      found = self._checkpointer.restore(
        path, args=ocp.args.Composite(state=ocp.args.StandardRestore(like))
      )
    except Exception as e:  # Orbax and TensorStore raise this very class.
      raise _DamagedError(_first_line(e)) from e
    return found.state, extra

  def _error(self, path: pathlib.Path, reason: str) -> errors.DataError:
    return errors.DataError(
      f"{path}: cannot be restored ({reason}); delete {self._model} and train"
      " again"
    )


def _check_room(
  room: pathlib.Path, state: _step.State, path: pathlib.Path
) -> None:
  """Refuses a full disk, of which Orbax tells in a hundred lines.

  Raises:
    OSError: There is no room for the state, or no file may be so large.
  """
  if not hasattr(os, "posix_fallocate"):
    return
  size = sum(leaf.nbytes for leaf in jax.tree.leaves(state)) + _MARGIN
  with room.open("wb") as file:
    try:
      os.posix_fallocate(file.fileno(), 0, size)
    except OSError as e:
      if e.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        raise OSError(e.errno, os.strerror(e.errno), str(path)) from e
  room.unlink()


def _disk_error(error: Exception, path: pathlib.Path) -> OSError | None:
  """The operating system's error that TensorStore words, if it is one."""
  code = re.search(r"os_error_code='(\d+)'", str(error))
  if code is None:
    return None
  number = int(code[1])
  return OSError(number, os.strerror(number), str(path))


def check_finished(folder: pathlib.Path) -> None:
  """Refuses a finished model whose weights are missing or damaged.

  Raises:
    DataError: They are.
  """
  best = folder / "checkpoints" / "best"
  paths = _newest(best)
  reason = _digests.damage(paths[0]) if paths else "it is missing"
  if reason:
    path = paths[0] if paths else best
    raise errors.DataError(
      f"{path}: cannot be restored ({reason}); delete {folder} and train again"
    )


def _newest(slot: pathlib.Path) -> list[pathlib.Path]:
  """A slot's checkpoints, the newest first."""
  found = [path for path in slot.glob("*") if path.name.isdecimal()]
  return sorted(found, key=_steps, reverse=True)


def _steps(path: pathlib.Path) -> int:
  return int(path.name)


def _first_line(error: Exception) -> str:
  lines = str(error).splitlines() or [type(error).__name__]
  return lines[0][:200]


def _signature(state: _step.State) -> str:
  """Digest of the names, shapes and dtypes of a state's arrays."""
  leaves, _ = jax.tree_util.tree_flatten_with_path(state)
  return _files.digest(
    [
      [jax.tree_util.keystr(path), list(leaf.shape), str(leaf.dtype)]
      for path, leaf in leaves
    ]
  )
