"""From points of a lattice to the surface of a map at every cut, exactly.

A corner of the lattice has voxels around it; `low` is how many cuts the lowest
of them reaches, `high` the highest. At cut j the corner is within the shape if
low > j, outside if high <= j, else on the surface. A point within the shape is
as far from the surface as from the nearest corner that is not within: the last
step there would be within too, and so neighbour to it. So one walk over the
neighbours, the nearest first, that remembers the smallest `low` and the largest
`high` met so far, says for all cuts how far the surface is.
"""

import numpy as np

from jaxseg.metrics import _nearest

# Points that walk together: what they meet stays in the processor's cache.
_TOGETHER = 1 << 14
# Neighbours between two looks at whether walking on pays.
_STRIDE = 128
_LONGEST = 8 * 1024


def to_surfaces(
  points: np.ndarray,
  low: np.ndarray,
  high: np.ndarray,
  cuts: int,
  spacing: tuple[float, ...],
) -> tuple[np.ndarray, np.ndarray]:
  """How far each point is from the surface at each cut.

  Args:
    points: int64 `[axis, point]`, indices within the lattice.
    low: uint8 or uint16 on the lattice, as above; 0 beyond it.
    high: The same.
    cuts: How many there are.
    spacing: mm, of the axes.

  Returns:
    uint16 `[cut, point]`, rank of the distance, or the number of distances
    where it was not found; and the distances, float64 mm, ascending.
  """
  looks = _nearest.looks(spacing, _longest(low.shape))
  lattice = _nearest.Padded(low.shape, looks.reach)
  inner = tuple(
    slice(r, r + n) for r, n in zip(looks.reach, low.shape, strict=True)
  )
  fields = []
  for field in (low, high):
    padded = np.zeros(lattice.shape, field.dtype)
    padded[inner] = field
    fields.append(padded.ravel())
  steps = looks.steps @ lattice.strides
  rank = np.empty((cuts, points.shape[1]), np.uint16)
  for start in range(0, points.shape[1], _TOGETHER):
    group = slice(start, start + _TOGETHER)
    at = lattice.flat(points[:, group])
    rank[:, group] = _walk(at, fields[0], fields[1], steps, looks, cuts)
  return rank, looks.values


def _longest(shape: tuple[int, ...]) -> int:
  return min(_LONGEST, int(np.prod(shape)))


def _walk(
  at: np.ndarray,
  low: np.ndarray,
  high: np.ndarray,
  steps: np.ndarray,
  looks: _nearest.Looks,
  cuts: int,
) -> np.ndarray:
  """Ranks `[cut, point]` of points at places of the padded lattice."""
  none = len(looks.values)
  # First rank at which a `low` or `high` was met; row: that number.
  inward = np.full((cuts + 1, len(at)), none, np.uint16)
  outward = np.full((cuts + 1, len(at)), none, np.uint16)
  column = np.arange(len(at))
  least, most = low.take(at), high.take(at)
  inward[least, column] = outward[most, column] = 0
  found = 0
  for look in range(1, len(steps)):
    near = at + steps[look]
    for field, best, better, rows in (
      (low, least, np.less, inward), (high, most, np.greater, outward)
    ):  # fmt: skip
      met = field.take(near)
      new = np.flatnonzero(better(met, best))
      if len(new):
        values = met[new]
        found += int(np.abs(values.astype(np.int64) - best[new]).sum())
        best[new] = values
        rows[values, column[new]] = looks.rank[look]
    if look % _STRIDE == 0:
      # A tree answers for a point and a cut at the cost of so many looks.
      if found * 64 < len(at):
        break
      found = 0
  # What was met first for a number serves all that ask for no more.
  np.minimum.accumulate(inward, axis=0, out=inward)
  np.minimum.accumulate(outward[::-1], axis=0, out=outward[::-1])
  # Within: the first low <= cut. Outside: the first high > cut.
  return np.maximum(inward[:-1], outward[1:])
