"""The one policy for empty masks, used by every metric.

An empty mask has no right answer, only conventions, and averages depend on
which was taken. So there is one table for all metrics:

            both empty   missed   hallucinated
  nan       nan          worst    worst
  perfect   best         worst    worst
  skip      nan          worst    nan

Missed: the reference has the structure, the prediction is empty.
Hallucinated: the prediction has voxels, the reference is empty.
"""

import math
from typing import NamedTuple

from jaxseg import errors

POLICIES = ("nan", "perfect", "skip")


class Outcomes(NamedTuple):
  """What a metric is where a mask is empty.

  Attributes:
    both: Value if both masks are empty.
    missed: Value if the prediction alone is empty.
    hallucinated: Value if the reference alone is empty.
  """

  both: float
  missed: float
  hallucinated: float


def outcomes(empty: str, *, best: float, worst: float) -> Outcomes:
  """A row of the table for one metric.

  Args:
    empty: Policy: "nan", "perfect" or "skip".
    best: Value of two equal masks: 1 of an overlap, 0 of a distance.
    worst: Value of masks with nothing in common: 0, or inf of a distance.

  Returns:
    The values for this metric.

  Raises:
    ConfigError: The policy is unknown.
  """
  if empty not in POLICIES:
    raise errors.ConfigError(
      f"empty {empty!r} is unknown; take one of {', '.join(POLICIES)}"
    )
  return Outcomes(
    both=best if empty == "perfect" else math.nan,
    missed=worst,
    hallucinated=math.nan if empty == "skip" else worst,
  )
