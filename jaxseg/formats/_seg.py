"""A DICOM segmentation as the source of a map or mask."""

import pathlib

import numpy as np

from jaxseg import _text
from jaxseg import dicom
from jaxseg import errors


def read(
  path: pathlib.Path, structure: str | int | None
) -> tuple[dicom.Segmentation, str | int, np.ndarray]:
  """Reads a SEG and finds the segment asked for.

  Args:
    path: The file.
    structure: Label or number; None takes the only one.

  Returns:
    The segmentation, the segment's key, and the affine.

  Raises:
    DataError: The file is no SEG, or which segment is not said.
    GeometryError: Its slices are not evenly spaced.
    StructureNotFoundError: There is no such segment.
  """
  found = dicom.read_seg(path)
  if structure is None:
    if len(found.segments) != 1:
      listed = ", ".join(
        f"{one.number} {_text.shown(one.label)}" for one in found.segments[:20]
      )
      raise errors.DataError(
        f"{path}: holds {len(found.segments)} segments, {listed or 'none'};"
        " say which is meant, by its number or label"
      )
    structure = found.segments[0].number
  key = found[structure].number
  try:
    return found, key, found.affine
  except errors.GeometryError as e:
    raise errors.GeometryError(f"{path}: {e}") from e
