"""One structure's values from any file, whatever they stand for."""

import operator
import pathlib
from typing import TYPE_CHECKING

import numpy as np

from jaxseg import _text
from jaxseg import errors
from jaxseg.formats import _dataset_json
from jaxseg.formats import _held
from jaxseg.formats import _image_files
from jaxseg.formats import _numpy
from jaxseg.formats import _paths

if TYPE_CHECKING:
  from jaxseg import dicom

# Values [slice, row, column], affine, and the structure asked for where it
# has not chosen a channel already.
Loaded = tuple[np.ndarray, np.ndarray | None, str | int | None]


def checked(structure: str | int | None, flag: str) -> str | int | None:
  """A structure as its caller gave it, NumPy's integers as Python's."""
  if structure is None or isinstance(structure, str):
    return structure
  try:
    return operator.index(structure)
  except TypeError as e:
    raise errors.ConfigError(
      f"structure is {structure!r}; give a name or a whole number ({flag})"
    ) from e


def load(
  path: pathlib.Path,
  structure: str | int | None,
  flag: str,
  *,
  segments: bool = False,
  beside: pathlib.Path | None = None,
) -> Loaded:
  """Reads any file but DICOM; of several channels the one asked for.

  Args:
    path: The file.
    structure: Which channel; of a single one it is handed back.
    flag: What gives it on the command line, for messages.
    segments: Whether a name may be a segment's of a .seg.nrrd.
    beside: Another file whose dataset.json counts where this one has none.
  """
  which = _dataset_json.Asked(structure, flag, beside)
  match _paths.suffix(path):
    case ".npy":
      array, left = _numpy.read_npy(path, which)
      return array, None, left
    case ".npz":
      return _numpy.read_npz(path, which)
    case ".nrrd" | ".nhdr" if segments and isinstance(structure, str):
      segment = _image_files.segment(path, structure)
      if segment is not None:
        layer, label = segment
        array, affine = _image_files.read(path)
        return array[layer if len(array) > 1 else 0], affine, label
  array, affine = _image_files.read(path)
  if len(array) == 1:
    return array[0], affine, structure
  channel = _dataset_json.channel(len(array), which, path)
  # A copy, lest one channel keep all of them in memory.
  return array[channel].copy(), affine, None


def segments(path: pathlib.Path) -> "dicom.Segmentation":
  """A DICOM segmentation."""
  from jaxseg import dicom  # Slow to import, and needed for DICOM alone.

  return _held.once(path, lambda: dicom.read_seg(path))


def segment(
  path: pathlib.Path, structure: str | int | None, flag: str
) -> tuple["dicom.Segmentation", int]:
  """A DICOM segmentation, and the number of the segment asked for."""
  found = segments(path)
  if structure is None:
    if len(found.segments) != 1:
      listed = ", ".join(
        f"{one.number} {_text.shown(one.label)}" for one in found.segments[:20]
      )
      raise errors.DataError(
        f"{path}: holds {len(found.segments)} segments, {listed or 'none'};"
        f" say which by its number or label ({flag})"
      )
    structure = found.segments[0].number
  try:
    return found, found[structure].number
  except errors.StructureNotFoundError as e:
    raise errors.StructureNotFoundError(
      f"{e}; give one of these ({flag})"
    ) from e


def seg_affine(
  path: pathlib.Path, segmentation: "dicom.Segmentation"
) -> np.ndarray:
  """The affine of a DICOM segmentation."""
  try:
    return segmentation.affine
  except errors.GeometryError as e:
    raise errors.GeometryError(f"{path}: {e}") from e
