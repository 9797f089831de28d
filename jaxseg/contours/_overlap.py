"""Whether the polygons of a slice overlap partly: neither apart nor nested."""

from collections.abc import Sequence

import numpy as np

from jaxseg.contours import _rasterize

_MOST_PAIRS = 3000
_MOST_RINGS = 500


def partly_overlapping(
  rings: Sequence[np.ndarray],
  slices: np.ndarray,
  planes: np.ndarray,
  shape: tuple[int, int],
) -> int:
  """Number of slices on which two polygons overlap partly.

  Two polygons do if voxel centres lie in both, and in either alone.

  Args:
    rings: Polygons `[P, 2]`, (row, column).
    slices: Slice of each.
    planes: Plane of each; only polygons of one plane are compared.
    shape: Numbers of rows and columns.

  Returns:
    The number. It is meant for a warning: after 3000 pairs whose boxes meet,
    or 500 polygons in a slice, no more are looked at.
  """
  groups: dict[tuple[int, int], list[int]] = {}
  for index, key in enumerate(
    zip(slices.tolist(), planes.tolist(), strict=True)
  ):
    groups.setdefault(key, []).append(index)
  found, left = set(), _MOST_PAIRS
  for (index, _), group in groups.items():
    if len(group) < 2 or left <= 0:
      continue
    overlap, looked = _any_overlap(
      [rings[k] for k in group[:_MOST_RINGS]], shape, left
    )
    left -= looked
    if overlap:
      found.add(index)
  return len(found)


def _any_overlap(
  rings: Sequence[np.ndarray], shape: tuple[int, int], most: int
) -> tuple[bool, int]:
  """Whether two rings overlap partly, and how many pairs were looked at."""
  low = np.stack([ring.min(axis=0) for ring in rings])
  high = np.stack([ring.max(axis=0) for ring in rings])
  apart = (low[:, None] > high[None]).any(-1)
  first, second = np.nonzero(np.triu(~(apart | apart.T), 1))
  pairs = zip(first[:most], second[:most], strict=True)
  for count, (i, j) in enumerate(pairs, start=1):
    # Only the box of both is painted, moved to the corner of a small grid.
    corner = np.floor(np.minimum(low[i], low[j])).clip(0)
    corner = np.minimum(corner, np.array(shape) - 1)
    far = np.minimum(np.ceil(np.maximum(high[i], high[j])), np.array(shape) - 1)
    size = (far - corner + 1).clip(1).astype(int)
    both = _rasterize.fill(
      [rings[i] - corner, rings[j] - corner], [0, 1], (2, *size)
    )
    if (
      (both[0] & both[1]).any()
      and (both[0] & ~both[1]).any()
      and (both[1] & ~both[0]).any()
    ):
      return True, count
  return False, min(most, len(first))
