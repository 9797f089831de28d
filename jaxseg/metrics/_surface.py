"""The surfaces of two masks and how far each lies from the other, exactly.

Two families, because the world has two:

- `surfel`: points are the corners of voxels, weighted by the area of the
  surface that passes there. The default.
- `voxel`: points are the centres of border voxels, which a face-connected
  erosion takes away; each counts 1 whatever the area of its faces.

Beyond the array is background, so a mask that touches the end has a surface
there. The work is done in the box of both masks: it costs what the structure
costs and not what the image does.
"""

from collections.abc import Sequence
import dataclasses
import functools
import math

import numpy as np

from jaxseg import errors
from jaxseg.metrics import _distribution
from jaxseg.metrics import _nearest
from jaxseg.metrics import _surfel_area

SURFACES = ("surfel", "voxel")


@dataclasses.dataclass(frozen=True, eq=False)
class Surface:
  """Points of a mask's surface.

  Attributes:
    points: int64 `[axis, point]`, indices in a lattice that both masks share.
    kind: uint8 `[point]`, which of the areas each point has.
    areas: float64 `[kind]`, mm^2 (mm in 2D), ascending; None where each point
      weighs 1.
    shape: Lengths of the lattice.
  """

  points: np.ndarray
  kind: np.ndarray
  areas: np.ndarray | None
  shape: tuple[int, ...]


def distances(
  prediction: np.ndarray,
  reference: np.ndarray,
  spacing: tuple[float, ...],
  surface: str,
  used: np.ndarray | None = None,
) -> _distribution.Distances:
  """Distances of two masks that are not empty.

  Args:
    prediction: Mask, bool, 2D or 3D.
    reference: Mask, bool, same shape.
    spacing: Of the array's axes, mm.
    surface: "surfel" or "voxel".
    used: As in `box`.
  """
  common = box(prediction, reference, used)
  # One voxel of background around: beyond the array there is nothing.
  ours, theirs = (
    of(np.pad(mask[common], 1), spacing, surface)
    for mask in (prediction, reference)
  )
  there = _nearest.Points(theirs.points, theirs.shape, spacing).ask(ours.points)
  back = _nearest.Points(ours.points, ours.shape, spacing).ask(theirs.points)
  return _distribution.Distances(
    _distribution.Distribution.of(there, ours.kind, ours.areas),
    _distribution.Distribution.of(back, theirs.kind, theirs.areas),
  )


def check(surface: str) -> None:
  """Refuses an unknown family.

  Raises:
    ConfigError: It is neither.
  """
  if surface not in SURFACES:
    raise errors.ConfigError(
      f"surface {surface!r} is unknown; take {' or '.join(SURFACES)}"
    )


def of(mask: np.ndarray, spacing: tuple[float, ...], surface: str) -> Surface:
  """The surface of a mask that has a voxel of background all around it."""
  if surface == "voxel":
    border = _border(mask)
    place = np.flatnonzero(border)
    points = _points(place, border.shape)
    kind = np.zeros(len(place), np.uint8)
    return Surface(points, kind, None, border.shape)
  codes = _codes(mask)
  # Less 1, nothing (0) becomes 255: neither it nor everything is below this.
  place = np.flatnonzero(codes - np.uint8(1) < _full(mask.ndim) - 1)
  points = _points(place, codes.shape)
  kind, areas = kinds(codes.ravel().take(place), spacing)
  return Surface(points, kind, areas, codes.shape)


def kinds(
  codes: np.ndarray, spacing: tuple[float, ...]
) -> tuple[np.ndarray, np.ndarray]:
  """Which of the areas each code has, uint8 `[point]`, and the areas."""
  kind, areas = _kinds(spacing)
  return kind.take(codes), areas


def slices(mask: np.ndarray) -> np.ndarray:
  """Which slices a mask has anything on, bool `[slice]`."""
  used: np.ndarray = np.any(mask, axis=tuple(range(1, mask.ndim)))
  return used


def box(
  a: np.ndarray, b: np.ndarray, used: np.ndarray | None = None
) -> tuple[slice, ...]:
  """The common box of two masks, one of which is not empty.

  Args:
    a: Mask.
    b: Mask.
    used: `slices` of both together, if they are known.
  """
  # Slices first, then what is left of them laid on one another: each step
  # leaves little to do for the next.
  first = _span(slices(a) | slices(b) if used is None else used)
  flat = np.any(a[first], axis=0) | np.any(b[first], axis=0)
  if a.ndim == 2:
    return first, _span(flat)
  second = _span(np.any(flat, axis=1))
  return first, second, _span(np.any(flat[second], axis=0))


def _span(used: np.ndarray) -> slice:
  place = np.flatnonzero(used)
  return slice(place[0], place[-1] + 1)


def _border(mask: np.ndarray) -> np.ndarray:
  """Voxels with a face on the background, without the padding."""
  core = (slice(1, -1),) * mask.ndim
  inner = mask[core].copy()
  for axis in range(mask.ndim):
    for side in (slice(None, -2), slice(2, None)):
      inner &= mask[(*core[:axis], side, *core[axis + 1 :])]
  return mask[core] & ~inner


def _points(place: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
  """Indices `[axis, point]` of places in the flat array."""
  return np.array(np.unravel_index(place, shape))


def _full(axes: int) -> int:
  """The code of a corner with nothing but inside around it."""
  return (1 << (1 << axes)) - 1


def _codes(mask: np.ndarray) -> np.ndarray:
  """Code of each corner, uint8: which voxels around it are inside."""
  codes = np.zeros([n - 1 for n in mask.shape], np.uint8)
  bits = mask.view(np.uint8)
  for offset, weight in _surfel_area.code_weights(mask.ndim).items():
    part = tuple(
      slice(k, n - 1 + k) for k, n in zip(offset, mask.shape, strict=True)
    )
    codes |= bits[part] * np.uint8(weight)
  return codes


@functools.lru_cache(maxsize=64)
def _kinds(spacing: tuple[float, ...]) -> tuple[np.ndarray, np.ndarray]:
  """Which area each code has, and the areas."""
  areas, kind = np.unique(_surfel_area.areas(spacing), return_inverse=True)
  return kind.astype(np.uint8), areas


def check_box(box: tuple[int, ...] | None, axes: int) -> None:
  """Refuses a window that is not one length above 0 for each axis.

  Raises:
    ValueError: It is not.
  """
  if box is None:
    return
  fits = isinstance(box, Sequence) and len(box) == axes
  if not fits or not all(isinstance(n, int) and n > 0 for n in box):
    raise ValueError(
      f"box {box} does not fit images of {axes} axes; give one length above 0"
      " per axis"
    )


def checked_spacing(spacing: Sequence[float], axes: int) -> tuple[float, ...]:
  """Spacing as floats, one above 0 for each axis of an image.

  Args:
    spacing: mm.
    axes: Of the masks; those before the last three are of a batch.

  Raises:
    ValueError: It is not, or the masks have fewer than 2 axes.
  """
  if axes < 2:
    raise ValueError(f"masks have {axes} axes; give 2 or 3, and a batch before")
  axes = min(axes, 3)
  try:
    mm = [float(s) for s in spacing]
  except (TypeError, ValueError):  # Not a sequence, or not of numbers.
    mm = []
  if len(mm) != axes or not all(0 < s < math.inf for s in mm):
    said = " ".join(str(spacing).split())  # An array's text has lines.
    raise ValueError(
      f"spacing {said} mm does not fit masks of {axes} axes; give one"
      " number above 0 per axis, in the array's order"
    )
  return tuple(mm)
