"""The choice of a threshold: on some cases, and what it is worth on others."""

from collections.abc import Callable, Mapping, Sequence
import dataclasses
import functools
from typing import Any

import numpy as np

from jaxseg import _checks as checks
from jaxseg import errors
from jaxseg import thresholds
from jaxseg.study import _chooser
from jaxseg.study import _cohort_counts

# Gets what is done, how much of it, and how much there is.
OnStep = Callable[[str, int, int], None]
AGGREGATES = ("pooled", "mean_case")
_SHIFTS = (-0.1, -0.05, 0.05, 0.1)
# Of the columns of a run's table those that name the part; the others beside.
_SWEEP = {
  "cases": "validation_patients",
  "test_patients": "test_patients",
  "threshold": "threshold",
  "plateau_low": "low",
  "plateau_high": "high",
  "dice": "dice_validation",
  "dice_half": "dice_validation_half",
  "dice_test": "dice_test",
  "dice_test_half": "dice_test_half",
  "missed": "missed",
  "missed_half": "missed_half",
  "threshold_test": "threshold_test",
  "dice_test_best": "dice_test_best",
}


@dataclasses.dataclass(frozen=True)
class Settings:
  """How a threshold is chosen, and how its intervals are made.

  Attributes:
    criterion: As in `thresholds.optimum`.
    resamples: Of the patient bootstrap; below 2 patients there is none.
    seed: Of the bootstrap.
    epsilon: What the criterion may fall short of its optimum by, for the width
      of the optimum.
    level: Of the intervals.
    per_case: "expected" or "volume" also learns a threshold for each case, as
      of `Chooser`, and keeps it in threshold.json; None does not.
  """

  criterion: str = "dice"
  resamples: int = 2000
  seed: int = 0
  epsilon: float = 0.01
  level: float = 0.95
  per_case: str | None = None

  def __post_init__(self):
    thresholds.check_criterion(self.criterion)
    checks.whole(2, resamples=self.resamples)
    checks.whole(0, seed=self.seed)
    if self.per_case not in (None, *_chooser.PER_CASE):
      raise errors.ConfigError(
        f"per_case {self.per_case!r} is unknown; take"
        f" {' or '.join(_chooser.PER_CASE)}"
      )
    if self.per_case and self.criterion != "dice":
      raise errors.ConfigError(
        f"per_case {self.per_case} is for the highest Dice, not for"
        f" {self.criterion}; leave one of the two out"
      )


def optimum_rows(
  choose_on: _cohort_counts.Cases,
  score_on: _cohort_counts.Cases,
  settings: Settings,
  on_step: OnStep | None = None,
) -> list[dict[str, Any]]:
  """A row for each aggregate: the optimum, its certainty and its worth.

  Args:
    choose_on: Cases that the threshold is chosen on.
    score_on: Cases it is scored on; the same object adds no columns.
    settings: How it is chosen.
    on_step: Called as patients are left out with (aggregate, done, all).

  Raises:
    DataError: No case has the structure, or the sum of all keeps no bound; a
      mean that keeps none has no row.
  """
  counts = choose_on.even
  rows: list[dict[str, Any]] = []
  for aggregate in AGGREGATES:
    how = {"criterion": settings.criterion, "aggregate": aggregate}
    try:
      best = thresholds.optimum(counts, epsilon=settings.epsilon, **how)
    except errors.DataError:
      if not rows:
        raise
      continue  # A bound that the sum keeps, and the mean does not.
    dice = thresholds.curve(counts, empty="skip", aggregate=aggregate)
    row: dict[str, Any] = {
      **how,
      "cases": len(choose_on.names),
      "threshold": decimal(best.threshold),
      "value": best.value,
      "plateau_low": decimal(best.low),
      "plateau_high": decimal(best.high),
      "near_low": decimal(best.near_low),
      "near_high": decimal(best.near_high),
      "epsilon": best.epsilon,
      "dice": float(dice[best.index]),
      "dice_half": float(dice[choose_on.index(0.5)]),
      **_assigned(choose_on, aggregate),
      **_reductions(counts, best.threshold, aggregate),
    }
    if choose_on.with_structure >= 2:
      row |= _uncertainty(choose_on, settings, aggregate, on_step)
    if score_on is not choose_on:
      row |= _scored(score_on, best, settings, aggregate)
    rows.append(row)
  return rows


def _assigned(cases: _cohort_counts.Cases, aggregate: str) -> dict[str, float]:
  """Dice of what a softmax map assigns to the class, where that is known."""
  if cases.argmax is None:
    return {}
  right, wrong, lost = cases.argmax.T.astype(np.float64)
  if aggregate == "pooled":
    right, wrong, lost = (np.array([v.sum()]) for v in (right, wrong, lost))
  there = right + lost > 0
  size = (2 * right + wrong + lost)[there]
  return {"dice_argmax": float((2 * right[there] / size).mean())}


def _reductions(
  counts: thresholds.Counts, threshold: float, aggregate: str
) -> dict[str, float]:
  lost = thresholds.sensitivity(
    counts, perturbations=_SHIFTS, aggregate=aggregate, threshold=threshold
  )
  row = {
    f"reduction_{'minus' if shift < 0 else 'plus'}_{abs(shift):g}": float(value)
    for shift, value in zip(_SHIFTS, lost, strict=True)
  }
  # Of Dice, as the reductions are, whatever the threshold was chosen for.
  row["dice_regret_half"] = thresholds.regret(counts, aggregate=aggregate)
  return row


def _uncertainty(
  cases: _cohort_counts.Cases,
  settings: Settings,
  aggregate: str,
  on_step: OnStep | None,
) -> dict[str, Any]:
  """Intervals by bootstrap, and the choice without the patient scored."""
  how: dict[str, Any] = {
    "criterion": settings.criterion,
    "aggregate": aggregate,
  }
  row: dict[str, Any] = {"left_out_value": None, "optimism": None}
  try:
    nested = thresholds.nested(
      cases.even,
      patients=cases.patients,
      on_fold=on_step and functools.partial(on_step, aggregate),
      **how,
    )
  except errors.DataError:
    pass  # Without one of the patients no threshold keeps the bound.
  else:
    row |= {"left_out_value": nested.held_out, "optimism": nested.optimism}
  low, high = resampled(cases, "optimum", settings, **how).interval(
    settings.level, kind="studentized"
  )
  ends = zip(low.tolist(), high.tolist(), strict=True)
  for name, (first, last) in zip(("threshold", "value"), ends, strict=True):
    row |= {
      f"{name}_low": decimal(first),
      f"{name}_high": decimal(last),
    }
  return row | {
    "level": settings.level,
    "resamples": settings.resamples,
    "patients": cases.number_of_patients,
    "patients_with_structure": cases.with_structure,
  }


def _scored(
  cases: _cohort_counts.Cases,
  chosen: thresholds.Optimum,
  settings: Settings,
  aggregate: str,
) -> dict[str, Any]:
  """What a threshold that was chosen on others is worth, beside 0.5."""
  at, half = chosen.index, cases.index(0.5)
  dice = thresholds.curve(cases.even, empty="skip", aggregate=aggregate)
  own = thresholds.optimum(cases.even, aggregate=aggregate)
  there = cases.reference > 0
  row: dict[str, Any] = {
    "test_patients": cases.number_of_patients,
    "dice_test": float(dice[at]),
    "dice_test_half": float(dice[half]),
    "missed": int((there & (cases.predicted[:, at] == 0)).sum()),
    "missed_half": int((there & (cases.predicted[:, half] == 0)).sum()),
    "threshold_test": decimal(own.threshold),
    "dice_test_best": own.value,
  }
  if cases.with_structure >= 2:
    two = np.asarray(cases.even.thresholds)[sorted({at, half})]
    found = resampled(
      cases,
      "curve",
      settings,
      counts=thresholds.coarsen(cases.even, two),
      aggregate=aggregate,
    )
    low, high = found.interval(settings.level, kind="studentized")
    for name, place in (("", at > half), ("_half", at < half)):
      row[f"dice_test{name}_low"] = float(low[int(place)])
      row[f"dice_test{name}_high"] = float(high[int(place)])
  return row


def resampled(
  cases: _cohort_counts.Cases,
  statistic: Any,
  settings: Settings,
  *,
  counts: thresholds.Counts | None = None,
  **how: Any,
) -> thresholds.Bootstrap:
  """`thresholds.bootstrap` that computes each distinct draw of patients once.

  Three patients have 10 distinct draws, whatever the number of resamples.

  Args:
    cases: Their patients are drawn.
    statistic: As in `thresholds.bootstrap`.
    settings: Number of resamples, and seed.
    counts: Of the same cases, where not at the even grid.
    **how: As in `thresholds.bootstrap`.
  """
  patients = cases.number_of_patients
  drawn = np.random.default_rng(settings.seed).integers(
    patients, size=(settings.resamples, patients)
  )
  different, place = np.unique(np.sort(drawn), axis=0, return_inverse=True)
  found = thresholds.bootstrap(
    cases.even if counts is None else counts,
    statistic,
    index=different,
    patients=cases.patients,
    studentize=True,
    **how,
  )
  place = place.ravel()
  spread = found.standard_errors
  if spread is not None:
    spread = spread[np.append(0, 1 + place)]
  return thresholds.Bootstrap(
    found.estimate, found.samples[place], drawn, spread
  )


def sweep_rows(
  results: Sequence[_cohort_counts.CohortCounts],
  settings: Settings | None = None,
) -> list[dict[str, Any]]:
  """A row per model, scope and aggregate: thresholds and Dice of a run.

  Args:
    results: Counts of the models.
    settings: How thresholds are chosen.
  """
  return [
    {**result.columns(scope), **in_words_of_a_run(row)}
    for result in results
    for scope in result.scopes
    for row in optimum_rows(*result.sides(scope=scope), settings or Settings())
  ]


def in_words_of_a_run(row: Mapping[str, Any]) -> dict[str, Any]:
  """A row of `optimum_rows` whose columns name validation and test."""
  first = {"aggregate": row["aggregate"]}
  first |= {said: row[name] for name, said in _SWEEP.items() if name in row}
  return first | {k: v for k, v in row.items() if k not in (*_SWEEP, *first)}


def chosen(
  counts: _cohort_counts.CohortCounts,
  settings: Settings,
  *,
  details: Mapping[str, Any] | None = None,
  row: Mapping[str, Any] | None = None,
) -> thresholds.ChosenThreshold:
  """The threshold to use: the pooled optimum, as threshold.json keeps it.

  Args:
    counts: Of a model, or of anyone's maps.
    settings: How it is chosen.
    details: What else is kept.
    row: The first of `optimum_rows`, where it is known already.
  """
  choose_on, score_on = counts.sides()
  if row is None:
    row = optimum_rows(choose_on, score_on, settings)[0]
  kept = {**counts.class_columns, **(details or {})}
  if settings.per_case:
    learnt = _chooser.Chooser.fit(choose_on).to_json()
    kept["per_case"] = {"method": settings.per_case, **learnt}
  if counts.is_run:
    by = f"highest pooled {settings.criterion} of the validation patients"
    names = ("objective", "seed", "store")
    kept |= {"chosen_by": by, **in_words_of_a_run(row)}
    kept |= {name: counts.facts.get(name) for name in names}
  interval = None
  if "threshold_low" in row:
    interval = row["threshold_low"], row["threshold_high"]
  structure = counts.facts.get("structure")
  if isinstance(structure, list | tuple):
    structure = ",".join(map(str, structure))
  return thresholds.ChosenThreshold(
    threshold=row["threshold"],
    criterion=settings.criterion,
    value=row["value"],
    patients=choose_on.number_of_patients,
    scope=next(iter(counts.scopes)),
    low=row["plateau_low"],
    high=row["plateau_high"],
    interval=interval,
    level=row.get("level"),
    structure=None if structure is None else str(structure),
    details=kept,
  )


def decimal(threshold: float) -> float:
  """The shortest number that is the same float32: 0.258."""
  return float(str(np.float32(threshold)))
