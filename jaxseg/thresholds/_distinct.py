"""The sweep over every value that a map has: no grid, nothing between."""

import numpy as np

from jaxseg import _checks as checks
from jaxseg import errors
from jaxseg.thresholds import _counts
from jaxseg.thresholds import _grid


def count_distinct(
  probabilities: np.ndarray,
  reference: np.ndarray,
  *,
  where: np.ndarray | None = None,
) -> _counts.Counts:
  """Counts one case with each of its distinct values as a threshold.

  The optimum of these counts is the best that any threshold can reach. It
  sorts, in memory for several copies of the map; a grid's counts cost a pass
  and add over patients, these do not.

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
    reference: Mask, bool, same shape.
    where: Voxels that count, bool, broadcastable; None is all.

  Returns:
    Counts, int64 `[T + 1]`, at the T distinct float32 values, ascending; equal
    values are one group, and below the first there is nothing.

  Raises:
    DataError: A probability is NaN or outside of [0, 1], or none counts.
    TypeError: `probabilities` are neither floating point nor uint8.
    ValueError: Shapes differ.
  """
  p, y = np.asarray(probabilities), np.asarray(reference, np.bool_)
  checks.same_shape(probabilities=p, reference=y)
  _grid.check_dtype(p.dtype)
  keep = None
  if where is not None:
    keep = np.broadcast_to(np.asarray(where, np.bool_), p.shape)
  _grid.check_probabilities(p, keep)
  values = _grid.BYTES[p] if p.dtype == np.uint8 else p.astype(np.float32)
  if keep is not None:
    values, y = values[keep], y[keep]
  values, y = values.ravel(), y.ravel()
  if not values.size:
    raise errors.DataError("no voxel counts; give a map and a `where` that has")
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
  )
