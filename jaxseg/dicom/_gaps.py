"""Slices of an ROI that its contours leave open: found, named, filled in.

A contour that is malformed, or was never drawn on a slice in the middle of an
organ, makes the slice unknown: it is no evidence that the organ is absent.
"""

import numpy as np

from jaxseg import _text
from jaxseg import contours
from jaxseg.dicom import _image
from jaxseg.dicom import _roi

_OPEN = ("POINT", "OPEN_PLANAR", "OPEN_NONPLANAR")
GAPS = ("unknown", "interpolate")


def close(
  roi: _roi.Roi,
  image: _image.Image,
  array: np.ndarray,
  used: np.ndarray,
  gaps: str,
  notes: list[_text.Note],
) -> tuple[np.ndarray, np.ndarray]:
  """Finds the slices that are unknown, and fills them in where asked.

  Unknown are slices with a malformed contour, as far as its points or its
  image reference tell where it lay; those between contoured ones with nothing
  but an open contour or one without area; slices that were passed over in
  drawing (`contours.skipped`); and interpolated slices of a resampled image
  beside a contoured one, on which nobody could draw. If malformed contours lie
  nobody knows where, all empty slices between the first and the last contoured
  one are unknown, and, if these are fewer than such contours, as many more at
  either end.

  Args:
    roi: The ROI.
    image: Its image.
    array: Its mask, bool `[slice, row, column]`.
    used: Slices with a contour, ascending.
    gaps: "interpolate" fills in the slices between contoured ones.
    notes: Receives what was found.

  Returns:
    The mask, and the slices that are unknown, ascending.
  """
  if not len(used):
    return array, lost_slices(roi, image)[0]
  lost, unplaced = lost_slices(roi, image)
  drawn = np.zeros(len(array), np.bool_)
  drawn[used] = True
  bare = np.flatnonzero(~drawn[used[0] : used[-1] + 1]) + used[0]
  if len(bare):
    lost = np.union1d(lost, np.intersect1d(_without_area(roi, image), bare))
  open_ends = np.empty(0, np.int64)
  known = drawn.copy()
  known[lost] = True
  skipped = contours.skipped(array, drawn=known)
  to_fill = passed = np.union1d(
    np.union1d(skipped, _interpolated(image, drawn)),
    np.intersect1d(lost, bare),
  )
  if unplaced:
    passed = np.union1d(passed, bare)
    # A stretch longer than there are such contours is not theirs alone.
    stretches = np.split(bare, np.flatnonzero(np.diff(bare) > 1) + 1)
    short = [one for one in stretches if len(one) <= unplaced]
    to_fill = np.union1d(to_fill, np.concatenate(short or [bare[:0]]))
    ends = np.arange(1, max(0, unplaced - len(bare)) + 1)
    open_ends = np.concatenate([used[0] - ends, used[-1] + ends])
    open_ends = open_ends[(open_ends >= 0) & (open_ends < len(array))]
  unknown = np.union1d(np.union1d(passed, lost), open_ends)
  filled = np.empty(0, np.int64)
  if gaps == "interpolate" and len(to_fill):
    array = contours.interpolate(
      array, to_fill, image.grid.distances, image.spacing[1:]
    )
    # Where the shapes on both sides do not meet, nothing is known still.
    filled = to_fill[array[to_fill].any(axis=(1, 2))]
    unknown = np.setdiff1d(unknown, filled)
  _say(notes, bare, filled, unknown, gaps)
  return array, unknown.astype(np.int64)


def _say(
  notes: list[_text.Note],
  bare: np.ndarray,
  filled: np.ndarray,
  unknown: np.ndarray,
  gaps: str,
) -> None:
  """Notes what was found."""
  if len(filled):
    notes.append(
      _text.Note(
        "interpolated",
        f"{len(filled)} slices without a contour are interpolated from those"
        " on both sides",
      )
    )
  if len(bare):
    gone = int(np.isin(bare, unknown).sum())
    stay = len(bare) - gone - int(np.isin(bare, filled).sum())
    fates = [f"{_are(len(filled))} interpolated"] if len(filled) else []
    if gone:
      remedy = "" if gaps == "interpolate" else " (gaps='interpolate' fills in)"
      fates.append(f"{_are(gone)} unknown, passed over in drawing{remedy}")
    if stay:
      fates.append(f"{_are(stay)} left empty, a real gap")
    notes.append(
      _text.Note(
        "empty-between",
        f"{len(bare)} slices between contoured ones have no contour:"
        f" {', '.join(fates)}",
      )
    )
  others = np.setdiff1d(unknown, bare)
  if len(others):
    notes.append(
      _text.Note(
        "unknown-slices",
        f"{len(others)} more slices may lack a part of the structure and are"
        " unknown",
      )
    )


def _are(count: int) -> str:
  return f"{count} {'is' if count == 1 else 'are'}"


def lost_slices(roi: _roi.Roi, image: _image.Image) -> tuple[np.ndarray, int]:
  """Slices with a malformed contour, and how many more lie nobody knows where.

  What is left of its points decides; where nothing is, its image references.
  """
  grid = image.grid
  own: dict[str, set[int]] = {}
  if roi.lost:
    for index, uid in enumerate(image.instances):
      if uid:
        own.setdefault(uid, set()).add(index)
  found: set[int] = set()
  unplaced = 0
  for one in roi.lost:
    if one.kind in _OPEN:
      continue  # It would not have bounded an area.
    if len(one.points):
      middle, low, high = contours.levels(
        [one.points], grid.positions[0], grid.normal
      )
      if high[0] - low[0] <= contours.PLANAR_MM:
        index = int(grid.nearest(middle)[0])
        if index >= 0:
          found.add(index)
        continue
    # A multi-frame file has many slices under one reference.
    places = [own[uid] for uid in one.images if len(own.get(uid, ())) == 1]
    if places:
      found |= places[0]
    else:
      unplaced += 1
  return np.array(sorted(found), np.int64), unplaced


def _without_area(roi: _roi.Roi, image: _image.Image) -> np.ndarray:
  """Slices with a contour that was left open, or has fewer than 3 points."""
  points = [
    one.points
    for one in roi.contours
    if one.kind == "OPEN_PLANAR"
    or (one.is_closed and not contours.has_area(one.points))
  ]
  if not points:
    return np.empty(0, np.int64)
  grid = image.grid
  middle, _, _ = contours.levels(points, grid.positions[0], grid.normal)
  return grid.nearest(middle)


def _interpolated(image: _image.Image, drawn: np.ndarray) -> np.ndarray:
  """Slices that no scanner made, without a contour, beside a drawn one."""
  made = np.zeros(len(image.instances), np.bool_)
  made[list(image.interpolated)] = True
  if not made.any():
    return np.empty(0, np.int64)
  at = np.arange(len(made))
  real = np.flatnonzero(~made)
  above = np.searchsorted(real, at).clip(0, len(real) - 1)
  below = (np.searchsorted(real, at, side="right") - 1).clip(0)
  beside = drawn[real[above]] | drawn[real[below]]
  return np.flatnonzero(made & beside & ~drawn)
