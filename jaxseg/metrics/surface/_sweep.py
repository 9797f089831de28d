"""Surface metrics at every threshold of a map, for the cost of a few.

The reference's surface is found once, and each point's distance to it. A point
of the lattice is on the surface of {p >= t} for every t between the lowest and
the highest probability of the voxels around it: these two numbers, found once,
give the map's surface at every threshold.
"""

from collections.abc import Sequence
import functools
import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from numpy import typing as npt

from jaxseg import _arrays as arrays
from jaxseg import _checks as checks
from jaxseg import errors
from jaxseg.metrics.surface import _axes
from jaxseg.metrics.surface import _definitions
from jaxseg.metrics.surface import _distances
from jaxseg.metrics.surface import _nearest
from jaxseg.metrics.surface import _traced
from jaxseg.metrics.surface import _wanted

_MOST = np.iinfo(np.uint16).max  # A voxel's number of cuts is kept in uint16.


def surface_sweep(
  probabilities: npt.ArrayLike,
  reference: npt.ArrayLike,
  spacing: _axes.Spacing,
  thresholds: npt.ArrayLike,
  *,
  tolerances: Sequence[float] = (1.0, 2.0, 3.0),
  percentiles: Sequence[float] = (95.0, 100.0),
  surface: str = "surfel",
  empty: str = "nan",
  worst_distance: float = math.inf,
  box: tuple[int, ...] | None = None,
  together: int = 8,
  batch_axes: _axes.BatchAxes = None,
) -> dict[str, np.ndarray]:
  """`surface_report` of a map cut at every threshold.

  A voxel is inside where float32(p) >= float32(t).

  >>> p = np.array([[0.0, 0.9, 0.6, 0.3, 0.0]], np.float32)
  >>> found = surface_sweep(p, p > 0.5, (1.0, 1.0), np.array([0.2, 0.5, 0.8]),
  ...                       surface="voxel")
  >>> found["hausdorff_100"].tolist()
  [1.0, 0.0, 1.0]

  Args:
    probabilities: Map, floating point, 2D or 3D, without nan, and a batch.
    reference: Mask, bool, same shape.
    spacing: Of the image's two or three axes, in their order, mm, > 0.
    thresholds: `[T]`, in any order.
    tolerances: Of the NSD, mm, >= 0.
    percentiles: Of the Hausdorff distance, in [0, 100].
    surface: "surfel" or "voxel".
    empty: Policy for empty masks, as in `surface_report`.
    worst_distance: The worst distance, mm.
    box: Under `jit`, lengths of a window that holds the reference and the map
      cut at the lowest threshold.
    together: Under `jit`, number of thresholds computed at a time.
    batch_axes: Axes that are none of an image's, as in `surface_report`.

  Returns:
    The keys of `surface_report`, float64 `[T]` each, after a batch's axes;
    float32 under `jit`.

  Raises:
    ConfigError: The policy or the surface is unknown; a tolerance, a percentile
      or the worst distance is invalid; or the thresholds are not a vector, one
      is nan, or more than 65,535 differ.
    TypeError: The reference is not boolean, the map not floating point, or a
      setting is traced.
    ValueError: Shapes differ, the axes, the spacing or the box do not fit, or a
      probability is nan.

  References:
    Nikolov et al., arXiv:1809.04430 (surfel); Metrics Reloaded,
    arXiv:2206.01653 (voxel).
  """
  arrays.refuse_traced(
    "its value names the result; sweep with a number", tolerances=tolerances
  )
  wanted = _wanted.Wanted.checked(
    tolerances, percentiles, surface, empty, worst_distance
  )
  given = arrays.native(
    probabilities=probabilities, reference=reference, thresholds=thresholds
  )
  checks.floating(probabilities=given[0])
  checks.boolean(reference=given[1])
  checks.same_shape(probabilities=given[0], reference=given[1])
  axes = np.ndim(given[0])
  batch = _axes.of_batch(axes, batch_axes)
  mm = _axes.millimetres(spacing, axes - len(batch))
  _traced.check_box(box, len(mm))
  if checks.traced(*given):
    p, mask, cuts = (jnp.asarray(v) for v in arrays.gathered(*given))
    one = functools.partial(
      _traced.sweep, spacing=mm, thresholds=cuts, surface=surface,
      wanted=wanted, box=box, together=together,
    )  # fmt: skip
    for _ in batch:
      one = jax.vmap(one)
    return one(_axes.in_front(p, batch), _axes.in_front(mask, batch))
  return _on_host(given, batch, mm, surface, wanted)


def _on_host(
  given: Sequence[Any],
  batch: tuple[int, ...],
  spacing: tuple[float, ...],
  surface: str,
  wanted: _wanted.Wanted,
) -> dict[str, np.ndarray]:
  p, mask = np.asarray(given[0], np.float32), np.asarray(given[1])
  cuts, place = _cuts(given[2])
  if np.isnan(p).any():
    index = tuple(int(i) for i in np.argwhere(np.isnan(p))[0])
    raise ValueError(f"probability at {index} is nan; correct the map")
  p, mask = (_axes.in_front(v, batch) for v in (p, mask))
  lengths = p.shape[: len(batch)]
  each = [
    _rows(p[index], mask[index], spacing, cuts, surface, wanted)
    for index in np.ndindex(lengths)
  ]
  return {
    name: np.array([[row[name] for row in rows] for rows in each], np.float64)
    .reshape(*lengths, len(cuts))
    .take(place, axis=-1)
    for name in wanted.names
  }


def _cuts(thresholds: npt.ArrayLike) -> tuple[np.ndarray, np.ndarray]:
  """The different thresholds, ascending, and where each given one is."""
  cuts = np.asarray(thresholds, np.float32)
  if cuts.ndim != 1 or np.isnan(cuts).any():
    raise errors.ConfigError(
      f"thresholds of shape {cuts.shape} are not [T] numbers; give a vector"
    )
  different, place = np.unique(cuts, return_inverse=True)
  if len(different) > _MOST:
    raise errors.ConfigError(
      f"{len(different)} thresholds differ; give at most {_MOST} at a time"
    )
  return different, place


def _rows(
  p: np.ndarray,
  reference: np.ndarray,
  spacing: tuple[float, ...],
  cuts: np.ndarray,
  surface: str,
  wanted: _wanted.Wanted,
) -> list[dict[str, float]]:
  """A report for each cut; the cuts ascend."""
  whole = int(np.searchsorted(cuts, p.min(initial=np.inf), side="right"))
  in_reference = bool(reference.any())
  if not in_reference or not p.size:
    return [
      wanted.of_empty(bool((p >= cut).any()), in_reference) for cut in cuts
    ]
  rows: list[dict[str, float]] = []
  if whole:
    # At cuts no higher than any probability everything is inside.
    found = wanted.values(_distances.from_whole(reference, spacing, surface))
    rows += [found] * whole
    cuts = cuts[whole:]
  if not len(cuts):
    return rows
  inside = p >= cuts[0]
  box = _definitions.box(inside, reference)
  level = np.zeros(p[box].shape, np.uint8 if len(cuts) < 256 else np.uint16)
  some = inside[box]
  level[some] = np.searchsorted(cuts, p[box][some], side="right")
  sweep = _Sweep(
    np.pad(level, 1), np.pad(reference[box], 1), spacing, surface, len(cuts)
  )
  changes = np.bincount(level.ravel(), minlength=len(cuts) + 1)
  for index in range(len(cuts)):
    if index and not changes[index]:
      rows.append(rows[-1])  # No voxel lies between this cut and the last.
    elif not changes[index + 1 :].any():
      rows.append(wanted.of_empty(False, True))
    else:
      rows.append(wanted.values(sweep.distances(index)))
  return rows


class _Sweep:
  """Distances at each cut.

  Args:
    level: Number of cuts each voxel reaches, uint8 or uint16, padded by 0.
    reference: Mask, padded.
    spacing: mm.
    surface: "surfel" or "voxel".
    cuts: Number of cuts.
  """

  def __init__(
    self,
    level: np.ndarray,
    reference: np.ndarray,
    spacing: tuple[float, ...],
    surface: str,
    cuts: int,
  ) -> None:
    self._spacing = spacing
    if surface == "voxel":
      low, high = _lowest_beside(level), level[(slice(1, -1),) * level.ndim]
    else:
      low, high = _extremes(level)
    self._shape = low.shape
    place = np.flatnonzero(low < high)
    self._points = np.array(np.unravel_index(place, self._shape))
    self._low, self._high = low.ravel()[place], high.ravel()[place]
    self._around = _around(level, self._points) if surface == "surfel" else None
    self._reference = _definitions.of(reference, spacing, surface)
    self._there = _nearest.Points(
      self._reference.points, self._shape, spacing
    ).query(self._points)
    self._back, self._apart = _nearest.to_cuts(
      self._reference.points, low, high, cuts, spacing
    )

  def distances(self, index: int) -> _distances.Distances:
    """Distances of the map cut at one of the thresholds."""
    # A voxel is inside if it reaches more cuts than precede this one.
    here = np.flatnonzero((self._low <= index) & (index < self._high))
    there = _nearest.Near(self._there.rank[here], self._there.values)
    kind, areas = np.zeros(len(here), np.uint8), None
    if self._around is not None:
      codes = np.zeros(len(here), np.uint8)
      for weight, level in self._around.items():
        codes |= (level[here] > index) * np.uint8(weight)
      kind, areas = _definitions.kinds(codes, self._spacing)
    reference = self._reference
    return _distances.Distances(
      _distances.Distribution.of(there, kind, areas),
      _distances.Distribution.of(
        self._to_prediction(index, here), reference.kind, reference.areas
      ),
    )

  def _to_prediction(self, index: int, here: np.ndarray) -> _nearest.Near:
    rank = self._back[index]
    left = np.flatnonzero(rank == len(self._apart))
    if not len(left):
      return _nearest.Near(rank, self._apart)
    tree = _nearest.Points(self._points[:, here], self._shape, self._spacing)
    far = tree.far(self._reference.points[:, left])
    return _nearest.joined(rank, self._apart, left, far)


def _extremes(level: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
  """Lowest and highest level of the voxels around each corner."""
  low = high = level
  for axis in range(level.ndim):
    first = (slice(None),) * axis + (slice(None, -1),)
    second = (slice(None),) * axis + (slice(1, None),)
    low = np.minimum(low[first], low[second])
    high = np.maximum(high[first], high[second])
  return low, high


def _lowest_beside(level: np.ndarray) -> np.ndarray:
  """Lowest level of each voxel and its face neighbours, padding removed."""
  core = (slice(1, -1),) * level.ndim
  low = level[core].copy()
  for axis in range(level.ndim):
    for side in (slice(None, -2), slice(2, None)):
      beside = level[(*core[:axis], side, *core[axis + 1 :])]
      np.minimum(low, beside, out=low)
  return low


def _around(level: np.ndarray, points: np.ndarray) -> dict[int, np.ndarray]:
  """Levels of the voxels around corners, by their bit in a corner's code."""
  return {
    weight: level[tuple(points + np.array(offset)[:, np.newaxis])]
    for offset, weight in _definitions.code_weights(level.ndim).items()
  }
