"""The share of the validation slices that an epoch is judged by.

Where all of them would take longer than the epoch itself, a fixed share is
validated after each epoch, and all of them at the end. The share goes by
numbers of slices, never by seconds: it is the same on any machine, and stands
in the model's config.json.
"""

from collections.abc import Mapping
import dataclasses
import math
from typing import Any

import numpy as np

from jaxseg import data
from jaxseg.training import _config

# What a validated slice costs, where one that is learnt from costs 1: measured
# 0.27 to 0.31, from a U-Net of base 8 at 64 x 64 to bice2020 at 304 x 304.
_VALIDATED = 0.3


def fair_share(
  store: data.Store, split: data.Split, config: _config.Config
) -> float:
  """The share that costs no more than an epoch's training.

  Args:
    store: Prepared cohort; its manifest alone is looked at.
    split: Patients of training and validation.
    config: Training.

  Returns:
    1, or less, in whole percent.
  """
  shown = 0
  for patient in _patients(store, split.train, config.structure):
    first, last = patient.contoured[config.structure]
    shown += last - first + 1
  steps = -(-int(shown * (1 + config.negatives)) // config.batch)
  if config.steps_per_epoch is not None:
    steps = min(steps, config.steps_per_epoch)
  known = sum(
    int(data.known_slices(patient, config.structure).sum())
    for patient in _patients(store, split.validation, config.structure)
  )
  learnt, validated = config.batch * steps, _VALIDATED * known
  if validated <= learnt:
    return 1.0
  return math.ceil(100 * learnt / validated) / 100


def _patients(
  store: data.Store, names: tuple[str, ...], structure: str
) -> list[data.Patient]:
  some = [store.patients[name] for name in names if name in store.patients]
  return [patient for patient in some if structure in patient.contoured]


def settled(
  store: data.Store,
  split: data.Split,
  config: _config.Config,
  found: Mapping[str, Any] | None,
) -> _config.Config:
  """The training with a share that is decided.

  Args:
    store: Prepared cohort.
    split: Patients of training and validation.
    config: Training; a share that it names stands.
    found: The "config" of the model's config.json, if it has been begun: its
      share goes on, which is all slices where none is named.
  """
  if config.validation_share is not None:
    return config
  share = (
    fair_share(store, split, config)
    if found is None
    else found.get("validation_share", 1.0)
  )
  return dataclasses.replace(config, validation_share=share)


def drawn(held_out: data.Samples, share: float) -> np.ndarray:
  """The same share of slices with the structure and of others, ascending.

  Evenly spread over patients and slices, and so the same for all models of a
  structure.
  """
  kinds = (held_out.positive, held_out.negative)
  return np.sort(np.concatenate([_spread(kind, share) for kind in kinds]))


def _spread(positions: np.ndarray, share: float) -> np.ndarray:
  """Evenly spread ones of ascending positions, one at least if there is any."""
  # Rounding noise of the product is no reason for one more.
  count = min(len(positions), math.ceil(share * len(positions) - 1e-9))
  if not count:
    return positions[:0]
  # The middles of as many equal parts.
  return positions[(2 * np.arange(count) + 1) * len(positions) // (2 * count)]


def text(validation: np.ndarray, held_out: data.Samples) -> str:
  """Sentence for the log."""
  every = len(held_out.positive) + len(held_out.negative)
  return (
    f"Validation of an epoch: {len(validation):,} of {every:,} slices, a fixed"
    f" share ({len(validation) / every:.0%}, --validation_share); all of them"
    " at the end"
  )
