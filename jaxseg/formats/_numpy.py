"""Maps and masks in .npy and .npz, nnU-Net's saved probabilities among them.

Nothing is unpickled: the header is checked against the file's length before
anything is allocated, and of several channels one is kept.
"""

import dataclasses
import math
import pathlib
from typing import IO
import warnings
import zipfile
import zlib

import numpy as np

from jaxseg import _extras
from jaxseg import _text
from jaxseg import errors
from jaxseg.formats import _dataset_json
from jaxseg.formats import _held
from jaxseg.formats import _image_files
from jaxseg.formats import _labels
from jaxseg.formats import _paths

# nnU-Net 2 and 1; the pickle beside the file is never opened.
_NNUNET = ("probabilities", "softmax")

Structure = str | int | None


def read_npy(
  path: pathlib.Path, asked: _dataset_json.Asked
) -> tuple[np.ndarray, Structure]:
  """Reads a .npy file: 2D, 3D, or 4D with the channels first.

  Returns:
    Values `[slice, row, column]`; the structure asked for, or None if it was a
    channel.
  """
  try:
    with open(path, "rb") as file:
      return _read(path, file, path.stat().st_size, asked)
  except OSError as e:
    raise _paths.unreadable(path, e) from e


def read_npz(
  path: pathlib.Path, asked: _dataset_json.Asked
) -> tuple[np.ndarray, np.ndarray | None, Structure]:
  """Reads a .npz file of nnU-Net, or one that holds a single array.

  Returns:
    Values `[slice, row, column]`; the affine of the segmentation that nnU-Net
    wrote beside them, or None; the structure asked for, or None if it was a
    channel.
  """
  try:
    with zipfile.ZipFile(path) as archive:
      info = _member(path, archive)
      nnunet = info.filename.removesuffix(".npy") in _NNUNET
      with archive.open(info) as stream:
        array, left = _read(path, stream, info.file_size, asked)
  except errors.JaxsegError:
    raise
  except FileNotFoundError as e:
    raise _paths.unreadable(path, e) from e
  except (
    OSError,
    EOFError,
    ValueError,
    RuntimeError,
    zipfile.BadZipFile,
    zlib.error,
    LookupError,
    OverflowError,
    MemoryError,
  ) as e:
    raise errors.DataError(
      f"{path}: is not a complete .npz file ({type(e).__name__}); copy or save"
      " it again"
    ) from e
  return array, _beside(path, array.shape) if nnunet else None, left


def channels(path: pathlib.Path) -> int:
  """Number of channels of a .npy or .npz file, from its header alone."""
  try:
    if _paths.suffix(path) == ".npy":
      with open(path, "rb") as file:
        header = _read_header(path, file, path.stat().st_size)
    else:
      with zipfile.ZipFile(path) as archive:
        info = _member(path, archive)
        with archive.open(info) as stream:
          header = _read_header(path, stream, info.file_size)
  except OSError as e:
    raise _paths.unreadable(path, e) from e
  except (ValueError, RuntimeError, zipfile.BadZipFile, zlib.error) as e:
    raise errors.DataError(
      f"{path}: is not a complete .npz file ({type(e).__name__}); copy or save"
      " it again"
    ) from e
  return header.shape[0] if len(header.shape) == 4 else 1


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


def _beside(path: pathlib.Path, shape: tuple[int, ...]) -> np.ndarray | None:
  """The affine of the segmentation that nnU-Net wrote with the map."""
  name = _paths.stem(path)
  places = [path.parent / f"{name}{end}" for end in _paths.IMAGES]
  found = [place for place in places if place.is_file()]
  if len(found) > 1:
    raise errors.DataError(
      f"{path}: its geometry may be that of {found[0].name} or"
      f" {found[1].name}; leave one of them beside it"
    )
  if not found:
    return None
  array, affine = _image_files.read(found[0])
  size = array.shape[1:]
  if affine is not None and _labels.turns(path):
    size, affine = _to_ras(size, affine)
  if size != shape:
    raise errors.GeometryError(
      f"{path}: has shape {shape}, and {found[0].name} beside it"
      f" {size}; export the map on the image's grid (nnU-Net 1 crops"
      " its .npz), or give another file"
    )
  return affine


def _to_ras(
  size: tuple[int, ...], affine: np.ndarray
) -> tuple[tuple[int, ...], np.ndarray]:
  """Lengths and affine of an image once its axes run to R, A and S.

  nnU-Net's NibabelIOWithReorient turns images so, and turns the segmentation
  back that it writes, but not the .npz.
  """
  orientations = _extras.load("nibabel", extra="io").orientations
  ras = np.diag([-1.0, -1.0, 1.0, 1.0]) @ affine[:, [2, 1, 0, 3]]
  turned = orientations.io_orientation(ras)
  there = orientations.inv_ornt_aff(turned, size[::-1])
  new = np.diag([-1.0, -1.0, 1.0, 1.0]) @ ras @ there
  lengths = [0, 0, 0]
  for axis, to in enumerate(turned[:, 0].astype(np.int64)):
    lengths[to] = size[::-1][axis]
  return tuple(lengths[::-1]), new[:, [2, 1, 0, 3]]


@dataclasses.dataclass(frozen=True)
class _Header:
  """Shape, whether the first index runs fastest, and dtype."""

  shape: tuple[int, ...]
  fortran: bool
  dtype: np.dtype


def _read(
  path: pathlib.Path,
  stream: IO[bytes],
  size: int,
  asked: _dataset_json.Asked,
) -> tuple[np.ndarray, Structure]:
  header = _read_header(path, stream, size)
  count = len(header.shape)
  if count not in (2, 3, 4):
    raise errors.DataError(
      f"{path}: has shape {_text.shown(header.shape)}; save [slice, row,"
      " column] or [channel, slice, row, column]"
    )
  structure = asked.structure
  channel = 0 if count == 4 else None
  if count == 4 and header.shape[0] > 1:
    channel = _dataset_json.channel(header.shape[0], asked, path)
    structure = None
  array = _read_values(path, stream, header, channel)
  return array if array.ndim == 3 else array[np.newaxis], structure


def _read_header(path: pathlib.Path, stream: IO[bytes], size: int) -> _Header:
  """Reads and checks the header; the stream is at the first value then."""
  try:
    with warnings.catch_warnings():
      warnings.simplefilter("ignore")  # Of headers by Python 2.
      version = np.lib.format.read_magic(stream)
      read = {
        (1, 0): np.lib.format.read_array_header_1_0,
        (2, 0): np.lib.format.read_array_header_2_0,
      }[version]
      header = _Header(*read(stream))
  except Exception as e:  # Whatever damaged text makes the parser raise.
    raise errors.DataError(
      f"{path}: its NumPy header cannot be read; copy or save the array again"
    ) from e
  if header.dtype.hasobject or header.dtype.kind not in "biuf":
    raise errors.DataError(
      f"{path}: holds {_text.shown(header.dtype)}, not plain numbers, and is"
      " never unpickled; save an array of numbers"
    )
  needed = math.prod(header.shape) * header.dtype.itemsize
  if min(header.shape, default=0) < 1 or needed != size - stream.tell():
    raise errors.DataError(
      f"{path}: an array of shape {_text.shown(header.shape)} takes {needed}"
      f" bytes, the file holds {size - stream.tell()}; copy or save the array"
      " again"
    )
  return header


def _read_values(
  path: pathlib.Path, stream: IO[bytes], header: _Header, channel: int | None
) -> np.ndarray:
  """Reads the array, or one index of its first axis, in native byte order."""
  if channel is not None and _held.holds():
    every = _held.once(path, lambda: _read_values(path, stream, header, None))
    return every[channel].copy()
  part = channel is not None and not header.fortran
  shape = header.shape[1:] if part else header.shape
  length = math.prod(shape) * header.dtype.itemsize
  _paths.check_size(path, length)
  if part:
    # Not by seek, which gives up the checksum of a zip file's member.
    _paths.skip(stream, (channel or 0) * length)
  content = _paths.take(stream, length)
  if len(content) < length:
    raise errors.DataError(
      f"{path}: ends after {len(content)} of {length} bytes; copy or save the"
      " array again"
    )
  array = np.frombuffer(content, header.dtype)
  array = array.reshape(shape, order="F" if header.fortran else "C")
  if channel is not None and not part:
    array = array[channel]
  return np.ascontiguousarray(array, header.dtype.newbyteorder("="))
