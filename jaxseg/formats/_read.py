"""Reads the probability map or the mask of one structure from any format."""

import math
import operator
import os
import pathlib
from typing import TYPE_CHECKING

import numpy as np

from jaxseg import _text
from jaxseg import errors
from jaxseg import volume
from jaxseg.formats import _dataset_json
from jaxseg.formats import _image_files
from jaxseg.formats import _numpy
from jaxseg.formats import _paths

if TYPE_CHECKING:
  from jaxseg import dicom

_FLOATS = (np.float16, np.float32, np.float64)
# Values [slice, row, column], affine, and the structure asked for where it
# has not chosen a channel already.
_Loaded = tuple[np.ndarray, np.ndarray | None, str | int | None]


def read_probabilities(
  path: str | os.PathLike,
  *,
  structure: str | int | None = None,
  eight_bit: bool = False,
) -> volume.Volume:
  """Reads the probability map of one structure.

  Values are returned as stored; whoever counts them checks that they are
  finite and in [0, 1].

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
    GeometryError: Its geometry is not that of a volume.
    StructureNotFoundError: It has no such structure.
    ConfigError: `structure` is neither a name nor a number.
    MissingExtraError: The library for its format is not installed.
  """
  where = pathlib.Path(path)
  structure = _checked(structure)
  if _paths.kind(where) == ".dcm":
    segmentation, key = _segment(where, structure)
    return volume.Volume.from_affine(
      segmentation.probabilities(key),
      _seg_affine(where, segmentation),
      source=where,
    )
  array, affine, left = _load(where, structure)
  if left not in (None, 0):
    raise errors.StructureNotFoundError(
      f"{where}: holds a single map, so {_text.shown(left)} names nothing in"
      " it; leave it out"
    )
  _check_type(where, array.dtype, eight_bit)
  return volume.Volume.from_affine(array, affine, source=where)


def read_mask(
  path: str | os.PathLike,
  *,
  structure: str | int | None = None,
  threshold: float | None = None,
) -> volume.Volume:
  """Reads the mask of one structure.

  Args:
    path: NIfTI, NRRD, MetaImage, .npy, .npz or a DICOM segmentation.
    structure: Where a file holds several channels: the index of one, from 0.
      Else its label: a number other than 0, or a name of the dataset.json
      beside the file or one folder up; a label that the file does not have
      gives an empty mask. For DICOM a segment's label or number, for a
      .seg.nrrd of 3D Slicer a segment's name.
    threshold: Of files with fractional values, voxels with at least this
      value are inside; files of whole numbers neither need nor heed it.

  Returns:
    The mask, bool.

  Raises:
    DataError: The file cannot be read, has fractional values and no
      threshold, or several structures none of which was asked for.
    GeometryError: Its geometry is not that of a volume.
    StructureNotFoundError: It has no such structure.
    ConfigError: `threshold` is not finite, or `structure` neither a name nor
      a number.
    MissingExtraError: The library for its format is not installed.
  """
  where = pathlib.Path(path)
  structure = _checked(structure)
  if threshold is not None and not math.isfinite(threshold):
    raise errors.ConfigError(f"threshold is {threshold}; give a finite number")
  if _paths.kind(where) == ".dcm":
    segmentation, key = _segment(where, structure)
    if segmentation.kind == "FRACTIONAL" and threshold is not None:
      inside = segmentation.probabilities(key) >= np.float64(threshold)
    else:
      inside = segmentation.mask(key)
    return volume.Volume.from_affine(
      inside, _seg_affine(where, segmentation), source=where
    )
  array, affine, left = _load(where, structure, segments=True)
  if array.dtype.kind not in "biuf":
    raise errors.DataError(
      f"{where}: holds {array.dtype}; save labels as whole numbers"
    )
  if _is_whole(where, array):
    inside = _labelled(where, array, left)
  else:
    inside = _cut(where, array, left, threshold)
  return volume.Volume.from_affine(inside, affine, source=where)


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
  beside += (
    folder / file
    for folder in (path.absolute().parent, path.absolute().parent.parent)
    for file in _dataset_json.FILES
  )
  return tuple(one for one in beside if one.is_file())


def _checked(structure: str | int | None) -> str | int | None:
  """A structure as its caller gave it, NumPy's integers as Python's."""
  if structure is None or isinstance(structure, str):
    return structure
  try:
    return operator.index(structure)
  except TypeError as e:
    raise errors.ConfigError(
      f"structure is {structure!r}; give a name or a whole number"
    ) from e


def _load(
  path: pathlib.Path, structure: str | int | None, *, segments: bool = False
) -> _Loaded:
  """Reads any file but DICOM; of several channels the one asked for."""
  match _paths.suffix(path):
    case ".npy":
      array, left = _numpy.read_npy(path, structure)
      return array, None, left
    case ".npz":
      return _numpy.read_npz(path, structure)
    case ".nrrd" | ".nhdr" if segments and isinstance(structure, str):
      segment = _image_files.segment(path, structure)
      if segment is not None:
        layer, label = segment
        array, affine = _image_files.read(path)
        return array[layer if len(array) > 1 else 0], affine, label
  array, affine = _image_files.read(path)
  if len(array) == 1:
    return array[0], affine, structure
  channel = _dataset_json.channel(len(array), structure, path)
  # A copy, lest one channel keep all of them in memory.
  return array[channel].copy(), affine, None


def _segment(
  path: pathlib.Path, structure: str | int | None
) -> tuple["dicom.Segmentation", int]:
  """A DICOM segmentation, and the number of the segment asked for."""
  from jaxseg import dicom  # Slow to import, and needed for DICOM alone.

  found = dicom.read_seg(path)
  if structure is None:
    if len(found.segments) != 1:
      listed = ", ".join(
        f"{one.number} {_text.shown(one.label)}" for one in found.segments[:20]
      )
      raise errors.DataError(
        f"{path}: holds {len(found.segments)} segments, {listed or 'none'};"
        " say which by its number or label"
      )
    structure = found.segments[0].number
  return found, found[structure].number


def _seg_affine(
  path: pathlib.Path, segmentation: "dicom.Segmentation"
) -> np.ndarray:
  try:
    return segmentation.affine
  except errors.GeometryError as e:
    raise errors.GeometryError(f"{path}: {e}") from e


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


def _is_whole(path: pathlib.Path, array: np.ndarray) -> bool:
  """Whether all values are whole numbers."""
  if array.dtype.kind != "f":
    return True
  if not np.isfinite(array).all():
    raise errors.DataError(
      f"{path}: holds NaN or infinity, which no mask has; write it again"
    )
  return bool((np.rint(array) == array).all())


def _cut(
  path: pathlib.Path,
  array: np.ndarray,
  structure: str | int | None,
  threshold: float | None,
) -> np.ndarray:
  if threshold is None:
    raise errors.DataError(
      f"{path}: holds fractional values from {array.min():.4g} to"
      f" {array.max():.4g}, so it is no mask; give a mask, or a threshold"
    )
  if structure not in (None, 0):
    raise errors.StructureNotFoundError(
      f"{path}: holds fractional values of one structure, so"
      f" {_text.shown(structure)} names nothing in it; leave it out"
    )
  # A scalar of float64, lest 0.3 be rounded to the array's float16.
  return array >= np.float64(threshold)


def _labelled(
  path: pathlib.Path, array: np.ndarray, structure: str | int | None
) -> np.ndarray:
  """Voxels of one label."""
  if isinstance(structure, str):
    structure = _dataset_json.number(path, structure)
  if structure == 0:
    raise errors.StructureNotFoundError(
      f"{path}: label 0 is the background; give another label"
    )
  if structure is not None:
    return array == structure
  inside = array != 0
  found = [int(label) for label in np.unique(array[inside])]
  if len(found) > 1:
    more = ", ..." if len(found) > 20 else ""
    raise errors.DataError(
      f"{path}: holds the labels {', '.join(map(str, found[:20]))}{more}; say"
      " which is meant"
    )
  return inside
