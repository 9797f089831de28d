"""How much a threshold and its scores depend on which patients there were."""

from collections.abc import Callable, Sequence
import dataclasses
from typing import Any

import numpy as np
from numpy import typing as npt

from jaxseg import _checks as checks
from jaxseg import errors
from jaxseg.thresholds import _clusters
from jaxseg.thresholds import _counts
from jaxseg.thresholds import _criterion
from jaxseg.thresholds import _grid
from jaxseg.thresholds import _intervals
from jaxseg.thresholds import _optimum
from jaxseg.thresholds import _resampled
from jaxseg.thresholds import _sensitivity

STATISTICS = (
  "threshold",
  "value",
  "optimum",
  "curve",
  "sensitivity",
  "regret",
)
INTERVALS = ("percentile", "expanded", "studentized")
# Of fewer patients a resample's own standard error says too little.
_FEW = 10
Statistic = str | Callable[[_counts.Counts[np.ndarray]], Any]


@dataclasses.dataclass(frozen=True, eq=False)
class Bootstrap:
  """A statistic of resampled patients.

  Attributes:
    estimate: Its value for the patients as they are, `[...]`.
    samples: Its value for each resample, float64 `[resample, ...]`.
    index: The patients that each resample drew, `[resample, patient]`; two
      bootstraps with one seed and number of patients drew the same.
    standard_errors: Those of the estimate and, behind it, of the samples,
      `[resample + 1, ...]`; nan where there is none, None where none was asked.
  """

  estimate: np.ndarray
  samples: np.ndarray
  index: np.ndarray
  standard_errors: np.ndarray | None = None

  def interval(
    self, level: float = 0.95, *, kind: str = "percentile"
  ) -> tuple[np.ndarray, np.ndarray]:
    """Interval of percentiles (linear between samples).

    Args:
      level: Share of cohorts whose interval should hold the truth, in (0, 1).
      kind: "percentile" takes the percentiles that leave out equal shares of
        the samples, which is too narrow for few patients; "expanded" those
        farther out by as much as Student's t exceeds the normal distribution,
        and as the variance of the sample falls short of the population's;
        "studentized" those of the samples' distances in standard errors, on the
        logit scale, for a share such as Dice of patients who differ much to
        one side; where there is no standard error, or fewer than 10 patients
        were drawn, it is "expanded".

    Returns:
      (low, high), `[...]` each, of the samples that have a value; nan where
      none has.

    Raises:
      ConfigError: The level is not in (0, 1), the kind is unknown, or it needs
        standard errors that were not asked for.

    References:
      T. C. Hesterberg, What teachers should know about the bootstrap,
      arXiv:1411.5279, sections 4.3.3 and 5.
    """
    if not 0 < level < 1:
      raise errors.ConfigError(f"level {level} is not between 0 and 1")
    if kind not in INTERVALS:
      raise errors.ConfigError(
        f"interval {kind!r} is unknown; take {' or '.join(INTERVALS)}"
      )
    if kind == "studentized":
      return self._studentized(level)
    tails = [50 * (1 - level), 50 * (1 + level)]
    if kind == "expanded":
      tails = _intervals.expanded(level, self.index.shape[-1])
    known = ~np.isnan(self.samples)
    if known.all():  # Much faster than looking for nan in every column.
      low, high = np.percentile(self.samples, tails, axis=0)
      return low, high
    there = known.any(0)
    filled = np.where(there, self.samples, 0)
    low, high = np.nanpercentile(filled, tails, axis=0)
    return np.where(there, low, np.nan), np.where(there, high, np.nan)

  def _studentized(self, level: float) -> tuple[np.ndarray, np.ndarray]:
    """The interval of that kind; see `interval`."""
    if self.standard_errors is None:
      raise errors.ConfigError(
        "interval 'studentized' needs standard errors; ask `bootstrap` for"
        " them, studentize=True"
      )
    low, high = self.interval(level, kind="expanded")
    if self.index.shape[-1] < _FEW:
      return low, high
    values = np.concatenate([np.asarray(self.estimate)[None], self.samples])
    ends = _intervals.studentized(level, values, self.standard_errors)
    there = ~np.isnan(ends[0])
    return np.where(there, ends[0], low), np.where(there, ends[1], high)

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
  index: npt.ArrayLike | None = None,
  patients: npt.ArrayLike | None = None,
  studentize: bool = False,
) -> Bootstrap:
  """Resamples patients with replacement, and computes a statistic each time.

  Patients are drawn, not voxels, slices or scans, which depend on each other:
  with a patient come all of its cases. Each
  resample's curve comes from integer counts, and its optimum by the exact rule
  of `optimum`.

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
    counts: `[case, T + 1]`, or with structures behind the cases
      `[case, structure, T + 1]`.
    statistic: "threshold" (the optimum), "value" (the criterion there),
      "optimum" (both), "curve" (the criterion at every threshold),
      "sensitivity" (relative Dice reductions about the resample's own optimum),
      "regret" (that of 0.5), or a function of `Counts` `[case, ..., T + 1]`,
      which is slower. It returns numbers, or an `Optimum`, whose threshold is
      taken; if it raises DataError the resample is nan.
    resamples: Number of resamples.
    seed: Random seed of the draw.
    criterion: As in `optimum`; a bound has an optimum and no curve.
      "sensitivity" and "regret" are always of Dice.
    aggregate: "pooled" or "mean_case".
    empty: As in `optimum`.
    perturbations: Shifts of "sensitivity".
    index: Patients drawn, `[resample, patient]`, instead of resamples and seed;
      patients are numbered in the order of their first cases.
    patients: Patient of each case, `[case]`, names or numbers. None takes each
      case for a patient.
    studentize: Whether standard errors are computed, for intervals of that
      kind; those of "value" and "curve" of a metric that is a share, and nan of
      all else.

  Returns:
    Samples `[resample, structure..., ...]`; a resample in which no patient has
    the structure is nan.

  Raises:
    ConfigError: An option is unknown or invalid, or the counts are not of
      several patients.
    DataError: No patient has the structure, or no threshold keeps the bound.

  References:
    Efron and Tibshirani, An Introduction to the Bootstrap, 1993, chapter 13.
  """
  host = counts.on_host()
  if host.positive.ndim < 2:
    raise errors.ConfigError(
      "counts without patients cannot be resampled; stack those of each patient"
    )
  of = _clusters.numbered(patients, len(host.positive))
  number = int(of.max(initial=-1)) + 1
  if number < 2:
    raise errors.ConfigError(
      "one patient drawn again and again says nothing about others; give"
      " counts of several"
    )
  if index is None:
    drawn = _drawn(number, resamples, seed)
  else:
    drawn = np.asarray(index)
    numbers = np.issubdtype(drawn.dtype, np.integer)
    shaped = drawn.ndim == 2 and drawn.size and numbers
    if not shaped or drawn.min() < 0 or drawn.max() >= number:
      raise errors.ConfigError(
        f"index, {drawn.dtype} of shape {drawn.shape}, does not name some of"
        f" {number} patients; give integers [resample, patient]"
      )
  if callable(statistic):
    as_is = _called(statistic, host)
    called = []
    cases_of = [np.flatnonzero(of == k) for k in range(number)]
    for row in drawn:
      try:
        cases = np.concatenate([cases_of[k] for k in row])
        called.append(_called(statistic, host[cases]))
      except errors.DataError:  # For example, no patient has the structure.
        called.append(np.full(as_is.shape, np.nan))
    samples = np.stack(called)
    none = np.full((len(samples) + 1, *as_is.shape), np.nan)
    return Bootstrap(as_is, samples, drawn, none if studentize else None)
  _check(statistic, criterion, aggregate, empty)
  lead = tuple(host.positive.shape[1:-1])
  every = np.vstack([np.arange(number), drawn])  # All of them once, first.
  values: list[np.ndarray] = []
  spread: list[np.ndarray] = []
  for place in np.ndindex(*lead):
    one = host[(slice(None), *place)] if lead else host
    if _criterion.constraint(criterion) is not None:  # It may be out of reach.
      _optimum.optimum(
        one, criterion=criterion, aggregate=aggregate, empty=empty
      )
    made = _resampled.Resampled(one, of, criterion, aggregate, empty)
    found, own = _of(made, statistic, every, perturbations, studentize)
    values.append(found)
    spread.append(own)
  joined = np.stack(values, axis=1)
  shape = (len(every), *lead, *joined.shape[2:])
  joined = joined.reshape(shape)
  return Bootstrap(
    joined[0],
    joined[1:],
    drawn,
    np.stack(spread, axis=1).reshape(shape) if studentize else None,
  )


def _called(
  statistic: Callable[[_counts.Counts], Any], counts: _counts.Counts
) -> np.ndarray:
  found = statistic(counts)
  if isinstance(found, _optimum.Optimum):
    found = found.threshold
  return np.asarray(found, np.float64)


def _drawn(patients: int, resamples: int, seed: int) -> np.ndarray:
  checks.whole(2, resamples=resamples)
  checks.whole(0, seed=seed)
  generator = np.random.default_rng(seed)
  return generator.integers(patients, size=(resamples, patients))


def _check(statistic: str, criterion: str, aggregate: str, empty: str) -> None:
  if statistic not in STATISTICS:
    raise errors.ConfigError(
      f"statistic {statistic!r} is unknown; take one of"
      f" {', '.join(STATISTICS)} or a function"
    )
  bound = _criterion.constraint(criterion) is not None
  if bound and statistic not in ("threshold", "value", "optimum"):
    raise errors.ConfigError(
      f"criterion {criterion!r} is a bound, which has no {statistic}; take"
      " threshold, value or optimum"
    )
  _criterion.check(criterion, aggregate, empty)
  if aggregate == "worst_case":
    raise errors.ConfigError(
      "aggregate worst_case cannot be resampled: without the worst patient it"
      " is of another; take pooled or mean_case"
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
  studentize: bool,
) -> tuple[np.ndarray, np.ndarray]:
  """A statistic of each resample and its errors, `[resample, ...]` each."""
  parts, spread = [], []
  for curves, weights in made.blocks(drawn):
    values, best = _statistic(made, statistic, curves, weights, perturbations)
    parts.append(values)
    if not studentize:
      continue
    own = np.full(values.shape, np.nan)
    if statistic == "curve":
      own = made.errors(curves, weights)
    elif statistic == "value":
      own = made.errors(values, weights, best)
    elif statistic == "optimum":
      own[:, 1] = made.errors(values[:, 1], weights, best)
    spread.append(own)
  joined = np.concatenate(parts)
  return joined, np.concatenate(spread) if studentize else joined


def _statistic(
  made: _resampled.Resampled,
  statistic: str,
  curves: np.ndarray,
  weights: np.ndarray,
  perturbations: Sequence[float],
) -> tuple[np.ndarray, np.ndarray]:
  """A statistic of some resamples, and the positions of their optima."""
  if statistic == "curve":
    return curves, np.zeros(0, np.int64)
  best = made.optima(curves, weights)
  some = best >= 0
  top = np.where(some, curves[np.arange(len(best)), best], np.nan)
  if statistic == "value":
    return top, best
  grid = np.asarray(made.thresholds, np.float64)
  if statistic in ("threshold", "optimum"):
    there = np.where(some, grid[best], np.nan)
    both = statistic == "optimum"
    return (np.stack([there, top], axis=-1) if both else there), best
  shifts = np.asarray(perturbations, np.float64)
  wanted = (
    np.full((len(best), 1), 0.5)
    if statistic == "regret"
    else grid[best][:, None] + shifts
  )
  place = _grid.nearest(grid, wanted)
  value = np.take_along_axis(curves, place, axis=1)
  with np.errstate(invalid="ignore", divide="ignore"):
    lost = (top[:, None] - value) / top[:, None]
  if statistic == "regret":
    return lost[:, 0], best
  near = _sensitivity.reached(grid, grid[best][:, None], shifts)
  return np.where(near, lost, np.nan), best
