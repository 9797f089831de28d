"""A map and a reference on one grid: as they are, reordered, or resampled."""

from collections.abc import Iterator
import itertools

import numpy as np

from jaxseg import errors
from jaxseg import volume
from jaxseg.formats import _map

# DOMAIN: two grids are one if corners are this near, in voxels and in mm.
_VOXELS, _MM = 1e-3, 0.01
_CORNERS = np.array(list(itertools.product((0, 1), repeat=3)))


def match_grids(
  probabilities: _map.Map, reference: _map.Map, *, resample: bool = False
) -> tuple[np.ndarray, np.ndarray]:
  """Brings a map onto the grid of its reference.

  Where the two have the same voxels in another order, as when one file is
  stored from the head and the other from the feet, the map is reordered, which
  changes no value.

  Args:
    probabilities: The map.
    reference: The mask.
    resample: Interpolate a map on another grid linearly, in float32; outside
      of the map is 0. False refuses such a map.

  Returns:
    The two arrays, of one shape; the reference's is returned as it is.

  Raises:
    GeometryError: The grids differ, or one file has no geometry and the
      shapes differ.
  """
  array, affine = probabilities.array, probabilities.affine
  if affine is None or reference.affine is None:
    if array.shape != reference.array.shape:
      raise _without_geometry(probabilities, reference)
    return array, reference.array
  for moved, placed in _orders(array, affine):
    if _same(moved, placed, reference.array, reference.affine):
      return moved, reference.array
  if not resample:
    raise errors.GeometryError(
      f"{probabilities.path} ({_said(probabilities)}) and {reference.path}"
      f" ({_said(reference)}) are not on one grid; give files that are, or set"
      " resample=True (--resample) to interpolate the map"
    )
  values = array.astype(np.float32)
  if array.dtype == np.uint8:
    values /= np.float32(255)
  on_reference = volume.resample(
    volume.Volume(values, affine), reference.array.shape, reference.affine
  )
  return on_reference.array, reference.array


def _orders(
  array: np.ndarray, affine: np.ndarray
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
  """All 48 ways to exchange and turn axes, as it is first: array, affine."""
  for axes in itertools.permutations(range(3)):
    for signs in itertools.product((1, -1), repeat=3):
      moved = array.transpose(axes)[tuple(slice(None, None, s) for s in signs)]
      placed = affine.copy()
      placed[:3, :3] = affine[:3, axes] * signs
      ends = np.where(np.array(signs) < 0, np.array(moved.shape) - 1, 0)
      placed[:3, 3] = affine[:3, 3] + affine[:3, axes] @ ends
      yield moved, placed


def _same(
  array: np.ndarray, affine: np.ndarray, other: np.ndarray, place: np.ndarray
) -> bool:
  """Whether shapes are equal and all corners' centres are near."""
  if array.shape != other.shape:
    return False
  corners = _CORNERS * (np.array(array.shape) - 1)
  apart = corners @ (affine - place)[:3, :3].T + (affine - place)[:3, 3]
  voxel = np.linalg.norm(place[:3, :3], axis=0).min()
  return bool(np.linalg.norm(apart, axis=1).max() <= _VOXELS * voxel + _MM)


def _without_geometry(
  probabilities: _map.Map, reference: _map.Map
) -> errors.GeometryError:
  bare = probabilities if probabilities.affine is None else reference
  return errors.GeometryError(
    f"{probabilities.path} has shape {probabilities.array.shape},"
    f" {reference.path} {reference.array.shape}, and {bare.path.name} holds no"
    " geometry to bring them together; give files of one shape [slice, row,"
    " column], or a format with geometry"
  )


def _said(one: _map.Map) -> str:
  """Shape, spacing and origin, all in the order they are meant."""
  affine = one.affine
  if affine is None:
    return f"shape {one.array.shape}"
  spacing = " x ".join(
    f"{mm:.4g}" for mm in np.linalg.norm(affine[:3, :3], axis=0)
  )
  origin = ", ".join(f"{mm:.4f}" for mm in affine[:3, 3])
  return f"shape {one.array.shape}, spacing {spacing} mm, origin ({origin})"
