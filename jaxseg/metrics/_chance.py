"""Overlap that counts background as well: fair where classes are uneven."""

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike

from jaxseg import _empty
from jaxseg.metrics import _overlap


def balanced_accuracy(
  prediction: ArrayLike,
  reference: ArrayLike,
  *,
  axis: _overlap.Axis = None,
  empty: str = "nan",
  where: ArrayLike | None = None,
) -> jax.Array:
  """Balanced accuracy, the mean of recall and specificity.

  >>> import numpy as np
  >>> a, b = np.array([True, True, False]), np.array([True, False, False])
  >>> float(balanced_accuracy(a, b))
  0.75

  Args:
    prediction: Mask A, bool, any shape.
    reference: Mask B, bool, same shape.
    axis: Axes summed over; None is all.
    empty: Policy where the reference is empty or full, so that recall or
      specificity has nothing to count. If the prediction is the same: "nan",
      or "perfect" for 1; otherwise it is 0. With "skip" an empty reference is
      nan.
    where: Voxels that count, bool, broadcastable to the masks; None is all.

  Returns:
    Score in [0, 1] or nan, float32, shape without `axis`.

  Raises:
    ConfigError: The policy is unknown.
    TypeError: A mask or `where` is not boolean.
    ValueError: Shapes differ, `where` does not broadcast, or a score has 2^30
      voxels or more.

  References:
    Metrics Reloaded, arXiv:2206.01653.
  """
  both, a, b, size = _overlap.count(prediction, reference, axis, where)
  outside = size - b
  found = 0.5 * (_share(both, b) + _share(size - a - b + both, outside))
  defined = (b > 0) & (outside > 0)
  return _filled(found, defined, a == b, b > 0, empty)


def matthews_correlation(
  prediction: ArrayLike,
  reference: ArrayLike,
  *,
  axis: _overlap.Axis = None,
  empty: str = "nan",
  where: ArrayLike | None = None,
) -> jax.Array:
  """Matthews correlation coefficient (phi): the masks' linear correlation.

  (TP TN - FP FN) / sqrt(|A| |B| |not A| |not B|), from shares, so that no
  product of counts overflows.

  >>> import numpy as np
  >>> a, b = np.array([True, True, False, False]), np.array([True, False] * 2)
  >>> float(matthews_correlation(a, b)), float(matthews_correlation(a, ~a))
  (0.0, -1.0)

  Args:
    prediction: Mask A, bool, any shape.
    reference: Mask B, bool, same shape.
    axis: Axes summed over; None is all.
    empty: Policy where a mask is empty or full, so that the formula is 0 / 0.
      If the masks are equal: "nan", or "perfect" for 1; otherwise it is 0, as
      by chance. With "skip" an empty reference is nan.
    where: Voxels that count, bool, broadcastable to the masks; None is all.

  Returns:
    Score in [-1, 1] or nan, float32, shape without `axis`.

  Raises:
    ConfigError: The policy is unknown.
    TypeError: A mask or `where` is not boolean.
    ValueError: Shapes differ, `where` does not broadcast, or a score has 2^30
      voxels or more.

  References:
    Chicco and Jurman, doi:10.1186/s12864-019-6413-7.
  """
  tp, a, b, size = _overlap.count(prediction, reference, axis, where)
  not_a, not_b = size - a, size - b
  fp, fn, tn = a - tp, b - tp, not_a - (b - tp)
  right = _root(tp, a) * _root(tp, b) * _root(tn, not_a) * _root(tn, not_b)
  wrong = _root(fp, a) * _root(fn, b) * _root(fn, not_a) * _root(fp, not_b)
  defined = (a > 0) & (b > 0) & (not_a > 0) & (not_b > 0)
  return _filled(right - wrong, defined, fp + fn == 0, b > 0, empty)


def _share(part: jax.Array, whole: jax.Array) -> jax.Array:
  safe = jnp.where(whole > 0, whole, 1).astype(jnp.float32)
  return part.astype(jnp.float32) / safe


def _root(part: jax.Array, whole: jax.Array) -> jax.Array:
  return jnp.sqrt(_share(part, whole))


def _filled(
  found: jax.Array,
  defined: jax.Array,
  equal: jax.Array,
  in_reference: jax.Array,
  empty: str,
) -> jax.Array:
  """The score, or the policy's value where it is undefined."""
  row = _empty.outcomes(empty, best=1.0, worst=0.0)
  # A nan is put only where it stays, or `jax.debug_nans` would stop.
  nothing = jnp.where(equal & ~defined, row.both, row.missed)
  known = defined | equal | in_reference
  nothing = jnp.where(known, nothing, row.hallucinated)
  return jnp.where(defined, found, nothing).astype(jnp.float32)
