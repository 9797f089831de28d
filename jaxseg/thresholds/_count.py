"""Maps to counts, exactly, in one pass."""

import math

import jax
import jax.numpy as jnp
import numpy as np

from jaxseg import _checks as checks
from jaxseg import errors
from jaxseg.thresholds import _counts
from jaxseg.thresholds import _grid

# Voxels that one call on the device sees: a few MB stay in the cache.
_CHUNK = 1 << 20
# Softmax sums to 1.0000001 at times; what is further off is no probability.
_SLACK = 1e-6


def count(
  probabilities: jax.Array,
  reference: jax.Array,
  thresholds: jax.Array,
  *,
  where: jax.Array | None = None,
  axis: tuple[int, ...] | None = None,
) -> _counts.Counts:
  """Counts voxels per interval between thresholds and class.

  Exact: a voxel's interval equals
  `numpy.searchsorted(thresholds, float32(p), side="right")`.

  >>> found = count(np.float32([0.1, 0.6, 0.9]), np.array([False, True, True]),
  ...               np.float32([0.0, 0.5, 1.0]))
  >>> found.positive.tolist(), found.negative.tolist()
  ([0, 0, 2, 0], [0, 1, 0, 0])

  Args:
    probabilities: Floating point or uint8 (u means u / 255), any shape. A NaN
      is in no interval; use `count_case` to have it refused.
    reference: Mask, bool, same shape.
    thresholds: `[T]`, ascending; values may change without a new compilation.
    where: Voxels that count, bool, broadcastable; None is all.
    axis: Axes counted over; None is all. The others stay in front.

  Returns:
    Counts, int32 `[..., T + 1]`.

  Raises:
    TypeError: `probabilities` are neither floating point nor uint8.
    ValueError: Shapes differ, or a count could exceed int32.

  References:
    doi:10.1002/acm2.13331 for the sweep over thresholds.
  """
  checks.same_shape(probabilities=probabilities, reference=reference)
  cuts = _grid.float32_thresholds(thresholds)
  p = _grid.as_float32(probabilities)
  y = jnp.asarray(reference).astype(jnp.bool_)
  keep = ~jnp.isnan(p)
  if where is not None:
    keep &= jnp.asarray(where)
  axes = tuple(range(p.ndim)) if axis is None else axis
  axes = tuple(a % p.ndim for a in axes)
  front = [a for a in range(p.ndim) if a not in axes]
  size = math.prod(p.shape[a] for a in axes)
  if size > np.iinfo(np.int32).max:
    raise ValueError(
      f"{size} voxels in one count exceed int32; count slices or blocks and"
      " add, or use count_case"
    )
  order = (*front, *axes)
  lead = tuple(p.shape[a] for a in front)
  flat = tuple(
    v.transpose(order).reshape(math.prod(lead), size) for v in (p, y, keep)
  )
  positive, negative = jax.lax.map(
    lambda row: _histogram(row[0], row[1], row[2], cuts), flat
  )
  shape = (*lead, cuts.shape[0] + 1)
  return _counts.Counts(cuts, positive.reshape(shape), negative.reshape(shape))


def _histogram(
  p: jax.Array, y: jax.Array, keep: jax.Array, cuts: jax.Array
) -> tuple[jax.Array, jax.Array]:
  """Counts of one row `[voxel]`."""
  bins = cuts.shape[0] + 1
  place = _interval(p, cuts)
  # What does not count goes to a place behind both histograms.
  place = jnp.where(keep, jnp.where(y, place + bins, place), 2 * bins)
  found = jnp.bincount(place, length=2 * bins + 1).astype(jnp.int32)
  return found[bins : 2 * bins], found[:bins]


def _interval(p: jax.Array, cuts: jax.Array) -> jax.Array:
  """Number of cuts at or below p, int32: arithmetic on the even grid."""
  number = cuts.shape[0]
  keys = _grid.ordered(cuts)

  def search(p):
    return jnp.searchsorted(keys, _grid.ordered(p), side="right").astype(
      jnp.int32
    )

  def arithmetic(p):
    guess = jnp.clip(p * (number - 1), 0, number - 2).astype(jnp.int32)
    # The product is off by at most one interval: its neighbours decide.
    key = _grid.ordered(p)
    low, high = key < keys[guess], key >= keys[guess + 1]
    return guess + 1 - low.astype(jnp.int32) + high.astype(jnp.int32)

  if number < 2:
    return search(p)
  even = jnp.all(cuts == _grid.grid(number))
  return jax.lax.cond(even, arithmetic, search, p)


@jax.jit
def _count_chunk(p, y, keep, cuts):
  return _histogram(_grid.as_float32(p), y, keep & ~jnp.isnan(p), cuts)


def count_case(
  probabilities: np.ndarray,
  reference: np.ndarray,
  thresholds: np.ndarray,
  *,
  where: np.ndarray | None = None,
) -> _counts.Counts:
  """Counts one case on the host, checked, in chunks.

  Args:
    probabilities: Floating point or uint8 (u means u / 255), any shape.
    reference: Mask, bool, same shape.
    thresholds: `[T]`, ascending.
    where: Voxels that count, bool, same shape; None is all.

  Returns:
    Counts, NumPy int64 `[T + 1]`; no number of voxels is too large.

  Raises:
    DataError: A probability is NaN or outside of [0, 1].
    TypeError: `probabilities` are neither floating point nor uint8.
    ValueError: Shapes differ.

  References:
    doi:10.1002/acm2.13331 for the sweep over thresholds.
  """
  checks.same_shape(probabilities=probabilities, reference=reference)
  p = np.asarray(probabilities)
  if p.dtype == np.float64:
    p = p.astype(np.float32)
  cuts = np.asarray(thresholds, np.float32)
  flat = p.reshape(-1)
  y = np.asarray(reference, np.bool_).reshape(-1)
  keep = np.broadcast_to(
    np.ones((), np.bool_) if where is None else where, p.shape
  ).reshape(-1)
  total = np.zeros((2, len(cuts) + 1), np.int64)
  for begin in range(0, len(flat), _CHUNK):
    part = slice(begin, begin + _CHUNK)
    _refuse_what_is_no_probability(flat[part], begin, p.shape)
    chunk = _padded(flat[part]), _padded(y[part]), _padded(keep[part])
    total += np.asarray(_count_chunk(*chunk, cuts), np.int64)
  return _counts.Counts(cuts, total[0], total[1])


def _padded(part: np.ndarray) -> np.ndarray:
  """Filled to a power of two, so that few shapes are compiled."""
  size = min(_CHUNK, 1 << max(10, (len(part) - 1).bit_length()))
  if len(part) == size:
    return part
  result = np.zeros(size, part.dtype)
  result[: len(part)] = part
  return result


def _refuse_what_is_no_probability(
  part: np.ndarray, begin: int, shape: tuple[int, ...]
) -> None:
  if part.dtype == np.uint8 or not len(part):
    return
  low, high = float(part.min()), float(part.max())
  if low >= -_SLACK and high <= 1 + _SLACK:  # False for NaN, too.
    return
  wide = part.astype(np.float32)
  bad = ~((wide >= -_SLACK) & (wide <= 1 + _SLACK))
  first = int(np.argmax(bad))
  place = tuple(int(i) for i in np.unravel_index(begin + first, shape))
  raise errors.DataError(
    f"probability {wide[first]} at index {place} is not in [0, 1]; are"
    " these logits? apply the sigmoid or softmax first"
  )
