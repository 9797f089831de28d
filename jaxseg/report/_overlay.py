"""One slice with the reference, and the prediction at two thresholds."""

from typing import Any

from matplotlib import axes as mpl_axes
from matplotlib import collections as mpl_collections
from matplotlib import figure as mpl_figure
from matplotlib import patches as mpl_patches
import numpy as np

from jaxseg import errors
from jaxseg import thresholds
from jaxseg.report import _style

_WINDOW_HU = (-135.0, 215.0)  # Level 40, width 350: the usual soft tissue.
_REFERENCE = "#f0e442"  # Okabe and Ito's yellow, sky blue and vermilion:
_OWN = "#56b4e9"  # all three stand out on grey.
_HALF = "#d55e00"
_MARGIN = 8  # Pixels kept about the contours in the close-up.


@_style.style()
def overlay(
  image_hu: np.ndarray,
  reference: np.ndarray,
  probability: np.ndarray,
  threshold: float,
  title: str,
  *,
  pixel_mm: tuple[float, float] = (1.0, 1.0),
) -> mpl_figure.Figure:
  """An axial slice with contours along the pixels' edges, and a close-up.

  Args:
    image_hu: CT, HU, `[row, column]`, drawn with row 0 at the top.
    reference: Mask, bool, `[row, column]`.
    probability: The model's map, `[row, column]`, in [0, 1].
    threshold: The model's own, in [0, 1].
    title: Stands above the figure.
    pixel_mm: Distance of neighbouring centres along (row, column), mm.

  Returns:
    Figure: the slice, a close-up with the contours, the map there. The
    legend has each cut's Dice on this slice.

  Raises:
    DataError: The arrays are not 2D or differ in shape.
  """
  shape = np.shape(image_hu)
  shapes = shape, np.shape(reference), np.shape(probability)
  if len(shape) != 2 or len(set(shapes)) > 1:
    raise errors.DataError(
      f"figure {title!r}: image, reference and probability have shapes"
      f" {shapes}; give one slice [row, column] of each"
    )
  outlines = _outlines(np.asarray(reference, np.bool_), probability, threshold)
  box = _close_up(np.any([mask for _, _, mask in outlines], axis=0))
  aspect = pixel_mm[0] / pixel_mm[1]
  options: dict[str, Any] = {"aspect": aspect, "interpolation": "nearest"}
  figure = _style.new_figure(title, 0.6 + 3.3)
  whole, close, chance = figure.subplots(1, 3)
  low, high = _WINDOW_HU
  for panel in (whole, close):
    panel.imshow(image_hu, cmap="gray", vmin=low, vmax=high, **options)
  shown = chance.imshow(probability, cmap="viridis", vmin=0, vmax=1, **options)
  for panel, name, width in (
    (whole, "slice, soft-tissue window", 0.8),
    (close, "close-up", 1.6),
    (chance, "probability", 1.0),
  ):
    _outline(panel, outlines, width)
    _dress(panel, name, None if panel is whole else box)
  _frame(whole, box)
  figure.colorbar(shown, ax=chance, shrink=0.8, ticks=[0, 0.5, 1])
  _style.add_legend(
    figure, [_style.handle(name, color=c, lw=3) for c, name, _ in outlines]
  )
  return figure


def _outlines(
  reference: np.ndarray, probability: np.ndarray, threshold: float
) -> list[tuple[str, str, np.ndarray]]:
  """Colour, name for the legend and mask of the three contours."""
  there = "" if reference.any() else ": not on this slice"
  return [
    (_REFERENCE, f"reference{there}", reference),
    (_HALF, *_cut(probability, 0.5, reference, "")),
    (_OWN, *_cut(probability, threshold, reference, "own threshold, ")),
  ]


def _cut(
  probability: np.ndarray, threshold: float, reference: np.ndarray, said: str
) -> tuple[str, np.ndarray]:
  """Name for the legend, and the mask at a threshold."""
  mask = np.asarray(thresholds.binarize(probability, threshold))
  total = int(mask.sum()) + int(reference.sum())
  score = "undefined"
  if total:
    score = f"{2 * int((mask & reference).sum()) / total:.3f}"
  return (
    f"prediction at {said}{threshold:.3g}: Dice of this slice {score}",
    mask,
  )


def _close_up(mask: np.ndarray) -> tuple[int, int, int, int]:
  """First and last row and column of the close-up, a square if it fits."""
  if not mask.any():
    return 0, mask.shape[0] - 1, 0, mask.shape[1] - 1
  ends = [np.flatnonzero(mask.any(axis=1 - axis))[[0, -1]] for axis in (0, 1)]
  side = max(int(last - first) for first, last in ends) + 2 * _MARGIN
  box = []
  for (first, last), length in zip(ends, mask.shape, strict=True):
    start = min((int(first) + int(last) - side) // 2, length - 1 - side)
    start = max(0, start)
    box += [start, min(length - 1, start + side)]
  return tuple(box)


def _edges(mask: np.ndarray) -> list[list[tuple[float, float]]]:
  """The sides of pixels where the mask changes, as (x, y) segments."""
  padded = np.pad(mask, 1)
  segments = []
  for row, column in np.argwhere(padded[1:] != padded[:-1]):
    segments.append([(column - 1.5, row - 0.5), (column - 0.5, row - 0.5)])
  for row, column in np.argwhere(padded[:, 1:] != padded[:, :-1]):
    segments.append([(column - 0.5, row - 1.5), (column - 0.5, row - 0.5)])
  return segments


def _outline(
  panel: mpl_axes.Axes,
  outlines: list[tuple[str, str, np.ndarray]],
  width: float,
) -> None:
  # The first is widest, so that it shows below what covers it.
  for (color, _, mask), times in zip(outlines, (2.4, 1.5, 1.0), strict=True):
    lines = mpl_collections.LineCollection(
      _edges(mask), colors=color, lw=width * times, capstyle="projecting"
    )
    panel.add_collection(lines)


def _frame(panel: mpl_axes.Axes, box: tuple[int, int, int, int]) -> None:
  top, bottom, left, right = box
  corner, size = (left - 0.5, top - 0.5), (right - left + 1, bottom - top + 1)
  look: dict[str, Any] = {"ec": "white", "lw": 0.9, "ls": (0, (3, 2))}
  panel.add_patch(mpl_patches.Rectangle(corner, *size, fill=False, **look))


def _dress(
  panel: mpl_axes.Axes, name: str, box: tuple[int, int, int, int] | None
) -> None:
  panel.set_title(name)
  panel.grid(visible=False)
  panel.set(xticks=[], yticks=[])
  panel.spines[:].set_visible(False)
  if box is not None:
    top, bottom, left, right = box
    panel.set(xlim=(left - 0.5, right + 0.5), ylim=(bottom + 0.5, top - 0.5))
