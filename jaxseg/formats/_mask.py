"""Reading a mask."""

import math
import os
import pathlib

import numpy as np

from jaxseg import _text
from jaxseg import errors
from jaxseg import volume
from jaxseg.formats import _labels
from jaxseg.formats import _load
from jaxseg.formats import _seg
from jaxseg.formats import _suffix


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
      gives an empty mask. For DICOM a segment's label or number.
    threshold: Of files with fractional values, voxels with at least this
      value are inside; files of whole numbers do not need and ignore it.

  Returns:
    The mask, bool.

  Raises:
    DataError: The file cannot be read, has fractional values and no
      threshold, or several structures none of which was asked for.
    GeometryError: Its geometry is not one of a volume.
    StructureNotFoundError: It has no such structure.
    ConfigError: `threshold` is not finite, or `structure` neither a name nor
      a number.
  """
  where = pathlib.Path(path)
  structure = _load.checked(structure)
  if threshold is not None and not math.isfinite(threshold):
    raise errors.ConfigError(f"threshold is {threshold}; give a finite number")
  kind = _suffix.kind(where)
  if kind == ".dcm":
    return _from_seg(where, structure, threshold)
  loaded = _load.load(where, kind, structure)
  if loaded.array.dtype.kind not in "biuf":
    raise errors.DataError(
      f"{where}: holds {loaded.array.dtype}; save labels as whole numbers"
    )
  if _is_whole(where, loaded.array):
    inside = _labelled(where, loaded.array, loaded.left)
  else:
    inside = _cut(where, loaded.array, loaded.left, threshold)
  return volume.Volume.from_affine(inside, loaded.affine, source=where)


def _from_seg(
  path: pathlib.Path, structure: str | int | None, threshold: float | None
) -> volume.Volume:
  segmentation, key, affine = _seg.read(path, structure)
  if segmentation.kind == "FRACTIONAL" and threshold is not None:
    inside = segmentation.probabilities(key) >= np.float64(threshold)
  else:
    inside = segmentation.mask(key)
  return volume.Volume.from_affine(inside, affine, source=path)


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
    structure = _labels.number(path, structure)
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
