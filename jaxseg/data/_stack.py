"""Slices of a store, read a part at a time: in order, or from all over it.

    stack = store.stack("parotid_left")      # its masks; store.stack() the CT
    for begin, part in stack.parts():        # all slices, never all at once
      ...
    under_way = stack.start([70, 3, 3])      # reading goes on by itself
    masks = under_way.result()               # [3, row, column]

A cohort may have more slices than the memory holds.
"""

from collections.abc import Iterator, Sequence
import dataclasses
import math
import pathlib
from typing import Any

import numpy as np

from jaxseg.data import _chunks

# What `parts` reads at once: large enough that the threads that decompress it
# are all at work, small beside the arrays that it is meant for.
_PART_BYTES = 32 * 2**20


@dataclasses.dataclass(frozen=True, eq=False)
class Stack:
  """Slices on disk, `[slice, row, column]`.

  Attributes:
    path: The Zarr array.
    array: The same, opened; its last three axes are the stack's.
  """

  path: pathlib.Path
  array: Any

  @property
  def shape(self) -> tuple[int, int, int]:
    """Slices, rows and columns."""
    slices, rows, columns = self.array.shape
    return slices, rows, columns

  @property
  def dtype(self) -> np.dtype:
    """int16 of images, uint8 of masks."""
    return np.dtype(self.array.dtype.numpy_dtype)

  @property
  def nbytes(self) -> int:
    """Bytes of all slices in memory."""
    return math.prod(self.shape) * self.dtype.itemsize

  @property
  def together(self) -> int:
    """Slices that are decompressed with each one that is read."""
    return int(self.array.chunk_layout.read_chunk.shape[-3])

  def parts(self) -> Iterator[tuple[int, np.ndarray]]:
    """All slices in order: (position of the first, some slices).

    While a part is used the next one is read.

    Raises:
      DataError: The array is damaged.
    """
    slices = self.shape[0]
    each = max(1, _PART_BYTES // max(1, self.nbytes // max(1, slices)))
    written = int(self.array.chunk_layout.write_chunk.shape[-3])
    each = max(each // written, 1) * written  # No file is read twice.
    following: Reading | None = None
    for begin in range(0, slices, each):
      now = following or self._start(slice(begin, begin + each))
      end = begin + each
      following = self._start(slice(end, end + each)) if end < slices else None
      yield begin, now.result()

  def start(self, positions: np.ndarray | Sequence[int]) -> "Reading":
    """Starts to read some slices, in this order; doubles are allowed."""
    return self._start(np.asarray(positions, np.int64))

  def _start(self, which: slice | np.ndarray) -> "Reading":
    if isinstance(which, slice):
      which = slice(which.start, min(which.stop, self.shape[0]))
    return Reading(self.path, self.array[which].read())


@dataclasses.dataclass(frozen=True, eq=False)
class Reading:
  """Slices that are being read by threads of TensorStore's own.

  Attributes:
    path: The Zarr array.
    future: What gives them.
  """

  path: pathlib.Path
  future: Any

  def result(self) -> np.ndarray:
    """Waits for them: `[slice, row, column]`.

    Raises:
      DataError: The array is damaged.
    """
    try:
      found = self.future.result()
    except ValueError as e:
      raise _chunks.unreadable(self.path, e) from e
    _chunks.check_values(self.path, found)
    return found
