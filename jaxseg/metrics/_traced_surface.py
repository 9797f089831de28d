"""Surface metrics in JAX: float32, static shapes, for jit, vmap, accelerators.

The same definitions as on the host. Every place of the lattice takes part: what
is not on a surface weighs nothing. Distances come from the transform of the
other surface, and the shares of area from one sort.
"""

from collections.abc import Callable
import fractions
from typing import Any

import jax
from jax import lax
import jax.numpy as jnp
import numpy as np

from jaxseg.metrics import _distance_transform
from jaxseg.metrics import _surfel_area
from jaxseg.metrics import _wanted

# Distances that equal a tolerance but for float32 are within it.
_MARGIN = np.float32(1e-6)
# Typed as the host's are, though these are arrays of no axes.
_Report = dict[str, Any]


def report(
  prediction: jax.Array,
  reference: jax.Array,
  spacing: tuple[float, ...],
  surface: str,
  wanted: _wanted.Wanted,
  box: tuple[int, ...] | None,
) -> _Report:
  """`surface_report` of two masks, float32 scalars."""
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
  """`surface_sweep`: the reference's distances once, cuts some at a time."""
  fits = jnp.bool_(True)
  cuts = thresholds.astype(jnp.float32)
  p = probabilities.astype(jnp.float32)
  if box is not None:
    # All cuts share a window: that of the lowest holds the others.
    lowest = p >= jnp.min(cuts, initial=jnp.inf)
    (_, reference, p), fits = _boxed((lowest, reference, p), box, fill=-jnp.inf)
  theirs = _Side(reference, spacing, surface)

  def one(cut: jax.Array) -> _Report:
    return _compared(p >= cut, theirs, fits, spacing, surface, wanted)

  return lax.map(one, cuts, batch_size=together)


class _Side:
  """A mask's surface, and how far each place is from it."""

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
    "assd": (there.moment + back.moment) / total,
    "masd": (means[0] + means[1]) / 2,
    "mean_to_reference": means[0],
    "mean_to_prediction": means[1],
    **{
      name: (there.within(t) + back.within(t)) / total
      for name, t in zip(wanted.tolerance_names, wanted.tolerances, strict=True)
    },
  }
  # Where a mask is empty the values above are finite, and not used.
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
  """Distances from one surface to another, ascending; the rest at the end."""

  def __init__(self, of: _Side, to: _Side, *, weighted: bool) -> None:
    # Places that do not count lie behind all that do.
    squared = jnp.where(of.place, to.squared, jnp.inf).ravel()
    weights = jnp.where(of.place, of.weights, 0).ravel()
    squared, weights = lax.sort((squared, weights), num_keys=1)
    self.distances = jnp.sqrt(jnp.where(weights > 0, squared, 0))
    # Cumulative sums are trees: no long chain of float32 additions.
    self.share = jnp.cumsum(weights)
    self.weighted = weighted
    self.points = jnp.sum(weights > 0, dtype=jnp.int32)
    self.total = jnp.maximum(self.share[-1], jnp.float32(1e-30))
    self.moment = jnp.cumsum(self.distances * weights)[-1]

  def within(self, tolerance: float) -> jax.Array:
    """Weight of the points at most this far."""
    limit = jnp.float32(tolerance) * (1 + _MARGIN)
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
    num, den = part.numerator, part.denominator  # At most a million.
    # (n - 1) num / den without leaving int32: the numerator in two parts.
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
  """Border voxels, each of weight 1."""
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
  """Corners with surface, by area."""
  padded = jnp.pad(mask, 1).astype(jnp.int32)
  shape = tuple(n + 1 for n in mask.shape)
  codes = jnp.zeros(shape, jnp.int32)
  for offset, weight in _surfel_area.code_weights(mask.ndim).items():
    codes += weight * lax.dynamic_slice(padded, offset, shape)
  table = jnp.asarray(_surfel_area.areas(spacing), jnp.float32)
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
  """Arrays within a window that holds the first two, and whether it does."""
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
    # Beyond the array is background: the window may hang over its end.
    value = fill if jnp.issubdtype(array.dtype, jnp.floating) else False
    padded = jnp.pad(
      array, [(0, length) for length in box], constant_values=value
    )
    windows.append(lax.dynamic_slice(padded, starts, box))
  return windows, fits | ~jnp.any(union)
