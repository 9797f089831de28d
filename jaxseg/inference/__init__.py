"""A model's maps of a store's patients, until study uses `jaxseg.model`."""

import pathlib

import numpy as np

from jaxseg import _files
from jaxseg import data
from jaxseg import model
from jaxseg import training

__all__ = ["Predictor"]


class Predictor:
  """A trained model that maps CT slices to probabilities.

  Attributes:
    config: How it was trained.
    folder: Where it lies.
  """

  def __init__(self, folder: pathlib.Path | str, *, slot: str = "best"):
    self.folder = pathlib.Path(folder)
    content = _files.read_json(self.folder / "config.json")
    self.config = training.Config.from_json(content["config"])
    self._model = model.load_model(self.folder, slot=slot)
    self.predict = self._model.predict_prepared

  def predict_patient(self, store: data.Store, patient: str) -> np.ndarray:
    """The probability map of one of the store's patients, on its own grid."""
    maps = self.predict(store.image(patient))
    return store.patients[patient].placement.restore(maps)
