"""Surface metrics by name: one at a time, or all from one computation.

Given arrays, they are computed on the host, exactly, in float64. Under `jit` or
`vmap` they stay in JAX: the same definitions in float32, on any device.
"""

from collections.abc import Sequence
import math
from typing import Any

from numpy import typing as npt

from jaxseg import _arrays as arrays
from jaxseg.metrics.surface import _axes
from jaxseg.metrics.surface import _computed
from jaxseg.metrics.surface import _wanted


def surface_report(
  prediction: npt.ArrayLike,
  reference: npt.ArrayLike,
  spacing: _axes.Spacing,
  *,
  tolerances: Sequence[float] = (1.0, 2.0, 3.0),
  percentiles: Sequence[float] = (95.0, 100.0),
  surface: str = "surfel",
  empty: str = "nan",
  worst_distance: float = math.inf,
  box: tuple[int, ...] | None = None,
  batch_axes: _axes.BatchAxes = None,
) -> dict[str, Any]:
  """All surface metrics of two masks, at the cost of one.

  >>> import numpy as np
  >>> a, b = np.zeros((2, 1, 9), bool)
  >>> a[0, 2], b[0, 5] = True, True
  >>> surface_report(a, b, (1.0, 2.0), surface="voxel")["hausdorff_100"]
  6.0

  Args:
    prediction: Mask, bool, `[row, column]` or `[slice, row, column]`, and a
      batch.
    reference: Mask, bool, same shape.
    spacing: Of the image's two or three axes, in their order, mm, > 0.
    tolerances: Of the NSD, mm, >= 0.
    percentiles: Of the Hausdorff distance, in [0, 100].
    surface: "surfel" (voxel corners weighted by area) or "voxel" (centres of
      border voxels).
    empty: Both masks empty: "nan", or "perfect" for 0 mm and an NSD of 1;
      "skip" gives nan whenever the reference is empty. Otherwise one empty mask
      gives the worst value.
    worst_distance: The worst distance, mm, such as the image's diagonal.
    box: Under `jit`, lengths of a window that holds both masks: then the cost
      is the window's and not the array's. If they do not fit, all values are
      nan. On the host the window is found.
    batch_axes: Axes that are none of an image's: 0 for several cases, (0, -1)
      for `[N, H, W, C]`. Without it more than three axes are refused, for they
      might be either.

  Returns:
    Python floats, or float64 arrays of the batch's axes; under `jit` float32
    JAX arrays. Keys: "hausdorff_<percentile>" (the larger of the two directed
    percentiles), "assd" (mean over both surfaces), "masd" (mean of the two
    directed means), "mean_to_reference", "mean_to_prediction" (all mm) and
    "nsd_<tolerance>".

  Raises:
    ConfigError: The policy or the surface is unknown, or a tolerance, a
      percentile or the worst distance is invalid.
    TypeError: A mask is not boolean, or a setting is traced.
    ValueError: Shapes differ, or the axes, the spacing or the box do not fit.

  References:
    Nikolov et al., arXiv:1809.04430 (surfel); Metrics Reloaded,
    arXiv:2206.01653 (voxel).
  """
  arrays.refuse_traced(
    "its value names the result; use normalized_surface_dice",
    tolerances=tolerances,
  )
  wanted = _wanted.Wanted.checked(
    tolerances, percentiles, surface, empty, worst_distance
  )
  return _computed.report(
    prediction,
    reference,
    spacing,
    wanted,
    surface=surface,
    box=box,
    batch_axes=batch_axes,
  )


def hausdorff(
  prediction: npt.ArrayLike,
  reference: npt.ArrayLike,
  spacing: _axes.Spacing,
  *,
  percentile: float = 100.0,
  surface: str = "surfel",
  empty: str = "nan",
  worst_distance: float = math.inf,
  box: tuple[int, ...] | None = None,
  batch_axes: _axes.BatchAxes = None,
) -> Any:
  """Hausdorff distance, or a percentile of it such as HD95, in mm.

  >>> import numpy as np
  >>> a, b = np.zeros((2, 1, 9), bool)
  >>> a[0, 2], b[0, 5] = True, True
  >>> hausdorff(a, b, (1.0, 2.0))
  6.0

  Args:
    prediction: Mask, bool, `[row, column]` or `[slice, row, column]`, and a
      batch.
    reference: Mask, bool, same shape.
    spacing: Of the image's two or three axes, in their order, mm, > 0.
    percentile: In [0, 100].
    surface: As in `surface_report`.
    empty: As in `surface_report`.
    worst_distance: Value where one mask is empty, mm.
    box: As in `surface_report`.
    batch_axes: As in `surface_report`.

  Returns:
    The larger of the two directed values, mm; an array of a batch's axes.

  Raises:
    ConfigError: The policy or the surface is unknown, or a number is invalid.
    TypeError: A mask is not boolean, or a setting is traced.
    ValueError: Shapes differ, or the axes, the spacing or the box do not fit.

  References:
    Nikolov et al., arXiv:1809.04430.
  """
  wanted = _wanted.Wanted.checked(
    (), (percentile,), surface, empty, worst_distance
  )
  found = _computed.report(
    prediction,
    reference,
    spacing,
    wanted,
    surface=surface,
    box=box,
    batch_axes=batch_axes,
  )
  return found[wanted.percentile_names[0]]


def directed_hausdorff(
  prediction: npt.ArrayLike,
  reference: npt.ArrayLike,
  spacing: _axes.Spacing,
  *,
  percentile: float = 100.0,
  surface: str = "surfel",
  empty: str = "nan",
  worst_distance: float = math.inf,
  box: tuple[int, ...] | None = None,
  batch_axes: _axes.BatchAxes = None,
) -> Any:
  """Hausdorff distance from the prediction to the reference alone, in mm.

  How far the prediction strays. Exchange the masks for how far it falls short.

  >>> import numpy as np
  >>> a, b = np.zeros((2, 1, 9), bool)
  >>> a[0, 2], b[0, [2, 5]] = True, True
  >>> [directed_hausdorff(*masks, (1.0, 2.0)) for masks in ((a, b), (b, a))]
  [0.0, 6.0]

  Args:
    prediction: Mask, bool, `[row, column]` or `[slice, row, column]`, and a
      batch.
    reference: Mask, bool, same shape.
    spacing: Of the image's two or three axes, in their order, mm, > 0.
    percentile: In [0, 100].
    surface: As in `surface_report`.
    empty: As in `surface_report`: a missed structure is as far as one without a
      reference.
    worst_distance: Value where one mask is empty, mm.
    box: As in `surface_report`.
    batch_axes: As in `surface_report`.

  Returns:
    The percentile of the prediction's distances, mm; an array of a batch's
    axes.

  Raises:
    ConfigError: The policy or the surface is unknown, or a number is invalid.
    TypeError: A mask is not boolean, or a setting is traced.
    ValueError: Shapes differ, or the axes, the spacing or the box do not fit.

  References:
    Metrics Reloaded, arXiv:2206.01653.
  """
  wanted = _wanted.Wanted.checked(
    (), (), surface, empty, worst_distance, directed=(percentile,)
  )
  found = _computed.report(
    prediction,
    reference,
    spacing,
    wanted,
    surface=surface,
    box=box,
    batch_axes=batch_axes,
  )
  return found[wanted.directed_names[0]]


def average_symmetric_surface_distance(
  prediction: npt.ArrayLike,
  reference: npt.ArrayLike,
  spacing: _axes.Spacing,
  *,
  surface: str = "surfel",
  empty: str = "nan",
  worst_distance: float = math.inf,
  box: tuple[int, ...] | None = None,
  batch_axes: _axes.BatchAxes = None,
) -> Any:
  """ASSD: mean distance of both surfaces' points to the other, in mm.

  >>> import numpy as np
  >>> a = np.zeros((5, 5), bool)
  >>> a[1:4, 1:4] = True
  >>> average_symmetric_surface_distance(a, a, (1.0, 1.0))
  0.0

  Args:
    prediction: Mask, bool, `[row, column]` or `[slice, row, column]`, and a
      batch.
    reference: Mask, bool, same shape.
    spacing: Of the image's two or three axes, in their order, mm, > 0.
    surface: As in `surface_report`.
    empty: As in `surface_report`.
    worst_distance: Value where one mask is empty, mm.
    box: As in `surface_report`.
    batch_axes: As in `surface_report`.

  Returns:
    The mean, weighted by area for surfels, mm; an array of a batch's axes.

  Raises:
    ConfigError: The policy or the surface is unknown, or a number is invalid.
    TypeError: A mask is not boolean, or a setting is traced.
    ValueError: Shapes differ, or the axes, the spacing or the box do not fit.

  References:
    Metrics Reloaded, arXiv:2206.01653.
  """
  wanted = _wanted.Wanted.checked((), (), surface, empty, worst_distance)
  found = _computed.report(
    prediction,
    reference,
    spacing,
    wanted,
    surface=surface,
    box=box,
    batch_axes=batch_axes,
  )
  return found["assd"]


def normalized_surface_dice(
  prediction: npt.ArrayLike,
  reference: npt.ArrayLike,
  spacing: _axes.Spacing,
  tolerance: npt.ArrayLike,
  *,
  surface: str = "surfel",
  empty: str = "nan",
  box: tuple[int, ...] | None = None,
  batch_axes: _axes.BatchAxes = None,
) -> Any:
  """NSD: share of both surfaces that lies within a tolerance of the other.

  >>> import numpy as np
  >>> a, b = np.zeros((2, 5, 9), bool)
  >>> a[1:4, 1:4], b[1:4, 2:5] = True, True
  >>> normalized_surface_dice(a, b, (1.0, 1.0), 1.0)
  1.0

  Args:
    prediction: Mask, bool, `[row, column]` or `[slice, row, column]`, and a
      batch.
    reference: Mask, bool, same shape.
    spacing: Of the image's two or three axes, in their order, mm, > 0.
    tolerance: mm, >= 0; a point at exactly this distance is within. On the
      host float64 numbers are compared: at a spacing of 0.1 mm three voxels are
      more than 0.3. Under `jit` a millionth more is within as well. It may be
      traced, and is then not checked.
    surface: As in `surface_report`.
    empty: As in `surface_report`.
    box: As in `surface_report`.
    batch_axes: As in `surface_report`.

  Returns:
    The share, in [0, 1]; an array of a batch's axes.

  Raises:
    ConfigError: The policy or the surface is unknown, or a number is invalid.
    TypeError: A mask is not boolean, or another setting is traced.
    ValueError: Shapes differ, or the axes, the spacing or the box do not fit.

  References:
    Nikolov et al., arXiv:1809.04430.
  """
  wanted = _wanted.Wanted.checked((tolerance,), (), surface, empty, math.inf)
  found = _computed.report(
    prediction,
    reference,
    spacing,
    wanted,
    surface=surface,
    box=box,
    batch_axes=batch_axes,
  )
  return found[wanted.tolerance_names[0]]
