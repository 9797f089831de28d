"""Uneven slices to even ones, where somebody asked for it."""

import dataclasses

import numpy as np

from jaxseg import _text
from jaxseg import volume
from jaxseg.dicom import _image

_EXACT_MM = 0.01


def resampled(image: _image.Image) -> _image.Image:
  """Linear interpolation along the slices at their median spacing.

  Args:
    image: With uneven slices.

  Returns:
    Even slices from the first one on. A slice where an original one lies is
    that one; others have no instance ("") to refer to. Those in a gap of more
    than 1.5 times the median are marked as unscanned.
  """
  old = image.grid
  count = int(np.floor(old.distances[-1] / old.gap + 1e-6)) + 1
  new_at = np.arange(count) * old.gap
  line = old.positions[-1] - old.positions[0]
  grid = volume.Grid(
    positions=old.positions[0] + (new_at / old.distances[-1])[:, None] * line,
    row_step=old.row_step,
    column_step=old.column_step,
    rows=old.rows,
    columns=old.columns,
    thickness=old.thickness,
  )
  below = np.searchsorted(old.distances, new_at, side="right") - 1
  below = below.clip(0, len(old.distances) - 2)
  apart = old.distances[below + 1] - old.distances[below]
  share = ((new_at - old.distances[below]) / apart).clip(0, 1)
  nearest = np.where(share < 0.5, below, below + 1)
  exact = abs(new_at - old.distances[nearest]) <= _EXACT_MM
  array = np.empty(grid.shape, image.array.dtype)
  unscanned = np.zeros(grid.shape, np.bool_)
  for k, i in enumerate(below):
    if image.unscanned is not None:
      unscanned[k] = image.unscanned[i] | image.unscanned[i + 1]
    if exact[k]:
      array[k] = image.array[nearest[k]]
      continue
    mixed = (1 - share[k]) * image.array[i] + share[k] * image.array[i + 1]
    array[k] = np.rint(mixed) if array.dtype.kind == "i" else mixed
    # In a gap there is no measurement, only a line drawn across it.
    if apart[k] > 1.5 * old.gap:
      unscanned[k] = True
  note = _text.Note(
    "resampled",
    f"{old.shape[0]} uneven slices interpolated to {count}, {old.gap:.4g} mm"
    " apart",
  )
  frames = image.frames
  return dataclasses.replace(
    image,
    array=array,
    grid=grid,
    instances=tuple(
      image.instances[n] if same else ""
      for n, same in zip(nearest, exact, strict=True)
    ),
    frames=None if frames is None else tuple(frames[n] for n in nearest),
    paths=tuple(image.paths[n] for n in nearest),
    unscanned=unscanned if unscanned.any() else None,
    notes=(*image.notes, note),
  )
