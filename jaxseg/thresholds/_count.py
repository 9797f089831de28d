"""Maps to counts, exactly, in one pass, under jit."""

from collections.abc import Callable, Sequence
import functools
import math

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike
import numpy as np

from jaxseg import _arrays as arrays
from jaxseg import _checks as checks
from jaxseg.thresholds import _counts
from jaxseg.thresholds import _grid


def count(
  probabilities: ArrayLike,
  reference: ArrayLike,
  thresholds: ArrayLike,
  *,
  where: ArrayLike | None = None,
  axis: int | Sequence[int] | None = None,
) -> _counts.Counts[jax.Array]:
  """Counts voxels by interval between thresholds, and by class.

  Exact: a voxel's interval equals
  `numpy.searchsorted(thresholds, float32(p), side="right")`.

  >>> found = count(np.float32([0.1, 0.6, 0.9]), np.array([False, True, True]),
  ...               np.float32([0.0, 0.5, 1.0]))
  >>> found.positive.tolist(), found.negative.tolist()
  ([0, 0, 2, 0], [0, 1, 0, 0])

  The even grid is recognised, and intervals are found by arithmetic; at other
  thresholds they are searched for, which takes about ten times as long.

  Args:
    probabilities: Floating point or uint8 (u means u / 255), any shape and
      byte order. NaN is never inside, as in `binarize`: it counts as below all
      thresholds; use `count_case` to have it refused.
    reference: Mask, bool, same shape; numbers only where they are known to be
      0 and 1 alone, so not under `jit`.
    thresholds: `[T]`, ascending, which is checked where the values are known.
      New values do not compile anew.
    where: Voxels that count, a mask as the reference, broadcastable; None is
      all.
    axis: Axes counted over; None is all. The others stay in front.

  Returns:
    Counts, int32 `[..., T + 1]`; on an explicit mesh every device has them.

  Raises:
    ConfigError: `thresholds` are not an ascending vector.
    TypeError: `probabilities` are neither floating point nor uint8, the
      reference or `where` is no mask, or an argument is a masked array.
    ValueError: Shapes differ, or a count could exceed int32.

  References:
    doi:10.1002/acm2.13331 for the sweep over thresholds.
  """
  (p,) = arrays.native(probabilities=probabilities)
  y, keep = arrays.mask(reference=reference, where=where)
  checks.same_shape(probabilities=p, reference=y)
  if keep is not None:
    checks.broadcasts(np.shape(p), where=keep)
  _grid.check_dtype(p.dtype)
  if arrays.known(thresholds):
    cuts = _grid.float32_thresholds(_grid.ascending(thresholds))
  else:
    cuts = _grid.float32_thresholds(thresholds)
  shape = np.shape(p)
  axes = checks.axes(axis, len(shape))
  refuse_beyond_int32(math.prod(shape[a] for a in axes))
  positive, negative = _count(_grid.rounded(p), y, cuts, keep, axes=axes)
  return _counts.Counts(cuts, positive, negative)


def refuse_beyond_int32(voxels: int) -> None:
  """Raises ValueError if a count could exceed int32."""
  if voxels > np.iinfo(np.int32).max:
    raise ValueError(
      f"{voxels} voxels in one count exceed int32; count slices or blocks and"
      " add them, or use count_case"
    )


@functools.partial(jax.jit, static_argnames="axes")
def _count(probabilities, reference, cuts, where, *, axes):
  given = (probabilities, reference, cuts, where)
  return arrays.automatic(functools.partial(_counted, axes=axes), *given)


def _counted(probabilities, reference, cuts, where, *, axes):
  p, y = jnp.asarray(probabilities), jnp.asarray(reference)
  front = tuple(a for a in range(p.ndim) if a not in axes)
  lead = tuple(p.shape[a] for a in front)
  size = math.prod(p.shape[a] for a in axes)
  pieces = [p, y]
  if where is not None:
    pieces.append(jnp.broadcast_to(jnp.asarray(where), p.shape))
  rows = [
    v.transpose(front + axes).reshape(math.prod(lead), size) for v in pieces
  ]
  number = cuts.shape[0]
  if p.size == 0:
    found = jnp.zeros((math.prod(lead), 2, number + 1), jnp.int32)
  elif _grid.fits_arithmetic(number):
    grid = jnp.asarray(_grid.grid(number))
    found = jax.lax.cond(
      jnp.all(_grid.ordered(cuts) == _grid.ordered(grid)),
      functools.partial(_histograms, _nearest),
      functools.partial(_histograms, _search),
      *(cuts, *rows),
    )
  else:
    found = _histograms(_search, cuts, *rows)
  found = found.reshape(*lead, 2, number + 1)
  return found[..., 1, :], found[..., 0, :]


def _histograms(
  intervals: Callable[[jax.Array, jax.Array], jax.Array],
  cuts: jax.Array,
  *rows: jax.Array,
) -> jax.Array:
  """Counts int32 `[row, class, T + 1]` of rows `[row, voxel]`.

  Block by block: on a CPU most of the time would otherwise go into mapping
  fresh memory for temporaries as large as the map.
  """
  lead, size = rows[0].shape
  high = min(lead, max(1, _block() // size))
  wide = min(size, _block())
  across = -(-size // wide)
  keys, bins = _grid.ordered(cuts), cuts.shape[0] + 1

  def add(i: jax.Array, found: jax.Array) -> jax.Array:
    top, left = i // across * high, i % across * wide
    # The last block is moved back into the map, over voxels counted before.
    row0, col0 = jnp.minimum(top, lead - high), jnp.minimum(left, size - wide)
    p, y, *where = (
      jax.lax.dynamic_slice(v, (row0, col0), (high, wide)) for v in rows
    )
    row = row0 + jax.lax.broadcasted_iota(jnp.int32, p.shape, 0)
    col = col0 + jax.lax.broadcasted_iota(jnp.int32, p.shape, 1)
    p = _grid.as_float32(p)
    keep = (row >= top) & (col >= left)
    for mask in where:
      keep &= mask.astype(jnp.bool_)
    known = keep & ~jnp.isnan(p)  # A NaN must not become an index.
    place = jnp.where(known, intervals(jnp.where(known, p, 0), keys), 0)
    place = jnp.where(y.astype(jnp.bool_), place + bins, place)
    # Integers, since a sum of floats depends on its order on a GPU.
    return found.at[place + 2 * bins * row].add(
      keep.astype(jnp.int32), mode="promise_in_bounds"
    )

  # Under shard_map a loop's state must vary over devices like its result.
  nothing = sum(0 * v[0, 0].astype(jnp.int32) for v in rows)
  found = jnp.zeros(lead * 2 * bins, jnp.int32) + nothing
  found = jax.lax.fori_loop(0, -(-lead // high) * across, add, found)
  return found.reshape(lead, 2, bins)


def _block() -> int:
  """Number of voxels processed together."""
  return 1 << 18 if jax.default_backend() == "cpu" else 1 << 24


def _search(p: jax.Array, keys: jax.Array) -> jax.Array:
  """Number of thresholds at or below p, int32."""
  place = jnp.searchsorted(keys, _grid.ordered(p), side="right")
  return place.astype(jnp.int32)


def _nearest(p: jax.Array, keys: jax.Array) -> jax.Array:
  """As `_search`, on the even grid.

  Arithmetic finds the threshold nearest to p. The one before it is below p and
  the one after it above, so that p is compared with the nearest alone.
  """
  last = keys.shape[0] - 1
  k = jnp.clip(p * last + 0.5, 0, last).astype(jnp.int32)
  key = keys.at[k].get(mode="promise_in_bounds")
  return k + (_grid.ordered(p) >= key).astype(jnp.int32)
