"""Reads an image's values as they are: intensities, or a map of labels."""

import os
import pathlib

from jaxseg import errors
from jaxseg import volume
from jaxseg.formats import _image_files
from jaxseg.formats import _paths


def read_image(path: str | os.PathLike) -> volume.Volume:
  """Reads an image of one channel.

  Args:
    path: NIfTI, NRRD or MetaImage.

  Returns:
    Values as stored, scaled where the file says so.

  Raises:
    DataError: The file cannot be read, or has several channels.
    GeometryError: Its geometry is not that of a volume.
  """
  where = pathlib.Path(path)
  if _paths.kind(where) not in _paths.IMAGES:
    raise errors.DataError(
      f"{where}: is no image with geometry; convert it to one of"
      f" {', '.join(_paths.IMAGES)}"
    )
  array, affine = _image_files.read(where)
  if len(array) != 1:
    raise errors.DataError(
      f"{where}: holds {len(array)} channels; save each as an image of its own"
    )
  return volume.Volume.from_affine(array[0], affine, source=where)
