"""Whether objectives differ, patient by patient on unseen patients."""

from collections.abc import Callable, Mapping, Sequence
import itertools
import math
from typing import Any
import warnings

import numpy as np

from jaxseg import errors
from jaxseg import thresholds
from jaxseg.study import _arms
from jaxseg.study import _cohort_counts
from jaxseg.study import _correlation
from jaxseg.study import _costs
from jaxseg.study import _draws
from jaxseg.study import _stuck

# Score of a patient -> whether less is better, and its mean or median counts.
SCORES: Mapping[str, tuple[bool, str]] = {
  "dice": (False, "mean"),
  "iou": (False, "mean"),
  "hd95_mm": (True, "median"),
  "assd_mm": (True, "median"),
  "nsd_2mm": (False, "mean"),
  "volume_error": (True, "mean"),
}
_SURFACES = ("hd95_mm", "assd_mm", "nsd_2mm")
_AT = ("own", "0.5")
_ALL = "all"
_LEVEL = 0.05
# Score -> values `[patient]`.
Scores = Mapping[str, np.ndarray]
Rows = list[dict[str, Any]]


def objective_tests(
  results: Sequence[_cohort_counts.CohortCounts],
  *,
  resamples: int = 2000,
  seed: int = 0,
  on_model: Callable[[str, int, int], None] | None = None,
) -> Rows:
  """A row per pair of objectives, structure, cut and score: paired tests.

  Both objectives score the same test patients, each at the threshold of its
  own validation patients (`at` own) or at 0.5. A patient's score is the mean
  over the seeds that both objectives have. A missed structure is infinitely
  far. Models that never learnt (`stuck_models`) take no part.

  Args:
    results: Counts of models, with surfaces of the test patients.
    resamples: Of patients; of the rows of all structures also of structures
      and seeds.
    seed: Of the resamples.
    on_model: Called after each model with (name, done, all).

  Returns:
    Rows of network, objective, other, structure, at, score, patients,
    `difference` (mean over patients of objective minus other; of distances
    the median) with its 95 % interval, `p` of Wilcoxon's signed ranks over the
    patients (of all structures, that of the resamples), `p_holm` for all tests
    of single structures of a network and pair, and for those of all structures
    together, and which objective is `better` where that is below 0.05.

  Raises:
    DataError: Counts have no surfaces at a threshold.

  References:
    F. Wilcoxon, Individual comparisons by ranking methods, doi:10.2307/3001968.
  """
  results = _stuck.in_place(_arms.of_usual_length(results))
  draws = _draws.Draws.of(results, resamples=resamples, seed=seed)
  models: dict[tuple[str, float, str], dict[_draws.Key, Any]] = {}
  for done, result in enumerate(results, start=1):
    network, objective, negatives = _arms.arm_of(result.facts)
    choose_on, score_on = result.sides()
    best = thresholds.optimum(choose_on.even)
    if not _costs.never_learnt(choose_on):
      key = _draws.key_of(result.facts)
      models.setdefault((network, negatives, objective), {})[key] = _scored(
        result.name, score_on, best.threshold
      )
    if on_model:
      on_model(result.name, done, len(results))
  rows = []
  for one, other in itertools.permutations(sorted(models), 2):
    if one[:2] == other[:2] and _is_asked(one[2], other[2]):
      rows += _pair(one, other, models[one], models[other], draws)
  return rows


def _is_asked(one: str, other: str) -> bool:
  """Each pair once; cross entropy is what others are compared with."""
  if "bce" in (one, other):
    return other == "bce"
  return one > other


def _scored(
  name: str, cases: _cohort_counts.Cases, threshold: float
) -> tuple[tuple[str, ...], dict[str, Scores]]:
  """The patients with the structure, and their scores at each cut."""
  there = cases.reference > 0
  found: dict[str, Scores] = {}
  for at, cut in zip(_AT, (threshold, 0.5), strict=True):
    place = cases.index(cut)
    true = cases.even.true_positive[there, place].astype(np.float64)
    predicted = cases.predicted[there, place]
    reference = cases.reference[there]
    try:
      surfaces = cases.surfaces_at(cut)[there, : len(_SURFACES)]
    except errors.DataError as e:
      raise errors.DataError(f"{name}: {e}") from e
    missed = (predicted == 0)[:, None]
    surfaces = np.where(missed, [np.inf, np.inf, 0], surfaces)
    found[at] = {
      "dice": 2 * true / (predicted + reference),
      "iou": true / (predicted + reference - true),
      "volume_error": abs(predicted - reference) / reference,
      **dict(zip(_SURFACES, surfaces.T, strict=True)),
    }
  names = tuple(n for n, has in zip(cases.names, there, strict=True) if has)
  return names, found


def _pair(
  one: tuple[str, float, str],
  other: tuple[str, float, str],
  models: Mapping[_draws.Key, Any],
  others: Mapping[_draws.Key, Any],
  draws: _draws.Draws,
) -> Rows:
  """All tests of two objectives."""
  both = sorted(set(models) & set(others))
  organs = sorted({organ for organ, _ in both})
  rows: Rows = []
  for at, (score, (_, how)) in itertools.product(_AT, SCORES.items()):
    drawn: dict[_draws.Key, np.ndarray] = {}
    for organ in organs:
      seeds = [key for key in both if key[0] == organ]
      names = models[seeds[0]][0]
      each = np.stack(
        [_difference(models[k], others[k], at, score) for k in seeds]
      )
      statistic = _draws.means if how == "mean" else _draws.medians
      weights = draws.weights("test", names)
      for key, values in zip(seeds, each, strict=True):
        drawn[key] = statistic(values, weights)
      with np.errstate(invalid="ignore"):
        mean = each.mean(0)
      # Each missed it with another seed: both means are infinitely far.
      mean = np.where(np.isnan(mean), 0.0, mean)
      made = statistic(mean, weights)
      row = _row(one, other, organ, at, score, made, units=len(names))
      row |= {"patients": len(names), "p": _signed_ranks(mean)}
      rows.append(row)
    if len(organs) > 1:
      made = draws.nested(drawn, "mean" if how == "mean" else "median")
      few = _draws.of_mean(both) if how == "mean" else {}
      row = _row(one, other, _ALL, at, score, made, **few)
      patients = {n for key in both for n in models[key][0]}
      row |= {"patients": len(patients), "p": _draws.two_sided(made)}
      rows.append(row)
  for together in (True, False):
    own = [row for row in rows if (row["structure"] == _ALL) == together]
    corrected = _correlation.holm([row["p"] for row in own])
    for row, p in zip(own, corrected, strict=True):
      row |= {"p_holm": p, "better": _better(row, p)}
  return rows


def _better(row: Mapping[str, Any], p: float) -> str:
  """The objective that the test favours; "" where it is not known."""
  low, high = row["difference_low"], row["difference_high"]
  if not p < _LEVEL or not (low > 0 or high < 0):
    return ""
  less = SCORES[row["score"]][0]
  return str(row["objective" if (high < 0) == less else "other"])


def _difference(one: Any, other: Any, at: str, score: str) -> np.ndarray:
  """Of each patient; 0 where both miss the structure."""
  mine, theirs = one[1][at][score], other[1][at][score]
  with np.errstate(invalid="ignore"):
    return np.where(mine == theirs, 0.0, mine - theirs)


def _row(
  one: tuple[str, float, str],
  other: tuple[str, float, str],
  structure: str,
  at: str,
  score: str,
  made: np.ndarray,
  **of: int,
) -> dict[str, Any]:
  low, high = _draws.interval(made, **of)
  return {
    "network": one[0],
    "negatives": one[1],
    "objective": one[2],
    "other": other[2],
    "structure": structure,
    "at": at,
    "score": score,
    "difference": float(made[0]),
    "difference_low": low,
    "difference_high": high,
  }


def _signed_ranks(values: np.ndarray) -> float:
  """Two-sided p over patients; nan where none differs."""
  known = values[~np.isnan(values)]
  if not known.any():
    return math.nan
  from scipy import stats  # Slow to import, and needed here alone.

  # Infinite differences rank highest, however many there are.
  finite = np.abs(known[np.isfinite(known)]).max(initial=1.0)
  ranked = np.clip(known, -2 * finite, 2 * finite)
  with warnings.catch_warnings():  # It warns of few patients; p says it.
    warnings.simplefilter("ignore")
    return float(stats.wilcoxon(ranked).pvalue)
