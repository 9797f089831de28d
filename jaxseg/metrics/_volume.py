"""Differences in volume, which do not depend on where the voxels lie."""

from collections.abc import Sequence
import math

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike
import numpy as np

from jaxseg import _arrays as arrays
from jaxseg import _checks as checks
from jaxseg import _empty
from jaxseg.metrics import _overlap


def volume_similarity(
  prediction: ArrayLike,
  reference: ArrayLike,
  *,
  axis: _overlap.Axis = None,
  empty: str = "nan",
  where: ArrayLike | None = None,
) -> jax.Array:
  """Volume similarity, 1 - ||A| - |B|| / (|A| + |B|).

  >>> import numpy as np
  >>> a, b = np.array([True, True, True]), np.array([False, False, True])
  >>> float(volume_similarity(a, b))
  0.5

  Args:
    prediction: Mask A, bool, any shape.
    reference: Mask B, bool, same shape.
    axis: Axes summed over; None is all.
    empty: Policy for empty masks: "nan", "perfect" or "skip".
    where: Voxels that count, bool, broadcastable to the masks; None is all.

  Returns:
    Score in [0, 1] or nan, float32, shape without `axis`.

  Raises:
    ConfigError: The policy is unknown.
    TypeError: A mask or `where` is not boolean.
    ValueError: Shapes differ, `where` does not broadcast, or a score has 2^30
      voxels or more.

  References:
    Taha and Hanbury, BMC Medical Imaging 15 (2015) 29.
  """
  _, a, b, _ = _overlap.count(prediction, reference, axis, where)
  return _overlap.score(2 * jnp.minimum(a, b), a + b, a, b, empty)


def volume_difference(
  prediction: ArrayLike,
  reference: ArrayLike,
  spacing: Sequence[float] | np.ndarray | jax.Array,
  *,
  axis: _overlap.Axis = None,
  where: ArrayLike | None = None,
) -> jax.Array:
  """Volume of the prediction minus that of the reference, in mL.

  It needs no policy for empty masks: their volume is 0.

  >>> import numpy as np
  >>> a, b = np.ones((2, 5, 10, 10), bool)
  >>> b[0] = False
  >>> float(volume_difference(a, b, (10.0, 1.0, 1.0)))
  1.0

  Args:
    prediction: Mask, bool, any shape that ends in the spacing's axes.
    reference: Mask, bool, same shape.
    spacing: Of the last two or three axes, in their order, mm, > 0; given
      two, slices are taken to be 1 mm thick.
    axis: Axes summed over; None is all.
    where: Voxels that count, bool, broadcastable to the masks; None is all.

  Returns:
    mL (1000 mm^3), signed, float32, shape without `axis`.

  Raises:
    TypeError: A mask or `where` is not boolean.
    ValueError: Shapes differ, `where` does not broadcast, the spacing is
      invalid, or a value has 2^30 voxels or more.

  References:
    Metrics Reloaded, arXiv:2206.01653.
  """
  arrays.refuse_traced(
    "close over it, or multiply voxels by volumes under jit", spacing=spacing
  )
  mm = checks.spacing(spacing, 2 if np.shape(spacing) == (2,) else 3)
  _, a, b, _ = _overlap.count(prediction, reference, axis, where)
  return (a - b).astype(jnp.float32) * jnp.float32(math.prod(mm) / 1000)


def relative_volume_difference(
  prediction: ArrayLike,
  reference: ArrayLike,
  *,
  axis: _overlap.Axis = None,
  empty: str = "nan",
  where: ArrayLike | None = None,
) -> jax.Array:
  """Signed volume difference relative to the reference, (|A| - |B|) / |B|.

  >>> import numpy as np
  >>> a, b = np.array([True, True, True]), np.array([False, True, True])
  >>> float(relative_volume_difference(a, b))
  0.5

  Args:
    prediction: Mask A, bool, any shape.
    reference: Mask B, bool, same shape.
    axis: Axes summed over; None is all.
    empty: Both masks empty: "nan", or "perfect" for 0. Reference alone empty:
      inf, or nan with "skip". Prediction alone empty: -1, by the formula.
    where: Voxels that count, bool, broadcastable to the masks; None is all.

  Returns:
    -1 or more, inf or nan, float32, shape without `axis`.

  Raises:
    ConfigError: The policy is unknown.
    TypeError: A mask or `where` is not boolean.
    ValueError: Shapes differ, `where` does not broadcast, or a value has 2^30
      voxels or more.

  References:
    Metrics Reloaded, arXiv:2206.01653.
  """
  outcome = _empty.outcomes(empty, best=0.0, worst=math.inf)
  _, a, b, _ = _overlap.count(prediction, reference, axis, where)
  safe = jnp.where(b > 0, b, 1).astype(jnp.float32)
  return outcome.fill((a - b).astype(jnp.float32) / safe, a > 0, b > 0)
