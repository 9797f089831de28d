"""Best and last state of a training, by Orbax."""

import pathlib
from typing import Any

from jaxseg import errors
from jaxseg.training import _step


class Checkpoints:
  """Two slots, "last" and "best", each with the state and what led to it."""

  def __init__(self, folder: pathlib.Path):
    """Opens the checkpoints of a model.

    Args:
      folder: The model's folder; `checkpoints/` is made within.
    """
    import orbax.checkpoint as ocp  # Slow to import.

    self._ocp = ocp
    options = ocp.CheckpointManagerOptions(
      max_to_keep=1, enable_async_checkpointing=False
    )
    self._managers = {
      slot: ocp.CheckpointManager(
        (folder / "checkpoints" / slot).absolute(), options=options
      )
      for slot in ("last", "best")
    }

  def save(
    self, slot: str, epoch: int, state: _step.State, extra: dict[str, Any]
  ) -> None:
    """Saves a state as the slot's only one; the old goes when it is written."""
    ocp = self._ocp
    self._managers[slot].save(
      epoch,
      args=ocp.args.Composite(
        state=ocp.args.StandardSave(state), extra=ocp.args.JsonSave(extra)
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
