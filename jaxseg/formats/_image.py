"""NIfTI, NRRD and MetaImage through SimpleITK, with their geometry."""

import math
import pathlib
from typing import Any

import numpy as np

from jaxseg import _text
from jaxseg import errors
from jaxseg.formats import _meta
from jaxseg.formats import _nifti
from jaxseg.formats import _nrrd

_READERS = {
  ".nii": ("NiftiImageIO", _nifti.check),
  ".nii.gz": ("NiftiImageIO", _nifti.check),
  ".nrrd": ("NrrdImageIO", _nrrd.check),
  ".nhdr": ("NrrdImageIO", _nrrd.check),
  ".mha": ("MetaImageIO", _meta.check),
  ".mhd": ("MetaImageIO", _meta.check),
}
# DOMAIN: the probabilities of 100 classes in 512 x 512 x 80 voxels, float64.
_MAX_BYTES = 16 * 2**30


def read(path: pathlib.Path, kind: str) -> tuple[np.ndarray, np.ndarray]:
  """Reads an image.

  Args:
    path: The file.
    kind: Its suffix.

  Returns:
    Values `[channel, slice, row, column]` as stored, and the affine float64
    `[4, 4]`, LPS, mm.

  Raises:
    DataError: The file cannot be read.
    GeometryError: Its geometry is not one of a volume.
    LimitError: It is too large.
  """
  import SimpleITK as sitk  # Slow to import.

  name, check = _READERS[kind]
  check(path)
  # Its warnings are about what is checked here, and go to the console.
  sitk.ProcessObject.SetGlobalWarningDisplay(False)
  reader = sitk.ImageFileReader()
  reader.SetImageIO(name)
  reader.SetFileName(str(path))
  try:
    reader.ReadImageInformation()
    _check_size(path, reader)
    image = reader.Execute()
    array = sitk.GetArrayFromImage(image)
  except (RuntimeError, MemoryError) as e:
    raise _error(path, e) from e
  return _channels(path, array, image), _affine(image)


def _check_size(path: pathlib.Path, reader: Any) -> None:
  # 8 bytes a value at most, and what they are is not known for all types.
  values = math.prod(reader.GetSize()) * reader.GetNumberOfComponents()
  if 8 * values > _MAX_BYTES:
    raise errors.LimitError(
      f"{path}: {reader.GetSize()} voxels of {reader.GetNumberOfComponents()}"
      f" channels may take more than {_MAX_BYTES} bytes; save one structure a"
      " file"
    )


def _channels(path: pathlib.Path, array: np.ndarray, image: Any) -> np.ndarray:
  """Values as `[channel, slice, row, column]`."""
  if image.GetNumberOfComponentsPerPixel() > 1:
    array = np.moveaxis(array, -1, 0)
    more = array.shape[1:-3]
    if any(length > 1 for length in more):
      raise errors.DataError(
        f"{path}: has {len(array)} components in {image.GetDimension()}"
        " dimensions; save channels along one axis only"
      )
  else:
    more = array.shape[:-3]
    if sum(length > 1 for length in more) > 1:
      raise errors.DataError(
        f"{path}: has lengths {image.GetSize()}, more than one axis beyond"
        " three; save channels along one axis only"
      )
  space = array.shape[-3:] if image.GetDimension() > 2 else array.shape[-2:]
  return array.reshape(-1, *(1, *space)[-3:])


def _affine(image: Any) -> np.ndarray:
  """The affine of (slice, row, column); a 2D image is a slice of 1 mm."""
  count = image.GetDimension()
  direction = np.reshape(image.GetDirection(), (count, count))
  steps = direction * np.array(image.GetSpacing())  # A column for each axis.
  space = min(count, 3)
  axes, origin = np.eye(3), np.zeros(3)
  axes[:space, :space] = steps[:space, :space]
  origin[:space] = image.GetOrigin()[:space]
  affine = np.eye(4)
  affine[:3, :3] = axes[:, ::-1]  # x, y, z run along column, row, slice.
  affine[:3, 3] = origin
  return affine


def _error(path: pathlib.Path, cause: Exception) -> errors.JaxsegError:
  """The one line of ITK's many that says why."""
  lines = [line.strip() for line in str(cause).splitlines() if line.strip()]
  reason = lines[-1].rpartition("): ")[2] if lines else "out of memory"
  geometry = any(
    word in str(cause).lower()
    for word in ("orthonormal", "direction", "determinant", "spacing")
  )
  if geometry:
    return errors.GeometryError(
      f"{path}: its geometry is refused by ITK ({_text.shown(reason)}); write"
      " the file again with orthogonal axes of finite spacing"
    )
  return errors.DataError(
    f"{path}: cannot be read ({_text.shown(reason)}); copy or write the file"
    " again"
  )
