"""Resamples of patients, organs and seeds that all models of a study share.

Paired: the same patients are drawn for every model, so that what two of them
differ by is not what two groups of patients differ by.
"""

from collections.abc import Collection, Mapping, Sequence
import dataclasses
import math
from typing import Any

import numpy as np

from jaxseg import thresholds
from jaxseg.study import _cohort_counts

Key = tuple[str, int]  # Structure and seed.


def key_of(facts: Mapping[str, Any]) -> Key:
  """What a model is paired by; in the place of a stuck one that one's seed."""
  return str(facts["structure"]), int(facts.get("stands_for", facts["seed"]))


@dataclasses.dataclass(frozen=True, eq=False)
class Draws:
  """Who is drawn in each resample; the first is all of them, once.

  Attributes:
    patients: Part -> names of its patients, sorted.
    index: Part -> positions drawn, `[resample + 1, patient]`.
    seed: Of organs and seeds.
  """

  patients: Mapping[str, tuple[str, ...]]
  index: Mapping[str, np.ndarray]
  seed: int

  @staticmethod
  def of(
    results: Sequence[_cohort_counts.CohortCounts],
    *,
    resamples: int,
    seed: int = 0,
  ) -> "Draws":
    """Draws the patients of some models' validation and test."""
    generator = np.random.default_rng([seed, 0])
    patients, index = {}, {}
    for part in ("validation", "test"):
      names = {
        name
        for result in results
        for name, own in zip(result.names, result.parts, strict=True)
        if own == part
      }
      count = len(names)
      drawn = generator.integers(count, size=(resamples, count))
      patients[part] = tuple(sorted(names))
      index[part] = np.vstack([np.arange(count), drawn])
    if patients["validation"] == patients["test"]:  # Of folds: one draw of all.
      index["test"] = index["validation"]
    return Draws(patients, index, seed)

  def __len__(self) -> int:
    return len(self.index["test"])

  def weights(self, part: str, names: Sequence[str]) -> np.ndarray:
    """How often some patients are drawn, int64 `[resample + 1, name]`."""
    index, count = self.index[part], len(self.patients[part])
    flat = index + np.arange(len(index))[:, None] * count
    times = np.bincount(flat.ravel(), minlength=len(index) * count)
    places = [self.patients[part].index(name) for name in names]
    return times.reshape(len(index), count)[:, places]

  def counts(self, part: str, cases: _cohort_counts.Cases) -> thresholds.Counts:
    """Sums of the drawn patients' counts, `[resample + 1, T + 1]`."""
    # In float64 a product of integers is fast, and exact below 2**53 voxels.
    times = self.weights(part, cases.names).astype(np.float64)
    counts = cases.even
    return thresholds.Counts(
      counts.thresholds,
      *(
        np.rint(times @ side.astype(np.float64)).astype(np.int64)
        for side in (counts.positive, counts.negative)
      ),
    )

  def over_organs(self, values: Mapping[Key, np.ndarray]) -> np.ndarray:
    """A median over organs that alone are drawn, with all they have.

    What patients and seeds do is in what organs differ by; drawn again, they
    count twice. A ratio of two medians, whose lower one is near to 0, is then
    far too wide (benchmarks/coverage_study.py).

    Args:
      values: As in `nested`.

    Returns:
      `[resample + 1]`, the observed first.
    """
    organs: dict[str, list[np.ndarray]] = {}
    for (name, _), own in sorted(values.items()):
      organs.setdefault(name, []).append(own[0].ravel())
    each = [np.concatenate(own) for own in organs.values()]
    table = np.full((len(each), max(map(len, each))), np.nan)
    for row, observed in zip(table, each, strict=True):
      row[: len(observed)] = observed
    generator = np.random.default_rng([self.seed, 1])
    resamples = len(next(iter(values.values())))
    organ = generator.integers(len(each), size=(resamples, len(each)))
    organ[0] = np.arange(len(each))
    drawn = table[organ].reshape(resamples, -1)
    result = np.full(resamples, np.nan)
    known = ~np.isnan(drawn).all(1)
    result[known] = np.nanmedian(drawn[known], axis=1)
    return result

  def nested(
    self, values: Mapping[Key, np.ndarray], statistic: str = "median"
  ) -> np.ndarray:
    """A statistic over organs and seeds, both drawn with their patients.

    Organs are drawn, and of each as many seeds as it has. The observed value,
    of all of them once, comes first.

    Args:
      values: Structure and seed -> `[resample + 1, ...]`, of the same shape;
        nan is left out.
      statistic: "median" or "mean" over all that is drawn.

    Returns:
      `[resample + 1]`; nan where nothing is left.
    """
    organs = sorted({structure for structure, _ in values})
    seeds = {o: sorted(s for own, s in values if own == o) for o in organs}
    most = max(map(len, seeds.values()))
    shape = next(iter(values.values())).shape
    table = np.full((len(organs), most, *shape), np.nan)
    for o, name in enumerate(organs):
      for s, seed in enumerate(seeds[name]):
        table[o, s] = values[name, seed]
    generator = np.random.default_rng([self.seed, 1])
    count = len(organs)
    organ = generator.integers(count, size=(shape[0], count))
    organ[0] = np.arange(count)
    has = np.array([len(seeds[name]) for name in organs])[organ]
    place = (generator.random((shape[0], count, most)) * has[..., None]).astype(
      np.int64
    )
    place[0] = np.arange(most)
    there = np.arange(most) < has[..., None]  # An organ may have fewer seeds.
    every = np.arange(shape[0])[:, None, None]
    drawn = table[organ[..., None], np.where(there, place, 0), every]
    drawn[~there] = np.nan
    flat = drawn.reshape(shape[0], -1)
    known = ~np.isnan(flat).all(1)
    result = np.full(shape[0], np.nan)
    take = np.nanmedian if statistic == "median" else np.nanmean
    result[known] = take(flat[known], axis=1)
    return result


def means(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
  """Mean of each resample; nan where nobody is drawn.

  Args:
    values: `[patient]`, finite.
    weights: How often each is drawn, `[resample, patient]`.
  """
  total = weights.sum(1)
  return np.where(total, weights @ values / np.maximum(total, 1), np.nan)


def medians(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
  """Median of each resample; nan where nobody is drawn.

  Args:
    values: `[patient]`; they may be infinite.
    weights: How often each is drawn, `[resample, patient]`.
  """
  order = values.argsort()
  upto = weights[:, order].cumsum(1)
  total = upto[:, -1:]
  lower = (2 * upto >= total).argmax(1)
  upper = (2 * upto > total).argmax(1)
  ranked = values[order]
  with np.errstate(invalid="ignore"):  # Half way between two infinities.
    middle = (ranked[lower] + ranked[upper]) / 2
  return np.where(total[:, 0] > 0, middle, np.nan)


def of_mean(models: Collection[Key]) -> dict[str, int]:
  """What `interval` is to know of a mean over organs, drawn by `nested`.

  Seeds are drawn with their organs, though they are in what organs differ by,
  and that makes up for Student's t. Of one seed each nothing does.
  """
  organs = len({structure for structure, _ in models})
  several = organs == 1 or len(models) > organs
  return {"organs" if several else "units": organs}


def interval(
  values: np.ndarray,
  level: float = 0.95,
  *,
  units: int | None = None,
  organs: int | None = None,
) -> tuple[float, float]:
  """Percentiles of the resamples.

  Args:
    values: `[resample + 1]`, the observed first, which is left out.
    level: Of the interval.
    units: How many were drawn, patients or organs with all they have: the
      percentiles are farther out, as Student's t is.
    organs: How many were drawn, with their seeds and patients, for a mean over
      them: the percentiles are farther out by what the variance of so few
      organs falls short of that of all. A median needs nothing: what seeds and
      patients add is more than it lacks (benchmarks/coverage_study.py).
  """
  from scipy import special  # Slow to import, and needed here alone.

  known = values[1:][~np.isnan(values[1:])]
  if not len(known):
    return float("nan"), float("nan")
  kind = "expanded" if units else "percentile"
  if organs is not None and organs > 1:
    far = math.sqrt(organs / (organs - 1))
    level = 2 * float(special.ndtr(far * special.ndtri((1 + level) / 2))) - 1
  finite = bool(np.isfinite(known).all())
  samples = known if finite else np.arange(float(len(known)))
  low, high = thresholds.Bootstrap(
    values[:1], samples, np.empty((len(known), units or 0))
  ).interval(level, kind=kind)
  if finite:
    return float(low), float(high)
  ordered = np.sort(known)  # Between a number and infinity there is nothing.
  return float(ordered[math.floor(low)]), float(ordered[math.ceil(high)])


def two_sided(values: np.ndarray) -> float:
  """P of no difference: how often resamples fall on the other side of 0.

  Args:
    values: `[resample + 1]`, the observed first.

  References:
    A. C. Davison and D. V. Hinkley, Bootstrap Methods and their Application,
    1997, chapter 4.
  """
  known = values[1:][~np.isnan(values[1:])]
  if not len(known):
    return float("nan")
  sides = (known <= 0).sum(), (known >= 0).sum()
  return float(min(1.0, 2 * (1 + min(sides)) / (1 + len(known))))
