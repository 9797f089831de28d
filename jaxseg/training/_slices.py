"""The slices that the models of one structure learn from."""

from collections.abc import Iterator
import dataclasses
from typing import Any

import jax
import numpy as np

from jaxseg import _devices
from jaxseg import _distributed
from jaxseg import data
from jaxseg.training import _config
from jaxseg.training import _keep
from jaxseg.training import _share


@dataclasses.dataclass(frozen=True, eq=False)
class Slices:
  """What the models of one structure learn from.

  Attributes:
    structure: Canonical name.
    images: All slices of the store, wherever they are kept: on each of the
      devices, in RAM, or in the store.
    labels: The structure's masks, likewise.
    train: Positions of the training patients' slices.
    held_out: Positions of the validation patients' slices.
    validation: Those that are validated on, ascending: all that are held out,
      or a share of them. What is predicted on slices far from the structure is
      a part of the Dice that the test patients will have.
    devices: Those that learn; a batch is spread over them.
    store: Where they are from; it knows which slices are one patient's.
    context: How many neighbouring slices an image has, itself the middle.
  """

  structure: str
  images: Any
  labels: Any
  train: data.Samples
  held_out: data.Samples
  validation: np.ndarray
  devices: _devices.Devices
  store: data.Store
  context: int = 1

  @staticmethod
  def read(
    store: data.Store,
    split: data.Split,
    structure: str,
    kept: _keep.Kept,
    devices: _devices.Devices,
  ) -> "Slices":
    """Reads the structure's masks from the store.

    Args:
      store: Prepared cohort.
      split: Patients of training and validation.
      structure: Canonical name.
      kept: The store's images, wherever they are.
      devices: Those that learn.
    """
    stack = store.stack(structure)
    shows = np.zeros(stack.shape[0], np.bool_)

    def look(begin: int, part: np.ndarray) -> None:
      shows[begin : begin + len(part)] = part.any((1, 2))

    labels = _keep.load(stack, kept.keep, whole=devices.whole, on_part=look)
    train = data.select(store, structure, split.train, shows)
    held_out = data.select(store, structure, split.validation, shows)
    every = np.sort(np.concatenate([held_out.positive, held_out.negative]))
    return Slices(
      structure, kept.images, labels, train, held_out, every, devices, store
    )

  def around(self, context: int) -> "Slices":
    """The same slices, each between its neighbours."""
    return dataclasses.replace(self, context=context)

  @property
  def size(self) -> tuple[int, int]:
    """Rows and columns."""
    return tuple(self.images.shape[1:])

  def share(self, config: _config.Config) -> "Slices":
    """The same, with those slices alone that an epoch is validated on."""
    share = config.validation_share
    if share is None or share >= 1:
      return self
    some = _share.drawn(self.held_out, share)
    return dataclasses.replace(self, validation=some)

  def batches(self, config: _config.Config, epoch: int) -> np.ndarray:
    """Positions of an epoch's batches, `[step, N]`."""
    order = data.draw(
      self.train, negatives=config.negatives, seed=config.seed, epoch=epoch
    )
    return data.batches(order, size=config.batch, limit=config.steps_per_epoch)

  def take(self, index: np.ndarray) -> _keep.Arrays:
    """Images and labels at some positions; images `[N, context, H, W]`."""
    return next(self.stream(index[None]))

  def masks(self, index: np.ndarray) -> Any:
    """Labels at some positions, in this process alone."""
    if _distributed.processes() == 1:
      return self.take(index)[1]
    if isinstance(self.labels, data.Stack):
      which, back = np.unique(index, return_inverse=True)
      return self.labels.start(which).result()[back]
    if isinstance(self.labels, np.ndarray):
      return self.labels[index]
    return self.labels.addressable_data(0)[index]

  def stream(self, batches: np.ndarray) -> Iterator[_keep.Arrays]:
    """Images and labels of one batch after the other, `[step, N]`.

    From RAM and from the store a process reads the rows of its own devices.
    """
    images = batches  # Positions of what each slice is seen with.
    if self.context > 1:
      around = data.neighbours(self.store, batches.ravel(), self.context)
      images = around.reshape(*batches.shape, self.context)
    if not isinstance(self.images, jax.Array):
      own = self.devices.own(batches.shape[1])
      for arrays in self._read(batches[:, own], images[:, own]):
        yield self.devices.from_own(arrays, batches.shape[1])
      return
    for index, shown in zip(batches, images, strict=True):
      if self.context == 1:
        yield _take(self.images, self.labels, self.devices.rows(index))
      else:
        rows, shown = self.devices.rows(index), self.devices.rows(shown)
        yield _take_around(self.images, self.labels, rows, shown)

  def _read(
    self, batches: np.ndarray, images: np.ndarray
  ) -> Iterator[_keep.Arrays]:
    """Batches from RAM or from the store, as NumPy arrays."""
    if isinstance(self.images, data.Stack):
      yield from _keep.windows(self.images, self.labels, batches, images)
      return
    for index, shown in zip(batches, images, strict=True):
      yield self.images[shown], self.labels[index]


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


@jax.jit
def _take_around(
  images: jax.Array, labels: jax.Array, index: jax.Array, around: jax.Array
) -> tuple[jax.Array, jax.Array]:
  """As `_take`, images from positions `around [N, context]`."""
  return images[around], labels[index]


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


def padded(positions: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray]:
  """Cuts positions into batches of one size, the last one filled up.

  Args:
    positions: `[n]`.
    size: Positions a batch.

  Returns:
    (positions int32 `[batch, size]`, which of them are real, bool likewise).
  """
  whole = -(-len(positions) // size) * size
  index, real = pad_batch(positions, whole)
  return index.reshape(-1, size), real.reshape(-1, size)
