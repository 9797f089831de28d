"""The sweep by vmap across thresholds: the direct way, for comparison.

It touches the map once per threshold; `count` touches it once. Both give the
same integers.
"""

import functools
import math

import jax
import jax.numpy as jnp
import numpy as np

from jaxseg import _checks as checks
from jaxseg.thresholds import _curves
from jaxseg.thresholds import _grid

# Memory that the masks of one chunk of thresholds may take.
_BUDGET_BYTES = 64 << 20


def sweep_counts(
  probabilities: jax.Array,
  reference: jax.Array,
  thresholds: jax.Array,
  *,
  axis: tuple[int, ...] | None = None,
) -> tuple[jax.Array, jax.Array]:
  """True and false positives at every threshold.

  Args:
    probabilities: Floating point or uint8 (u means u / 255), any shape.
    reference: Mask, bool, same shape.
    thresholds: `[T]`.
    axis: Axes counted over; None is all. The others, such as structures, stay
      in front.

  Returns:
    (true positives, false positives), int32 `[..., T]`.

  Raises:
    TypeError: `probabilities` are neither floating point nor uint8.
    ValueError: Shapes differ, or a count could exceed int32.

  References:
    doi:10.1002/acm2.13331.
  """
  checks.same_shape(probabilities=probabilities, reference=reference)
  p = _grid.as_float32(probabilities)
  y = jnp.asarray(reference).astype(jnp.bool_)
  axes = (
    tuple(range(p.ndim)) if axis is None else tuple(a % p.ndim for a in axis)
  )
  size = math.prod(p.shape[a] for a in axes)
  if size > np.iinfo(np.int32).max:
    raise ValueError(
      f"{size} voxels in one count exceed int32; sweep slices or blocks, or"
      " use count_case"
    )

  def cut(threshold: jax.Array) -> tuple[jax.Array, jax.Array]:
    inside = _grid.binarize(p, threshold)
    hit = functools.partial(jnp.sum, axis=axes, dtype=jnp.int32)
    return hit(inside & y), hit(inside & ~y)

  cuts = _grid.float32_thresholds(thresholds)
  # lax.map with a batch size is vmap over a chunk, chunk after chunk.
  chunk = max(1, min(cuts.shape[0], _BUDGET_BYTES // max(1, 2 * p.size)))
  tp, fp = jax.lax.map(cut, cuts, batch_size=chunk)
  return jnp.moveaxis(tp, 0, -1), jnp.moveaxis(fp, 0, -1)


def sweep(
  probabilities: jax.Array,
  reference: jax.Array,
  thresholds: jax.Array,
  *,
  metric: str = "dice",
  axis: tuple[int, ...] | None = None,
) -> jax.Array:
  """A metric at every threshold, by vmap across thresholds.

  >>> sweep(np.float32([0.1, 0.6, 0.9]), np.array([False, True, True]),
  ...       np.float32([0.0, 0.5, 0.95])).tolist()
  [0.800000011920929, 1.0, 0.0]

  Args:
    probabilities: Floating point or uint8 (u means u / 255), any shape.
    reference: Mask, bool, same shape.
    thresholds: `[T]`.
    metric: "dice", "iou", "precision", "recall" or "specificity".
    axis: Axes counted over; None is all. The others, such as structures, stay
      in front.

  Returns:
    float32 `[..., T]`; nan where prediction and reference are both empty.

  Raises:
    ConfigError: The metric is unknown.
    TypeError: `probabilities` are neither floating point nor uint8.
    ValueError: Shapes differ, or a count could exceed int32.

  References:
    doi:10.1002/acm2.13331.
  """
  ratio = _curves.ratio(metric)
  tp, fp = sweep_counts(probabilities, reference, thresholds, axis=axis)
  y = jnp.asarray(reference).astype(jnp.bool_)
  inside = jnp.sum(y, axis, dtype=jnp.int32)[..., None]
  count = math.prod(y.shape) // max(1, math.prod(inside.shape))
  tp, fp = tp.astype(jnp.float32), fp.astype(jnp.float32)
  fn = inside.astype(jnp.float32) - tp
  tn = count - inside.astype(jnp.float32) - fp
  numerator, denominator = ratio(tp, fp, fn, tn)
  value = numerator / jnp.where(denominator > 0, denominator, 1)
  both = (inside == 0) & (tp + fp == 0)
  undefined = jnp.where(both, jnp.nan, 0.0).astype(jnp.float32)
  if metric == "specificity":
    undefined = jnp.full_like(value, jnp.nan)
  return jnp.where(denominator > 0, value, undefined)
