"""Slices to a grid: order, duplicates, gaps and tilt.

Positions decide everything. InstanceNumber, SliceLocation, SliceThickness and
file names say nothing about where a slice lies.
"""

from collections.abc import Sequence
import dataclasses
import pathlib

import numpy as np

from jaxseg import _text
from jaxseg import errors
from jaxseg import volume
from jaxseg.dicom import _pixels

_SAME_MM = 0.01
_TILT_DEGREES = 0.1
_UNIT = 1e-3


@dataclasses.dataclass(frozen=True, eq=False)
class Plane:
  """One slice as its header gives it.

  Attributes:
    path: Its file.
    frame: Index of the image in the file, from 0.
    instance: SOPInstanceUID.
    position: ImagePositionPatient, float64 `[3]`, mm.
    orientation: ImageOrientationPatient, float64 `[6]`.
    spacing: PixelSpacing (between rows, between columns), mm.
    thickness: SliceThickness, mm, or None.
    said_apart: SpacingBetweenSlices, mm, or None; it decides nothing.
    form: Layout of the stored values.
    slope: Of the rescale.
    intercept: Of the rescale, None where absent.
    padding: Range of stored values that mean "not scanned", or None.
  """

  path: pathlib.Path
  frame: int
  instance: str
  position: np.ndarray
  orientation: np.ndarray
  spacing: np.ndarray
  thickness: float | None
  said_apart: float | None
  form: _pixels.Format
  slope: float
  intercept: float | None
  padding: tuple[int, int] | None


def check(plane: Plane) -> None:
  """Refuses directions that are not at right angles, spacings not above 0."""
  first, second = plane.orientation[:3], plane.orientation[3:]
  lengths = np.linalg.norm(first), np.linalg.norm(second)
  if max(abs(n - 1) for n in lengths) > _UNIT or abs(first @ second) > _UNIT:
    raise errors.GeometryError(
      f"{plane.path}: ImageOrientationPatient (0020,0037) is"
      f" {plane.orientation.tolist()}, not two unit vectors at right angles;"
      " re-export the image"
    )
  if plane.spacing.min() <= 0:
    raise errors.GeometryError(
      f"{plane.path}: PixelSpacing (0028,0030) is {plane.spacing.tolist()};"
      " it must be above 0; re-export the image"
    )


def order(planes: Sequence[Plane]) -> np.ndarray:
  """Indices that sort slices along their normal, int64."""
  return np.argsort(_along(planes), kind="stable")


def twins(planes: Sequence[Plane]) -> list[tuple[int, int]]:
  """Pairs of neighbours, of sorted slices, that lie in one place."""
  apart = np.diff(_along(planes))
  return [(int(k), int(k) + 1) for k in np.flatnonzero(apart <= _SAME_MM)]


def grid(
  planes: Sequence[Plane], *, spacing: str, tilt: str
) -> tuple[volume.Grid, list[_text.Note]]:
  """The grid of sorted slices, no two in one place.

  Args:
    planes: At least one, of one orientation and size.
    spacing: "even" refuses slices that are not evenly spaced.
    tilt: "refuse" refuses a stack whose slices are shifted against each other.

  Returns:
    Grid and notes.

  Raises:
    SeriesGapError: A slice is missing.
    GeometryError: Slices are uneven or shifted.
  """
  first = planes[0]
  made = volume.Grid(
    positions=np.stack([plane.position for plane in planes]),
    row_step=first.spacing[0] * first.orientation[3:],
    column_step=first.spacing[1] * first.orientation[:3],
    rows=first.form.rows,
    columns=first.form.columns,
    thickness=first.thickness,
  )
  notes = []
  if len(planes) == 1:
    if not first.thickness:
      raise errors.GeometryError(
        f"{first.path}: a single slice without SliceThickness (0018,0050) has"
        " no extent; add the other slices of the series"
      )
    notes.append(
      _text.Note(
        "single-slice",
        f"{first.path.name}: a single slice; its SliceThickness"
        f" {made.gap:g} mm stands for the spacing",
      )
    )
    return made, notes
  notes += _shifted(made, planes, tilt)
  notes += _uneven(made, planes, spacing)
  thick = first.thickness
  if thick is not None and abs(thick - made.gap) > made.tolerance:
    notes.append(
      _text.Note(
        "slice-thickness",
        f"SliceThickness says {thick:g} mm, slices are {made.gap:.4g} mm apart;"
        " positions decide",
      )
    )
  said = first.said_apart
  if said is not None and abs(abs(said) - made.gap) > made.tolerance:
    notes.append(
      _text.Note(
        "spacing-attribute",
        f"SpacingBetweenSlices says {said:g} mm, positions {made.gap:.4g} mm;"
        " positions decide",
      )
    )
  return made, notes


def _along(planes: Sequence[Plane]) -> np.ndarray:
  direction = planes[0].orientation
  normal = np.cross(direction[:3], direction[3:])
  return np.array([plane.position @ normal for plane in planes])


def _shifted(
  made: volume.Grid, planes: Sequence[Plane], tilt: str
) -> list[_text.Note]:
  """Gantry tilt, or slices that jump sideways."""
  moved = made.positions - made.positions[0]
  sideways = moved - made.distances[:, None] * made.normal
  share = made.distances / made.distances[-1]
  jumps = np.linalg.norm(sideways - share[:, None] * sideways[-1], axis=1)
  bound = np.tan(np.deg2rad(_TILT_DEGREES)) * made.gap
  worst = int(np.argmax(jumps))
  if jumps[worst] > max(bound, _SAME_MM):
    raise errors.GeometryError(
      f"{planes[worst].path}: ImagePositionPatient (0020,0032) lies"
      f" {jumps[worst]:.3g} mm off the line of the other slices; the images"
      " are no stack, re-export them"
    )
  angle = np.rad2deg(
    np.arctan2(np.linalg.norm(sideways[-1]), made.distances[-1])
  )
  if angle <= _TILT_DEGREES:
    return []
  if tilt == "refuse":
    raise errors.GeometryError(
      f"{planes[0].path.parent}: the gantry was tilted by {angle:.2f} degrees"
      " (the slices' positions shift sideways); read it with tilt='shear', or"
      " resample it first"
    )
  return [
    _text.Note(
      "tilt", f"gantry tilt of {angle:.2f} degrees, kept as shear of the affine"
    )
  ]


def _uneven(
  made: volume.Grid, planes: Sequence[Plane], spacing: str
) -> list[_text.Note]:
  """Missing slices, and slices at odd distances."""
  if made.is_even:
    return []
  apart = np.diff(made.distances)
  steps = np.rint(apart / made.gap)
  wide = np.flatnonzero(steps > 1)
  whole = (steps >= 1).all() and (
    abs(apart - steps * made.gap) <= steps * made.tolerance
  ).all()
  if whole:
    places = ", ".join(
      f"{int(steps[k]) - 1} between {_place(planes[k])} and"
      f" {_place(planes[k + 1])}"
      for k in wide[:3]
    )
    more = f" and {len(wide) - 3} more gaps" if len(wide) > 3 else ""
    said = (
      f"{planes[0].path.parent}: slices are missing: {places}{more}; the"
      f" others are {made.gap:.4g} mm apart"
    )
    if spacing == "even":
      raise errors.SeriesGapError(
        f"{said}; find them, or read with spacing='keep' or 'resample'"
      )
    return [_text.Note("gap", said)]
  said = (
    f"{planes[0].path.parent}: slices are {apart.min():.4g} to"
    f" {apart.max():.4g} mm apart"
  )
  if spacing == "even":
    raise errors.GeometryError(
      f"{said}, not evenly; read with spacing='keep' or 'resample'"
    )
  return [_text.Note("uneven", said)]


def _place(plane: Plane) -> str:
  """A position as people read it: x, y, z in mm."""
  x, y, z = plane.position
  return f"({x:.4g}, {y:.4g}, {z:.6g}) mm"
