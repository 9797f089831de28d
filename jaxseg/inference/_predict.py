"""Probability maps of whole patients, on the patient's own grid."""

import pathlib
from typing import Any

import jax
import numpy as np

from jaxseg import _files
from jaxseg import data
from jaxseg import errors
from jaxseg import training

# Slices at once: the last batch is padded, so one compiled function serves.
_BATCH = 32


class Predictor:
  """A trained model that maps CT slices to probabilities.

  Attributes:
    config: How it was trained.
    folder: Where it lies.
  """

  def __init__(self, folder: pathlib.Path | str, *, slot: str = "best"):
    """Loads a model.

    Args:
      folder: A model's folder, RUN/models/<structure>/<objective>/<seed>.
      slot: "best" by validation Dice, or "last".

    Raises:
      DataError: The folder holds no trained model.
    """
    self.folder = pathlib.Path(folder)
    content = _files.read_json(self.folder / "config.json")
    self.config = training.Config.from_json(content["config"])
    self._functions = training.functions(self.config)
    self._slot = slot
    self._state: Any = None

  def _load(self, images: np.ndarray) -> Any:
    like = self._functions.init(np.uint32(0), images)
    with training.Checkpoints(self.folder) as checkpoints:
      found = checkpoints.restore(self._slot, like)
    if found is None:
      raise errors.DataError(
        f"{self.folder}: no {self._slot} checkpoint; train the model first"
      )
    return found[0]

  def predict(self, images: np.ndarray) -> np.ndarray:
    """Probabilities of prepared slices.

    Args:
      images: HU, int16 `[slice, row, column]`, prepared as in training.

    Returns:
      float32 of the same shape.

    Raises:
      DataError: The folder holds no checkpoint.
    """
    first, _ = self._padded(images, 0)
    if self._state is None:
      self._state = self._load(first)
    maps = []
    for begin in range(0, len(images), _BATCH):
      batch, count = self._padded(images, begin)
      maps.append(self._functions.predict(self._state, batch)[:count])
    return np.concatenate(jax.device_get(maps))

  def predict_patient(self, store: data.Store, patient: str) -> np.ndarray:
    """The probability map of one of the store's patients.

    Args:
      store: The cohort that the model was prepared for.
      patient: Name.

    Returns:
      float32 `[slice, row, column]` on the patient's own grid; 0 beyond the
      prepared grid.
    """
    maps = self.predict(store.image(patient))
    return store.patients[patient].placement.restore(maps)

  @staticmethod
  def _padded(images: np.ndarray, begin: int) -> tuple[np.ndarray, int]:
    part = images[begin : begin + _BATCH]
    batch = np.zeros((_BATCH, *images.shape[1:]), images.dtype)
    batch[: len(part)] = part
    return batch, len(part)
