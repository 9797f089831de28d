"""A threshold for each patient, chosen without that patient's labels.

Four ways, all fitted on the patients to choose on and compared on the others:

- `half`: 0.5 for everyone.
- `organ`: the optimum of the patients to choose on, for everyone.
- `expected`: where the map itself, calibrated, expects its Dice to be highest.
- `volume`: by a line on the volume that the organ's threshold finds, after
  Valcarcel et al. 2020 (TAPAS), who did so for lesions of white matter.

Everything is a function of counts. A case's own label-free part of them is how
many of its voxels lie between two thresholds.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from jaxseg.study import _choice
from jaxseg.study import _chooser
from jaxseg.study import _cohort_counts
from jaxseg.study import _correlation
from jaxseg.study import _draws

METHODS = ("organ", "half", "expected", "volume")
_FOLDS = 10


def per_case_rows(
  choose_on: _cohort_counts.Cases,
  score_on: _cohort_counts.Cases,
  settings: _choice.Settings,
) -> list[dict[str, Any]]:
  """A row for each way of choosing: its Dice, its gain over `organ` and 0.5.

  Args:
    choose_on: Cases with labels that everything is fitted on.
    score_on: Cases that it is compared on. The same object stands for maps
      without other patients: each case's threshold is then fitted on the
      patients of the other folds.
    settings: Number of resamples, seed and level of the intervals, which are
      of the paired difference of each patient's Dice.

  Returns:
    Rows with method, cases, dice_mean_case, dice_pooled, gain (mean over the
    cases with the structure, over `organ`) with gain_low, gain_high and
    gain_p, the same over 0.5 (gain_half), and what `correct` adds.
  """
  chosen = case_thresholds(choose_on, score_on)
  has = score_on.reference > 0
  scores = {name: _dice(score_on, cuts) for name, cuts in chosen.items()}
  rows: list[dict[str, Any]] = []
  for name in METHODS:
    row: dict[str, Any] = {
      "method": name,
      "cases": int(has.sum()),
      "dice_mean_case": float(scores[name][0][has].mean()),
      "dice_pooled": scores[name][1],
    }
    for column, other in (("gain", "organ"), ("gain_half", "half")):
      gain = scores[name][0] - scores[other][0]
      drawn, number = _means(gain[has], _patients(score_on)[has], settings)
      row |= gained(column, drawn, units=number, level=settings.level)
    rows.append(row)
  correct(rows)
  return rows


def gained(column: str, drawn: np.ndarray, **of: Any) -> dict[str, float]:
  """A gain with its interval and p, as columns.

  Args:
    column: Name of the first.
    drawn: Of resamples, `[resample + 1]`, the observed first.
    **of: As in `_draws.interval`.
  """
  low, high = _draws.interval(drawn, **of)
  return {
    column: float(drawn[0]),
    f"{column}_low": low,
    f"{column}_high": high,
    f"{column}_p": _draws.two_sided(drawn),
  }


def correct(rows: list[dict[str, Any]]) -> None:
  """Adds `p_holm` and `p_holm_half`, which a recommendation rests on.

  `p_holm` is of three comparisons: the organ's threshold with 0.5, and each way
  per patient with that of the organ. `p_holm_half` is of each way with 0.5,
  beside those three: of five in all.
  """
  tried = [row for row in rows if row["method"] != "half"]
  over_half = [row["gain_half_p"] for row in tried]
  p = [
    row["gain_half_p" if row["method"] == "organ" else "gain_p"]
    for row in tried
  ]
  others = [row["gain_p"] for row in tried if row["method"] != "organ"]
  of_three = _correlation.holm(p)
  of_five = _correlation.holm([*over_half, *others])[: len(tried)]
  for row in rows:
    row["p_holm"] = row["p_holm_half"] = float("nan")
  for row, three, five in zip(tried, of_three, of_five, strict=True):
    row["p_holm"], row["p_holm_half"] = three, five


def case_scores(
  choose_on: _cohort_counts.Cases, score_on: _cohort_counts.Cases
) -> Mapping[str, np.ndarray]:
  """Method -> Dice of each case scored, `[case]`; nan without any voxel."""
  chosen = case_thresholds(choose_on, score_on)
  return {name: _dice(score_on, cuts)[0] for name, cuts in chosen.items()}


def case_threshold_rows(
  choose_on: _cohort_counts.Cases, score_on: _cohort_counts.Cases
) -> list[dict[str, Any]]:
  """A row for each case scored: its threshold and Dice by each method."""
  chosen = case_thresholds(choose_on, score_on)
  scores = case_scores(choose_on, score_on)
  return [
    {
      "case": case,
      **{f"threshold_{m}": _choice.decimal(chosen[m][k]) for m in METHODS},
      **{f"dice_{m}": float(scores[m][k]) for m in METHODS},
    }
    for k, case in enumerate(score_on.names)
  ]


def case_thresholds(
  choose_on: _cohort_counts.Cases, score_on: _cohort_counts.Cases
) -> Mapping[str, np.ndarray]:
  """Method -> threshold of each case scored, float64 `[case]`."""
  if choose_on is not score_on:
    return _chooser.Chooser.fit(choose_on).choose(score_on)
  patients, best = _patients(score_on), _chooser.best_of_each(score_on)
  folds = patients % min(_FOLDS, int(patients.max()) + 1)
  found = {name: np.empty(len(patients)) for name in METHODS}
  for fold in np.unique(folds):
    own = np.flatnonzero(folds == fold)
    others = np.flatnonzero(folds != fold)
    if not (score_on.reference[others] > 0).any():
      others = np.arange(len(folds))
    chooser = _chooser.Chooser.fit(_some(score_on, others), best[others])
    for name, cuts in chooser.choose(_some(score_on, own)).items():
      found[name][own] = cuts
  return found


def _some(
  cases: _cohort_counts.Cases, which: np.ndarray
) -> _cohort_counts.Cases:
  return _cohort_counts.Cases(
    tuple(cases.names[k] for k in which),
    cases.counts[which],
    cases.grid,
    cases.voxel_ml[which],
    patients=tuple(cases.patients[k] for k in which),
  )


def _patients(cases: _cohort_counts.Cases) -> np.ndarray:
  """Number of each case's patient, in the order of their first cases."""
  number = {name: k for k, name in enumerate(dict.fromkeys(cases.patients))}
  return np.array([number[name] for name in cases.patients])


def _dice(
  cases: _cohort_counts.Cases, cuts: np.ndarray
) -> tuple[np.ndarray, float]:
  """Dice of each case at its own threshold, and of all voxels together."""
  grid = np.asarray(cases.counts.thresholds)
  place = np.searchsorted(grid, cuts.astype(np.float32), side="left")
  every = np.arange(len(cuts))
  place = np.minimum(place, len(grid) - 1)
  true = cases.counts.true_positive[every, place]
  wrong = cases.counts.false_positive[every, place]
  size = true + wrong + cases.reference
  with np.errstate(invalid="ignore", divide="ignore"):
    each = np.where(size > 0, 2 * true / size, np.nan)
  return each, float(2 * true.sum() / size.sum())


def _means(
  gain: np.ndarray, patients: np.ndarray, settings: _choice.Settings
) -> tuple[np.ndarray, int]:
  """Means of patients drawn with all of their cases, and how many these are.

  The observed mean comes first; of one patient there is no other.
  """
  names, of = np.unique(patients, return_inverse=True)
  if len(names) < 2:
    return np.array([gain.mean()]), 1
  sums = np.bincount(of, gain)
  cases = np.bincount(of)
  drawn = np.random.default_rng(settings.seed).integers(
    len(names), size=(settings.resamples, len(names))
  )
  drawn = np.vstack([np.arange(len(names)), drawn])
  return sums[drawn].sum(1) / cases[drawn].sum(1), len(names)
