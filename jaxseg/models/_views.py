"""Test-time augmentation: the mean map of a few shifted views.

Pooling makes a network see a structure differently by where it lies on the
grid of 2 x 2 windows; over some shifts that averages out. There are no mirrored
views: a left parotid would become a right one.
"""

from collections.abc import Callable

import numpy as np

from jaxseg import errors

# Rows down, columns to the right, in pixels. No two are alike on the grid of
# any pooling up to 8 x 8, and each four after the first cancel.
_SHIFTS = (
  *((0, 0), (2, 3), (-3, 2), (-2, -3), (3, -2)),
  *((5, 1), (-1, 5), (-5, -1), (1, -5)),
)


def check_views(views: int) -> None:
  """Refuses a number of views that there are not.

  Raises:
    ConfigError: It is no whole number from 1 to 9.
  """
  whole = isinstance(views, int | np.integer) and not isinstance(views, bool)
  if not whole or not 1 <= views <= len(_SHIFTS):
    raise errors.ConfigError(
      f"tta is {views!r}; give a number of views from 1 (off) to {len(_SHIFTS)}"
    )


def mean_of_views(
  predict: Callable[[np.ndarray], np.ndarray], images: np.ndarray, views: int
) -> np.ndarray:
  """The mean of the maps of shifted slices, each shifted back.

  What a shift brings in repeats the edge, and what it takes beyond the edge is
  averaged over the other views.

  Args:
    predict: Slices `[slice, row, column]` to maps of that shape, float32.
    images: Slices, any dtype.
    views: How many, from 1, which is the slices as they are.
  """
  if views == 1:
    return predict(images)
  rows, columns = images.shape[1:]
  total = np.zeros(images.shape, np.float32)
  seen = np.zeros((rows, columns), np.float32)
  for down, right in _SHIFTS[:views]:
    r, c = np.arange(rows), np.arange(columns)
    moved = images[:, np.clip(r - down, 0, rows - 1)]
    maps = predict(moved[:, :, np.clip(c - right, 0, columns - 1)])
    r = r[(r + down >= 0) & (r + down < rows)]
    c = c[(c + right >= 0) & (c + right < columns)]
    inner = np.ix_(r, c)
    total[:, r[:, None], c] += maps[:, (r + down)[:, None], c + right]
    seen[inner] += 1
  return total / seen
