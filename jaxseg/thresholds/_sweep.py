"""The sweep by vmap across thresholds: the direct way, for comparison.

It passes over the map once per threshold, `count` once in all. Both give the
same integers.
"""

from collections.abc import Sequence
import functools
import math

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike
import numpy as np

from jaxseg import _arrays as arrays
from jaxseg import _checks as checks
from jaxseg import errors
from jaxseg.thresholds import _count
from jaxseg.thresholds import _curves
from jaxseg.thresholds import _grid

# Memory for the masks of one chunk of thresholds.
_BUDGET_BYTES = 64 << 20


def sweep_counts(
  probabilities: ArrayLike,
  reference: ArrayLike,
  thresholds: ArrayLike,
  *,
  axis: int | Sequence[int] | None = None,
) -> tuple[jax.Array, jax.Array]:
  """True and false positives at every threshold, by vmap across thresholds.

  >>> import numpy as np
  >>> from jaxseg import thresholds
  >>> p = np.array([0.9, 0.7, 0.4, 0.1], np.float32)
  >>> reference = np.array([True, True, False, False])
  >>> cuts = thresholds.grid(3)
  >>> [row.tolist() for row in sweep_counts(p, reference, cuts)]
  [[2, 2, 0], [2, 0, 0]]

  Args:
    probabilities: Floating point or uint8 (u means u / 255), any shape.
    reference: Mask as in `count`, same shape.
    thresholds: `[T]`, in any order.
    axis: Axes counted over; None is all. The others, such as structures, stay
      in front.

  Returns:
    (true positives, false positives), int32 `[..., T]`.

  Raises:
    ConfigError: `thresholds` are not a vector of at least one.
    TypeError: `probabilities` are neither floating point nor uint8, the
      reference is no mask, or an argument is a masked array.
    ValueError: Shapes differ, or a count could exceed int32.

  References:
    doi:10.1002/acm2.13331.
  """
  (p,) = arrays.native(probabilities=probabilities)
  (y,) = arrays.mask(reference=reference)
  checks.same_shape(probabilities=p, reference=y)
  _grid.check_dtype(p.dtype)
  shape = np.shape(p)
  axes = checks.axes(axis, len(shape))
  _count.refuse_beyond_int32(math.prod(shape[a] for a in axes))
  cuts = _grid.float32_thresholds(thresholds)
  if cuts.ndim != 1 or not cuts.shape[0]:
    raise errors.ConfigError(
      f"thresholds have shape {cuts.shape}; give a vector of at least one"
    )
  given = arrays.gathered(_grid.rounded(p), y, cuts)
  return _sweep(*given, axes=axes)


@functools.partial(jax.jit, static_argnames="axes")
def _sweep(probabilities, reference, cuts, *, axes):
  p = _grid.as_float32(probabilities)
  y = jnp.asarray(reference).astype(jnp.bool_)

  def cut(threshold: jax.Array) -> tuple[jax.Array, jax.Array]:
    inside = _grid.binarize(p, threshold)
    number = functools.partial(jnp.sum, axis=axes, dtype=jnp.int32)
    return number(inside & y), number(inside & ~y)

  # With a batch size, lax.map is a vmap over chunk after chunk.
  chunk = max(1, min(cuts.shape[0], _BUDGET_BYTES // max(1, 2 * p.size)))
  found = jax.lax.map(cut, cuts, batch_size=chunk)
  return tuple(jnp.moveaxis(v, 0, -1) for v in found)


def sweep(
  probabilities: ArrayLike,
  reference: ArrayLike,
  thresholds: ArrayLike,
  *,
  metric: str = "dice",
  axis: int | Sequence[int] | None = None,
) -> jax.Array:
  """A metric at every threshold, by vmap across thresholds.

  >>> sweep(np.float32([0.1, 0.6, 0.9]), np.array([False, True, True]),
  ...       np.float32([0.0, 0.5, 0.95])).tolist()
  [0.800000011920929, 1.0, 0.0]

  Args:
    probabilities: Floating point or uint8 (u means u / 255), any shape.
    reference: Mask as in `count`, same shape.
    thresholds: `[T]`, in any order.
    metric: "dice", "iou", "precision", "recall" or "specificity".
    axis: Axes counted over; None is all. The others, such as structures, stay
      in front.

  Returns:
    float32 `[..., T]`; nan where prediction and reference are both empty.

  Raises:
    ConfigError: The metric is unknown, or `thresholds` are not a vector of at
      least one.
    TypeError: `probabilities` are neither floating point nor uint8, the
      reference is no mask, or an argument is a masked array.
    ValueError: Shapes differ, or a count could exceed int32.

  References:
    doi:10.1002/acm2.13331.
  """
  _curves.ratio(metric)  # Refuses an unknown metric before the work.
  (reference,) = arrays.mask(reference=reference)
  tp, fp = sweep_counts(probabilities, reference, thresholds, axis=axis)
  (reference,) = arrays.gathered(reference)
  y = jnp.asarray(reference).astype(jnp.bool_)
  axes = checks.axes(axis, y.ndim)
  fn = jnp.sum(y, axes, dtype=jnp.int32)[..., None] - tp
  tn = jnp.sum(~y, axes, dtype=jnp.int32)[..., None] - fp
  return _curves.score(tp, fp, fn, tn, metric=metric, empty="nan")
