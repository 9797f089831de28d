"""Surface metrics in JAX: float32, static shapes, for jit, vmap, accelerators.

The definitions are those of the host. Every place of the lattice takes part;
one that is not on a surface weighs nothing. Distances come from the distance
transform of the other surface, and shares of area from one sort.
"""

from collections.abc import Callable, Sequence
import fractions
from typing import Any

import jax
from jax import lax
import jax.numpy as jnp
import numpy as np

from jaxseg.metrics.surface import _definitions
from jaxseg.metrics.surface import _distance_transform
from jaxseg.metrics.surface import _wanted

# Distances that exceed a tolerance only by float32 rounding are within it.
_MARGIN = np.float32(1e-6)
_Report = dict[str, Any]  # As on the host, but of scalar arrays.


def check_box(box: tuple[int, ...] | None, axes: int) -> None:
  """Refuses a window that does not have one length above 0 for each axis.

  Raises:
    ValueError: It does not.
  """
  if box is None:
    return
  fits = isinstance(box, Sequence) and len(box) == axes
  if not fits or not all(isinstance(n, int) and n > 0 for n in box):
    raise ValueError(
      f"box {box} does not fit images of {axes} axes; give one length above 0"
      " per axis"
    )


def report(
  prediction: jax.Array,
  reference: jax.Array,
  spacing: tuple[float, ...],
  surface: str,
  wanted: _wanted.Wanted,
  box: tuple[int, ...] | None,
) -> _Report:
  """`surface_report` of two masks, float32 scalars."""
  if not prediction.size:
    nothing = wanted.of_empty(False, False)
    return {name: jnp.float32(value) for name, value in nothing.items()}
  fits = jnp.bool_(True)
  if box is not None:
    (prediction, reference), fits = _boxed((prediction, reference), box)
  theirs = _Side(reference, spacing, surface)
  return _compared(prediction, theirs, fits, spacing, surface, wanted)


def sweep(
  probabilities: jax.Array,
  reference: jax.Array,
  spacing: tuple[float, ...],
  thresholds: jax.Array,
  surface: str,
  wanted: _wanted.Wanted,
  box: tuple[int, ...] | None,
  together: int,
) -> _Report:
  """`surface_sweep`: the reference's distances once, cuts in batches."""
  cuts = thresholds.astype(jnp.float32)
  if not probabilities.size:
    nothing = wanted.of_empty(False, False)
    return {
      name: jnp.full(cuts.shape, value, jnp.float32)
      for name, value in nothing.items()
    }
  fits = jnp.bool_(True)
  p = probabilities.astype(jnp.float32)
  if box is not None:
    # All cuts share the lowest one's window, which holds the others.
    lowest = p >= jnp.min(cuts, initial=jnp.inf)
    (_, reference, p), fits = _boxed((lowest, reference, p), box, fill=-jnp.inf)
  theirs = _Side(reference, spacing, surface)

  def one(cut: jax.Array) -> _Report:
    return _compared(p >= cut, theirs, fits, spacing, surface, wanted)

  return lax.map(one, cuts, batch_size=together)


class _Side:
  """A mask's surface, and the distance of each place to it."""

  def __init__(
    self, mask: jax.Array, spacing: tuple[float, ...], surface: str
  ) -> None:
    self.some = jnp.any(mask)
    self.place, self.weights = _SURFACES[surface](mask, spacing)
    self.squared = _distance_transform.squared_distances(self.place, spacing)


def _compared(
  prediction: jax.Array,
  theirs: _Side,
  fits: jax.Array,
  spacing: tuple[float, ...],
  surface: str,
  wanted: _wanted.Wanted,
) -> _Report:
  ours = _Side(prediction, spacing, surface)
  there = _Directed(ours, theirs, weighted=surface == "surfel")
  back = _Directed(theirs, ours, weighted=surface == "surfel")
  total = there.total + back.total
  means = there.moment / there.total, back.moment / back.total
  found = {
    **{
      name: jnp.maximum(there.percentile(q), back.percentile(q))
      for name, q in zip(
        wanted.percentile_names, wanted.percentiles, strict=True
      )
    },
    **{
      name: there.percentile(q)
      for name, q in zip(wanted.directed_names, wanted.directed, strict=True)
    },
    "assd": (there.moment + back.moment) / total,
    "masd": (means[0] + means[1]) / 2,
    "mean_to_reference": means[0],
    "mean_to_prediction": means[1],
    **{
      name: (there.within(t) + back.within(t)) / total
      for name, t in zip(wanted.tolerance_names, wanted.tolerances, strict=True)
    },
  }
  # Where a mask is empty the values above are finite, and replaced.
  cases = (
    (~ours.some & ~theirs.some, wanted.of_empty(False, False)),
    (~ours.some & theirs.some, wanted.of_empty(False, True)),
    (ours.some & ~theirs.some, wanted.of_empty(True, False)),
  )
  for name in found:
    for holds, values in cases:
      found[name] = jnp.where(holds, jnp.float32(values[name]), found[name])
    found[name] = jnp.where(fits, found[name], jnp.float32(jnp.nan))
  return found


class _Directed:
  """Distances from one surface to another, ascending; other places last."""

  def __init__(self, of: _Side, to: _Side, *, weighted: bool) -> None:
    # Places that are not on the surface are sorted to the end.
    squared = jnp.where(of.place, to.squared, jnp.inf).ravel()
    weights = jnp.where(of.place, of.weights, 0).ravel()
    squared, weights = lax.sort((squared, weights), num_keys=1)
    self.distances = jnp.sqrt(jnp.where(weights > 0, squared, 0))
    # A cumulative sum is a tree, not a long chain of float32 additions.
    self.share = jnp.cumsum(weights)
    self.weighted = weighted
    self.points = jnp.sum(weights > 0, dtype=jnp.int32)
    self.total = jnp.maximum(self.share[-1], jnp.float32(1e-30))
    self.moment = jnp.cumsum(self.distances * weights)[-1]

  def within(self, tolerance: Any) -> jax.Array:
    """Weight of the points at most this far away."""
    limit = jnp.asarray(tolerance, jnp.float32) * (1 + _MARGIN)
    last = jnp.max(self.distances)
    ascending = jnp.where(
      jnp.arange(self.distances.size) < self.points, self.distances, last
    )
    count = jnp.searchsorted(ascending, limit, side="right")
    return jnp.where(count > 0, self.share[count - 1], 0)

  def percentile(self, percent: float) -> jax.Array:
    """As on the host: by share of area, or linear between points."""
    last = jnp.maximum(self.points - 1, 0)
    if self.weighted:
      wanted = self.total * jnp.float32(percent / 100)
      at = jnp.searchsorted(self.share, wanted, side="left")
      return self.distances[jnp.minimum(at, last)]
    part = fractions.Fraction(percent).limit_denominator(10_000) / 100
    num, den = part.numerator, part.denominator  # At most a million each.
    # (n - 1) num / den within int32: the numerator in two parts.
    upper, lower = divmod(num, 1000)
    whole, rest = last // den * num, last % den
    high, high_over = rest * upper // den, rest * upper % den
    over = high_over * 1000 % den + rest * lower % den
    low = high * 1000 + high_over * 1000 // den + rest * lower // den
    low, over = whole + low + over // den, over % den
    first = self.distances[low]
    second = self.distances[jnp.minimum(low + 1, last)]
    return first + (second - first) * over.astype(jnp.float32) / den


def _voxels(
  mask: jax.Array, spacing: tuple[float, ...]
) -> tuple[jax.Array, jax.Array]:
  """Border voxels, each with weight 1."""
  del spacing
  padded = jnp.pad(mask, 1)
  inner = mask
  for axis in range(mask.ndim):
    for start in (0, 2):
      starts = [1] * mask.ndim
      starts[axis] = start
      inner &= lax.dynamic_slice(padded, starts, mask.shape)
  border = mask & ~inner
  return border, border.astype(jnp.float32)


def _surfels(
  mask: jax.Array, spacing: tuple[float, ...]
) -> tuple[jax.Array, jax.Array]:
  """Corners that the surface passes, weighted by area."""
  padded = jnp.pad(mask, 1).astype(jnp.int32)
  shape = tuple(n + 1 for n in mask.shape)
  codes = jnp.zeros(shape, jnp.int32)
  for offset, weight in _definitions.code_weights(mask.ndim).items():
    codes += weight * lax.dynamic_slice(padded, offset, shape)
  table = jnp.asarray(_definitions.surfel_areas(spacing), jnp.float32)
  return (codes > 0) & (codes < len(table) - 1), table[codes]


_SURFACES: dict[str, Callable[..., tuple[jax.Array, jax.Array]]] = {
  "surfel": _surfels,
  "voxel": _voxels,
}


def _boxed(
  arrays: tuple[jax.Array, ...],
  box: tuple[int, ...],
  *,
  fill: float = 0.0,
) -> tuple[list[jax.Array], jax.Array]:
  """Arrays within a window around the first two, and whether these fit."""
  union = arrays[0] | arrays[1]
  starts, fits = [], jnp.bool_(True)
  for axis, length in enumerate(box):
    others = tuple(k for k in range(union.ndim) if k != axis)
    used = jnp.any(union, axis=others)
    first = jnp.argmax(used).astype(jnp.int32)
    last = used.size - 1 - jnp.argmax(used[::-1]).astype(jnp.int32)
    fits &= last - first < length
    starts.append(first)
  windows = []
  for array in arrays:
    # Beyond the array is background: the window may extend past its edge.
    value = fill if jnp.issubdtype(array.dtype, jnp.floating) else False
    padded = jnp.pad(
      array, [(0, length) for length in box], constant_values=value
    )
    windows.append(lax.dynamic_slice(padded, starts, box))
  return windows, fits | ~jnp.any(union)
