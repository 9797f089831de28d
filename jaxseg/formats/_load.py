"""Any known file but DICOM, read by its kind."""

import operator
import pathlib

from jaxseg import errors
from jaxseg.formats import _channel
from jaxseg.formats import _image
from jaxseg.formats import _loaded
from jaxseg.formats import _numpy


def load(
  path: pathlib.Path, kind: str, structure: str | int | None
) -> _loaded.Loaded:
  """Reads the channel of a file.

  Args:
    path: The file.
    kind: Its suffix.
    structure: Which channel, if there are several.

  Raises:
    DataError: The file cannot be read, or the channel is not said.
    GeometryError: Its geometry is not one of a volume.
    StructureNotFoundError: There is no such channel.
  """
  if kind == ".npy":
    return _numpy.read_npy(path, structure)
  if kind == ".npz":
    return _numpy.read_npz(path, structure)
  array, affine = _image.read(path, kind)
  if len(array) == 1:
    return _loaded.Loaded(array[0], affine, structure)
  channel = _channel.choose(len(array), structure, path)
  return _loaded.Loaded(array[channel], affine, None)


def checked(structure: str | int | None) -> str | int | None:
  """A structure as its caller gave it, NumPy's integers as Python's.

  Raises:
    ConfigError: It is neither a name nor a number.
  """
  if structure is None or isinstance(structure, str):
    return structure
  try:
    return operator.index(structure)
  except TypeError as e:
    raise errors.ConfigError(
      f"structure is {structure!r}; give a name or a whole number"
    ) from e
