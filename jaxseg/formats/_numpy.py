"""Maps and masks in .npy and .npz, nnU-Net's saved probabilities among them."""

import pathlib
from typing import IO
import zipfile
import zlib

import numpy as np

from jaxseg import _text
from jaxseg import errors
from jaxseg.formats import _channel
from jaxseg.formats import _image
from jaxseg.formats import _labels
from jaxseg.formats import _loaded
from jaxseg.formats import _numpy_file
from jaxseg.formats import _suffix

# nnU-Net 2 and 1; beside the file lies a pickle, which nobody opens.
_NNUNET = ("probabilities", "softmax")


def read_npy(path: pathlib.Path, structure: str | int | None) -> _loaded.Loaded:
  """Reads a .npy file: 2D, 3D, or 4D with the channels first.

  Raises:
    DataError: The file is broken or of another shape.
    StructureNotFoundError: There is no such channel.
  """
  try:
    with open(path, "rb") as file:
      return _read(path, file, path.stat().st_size, structure)
  except OSError as e:
    raise _suffix.unreadable(path, e) from e


def read_npz(path: pathlib.Path, structure: str | int | None) -> _loaded.Loaded:
  """Reads a .npz file of nnU-Net, or one that holds a single array.

  nnU-Net's arrays get the geometry of the segmentation beside them.

  Raises:
    DataError: The file is broken, or which array is meant is not clear.
    GeometryError: The segmentation beside it has another shape.
    StructureNotFoundError: There is no such channel.
  """
  try:
    with zipfile.ZipFile(path) as archive:
      info = _member(path, archive)
      nnunet = info.filename.removesuffix(".npy") in _NNUNET
      if nnunet and isinstance(structure, str):
        structure = _labels.number(path, structure)
      with archive.open(info) as stream:
        loaded = _read(path, stream, info.file_size, structure)
  except errors.JaxsegError:
    raise
  except FileNotFoundError as e:
    raise _suffix.unreadable(path, e) from e
  except (
    OSError, EOFError, ValueError, RuntimeError, zipfile.BadZipFile,
    zlib.error, LookupError, OverflowError, MemoryError,
  ) as e:  # fmt: skip
    raise errors.DataError(
      f"{path}: is no whole .npz file ({type(e).__name__}); copy or save it"
      " again"
    ) from e
  if not nnunet:
    return loaded
  return _loaded.Loaded(
    loaded.array, _beside(path, loaded.array.shape), loaded.left
  )


def _member(path: pathlib.Path, archive: zipfile.ZipFile) -> zipfile.ZipInfo:
  """nnU-Net's array, or the only one."""
  keys = [one.filename.removesuffix(".npy") for one in archive.infolist()]
  wanted = [key for key in _NNUNET if key in keys] or keys
  if len(wanted) != 1 or keys.count(wanted[0]) != 1:
    listed = ", ".join(_text.shown(key) for key in keys[:20]) or "nothing"
    raise errors.DataError(
      f"{path}: holds {listed}; save one array, or nnU-Net's 'probabilities'"
    )
  return archive.infolist()[keys.index(wanted[0])]


def _read(
  path: pathlib.Path,
  stream: IO[bytes],
  size: int,
  structure: str | int | None,
) -> _loaded.Loaded:
  header = _numpy_file.read_header(stream, size, path)
  count = len(header.shape)
  if count not in (2, 3, 4):
    raise errors.DataError(
      f"{path}: has shape {_text.shown(header.shape)}; save [slice, row,"
      " column] or [channel, slice, row, column]"
    )
  channel = 0 if count == 4 else None
  if count == 4 and header.shape[0] > 1:
    channel = _channel.choose(header.shape[0], structure, path)
    structure = None
  array = _numpy_file.read_values(stream, header, channel, path)
  return _loaded.Loaded(array if array.ndim == 3 else array[None], None,
                        structure)  # fmt: skip


def _beside(path: pathlib.Path, shape: tuple[int, ...]) -> np.ndarray | None:
  """The affine of the segmentation that nnU-Net wrote with the map."""
  name = _suffix.stem(path)
  found = [
    path.parent / f"{name}{end}"
    for end in _suffix.IMAGES
    if (path.parent / f"{name}{end}").is_file()
  ]
  if len(found) > 1:
    raise errors.DataError(
      f"{path}: its geometry may be that of {found[0].name} or"
      f" {found[1].name}; leave one of them beside it"
    )
  if not found:
    return None
  array, affine = _image.read(found[0], _suffix.suffix(found[0]))
  if array.shape[1:] != shape:
    raise errors.GeometryError(
      f"{path}: has shape {shape}, and {found[0].name} beside it"
      f" {array.shape[1:]}; export the map on the image's grid (nnU-Net 1 crops"
      " its .npz), or give another file"
    )
  return affine
