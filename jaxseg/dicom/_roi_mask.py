"""Fills the contours of one ROI and records everything unusual."""

from collections.abc import Sequence
import dataclasses

import numpy as np

from jaxseg import _text
from jaxseg import contours
from jaxseg import errors
from jaxseg import volume
from jaxseg.dicom import _gaps
from jaxseg.dicom import _image
from jaxseg.dicom import _parse
from jaxseg.dicom import _roi
from jaxseg.dicom import _twins

_EDGE_PIXELS = 1e-3


@dataclasses.dataclass(frozen=True, eq=False)
class RoiMask:
  """The mask of one ROI.

  Attributes:
    array: Bool `[slice, row, column]`, on the image's grid.
    notes: What was unusual and how it was read; each `code` occurs once.
    slices: Slices with a contour, ascending.
    outside: Fraction of the contours' points, or of a segment's voxels, that
      lie beyond the image.
    unknown: Slices of which the contours say nothing, or not all, ascending:
      passed over in drawing, or with a malformed contour. Their part of the
      array is no reference.
  """

  array: np.ndarray
  notes: tuple[_text.Note, ...]
  slices: tuple[int, ...]
  outside: float
  unknown: tuple[int, ...] = ()


def make(
  roi: _roi.Roi,
  image: _image.Image,
  *,
  combine: str = "even-odd",
  gaps: str = "unknown",
  limits: _parse.Limits = _parse.DEFAULT,
) -> RoiMask:
  """Rasterises an ROI.

  Args:
    roi: Its contours.
    image: The mask is made on its grid; uneven slices are allowed.
    combine: "even-odd" or "union".
    gaps: "unknown", or "interpolate" slices passed over in drawing.
    limits: Limits on the contours.

  Returns:
    The mask and notes.

  Raises:
    GeometryError: A closed contour is not planar.
    LimitError: The contours exceed a limit.
  """
  notes = [*roi.notes]
  if roi.refused:
    _add(
      notes, "refused-contour", f"{len(roi.refused)} contours: {roi.refused[0]}"
    )
  closed = _closed(roi, notes)
  if not closed:
    _add(notes, "empty-mask", "it has no closed contour, so no mask")
    empty = np.zeros(image.shape, np.bool_)
    unknown = tuple(int(k) for k in _gaps.lost_slices(roi, image)[0])
    return RoiMask(empty, tuple(notes), (), 0.0, unknown)
  rings, slices, planes, kept = _place(closed, image, notes)
  outside = _outside(rings, image, len(closed), notes)
  keep = _without_twins(rings, slices, planes, kept, image, notes)
  rings = [rings[k] for k in keep]
  slices, planes = slices[keep], planes[keep]
  crossings = contours.count_crossings(rings, image.shape[2])
  if crossings > limits.crossings:
    raise errors.LimitError(
      f"its contours cross the image's columns {crossings} times, above the"
      f" limit 'crossings' ({limits.crossings}); raise it if you trust the file"
    )
  _cross_check([kept[k] for k in keep], slices, image, notes)
  _shapes(rings, slices, planes, image, notes)
  array = contours.fill(
    rings, slices, image.shape, planes=planes, combine=combine
  )
  used = np.unique(slices)
  array, open_slices = _gaps.close(roi, image, array, used, gaps, notes)
  if not array.any():
    _add(notes, "empty-mask", "no voxel's centre lies within the contours")
  return RoiMask(
    array,
    tuple(notes),
    tuple(int(k) for k in used),
    outside,
    tuple(int(k) for k in open_slices),
  )


def _add(notes: list[_text.Note], code: str, text: str) -> None:
  notes.append(_text.Note(code, text))


def _closed(roi: _roi.Roi, notes: list[_text.Note]) -> list[_roi.Contour]:
  """The contours that bound an area."""
  closed = [one for one in roi.contours if one.is_closed]
  for kind in sorted({one.kind for one in roi.contours if not one.is_closed}):
    count = sum(one.kind == kind for one in roi.contours)
    _add(
      notes,
      "not-filled",
      f"{count} contours of type {_text.shown(kind)} have no area",
    )
  fine = [one for one in closed if contours.has_area(one.points)]
  if len(fine) < len(closed):
    _add(
      notes,
      "degenerate",
      f"{len(closed) - len(fine)} contours have fewer than 3 distinct points"
      " and no area",
    )
  return fine


def _place(
  closed: Sequence[_roi.Contour], image: _image.Image, notes: list[_text.Note]
) -> tuple[list[np.ndarray], np.ndarray, np.ndarray, list[_roi.Contour]]:
  """Contours in index coordinates: rings, slices, planes, and the contours."""
  grid = image.grid
  centre, low, high = contours.levels(
    [one.points for one in closed], grid.positions[0], grid.normal
  )
  worst = int(np.argmax(high - low))
  if high[worst] - low[worst] > contours.PLANAR_MM:
    raise errors.GeometryError(
      f"contour {closed[worst].index}: its points are"
      f" {high[worst] - low[worst]:.3g} mm apart across the slices, so it is"
      " not planar; redraw the ROI on the image's slices"
    )
  slices = grid.nearest(centre)
  found = slices >= 0
  if not found.all():
    _add(
      notes,
      "beyond-slices",
      f"{int((~found).sum())} contours lie beyond the image's slices",
    )
  off = abs(centre - grid.distances[slices.clip(0)])[found]
  if (off > volume.SAME_MM).any():
    _add(
      notes,
      "off-plane",
      f"{int((off > volume.SAME_MM).sum())} contours lie up to"
      f" {off.max():.3g} mm off their slice",
    )
  planes = _planes(centre)
  pairs = np.unique(np.stack([slices, planes], axis=1)[found], axis=0)
  several = int((np.unique(pairs[:, 0], return_counts=True)[1] > 1).sum())
  if several:
    _add(
      notes,
      "planes-united",
      f"on {several} slices contours of several planes meet; their union is"
      " taken",
    )
  lengths = np.array([len(one.points) for one in closed])
  points = np.concatenate([one.points for one in closed])
  points = points - np.repeat(grid.positions[slices.clip(0)], lengths, axis=0)
  steps = np.stack([grid.row_step, grid.column_step], axis=1)
  flat = points @ np.linalg.pinv(steps).T
  rings = np.split(flat, np.cumsum(lengths)[:-1])
  which = np.flatnonzero(found).tolist()
  return (
    [rings[k] for k in which],
    slices[which],
    planes[which],
    [closed[k] for k in which],
  )


def _planes(centre: np.ndarray) -> np.ndarray:
  """Numbers the planes; contours within the tolerance share one."""
  order = np.argsort(centre, kind="stable")
  steps = np.diff(centre[order], prepend=centre[order[:1]]) > contours.PLANAR_MM
  planes = np.empty(len(centre), np.int64)
  planes[order] = np.cumsum(steps)
  return planes


def _outside(
  rings: Sequence[np.ndarray],
  image: _image.Image,
  drawn: int,
  notes: list[_text.Note],
) -> float:
  """The fraction of points beyond the image, including contours beyond it."""
  if not rings:
    return 1.0
  points = np.concatenate(rings)
  # A mask that touches the image's edge has points on it, up to rounding.
  far = np.array(image.shape[1:]) - 0.5 + _EDGE_PIXELS
  beyond = ((points < -0.5 - _EDGE_PIXELS) | (points > far)).any(axis=1)
  fraction = float(beyond.mean())
  if fraction:
    _add(
      notes,
      "outside",
      f"{100 * fraction:.3g} % of the points lie beyond the image's rows and"
      " columns and are clipped",
    )
  return 1 - (1 - fraction) * len(rings) / drawn


def _without_twins(
  rings: Sequence[np.ndarray],
  slices: np.ndarray,
  planes: np.ndarray,
  drawn: Sequence[_roi.Contour],
  image: _image.Image,
  notes: list[_text.Note],
) -> list[int]:
  """Indices of all contours but copies of others, which would cancel out."""
  keep = _twins.without(
    rings,
    [one.points for one in drawn],
    np.stack([slices, planes], axis=1),
    np.array(image.grid.spacing[1:]),
  )
  if len(keep) < len(rings):
    _add(
      notes,
      "duplicate-contour",
      f"{len(rings) - len(keep)} contours repeat another, exactly or with"
      f" points no more than {volume.SAME_MM:g} mm away, and are left out",
    )
  return keep


def _cross_check(
  drawn: Sequence[_roi.Contour],
  slices: np.ndarray,
  image: _image.Image,
  notes: list[_text.Note],
) -> None:
  """Counts references to the wrong image, or to none of the series."""
  own: dict[str, set[int]] = {}
  for index, uid in enumerate(image.instances):
    own.setdefault(uid, set()).add(index)
  dangling = wrong = 0
  for contour, index in zip(drawn, slices, strict=True):
    if not contour.images:
      continue
    places = [own[uid] for uid in contour.images if uid in own]
    if not places:
      dangling += 1
    elif not any(int(index) in place for place in places):
      wrong += 1
  if dangling:
    _add(
      notes,
      "dangling-reference",
      f"{dangling} contours refer to images outside this series; their position"
      " decides",
    )
  if wrong:
    _add(
      notes,
      "wrong-reference",
      f"{wrong} contours refer to another slice than the one they lie on; their"
      " position decides",
    )


def _shapes(
  rings: Sequence[np.ndarray],
  slices: np.ndarray,
  planes: np.ndarray,
  image: _image.Image,
  notes: list[_text.Note],
) -> None:
  """Counts contours that cross themselves or partly overlap others."""
  if not rings:
    return
  crossing = int(contours.self_crossing(rings, image.shape[2]).sum())
  if crossing:
    _add(
      notes,
      "self-crossing",
      f"{crossing} contours cross themselves; even-odd decides what is inside",
    )
  overlapping = contours.partly_overlapping(
    rings, slices, planes, image.shape[1:]
  )
  if overlapping:
    _add(
      notes,
      "partial-overlap",
      f"on {overlapping} slices contours overlap partly; even-odd leaves the"
      " overlap out, combine='union' keeps it",
    )
