"""What makes a pair of a map and its reference look like a mistake.

Nothing here changes a number: a remark says what to look at.
"""

import itertools
import math

import numpy as np

from jaxseg import _text
from jaxseg import thresholds

# A mask of fewer voxels lies on another's by chance.
_FEW_VOXELS = 10
_AXES = ("slice", "row", "column")
# Voxels of a reference that are looked at, at most.
_LOOKED_AT = 100_000


def find(
  p: np.ndarray,
  y: np.ndarray,
  keep: np.ndarray | None,
  counts: thresholds.Counts,
) -> list[_text.Note]:
  """Remarks on one case.

  Args:
    p: Map, floating point or uint8, `[slice, row, column]`.
    y: Mask, bool, same shape.
    keep: Voxels that count, bool, same shape; None is all.
    counts: Of the case, `[T + 1]`, at a fine grid.
  """
  found = [_values(p, keep, counts), _background(counts)]
  if found == [None, None]:
    found.append(_order(p, y, keep, counts))
  return [note for note in found if note]


def _values(
  p: np.ndarray, keep: np.ndarray | None, counts: thresholds.Counts
) -> _text.Note | None:
  """A map of one or two values is no map of probabilities."""
  if np.count_nonzero(counts.positive + counts.negative) > 2:
    return None
  values = p if keep is None else p[keep]
  if not values.size:
    return None
  low, high = values.min(), values.max()
  if not ((values == low) | (values == high)).all():
    return None
  said = [f"{_share(value):.4g}" for value in (low, high)]
  if low != high:
    return _text.Note(
      "two-values",
      f"the map is binary: it holds the values {said[0]} and {said[1]} alone,"
      " as a mask does, so every threshold between them gives the same; save"
      " the network's probabilities",
    )
  if not counts.positive.sum():
    return None  # Nothing to be found, and nothing found.
  return _text.Note(
    "constant",
    f"the map is {said[0]} everywhere, and the reference is not empty; is it"
    " the map of this structure?",
  )


def _share(value: np.generic) -> float:
  return float(value) / 255 if value.dtype == np.uint8 else float(value)


def _background(counts: thresholds.Counts) -> _text.Note | None:
  """A map whose low values mark the structure."""
  inside, outside = counts.positive.sum(), counts.negative.sum()
  if inside < _FEW_VOXELS:
    return None
  best = _dice(counts.true_positive, counts.false_positive, inside).max()
  low = _dice(
    inside - counts.true_positive, outside - counts.false_positive, inside
  ).max()
  if not _far_better(low, best):
    return None
  return _text.Note(
    "background",
    f"where the map is low it agrees with the reference (Dice {low:.3f} for"
    f" {best:.3f}), as the background's does; is it the right class"
    " (--class)?",
  )


def _order(
  p: np.ndarray,
  y: np.ndarray,
  keep: np.ndarray | None,
  counts: thresholds.Counts,
) -> _text.Note | None:
  """A map whose axes are exchanged or run the other way."""
  inside = int(counts.positive.sum())
  if inside < _FEW_VOXELS:
    return None
  found, wrong = counts.true_positive, counts.false_positive
  best = float(_dice(found, wrong, inside).max())
  # A mask of as many voxels, so that it matters not how sure the map is.
  k = int(np.abs(found + wrong - inside).argmin())
  predicted = int(found[k] + wrong[k])
  if best > 0.8 or not inside / 4 <= predicted <= 4 * inside:
    return None
  places = np.flatnonzero(y if keep is None else y & keep)
  places = places[:: math.ceil(len(places) / _LOOKED_AT)]
  index = np.unravel_index(places, y.shape)
  most, how = best, None
  for axes, signs in _orders(p.shape):
    turned = p.transpose(axes)[tuple(slice(None, None, s) for s in signs)]
    values = turned[index].astype(np.float32)
    if p.dtype == np.uint8:
      values /= np.float32(255)
    share = np.count_nonzero(values >= counts.thresholds[k]) / len(places)
    dice = 2 * share * inside / (predicted + inside)
    if dice > most + 1e-9:
      most, how = dice, (axes, signs)
  if how is None or not _far_better(most, best):
    return None
  return _text.Note(
    "axis-order",
    f"the map agrees far better with its reference (Dice {most:.3f} for"
    f" {best:.3f}) {_said(*how)}, so it looks stored in another axis order;"
    " save it as [slice, row, column], or correct its geometry",
  )


def _far_better(other: float, own: float) -> bool:
  """Whether another reading is no chance: several times as good, or nearly all.

  Chance lets two blobs of one size meet by a few tenths of their volume.
  """
  several = other >= 0.3 and other >= 3 * own
  return bool(several or (other >= own + 0.2 and 1 - other <= (1 - own) / 2))


def _dice(
  found: np.ndarray, wrong: np.ndarray, inside: int | np.integer
) -> np.ndarray:
  return 2 * found / (found + wrong + inside)


def _orders(
  shape: tuple[int, ...],
) -> list[tuple[tuple[int, ...], tuple[int, ...]]]:
  """Orders of the axes that keep the shape, the simplest first."""
  every = [
    (axes, signs)
    for axes in itertools.permutations(range(3))
    for signs in itertools.product((1, -1), repeat=3)
    if tuple(shape[axis] for axis in axes) == tuple(shape)
  ]
  straight = (0, 1, 2)
  return sorted(
    every[1:],
    key=lambda one: (
      sum(a != b for a, b in zip(one[0], straight, strict=True)),
      one[1].count(-1),
    ),
  )


def _said(axes: tuple[int, ...], signs: tuple[int, ...]) -> str:
  """How the map would have to be read."""
  words = []
  if axes != (0, 1, 2):
    stored = [_AXES[axes.index(place)] for place in range(3)]
    words.append(f"if its axes are taken for [{', '.join(stored)}]")
  turned = [f"{_AXES[k]}s" for k, sign in enumerate(signs) if sign < 0]
  if turned:
    back = f"its {' and '.join(turned)} mirrored"
    words.append(f"and {back}" if words else f"with {back}")
  text = " ".join(words)
  if axes == (0, 1, 2) and turned == ["columns"]:
    text += ", as that of the other side's organ does"
  return text
