"""Reading a probability map."""

import os
import pathlib

import numpy as np

from jaxseg import _text
from jaxseg import errors
from jaxseg import volume
from jaxseg.formats import _load
from jaxseg.formats import _seg
from jaxseg.formats import _suffix

_FLOATS = (np.float16, np.float32, np.float64)


def read_probabilities(
  path: str | os.PathLike,
  *,
  structure: str | int | None = None,
  eight_bit: bool = False,
) -> volume.Volume:
  """Reads the probability map of one structure.

  Values are handed over as stored; that they are finite and in [0, 1] is for
  those to check who count.

  Args:
    path: NIfTI, NRRD, MetaImage, .npy, .npz or a DICOM segmentation that is
      FRACTIONAL of type PROBABILITY. nnU-Net's .npz gets the geometry of the
      segmentation beside it; its .pkl is never opened.
    structure: Where a file holds several: the channel's index from 0; for
      nnU-Net's .npz also a name of the dataset.json beside it or one folder
      up; for DICOM a segment's label or number.
    eight_bit: Take unsigned bytes u as probabilities u / 255.

  Returns:
    The map: float16, float32 or float64, or uint8 if `eight_bit` allows it.

  Raises:
    DataError: The file cannot be read, holds labels instead of
      probabilities, or several structures none of which was asked for.
    GeometryError: Its geometry is not one of a volume.
    StructureNotFoundError: It has no such structure.
    ConfigError: `structure` is neither a name nor a number.
  """
  where = pathlib.Path(path)
  structure = _load.checked(structure)
  kind = _suffix.kind(where)
  if kind == ".dcm":
    segmentation, key, affine = _seg.read(where, structure)
    return volume.Volume.from_affine(
      segmentation.probabilities(key), affine, source=where
    )
  loaded = _load.load(where, kind, structure)
  if loaded.left not in (None, 0):
    raise errors.StructureNotFoundError(
      f"{where}: holds one map, so {_text.shown(loaded.left)} names nothing in"
      " it; leave it out"
    )
  _check_type(where, loaded.array.dtype, eight_bit)
  return volume.Volume.from_affine(loaded.array, loaded.affine, source=where)


def _check_type(path: pathlib.Path, dtype: np.dtype, eight_bit: bool) -> None:
  if dtype in _FLOATS or (dtype == np.uint8 and eight_bit):
    return
  if dtype.kind not in "biu":
    raise errors.DataError(
      f"{path}: holds {dtype}; save probabilities as float16, float32 or"
      " float64"
    )
  hint = ", or set eight_bit if 0 to 255 stand for 0 to 1"
  raise errors.DataError(
    f"{path}: holds {dtype}, which are labels, not probabilities; save the"
    f" network's probabilities{hint if dtype == np.uint8 else ''}"
  )
