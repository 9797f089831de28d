"""The rule of rasterisation, voxel by voxel, as one would explain it."""

from collections.abc import Sequence

import numpy as np


def inside(rings: Sequence[np.ndarray], row: float, column: float) -> bool:
  """Whether a centre lies in the closed even-odd region of rings."""
  odd = False
  for ring in rings:
    for (r0, c0), (r1, c1) in zip(ring, np.roll(ring, -1, axis=0), strict=True):
      if _distance(row, column, r0, c0, r1, c1) <= 1e-6:
        return True
      if (r0 <= row) != (r1 <= row):
        cut = c0 + (row - r0) * (c1 - c0) / (r1 - r0)
        odd ^= cut < column
  return odd


def fill(
  rings: Sequence[np.ndarray],
  slices: Sequence[int],
  shape: tuple[int, int, int],
  *,
  combine: str = "even-odd",
) -> np.ndarray:
  """The mask of rings, bool `[slice, row, column]`."""
  mask = np.zeros(shape, bool)
  for k in range(shape[0]):
    own = [r for r, s in zip(rings, slices, strict=True) if s == k]
    groups = [own] if combine == "even-odd" else [[ring] for ring in own]
    for row in range(shape[1]):
      for column in range(shape[2]):
        mask[k, row, column] = any(inside(g, row, column) for g in groups)
  return mask


def _distance(row, column, r0, c0, r1, c1):
  square = (r1 - r0) ** 2 + (c1 - c0) ** 2
  share = 0.0
  if square > 0:
    share = ((row - r0) * (r1 - r0) + (column - c0) * (c1 - c0)) / square
  share = min(max(share, 0.0), 1.0)
  return np.hypot(row - r0 - share * (r1 - r0), column - c0 - share * (c1 - c0))
