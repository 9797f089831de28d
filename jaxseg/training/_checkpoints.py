"""Best and last state of a training, by Orbax."""

import pathlib
from typing import Any

import jax

from jaxseg import _distributed
from jaxseg import _extras
from jaxseg import _files
from jaxseg import errors
from jaxseg.training import _step


class Checkpoints:
  """Two slots, "last" and "best", each with the state and what led to it."""

  def __init__(self, folder: pathlib.Path):
    """Opens the checkpoints of a model.

    Args:
      folder: The model's folder; `checkpoints/` is made within.
    """
    ocp = _extras.load("orbax.checkpoint", extra="train")  # Slow to import.

    self._ocp = ocp
    slots = {slot: folder / "checkpoints" / slot for slot in ("last", "best")}
    for path in slots.values():
      path.mkdir(parents=True, exist_ok=True)
    options = ocp.CheckpointManagerOptions(
      max_to_keep=1,
      create=False,
      enable_async_checkpointing=False,
      multiprocessing_options=_distributed.orbax_alone(),
    )
    self._managers = {
      slot: ocp.CheckpointManager(path.absolute(), options=options)
      for slot, path in slots.items()
    }

  def save(
    self, slot: str, epoch: int, state: _step.State, extra: dict[str, Any]
  ) -> None:
    """Saves a state as the slot's only one; the old goes when it is written."""
    ocp = self._ocp
    self._managers[slot].save(
      epoch,
      args=ocp.args.Composite(
        state=ocp.args.StandardSave(state),
        extra=ocp.args.JsonSave({**extra, "signature": _signature(state)}),
      ),
    )

  def restore(
    self, slot: str, like: _step.State
  ) -> tuple[_step.State, dict[str, Any]] | None:
    """The slot's state, or None if nothing was saved yet.

    Args:
      slot: "last" or "best".
      like: A state of the same shapes.

    Raises:
      DataError: The checkpoint is of another network, or damaged.
    """
    ocp, manager = self._ocp, self._managers[slot]
    epoch = manager.latest_step()
    if epoch is None:
      return None
    try:
      # Asked first: Orbax, set to restore other shapes, fails half-way and
      # leaves unfinished reads behind.
      said = manager.restore(
        epoch, args=ocp.args.Composite(extra=ocp.args.JsonRestore())
      )
      if said.extra.get("signature", _signature(like)) != _signature(like):
        raise ValueError("it is of another network")
      found = manager.restore(
        epoch,
        args=ocp.args.Composite(
          state=ocp.args.StandardRestore(like),
          extra=ocp.args.JsonRestore(),
        ),
      )
    except (ValueError, KeyError, FileNotFoundError) as e:
      raise errors.DataError(
        f"{manager.directory}: checkpoint {epoch} cannot be restored"
        f" ({str(e).splitlines()[0]}); delete the model's folder and train"
        " again"
      ) from e
    return found.state, found.extra

  def close(self) -> None:
    """Waits for writing and frees what the slots hold."""
    for manager in self._managers.values():
      manager.close()

  def __enter__(self) -> "Checkpoints":
    return self

  def __exit__(self, *_: object) -> None:
    self.close()


def _signature(state: _step.State) -> str:
  """Digest of the names, shapes and dtypes of a state's arrays."""
  leaves, _ = jax.tree_util.tree_flatten_with_path(state)
  return _files.digest(
    [
      [jax.tree_util.keystr(path), list(leaf.shape), str(leaf.dtype)]
      for path, leaf in leaves
    ]
  )
