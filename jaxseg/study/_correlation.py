"""Correlations of a few points: exact p, intervals, and what is left of them.

Ten organs are ten observations. So a coefficient comes with an interval, a
test that several definitions share is corrected for their number, and what is
called a control is held fixed.
"""

from collections.abc import Sequence
import itertools
import math

import numpy as np

_NAN = float("nan")


def correlate(x: np.ndarray, y: np.ndarray) -> dict[str, float]:
  """Pearson's and Spearman's coefficient, with two-sided p.

  Args:
    x: `[point]`.
    y: `[point]`.

  Returns:
    pearson, pearson_p, pearson_low and pearson_high (95 %, by Fisher's z, from
    four points on), spearman, spearman_p; nan where fewer than three points or
    no variation leave nothing to correlate.
  """
  names = ("pearson", "pearson_p", "pearson_low", "pearson_high")
  found = dict.fromkeys((*names, "spearman", "spearman_p"), _NAN)
  if len(x) < 3 or not (np.ptp(x) > 0 and np.ptp(y) > 0):
    return found
  from scipy import stats  # Slow to import, and needed here alone.

  pearson = stats.pearsonr(x, y)
  low, high = (_NAN, _NAN)
  if len(x) > 3:
    low, high = map(float, pearson.confidence_interval(0.95))
  spearman, spearman_p = _spearman(x, y)
  return {
    "pearson": float(pearson.statistic),
    "pearson_p": float(pearson.pvalue),
    "pearson_low": low,
    "pearson_high": high,
    "spearman": spearman,
    "spearman_p": spearman_p,
  }


def partial(
  x: np.ndarray, y: np.ndarray, control: np.ndarray
) -> dict[str, float]:
  """Pearson's coefficient of what a control leaves of both.

  Args:
    x: `[point]`.
    y: `[point]`.
    control: `[point]`, regressed out of both by least squares.

  Returns:
    partial and partial_p, two-sided with n - 3 degrees of freedom; nan where
    there are fewer than four points, or nothing is left.

  References:
    R. A. Fisher, The distribution of the partial correlation coefficient,
    Metron 3, 1924.
  """
  nothing = {"partial": _NAN, "partial_p": _NAN}
  if len(x) < 4:
    return nothing
  basis = np.column_stack([np.ones_like(control), control])
  left = []
  for values in (x, y):
    fit = basis @ np.linalg.lstsq(basis, values, rcond=None)[0]
    rest = values - fit
    if not np.linalg.norm(rest) > 1e-9 * np.linalg.norm(values):
      return nothing
    left.append(rest / np.linalg.norm(rest))
  r = float(np.clip(left[0] @ left[1], -1, 1))
  freedom = len(x) - 3
  from scipy import stats

  with np.errstate(divide="ignore"):
    t = abs(r) * math.sqrt(freedom) / np.sqrt(1 - r * r)
  return {"partial": r, "partial_p": float(2 * stats.t.sf(t, freedom))}


def holm(p: Sequence[float]) -> list[float]:
  """Holm's correction of several tests' p, in their order; nan stays nan.

  References:
    S. Holm, A simple sequentially rejective multiple test procedure,
    Scandinavian Journal of Statistics 6, 1979.
  """
  known = [k for k, value in enumerate(p) if not math.isnan(value)]
  result, most = [_NAN] * len(p), 0.0
  for place, k in enumerate(sorted(known, key=p.__getitem__)):
    most = max(most, min(1.0, (len(known) - place) * p[k]))
    result[k] = most
  return result


def _spearman(x: np.ndarray, y: np.ndarray) -> tuple[float, float]:
  """Rank correlation and its two-sided p: exact for up to eight points.

  The usual approximation says p = 0 when few ranks agree by chance.
  """
  from scipy import stats

  found = stats.spearmanr(x, y)
  rho = float(found.statistic)
  if len(x) > 8:
    return rho, float(found.pvalue)
  a, b = (stats.zscore(stats.rankdata(v)) for v in (x, y))
  orders = np.array(list(itertools.permutations(range(len(x)))))
  every = b[orders] @ a / len(x)
  return rho, float(np.mean(np.abs(every) >= abs(rho) - 1e-9))
