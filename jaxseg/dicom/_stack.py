"""Where slices lie: read, sorted, and as a grid with its gaps and tilt.

Positions decide everything. InstanceNumber, SliceLocation, SliceThickness and
file names say nothing about where a slice lies.
"""

import collections
from collections.abc import Iterator, Sequence
import dataclasses
import pathlib

import numpy as np
from pydicom.dataset import Dataset

from jaxseg import _text
from jaxseg import errors
from jaxseg import volume
from jaxseg.dicom import _header
from jaxseg.dicom import _pixels
from jaxseg.dicom import _series

_TILT_DEGREES = 0.1
# By how much orientations of one stack may differ from each other, and two
# axes from unit vectors at right angles.
_SAME_DIRECTION, _UNIT = 2e-4, 1e-3


@dataclasses.dataclass(frozen=True, eq=False)
class Plane:
  """One slice as its header describes it.

  Attributes:
    path: Its file.
    frame: Index of the image in the file, from 0.
    instance: SOPInstanceUID.
    position: ImagePositionPatient, float64 `[3]`, mm.
    orientation: ImageOrientationPatient, float64 `[6]`.
    spacing: PixelSpacing (between rows, between columns), mm.
    thickness: SliceThickness, mm, or None.
    stated_gap: SpacingBetweenSlices, mm, or None; only compared.
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
  stated_gap: float | None
  form: _pixels.Format
  slope: float
  intercept: float | None
  padding: tuple[int, int] | None


def planes(
  dataset: Dataset, form: _pixels.Format, path: pathlib.Path
) -> Iterator[Plane]:
  """The slices of one file, in the order of its frames.

  Args:
    dataset: Its data set.
    form: Layout of its pixels.
    path: For messages.

  Raises:
    DataError: An attribute that gives the place is missing or malformed.
    GeometryError: The directions or spacings are invalid.
  """
  instance = _header.text(dataset, "SOPInstanceUID", path)
  padding = _pixels.padding(dataset, form, path)
  for index, frame in enumerate(_frames(dataset, form, path)):
    slope = frame.one("PixelValueTransformationSequence", "RescaleSlope")
    if slope == 0:
      raise errors.DataError(
        f"{path}: {_header.named('RescaleSlope')} is 0; re-export the image"
      )
    plane = Plane(
      path=path,
      frame=index,
      instance=instance,
      position=frame.required(
        "PlanePositionSequence", "ImagePositionPatient", 3
      ),
      orientation=frame.required(
        "PlaneOrientationSequence", "ImageOrientationPatient", 6
      ),
      spacing=frame.required("PixelMeasuresSequence", "PixelSpacing", 2),
      thickness=frame.one("PixelMeasuresSequence", "SliceThickness"),
      stated_gap=frame.one("PixelMeasuresSequence", "SpacingBetweenSlices"),
      form=form,
      slope=1.0 if slope is None else slope,
      intercept=frame.one(
        "PixelValueTransformationSequence", "RescaleIntercept"
      ),
      padding=padding,
    )
    check_axes(plane.orientation, plane.spacing, path)
    yield plane


def _frames(
  dataset: Dataset, form: _pixels.Format, path: pathlib.Path
) -> list[_header.Frame]:
  sop_class = _header.text(dataset, "SOPClassUID", path)
  if sop_class in _series.MULTI_FRAME:
    return _header.frames(dataset, form.frames, path)
  if form.frames != 1:
    raise errors.DataError(
      f"{path}: {_header.named('NumberOfFrames')} is {form.frames} in an image"
      " of one frame; re-export it"
    )
  return [_header.Frame([dataset], path, None)]


def check_axes(
  orientation: np.ndarray, spacing: np.ndarray, path: pathlib.Path
) -> None:
  """Refuses axes that are not at right angles, and spacings not above 0."""
  first, second = orientation[:3], orientation[3:]
  lengths = np.linalg.norm(first), np.linalg.norm(second)
  if max(abs(n - 1) for n in lengths) > _UNIT or abs(first @ second) > _UNIT:
    raise errors.GeometryError(
      f"{path}: {_header.named('ImageOrientationPatient')} is"
      f" {orientation.tolist()}, not two unit vectors at right angles;"
      " re-export the image"
    )
  if spacing.min() <= 0:
    raise errors.GeometryError(
      f"{path}: {_header.named('PixelSpacing')} is {spacing.tolist()}; it must"
      " be above 0; re-export the image"
    )


def in_order(
  planes: Sequence[Plane],
  stored: Sequence[np.ndarray],
  notes: list[_text.Note],
) -> tuple[list[Plane], list[np.ndarray]]:
  """Sorts slices and their values along the normal, and drops duplicates.

  Raises:
    GeometryError: Orientations or spacings differ, or two different images lie
      in one place.
  """
  first = planes[0]
  for plane in planes:
    same = np.allclose(
      plane.orientation, first.orientation, rtol=0, atol=_SAME_DIRECTION
    )
    if not same or not _series.same_spacing(plane.spacing, first.spacing):
      raise errors.GeometryError(
        f"{plane.path}: frame {plane.frame + 1} differs from the first in"
        " orientation or pixel spacing, so the images form no stack; keep the"
        " images of one stack"
      )
  normal = np.cross(first.orientation[:3], first.orientation[3:])
  along = np.array([plane.position @ normal for plane in planes])
  order = np.argsort(along, kind="stable")
  planes, stored = [planes[k] for k in order], [stored[k] for k in order]
  apart = np.diff(along[order])
  dropped = set()
  for at in np.flatnonzero(apart <= volume.SAME_MM).tolist():
    a, b = planes[at], planes[at + 1]
    equal = (a.slope, a.intercept) == (b.slope, b.intercept) and (
      np.array_equal(stored[at], stored[at + 1])
    )
    if not equal or np.abs(a.position - b.position).max() > volume.SAME_MM:
      raise _same_place(a, b)
    dropped.add(at + 1)
    one, two = a.path.name, b.path.name
    if a.path == b.path:
      one, two = f"frame {a.frame + 1}", f"{two}: frame {b.frame + 1}"
    notes.append(_text.Note("duplicate-slice", f"{two} equals {one}; left out"))
  kept = [k for k in range(len(planes)) if k not in dropped]
  return [planes[k] for k in kept], [stored[k] for k in kept]


def _same_place(a: Plane, b: Plane) -> errors.GeometryError:
  said = f"lies in the same place as {a.path.name} but is another image; remove"
  said += " one of the two"
  if a.path == b.path:
    said = (
      f"frames {a.frame + 1} and {b.frame + 1} lie in the same place but are"
      " different images, as several acquisitions in one file are; export each"
      " acquisition as a series of its own"
    )
  return errors.GeometryError(f"{b.path}: {said}")


def grid(
  planes: Sequence[Plane], *, spacing: str, tilt: str
) -> tuple[volume.Grid, list[_text.Note]]:
  """The grid of sorted slices, no two in one place.

  Args:
    planes: At least one, of one orientation and size.
    spacing: "even" refuses unevenly spaced slices.
    tilt: "refuse" refuses a stack whose slices are shifted against each other.

  Returns:
    Grid and notes.

  Raises:
    SeriesGapError: A slice is missing.
    GeometryError: Slices are uneven or shifted.
  """
  first = planes[0]
  pixel, notes = _pixel_spacing(planes)
  made = volume.Grid(
    positions=np.stack([plane.position for plane in planes]),
    row_step=pixel[0] * first.orientation[3:],
    column_step=pixel[1] * first.orientation[:3],
    rows=first.form.rows,
    columns=first.form.columns,
    thickness=first.thickness,
    rounded=True,
  )
  if len(planes) == 1:
    if not first.thickness:
      raise errors.GeometryError(
        f"{first.path}: a single slice without SliceThickness (0018,0050) has"
        " no extent; add the other slices of the series"
      )
    notes.append(
      _text.Note(
        "single-slice",
        f"{first.path.name}: a single slice; its SliceThickness of"
        f" {made.gap:g} mm is used as the spacing",
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
        f"SliceThickness is {thick:g} mm, but the slices lie {made.gap:.4g} mm"
        " apart; positions decide",
      )
    )
  stated = first.stated_gap
  if stated is not None and abs(abs(stated) - made.gap) > made.tolerance:
    notes.append(
      _text.Note(
        "spacing-attribute",
        f"SpacingBetweenSlices is {stated:g} mm, but the slices lie"
        f" {made.gap:.4g} mm apart; positions decide",
      )
    )
  return made, notes


def _pixel_spacing(
  planes: Sequence[Plane],
) -> tuple[np.ndarray, list[_text.Note]]:
  """The PixelSpacing that most slices have, then the one with more digits."""
  found = collections.Counter(tuple(p.spacing.tolist()) for p in planes)
  best = max(found, key=lambda pair: (found[pair], len(repr(pair))))
  if len(found) == 1:
    return planes[0].spacing, []
  listed = ", ".join(f"{a!r} x {b!r}" for a, b in sorted(found)[:4])
  return np.array(best, np.float64), [
    _text.Note(
      "pixel-spacing",
      f"PixelSpacing is written as {listed} mm; {best[0]!r} x {best[1]!r} is"
      " used for all",
    )
  ]


def off_line(
  positions: np.ndarray, along: np.ndarray, normal: np.ndarray
) -> tuple[np.ndarray, np.ndarray, float]:
  """How slices that should be stacked along their normal shift sideways.

  Args:
    positions: float64 `[slice, 3]`, at least two, in order.
    along: `[slice]`, distances from the first along the normal, mm.
    normal: Unit vector across the slices.

  Returns:
    Shift of each slice from the normal through the first, mm; its distance
    from the line through first and last, mm; and the angle between the two
    lines, degrees.
  """
  moved = positions - positions[0]
  sideways = moved - along[:, None] * normal
  share = along / along[-1]
  off = np.linalg.norm(sideways - share[:, None] * sideways[-1], axis=1)
  shift = np.linalg.norm(sideways, axis=1)
  return shift, off, float(np.rad2deg(np.arctan2(shift[-1], along[-1])))


def _shifted(
  made: volume.Grid, planes: Sequence[Plane], tilt: str
) -> list[_text.Note]:
  """Notes a gantry tilt; refuses slices that jump sideways."""
  shift, off, angle = off_line(made.positions, made.distances, made.normal)
  bound = np.tan(np.deg2rad(_TILT_DEGREES)) * made.gap
  worst = int(np.argmax(off))
  if off[worst] > max(bound, volume.SAME_MM, _sideways(made)):
    raise errors.GeometryError(
      f"{planes[worst].path}: {_header.named('ImagePositionPatient')} lies"
      f" {off[worst]:.3g} mm off the line of the other slices, so the images"
      " form no stack; re-export them"
    )
  if angle <= _TILT_DEGREES or shift[-1] <= _sideways(made):
    return []
  if tilt == "refuse":
    raise errors.GeometryError(
      f"{planes[0].path.parent}: the gantry was tilted by {angle:.2f} degrees"
      " (the slices' positions shift sideways); read it with tilt='shear'"
      " (--repair=tilt), or resample it first"
    )
  return [
    _text.Note(
      "tilt",
      f"gantry tilt of {angle:.2f} degrees, kept as a shear of the affine",
    )
  ]


def rounding(positions: np.ndarray) -> float:
  """How far rounding may shift slices: 0.18 mm if all are in tenths, else 0."""
  tenths = positions * 10
  whole = (abs(tenths - np.rint(tenths)) < 1e-6).all()
  return volume.JITTER_MM if whole else 0.0


def _sideways(made: volume.Grid) -> float:
  """How far slices may be shifted sideways by rounding or jitter, mm."""
  lattice = made.lattice
  off = 2 * lattice.off if lattice.fits and lattice.off > 1e-3 else 0.0
  return min(max(off, rounding(made.positions)), lattice.pitch / 4)


def _uneven(
  made: volume.Grid, planes: Sequence[Plane], spacing: str
) -> list[_text.Note]:
  """Notes or refuses missing slices, and slices at uneven distances."""
  if made.jitter:
    return [
      _text.Note(
        "jitter",
        f"slices lie up to {made.jitter:.2g} mm off an even spacing of"
        f" {made.gap:.4g} mm, as rounded positions do; they are taken as even",
      )
    ]
  if made.is_even:
    return []
  apart = np.diff(made.distances)
  steps = np.rint(apart / made.gap)
  off = abs(apart - steps * made.gap)
  whole = bool((steps >= 1).all() and (off <= steps * made.tolerance).all())
  gap = made.gap
  if not whole and made.lattice.fits:
    steps, whole = np.diff(made.lattice.index), True
    gap = made.lattice.pitch
  wide = np.flatnonzero(steps > 1)
  if whole:
    places = ", ".join(
      f"{int(steps[k]) - 1} between {_place(planes[k])} and"
      f" {_place(planes[k + 1])}"
      for k in wide[:3]
    )
    more = f" and {len(wide) - 3} more gaps" if len(wide) > 3 else ""
    said = (
      f"{planes[0].path.parent}: slices are missing: {places}{more}; the"
      f" others are {gap:.4g} mm apart"
    )
    if spacing == "even":
      raise errors.SeriesGapError(
        f"{said}; find them, or read with spacing='keep' or 'resample'"
        " (--repair=spacing)"
      )
    return [_text.Note("gap", said)]
  said = (
    f"{planes[0].path.parent}: slices are {apart.min():.4g} to"
    f" {apart.max():.4g} mm apart"
  )
  if spacing == "even":
    raise errors.GeometryError(
      f"{said}, not evenly spaced; read with spacing='keep' or 'resample'"
      " (--repair=spacing)"
    )
  return [_text.Note("uneven", said)]


def _place(plane: Plane) -> str:
  """A position for messages: x, y, z in mm."""
  x, y, z = plane.position
  return f"({x:.4g}, {y:.4g}, {z:.6g}) mm"
