"""Surface metrics by name: one at a time, or all from one computation.

Given arrays, they are computed on the host, exactly, in float64. Under `jit` or
`vmap` they stay in JAX: the same definitions in float32, on any device.
"""

from collections.abc import Sequence
import functools
import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from numpy import typing as npt

from jaxseg import _checks as checks
from jaxseg.metrics.surface import _definitions
from jaxseg.metrics.surface import _distances
from jaxseg.metrics.surface import _traced
from jaxseg.metrics.surface import _wanted


def surface_report(
  prediction: npt.ArrayLike,
  reference: npt.ArrayLike,
  spacing: Sequence[float] | np.ndarray,
  *,
  tolerances: Sequence[float] = (1.0, 2.0, 3.0),
  percentiles: Sequence[float] = (95.0, 100.0),
  surface: str = "surfel",
  empty: str = "nan",
  worst_distance: float = math.inf,
  box: tuple[int, ...] | None = None,
) -> dict[str, Any]:
  """All surface metrics of two masks, at the cost of one.

  >>> a, b = np.zeros((2, 1, 9), bool)
  >>> a[0, 2], b[0, 5] = True, True
  >>> surface_report(a, b, (1.0, 2.0), surface="voxel")["hausdorff_100"]
  6.0

  Args:
    prediction: Mask, bool, `[row, column]` or `[..., slice, row, column]`.
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

  Returns:
    Python floats, or float64 arrays `[...]` for a batch; under `jit` float32
    JAX arrays. Keys: "hausdorff_<percentile>" (the larger of the two directed
    percentiles), "assd" (mean over both surfaces), "masd" (mean of the two
    directed means), "mean_to_reference", "mean_to_prediction" (all mm) and
    "nsd_<tolerance>".

  Raises:
    ConfigError: The policy or the surface is unknown, or a tolerance, a
      percentile or the worst distance is invalid.
    TypeError: A mask is not boolean.
    ValueError: Shapes differ, or the spacing or the box does not fit.

  References:
    Nikolov et al., arXiv:1809.04430 (surfel); Metrics Reloaded,
    arXiv:2206.01653 (voxel).
  """
  checks.boolean(prediction=prediction, reference=reference)
  checks.same_shape(prediction=prediction, reference=reference)
  wanted = _wanted.Wanted.checked(
    tolerances, percentiles, surface, empty, worst_distance
  )
  mm = checks.spacing(spacing, np.ndim(prediction))
  _traced.check_box(box, len(mm))
  if checks.traced(prediction, reference):
    one = functools.partial(
      _traced.report, spacing=mm, surface=surface, wanted=wanted, box=box
    )
    for _ in range(np.ndim(prediction) - len(mm)):
      one = jax.vmap(one)
    return one(jnp.asarray(prediction), jnp.asarray(reference))
  a, b = np.asarray(prediction), np.asarray(reference)
  batch = a.shape[: a.ndim - len(mm)]
  if not batch:
    return _on_host(a, b, mm, surface, wanted)
  found = [
    _on_host(a[place], b[place], mm, surface, wanted)
    for place in np.ndindex(batch)
  ]
  return {
    name: np.array([row[name] for row in found], np.float64).reshape(batch)
    for name in wanted.names
  }


def _on_host(
  a: np.ndarray,
  b: np.ndarray,
  mm: tuple[float, ...],
  surface: str,
  wanted: _wanted.Wanted,
) -> dict[str, float]:
  # The only pass over the whole arrays; in large ones it costs most.
  on_a, on_b = _definitions.slices(a), _definitions.slices(b)
  in_a, in_b = bool(on_a.any()), bool(on_b.any())
  if not (in_a and in_b):
    return wanted.of_empty(in_a, in_b)
  if on_a.all() and a.all():
    return wanted.values(_distances.from_whole(b, mm, surface))
  return wanted.values(_distances.between(a, b, mm, surface, on_a | on_b))


def hausdorff(
  prediction: npt.ArrayLike,
  reference: npt.ArrayLike,
  spacing: Sequence[float] | np.ndarray,
  *,
  percentile: float = 100.0,
  surface: str = "surfel",
  empty: str = "nan",
  worst_distance: float = math.inf,
  box: tuple[int, ...] | None = None,
) -> Any:
  """Hausdorff distance, or a percentile of it such as HD95, in mm.

  >>> a, b = np.zeros((2, 1, 9), bool)
  >>> a[0, 2], b[0, 5] = True, True
  >>> hausdorff(a, b, (1.0, 2.0))
  6.0

  Args:
    prediction: Mask, bool, `[row, column]` or `[..., slice, row, column]`.
    reference: Mask, bool, same shape.
    spacing: Of the image's two or three axes, in their order, mm, > 0.
    percentile: In [0, 100].
    surface: As in `surface_report`.
    empty: As in `surface_report`.
    worst_distance: Value where one mask is empty, mm.
    box: As in `surface_report`.

  Returns:
    The larger of the two directed values, mm; `[...]` for a batch.

  Raises:
    ConfigError: The policy or the surface is unknown, or a number is invalid.
    TypeError: A mask is not boolean.
    ValueError: Shapes differ, or the spacing or the box does not fit.

  References:
    Nikolov et al., arXiv:1809.04430.
  """
  found = surface_report(
    prediction,
    reference,
    spacing,
    tolerances=(),
    percentiles=(percentile,),
    surface=surface,
    empty=empty,
    worst_distance=worst_distance,
    box=box,
  )
  return found[f"hausdorff_{percentile:g}"]


def average_symmetric_surface_distance(
  prediction: npt.ArrayLike,
  reference: npt.ArrayLike,
  spacing: Sequence[float] | np.ndarray,
  *,
  surface: str = "surfel",
  empty: str = "nan",
  worst_distance: float = math.inf,
  box: tuple[int, ...] | None = None,
) -> Any:
  """ASSD: mean distance of both surfaces' points to the other, in mm.

  >>> a = np.zeros((5, 5), bool)
  >>> a[1:4, 1:4] = True
  >>> average_symmetric_surface_distance(a, a, (1.0, 1.0))
  0.0

  Args:
    prediction: Mask, bool, `[row, column]` or `[..., slice, row, column]`.
    reference: Mask, bool, same shape.
    spacing: Of the image's two or three axes, in their order, mm, > 0.
    surface: As in `surface_report`.
    empty: As in `surface_report`.
    worst_distance: Value where one mask is empty, mm.
    box: As in `surface_report`.

  Returns:
    The mean, weighted by area for surfels, mm; `[...]` for a batch.

  Raises:
    ConfigError: The policy or the surface is unknown, or a number is invalid.
    TypeError: A mask is not boolean.
    ValueError: Shapes differ, or the spacing or the box does not fit.

  References:
    Metrics Reloaded, arXiv:2206.01653.
  """
  found = surface_report(
    prediction,
    reference,
    spacing,
    tolerances=(),
    percentiles=(),
    surface=surface,
    empty=empty,
    worst_distance=worst_distance,
    box=box,
  )
  return found["assd"]


def normalized_surface_dice(
  prediction: npt.ArrayLike,
  reference: npt.ArrayLike,
  spacing: Sequence[float] | np.ndarray,
  tolerance: float,
  *,
  surface: str = "surfel",
  empty: str = "nan",
  box: tuple[int, ...] | None = None,
) -> Any:
  """NSD: share of both surfaces that lies within a tolerance of the other.

  >>> a, b = np.zeros((2, 5, 9), bool)
  >>> a[1:4, 1:4], b[1:4, 2:5] = True, True
  >>> normalized_surface_dice(a, b, (1.0, 1.0), 1.0)
  1.0

  Args:
    prediction: Mask, bool, `[row, column]` or `[..., slice, row, column]`.
    reference: Mask, bool, same shape.
    spacing: Of the image's two or three axes, in their order, mm, > 0.
    tolerance: mm, >= 0; a point at exactly this distance is within. On the
      host float64 numbers are compared: at a spacing of 0.1 mm three voxels are
      more than 0.3. Under `jit` a millionth more is within as well.
    surface: As in `surface_report`.
    empty: As in `surface_report`.
    box: As in `surface_report`.

  Returns:
    The share, in [0, 1]; `[...]` for a batch.

  Raises:
    ConfigError: The policy or the surface is unknown, or a number is invalid.
    TypeError: A mask is not boolean.
    ValueError: Shapes differ, or the spacing or the box does not fit.

  References:
    Nikolov et al., arXiv:1809.04430.
  """
  found = surface_report(
    prediction,
    reference,
    spacing,
    tolerances=(tolerance,),
    percentiles=(),
    surface=surface,
    empty=empty,
    box=box,
  )
  return found[f"nsd_{tolerance:g}"]
