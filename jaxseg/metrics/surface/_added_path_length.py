"""Added path length: how much contour one would still have to draw."""

from typing import Any

import numpy as np
from numpy import typing as npt

from jaxseg import _arrays as arrays
from jaxseg import _checks as checks
from jaxseg import _empty
from jaxseg import errors
from jaxseg.metrics.surface import _axes
from jaxseg.metrics.surface import _definitions
from jaxseg.metrics.surface import _nearest


def added_path_length(
  prediction: npt.ArrayLike,
  reference: npt.ArrayLike,
  spacing: _axes.Spacing,
  *,
  tolerance: float = 0.0,
  empty: str = "nan",
  batch_axes: _axes.BatchAxes = None,
) -> Any:
  """Length of the reference's contours that the prediction lacks, in mm.

  Computed on the host, slice by slice: the number of the reference's border
  pixels (those with an edge on the background) farther than the tolerance from
  every border pixel of the prediction, times the geometric mean of the pixel's
  sides.

  >>> a, b = np.zeros((2, 1, 5, 5), bool)
  >>> a[0, 1:4, 1:4], b[0, 1:4, 1:4] = True, True
  >>> a[0, 1, 1] = False
  >>> added_path_length(a, b, (3.0, 0.5, 0.5))
  0.5

  Args:
    prediction: Mask, bool, `[slice, row, column]` or `[row, column]`, and a
      batch.
    reference: Mask, bool, same shape.
    spacing: Of the image's two or three axes, in their order, mm, > 0.
    tolerance: mm, >= 0, within the slice; a pixel at exactly this distance
      need not be drawn.
    empty: Both masks empty: "nan", or "perfect" for 0 mm; "skip" gives nan
      whenever the reference is empty. A missed reference must be drawn in
      full. Where only the reference is empty there is nothing to draw, but
      something to delete, which no length expresses: inf.
    batch_axes: Axes that are none of an image's, as in `surface_report`.

  Returns:
    The length over all slices, mm, float64; an array of a batch's axes. Not
    symmetric.

  Raises:
    ConfigError: The policy is unknown, or the tolerance is not 0 or more.
    TypeError: A mask is not boolean, or an argument is traced.
    ValueError: Shapes differ, or the axes or the spacing do not fit.

  References:
    Vaassen et al., Physics and Imaging in Radiation Oncology 13 (2020) 1-6.
  """
  arrays.refuse_traced(
    "call it outside of jit",
    prediction=prediction, reference=reference, tolerance=tolerance,
  )  # fmt: skip
  given = arrays.native(prediction=prediction, reference=reference)
  checks.boolean(prediction=given[0], reference=given[1])
  checks.same_shape(prediction=given[0], reference=given[1])
  if not tolerance >= 0:
    raise errors.ConfigError(
      f"tolerance {tolerance} is not 0 or more; give another"
    )
  outcome = _empty.outcomes(empty, best=0.0, worst=np.inf)
  batch = _axes.of_batch(np.ndim(given[0]), batch_axes)
  pixel = _axes.millimetres(spacing, np.ndim(given[0]) - len(batch))[-2:]
  a, b = (_axes.in_front(np.asarray(mask), batch) for mask in given)
  if not batch:
    return _of_one(a, b, pixel, tolerance, outcome)
  lengths = a.shape[: len(batch)]
  found = [
    _of_one(a[place], b[place], pixel, tolerance, outcome)
    for place in np.ndindex(lengths)
  ]
  return np.array(found, np.float64).reshape(lengths)


def _of_one(
  a: np.ndarray,
  b: np.ndarray,
  pixel: tuple[float, ...],
  tolerance: float,
  outcome: _empty.Outcomes,
) -> float:
  if not b.any():
    return outcome.of(bool(a.any()), False)
  slices = zip(
    a.reshape(-1, *a.shape[-2:]), b.reshape(-1, *b.shape[-2:]), strict=True
  )
  missing = sum(
    _missing(drawn, wanted, pixel, tolerance)
    for drawn, wanted in slices
    if wanted.any()
  )
  return missing * float(np.sqrt(pixel[0] * pixel[1]))


def _missing(
  drawn: np.ndarray,
  wanted: np.ndarray,
  pixel: tuple[float, ...],
  tolerance: float,
) -> int:
  """Number of the wanted border pixels on a slice that are not drawn."""
  theirs = _definitions.of(np.pad(wanted, 1), pixel, "voxel")
  if not drawn.any():
    return theirs.points.shape[1]
  ours = _definitions.of(np.pad(drawn, 1), pixel, "voxel")
  near = _nearest.Points(ours.points, ours.shape, pixel).query(theirs.points)
  return int((near.distances > tolerance).sum())
