"""A picture of what was found: each structure on the slice that shows most."""

from collections.abc import Sequence
import pathlib

import numpy as np

from jaxseg import _extras
from jaxseg import _files
from jaxseg import structures
from jaxseg.deploy import _predict

_WINDOW_HU = (-135.0, 215.0)  # Level 40, width 350: the usual soft tissue.
_MARGIN = 24  # Pixels about the contours.
_ACROSS = 4  # Panels in a row.
_OWN, _ENDS = "#ffd92f", "#56b4e9"  # Both stand out on grey.


def write(
  path: pathlib.Path, ready: _predict.Ready, found: Sequence[_predict.Found]
) -> None:
  """Draws a panel for each structure that was found.

  Args:
    path: A PNG.
    ready: The scan.
    found: Its structures.
  """
  _extras.load("matplotlib", extra="report")
  from matplotlib import figure as mpl_figure
  from matplotlib.backends import backend_agg

  rows = -(-len(found) // _ACROSS)
  across = min(len(found), _ACROSS)
  drawing = mpl_figure.Figure(
    figsize=(2.6 * across, 2.75 * rows), facecolor="black", layout="constrained"
  )
  backend_agg.FigureCanvasAgg(drawing)
  panels = drawing.subplots(rows, across, squeeze=False).ravel()
  image = ready.image.array
  _, row_mm, column_mm = ready.image.spacing
  for panel in panels:
    panel.set_axis_off()
  for panel, one in zip(panels, found, strict=False):
    mask = one.mask.unpack()
    areas = mask.sum((1, 2))
    k = int(areas.argmax()) if areas.any() else image.shape[0] // 2
    top, bottom, left, right = _box(mask[k])
    shown = image[k, top:bottom, left:right]
    panel.imshow(
      shown,
      cmap="gray",
      vmin=_WINDOW_HU[0],
      vmax=_WINDOW_HU[1],
      aspect=row_mm / column_mm,
      interpolation="nearest",
    )
    for packed, color, style in (
      (one.outer, _ENDS, ":"), (one.inner, _ENDS, "--"), (one.mask, _OWN, "-"),
    ):  # fmt: skip
      if packed is not None:
        part = packed.unpack()[k, top:bottom, left:right]
        if part.any() and not part.all() and min(part.shape) > 1:
          panel.contour(
            part, levels=[0.5], colors=[color], linewidths=1.2,
            linestyles=style,
          )  # fmt: skip
    name = one.structure.replace("_", " ")
    if one.structure in structures.names(kind="any"):
      name = structures.get(one.structure).tg263
    said = f"slice {k}, {one.facts['volume_ml']:.1f} mL at {one.threshold:.3g}"
    if not areas.any():
      said = f"nothing found at {one.threshold:.3g}"
    panel.set_title(f"{name}\n{said}", color="white", fontsize=8)
  with _files.new_file(path) as temporary:
    drawing.savefig(temporary, dpi=120)


def _box(mask: np.ndarray) -> tuple[int, int, int, int]:
  """The square about a mask (top, bottom, left, right), or all of the slice."""
  rows, columns = mask.shape
  if not mask.any():
    return 0, rows, 0, columns
  ends = []
  at = [np.flatnonzero(mask.any(axis=1 - axis))[[0, -1]] for axis in (0, 1)]
  side = max(int(b - a) for a, b in at) + 2 * _MARGIN
  for (first, last), length in zip(at, mask.shape, strict=True):
    start = max(0, min((int(first) + int(last) - side) // 2, length - side))
    ends += [start, min(length, start + side)]
  return ends[0], ends[1], ends[2], ends[3]
