"""Slices between drawn ones that were skipped: found, and filled in.

Whoever contours may draw every second slice and leave the rest to a planning
system, or forget one. An organ of two parts has a real gap. What tells them
apart is stated in `skipped`.
"""

import numpy as np

from jaxseg import errors


def skipped(mask: np.ndarray, *, drawn: np.ndarray | None = None) -> np.ndarray:
  """Empty slices between drawn ones that were passed over in drawing.

  The stride is the median distance of neighbouring drawn slices. The slices
  between two neighbours were skipped if

  - their distance is the stride, or one slice more where the stride is above
    1: the pattern of drawing itself; or
  - there is no other drawn slice, so that nobody can tell; or
  - the neighbours overlap, seen along the slices, and their distance is at
    most twice the stride (one contour is missing), or is that of the pair
    before or after as well (the stride changes).

  Any wider distance is a real gap between two parts, such as two lymph nodes:
  there the structure is absent.

  Args:
    mask: Bool `[slice, row, column]`.
    drawn: Bool `[slice]`, the slices with a contour, which may be too small
      to hold a voxel; None takes the slices that are not empty.

  Returns:
    The skipped slices, int64, ascending.

  Raises:
    GeometryError: `drawn` is not of the mask's slices.
  """
  shown = np.asarray(mask if drawn is None else drawn, np.bool_)
  if drawn is None and mask.ndim == 3:
    shown = np.asarray(mask.any((1, 2)))
  if mask.ndim != 3 or shown.shape != mask.shape[:1]:
    raise errors.GeometryError(
      f"mask has shape {mask.shape}, drawn {shown.shape}; give"
      " [slice, row, column] and [slice]"
    )
  at = np.flatnonzero(shown)
  apart = np.diff(at)
  if not (apart > 1).any():
    return np.empty(0, np.int64)
  stride = int(np.percentile(apart, 50, method="lower"))
  found = []
  for k in np.flatnonzero(apart > 1).tolist():
    step = int(apart[k])
    beside = apart[[i for i in (k - 1, k + 1) if 0 <= i < len(apart)]]
    is_stride = len(apart) == 1 or (stride > 1 and step <= stride + 1)
    if not is_stride and step > 2 * stride and not (beside == step).any():
      continue
    if is_stride or (mask[at[k]] & mask[at[k + 1]]).any():
      found.append(np.arange(at[k] + 1, at[k + 1]))
  return np.concatenate(found or [np.empty(0)]).astype(np.int64)


def interpolate(
  mask: np.ndarray,
  slices: np.ndarray,
  distances: np.ndarray,
  pixel: tuple[float, float],
) -> np.ndarray:
  """Fills slices by the shapes on both sides, by signed distances.

  Between the nearest slices below and above that are not to be filled, the
  signed distance to the border is interpolated linearly, and the structure is
  where it is positive.

  Args:
    mask: Bool `[slice, row, column]`.
    slices: The slices to fill; one without a filled slice on either side
      stays as it is.
    distances: `[slice]`, each slice's place along the normal, mm.
    pixel: Distance of neighbouring rows and columns, mm.

  Returns:
    A new mask.

  References:
    Raya and Udupa, Shape-based interpolation of multidimensional objects, IEEE
    Transactions on Medical Imaging 9, 32-42, 1990.
  """
  result = mask.copy()
  wanted = np.asarray(slices, np.int64)
  sources = np.setdiff1d(np.flatnonzero(mask.any((1, 2))), wanted)
  if not len(sources):
    return result
  kept: dict[int, np.ndarray] = {}
  box = _box(mask[sources])
  for k in wanted.tolist():
    above = int(np.searchsorted(sources, k))
    if not 0 < above < len(sources):
      continue
    ends = int(sources[above - 1]), int(sources[above])
    kept = {end: kept[end] for end in ends if end in kept}
    for end in ends:
      if end not in kept:
        kept[end] = _signed(mask[end][box], pixel)
    below_at, above_at = (float(distances[end]) for end in ends)
    share = (float(distances[k]) - below_at) / (above_at - below_at)
    mixed = (1 - share) * kept[ends[0]] + share * kept[ends[1]]
    result[k] = False
    result[k][box] = mixed >= 0
  return result


def _box(mask: np.ndarray) -> tuple[slice, slice]:
  """Rows and columns that hold anything, and one more on each side."""
  spans = []
  for axis in (1, 2):
    held = np.flatnonzero(mask.any(axis=(0, 3 - axis)))
    spans.append(slice(max(0, int(held[0]) - 1), int(held[-1]) + 2))
  return spans[0], spans[1]


def _signed(mask: np.ndarray, pixel: tuple[float, float]) -> np.ndarray:
  """Distance to the border, mm: positive inside, negative outside."""
  from scipy import ndimage  # Slow to import, and rarely needed.

  # A voxel beyond the image is outside; the border lies half-way.
  padded = np.pad(mask, 1)
  inside = ndimage.distance_transform_edt(padded, sampling=pixel)
  outside = ndimage.distance_transform_edt(~padded, sampling=pixel)
  half = min(pixel) / 2
  signed = np.where(padded, inside - half, half - outside)
  return signed[1:-1, 1:-1]
