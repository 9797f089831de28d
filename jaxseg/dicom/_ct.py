"""Reads a CT, MR or PET series as a volume."""

import os
import pathlib

import numpy as np
from pydicom import uid as uids
from pydicom.dataset import Dataset

from jaxseg import _text
from jaxseg import errors
from jaxseg.dicom import _acquisitions
from jaxseg.dicom import _header
from jaxseg.dicom import _image
from jaxseg.dicom import _parse
from jaxseg.dicom import _pixels
from jaxseg.dicom import _rescale
from jaxseg.dicom import _series
from jaxseg.dicom import _stack

_OPTIONS = {
  "spacing": ("even", "keep", "resample"),
  "tilt": ("refuse", "shear"),
  "truncated": ("refuse", "missing"),
  "stray_bits": ("refuse", "keep", "raw"),
}


def read_ct(
  folder: str | os.PathLike | _series.Series,
  *,
  series: str | None = None,
  spacing: str = "even",
  tilt: str = "refuse",
  truncated: str = "refuse",
  stray_bits: str = "refuse",
  acquisition: str | int = "refuse",
  limits: _parse.Limits = _parse.DEFAULT,
) -> _image.Image:
  """Reads the CT in a folder, or an MR or PET series where there is no CT.

  Slices are found by content and sorted by position. Values are rescaled
  slice by slice; padding becomes air (-1000 HU in a CT, else 0) and is marked
  as unscanned. A series with a fault is refused, unless an option allows a
  repair; repairs are recorded in `notes`.

  Args:
    folder: A folder of any shape, a file, or a series that `find_series` gave.
    series: SeriesInstanceUID, or the key of `Series`, where there are several.
    spacing: If slices are missing or unevenly spaced: "even" refuses, "keep"
      keeps each slice's position (there is no affine then), "resample"
      interpolates linearly at the median spacing and marks slices in a gap as
      unscanned.
    tilt: If the gantry was tilted: "refuse", or "shear" the affine.
    truncated: If files are cut off: "refuse", or treat them as "missing".
    stray_bits: If values exceed the bits stored: "refuse", "keep" what these
      bits hold (the others are masked out, as most readers do), or take the
      values "raw". Overlays beyond these bits are always left out.
    acquisition: If several acquisitions of one series lie in one place:
      "refuse", or take the "first", the "last", or the one of an
      AcquisitionNumber (or of whatever attribute tells them apart).
    limits: Bounds on what is read.

  Returns:
    The volume.

  Raises:
    DataError: No image or several series are found, or a file is malformed.
    GeometryError: The slices do not form a regular stack.
    SeriesGapError: A slice is missing.
    LimitError: A file exceeds a limit.

  References:
    DICOM PS3.3, sections C.7.6.2 and C.7.6.16; C.8.2.
  """
  chosen_options = (spacing, tilt, truncated, stray_bits)
  for name, given in zip(_OPTIONS, chosen_options, strict=True):
    if given not in _OPTIONS[name]:
      raise errors.ConfigError(
        f"{name} is {given!r}; give one of {', '.join(_OPTIONS[name])}"
      )
  notes: list[_text.Note] = []
  kept: dict[pathlib.Path, Dataset] = {}
  if isinstance(folder, _series.Series):
    chosen = folder
  else:
    found = _series.scan(pathlib.Path(folder), limits, keep=kept)
    chosen = _choose(folder, found, series, truncated, notes)
  if chosen.studies > 1:
    notes.append(
      _text.Note(
        "studies",
        f"the images of this series belong to {chosen.studies} studies",
      )
    )
  planes, stored, headers = _load(chosen, kept, truncated, limits, notes)
  taken = _acquisitions.choose(planes, headers, str(acquisition), notes)
  planes, stored = [planes[k] for k in taken], [stored[k] for k in taken]
  try:
    planes, stored = _stack.in_order(planes, stored, notes)
  except errors.GeometryError as e:
    keyword, groups = _acquisitions.told(planes, headers)
    if not groups:
      raise
    raise errors.GeometryError(
      f"{planes[0].path.parent}: the series holds several acquisitions:"
      f" {_acquisitions.listed(keyword, groups)}; choose one with acquisition,"
      " first or last (--acquisition)"
    ) from e
  grid, remarks = _stack.grid(planes, spacing=spacing, tilt=tilt)
  notes += remarks
  array, unscanned = _rescale.rescale(
    planes,
    stored,
    modality=chosen.modality,
    stray_bits=stray_bits,
    notes=notes,
  )
  frames = tuple(plane.frame + 1 for plane in planes)
  kind = _header.text(headers[planes[0].path], "RescaleType", planes[0].path)
  if chosen.modality == "CT" and kind not in ("", "HU"):
    notes.append(
      _text.Note(
        "rescale-type", f"RescaleType is {_text.shown(kind)}; read as HU"
      )
    )
  image = _image.Image(
    array=array,
    grid=grid,
    source=planes[0].path.parent,
    modality=chosen.modality,
    study_uid=chosen.study_uid,
    series_uid=chosen.series_uid,
    frame_of_reference_uid=chosen.frame_of_reference_uid,
    sop_class_uid=chosen.sop_class_uid,
    instances=tuple(plane.instance for plane in planes),
    frames=frames if chosen.sop_class_uid in _series.MULTI_FRAME else None,
    paths=tuple(plane.path for plane in planes),
    header=headers[planes[0].path],
    unscanned=unscanned,
    notes=tuple(notes),
  )
  if spacing == "resample" and not grid.is_even:
    return _image.resampled(image)
  return image


def _choose(
  folder: str | os.PathLike,
  found: _series.Found,
  key: str | None,
  truncated: str,
  notes: list[_text.Note],
) -> _series.Series:
  """The series to read."""
  images = [one for one in found if one.is_image]
  for path, reason in found.broken:
    # Nobody can tell whether it is a slice of this very series.
    if truncated == "refuse" and key is None and path not in found.aside:
      raise reason
    cut = isinstance(reason, errors.TruncatedError)
    notes.append(
      _text.Note("truncated", f"treated as missing: {reason}")
      if cut
      else _text.Note("broken-file", f"left out {path.name}: {reason}")
    )
  if found.skipped:
    notes.append(
      _text.Note("skipped", f"{found.skipped} files are not DICOM images")
    )
  left_out = [one for one in found if one.modality and not one.is_image]
  for one in left_out:
    if one.localizer or one.sop_class_uid not in (
      _series.STRUCTURE_SETS | _series.SEGMENTATIONS
    ):
      notes.append(_text.Note("left-out", f"{one}: not a volume of images"))
  if key is not None:
    images = [one for one in images if key in (one.key, one.series_uid)]
    if not images:
      raise errors.DataError(
        f"{folder}: no image series {_text.shown(key)}; omit 'series' to list"
        " what there is"
      )
  elif any(one.modality == "CT" for one in images):
    images = [one for one in images if one.modality == "CT"]
  if not images and not len(found) and found.broken:
    raise found.broken[0][1]
  if not images:
    kinds = {
      _text.shown(uids.UID(one.sop_class_uid).name)
      + (" (localizers)" if one.localizer else "")
      for one in found
    }
    what = f"only {', '.join(sorted(kinds)[:6])}" if kinds else "no DICOM files"
    raise errors.DataError(
      f"{folder}: holds no CT, MR or PET images, {what}; check the path"
      f"{found.to_unpack}"
    )
  if len(images) > 1:
    listed = "; ".join(str(one) for one in images[:6])
    more = f"; and {len(images) - 6} more" if len(images) > 6 else ""
    raise errors.DataError(
      f"{folder}: holds {len(images)} groups of images: {listed}{more}; choose"
      " one with 'series'"
    )
  return images[0]


def _load(
  chosen: _series.Series,
  kept: dict[pathlib.Path, Dataset],
  truncated: str,
  limits: _parse.Limits,
  notes: list[_text.Note],
) -> tuple[list[_stack.Plane], list[np.ndarray], dict[pathlib.Path, Dataset]]:
  """Every slice with its stored values, in the order of the files."""
  planes: list[_stack.Plane] = []
  stored: list[np.ndarray] = []
  headers: dict[pathlib.Path, Dataset] = {}
  total = 0
  for path in chosen.paths:
    dataset = kept.pop(path, None)
    try:
      if dataset is None:
        dataset = _parse.read(path, pixels=True, limits=limits)
      _pixels.require(dataset, path)
      form = _pixels.layout(dataset, path, limits)
      total += form.frames * form.rows * form.columns * max(2, form.bits // 8)
      if total > limits.volume_bytes or len(planes) > limits.length:
        raise errors.LimitError(
          f"{path.parent}: the series exceeds the limit 'volume_bytes'"
          f" ({limits.volume_bytes}) or 'length' ({limits.length}); raise them"
          " if you trust the files"
        )
      own = list(_stack.planes(dataset, form, path))
      frames = _pixels.decode(dataset, form, path)
    except errors.TruncatedError as e:
      if truncated == "refuse":
        raise errors.TruncatedError(
          f"{e}, or read it as missing: truncated='missing'"
          " (--repair=truncated)"
        ) from e
      notes.append(_text.Note("truncated", f"treated as missing: {e}"))
      continue
    planes += own
    stored += list(frames)
    # The decoded array replaces these bytes, or shares them.
    del dataset["PixelData"]
    headers[path] = dataset
    if form.overlay:
      notes.append(
        _text.Note(
          "overlay", f"{path.name}: overlays in the unused bits are left out"
        )
      )
    if _pixels.is_lossy(dataset, path):
      notes.append(
        _text.Note("lossy", f"{path.name}: was compressed with loss")
      )
  if not planes:
    raise errors.TruncatedError(
      f"{chosen.paths[0].parent}: every file of the series is cut off; copy"
      " the series again"
    )
  return planes, stored, headers
