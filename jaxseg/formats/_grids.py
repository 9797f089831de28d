"""A map and its reference on one grid: as they are, reordered or resampled."""

import numpy as np

from jaxseg import errors
from jaxseg import volume


def match_grids(
  probabilities: volume.Volume,
  reference: volume.Volume,
  *,
  resample: bool = False,
) -> tuple[np.ndarray, np.ndarray]:
  """Brings a map onto the grid of its reference.

  Where the two have the same voxels in another order, as when one file is
  stored from the head down and the other from the feet up, the map is
  reordered, which changes no value.

  Args:
    probabilities: The map.
    reference: The mask.
    resample: Interpolate a map on another grid linearly, in float32, with 0
      outside the map. False refuses such a map.

  Returns:
    The two arrays, of one shape; the reference's is unchanged.

  Raises:
    GeometryError: The grids differ, or one file has no geometry and the
      shapes differ.
  """
  if probabilities.grid is None or reference.grid is None:
    if probabilities.shape != reference.shape:
      raise _without_geometry(probabilities, reference)
    return probabilities.array, reference.array
  moved = volume.reorder(probabilities, reference.grid)
  if moved is not None:
    return moved.array, reference.array
  if not resample:
    raise errors.GeometryError(
      f"{probabilities.source} ({_said(probabilities)}) and {reference.source}"
      f" ({_said(reference)}) are on different grids; give files on the same"
      " grid, or set resample=True (--resample) to interpolate the map"
    )
  values = probabilities.array.astype(np.float32)
  if probabilities.array.dtype == np.uint8:
    values /= np.float32(255)
  on_reference = volume.resample(
    volume.Volume(values, probabilities.grid), reference.grid
  )
  return on_reference.array, reference.array


def _without_geometry(
  probabilities: volume.Volume, reference: volume.Volume
) -> errors.GeometryError:
  bare = probabilities if probabilities.grid is None else reference
  name = bare.source.name if bare.source else "one of them"
  return errors.GeometryError(
    f"{probabilities.source} has shape {probabilities.shape},"
    f" {reference.source} {reference.shape}, and {name} has no geometry to"
    " align them by; give files of one shape [slice, row, column], or a format"
    " with geometry"
  )


def _said(one: volume.Volume) -> str:
  """Shape, spacing and origin, for messages."""
  spacing = " x ".join(f"{mm:.4g}" for mm in one.spacing)
  origin = ", ".join(f"{mm:.4f}" for mm in one.affine[:3, 3])
  return f"shape {one.shape}, spacing {spacing} mm, origin ({origin})"
