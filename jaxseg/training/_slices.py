"""The slices that the models of one structure learn from."""

from collections.abc import Iterator
import dataclasses

import jax
import numpy as np

from jaxseg import _devices
from jaxseg import data
from jaxseg.training import _config


@dataclasses.dataclass(frozen=True, eq=False)
class Slices:
  """What the models of one structure learn from.

  Attributes:
    structure: Canonical name.
    images: All slices of the store, on each of the devices.
    labels: The structure's masks, on each of the devices.
    train: Positions of the training patients' slices.
    validation: Positions of the validation patients' slices: all of them, not
      a drawn share. What is predicted on slices far from the structure is a
      part of the Dice that the test patients will have.
    devices: Those that learn; a batch is spread over them.
  """

  structure: str
  images: jax.Array
  labels: jax.Array
  train: data.Samples
  validation: np.ndarray
  devices: _devices.Devices

  @staticmethod
  def read(
    store: data.Store,
    split: data.Split,
    structure: str,
    images: jax.Array,
    devices: _devices.Devices,
  ) -> "Slices":
    """Reads the structure's masks from the store."""
    labels = store.labels(structure)
    train = data.select(store, structure, split.train, labels)
    held_out = data.select(store, structure, split.validation, labels)
    validation = np.sort(np.concatenate([held_out.positive, held_out.negative]))
    placed = devices.whole(labels)
    return Slices(structure, images, placed, train, validation, devices)

  def batches(self, config: _config.Config, epoch: int) -> np.ndarray:
    """Positions of an epoch's batches, `[step, N]`."""
    order = data.draw(
      self.train, negatives=config.negatives, seed=config.seed, epoch=epoch
    )
    return data.batches(order, size=config.batch, limit=config.steps_per_epoch)

  def take(self, index: np.ndarray) -> tuple[jax.Array, jax.Array]:
    """Images and labels at some positions."""
    return _take(self.images, self.labels, self.devices.rows(index))

  def stream(
    self, batches: np.ndarray
  ) -> Iterator[tuple[jax.Array, jax.Array]]:
    """Images and labels of one batch after the other, `[step, N]`."""
    for index in batches:
      yield self.take(index)


@jax.jit
def _take(
  images: jax.Array, labels: jax.Array, index: jax.Array
) -> tuple[jax.Array, jax.Array]:
  """Gathers slices on the devices, each of them its own rows.

  Args:
    images: All slices, `[slice, row, column]`.
    labels: Masks of the same shape.
    index: Positions, int32 `[N]`.
  """
  return images[index], labels[index]


def pad_batch(index: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray]:
  """Fills a batch of positions up to a size.

  Args:
    index: Positions, `[n]`, n <= size.
    size: Wanted length.

  Returns:
    (positions int32 `[size]`, which of them are real, bool `[size]`).
  """
  padded = np.zeros(size, np.int32)
  padded[: len(index)] = index
  return padded, np.arange(size) < len(index)
