"""From the contours of one ROI to its mask, with everything that was odd."""

from collections.abc import Sequence
import dataclasses

import numpy as np

from jaxseg import _text
from jaxseg import errors
from jaxseg.contours import _overlap
from jaxseg.contours import _rasterize
from jaxseg.contours import _rings
from jaxseg.dicom import _image
from jaxseg.dicom import _limits
from jaxseg.dicom import _roi

# How far the points of a planar contour may spread, and how far apart two
# contours of one plane may be, mm; what is told, mm.
_PLANAR_MM = 0.1
_TOLD_MM = 0.01
_EDGE_PIXELS = 1e-3


@dataclasses.dataclass(frozen=True, eq=False)
class RoiMask:
  """The mask of one ROI.

  Attributes:
    array: Bool `[slice, row, column]`, on the image's grid.
    notes: What was odd and how it was read; each `code` occurs once.
    slices: Slices with a contour, ascending.
    outside: Fraction of the contours' points that lie beyond the image.
  """

  array: np.ndarray
  notes: tuple[_text.Note, ...]
  slices: tuple[int, ...]
  outside: float


def make(
  roi: _roi.Roi,
  image: _image.Image,
  *,
  combine: str = "even-odd",
  limits: _limits.Limits = _limits.DEFAULT,
) -> RoiMask:
  """Rasterises a ROI.

  Args:
    roi: Its contours.
    image: Whose grid is meant; uneven slices are allowed.
    combine: "even-odd" or "union".
    limits: Bounds the contours.

  Returns:
    The mask and notes.

  Raises:
    GeometryError: A closed contour is not planar.
    LimitError: The contours are over a bound.
  """
  notes = _Notes([*roi.notes])
  if roi.refused:
    notes.add(
      "refused-contour", f"{len(roi.refused)} contours: {roi.refused[0]}"
    )
  closed = _closed(roi, notes)
  if not closed:
    empty = np.zeros(image.shape, np.bool_)
    return RoiMask(empty, notes.all(), (), 0.0)
  placed = _place(closed, image, notes)
  rings, slices, planes, kept = placed
  outside = _outside(rings, slices, image, len(closed), notes)
  keep = _without_twins(rings, slices, planes, kept, notes)
  rings = [rings[k] for k in keep]
  slices, planes = slices[keep], planes[keep]
  crossings = int(_rings.spans(_rings.edges(rings), image.shape[2]).sum())
  if crossings > limits.crossings:
    raise errors.LimitError(
      f"its contours cross the image's columns {crossings} times, above the"
      f" bound 'crossings' ({limits.crossings}); raise it if you trust the file"
    )
  _cross_check([kept[k] for k in keep], slices, image, notes)
  _shapes(rings, slices, planes, image, notes)
  array = _rasterize.fill(
    rings, slices, image.shape, planes=planes, combine=combine
  )
  used = np.unique(slices)
  if len(used):
    skipped = int(used[-1] - used[0] + 1 - len(used))
    if skipped:
      notes.add(
        "empty-between",
        f"{skipped} slices between contoured ones have no contour and are left"
        " empty",
      )
  if not array.any():
    notes.add("empty-mask", "no voxel's centre lies within the contours")
  return RoiMask(array, notes.all(), tuple(int(k) for k in used), outside)


class _Notes:
  """Collects notes."""

  def __init__(self, notes: list[_text.Note]):
    self._notes = notes

  def add(self, code: str, text: str) -> None:
    self._notes.append(_text.Note(code, text))

  def all(self) -> tuple[_text.Note, ...]:
    return tuple(self._notes)


def _closed(roi: _roi.Roi, notes: _Notes) -> list[_roi.Contour]:
  """The contours that bound an area."""
  closed = [one for one in roi.contours if one.is_closed]
  for kind in sorted({one.kind for one in roi.contours if not one.is_closed}):
    count = sum(one.kind == kind for one in roi.contours)
    notes.add(
      "not-filled", f"{count} contours of type {_text.shown(kind)} have no area"
    )
  fine = [one for one in closed if _has_three(one.points)]
  if len(fine) < len(closed):
    notes.add(
      "degenerate",
      f"{len(closed) - len(fine)} contours have fewer than 3 distinct points"
      " and no area",
    )
  return fine


def _has_three(points: np.ndarray) -> bool:
  """Whether there are three distinct points among them."""
  if len(points) < 3:
    return False
  first = (points != points[0]).any(axis=1)
  at = int(first.argmax())
  return bool((first & (points != points[at]).any(axis=1)).any())


def _place(
  closed: Sequence[_roi.Contour], image: _image.Image, notes: _Notes
) -> tuple[list[np.ndarray], np.ndarray, np.ndarray, list[_roi.Contour]]:
  """Contours in index coordinates: rings, slices, planes, and themselves."""
  grid = image.grid
  points = np.concatenate([one.points for one in closed])
  lengths = np.array([len(one.points) for one in closed])
  starts = np.cumsum(lengths) - lengths
  along = (points - grid.positions[0]) @ grid.normal
  centre = np.add.reduceat(along, starts) / lengths
  spread = np.maximum.reduceat(along, starts) - np.minimum.reduceat(
    along, starts
  )
  worst = int(np.argmax(spread))
  if spread[worst] > _PLANAR_MM:
    raise errors.GeometryError(
      f"contour {closed[worst].index}: its points are {spread[worst]:.3g} mm"
      " apart across the slices, so it is not planar; redraw the ROI on the"
      " image's slices"
    )
  slices = grid.nearest(centre)
  found = slices >= 0
  if not found.all():
    notes.add(
      "beyond-slices",
      f"{int((~found).sum())} contours lie beyond the image's slices",
    )
  off = abs(centre - grid.distances[slices.clip(0)])[found]
  if (off > _TOLD_MM).any():
    notes.add(
      "off-plane",
      f"{int((off > _TOLD_MM).sum())} contours lie up to {off.max():.3g} mm off"
      " their slice",
    )
  planes = _planes(centre)
  pairs = np.unique(np.stack([slices, planes], axis=1)[found], axis=0)
  several = int((np.unique(pairs[:, 0], return_counts=True)[1] > 1).sum())
  if several:
    notes.add(
      "planes-united",
      f"on {several} slices contours of more than one plane fall together and"
      " are united",
    )
  owner = np.repeat(slices, lengths)
  steps = np.stack([grid.row_step, grid.column_step], axis=1)
  flat = (points - grid.positions[owner.clip(0)]) @ np.linalg.pinv(steps).T
  rings = np.split(flat, starts[1:])
  which = np.flatnonzero(found)
  return (
    [rings[int(k)] for k in which],
    slices[which],
    planes[which],
    [closed[int(k)] for k in which],
  )


def _planes(centre: np.ndarray) -> np.ndarray:
  """Numbers planes: contours closer than the tolerance share one."""
  order = np.argsort(centre, kind="stable")
  steps = np.diff(centre[order], prepend=centre[order[:1]]) > _PLANAR_MM
  planes = np.empty(len(centre), np.int64)
  planes[order] = np.cumsum(steps)
  return planes


def _outside(
  rings: Sequence[np.ndarray],
  slices: np.ndarray,
  image: _image.Image,
  drawn: int,
  notes: _Notes,
) -> float:
  """The fraction of points beyond the image, contours beyond it included."""
  del slices
  if not rings:
    return 1.0
  points = np.concatenate(rings)
  # Masks that touch the image's edge have points on it, but for decimals.
  far = np.array(image.shape[1:]) - 0.5 + _EDGE_PIXELS
  beyond = ((points < -0.5 - _EDGE_PIXELS) | (points > far)).any(axis=1)
  fraction = float(beyond.mean())
  if fraction:
    notes.add(
      "outside",
      f"{100 * fraction:.3g} % of the points lie beyond the image's rows and"
      " columns and are clipped",
    )
  return 1 - (1 - fraction) * len(rings) / drawn


def _without_twins(
  rings: Sequence[np.ndarray],
  slices: np.ndarray,
  planes: np.ndarray,
  contours: Sequence[_roi.Contour],
  notes: _Notes,
) -> list[int]:
  """Indices of the contours but exact duplicates, which would cancel out."""
  if not rings:
    return []
  keys: dict[tuple, list[int]] = {}
  lengths = np.array([len(ring) for ring in rings])
  starts = np.cumsum(lengths) - lengths
  points = np.concatenate(rings)
  boxes = np.concatenate(
    [
      np.minimum.reduceat(points, starts), np.maximum.reduceat(points, starts)
    ],
    axis=1,
  )  # fmt: skip
  tags = np.concatenate(
    [slices[:, None], planes[:, None], np.rint(boxes * 1e6)], axis=1
  )
  for index, tag in enumerate(map(tuple, tags.tolist())):
    keys.setdefault(tag, []).append(index)
  dropped = set()
  for group in keys.values():
    seen = set()
    for index in group if len(group) > 1 else ():
      form = _canonical(contours[index].points)
      if form in seen:
        dropped.add(index)
      seen.add(form)
  if dropped:
    notes.add(
      "duplicate-contour",
      f"{len(dropped)} contours repeat another exactly and are left out",
    )
  return [k for k in range(len(rings)) if k not in dropped]


def _canonical(points: np.ndarray) -> bytes:
  """The same bytes for the same cycle of points, whatever start and sense."""
  fresh = (points != np.roll(points, 1, axis=0)).any(axis=1)
  points = points[fresh] if fresh.any() else points[:1]
  _, number = np.unique(points, axis=0, return_inverse=True)
  names = number.ravel().tolist()
  forms = []
  for step in (1, -1):
    cycle = names[::step]
    start = _least_rotation(cycle)
    forms.append((cycle[start:] + cycle[:start], step, start))
  # The smaller of the two senses, as points.
  _, step, start = min(forms)
  return np.roll(points[::step], -start, axis=0).tobytes()


def _least_rotation(cycle: Sequence[int]) -> int:
  """Where to start so that what follows is smallest; a point may recur."""
  length, one, other, same = len(cycle), 0, 1, 0
  while one < length and other < length and same < length:
    a, b = cycle[(one + same) % length], cycle[(other + same) % length]
    if a == b:
      same += 1
      continue
    if a > b:
      one += same + 1
    else:
      other += same + 1
    if one == other:
      other += 1
    same = 0
  return min(one, other)


def _cross_check(
  contours: Sequence[_roi.Contour],
  slices: np.ndarray,
  image: _image.Image,
  notes: _Notes,
) -> None:
  """Counts image references that point elsewhere, or nowhere."""
  own: dict[str, set[int]] = {}
  for index, uid in enumerate(image.instances):
    own.setdefault(uid, set()).add(index)
  dangling = wrong = 0
  for contour, index in zip(contours, slices, strict=True):
    if not contour.images:
      continue
    places = [own[uid] for uid in contour.images if uid in own]
    if not places:
      dangling += 1
    elif not any(int(index) in place for place in places):
      wrong += 1
  if dangling:
    notes.add(
      "dangling-reference",
      f"{dangling} contours refer to images that are not of this series; their"
      " position decides",
    )
  if wrong:
    notes.add(
      "wrong-reference",
      f"{wrong} contours refer to another slice than the one they lie on; their"
      " position decides",
    )


def _shapes(
  rings: Sequence[np.ndarray],
  slices: np.ndarray,
  planes: np.ndarray,
  image: _image.Image,
  notes: _Notes,
) -> None:
  """Counts contours that cross themselves or partly overlap others."""
  if not rings:
    return
  crossing = int(_rings.self_crossing(rings, image.shape[2]).sum())
  if crossing:
    notes.add(
      "self-crossing",
      f"{crossing} contours cross themselves; even-odd decides what is inside",
    )
  overlapping = _overlap.partly_overlapping(
    rings, slices, planes, image.shape[1:]
  )
  if overlapping:
    notes.add(
      "partial-overlap",
      f"on {overlapping} slices contours overlap partly; even-odd leaves the"
      " common part out, combine='union' keeps it",
    )
