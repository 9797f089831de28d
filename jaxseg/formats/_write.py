"""Maps found without references, and masks written where their maps lie."""

from collections.abc import Iterable, Sequence
import os
import pathlib

import numpy as np

from jaxseg import _extras
from jaxseg import _files
from jaxseg import _text
from jaxseg import errors
from jaxseg import volume
from jaxseg.formats import _keys
from jaxseg.formats import _nifti
from jaxseg.formats import _paths


def find_maps(given: _paths.Given) -> list[tuple[str, pathlib.Path]]:
  """Maps and their names, as `pair` names them.

  Args:
    given: A file, a folder, a pattern with `*` and recursive `**`, or a list of
      files, as in `pair`.

  Returns:
    (name, path) of each; names of one folder each may hold a `/`.

  Raises:
    DataError: There are no files, or a name fits two of them.
  """
  return named(
    _paths.without_segmentations(_paths.find(given, "probabilities"))
  )


def named(paths: Sequence[pathlib.Path]) -> list[tuple[str, pathlib.Path]]:
  """Files with names that tell them apart, as `pair` names them.

  Args:
    paths: The files.

  Returns:
    (name, path) of each; names of one folder each may hold a `/`.

  Raises:
    DataError: A name fits two files; those that differ in case alone are one,
      as some file systems have it.
  """
  keys = _keys.filled(paths)
  first: dict[str, pathlib.Path] = {}
  for key, path in zip(keys, paths, strict=True):
    other = first.setdefault(key.casefold(), path)
    if other != path:
      raise errors.DataError(
        f"{other} and {path}: both fit the name {_text.shown(key)}; give one"
        " of them only"
      )
  return list(zip(keys, paths, strict=True))


def check_nifti(grid: volume.Grid) -> None:
  """Refuses a grid on which no NIfTI file is written.

  Args:
    grid: Where voxels lie.

  Raises:
    GeometryError: The slices are not evenly spaced, or are shifted against each
      other, as by a tilted gantry: NIfTI would hold axes that are not
      orthogonal, which neither this library nor ITK reads.
  """
  skew = _nifti.skew(grid.affine[:3, :3])
  if skew > _nifti.MOST_SKEW:
    raise errors.GeometryError(
      f"the axes are {np.degrees(np.arcsin(skew)):.2f} degrees off a right"
      " angle, as of a tilted gantry, and common readers of NIfTI refuse such"
      " axes; write RTSTRUCT or SEG, or resample the image to orthogonal axes"
    )


def write_mask(
  stem: str | os.PathLike, mask: volume.Volume, *, overwrite: bool = False
) -> pathlib.Path:
  """Writes a mask in one step: as NIfTI, or as .npy where it has no geometry.

  Args:
    stem: Path without an ending; its folder is made.
    mask: bool `[slice, row, column]`; stored as 0 and 1, uint8, with axes in
      the order of the file it comes from.
    overwrite: Whether a file that is there is replaced.

  Returns:
    The path: stem.nii.gz or stem.npy.

  Raises:
    ExistingOutputError: It is there already.
    GeometryError: As of `check_nifti`.
    MissingExtraError: nibabel is not installed.
  """
  given = mask.array
  # The same bytes: no copy where none is needed.
  array = given.view(np.uint8) if given.dtype == np.bool_ else given
  inside = mask.with_array(np.asarray(array, np.uint8))
  return _write(pathlib.Path(stem), inside, overwrite)


def write_mask_slices(
  stem: str | os.PathLike,
  slices: Iterable[np.ndarray],
  grid: volume.Grid,
  *,
  overwrite: bool = False,
) -> pathlib.Path:
  """Writes what `write_mask` does, of slices that are made one at a time.

  Args:
    stem: As of `write_mask`.
    slices: bool `[row, column]`, all of the grid's, in order.
    grid: Where they lie.
    overwrite: As of `write_mask`.

  Returns:
    The path: stem.nii.gz.

  Raises:
    ExistingOutputError: It is there already.
    GeometryError: As of `check_nifti`.
    MissingExtraError: nibabel is not installed.
  """
  nibabel = _extras.load("nibabel", extra="io")
  stem = pathlib.Path(stem)
  path = stem.with_name(f"{stem.name}.nii.gz")
  _files.check_free(path, overwrite=overwrite)
  _check_grid(path, grid)
  nothing = np.broadcast_to(np.uint8(0), grid.shape[::-1])
  header = nibabel.Nifti1Image(nothing, _ras(grid.affine)).header
  header.set_slope_inter(1, 0)
  with (
    _files.new_file(path) as temporary,
    nibabel.openers.ImageOpener(temporary, "wb") as file,  # Closed first.
  ):
    header.write_to(file)
    file.write(bytes(header.get_data_offset() - file.tell()))
    for one in slices:
      file.write(np.asarray(one, np.uint8).tobytes())
  return path


def write_image(
  stem: str | os.PathLike, image: volume.Volume, *, overwrite: bool = False
) -> pathlib.Path:
  """Writes an image or a label map in one step, as `write_mask` does a mask.

  Args:
    stem: Path without an ending; its folder is made.
    image: Numbers `[slice, row, column]`, stored in their own type.
    overwrite: Whether a file that is there is replaced.

  Returns:
    The path: stem.nii.gz or stem.npy.

  Raises:
    ExistingOutputError: It is there already.
    GeometryError: As of `check_nifti`.
    MissingExtraError: nibabel is not installed.
  """
  return _write(pathlib.Path(stem), image, overwrite)


def write_map(
  stem: str | os.PathLike, maps: volume.Volume, *, overwrite: bool = False
) -> pathlib.Path:
  """Writes probabilities as float32, in one step, as `write_mask` a mask.

  Args:
    stem: Path without an ending; its folder is made.
    maps: `[slice, row, column]`.
    overwrite: Whether a file that is there is replaced.

  Returns:
    The path: stem.nii.gz or stem.npy.

  Raises:
    ExistingOutputError: It is there already.
    GeometryError: As of `check_nifti`.
    MissingExtraError: nibabel is not installed.
  """
  values = maps.with_array(np.asarray(maps.array, np.float32))
  return _write(pathlib.Path(stem), values, overwrite)


def _write(
  stem: pathlib.Path, image: volume.Volume, overwrite: bool
) -> pathlib.Path:
  end = ".npy" if image.grid is None else ".nii.gz"
  path = stem.with_name(stem.name + end)
  _files.check_free(path, overwrite=overwrite)
  array, mask = image.array, image
  if mask.grid is not None:
    _check_grid(path, mask.grid)
  with _files.new_file(path) as temporary:
    if mask.grid is None:
      with open(temporary, "wb") as file:
        np.save(file, array)
    else:
      nibabel = _extras.load("nibabel", extra="io")
      ras = _ras(mask.affine)
      nibabel.save(
        nibabel.Nifti1Image(array.transpose(2, 1, 0), ras), temporary
      )
  return path


def _check_grid(path: pathlib.Path, grid: volume.Grid) -> None:
  try:
    check_nifti(grid)
  except errors.GeometryError as e:
    raise errors.GeometryError(f"{path}: {e}") from e


def _ras(affine: np.ndarray) -> np.ndarray:
  """NIfTI has x first, and points to the right, front and head (RAS)."""
  return np.diag([-1.0, -1.0, 1.0, 1.0]) @ affine[:, [2, 1, 0, 3]]
