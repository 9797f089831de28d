"""Ends of intervals of resampled patients."""

import math

import numpy as np

# Share of the resamples that must have a standard error.
_MOST = 0.9
# Share of all patients' standard error that a resample is taken to have at
# least. One without the only failure has next to none, and the ends would lie
# beyond any single patient. Simulated, a half moves how often intervals hold
# the truth by at most 0.1 percentage points, two thirds by a whole one.
_LEAST = 0.5


def expanded(level: float, patients: int) -> list[float]:
  """Percentiles, 0 to 100, whose interval is wide enough for few patients.

  >>> [round(end, 2) for end in expanded(0.95, 15)]
  [1.32, 98.68]

  Args:
    level: Of the interval.
    patients: How many are resampled.
  """
  if patients < 2:
    return [0.0, 100.0]
  from scipy import special  # Slow to import, and needed here alone.

  far = special.stdtrit(patients - 1, (1 - level) / 2)
  tail = special.ndtr(far * math.sqrt(patients / (patients - 1)))
  return [100 * float(tail), 100 * float(1 - tail)]


def studentized(
  level: float, values: np.ndarray, errors: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
  """Ends by the distances of the samples in their own standard errors.

  On the logit scale, so that they stay within (0, 1). A statistic that was told
  too high by its own choice is so in each resample, too, which moves the ends
  back.

  Args:
    level: Of the interval.
    values: Of all patients and, behind it, of each resample, in [0, 1],
      `[resample + 1, ...]`.
    errors: Standard errors of these.

  Returns:
    (low, high), `[...]` each; nan where too few have a standard error.
  """
  from scipy import special  # Slow to import, and needed here alone.

  with np.errstate(invalid="ignore", divide="ignore"):
    own = errors / (values * (1 - values))
    places = special.logit(np.clip(values, 0, 1))
    far = (places[1:] - places[0]) / np.maximum(own[1:], _LEAST * own[0])
  there = np.isfinite(far) & (own[1:] > 0)
  able = (there.mean(0) >= _MOST) & np.isfinite(own[0]) & (own[0] > 0)
  low = np.full(values.shape[1:], np.nan)
  high = low.copy()
  if able.any():
    far = np.where(there, far, np.nan)[:, able]
    # Percentiles that look for nan are slow, column by column.
    take = np.nanpercentile if np.isnan(far).any() else np.percentile
    tails = [50 * (1 + level), 50 * (1 - level)]
    least, most = take(far, tails, axis=0)
    low[able] = special.expit(places[0][able] - least * own[0][able])
    high[able] = special.expit(places[0][able] - most * own[0][able])
  return low, high
