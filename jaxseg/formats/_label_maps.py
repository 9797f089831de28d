"""Files of masks and label maps: found, and what their labels are called."""

import os
import pathlib
import re

import numpy as np

from jaxseg import _extras
from jaxseg import errors
from jaxseg.formats import _image_files
from jaxseg.formats import _labels
from jaxseg.formats import _load
from jaxseg.formats import _paths

# More are no labels but intensities. TotalSegmentator has 117.
_MOST_LABELS = 1000


def find_masks(given: _paths.Given) -> tuple[pathlib.Path, ...]:
  """Files of masks or label maps, sorted by path.

  Args:
    given: A file, a folder, a pattern with `*` and recursive `**`, or a list of
      files, as in `pair`. Of a folder, all files of known kinds in it and below
      it count, but DICOM, and nnU-Net's .npz beside its segmentations.

  Returns:
    The files.

  Raises:
    DataError: There are none.
  """
  if isinstance(given, str | os.PathLike) and pathlib.Path(given).is_dir():
    # Below it, for a folder of a patient each may lie beside other files.
    try:
      entries = sorted(pathlib.Path(given).rglob("*"))
    except OSError as e:
      raise _paths.unreadable(pathlib.Path(given), e) from e
    found = tuple(
      path
      for path in entries
      if _paths.suffix(path) not in ("", ".dcm")
      and not any(
        part.startswith(".") for part in path.relative_to(given).parts
      )
      and path.is_file()
    )
    volumes = tuple(p for p in found if _paths.suffix(p) in _paths.IMAGES)
    found = volumes or found
  else:
    found = _paths.find(given, "masks", flag="or one with DICOM")
  maps = {(p.parent, _paths.stem(p)) for p in found if _is_map(p)}
  beside = {(p.parent, _paths.stem(p)) for p in found if not _is_map(p)}
  found = tuple(
    path
    for path in found
    if not (_is_map(path) and (path.parent, _paths.stem(path)) in maps & beside)
  )
  if not found:
    raise errors.DataError(
      f"{given}: holds no masks; give DICOM, or files that end in"
      f" {', '.join(_paths.KNOWN)}"
    )
  return found


def stem_of(path: pathlib.Path) -> str:
  """A file's name without its known ending.

  Args:
    path: The file.

  Returns:
    "case_001" of case_001.nii.gz.
  """
  return _paths.stem(path)


def labels_in(
  path: str | os.PathLike,
) -> tuple[dict[str, str | int], bool]:
  """What a label map holds: names of structures, and how each is asked for.

  Args:
    path: NIfTI, NRRD (also of 3D Slicer), MetaImage, .npy, .npz, PNG or TIFF.

  Returns:
    Name -> what `read_reference` takes for `structure`. Names are those of a
    segmentation of 3D Slicer, of dataset.json or of the file's own header;
    labels without one have their number as name. And whether some names come
    from such a list, so that structures the map does not show are there, too.

  Raises:
    DataError: The file cannot be read, or its values are no labels.
  """
  where = pathlib.Path(path)
  kind = _paths.kind(where)
  if kind in (".nrrd", ".nhdr"):
    segments = _segments(where)
    if segments:
      return {name: name for name in segments}, True
  said = _labels.labels_of(where)
  names: dict[str, str | int] = {}
  known: set[int] = set()
  if said is not None:
    names = {n: n for n, own in said.names.items() if set(own) != {0}}
    known = {label for own in said.names.values() for label in own}
    known |= {said.ignore} if said.ignore is not None else set()
  array, _, _ = _load.load(where, None, "")
  if array.dtype.kind == "f" and not np.isfinite(array).all():
    raise errors.DataError(
      f"{where}: holds NaN or infinity, which no label map has; write it again"
    )
  found = np.unique(array)
  if array.dtype.kind not in "biuf" or (np.rint(found) != found).any():
    raise errors.DataError(
      f"{where}: holds fractional values from {found[0]:.4g} to"
      f" {found[-1]:.4g}, so it is no mask; cut it at a threshold first"
      " (jaxseg apply)"
    )
  if len(found) > _MOST_LABELS or found[0] < 0:
    raise errors.DataError(
      f"{where}: holds {len(found)} values from {found[0]:.4g} to"
      f" {found[-1]:.4g}, as an image does and no label map; give masks"
    )
  for label in map(int, found):
    if label and label not in known:
      names[str(label)] = label
  return names, said is not None


def _segments(path: pathlib.Path) -> list[str]:
  """Names of the segments in a file of 3D Slicer."""
  nrrd = _extras.load("nrrd", extra="io")
  lines = _image_files.nrrd_header(path).decode("utf-8", "replace")
  try:
    header = nrrd.read_header(lines.splitlines())
  except (nrrd.NRRDError, ValueError):
    return []  # Whoever reads its values says why.
  return [
    str(value)
    for field, value in header.items()
    if re.fullmatch(r"Segment[0-9]+_Name", field)
  ]


def _is_map(path: pathlib.Path) -> bool:
  return _paths.suffix(path) == ".npz"
