"""Which threshold to use, in one sentence with its number."""

from collections.abc import Callable, Mapping, Sequence
import math
from typing import Any

import numpy as np

from jaxseg.study import _arms
from jaxseg.study import _cohort_counts
from jaxseg.study import _costs
from jaxseg.study import _draws
from jaxseg.study import _per_case

_NAMED = {
  "half": "0.5",
  "organ": "each structure's own threshold",
  "expected": "a threshold for each patient, by the Dice that the map expects",
  "volume": "a threshold for each patient, by the volume of the map",
}
_BRIEF = {"expected": "by the expected Dice", "volume": "by volume"}
_GAIN = {"organ": "gain_half"}
_LEVEL = 0.05
Rows = list[dict[str, Any]]


def recommendations(
  results: Sequence[_cohort_counts.CohortCounts],
  *,
  resamples: int = 2000,
  seed: int = 0,
  scope: str | None = None,
  on_model: Callable[[str, int, int], None] | None = None,
) -> Rows:
  """A row per network, objective and way of choosing: what it gains.

  Everything is fitted on validation patients, and gains are of the test
  patients: the mean over patients, organs and seeds, all of which are drawn for
  the intervals. Models that never learnt take no part, nor do those of other
  levels of negatives than the run's own.

  Args:
    results: Counts of a run's models.
    resamples: Of patients, organs and seeds.
    seed: Of the resamples.
    scope: Slices that count; None is the first.
    on_model: Called after each model with (name, done, all).

  Returns:
    Rows of network, objective, negatives, method, structures, models, patients,
    dice (mean), gain (over `organ`) and gain_half (over 0.5) with interval and
    p, and p_holm and p_holm_half of what a recommendation rests on.
  """
  results = _arms.of_usual_level(_arms.of_usual_length(results))
  draws = _draws.Draws.of(results, resamples=resamples, seed=seed)
  arms: dict[tuple[str, str, float], dict[_draws.Key, Any]] = {}
  for done, result in enumerate(results, start=1):
    choose_on, score_on = result.sides(scope=scope)
    if not _costs.never_learnt(choose_on):
      key = str(result.facts["structure"]), int(result.facts["seed"])
      scores = _per_case.case_scores(choose_on, score_on)
      there = score_on.reference > 0
      names = [n for n, has in zip(score_on.names, there, strict=True) if has]
      weights = draws.weights("test", names)
      arms.setdefault(_arms.arm_of(result.facts), {})[key] = (
        names,
        {m: _draws.means(v[there], weights) for m, v in scores.items()},
      )
    if on_model:
      on_model(result.name, done, len(results))
  rows: Rows = []
  for arm, models in arms.items():
    own = [_row(arm, method, models, draws) for method in _per_case.METHODS]
    _per_case.correct(own)
    rows += own
  return rows


def _row(
  arm: tuple[str, str, float],
  method: str,
  models: Mapping[_draws.Key, Any],
  draws: _draws.Draws,
) -> dict[str, Any]:
  row: dict[str, Any] = {
    **dict(zip(("network", "objective", "negatives"), arm, strict=True)),
    "method": method,
    "structures": len({organ for organ, _ in models}),
    "models": len(models),
    "patients": len({name for names, _ in models.values() for name in names}),
    "dice": float(np.mean([own[method][0] for _, own in models.values()])),
  }
  for column, other in (("gain", "organ"), ("gain_half", "half")):
    drawn = draws.nested(
      {key: own[method] - own[other] for key, (_, own) in models.items()},
      "mean",
    )
    row |= _per_case.gained(column, drawn, **_draws.of_mean(models))
  return row


def recommendation(rows: Sequence[Mapping[str, Any]]) -> str:
  """What to cut at, in one sentence with its number.

  0.5 is to be beaten by the structure's own threshold, and that one by a
  threshold for each patient: the simpler one is kept unless p is below 0.05
  after Holm's correction, and the interval of the gain, which allows for few
  patients and organs as p does not, lies above 0. Where the structure's own is
  not shown to beat 0.5, a threshold for each patient still may be.

  Args:
    rows: Of `per_case_rows`, or of one network and objective of
      `recommendations`.
  """
  of = {row["method"]: row for row in rows}
  own = of["organ"]
  better = {
    name: _gains(row, _GAIN.get(name, "gain"), row["p_holm"])
    for name, row in of.items()
  }
  number = own.get("patients", own.get("cases"))
  who = f"{number} unseen patient{'s' if number != 1 else ''}"
  each = [name for name in _BRIEF if better[name]]
  if each:
    best = max(each, key=lambda name: of[name]["gain"])
    told = (
      f"it gains {_said(of[best], 'gain')} of Dice over {_NAMED['organ']} and"
      f" {_said(of[best], 'gain_half')} over 0.5"
    )
    return f"Cut at {_NAMED[best]}: on {who} {told}."
  others = ", ".join(
    f"{_said(of[name], 'gain', 'p_holm')} {said}"
    for name, said in _BRIEF.items()
  )
  if better["organ"]:
    return (
      f"Cut at {_NAMED['organ']}: on {who} it gains"
      f" {_said(own, 'gain_half')} of Dice over 0.5; thresholds for each"
      f" patient are not shown to add to it: {others}."
    )
  over_half = ", ".join(
    f"{_said(of[name], 'gain_half', 'p_holm_half')} {said}"
    for name, said in _BRIEF.items()
  )
  able = [name for name in _BRIEF if _beats_half(of[name])]
  if able:
    best = max(able, key=lambda name: of[name]["gain_half"])
    return (
      f"Cut at {_NAMED[best]}: on {who} it gains {_said(of[best], 'gain_half')}"
      f" of Dice over 0.5; it is not shown to gain over {_NAMED['organ']},"
      f" {_said(of[best], 'gain', 'p_holm')}, nor that over 0.5,"
      f" {_said(own, 'gain_half', 'p_holm')}."
    )
  return (
    f"Cut at 0.5 for now: on {who} nothing is shown to raise their mean Dice"
    f" over it, neither {_NAMED['organ']},"
    f" {_said(own, 'gain_half', 'p_holm')}, nor one for each patient,"
    f" {over_half}."
  )


def _beats_half(row: Mapping[str, Any]) -> bool:
  """Whether a way is shown to gain over 0.5; rows of before do not tell."""
  return _gains(row, "gain_half", row.get("p_holm_half", 1.0))


def _gains(row: Mapping[str, Any], name: str, p: float) -> bool:
  """Whether a gain is shown; not of a single patient, who has no interval."""
  return p < _LEVEL and row[f"{name}_low"] > 0


def _said(row: Mapping[str, Any], name: str, p: str = "") -> str:
  """A gain with its interval; without one if there is a single patient.

  Args:
    row: Of a way to choose.
    name: Of the gain.
    p: Of its p, told where the interval alone would show a gain.
  """
  numbers = [row[f"{name}{end}"] for end in ("", "_low", "_high")]
  # An end that is not 0 must not look as if it were.
  near = any(0 < abs(number) < 5e-4 for number in numbers)
  value, low, high = (f"{n:+z.{4 if near else 3}f}" for n in numbers)
  if math.isnan(numbers[1]):
    return value.replace("-", "−")
  chance = row.get(p, math.nan)
  beside = f"; p {chance:.2g} by Holm" if numbers[1] > 0 and chance > 0 else ""
  told = f"{value} (95 %: {low} to {high}{beside})"
  return told.replace("-", "−")
