"""Where each frame of a SEG lies, and the grid of all of them."""

import dataclasses
import pathlib

import numpy as np
from pydicom.dataset import Dataset

from jaxseg import _text
from jaxseg import errors
from jaxseg import volume
from jaxseg.dicom import _header
from jaxseg.dicom import _parse
from jaxseg.dicom import _pixels
from jaxseg.dicom import _stack

_SAME_DIRECTION, _SAME_SPACING_MM = 1e-4, 1e-6


@dataclasses.dataclass(frozen=True, eq=False)
class Places:
  """Where the frames lie.

  Attributes:
    grid: Grid of all slices, those without a frame included.
    slices: int64 `[frame]`, slice of each.
    segments: int64 `[frame]`, segment number of each; 0 in a label map.
    notes: What was unusual.
  """

  grid: volume.Grid
  slices: np.ndarray
  segments: np.ndarray
  notes: tuple[_text.Note, ...]


def read_places(
  dataset: Dataset,
  path: pathlib.Path,
  form: _pixels.Format,
  limits: _parse.Limits,
  *,
  label_map: bool,
) -> Places:
  """Finds the place of each frame; the order in the file says nothing.

  Raises:
    DataError: It is a segmentation of a slide or flat image, or an attribute
      is missing.
    GeometryError: Frames are not parallel, or shifted against each other.
  """
  _check_volume(dataset, path)
  frames = _header.frames(dataset, form.frames, path)

  def each(group: str, keyword: str, count: int) -> np.ndarray:
    return np.stack([one.required(group, keyword, count) for one in frames])

  positions = each("PlanePositionSequence", "ImagePositionPatient", 3)
  directions = each("PlaneOrientationSequence", "ImageOrientationPatient", 6)
  spacings = each("PixelMeasuresSequence", "PixelSpacing", 2)
  if (
    np.ptp(directions, axis=0).max() > _SAME_DIRECTION
    or np.ptp(spacings, axis=0).max() > _SAME_SPACING_MM
  ):
    raise errors.GeometryError(
      f"{path}: frames differ in orientation or pixel spacing, so they form no"
      " volume; export one segmentation for each"
    )
  _stack.check_axes(directions[0], spacings[0], path)
  segments = np.zeros(form.frames, np.int64)
  if not label_map:
    group = "SegmentIdentificationSequence"
    segments = each(group, "ReferencedSegmentNumber", 1)[:, 0].astype(np.int64)
  between, thick = (
    frames[0].one("PixelMeasuresSequence", name)
    for name in ("SpacingBetweenSlices", "SliceThickness")
  )
  grid, slices, notes = _grid(
    positions, directions[0], spacings[0], form, between, thick, path, limits
  )
  return Places(grid, slices, segments, tuple(notes))


def _check_volume(dataset: Dataset, path: pathlib.Path) -> None:
  """Refuses a segmentation of anything but an anatomical volume, by name."""
  groups = [
    *_header.items(dataset, "SharedFunctionalGroupsSequence", path)[:1],
    *_header.items(dataset, "PerFrameFunctionalGroupsSequence", path)[:1],
  ]
  tiled = _header.text(dataset, "DimensionOrganizationType", path)
  slide = any("PlanePositionSlideSequence" in group for group in groups)
  if slide or tiled.startswith("TILED") or "TotalPixelMatrixRows" in dataset:
    raise errors.DataError(
      f"{path}: is a segmentation of a slide image in tiles, not of a volume;"
      " give a segmentation of CT, MR or PET images"
    )
  if not any("PlanePositionSequence" in group for group in groups):
    raise errors.DataError(
      f"{path}: is a segmentation of flat images without a place in the"
      " patient, not of a volume; give a segmentation of CT, MR or PET images"
    )


def _grid(
  positions: np.ndarray,
  direction: np.ndarray,
  spacing: np.ndarray,
  form: _pixels.Format,
  between: float | None,
  thick: float | None,
  path: pathlib.Path,
  limits: _parse.Limits,
) -> tuple[volume.Grid, np.ndarray, list[_text.Note]]:
  """Grid and the slice of each frame."""
  notes: list[_text.Note] = []
  normal = np.cross(direction[:3], direction[3:])
  along = positions @ normal
  order = np.argsort(along, kind="stable")
  new = np.diff(along[order], prepend=-np.inf) > volume.SAME_MM
  rank = np.empty(len(along), np.int64)
  rank[order] = np.cumsum(new) - 1
  places = positions[order][new]
  levels = along[order][new]
  is_rounded = _check_line(places, levels, normal, path, notes)
  steps = np.diff(levels)
  gap = between or thick
  if len(steps):
    gap = _gap(steps, between)
    if between is not None and gap != between:
      notes.append(
        _text.Note(
          "spacing-attribute",
          f"SpacingBetweenSlices is {between:g} mm, but the frames lie"
          f" {gap or float(steps.min()):.4g} mm apart; positions decide",
        )
      )
  slices = rank
  if len(steps) and gap and not is_rounded:
    index = np.rint((levels - levels[0]) / gap).astype(np.int64)
    if index[-1] >= limits.length:
      raise errors.LimitError(
        f"{path}: frames span {index[-1] + 1} slices, above the limit 'length'"
        f" ({limits.length}); raise it if you trust the file"
      )
    _check_size(int(index[-1]) + 1, form, path, limits)
    step = (places[-1] - places[0]) / index[-1]
    places = places[0] + np.arange(index[-1] + 1)[:, None] * step
    slices = index[rank]
  elif len(steps):
    notes.append(
      _text.Note(
        "uneven",
        f"slices are {steps.min():.4g} to {steps.max():.4g} mm apart; each"
        " keeps its place",
      )
    )
  grid = volume.Grid(
    positions=places,
    row_step=spacing[0] * direction[3:],
    column_step=spacing[1] * direction[:3],
    rows=form.rows,
    columns=form.columns,
    thickness=gap,
  )
  return grid, slices, notes


def _check_size(
  slices: int, form: _pixels.Format, path: pathlib.Path, limits: _parse.Limits
) -> None:
  """Refuses a grid too large for one segment: few frames, far apart."""
  # Masks are bytes; fractions, of 8 bits in the file, become float32.
  size = slices * form.rows * form.columns * (1 if form.bits == 1 else 4)
  if size > limits.volume_bytes:
    raise errors.LimitError(
      f"{path}: {slices} x {form.rows} x {form.columns} voxels between the"
      f" outermost frames exceed the limit 'volume_bytes'"
      f" ({limits.volume_bytes}); raise it if you trust the file"
    )


def _check_line(
  places: np.ndarray,
  levels: np.ndarray,
  normal: np.ndarray,
  path: pathlib.Path,
  notes: list[_text.Note],
) -> bool:
  """Refuses slices out of line; notes a shear, as of a tilted gantry.

  Returns:
    Whether they are out of line as rounded positions are: then each must keep
    its own place, which is that of an image with the same rounding.
  """
  if len(levels) < 2:
    return False
  rise = levels - levels[0]
  shift, off, degrees = _stack.off_line(places, rise, normal)
  if shift.max() <= max(volume.SAME_MM, 1e-3 * rise[-1]):
    return False
  rounding = _stack.rounding(places)
  if volume.SAME_MM < off.max() <= rounding:
    return True
  if off.max() > volume.SAME_MM:
    raise errors.GeometryError(
      f"{path}: frames are shifted against each other; export the segmentation"
      " on a grid at right angles"
    )
  notes.append(
    _text.Note(
      "tilt", f"slices are sheared by {degrees:.2f} degrees, kept in the affine"
    )
  )
  return False


def _gap(steps: np.ndarray, between: float | None) -> float | None:
  """The distance that all steps are multiples of, or None."""
  for gap in (between, float(steps.min())):
    if not gap or gap <= volume.SAME_MM:
      continue
    whole = np.rint(steps / gap)
    off = abs(steps - whole * gap)
    # Every step would be a multiple of a tiny gap.
    allowed = min(max(0.01 * gap, volume.SAME_MM), gap / 10)
    if (whole >= 1).all() and (off <= allowed).all():
      return gap
  return None
