"""Reads the mask of one structure from any format, and what nobody knows."""

from collections.abc import Iterator, Sequence
import math
import os
import pathlib

import numpy as np

from jaxseg import _text
from jaxseg import errors
from jaxseg import volume
from jaxseg.formats import _dataset_json
from jaxseg.formats import _labels
from jaxseg.formats import _load
from jaxseg.formats import _paths

# What a voxel of a reference is.
OUTSIDE, INSIDE, IGNORED = 0, 1, 2

_FLAG, _FLAG_IGNORE = "--label", "--ignore"
_FLAG_FILES = "--reference"
# Names and numbers of what is read as one structure.
Wanted = str | int | Sequence[str | int] | None
_Part = tuple[np.ndarray, np.ndarray | None]


def read_mask(
  path: str | os.PathLike,
  *,
  structure: Wanted = None,
  threshold: float | None = None,
) -> volume.Volume:
  """Reads the mask of one structure.

  Args:
    path: NIfTI, NRRD, MetaImage, .npy, .npz, PNG, TIFF or a DICOM segmentation.
    structure: Where a file holds several channels: the index of one, from 0.
      Else its label: a number other than 0, or a name or region of the
      dataset.json beside the file or up to two folders up, or else in the
      header of a NIfTI file, as TotalSegmentator writes them; a label that
      the file does not have gives an empty mask. For DICOM a segment's label or
      number, for a .seg.nrrd of 3D Slicer a segment's name. Of a sequence, all
      that is in any of them.
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
  if threshold is not None and not math.isfinite(threshold):
    raise errors.ConfigError(f"threshold is {threshold}; give a finite number")
  coded = _coded(pathlib.Path(path), structure, (), threshold, None)
  return volume.Volume(coded.array == INSIDE, coded.grid, coded.source)


def read_reference(
  path: str | os.PathLike,
  *,
  structure: Wanted = None,
  ignore: Sequence[str | int] | None = None,
  beside: str | os.PathLike | None = None,
) -> volume.Volume:
  """Reads the mask of one structure, and which voxels nobody knows.

  Args:
    path: As in `read_mask`.
    structure: As in `read_mask`.
    ignore: Labels (or channels, or segments) of voxels that do not count; None
      is the label that dataset.json names "ignore", as nnU-Net has it, if it
      names one, and () none.
    beside: Another file, such as the map; its dataset.json counts where the
      reference has none.

  Returns:
    uint8: 0 outside, 1 inside, 2 where the voxel does not count.

  Raises:
    DataError: As `read_mask`.
    GeometryError: Its geometry is not that of a volume.
    StructureNotFoundError: It has no such structure, or that is ignored.
    ConfigError: `structure` is neither a name nor a number.
    MissingExtraError: The library for its format is not installed.
  """
  near = None if beside is None else pathlib.Path(beside)
  return _coded(pathlib.Path(path), structure, ignore, None, near)


def _coded(
  where: pathlib.Path,
  structure: Wanted,
  ignore: Sequence[str | int] | None,
  threshold: float | None,
  beside: pathlib.Path | None,
) -> volume.Volume:
  """What each voxel is, uint8."""
  if isinstance(structure, Sequence) and not isinstance(structure, str):
    wanted = [_load.checked(one, _FLAG) for one in structure]
  else:
    wanted = [_load.checked(structure, _FLAG)]
  if not wanted:
    raise errors.ConfigError(
      f"structure is empty; give one or more labels ({_FLAG})"
    )
  if _paths.kind(where) == ".dcm":
    parts = _segments(where, wanted, ignore or (), threshold)
  else:
    parts = _of_labels(where, wanted, ignore, threshold, beside)
  coded, affine = next(parts)
  for more, _ in parts:
    np.maximum(coded, more, out=coded)
  return volume.Volume.from_affine(coded, affine, source=where)


def _segments(
  where: pathlib.Path,
  wanted: Sequence[str | int | None],
  ignore: Sequence[str | int],
  threshold: float | None,
) -> Iterator[_Part]:
  """Segments of a DICOM segmentation, coded one after the other."""
  keys = []
  for one in wanted:
    segmentation, key = _load.segment(where, one, _FLAG)
    keys.append(key)
  affine = _load.seg_affine(where, segmentation)
  for key in keys:
    if segmentation.kind == "FRACTIONAL" and threshold is not None:
      inside = segmentation.probabilities(key) >= np.float64(threshold)
    else:
      inside = segmentation.mask(key)
    yield inside.astype(np.uint8), affine
  for one in ignore:
    key = segmentation[one].number
    if key in keys:
      raise _both(where, [key])
    yield IGNORED * segmentation.mask(key).astype(np.uint8), affine


def _of_labels(
  where: pathlib.Path,
  wanted: Sequence[str | int | None],
  ignore: Sequence[str | int] | None,
  threshold: float | None,
  beside: pathlib.Path | None,
) -> Iterator[_Part]:
  """Labels or channels of any other file, coded one after the other."""
  array, affine, left = _load.load(where, wanted[0], _FLAG, segments=True)
  if left == wanted[0]:  # It chose no channel or segment, so all are labels.
    left_out = _left_out(where, ignore, beside)
    yield _one(where, array, wanted, left_out, threshold, beside), affine
    return
  yield _one(where, array, [left], (), threshold, beside), affine
  del array
  others = [(one, _FLAG, INSIDE) for one in wanted[1:]]
  others += [(one, _FLAG_IGNORE, IGNORED) for one in ignore or ()]
  for one, flag, code in others:
    if code == IGNORED and one in wanted:
      raise _both(where, [str(one)])
    array, affine, left = _load.load(where, one, flag, segments=True)
    inside = _one(where, array, [left], (), threshold, beside) == INSIDE
    yield code * inside.astype(np.uint8), affine


def _left_out(
  where: pathlib.Path,
  ignore: Sequence[str | int] | None,
  beside: pathlib.Path | None,
) -> tuple[int, ...]:
  """The labels that do not count."""
  if ignore is None:
    try:
      found = _labels.labels_of(where, beside=beside)
    except errors.DataError as e:
      raise errors.DataError(
        f"{e}; or say yourself what is ignored ({_FLAG_IGNORE}=none)"
      ) from e
    return () if found is None or found.ignore is None else (found.ignore,)
  labels = [
    label
    for one in ignore
    for label in _dataset_json.values(where, one, _FLAG_IGNORE, beside=beside)
  ]
  if 0 in labels:
    raise errors.ConfigError(
      f"{where}: label 0 is the background, which counts; leave out another"
      f" label ({_FLAG_IGNORE})"
    )
  return tuple(labels)


def _one(
  where: pathlib.Path,
  array: np.ndarray,
  wanted: Sequence[str | int | None],
  left_out: tuple[int, ...],
  threshold: float | None,
  beside: pathlib.Path | None,
) -> np.ndarray:
  """What each voxel of an array is, uint8."""
  if array.dtype.kind not in "biuf":
    raise errors.DataError(
      f"{where}: holds {array.dtype}; save labels as whole numbers"
    )
  if not _is_whole(where, array):
    return _cut(where, array, wanted, threshold).astype(np.uint8)
  given = [one for one in wanted if one is not None]
  labels = [
    label
    for one in given
    for label in _dataset_json.values(where, one, _FLAG, beside=beside)
  ]
  if 0 in labels:
    raise errors.StructureNotFoundError(
      f"{where}: label 0 is the background; give another label ({_FLAG})"
    )
  if both := [label for label in labels if label in left_out]:
    raise _both(where, both)
  ignored = _in(array, left_out) if left_out else None
  inside = _in(array, labels) if given else array != 0
  if ignored is not None:
    inside &= ~ignored
  if not given:
    _check_single(where, array, inside)
  coded = inside.astype(np.uint8)
  if ignored is not None:
    coded[ignored] = IGNORED
  return coded


def _in(array: np.ndarray, labels: Sequence[int]) -> np.ndarray:
  if len(labels) == 1:
    return array == labels[0]
  return np.isin(array, labels)


def _check_single(
  where: pathlib.Path, array: np.ndarray, inside: np.ndarray
) -> None:
  """Refuses several labels none of which was asked for."""
  found = [int(label) for label in np.unique(array[inside])]
  if len(found) > 1:
    more = ", ..." if len(found) > 20 else ""
    raise errors.DataError(
      f"{where}: holds the labels {', '.join(map(str, found[:20]))}{more}; say"
      f" which is meant ({_FLAG})"
    )


def _both(
  where: pathlib.Path, labels: Sequence[str | int]
) -> errors.StructureNotFoundError:
  return errors.StructureNotFoundError(
    f"{where}: {', '.join(map(str, labels))} is asked for and ignored; give"
    f" another label ({_FLAG}), or say what is ignored ({_FLAG_IGNORE}=none)"
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
  wanted: Sequence[str | int | None],
  threshold: float | None,
) -> np.ndarray:
  if threshold is None:
    raise errors.DataError(
      f"{path}: holds fractional values from {array.min():.4g} to"
      f" {array.max():.4g}, so it is no mask; give a mask ({_FLAG_FILES}),"
      " or a threshold"
    )
  if list(wanted) not in ([None], [0]):
    said = ", ".join(_text.shown(one) for one in wanted)
    raise errors.StructureNotFoundError(
      f"{path}: holds fractional values of one structure, so {said} names"
      " nothing in it; leave it out"
    )
  # A scalar of float64, lest 0.3 be rounded to the array's float16.
  return array >= np.float64(threshold)
