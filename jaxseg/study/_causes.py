"""What makes a network's optimum low and its curve steep.

Three suspects: where the network drops out, how long it was trained, and
whether it is scored on as many slices without the organ as it was trained on.
Beside each stands what theory allows. Of a calibrated map the optimum is half
of the best Dice, and no shift costs more than `calibrated_bound`; a map that
breaks either rule is not calibrated.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
import math
from typing import Any

import numpy as np

from jaxseg import thresholds
from jaxseg.study import _arms
from jaxseg.study import _bound
from jaxseg.study import _cohort_counts
from jaxseg.study import _correlation
from jaxseg.study import _costs
from jaxseg.study import _draws
from jaxseg.study import _stuck

CAUSE_SCOPES = ("kept", "organ", "known")
_NAN = math.nan
# What an arm's models have in common.
# By the length asked: of one setting, organs of fewer slices make fewer steps.
ARM = (
  "network",
  "dropout_at",
  "steps_asked",
  "epochs_asked",
  "objective",
  "negatives",
  "scope",
)
# Figures of an arm that are medians over organs and seeds, with an interval.
_MEDIANS = ("threshold", "lost_half", "lost")
Rows = list[dict[str, Any]]


def causes(
  results: Sequence[_cohort_counts.CohortCounts],
  *,
  scopes: Sequence[str] = CAUSE_SCOPES,
) -> Rows:
  """A row per model and scope: what a shift costs, and what theory allows.

  Args:
    results: Counts of models; other networks, steps and levels of negatives
      side by side.
    scopes: Slices that count; those that a model lacks are left out.

  Returns:
    Rows with what the model is (network, dropout_at, negatives; steps_asked,
    the most that it was to be trained for, or epochs_asked where steps were not
    set, and `steps`, which it was trained for: fewer where its slices fill no
    more, or where it ended early; None where that is not known), how many
    slices without the structure it was trained and is scored on per slice with
    it,
    `threshold` and `dice` of the validation patients' optimum, the Dice lost
    there 0.05 below and above it with the bound of each, whether half of the
    Dice lies where Dice is within 0.01 of its best (`half_rule`), the
    calibration error, and what the test patients lose (`_test`). nan where a
    shift leaves [0, 1].
  """
  return [
    {
      **columns(result, scope),
      "steps": result.facts.get("steps_made"),
      **_row(result, scope),
    }
    for result in results
    for scope in scopes
    if scope in result.scopes
  ]


def columns(result: _cohort_counts.CohortCounts, scope: str) -> dict[str, Any]:
  network = dict(result.facts.get("network", {}))
  epochs = result.facts.get("epochs")
  return {
    **result.columns(scope),
    "network": str(network.get("name", "network")),
    "dropout_at": _arms.dropout_places(network),
    "steps_asked": result.facts.get("steps"),
    **({"epochs_asked": epochs} if epochs else {}),
    "negatives": float(result.facts["negatives"]),
  }


def _row(result: _cohort_counts.CohortCounts, scope: str) -> dict[str, Any]:
  choose_on, score_on = result.sides(scope=scope)
  best = thresholds.optimum(choose_on.even)
  shifts = (-_costs.SHIFT, _costs.SHIFT)
  own, unseen = (
    thresholds.sensitivity(
      cases.even, perturbations=shifts, threshold=best.threshold
    )
    for cases in (choose_on, score_on)
  )
  bounds = [
    _bound.calibrated_bound(best.value, shift) if best.value > 0 else _NAN
    for shift in shifts
  ]
  test = thresholds.curve(score_on.even, aggregate="pooled")
  half = test[score_on.index(0.5)]
  there = test[best.index]
  trained, scored = _negatives(result, scope)
  ratio = (1 + trained) / (1 + scored)
  return {
    "negatives_trained": trained,
    "negatives_scored": scored,
    "prior_ratio": ratio,
    "threshold": best.threshold,
    "dice": best.value,
    "half_of_dice": best.value / 2,
    "half_rule": bool(best.near_low <= best.value / 2 <= best.near_high),
    "threshold_by_prior": _moved(best.value / 2, ratio),
    "lost_minus": float(own[0]),
    "bound_minus": bounds[0],
    "lost_plus": float(own[1]),
    "bound_plus": bounds[1],
    "beyond_bound": bool(
      any(lost > bound for lost, bound in zip(own, bounds, strict=True))
    ),
    "calibration_error": thresholds.reliability(
      choose_on.counts
    ).expected_error,
    "dice_test": float(there),
    "lost_half_test": float((there - half) / there) if there > 0 else _NAN,
    "lost_minus_test": float(unseen[0]),
    "lost_plus_test": float(unseen[1]),
  }


def _negatives(
  result: _cohort_counts.CohortCounts, scope: str
) -> tuple[float, float]:
  """Slices without the structure per slice with it: trained on, scored on."""
  known = result.facts.get("prominence", {})
  trained = _NAN
  if known.get("kept_fraction") and known.get("organ_fraction"):
    trained = known["organ_fraction"] / known["kept_fraction"] - 1
  scored = _NAN
  if "organ" in result.scopes:
    # Every slice of a patient has as many voxels as any other.
    many, few = (
      float(side.positive.sum() + side.negative.sum())
      for side in (
        result.select(part="validation", scope=one).counts
        for one in (scope, "organ")
      )
    )
    scored = many / few - 1 if few else _NAN
  return trained, scored


def _moved(threshold: float, ratio: float) -> float:
  """Where a threshold goes when the structure is `ratio` times as frequent.

  A calibrated map's odds are then too low by that factor.
  """
  if not ratio > 0 or not 0 < threshold < 1:
    return _NAN
  odds = threshold / (1 - threshold) / ratio
  return odds / (1 + odds)


def cause_arms(
  results: Sequence[_cohort_counts.CohortCounts],
  *,
  resamples: int = 2000,
  seed: int = 0,
  scopes: Sequence[str] = CAUSE_SCOPES,
  on_model: Callable[[str, int, int], None] | None = None,
) -> Rows:
  """A row per kind of model and scope: medians over organs, seeds, patients.

  Costs are those of the test patients, at the thresholds chosen on the
  validation patients. Models that never learnt (`stuck_models`) count in
  `stuck` alone. `lost_difference` is the median of the paired difference to
  the network whose dropout leaves the tensors of one channel alone (else to
  the one without dropout) of the same length asked, objective and negatives,
  with a two-sided p of the resamples, and Holm's for all of them in a scope.

  Args:
    results: Counts of models.
    resamples: Of patients, organs and seeds.
    seed: Of the resamples.
    scopes: Slices that count.
    on_model: Called after each model and scope with (name, done, all).
  """
  results = _stuck.in_place(results)
  draws = _draws.Draws.of(results, resamples=resamples, seed=seed)
  wanted = [(r, s) for s in scopes for r in results if s in r.scopes]
  arms: dict[tuple[Any, ...], dict[_draws.Key, _costs.Costs]] = {}
  stuck: dict[tuple[Any, ...], int] = {}
  for done, (result, scope) in enumerate(wanted, start=1):
    kind = columns(result, scope)
    arm = tuple(map(kind.get, ARM))
    arms.setdefault(arm, {})
    if _costs.never_learnt(result.sides(scope=scope)[0]):
      stuck[arm] = stuck.get(arm, 0) + 1
    else:
      found = _costs.Costs.of(result, draws, scope=scope)
      arms[arm][found.key] = found
    if on_model:
      on_model(f"{result.name}, {scope}", done, len(wanted))
  theory = _theory(causes(results, scopes=scopes))
  rows = [
    {
      **named(arm),
      **_medians(models, draws),
      **theory.get(arm, {}),
      "stuck": stuck.get(arm, 0),
      **_difference(arm, arms, draws),
    }
    for arm, models in arms.items()
    if models
  ]
  for scope in scopes:
    own = [row for row in rows if row["scope"] == scope]
    corrected = _correlation.holm([row["p"] for row in own])
    for row, p in zip(own, corrected, strict=True):
      row["p_holm"] = p
  return rows


def named(arm: Sequence[Any]) -> dict[str, Any]:
  """Values of an arm's columns by their names."""
  found = dict(zip(ARM, arm, strict=True))
  if found["epochs_asked"] is None:
    del found["epochs_asked"]  # Most tables have no use for it.
  return found


def _medians(
  models: Mapping[_draws.Key, _costs.Costs], draws: _draws.Draws
) -> dict[str, Any]:
  low, high = (
    f([one.optimum[0] for one in models.values()]) for f in (min, max)
  )
  row: dict[str, Any] = {
    "structures": len({organ for organ, _ in models}),
    "models": len(models),
    "threshold_least": float(low),
    "threshold_most": float(high),
  }
  of = {
    "threshold": lambda one: one.optimum,
    "lost_half": lambda one: one.lost_half,
    "lost": lambda one: one.lost,
    "lost_minus": lambda one: one.lost[:, 0],
    "lost_plus": lambda one: one.lost[:, 1],
  }
  for name, values in of.items():
    drawn = draws.nested({key: values(one) for key, one in models.items()})
    row[name] = float(drawn[0])
    if name in _MEDIANS:
      row[f"{name}_low"], row[f"{name}_high"] = _draws.interval(drawn)
  row["left_out"] = sum(int(np.isnan(m.lost[0]).sum()) for m in models.values())
  return row


def _theory(rows: Rows) -> dict[tuple[Any, ...], dict[str, Any]]:
  """How many models of an arm keep what theory says of calibrated maps."""
  arms: dict[tuple[Any, ...], Rows] = {}
  for row in rows:
    if row["dice"] >= _costs.STUCK:
      arms.setdefault(tuple(map(row.get, ARM)), []).append(row)
  return {
    arm: {
      "half_rule": sum(row["half_rule"] for row in own),
      "beyond_bound": sum(row["beyond_bound"] for row in own),
      "calibration_error": float(
        np.median([row["calibration_error"] for row in own])
      ),
      "prior_ratio": float(np.median([row["prior_ratio"] for row in own])),
      **_steps_made([row["steps"] for row in own]),
    }
    for arm, own in arms.items()
  }


def _steps_made(steps: Sequence[int | None]) -> dict[str, int | None]:
  """The fewest and the most steps of an arm's models, if all are known."""
  known = [own for own in steps if own is not None]
  whole = bool(known) and len(known) == len(steps)
  return {
    f"steps_{name}": f(known) if whole else None
    for name, f in (("least", min), ("most", max))
  }


def _difference(
  arm: tuple[Any, ...],
  arms: Mapping[tuple[Any, ...], Mapping[_draws.Key, _costs.Costs]],
  draws: _draws.Draws,
) -> dict[str, Any]:
  """Cost of ±0.05 minus that of the network to compare with, paired."""
  names = ("lost_difference", "difference_low", "difference_high", "p")
  row: dict[str, Any] = {"compared_with": "", **dict.fromkeys(names, _NAN)}
  row["p_holm"] = _NAN
  for other in _others(arm):
    both = sorted(set(arms[arm]) & set(arms.get(other, {})))
    if not both or other == arm:
      continue
    drawn = draws.nested(
      {key: arms[arm][key].lost - arms[other][key].lost for key in both}
    )
    row["compared_with"] = f"dropout at {other[1]}"
    row["lost_difference"] = float(drawn[0])
    row["difference_low"], row["difference_high"] = _draws.interval(drawn)
    row["p"] = _draws.two_sided(drawn)
    break
  return row


def _others(arm: tuple[Any, ...]) -> Iterator[tuple[Any, ...]]:
  """Arms that differ in the dropout alone, the better comparison first."""
  if arm[0] == "bice2020" and arm[1] != "none":
    for place in ("rest", "none"):
      yield (arm[0], place, *arm[2:])
