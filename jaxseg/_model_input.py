"""What a trained model is given: values and axes as its network knows them."""

import dataclasses

import numpy as np

from jaxseg import cohorts
from jaxseg import errors
from jaxseg import volume as volumes


def hounsfield(volume: volumes.Volume, modality: str) -> volumes.Volume:
  """Values as the network knows them, of a model's modality.

  Args:
    volume: Image as it was measured.
    modality: What the model was trained on.

  Raises:
    DataError: It is of another modality, or its values cannot be.
  """
  where = "volume" if volume.source is None else str(volume.source)
  own = getattr(volume, "modality", modality)  # A DICOM image knows its own.
  if own != modality:
    raise errors.DataError(
      f"{where}: is of modality {own}, the model was trained on {modality};"
      " give an image of that kind"
    )
  if modality == "CT":
    _check_hounsfield(volume)
    return volume
  if volume.array.min() == -1000:
    raise errors.DataError(
      f"{where}: has values of -1000, as scale_mr makes them; give the MR's"
      " signal as it was measured"
    )
  return cohorts.scale_mr(
    volumes.Volume(volume.array, volume.placed, volume.source)
  )


def _check_hounsfield(volume: volumes.Volume) -> None:
  """Refuses values that cannot be HU in int16."""
  array = volume.array
  where = "volume" if volume.source is None else str(volume.source)
  if not (
    np.issubdtype(array.dtype, np.integer)
    or np.issubdtype(array.dtype, np.floating)
  ):
    raise errors.DataError(
      f"{where}: values are {array.dtype}; give a CT in HU"
    )
  low, high = float(array.min()), float(array.max())
  limits = np.iinfo(np.int16)
  if not (limits.min <= low and high <= limits.max):  # NaN is refused, too.
    raise errors.DataError(
      f"{where}: values from {low:g} to {high:g} are not HU, which fit int16;"
      " give a CT in HU"
    )


def moved(volume: volumes.Volume, grid: volumes.Grid) -> volumes.Volume:
  """The same voxels in another order of axes.

  Raises:
    GeometryError: No order of axes is that of the grid.
  """
  if volume.grid is grid:
    return volume
  moved = volumes.reorder(volume, grid)
  if moved is None:
    raise errors.GeometryError(
      "volume: its axes cannot be turned; resample it on an axial grid"
    )
  return dataclasses.replace(moved, array=np.ascontiguousarray(moved.array))
