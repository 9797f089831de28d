"""All classes of a map, with the labels of the reference that they mean."""

import os
import pathlib

import numpy as np

from jaxseg import errors
from jaxseg.formats import _held
from jaxseg.formats import _image_files
from jaxseg.formats import _labels
from jaxseg.formats import _numpy
from jaxseg.formats import _paths
from jaxseg.formats import _read

Class = str | int | None
# What probabilities of all channels add up to, within rounding of float16.
_SLACK = 0.02


def classes(
  probabilities: str | os.PathLike, reference: str | os.PathLike
) -> list[tuple[Class, Class]]:
  """Every class of a map but the background, and its label.

  Args:
    probabilities: A map.
    reference: Its reference.

  Returns:
    Names of the dataset.json beside either file or up to two folders up, in
    its order and for both; else the channels of a softmax map but the first,
    as numbers, for both; (None, None) of a map of one channel.

  Raises:
    DataError: There are several channels without names that do not add up to 1
      in every voxel, so that nothing says which label each means.
  """
  path = pathlib.Path(probabilities)
  count = channels(path)
  if count == 1:
    return [(None, None)]
  names = _names(path, pathlib.Path(reference))
  if names:
    return [(name, name) for name in names]
  if winners(path) is None:
    raise errors.DataError(
      f"{path}: its {count} channels have no names and do not add up to 1, so"
      " nothing tells their labels; say which with --class=0,1 --label=1,2 or"
      " the like"
    )
  return [(k, k) for k in range(1, count)]


def channels(path: pathlib.Path) -> int:
  """Number of channels of a map.

  Raises:
    DataError: It is a DICOM file, or cannot be read.
  """
  if _paths.kind(path) == ".dcm":
    raise errors.DataError(
      f"{path}: a DICOM segmentation has segments, whose labels the reference"
      " may not share; name them with --class=A,B --label=A,B"
    )
  if _paths.suffix(path) in (".npy", ".npz"):
    return _numpy.channels(path)
  array, _ = _image_files.read(path)
  return len(array)


def winners(path: pathlib.Path) -> np.ndarray | None:
  """The channel that is highest in each voxel; of equal ones the first.

  Args:
    path: A map of several channels.

  Returns:
    Integers `[slice, row, column]`; None where the channels do not add up to 1
    in every voxel, as they do after a softmax.

  Raises:
    DataError: It is a DICOM file, or cannot be read.
  """
  with _held.held():
    count = channels(path)
    best = _read.read_probabilities(
      path, structure=0 if count > 1 else None, eight_bit=True
    ).array
    if count < 2 or best.dtype == np.uint8:
      return None
    total = best.astype(np.float32)
    found = np.zeros(best.shape, np.int16)
    for k in range(1, count):
      own = _read.read_probabilities(path, structure=k).array
      total += own
      higher = own > best
      found[higher] = k
      best = np.where(higher, own, best)
  return found if np.abs(total - 1).max(initial=0) <= _SLACK else None


def _names(path: pathlib.Path, beside: pathlib.Path) -> list[str]:
  """The structures that the nearest dataset.json names, in its order."""
  found = _labels.labels_of(path, beside=beside)
  if found is None:
    return []
  return [name for name, of in found.names.items() if set(of) != {0}]
