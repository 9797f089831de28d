"""A training whose numbers are none: which step, on which slices.

MODEL/diverged.json    step, loss, learning rate; patients and slices
"""

from collections.abc import Iterable, Mapping
import pathlib
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxseg import _distributed
from jaxseg import _files
from jaxseg import data
from jaxseg import errors
from jaxseg.training import _config

NAME = "diverged.json"
# Patients that one line of text names; the file names all.
_NAMED = 16


def finite(tree: Any) -> bool:
  """Whether all numbers of a pytree are."""
  return all(
    np.isfinite(np.asarray(leaf)).all()
    for leaf in jax.tree.leaves(tree)
    if jnp.issubdtype(leaf.dtype, jnp.inexact)
  )


def error(
  config: _config.Config,
  folder: pathlib.Path,
  patients: Mapping[str, data.Patient],
  batches: np.ndarray,
  *,
  epoch: int,
  number: int,
  loss: float,
) -> errors.ConfigError:
  """Writes what is known of a step that gave no number, and words it.

  Args:
    config: Training.
    folder: The model's folder.
    patients: Name -> entry of the store.
    batches: Positions of the epoch's batches, `[step, N]`.
    epoch: Number of the epoch.
    number: Number of the step in it.
    loss: The step's loss; finite if its gradient was not.
  """
  slices = _places(patients, batches[number])
  step = epoch * len(batches) + number
  rate = _config.learning_rate(config, step, config.epochs * len(batches))
  content: dict[str, Any] = {
    "structure": config.structure,
    "objective": config.objective,
    "epoch": epoch,
    "step": step,
    "loss": str(loss) if not np.isfinite(loss) else loss,
    "learning_rate": rate,
    "slices": slices,
  }
  if number:  # Its gradient may have been what broke the parameters.
    content["slices_before"] = _places(patients, batches[number - 1])
  if _distributed.process() == 0:
    _files.write_json(folder / NAME, content)
  what = f"loss is {loss}"
  if np.isfinite(loss):
    what = f"parameters are not finite (loss {loss:.4g})"
  return errors.ConfigError(
    f"{config.structure}: {what} after step {step} in epoch {epoch}, on"
    f" {_told(slices)} (kept in {folder / NAME}); lower the learning rate"
    f" {config.learning_rate} by --learning_rate, into another --output"
  )


def _places(
  patients: Mapping[str, data.Patient], positions: Iterable[int]
) -> list[dict[str, Any]]:
  """Patients, and slices of each in its own numbering from 0."""
  found: dict[str, set[int]] = {}
  for position in positions:
    for name, patient in patients.items():
      if patient.start <= position < patient.stop:
        found.setdefault(name, set()).add(int(position) - patient.start)
  return [
    {"patient": name, "slices": sorted(slices)}
    for name, slices in found.items()
  ]


def _told(slices: list[dict[str, Any]]) -> str:
  """As in "p1 slices 3, 4; p2 slice 7"."""
  told = []
  for one in slices[:_NAMED]:
    numbers = ", ".join(map(str, one["slices"]))
    word = "slice" if len(one["slices"]) == 1 else "slices"
    told.append(f"{one['patient']} {word} {numbers}")
  if len(slices) > _NAMED:
    told.append(f"{len(slices) - _NAMED} more patients")
  return "; ".join(told)
