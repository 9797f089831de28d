"""Names beside points, placed so that they do not cover each other."""

from collections.abc import Sequence
from typing import Any

from matplotlib import axes as mpl_axes
import numpy as np

from jaxseg.report import _style

_SIZE = 8.5  # Points.
_GAP = 6.0  # Points between a point's centre and its name.
_RINGS = (1.0, 1.8, 2.8, 4.0, 5.5)  # Distances tried, in gaps.
_DIRECTIONS = 16
_MANY = 40  # Names; above, only the nearest ring is tried, for memory's sake.
_STARTS = 24
_OUTSIDE = 1e6


def annotate(
  panel: mpl_axes.Axes,
  x: Sequence[float],
  y: Sequence[float],
  texts: Sequence[str],
  *,
  avoid: np.ndarray | None = None,
) -> None:
  """Writes a name beside each point of a panel.

  Places are tried in rings about each point; together they shall cover as
  little as possible of each other, the points, a line and the panel's edge,
  and be near. The same input gives the same places.

  Args:
    panel: Its position in the figure must be final: draw the figure once and
      turn its layout off before.
    x: Places of the points, data units.
    y: Likewise.
    texts: One for each point.
    avoid: `[m, 2]`, data units: points of a line that names keep off where
      they can.
  """
  if not texts:
    return
  points = panel.transData.transform(np.column_stack([x, y]))  # [n, 2], pixel
  pixels = panel.figure.dpi / 72.0
  sizes = np.array([_extent(panel, text) for text in texts])
  boxes, costs = _places(points, sizes, pixels)
  edge = np.array(panel.get_window_extent().padded(-3 * pixels).extents)
  area = np.prod(sizes, axis=1)[:, None]
  outside = area - _overlap(boxes, edge[None])
  # Outside only where no place inside is left.
  costs = costs + 8.0 * outside + _OUTSIDE * (outside > 0.5)
  costs += 3.0 * _overlap(boxes, _squares(points, 4.5 * pixels))
  # A name close to another's point could be taken for that one's.
  costs += 0.5 * _overlap(boxes, _squares(points, 9.0 * pixels))
  if avoid is not None and len(avoid):
    line = panel.transData.transform(avoid)
    costs += 3.0 * _overlap(boxes, _squares(line, pixels / 2))
  chosen = boxes[np.arange(len(texts)), _choose(boxes, costs)]
  for point, box, text in zip(points, chosen, texts, strict=True):
    _write(panel, point, box, text, pixels)


def _extent(panel: mpl_axes.Axes, text: str) -> tuple[float, float]:
  """Width and height of a text, pixels."""
  artist = panel.text(0, 0, text, size=_SIZE)
  box = artist.get_window_extent()
  artist.remove()
  return box.width, box.height


def _places(
  points: np.ndarray, sizes: np.ndarray, pixels: float
) -> tuple[np.ndarray, np.ndarray]:
  """Boxes tried, `[n, m, 4]`, and what their distance costs, `[n, m]`."""
  rings = np.array(_RINGS[:1] if len(points) > _MANY else _RINGS)
  turns = np.arange(_DIRECTIONS)
  angles = 2 * np.pi * turns / _DIRECTIONS
  ways = np.stack([np.cos(angles), np.sin(angles)], axis=-1).round(6)
  shifts = rings[:, None, None] * ways * _GAP * pixels
  # The box touches the ring with the side or corner nearest the point.
  towards = np.broadcast_to(np.sign(ways), shifts.shape).reshape(-1, 2)
  centres = (
    points[:, None] + shifts.reshape(-1, 2) + towards * sizes[:, None] / 2
  )
  boxes = np.concatenate(
    [centres - sizes[:, None] / 2, centres + sizes[:, None] / 2], axis=-1
  )
  # Right of the point first, then round; a far name costs a line as well.
  costs = (60.0 * (rings[:, None] - 1.0) + 0.02 * turns).ravel()
  return boxes, np.broadcast_to(costs, boxes.shape[:2])


def _choose(boxes: np.ndarray, costs: np.ndarray) -> np.ndarray:
  """Index of a box for each name, `[n]`: the best of several descents."""
  count, tried = costs.shape
  flat = boxes.reshape(-1, 4)
  pairs = _shared(flat[:, None], flat[None]).reshape(2 * (count, tried))
  pairs *= 3.0
  names = np.arange(count)
  pairs[names, :, names, :] = 0.0
  draw = np.random.default_rng(0)
  best: np.ndarray = np.array(costs.argmin(axis=1))
  least = np.inf
  for start in range(_STARTS):
    chosen = best.copy()
    if start:
      chosen[:] = draw.integers(tried, size=count)
    for _ in range(20):
      before = chosen.copy()
      for name in draw.permutation(count):
        others = pairs[name][:, names, chosen].sum(axis=1)
        chosen[name] = (costs[name] + others).argmin()
      if (chosen == before).all():
        break
    total = costs[names, chosen].sum()
    total += pairs[names[:, None], chosen[:, None], names, chosen].sum() / 2
    if total < least:
      best, least = chosen, total
  return best


def _squares(centres: np.ndarray, half: float) -> np.ndarray:
  """Boxes (left, bottom, right, top) about points, `[n, 4]`."""
  return np.hstack([centres - half, centres + half])


def _overlap(boxes: np.ndarray, others: np.ndarray) -> np.ndarray:
  """Summed area that boxes `[n, m, 4]` share with others `[k, 4]`: `[n, m]`."""
  return _shared(boxes[:, :, None], others).sum(axis=-1)


def _shared(boxes: np.ndarray, others: np.ndarray) -> np.ndarray:
  """Area that boxes `[..., 4]` share, pair by pair."""
  low = np.maximum(boxes[..., :2], others[..., :2])
  high = np.minimum(boxes[..., 2:], others[..., 2:])
  return np.prod(np.clip(high - low, 0.0, None), axis=-1)


def _write(
  panel: mpl_axes.Axes,
  point: np.ndarray,
  box: np.ndarray,
  text: str,
  pixels: float,
) -> None:
  """The name, and a thin line to its point where that is not beside it."""
  x, y = panel.transData.inverted().transform(point)
  near = np.clip(point, box[:2], box[2:])
  how: dict[str, Any] = {
    "textcoords": "offset points",
    "size": _SIZE,
    "va": "bottom",
  }
  if np.linalg.norm(near - point) > 1.5 * _GAP * pixels:
    line: dict[str, Any] = {"arrowstyle": "-", "color": _style.QUIET, "lw": 0.7}
    panel.annotate("", (x, y), (near - point) / pixels, arrowprops=line, **how)
  panel.annotate(text, (x, y), (box[:2] - point) / pixels, zorder=6, **how)
