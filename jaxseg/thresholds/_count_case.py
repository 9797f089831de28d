"""One case to counts on the host: checked, in chunks, with NumPy alone.

Most voxels of a probability map are close to 0 and lie in one interval. One
comparison finds them and only the others are looked at, so that counting costs
little more than a few passes over the map, and nothing is compiled.
"""

from collections.abc import Iterator
import functools
from typing import Any

import numpy as np
from numpy import typing as npt

from jaxseg import _arrays as arrays
from jaxseg import _checks as checks
from jaxseg import _probabilities
from jaxseg import errors
from jaxseg.thresholds import _counts
from jaxseg.thresholds import _grid

# Voxels processed together: 1 MB of float32 stays in the cache.
_CHUNK = 1 << 18


def count_case(
  probabilities: npt.ArrayLike,
  reference: npt.ArrayLike,
  thresholds: npt.ArrayLike,
  *,
  where: npt.ArrayLike | None = None,
) -> _counts.Counts[np.ndarray]:
  """Counts one case on the host, checked, in chunks.

  >>> import numpy as np
  >>> from jaxseg import thresholds
  >>> p = np.array([0.9, 0.7, 0.4, 0.1], np.float32)
  >>> reference = np.array([True, True, False, False])
  >>> counts = thresholds.count_case(p, reference, thresholds.grid(11))
  >>> (counts.true_positive + counts.false_positive).tolist()
  [4, 4, 3, 3, 3, 2, 2, 2, 1, 1, 0]

  Args:
    probabilities: Floating point or uint8 (u means u / 255), any shape; NumPy
      or JAX.
    reference: Mask, bool or of 0 and 1 alone, same shape.
    thresholds: `[T]`, ascending.
    where: Voxels that count, bool, broadcastable; None is all. The others may
      hold anything.

  Returns:
    Counts, NumPy int64 `[T + 1]`, of any number of voxels.

  Raises:
    ConfigError: `thresholds` are not an ascending vector.
    DataError: A probability is NaN or outside of [0, 1].
    TypeError: `probabilities` are neither floating point nor uint8, the
      reference or `where` is no mask, or an argument is a masked array.
    ValueError: Shapes differ.

  References:
    doi:10.1002/acm2.13331 for the sweep over thresholds.
  """
  p, y, keep = _on_host(probabilities, reference, where)
  cuts = _grid.ascending(thresholds)
  pieces = [p, y] if keep is None else [p, y, keep]
  histogram = _Bytes(cuts) if p.dtype == np.uint8 else _Floats(cuts, p.dtype)
  for begin, values, inside, *kept in _chunks(pieces):
    if not histogram.add(values, inside, *kept):
      _probabilities.refuse(values, begin, p.shape, *kept)
  positive, negative = histogram.result()
  return _counts.Counts(cuts, positive, negative)


def count_distinct(
  probabilities: npt.ArrayLike,
  reference: npt.ArrayLike,
  *,
  where: npt.ArrayLike | None = None,
) -> _counts.Counts[np.ndarray]:
  """Counts one case with each of its distinct values as a threshold.

  The optimum of these counts is the best that any threshold can reach. They
  take a sort and memory for several copies of the map, and those of different
  patients do not add; counts at a grid take one pass, and add.

  >>> import numpy as np
  >>> from jaxseg import thresholds
  >>> p = np.array([0.9, 0.7, 0.4, 0.1], np.float32)
  >>> reference = np.array([True, True, False, False])
  >>> counts = count_distinct(p, reference)
  >>> [round(float(cut), 2) for cut in counts.thresholds]
  [0.1, 0.4, 0.7, 0.9]

  Args:
    probabilities: Floating point or uint8 (u means u / 255), any shape; NumPy
      or JAX.
    reference: Mask, bool or of 0 and 1 alone, same shape.
    where: Voxels that count, bool, broadcastable; None is all.

  Returns:
    Counts, int64 `[T + 1]`, at the T distinct float32 values, ascending; below
    the first there is nothing.

  Raises:
    DataError: A probability is NaN or outside of [0, 1], or no voxel counts.
    TypeError: `probabilities` are neither floating point nor uint8, the
      reference or `where` is no mask, or an argument is a masked array.
    ValueError: Shapes differ.
  """
  p, y, keep = _on_host(probabilities, reference, where)
  _probabilities.check(p, keep)
  values = _grid.BYTES[p] if p.dtype == np.uint8 else p.astype(np.float32)
  if keep is not None:
    values, y = values[keep], y[keep]
  values, y = values.ravel(), y.ravel()
  if not values.size:
    raise errors.DataError(
      "no voxel counts; give a map with voxels, and a `where` that keeps some"
    )
  order = np.argsort(values)
  values, y = values[order], y[order]
  first = np.flatnonzero(np.concatenate([[True], values[1:] != values[:-1]]))
  positive = np.add.reduceat(y.astype(np.int64), first)
  voxels = np.diff(np.append(first, len(values)))
  below = np.zeros(1, np.int64)
  return _counts.Counts(
    values[first],
    np.concatenate([below, positive]),
    np.concatenate([below, voxels - positive]),
    distinct=True,
  )


def _on_host(
  probabilities: npt.ArrayLike,
  reference: npt.ArrayLike,
  where: npt.ArrayLike | None,
) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
  """Map, reference and what counts, as NumPy arrays of one shape."""
  arrays.refuse_traced(
    "use count under jit", probabilities=probabilities, reference=reference
  )
  (p,) = (np.asarray(v) for v in arrays.native(probabilities=probabilities))
  inside, keep = arrays.mask(reference=reference, where=where)
  y = np.asarray(inside)
  checks.same_shape(probabilities=p, reference=y)
  _grid.check_dtype(p.dtype)
  if keep is not None:
    checks.broadcasts(p.shape, where=keep)
    keep = np.broadcast_to(np.asarray(keep), p.shape)
  return p, y, keep


def _chunks(pieces: list[np.ndarray], begin: int = 0) -> Iterator[Any]:
  """Yields a position in C order and the flat pieces of the arrays there.

  Views are taken along the first axes, so that a strided array is copied a
  chunk at a time and never as a whole.
  """
  size = pieces[0].size
  if size <= _CHUNK:
    yield begin, *(a.reshape(-1) for a in pieces)
    return
  length = len(pieces[0])
  row = size // length
  rows = max(1, _CHUNK // row)
  for i in range(0, length, rows):
    part = [a[i] if rows == 1 else a[i : i + rows] for a in pieces]
    yield from _chunks(part, begin + i * row)


class _Floats:
  """Histogram of floating-point maps."""

  def __init__(self, cuts: np.ndarray, dtype: np.dtype):
    self._cuts, self._even = cuts, _grid.is_even(cuts)
    if not self._even:
      self._table = _table(cuts.tobytes())
    self._found = np.zeros((2, len(cuts) + 1), np.int64)
    # All from 0 to the first threshold above it lies in one interval. Read as
    # unsigned integers, the floats beyond it, negative ones and NaN are all
    # larger, so that one comparison separates this interval from the rest.
    self._lowest = int(np.searchsorted(cuts, np.float32(0), side="right"))
    edge = np.append(cuts[self._lowest :], np.float32(1))[:1]
    edge = np.minimum(edge, np.float32(1))
    # 16-bit floats are compared as they are, so that most need no conversion.
    self._dtype: np.dtype = np.dtype(np.float32)
    self._code: np.dtype = np.dtype(np.uint32)
    self._edge = edge.view(np.uint32)[0]
    if dtype.itemsize == 2 and dtype.isnative:
      self._dtype, self._code = dtype, np.dtype(np.uint16)
      values = np.arange(1 << 15, dtype=np.uint16).view(dtype)
      place = np.searchsorted(values.astype(np.float32), edge)[0]
      self._edge = np.uint16(place)

  def add(self, p, y, keep=None) -> bool:
    """Counts a chunk; returns False if a value is not a probability."""
    if p.dtype != self._dtype:  # Also where only the byte order differs.
      p = _probabilities.on_host(p)
    far = p.view(self._code) >= self._edge
    if keep is not None:
      far &= keep
    many = np.count_nonzero(far)
    if 2 * many < len(p):  # From half on, a copy costs more than it saves.
      near = (len(p) if keep is None else np.count_nonzero(keep)) - many
      inside = np.count_nonzero(y if keep is None else y & keep)
      index = np.flatnonzero(far)
      p, y = p.take(index), y.take(index)
      inside -= np.count_nonzero(y)
      self._found[:, self._lowest] += near - inside, inside
    elif keep is not None:
      p, y = p[keep], y[keep]
    if not len(p):
      return True
    p = _probabilities.on_host(p)
    slack = _probabilities.SLACK
    if not (p.min() >= -slack and p.max() <= 1 + slack):  # Or NaN.
      return False
    bins = self._found.shape[1]
    place = self._intervals(p) + np.multiply(y, bins, dtype=np.int32)
    self._found += np.bincount(place, minlength=2 * bins).reshape(2, bins)
    return True

  def result(self) -> tuple[np.ndarray, np.ndarray]:
    return self._found[1].copy(), self._found[0].copy()

  def _intervals(self, p: np.ndarray) -> np.ndarray:
    """Number of thresholds at or below each p."""
    if not self._even:
      return self._table(p)
    last = len(self._cuts) - 1
    # The nearest threshold: its neighbours are surely below and above p.
    k = (p * np.float32(last) + np.float32(0.5)).astype(np.int32)
    np.minimum(k, last, out=k)  # Of 1.000001.
    return k + (p >= self._cuts.take(k, mode="clip"))


class _Table:
  """Number of thresholds at or below p, for any thresholds.

  The upper bits of a float32 from 0 to 1 make 260,000 cells. Nearly all hold at
  most one threshold, so that one comparison settles the matter; in the others,
  such as those next to 1, a search does.
  """

  _SHIFT = 12
  _ONE = np.float32(1).view(np.uint32)

  def __init__(self, cuts: np.ndarray):
    self._cuts = cuts
    self._next = np.append(cuts, np.float32(np.inf))
    cells = (int(self._ONE) >> self._SHIFT) + 1
    starts = np.arange(cells, dtype=np.uint32) << np.uint32(self._SHIFT)
    ends = starts + np.uint32((1 << self._SHIFT) - 1)
    first, last = (
      np.searchsorted(cuts, bits.view(np.float32), side="right")
      for bits in (starts, ends)
    )
    self._place = np.where(last - first <= 1, first, -1).astype(np.int32)

  def __call__(self, p: np.ndarray) -> np.ndarray:
    """Intervals of float32 values, int32."""
    cell = p.view(np.uint32) >> np.uint32(self._SHIFT)
    # Negative numbers have the largest bits: they are searched, too.
    place = self._place.take(cell, mode="clip")
    some = np.flatnonzero((place < 0) | (cell >= len(self._place)))
    place += p >= self._next.take(place, mode="clip")
    place[some] = np.searchsorted(self._cuts, p.take(some), side="right")
    return place


# Making a table takes as long as counting a million voxels, and the cases of a
# cohort have the same thresholds. One takes 1 MB.
@functools.lru_cache(maxsize=4)
def _table(cuts: bytes) -> _Table:
  return _Table(np.frombuffer(cuts, np.float32))


class _Bytes:
  """Histogram of 8-bit maps, which have only 256 values."""

  def __init__(self, cuts: np.ndarray):
    self._bins = len(cuts) + 1
    self._place = np.searchsorted(cuts, _grid.BYTES, side="right")
    self._found = np.zeros((2, 256), np.int64)

  def add(self, u, y, keep=None) -> bool:
    """Counts a chunk; every byte is a probability."""
    if keep is not None:
      u, y = u[keep], y[keep]
    place = u + np.multiply(y, 256, dtype=np.int32)
    self._found += np.bincount(place, minlength=512).reshape(2, 256)
    return True

  def result(self) -> tuple[np.ndarray, np.ndarray]:
    total = np.zeros((2, self._bins), np.int64)
    for of_class, found in zip(total, self._found, strict=True):
      np.add.at(of_class, self._place, found)
    return total[1], total[0]
