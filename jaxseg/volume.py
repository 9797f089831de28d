"""A volume: an array in patient space, and what follows from its affine."""

import dataclasses

import numpy as np

from jaxseg import errors


@dataclasses.dataclass(frozen=True, eq=False)
class Volume:
  """An array `[slice, row, column]` and where it lies in the patient.

  Attributes:
    array: Values, `[slice, row, column]`.
    affine: float64 `[4, 4]`; maps the homogeneous index (slice, row, column,
      1) of a voxel's centre to (x, y, z, 1) in mm, patient LPS: x grows to
      the patient's left, y to posterior, z to superior.
  """

  array: np.ndarray
  affine: np.ndarray

  def __post_init__(self):
    affine = np.asarray(self.affine, np.float64)
    if self.array.ndim != 3:
      raise errors.GeometryError(
        f"array has shape {self.array.shape}; a volume is [slice, row, column]"
      )
    if affine.shape != (4, 4) or not np.isfinite(affine).all():
      raise errors.GeometryError(
        f"affine has shape {affine.shape} or is not finite; give [4, 4]"
      )
    if abs(np.linalg.det(affine[:3, :3])) == 0:
      raise errors.GeometryError(
        f"affine {affine[:3, :3].tolist()} is singular; give three axes"
      )
    object.__setattr__(self, "affine", affine)

  @property
  def shape(self) -> tuple[int, int, int]:
    """Lengths (slices, rows, columns)."""
    return self.array.shape

  @property
  def spacing(self) -> tuple[float, float, float]:
    """Distance of neighbouring centres along (slice, row, column), mm."""
    lengths = np.linalg.norm(self.affine[:3, :3], axis=0)
    return tuple(float(length) for length in lengths)  # type: ignore

  def with_array(self, array: np.ndarray) -> "Volume":
    """The same place with other values of the same shape."""
    if array.shape != self.array.shape:
      raise errors.GeometryError(
        f"array has shape {array.shape}, the volume {self.array.shape};"
        " resample it first"
      )
    return Volume(array, self.affine)


def resample(
  volume: Volume,
  shape: tuple[int, int, int],
  affine: np.ndarray,
  *,
  fill: float = 0.0,
) -> Volume:
  """Linear interpolation of a volume on another grid.

  Args:
    volume: Values; computed in float32.
    shape: Lengths (slices, rows, columns) of the other grid.
    affine: The other grid's affine, LPS, mm.
    fill: Value outside of the volume.

  Returns:
    float32 volume on the other grid. Points up to half a voxel beyond the
    outermost centres take the border's value.
  """
  import SimpleITK as sitk  # Slow to import, and few callers resample.

  source = sitk.GetImageFromArray(volume.array.astype(np.float32))
  origin, spacing, direction = _sitk_geometry(volume.affine)
  source.SetOrigin(origin)
  source.SetSpacing(spacing)
  source.SetDirection(direction)
  origin, spacing, direction = _sitk_geometry(np.asarray(affine, np.float64))
  resampler = sitk.ResampleImageFilter()
  resampler.SetSize([int(length) for length in shape[::-1]])
  resampler.SetOutputOrigin(origin)
  resampler.SetOutputSpacing(spacing)
  resampler.SetOutputDirection(direction)
  resampler.SetInterpolator(sitk.sitkLinear)
  resampler.SetDefaultPixelValue(float(fill))
  array = sitk.GetArrayFromImage(resampler.Execute(source))
  return Volume(array, affine)


def _sitk_geometry(
  affine: np.ndarray,
) -> tuple[list[float], list[float], list[float]]:
  """Origin, spacing and direction in SimpleITK's order: column first."""
  axes = affine[:3, :3][:, ::-1]  # Columns of the matrix: column, row, slice.
  spacing = np.linalg.norm(axes, axis=0)
  return (
    affine[:3, 3].tolist(),
    spacing.tolist(),
    (axes / spacing).ravel().tolist(),
  )
