"""The one policy for empty masks, for every metric and every curve.

An empty mask has no right answer, only conventions, and averages depend on
which one is followed. So there is one table for all:

            both empty   missed   hallucinated
  nan       nan          worst    worst
  perfect   best         worst    worst
  skip      nan          worst    nan

Missed: the reference has the structure, the prediction is empty.
Hallucinated: the prediction has voxels, the reference is empty.
"""

from collections.abc import Sequence
import math
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np

from jaxseg import errors

POLICIES = ("nan", "perfect", "skip")


class Outcomes(NamedTuple):
  """The value of a metric where a mask is empty.

  Attributes:
    both: Both masks are empty.
    missed: The prediction alone is empty.
    hallucinated: The reference alone is empty.
  """

  both: float
  missed: float
  hallucinated: float

  def of(self, in_prediction: bool, in_reference: bool) -> float:
    """The value of two masks, of which at most one has voxels."""
    if in_prediction:
      return self.hallucinated
    return self.missed if in_reference else self.both

  def fill(self, values: Any, in_prediction: Any, in_reference: Any) -> Any:
    """Puts the values of empty masks in place, NumPy or JAX.

    Args:
      values: What the metric's formula gives, `[...]`. Where the prediction
        alone is empty the formula decides: it is 0, or -1 of a difference.
      in_prediction: Whether the prediction has voxels, bool `[...]`.
      in_reference: Whether the reference has voxels, bool `[...]`.
    """
    xp: Any = np if isinstance(values, np.ndarray) else jnp
    dtype = values.dtype.type  # A Python float would widen NumPy's float32.
    one = xp.where(in_reference, values, dtype(self.hallucinated))
    return xp.where(in_prediction | in_reference, one, dtype(self.both))


def check(empty: str, *, known: Sequence[str] = POLICIES) -> None:
  """Refuses an unknown policy.

  Args:
    empty: Policy.
    known: Those that make sense for the caller.

  Raises:
    ConfigError: The policy is not one of them.
  """
  if empty not in known:
    raise errors.ConfigError(
      f"empty {empty!r} is unknown; take one of {', '.join(known)}"
    )


def outcomes(empty: str, *, best: float, worst: float) -> Outcomes:
  """The table's row for one metric.

  Args:
    empty: Policy: "nan", "perfect" or "skip".
    best: Value of two equal masks: 1 for an overlap, 0 for a distance.
    worst: Value of masks with nothing in common: 0, or inf for a distance.

  Raises:
    ConfigError: The policy is unknown.
  """
  check(empty)
  return Outcomes(
    both=best if empty == "perfect" else math.nan,
    missed=worst,
    hallucinated=math.nan if empty == "skip" else worst,
  )
