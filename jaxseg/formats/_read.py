"""Reads the probability map of one structure from any format."""

import os
import pathlib

import numpy as np

from jaxseg import _text
from jaxseg import errors
from jaxseg import volume
from jaxseg.formats import _image_files
from jaxseg.formats import _labels
from jaxseg.formats import _load
from jaxseg.formats import _paths

_FLOATS = (np.float16, np.float32, np.float64)
_WHOLE = (np.uint8, np.uint16)
_HIGHEST = np.iinfo(np.uint16).max
_FLAG = "--class"


def read_probabilities(
  path: str | os.PathLike,
  *,
  structure: str | int | None = None,
  eight_bit: bool = False,
  beside: str | os.PathLike | None = None,
) -> volume.Volume:
  """Reads the probability map of one structure.

  Values are returned as stored; whoever counts them checks that they are
  finite and in [0, 1].

  Args:
    path: NIfTI, NRRD, MetaImage, .npy, .npz, PNG, TIFF or a DICOM segmentation
      that is FRACTIONAL of type PROBABILITY. nnU-Net's .npz gets the geometry
      of the segmentation beside it; its .pkl is never opened.
    structure: Where a file holds several: the channel's index from 0, or a
      name of the dataset.json beside it or up to two folders up, whose regions
      have channels in the order of its labels; for DICOM a segment's label or
      number.
    eight_bit: Take unsigned bytes u as probabilities u / 255, and unsigned
      integers of 16 bits as u / 65535.
    beside: Another file, such as the reference; its dataset.json counts where
      the map has none.

  Returns:
    The map: float16, float32 or float64, or uint8 if `eight_bit` allows it;
    float32 of 16 bits.

  Raises:
    DataError: The file cannot be read, holds labels instead of
      probabilities, or several structures none of which was asked for.
    GeometryError: Its geometry is not that of a volume.
    StructureNotFoundError: It has no such structure.
    ConfigError: `structure` is neither a name nor a number.
    MissingExtraError: The library for its format is not installed.
  """
  where = pathlib.Path(path)
  near = None if beside is None else pathlib.Path(beside)
  structure = _load.checked(structure, _FLAG)
  if _paths.kind(where) == ".dcm":
    segmentation, key = _load.segment(where, structure, _FLAG)
    return volume.Volume.from_affine(
      segmentation.probabilities(key),
      _load.seg_affine(where, segmentation),
      source=where,
    )
  array, affine, left = _load.load(where, structure, _FLAG, beside=near)
  if left not in (None, 0) and not _is_only(where, left, near):
    raise errors.StructureNotFoundError(
      f"{where}: holds a single map, so {_text.shown(left)} names nothing in"
      f" it; leave it out ({_FLAG})"
    )
  _check_type(where, array.dtype, eight_bit)
  if array.dtype == np.uint16:
    array = array / _HIGHEST  # Each quotient in float64, then rounded once.
    array = array.astype(np.float32)
  return volume.Volume.from_affine(array, affine, source=where)


def _is_only(
  path: pathlib.Path, name: str | int, beside: pathlib.Path | None
) -> bool:
  """Whether a name is that of the only region of a network."""
  if not isinstance(name, str):
    return False
  labels = _labels.labels_of(path, beside=beside)
  return labels is not None and labels.channel(name, 1) == 0


def companions(path: pathlib.Path) -> tuple[pathlib.Path, ...]:
  """Files beside one from which its values, geometry or names may come.

  Args:
    path: The file.

  Returns:
    Those that exist: if one of them changes, the file may mean something else.

  Raises:
    DataError: Its header cannot be read, or names a file that is missing.
  """
  beside = [*_image_files.detached(path)]
  if _paths.suffix(path) == ".npz":  # nnU-Net's geometry.
    name = _paths.stem(path)
    images = [path.parent / f"{name}{end}" for end in _paths.IMAGES]
    beside += images
    for image in images:
      if image.is_file():
        beside += _image_files.detached(image)
  beside += _labels.places(path)
  return tuple(one for one in beside if one.is_file())


def _check_type(path: pathlib.Path, dtype: np.dtype, eight_bit: bool) -> None:
  if dtype in _FLOATS or (dtype in _WHOLE and eight_bit):
    return
  if dtype.kind not in "biu":
    raise errors.DataError(
      f"{path}: holds {dtype}; save probabilities as float16, float32 or"
      " float64"
    )
  highest = np.iinfo(dtype).max if dtype in _WHOLE else 0
  hint = f", or set eight_bit (--eight_bit) if 0 to {highest} stand for 0 to 1"
  raise errors.DataError(
    f"{path}: holds {dtype}, which are labels, not probabilities; save the"
    f" network's probabilities{hint if highest else ''}"
  )
