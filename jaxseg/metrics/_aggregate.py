"""Many cases in one number, without losing those that were missed."""

import dataclasses
import math

import numpy as np
from numpy import typing as npt

from jaxseg import _arrays as arrays
from jaxseg import _empty
from jaxseg import errors

_BEST = {"overlap": 1.0, "distance": 0.0}


@dataclasses.dataclass(frozen=True)
class Aggregate:
  """A metric of many cases.

  Attributes:
    mean: Of the cases that have a value; inf if one of them is; nan if none
      has a value.
    median: Of the same cases; the mean of the middle two if they are even.
    n_cases: Number of cases.
    n_both_empty: Cases with neither a reference nor a prediction.
    n_missed: Cases with a reference and no prediction.
    n_hallucinated: Cases with a prediction and no reference.
    n_finite: Cases whose value is finite.
  """

  mean: float
  median: float
  n_cases: int
  n_both_empty: int
  n_missed: int
  n_hallucinated: int
  n_finite: int


def aggregate(
  values: npt.ArrayLike,
  prediction_voxels: npt.ArrayLike,
  reference_voxels: npt.ArrayLike,
  *,
  kind: str = "overlap",
  empty: str = "nan",
  worst_distance: float = math.inf,
) -> Aggregate:
  """Mean and median of a metric over cases, and how many had an empty mask.

  Where a mask is empty the policy decides, whatever `values` has there: with
  nan there, or the case left out, missing a structure would improve a mean.
  Here neither a miss nor a hallucination does.

  >>> found = aggregate(np.array([0.9, np.nan]), np.array([50, 0]),
  ...                   np.array([60, 40]))
  >>> found.mean, found.n_missed
  (0.45, 1)

  Args:
    values: The metric of each case, `[case]`: Dice, HD95 in mm and the like.
    prediction_voxels: Voxels of each prediction, integers `[case]`.
    reference_voxels: Voxels of each reference, integers `[case]`.
    kind: "overlap" (1 is best, 0 worst; also NSD) or "distance" (0 is best).
    empty: Policy: "nan" leaves out cases where both are empty, "perfect" counts
      them as best, "skip" leaves out all whose reference is empty, and with
      them the hallucinations.
    worst_distance: What a miss counts as, mm; a finite number makes means
      finite. No distance counts as more.

  Returns:
    The aggregate, float64.

  Raises:
    ConfigError: The policy or the kind is unknown, or worst_distance is not 0
      or more.
    TypeError: An argument is a masked array.
    ValueError: Lengths differ, a number of voxels is negative or nan, or a case
      has voxels in both masks but no value.

  References:
    Metrics Reloaded, arXiv:2206.01653, on missing values.
  """
  if kind not in _BEST:
    raise errors.ConfigError(
      f"kind {kind!r} is unknown; take {' or '.join(_BEST)}"
    )
  if not worst_distance >= 0:
    raise errors.ConfigError(
      f"worst_distance {worst_distance} is not 0 or more; give another"
    )
  outcome = _empty.outcomes(
    empty,
    best=_BEST[kind],
    worst=0.0 if kind == "overlap" else worst_distance,
  )
  values, prediction_voxels, reference_voxels = arrays.native(
    values=values,
    prediction_voxels=prediction_voxels,
    reference_voxels=reference_voxels,
  )
  for said, voxels in (
    ("prediction_voxels", prediction_voxels),
    ("reference_voxels", reference_voxels),
  ):
    if not (np.asarray(voxels) >= 0).all():  # Nor nan.
      raise ValueError(f"{said} are not all 0 or more; count them again")
  found = np.array(values, np.float64)  # A copy: it is written to.
  in_a, in_b = (
    np.asarray(voxels) > 0 for voxels in (prediction_voxels, reference_voxels)
  )
  if found.ndim != 1 or not found.shape == in_a.shape == in_b.shape:
    raise ValueError(
      f"values {found.shape}, prediction_voxels {in_a.shape} and"
      f" reference_voxels {in_b.shape} are not one number per case; give [case]"
    )
  lost = np.flatnonzero(in_a & in_b & np.isnan(found))
  if len(lost):
    raise ValueError(
      f"case {int(lost[0])} is nan though both masks have voxels; correct it,"
      " or leave the case out of all three"
    )
  both, missed, made_up = ~in_a & ~in_b, ~in_a & in_b, in_a & ~in_b
  found[missed] = outcome.missed
  found = outcome.fill(found, in_a, in_b)
  if kind == "distance":
    found = np.minimum(found, worst_distance)  # nan stays nan.
  kept = np.sort(found[~np.isnan(found)])
  return Aggregate(
    mean=float(kept.mean()) if len(kept) else math.nan,
    median=_median(kept),
    n_cases=len(found),
    n_both_empty=int(both.sum()),
    n_missed=int(missed.sum()),
    n_hallucinated=int(made_up.sum()),
    n_finite=int(np.isfinite(found).sum()),
  )


def _median(ordered: np.ndarray) -> float:
  # Not np.median: it subtracts infinities from each other, which gives nan.
  if not len(ordered):
    return math.nan
  low, high = ordered[(len(ordered) - 1) // 2], ordered[len(ordered) // 2]
  return float(low if low == high else 0.5 * (low + high))
