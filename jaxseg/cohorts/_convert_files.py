"""Writes the contours of one case, and compares what comes back."""

from collections.abc import Mapping, Sequence
import dataclasses
import itertools
import pathlib
import re
from typing import Any

import numpy as np

from jaxseg import _text
from jaxseg import dicom
from jaxseg import errors
from jaxseg import formats
from jaxseg import structures
from jaxseg import volume
from jaxseg.cohorts import _contours
from jaxseg.cohorts import _mask_files

TARGETS = ("nifti", "rtstruct", "seg")
_IMAGE = "image"
_TYPE = re.compile(r"[A-Z0-9_ ]{1,16}")
_MADE = ("AUTOMATIC", "SEMIAUTOMATIC", "MANUAL")


@dataclasses.dataclass(frozen=True)
class ConvertOptions:
  """How contours are converted.

  Attributes:
    target: "nifti", "rtstruct" or "seg".
    names: Only these, as the files have them or canonical; None is all.
    aliases: Own names.
    canonical: Whether known structures get their canonical names in NIfTI.
    with_image: Whether the image is written beside masks in NIfTI.
    resample: Whether masks on another grid than the image's take the nearest
      voxel.
    overwrite: Whether what is there is replaced.
  """

  target: str
  names: tuple[str, ...] | None = None
  aliases: Mapping[str, str | None] = dataclasses.field(default_factory=dict)
  canonical: bool = False
  with_image: bool = True
  resample: bool = False
  overwrite: bool = False

  def __post_init__(self) -> None:
    if self.target not in TARGETS:
      raise errors.ConfigError(
        f"target: {self.target!r} is unknown; give {', '.join(TARGETS)}"
      )


def written(
  opened: _contours.Opened,
  image: dicom.Image | None,
  folder: pathlib.Path,
  options: ConvertOptions,
) -> list[dict[str, Any]]:
  """Writes a case.

  Args:
    opened: Its contours.
    image: What they were drawn on; None is for NIfTI alone.
    folder: Gets the files.
    options: How.

  Returns:
    A row for each contour, for the audit.

  Raises:
    DataError: There is nothing to write.
    GeometryError: What was written does not come back the same.
  """
  wanted = _wanted(opened.named, options)
  if options.target == "nifti":
    rows = _as_nifti(opened, image, folder, wanted, options)
  else:
    if image is None:
      raise errors.DataError(
        f"{_text.shown(opened.case)}: the image that the masks belong to is"
        " needed; give the folder of its DICOM (--image)"
      )
    rows = _as_dicom(opened, image, folder, wanted, options)
  if not any(row["status"] == "written" for row in rows):
    why = "; ".join(
      f"{_text.shown(row['name'])}: {row['reason'] or row['status']}"
      for row in rows[:3]
    )
    raise errors.DataError(
      f"{_text.shown(opened.case)}: nothing to convert; {why or 'no contours'}"
    )
  return rows


def _wanted(
  named: Sequence[_contours.Named], options: ConvertOptions
) -> list[tuple[_contours.Named, str]]:
  """Structures that are asked for, each with its canonical name or ""."""
  found = []
  for one in named:
    try:
      canonical = structures.match(one.name, own=options.aliases).name or ""
    except errors.StructureNotFoundError:
      canonical = ""
    asked = options.names is None or {one.name, canonical} & set(options.names)
    if asked:
      found.append((one, canonical))
  if options.names is not None and not found:
    listed = ", ".join(_text.shown(one.name) for one in named[:20])
    raise errors.StructureNotFoundError(
      f"{', '.join(options.names)}: none of them is there; there are {listed}"
    )
  return found


def _row(
  one: _contours.Named, canonical: str, file: str, status: str, **more: Any
) -> dict[str, Any]:
  """A line of the audit."""
  return {
    "name": one.name,
    "structure": canonical,
    "file": file,
    "status": status,
    "voxels": 0,
    "ml": 0.0,
    "slices": 0,
    "unknown_slices": 0,
    "number": one.number,
    "color": None if one.color is None else list(one.color),
    "interpreted_type": one.interpreted_type,
    "algorithm": one.algorithm,
    "reason": "",
    "notes": "",
    **more,
  }


def _measured(found: _contours.Contour) -> dict[str, Any]:
  mask, unknown = found.mask.array, found.unknown
  voxels = int(np.count_nonzero(mask))
  reason = "" if voxels else "no voxel of the image lies within"
  ml = 0.0 if found.mask.grid is None else found.mask.grid.voxel_ml
  return {
    "voxels": voxels,
    "ml": round(voxels * ml, 3),
    "slices": int(mask.any(axis=(1, 2)).sum()),
    "unknown_slices": 0
    if unknown is None
    else int(unknown.any(axis=(1, 2)).sum()),
    "reason": reason,
    "notes": "; ".join(found.notes),
  }


def _contour(
  opened: _contours.Opened, one: _contours.Named
) -> tuple[_contours.Contour | None, str, str]:
  """A structure's contour, or its status and why there is none."""
  if not one.drawn:
    return None, "empty", one.reason or "has no closed contour"
  try:
    return opened.contour(one.name), "written", ""
  except errors.JaxsegError as e:
    return None, "refused", str(e)


def _as_nifti(
  opened: _contours.Opened,
  image: dicom.Image | None,
  folder: pathlib.Path,
  wanted: Sequence[tuple[_contours.Named, str]],
  options: ConvertOptions,
) -> list[dict[str, Any]]:
  """A file for each structure, and one of the image."""
  if image is not None and options.with_image:
    _check_nifti(opened.case, image)
    formats.write_image(folder / _IMAGE, image)
  rows, stems = [], _text.Names({_IMAGE, *_mask_files.IMAGES})
  for one, canonical in wanted:
    found, status, reason = _contour(opened, one)
    if found is None:
      rows.append(_row(one, canonical, "", status, reason=reason))
      continue
    about = _measured(found)
    if not about["voxels"]:
      rows.append(_row(one, canonical, "", "empty", **about))
      continue
    try:
      if found.mask.grid is not None:
        formats.check_nifti(found.mask.grid)
    except errors.GeometryError as e:
      rows.append(_row(one, canonical, "", "refused", reason=str(e)))
      continue
    name = canonical if options.canonical and canonical else one.name
    stem = stems.new(_text.slug(name, fallback="structure"))
    path = formats.write_mask(folder / stem, found.mask)
    back = formats.read_mask(path)
    _check_same(
      one.name, found.mask.array, volume.reorder(back, found.mask.placed)
    )
    rows.append(_row(one, canonical, path.name, status, **about))
  return rows


def _check_nifti(case: str, image: dicom.Image) -> None:
  """Refuses a case of whose image there can be no NIfTI."""
  try:
    formats.check_nifti(image.placed)
  except errors.GeometryError as e:
    raise errors.GeometryError(f"{_text.shown(case)}: {e}") from e


def _as_dicom(
  opened: _contours.Opened,
  image: dicom.Image,
  folder: pathlib.Path,
  wanted: Sequence[tuple[_contours.Named, str]],
  options: ConvertOptions,
) -> list[dict[str, Any]]:
  """All structures in one RTSTRUCT or SEG."""
  file = f"{options.target}.dcm"
  rows: list[dict[str, Any]] = []
  masks: dict[str, np.ndarray] = {}
  shapes: dict[str, dicom.RtStructure] = {}
  taken: dict[str, str] = {}
  for one, canonical in wanted:
    found, status, reason = _contour(opened, one)
    if found is not None:
      try:
        label = _free_label(one.name, taken, opened.own_names)
        found = _on(found, image, options.resample)
      except errors.JaxsegError as e:
        found, status, reason = None, "refused", str(e)
    if found is None:
      rows.append(_row(one, canonical, "", status, reason=reason))
      continue
    about = _measured(found)
    if not about["voxels"]:
      rows.append(_row(one, canonical, "", "empty", **about))
      continue
    taken[label] = one.name
    masks[one.name] = found.mask.array
    kind = one.interpreted_type.upper() or None
    if kind and not _TYPE.fullmatch(kind):
      kind = None  # No term of DICOM's; no mask depends on it.
    shapes[one.name] = dicom.RtStructure(
      found.mask.array,
      color=one.color,
      interpreted_type=kind,
      generation_algorithm=one.algorithm if one.algorithm in _MADE else "",
      number=one.number,
    )
    rows.append(_row(one, canonical, file, status, **about))
  if not masks:
    return rows
  path = folder / file
  if options.target == "rtstruct":
    numbers = _numbers(shapes)
    shapes = {
      name: dataclasses.replace(shape, number=numbers[name])
      for name, shape in shapes.items()
    }
    dicom.write_rtstruct(
      path,
      shapes,
      image,
      series_description="Converted contours, unapproved",
      own_names=opened.own_names,
    )
    back = dicom.read_rtstruct(path)
    for name, mask in masks.items():
      _check_same(name, mask, back.mask(numbers[name], image))
    return rows
  dicom.write_seg(
    path,
    masks,
    image,
    model="conversion",
    algorithm=_algorithm([one for one, _ in wanted]),
    series_description="Converted segmentation, unapproved",
    own_names=opened.own_names,
    colors={n: one.color for n, one in shapes.items() if one.color},
  )
  seg = dicom.read_seg(path)
  for segment, (name, mask) in zip(seg.segments, masks.items(), strict=True):
    _check_same(name, mask, seg.mask_on(image, segment.number))
  return rows


def _free_label(name: str, taken: Mapping[str, str], own: bool) -> str:
  """The name that a structure has in DICOM.

  Raises:
    DataError: DICOM does not allow it, or another structure has it.
  """
  try:
    label = dicom.written_name(name, own=own)
  except errors.DataError as e:
    raise errors.DataError(f"{e}, or convert to NIfTI") from e
  if label in taken:
    raise errors.DataError(
      f"is written as {_text.shown(label)}, and so is"
      f" {_text.shown(taken[label])}; rename one, or convert to NIfTI"
    )
  return label


def _numbers(shapes: Mapping[str, dicom.RtStructure]) -> dict[str, int]:
  """ROI numbers: their own, unless an earlier one has it."""
  found: dict[str, int] = {}
  taken: set[int] = set()
  for name, shape in shapes.items():
    number = shape.number
    if number is not None and 0 <= number < 2**31 and number not in taken:
      found[name] = number
      taken.add(number)
  free = (n for n in itertools.count(1) if n not in taken)
  return {n: found[n] if n in found else next(free) for n in shapes}


def _algorithm(named: Sequence[_contours.Named]) -> str:
  """What all segments share; MANUAL only where everyone says so."""
  kinds = {one.algorithm for one in named}
  return "MANUAL" if kinds == {"MANUAL"} else "SEMIAUTOMATIC"


def _on(
  found: _contours.Contour, image: dicom.Image, resample: bool
) -> _contours.Contour:
  """A contour on an image's grid, without the loss of a voxel."""
  mask = found.mask
  if mask.grid is None:
    if mask.shape != image.shape:
      raise errors.GeometryError(
        f"{mask.source}: has shape {mask.shape} and no geometry, the image"
        f" {image.shape}; give a format with geometry"
      )
    return dataclasses.replace(
      found, mask=volume.Volume(mask.array, image.grid)
    )
  if mask.grid is image.grid:
    return found
  array = volume.copy(mask.array, mask.grid, image.grid)
  notes = found.notes
  lost = 0
  if array is not None:
    lost = int(np.count_nonzero(mask.array)) - int(np.count_nonzero(array))
  elif not resample:
    raise errors.GeometryError(
      f"{mask.source} ({_grid_said(mask.grid)}) is on another grid than the"
      f" image ({_grid_said(image.grid)}); give masks on the image's grid, or"
      " --resample to take the nearest voxels"
    )
  else:
    array = volume.resample(mask, image.grid).array
    notes = (*notes, "resampled: the nearest voxels of another grid")
  if lost:
    notes = (*notes, f"{lost} voxels lie beyond the image and are left out")
  return _contours.Contour(volume.Volume(array, image.grid), None, notes)


def _grid_said(grid: volume.Grid) -> str:
  spacing = " x ".join(f"{mm:.4g}" for mm in grid.spacing)
  corner = ", ".join(f"{mm:.2f}" for mm in grid.positions[0])
  shape = " x ".join(map(str, grid.shape))
  return f"{shape} voxels of {spacing} mm, the first at ({corner})"


def _check_same(name: str, mask: np.ndarray, back: Any) -> None:
  """Refuses what did not come back as it was written."""
  array = None if back is None else back.array
  if array is None or not np.array_equal(array, mask):
    count = "all" if array is None else int(np.count_nonzero(array ^ mask))
    raise errors.GeometryError(
      f"{_text.shown(name)}: {count} voxels differ after writing and reading"
      " back, so nothing is kept; this geometry cannot be expressed in the"
      " format"
    )
