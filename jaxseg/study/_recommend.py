"""Which threshold to use, in one sentence with its number."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from jaxseg.study import _claims
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
  the intervals. Models that never learnt take no part.

  Args:
    results: Counts of a run's models.
    resamples: Of patients, organs and seeds.
    seed: Of the resamples.
    scope: Slices that count; None is the first.
    on_model: Called after each model with (name, done, all).

  Returns:
    Rows of network, objective, negatives, method, structures, models, patients,
    dice (mean), gain_half with its interval (over 0.5) and gain (over `organ`).
  """
  results = _claims.of_usual_length(results)
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
      arms.setdefault(_claims.arm_of(result.facts), {})[key] = (
        names,
        {m: _draws.means(v[there], weights) for m, v in scores.items()},
      )
    if on_model:
      on_model(result.name, done, len(results))
  return [
    _row(arm, method, models, draws)
    for arm, models in arms.items()
    for method in _per_case.METHODS
  ]


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
    row[column] = float(drawn[0])
    row[f"{column}_low"], row[f"{column}_high"] = _draws.interval(drawn)
  return row


def recommendation(rows: Sequence[Mapping[str, Any]]) -> str:
  """What to cut at, in one sentence with its number.

  0.5 is to be beaten by the structure's own threshold, and that one by a
  threshold for each patient: the simpler one is kept unless the interval of the
  gain lies above 0.

  Args:
    rows: Of `per_case_rows`, or of one network and objective of
      `recommendations`.
  """
  of = {row["method"]: row for row in rows}
  own = of["organ"]
  number = own.get("patients", own.get("cases"))
  who = f"{number} unseen patient{'s' if number != 1 else ''}"
  best, gain = "half", "gain_half"
  if own["gain_half_low"] > 0:
    best, gain = "organ", "gain"
  each = [name for name in _BRIEF if of[name][f"{gain}_low"] > 0]
  if each:
    best = max(each, key=lambda name: of[name][gain])
    told = f"it gains {_said(of[best], gain)} over {_NAMED['organ']}"
    if gain == "gain_half":
      told = f"it gains {_said(of[best], gain)} over 0.5"
    return f"Cut at {_NAMED[best]}: on {who} {told}."
  others = " and ".join(
    f"{_said(of[name], gain)} {said}" for name, said in _BRIEF.items()
  )
  if best == "organ":
    told = (
      f"it gains {_said(own, 'gain_half')} over 0.5, and a threshold for each"
      f" patient changes that by {others}"
    )
  else:
    told = (
      f"{_NAMED['organ']} changes it by {_said(own, 'gain_half')}, a threshold"
      f" for each patient by {others}"
    )
  return f"Cut at {_NAMED[best]}: on {who} {told}."


def _said(row: Mapping[str, Any], name: str) -> str:
  """A gain in Dice with its interval."""
  value, low, high = (row[f"{name}{end}"] for end in ("", "_low", "_high"))
  return f"{value:+.3f} of Dice (95 %: {low:+.3f} to {high:+.3f})"
