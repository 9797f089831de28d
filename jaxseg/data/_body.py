"""Where a patient's body lies in a CT, found slice by slice.

A label for each voxel would take twice as much memory as the CT.
"""

import numpy as np

from jaxseg import errors

# Between fat (-100 HU) and air (-1000 HU): what is denser is body or couch.
_BODY_HU = -300


def centre(image: np.ndarray) -> tuple[float, float]:
  """Mean over slices of the body's centre (row, column).

  The body is the largest part that hangs together by the faces of its voxels;
  of parts of one size, the first. Each slice weighs the same; else the
  shoulders would decide.

  Args:
    image: CT in HU, `[slice, row, column]`.

  Raises:
    GeometryError: No voxel is denser than air.
  """
  from scipy import ndimage  # Slow to import: not to read a store.

  # Of each part of a slice, in the order of its first voxel: slice, voxels, sum
  # of rows and sum of columns.
  facts: list[np.ndarray] = []
  links = _Links()
  before = np.zeros(image.shape[1:], np.int64)
  for index, values in enumerate(image):
    parts, count = ndimage.label(values > _BODY_HU)
    at = np.flatnonzero(parts)
    which = parts.ravel()[at] - 1
    rows, columns = np.divmod(at, image.shape[2])
    sums = [
      np.bincount(which, weights, count).astype(np.int64)
      for weights in (None, rows, columns)
    ]
    facts.append(np.stack([np.full(count, index), *sums], axis=1))
    first = links.more(count)
    now = np.where(parts > 0, parts + first, 0)
    both = np.flatnonzero((before > 0) & (now > 0))
    links.join(before.ravel()[both] - 1, now.ravel()[both] - 1)
    before = now
  slices, voxels, rows, columns = np.concatenate(facts).T
  if not len(voxels):
    raise errors.GeometryError(
      f"no voxel above {_BODY_HU} HU; is the image a CT in HU?"
    )
  roots = links.roots()
  sizes = np.zeros(len(roots), np.int64)
  np.add.at(sizes, roots, voxels)
  body = roots == np.argmax(sizes)
  area, row, column = (
    np.bincount(slices[body], one[body])[np.unique(slices[body])]
    for one in (voxels, rows, columns)
  )
  return float((row / area).mean()), float((column / area).mean())


class _Links:
  """Which numbers belong together; each set is known by its lowest."""

  def __init__(self):
    self._parents: list[int] = []

  def more(self, count: int) -> int:
    """Adds so many new numbers; gives the first of them."""
    first = len(self._parents)
    self._parents += range(first, first + count)
    return first

  def join(self, ones: np.ndarray, others: np.ndarray) -> None:
    """Joins each with its other; neighbours often repeat a pair."""
    pairs = np.stack([ones, others], axis=1)
    new = np.ones(len(pairs), np.bool_)
    new[1:] = (pairs[1:] != pairs[:-1]).any(axis=1)
    for one, other in set(map(tuple, pairs[new].tolist())):
      low, high = sorted((self._root(one), self._root(other)))
      self._parents[high] = low

  def roots(self) -> np.ndarray:
    """The lowest number of each one's set."""
    return np.array([self._root(k) for k in range(len(self._parents))], int)

  def _root(self, number: int) -> int:
    parents = self._parents
    while parents[number] != number:
      parents[number] = parents[parents[number]]
      number = parents[number]
    return number
