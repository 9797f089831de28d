"""All classes of a map, with the labels of the reference that they mean."""

import os
import pathlib

import numpy as np

from jaxseg import errors
from jaxseg.formats import _dataset_json
from jaxseg.formats import _held
from jaxseg.formats import _image_files
from jaxseg.formats import _labels
from jaxseg.formats import _load
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
    as numbers, for both; (None, None) of a map of one channel. Of a DICOM
    segmentation the labels of its segments, for both.

  Raises:
    DataError: There are several channels without names that do not add up to 1
      in every voxel, so that nothing says which label each means; or segments
      without labels of their own.
  """
  path = pathlib.Path(probabilities)
  if _paths.kind(path) == ".dcm":
    return _segments(path)
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


def _segments(path: pathlib.Path) -> list[tuple[Class, Class]]:
  found = _load.segments(path)
  if len(found.segments) == 1:
    return [(None, None)]
  names = [one.label for one in found.segments]
  numbers = ", ".join(str(one.number) for one in found.segments[:20])
  odd = [name for name in names if not name or names.count(name) > 1]
  if odd or not names:
    raise errors.DataError(
      f"{path}: has {len(names)} segments, not all with a label of their own;"
      f" name those that are wanted by their numbers: {numbers or 'none'}"
      " (--class)"
    )
  return [(name, name) for name in names]


def channels(path: pathlib.Path) -> int:
  """Number of channels of a map; 1 of a DICOM segmentation, which has none.

  Raises:
    DataError: It cannot be read.
  """
  if _paths.kind(path) == ".dcm":
    return 1
  if _paths.suffix(path) in (".npy", ".npz"):
    return _numpy.channels(path)
  array, _ = _image_files.read(path)
  return len(array)


def channel(
  path: pathlib.Path, structure: Class, *, beside: pathlib.Path | None = None
) -> int:
  """Which channel of a map is a class.

  Args:
    path: The map.
    structure: The class, as in `read_probabilities`.
    beside: Another file, whose dataset.json counts where the map has none.

  Returns:
    Its index, from 0; 0 of a map of one channel.

  Raises:
    DataError: It cannot be read, or no class of several was asked for.
    StructureNotFoundError: It has no such class.
  """
  with _held.held():
    count = channels(path)
  if count < 2:
    return 0
  asked = _dataset_json.Asked(structure, "--class", beside)
  return _dataset_json.channel(count, asked, path)


def winners(path: pathlib.Path) -> np.ndarray | None:
  """The channel that is highest in each voxel; of equal ones the first.

  Args:
    path: A map of several channels.

  Returns:
    Integers `[slice, row, column]`; None where the channels do not add up to 1
    in every voxel, as they do after a softmax.

  Raises:
    DataError: It cannot be read.
  """
  with _held.held():
    count = channels(path)
    if count < 2:
      return None
    best = _read.read_probabilities(path, structure=0, eight_bit=True).array
    if best.dtype == np.uint8:
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
