"""A map and its reference on one grid: as they are, reordered or resampled."""

import itertools
import math

import numpy as np

from jaxseg import errors
from jaxseg import volume
from jaxseg.formats import _masks

# In voxels: a centre on the border of two is not beyond it.
_SLIGHT = 1e-3
# Twice a scan of the whole body; counting them takes some 6 GB.
_MOST_VOXELS = 2**29
# Axes 1e-4 off orthogonal, which many a tool writes orthogonal again, move the
# farthest corner of 1,000 voxels by a tenth of one.
_DRIFT = 0.2
# A lattice is the same if its points are this near, in voxels.
_LATTICE = 0.01


def match_grids(
  probabilities: volume.Volume,
  reference: volume.Volume,
  *,
  resample: bool = False,
) -> tuple[np.ndarray, np.ndarray]:
  """Brings a map onto the grid of its reference.

  Where the two have the same voxels in another order, as when one file is
  stored from the head down and the other from the feet up, the map is
  reordered, which changes no value. Axes may differ by as much as a sform is
  off orthogonal: grids with one corner in common are the same if no other one
  is more than a fifth of a voxel off.

  Args:
    probabilities: The map.
    reference: The mask, bool or as `read_reference` gives it.
    resample: Take maps on other grids. On the same lattice, where one is
      cropped, values are copied; else they are interpolated linearly, in
      float32. Outside the map is 0. A reference that does not reach as far as
      the map is continued, on its own lattice, by background; voxels of it in
      the box of neither do not count if it is uint8. False refuses such maps.

  Returns:
    The two arrays, of one shape; the reference's is unchanged where it reaches
    as far as the map.

  Raises:
    GeometryError: The grids differ, or one file has no geometry and the
      shapes differ, or the two do not overlap.
    LimitError: The continued reference would be larger than anyone's.
  """
  if probabilities.grid is None or reference.grid is None:
    if probabilities.shape != reference.shape:
      raise _without_geometry(probabilities, reference)
    return probabilities.array, reference.array
  moved = volume.reorder(probabilities, reference.grid, drift=_DRIFT)
  if moved is not None:
    return moved.array, reference.array
  if not resample:
    does = "to interpolate the map"
    if _on_lattice(probabilities.grid, reference.grid):
      does = "to take what the smaller one leaves out for background"
    if _exchanged(probabilities, reference):
      does += ". Their lengths are the same in another order: was the map saved"
      does += " with its axes exchanged?"
    raise errors.GeometryError(
      f"{probabilities.source} ({_said(probabilities)}) and {reference.source}"
      f" ({_said(reference)}) are on different grids"
      f"{_turned(probabilities, reference)}; give files on the same grid, or"
      f" set resample=True (--resample) {does}"
    )
  grid, before = _continued(probabilities, reference)
  if _on_lattice(probabilities.grid, grid):
    copied = volume.copy(probabilities.array, probabilities.grid, grid)
  else:
    copied = None
  if copied is None:
    values = probabilities.array.astype(np.float32)
    if probabilities.array.dtype == np.uint8:
      values /= np.float32(255)
    there = volume.Volume(values, probabilities.grid)
    copied = volume.resample(there, grid).array
  if grid is reference.grid:
    return copied, reference.array
  whole = volume.paste(reference.array, grid.shape, before, 0)
  if whole.dtype == np.uint8:
    whole[_in_neither(probabilities, reference, grid, before)] = _masks.IGNORED
  return copied, whole


def continued_grid(
  probabilities: volume.Volume, reference: volume.Volume
) -> volume.Grid:
  """The grid of `match_grids` where the map reaches beyond its reference.

  Args:
    probabilities: The map.
    reference: The mask; both with a geometry.

  Returns:
    The reference's lattice, as far as the map's voxels reach.

  Raises:
    GeometryError: The two do not overlap.
    LimitError: The grid would be larger than anyone's.
  """
  return _continued(probabilities, reference)[0]


def _continued(
  probabilities: volume.Volume, reference: volume.Volume
) -> tuple[volume.Grid, tuple[int, ...]]:
  """The reference's lattice, as far as the map's voxels reach.

  Returns:
    The grid, the reference's own where it is large enough, and the index of
    the reference's first voxel in it.
  """
  to_reference = np.linalg.inv(reference.affine) @ probabilities.affine
  lengths = np.array(reference.shape)
  edges = _corners(probabilities.shape, to_reference, beyond=0.5)
  if (edges.max(0) <= -0.5).any() or (edges.min(0) >= lengths - 0.5).any():
    raise errors.GeometryError(
      f"{probabilities.source} ({_said(probabilities)}) and {reference.source}"
      f" ({_said(reference)}) do not overlap anywhere; give the files of one"
      " image"
    )
  # Voxels of the reference that the map's centres lie in.
  centres = _corners(probabilities.shape, to_reference, beyond=0.0)
  first = np.floor(centres.min(0) + 0.5 + _SLIGHT).astype(np.int64)
  last = np.ceil(centres.max(0) - 0.5 - _SLIGHT).astype(np.int64)
  first, last = np.minimum(first, 0), np.maximum(last, lengths - 1)
  size = tuple(int(n) for n in last - first + 1)
  before = tuple(int(n) for n in -first)
  if reference.grid is None or size == reference.shape:
    return reference.placed, before
  if math.prod(size) > _MOST_VOXELS:
    raise errors.LimitError(
      f"{reference.source} ({_said(reference)}) would need {size} voxels to"
      f" reach as far as {probabilities.source} ({_said(probabilities)});"
      " resample the map yourself, or crop it"
    )
  affine = reference.affine.copy()
  affine[:3, 3] += affine[:3, :3] @ first
  return volume.Grid.from_affine(size, affine), before


def _on_lattice(one: volume.Grid, other: volume.Grid) -> bool:
  """Whether every voxel of a grid has its centre on the other's lattice."""
  if not (one.is_even and other.is_even):
    return False
  steps = np.linalg.inv(other.affine) @ one.affine
  turn, start = np.rint(steps[:3, :3]), steps[:3, 3]
  once = np.abs(turn)
  if not ((once.sum(0) == 1).all() and (once.sum(1) == 1).all()):
    return False
  drift = np.abs(steps[:3, :3] - turn) @ (np.array(one.shape) - 1)
  return bool((drift + np.abs(start - np.rint(start)) <= _LATTICE).all())


def _corners(
  shape: tuple[int, ...], to_other: np.ndarray, *, beyond: float
) -> np.ndarray:
  """Corners of a box of voxels in another's indices, `[8, 3]`."""
  ends = [(-beyond, length - 1 + beyond) for length in shape]
  corners = np.array(list(itertools.product(*ends)))
  return corners @ to_other[:3, :3].T + to_other[:3, 3]


def _in_neither(
  probabilities: volume.Volume,
  reference: volume.Volume,
  grid: volume.Grid,
  before: tuple[int, ...],
) -> np.ndarray:
  """Voxels of a grid that are neither in the map nor in the reference."""
  everywhere = np.ones(probabilities.shape, np.bool_)
  there = volume.Volume(everywhere, probabilities.grid)
  covered = volume.resample(there, grid).array
  own = zip(before, reference.shape, strict=True)
  covered[tuple(slice(k, k + n) for k, n in own)] = True
  return ~covered


def _without_geometry(
  probabilities: volume.Volume, reference: volume.Volume
) -> errors.GeometryError:
  bare = probabilities if probabilities.grid is None else reference
  name = bare.source.name if bare.source else "one of them"
  remedy = "give files of one shape [slice, row, column]"
  if _exchanged(probabilities, reference):
    remedy = (
      "the lengths are the same in another order, so save both files as"
      " [slice, row, column]"
    )
  return errors.GeometryError(
    f"{probabilities.source} has shape {probabilities.shape},"
    f" {reference.source} {reference.shape}, and {name} has no geometry to"
    f" align them by; {remedy}, or give a format with geometry"
  )


def _exchanged(one: volume.Volume, other: volume.Volume) -> bool:
  """Whether the lengths are the same in another order."""
  return one.shape != other.shape and sorted(one.shape) == sorted(other.shape)


def _turned(one: volume.Volume, other: volume.Volume) -> str:
  """By how much the axes differ, where nothing else does."""
  if _said(one) != _said(other):
    return ""
  units = [
    v.affine[:3, :3] / np.linalg.norm(v.affine[:3, :3], axis=0)
    for v in (one, other)
  ]
  cosines = np.clip((units[0] * units[1]).sum(0), -1, 1)
  degrees = np.degrees(np.arccos(cosines)).max()
  return f", whose axes differ by up to {degrees:.3g} degrees"


def _said(one: volume.Volume) -> str:
  """Shape, spacing and origin, for messages."""
  spacing = " x ".join(f"{mm:.4g}" for mm in one.spacing)
  origin = ", ".join(f"{mm:.4f}" for mm in one.affine[:3, 3])
  return f"shape {one.shape}, spacing {spacing} mm, origin ({origin})"
