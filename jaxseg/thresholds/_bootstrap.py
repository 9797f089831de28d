"""How far a threshold and its scores depend on which patients were there."""

from collections.abc import Callable, Sequence
import dataclasses
from typing import Any

import numpy as np

from jaxseg import errors
from jaxseg.thresholds import _counts
from jaxseg.thresholds import _criterion
from jaxseg.thresholds import _optimum
from jaxseg.thresholds import _resampled

STATISTICS = ("threshold", "value", "curve", "sensitivity", "regret")
Statistic = str | Callable[[_counts.Counts], Any]


@dataclasses.dataclass(frozen=True, eq=False)
class Bootstrap:
  """A statistic of resampled patients.

  Attributes:
    estimate: Its value for the patients as they are, `[...]`.
    samples: Its values, float64 `[resample, ...]`.
    index: Which patients each resample drew, `[resample, patient]`; two
      bootstraps of one seed and number of patients drew the same ones.
  """

  estimate: np.ndarray
  samples: np.ndarray
  index: np.ndarray

  def interval(self, level: float = 0.95) -> tuple[np.ndarray, np.ndarray]:
    """Percentile interval (linear between samples).

    Args:
      level: Share of the samples within, in (0, 1).

    Returns:
      (low, high), `[...]` each; samples without a value are left out, and nan
      where there are none.

    Raises:
      ConfigError: The level is not in (0, 1).
    """
    if not 0 < level < 1:
      raise errors.ConfigError(f"level {level}: give one between 0 and 1")
    tails = [50 * (1 - level), 50 * (1 + level)]
    known = ~np.isnan(self.samples)
    if known.all():  # Much faster than to look for nan in every column.
      low, high = np.percentile(self.samples, tails, axis=0)
      return low, high
    there = known.any(0)
    filled = np.where(there, self.samples, 0)
    low, high = np.nanpercentile(filled, tails, axis=0)
    return np.where(there, low, np.nan), np.where(there, high, np.nan)

  @property
  def standard_error(self) -> np.ndarray:
    """Standard deviation of the samples that have a value, `[...]`."""
    few = (~np.isnan(self.samples)).sum(0) < 2
    filled = np.where(few, 0, self.samples)
    return np.where(few, np.nan, np.nanstd(filled, axis=0, ddof=1))

  def __sub__(self, other: "Bootstrap") -> "Bootstrap":
    """Paired difference, such as of two models on the same patients.

    Raises:
      ConfigError: The two did not draw the same patients.
    """
    if not np.array_equal(self.index, other.index):
      raise errors.ConfigError(
        "the bootstraps drew different patients; use one seed, number of"
        " resamples and list of patients for both"
      )
    return Bootstrap(
      self.estimate - other.estimate, self.samples - other.samples, self.index
    )


def bootstrap(
  counts: _counts.Counts,
  statistic: Statistic = "threshold",
  *,
  resamples: int = 2000,
  seed: int = 0,
  criterion: str = "dice",
  aggregate: str = "pooled",
  empty: str = "skip",
  perturbations: Sequence[float] = (-0.05, 0.05),
  index: np.ndarray | None = None,
) -> Bootstrap:
  """Resamples patients with replacement and computes a statistic anew.

  Patients are drawn, not voxels or slices, which depend on each other. The
  curve of each resample comes from integer counts, and its optimum by the
  exact rule of `optimum`.

  >>> import numpy as np
  >>> from jaxseg import thresholds
  >>> p = np.array([0.9, 0.7, 0.4, 0.1], np.float32)
  >>> reference = np.array([True, True, False, False])
  >>> counts = thresholds.count_case(p, reference, thresholds.grid(11))
  >>> three = thresholds.Counts.stack([counts] * 3)
  >>> found = bootstrap(three, "threshold", resamples=100)
  >>> [round(float(end), 2) for end in found.interval()]
  [0.6, 0.6]

  Args:
    counts: `[patient, T + 1]`, or with structures behind the patients
      `[patient, structure, T + 1]`.
    statistic: "threshold" (the optimum), "value" (the criterion there), "curve"
      (the criterion at every threshold), "sensitivity" (relative Dice
      reductions about the resample's own optimum), "regret" (that of 0.5), or a
      function of `Counts` `[patient, ..., T + 1]`, which is slower: it gives
      numbers, or an `Optimum`, whose threshold is taken; where it raises
      DataError the resample is nan.
    resamples: How many.
    seed: Decides which patients are drawn.
    criterion: As in `optimum`, but no bound; "sensitivity" and "regret" are of
      Dice.
    aggregate: "pooled" or "mean_case".
    empty: As in `optimum`.
    perturbations: Of "sensitivity".
    index: Patients drawn, `[resample, patient]`, instead of resamples and seed.

  Returns:
    Samples `[resample, structure..., ...]`; a resample in which no patient has
    the structure is nan.

  Raises:
    ConfigError: Something is unknown, or the counts have no patients.
    DataError: No patient has the structure.

  References:
    Efron and Tibshirani, An Introduction to the Bootstrap, 1993, chapter 13.
  """
  host = counts.on_host()
  if host.positive.ndim < 2:
    raise errors.ConfigError(
      "counts without patients cannot be resampled; stack one of each patient"
    )
  patients = len(host.positive)
  if patients < 2:
    raise errors.ConfigError(
      "one patient drawn again and again says nothing about others; give"
      " counts of several"
    )
  drawn = _drawn(patients, resamples, seed) if index is None else index
  drawn = np.asarray(drawn)
  if drawn.ndim != 2 or not drawn.size or (
    drawn.min() < 0 or drawn.max() >= patients
  ):  # fmt: skip
    raise errors.ConfigError(
      f"index of shape {drawn.shape} names no {patients} patients; give"
      " [resample, patient]"
    )
  if callable(statistic):
    as_is = _called(statistic, host)
    called = []
    for row in drawn:
      try:
        called.append(_called(statistic, host[row]))
      except errors.DataError:  # Such as: no patient has the structure.
        called.append(np.full(as_is.shape, np.nan))
    return Bootstrap(as_is, np.stack(called), drawn)
  _check(statistic, criterion, aggregate, empty)
  lead = tuple(host.positive.shape[1:-1])
  estimates: list[np.ndarray] = []
  samples: list[np.ndarray] = []
  for place in np.ndindex(*lead):
    one = host[(slice(None), *place)] if lead else host
    made = _resampled.Resampled(one, criterion, aggregate, empty)
    once = np.arange(patients)[None]
    estimates.append(_of(made, statistic, once, perturbations)[0])
    samples.append(_of(made, statistic, drawn, perturbations))
  joined = np.stack(samples, axis=1)
  own = joined.shape[2:]
  return Bootstrap(
    np.reshape(np.stack(estimates), (*lead, *own)),
    np.reshape(joined, (len(drawn), *lead, *own)),
    drawn,
  )


def _called(
  statistic: Callable[[_counts.Counts], Any], counts: _counts.Counts
) -> np.ndarray:
  found = statistic(counts)
  if isinstance(found, _optimum.Optimum):
    found = found.threshold
  return np.asarray(found, np.float64)


def _drawn(patients: int, resamples: int, seed: int) -> np.ndarray:
  if resamples < 2:
    raise errors.ConfigError(f"{resamples} resamples; take at least 2")
  generator = np.random.default_rng(seed)
  return generator.integers(patients, size=(resamples, patients))


def _check(statistic: str, criterion: str, aggregate: str, empty: str) -> None:
  if statistic not in STATISTICS:
    raise errors.ConfigError(
      f"statistic {statistic!r} is unknown; take one of"
      f" {', '.join(STATISTICS)} or a function"
    )
  if _criterion.constraint(criterion) is not None:
    raise errors.ConfigError(
      f"criterion {criterion!r} is a bound; give a function that calls optimum"
    )
  _criterion.check(criterion, aggregate, empty)
  if aggregate == "worst_case":
    raise errors.ConfigError(
      "worst_case: a resample without the worst patient says nothing; take"
      " pooled or mean_case"
    )
  if statistic in ("sensitivity", "regret") and criterion != "dice":
    raise errors.ConfigError(
      f"{statistic} is of Dice, not of {criterion!r}; leave the criterion out"
    )


def _of(
  made: _resampled.Resampled,
  statistic: str,
  drawn: np.ndarray,
  perturbations: Sequence[float],
) -> np.ndarray:
  """A statistic of each resample, `[resample, ...]`."""
  parts = []
  for curves, weights in made.blocks(drawn):
    if statistic == "curve":
      parts.append(curves)
      continue
    best = made.optima(curves, weights)
    some = best >= 0
    top = np.where(some, curves[np.arange(len(best)), best], np.nan)
    if statistic == "value":
      parts.append(top)
      continue
    grid = np.asarray(made.thresholds, np.float64)
    if statistic == "threshold":
      parts.append(np.where(some, grid[best], np.nan))
      continue
    shifts = np.asarray(perturbations, np.float64)
    wanted = (
      np.full((len(best), 1), 0.5)
      if statistic == "regret"
      else grid[best][:, None] + shifts
    )
    there = _resampled.nearest(grid, wanted)
    value = np.take_along_axis(curves, there, axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
      lost = (top[:, None] - value) / top[:, None]
    if statistic == "sensitivity":
      near = _resampled.reached(grid, grid[best][:, None], shifts)
      lost = np.where(near, lost, np.nan)
    parts.append(lost[:, 0] if statistic == "regret" else lost)
  return np.concatenate(parts)
