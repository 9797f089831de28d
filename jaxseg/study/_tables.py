"""What counts say beside the optimum: curves, cases, calibration, surfaces."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from jaxseg import errors
from jaxseg import metrics
from jaxseg import thresholds
from jaxseg.study import _choice
from jaxseg.study import _cohort_counts
from jaxseg.study import _per_case

Rows = list[dict[str, Any]]
Analysis = Callable[[_cohort_counts.Cases, _cohort_counts.Cases], Rows]
_METRICS = ("dice", "iou", "precision", "recall", "specificity")
# Column -> whether less is better.
SURFACES = {"hd95_mm": True, "assd_mm": True, "nsd_2mm": False}


def tables(
  results: Sequence[_cohort_counts.CohortCounts],
  settings: _choice.Settings,
  *,
  on_step: _choice.OnStep | None = None,
) -> dict[str, Rows]:
  """Every table of a sweep, of a run's models or of anyone's maps.

  Args:
    results: Counts of the models, or those of the maps alone.
    settings: How thresholds are chosen.
    on_step: Called as patients are left out with (aggregate, done, all).

  Returns:
    Table -> rows: optimum (of a run as `sweep`, in all scopes), curve, cases,
    calibration, reliability; surfaces and surface_optima where surfaces were
    computed; per_case and case_thresholds where the settings ask for them.
  """
  analyses: dict[str, Analysis] = {
    "optimum": lambda a, b: _choice.optimum_rows(a, b, settings, on_step),
    "curve": lambda a, b: curve_rows(a, b, settings),
    "cases": lambda a, b: case_rows(a, b, settings),
    "calibration": calibration_rows,
    "reliability": reliability_rows,
    "surfaces": surface_rows,
    "surface_optima": lambda a, b: surface_optima(surface_rows(a, b)),
  }
  if settings.per_case:
    analyses |= {
      "per_case": lambda a, b: _per_case.per_case_rows(a, b, settings),
      "case_thresholds": _per_case.case_threshold_rows,
    }
  if all(result.is_run for result in results):
    del analyses["optimum"]
  found = {name: of_models(results, one) for name, one in analyses.items()}
  if "optimum" not in found:
    found = {"sweep": _choice.sweep_rows(results, settings), **found}
  return {name: rows for name, rows in found.items() if rows}


def details(found: Mapping[str, Rows]) -> dict[str, Any]:
  """What threshold.json keeps of the tables of anyone's maps."""
  remarks = sum(bool(row.get("remarks")) for row in found["cases"])
  return {
    "optima": found["optimum"],
    "surface_optima": found.get("surface_optima", []),
    "calibration": found["calibration"][0],
    "missed": sum(row["missed"] for row in found["cases"]),
    "hallucinated": sum(row["hallucinated"] for row in found["cases"]),
    **({"cases_with_remarks": remarks} if remarks else {}),
  }


def of_models(
  results: Sequence[_cohort_counts.CohortCounts],
  analysis: Analysis,
  *,
  scope: str | None = None,
) -> Rows:
  """The rows of an analysis for each model, with columns that identify it.

  Args:
    results: Counts of the models, or those of maps, whose rows stay as they
      are.
    analysis: Gets the cases to choose on and those to score on.
    scope: None is the first of each.
  """
  return [
    {**result.columns(scope), **row}
    for result in results
    for row in analysis(*result.sides(scope=scope))
  ]


def curve_rows(
  choose_on: _cohort_counts.Cases,
  score_on: _cohort_counts.Cases,
  settings: _choice.Settings,
) -> Rows:
  """A row for each threshold: metrics, and the interval of Dice.

  Args:
    choose_on: Cases of the metrics.
    score_on: Cases of `dice_test`, which the same object leaves out.
    settings: Of the intervals.
  """
  counts = choose_on.even
  columns: dict[str, np.ndarray] = {
    "threshold": np.asarray(counts.thresholds, np.float64)
  }
  for metric in (*_METRICS, "volume_difference"):
    columns[metric] = thresholds.curve(
      counts, metric=metric, aggregate="pooled"
    )
  columns["dice_mean_case"] = thresholds.curve(
    counts, empty="skip", aggregate="mean_case"
  )
  if choose_on.with_structure >= 2:
    found = _choice.resampled(choose_on, "curve", settings)
    low, high = found.interval(settings.level, kind="studentized")
    columns |= {"dice_low": low, "dice_high": high}
  if score_on is not choose_on:
    columns["dice_test"] = thresholds.curve(score_on.even, aggregate="pooled")
  names, values = list(columns), [v.tolist() for v in columns.values()]
  return [
    dict(zip(names, row, strict=True)) for row in zip(*values, strict=True)
  ]


def case_rows(
  choose_on: _cohort_counts.Cases,
  score_on: _cohort_counts.Cases,
  settings: _choice.Settings,
) -> Rows:
  """A row for each case scored: at the threshold, at 0.5, at its own optimum.

  Args:
    choose_on: Cases whose pooled optimum is the threshold.
    score_on: Cases of the rows.
    settings: How the threshold is chosen.
  """
  counts = score_on.even
  best = thresholds.optimum(choose_on.even, criterion=settings.criterion)
  at, half = best.index, score_on.index(0.5)
  rows: Rows = []
  for place, name in enumerate(score_on.names):
    own = counts[place]
    dice = thresholds.curve(own)
    reference = int(score_on.reference[place])
    predicted = int(score_on.predicted[place, at])
    row: dict[str, Any] = {
      "case": name,
      **_patient(score_on, place),
      "reference_voxels": reference,
      "reference_ml": reference * float(score_on.voxel_ml[place]),
      "predicted_voxels": predicted,
      "dice": float(dice[at]),
      "dice_half": float(dice[half]),
      **_assigned(score_on, place),
      "own_threshold": None,
      "own_dice": None,
      "missed": bool(reference and not predicted),
      "hallucinated": bool(predicted and not reference),
    }
    if reference:
      its = thresholds.optimum(own)
      row |= {
        "own_threshold": _choice.decimal(its.threshold),
        "own_dice": its.value,
      }
    if any(score_on.remarks):
      row["remarks"] = "; ".join(score_on.remarks[place].splitlines())
    rows.append(row)
  return rows


def _patient(cases: _cohort_counts.Cases, place: int) -> dict[str, str]:
  """The case's patient, where some patients have several cases."""
  if cases.number_of_patients == len(cases.names):
    return {}
  return {"patient": cases.patients[place]}


def _assigned(cases: _cohort_counts.Cases, place: int) -> dict[str, Any]:
  """Dice of what a softmax map assigns, where that is known."""
  if cases.argmax is None:
    return {}
  right, wrong, lost = cases.argmax[place].tolist()
  size = 2 * right + wrong + lost
  return {"dice_argmax": 2 * right / size if size else None}


def calibration_rows(
  choose_on: _cohort_counts.Cases, score_on: _cohort_counts.Cases
) -> Rows:
  """Does the optimum lie where calibrated probabilities put it?

  Args:
    choose_on: Cases that a temperature is fitted on.
    score_on: Cases whose calibration is measured, and whose optimum is
      predicted without labels, as they are and at that temperature.

  Returns:
    One row; without a temperature where none fits better than another.
  """
  counts = score_on.counts
  curve = thresholds.reliability(counts)
  expected = thresholds.expected_optimum(counts)
  fitted: dict[str, Any] = dict.fromkeys(
    (
      "temperature",
      "expected_threshold_calibrated",
      "expected_dice_calibrated",
      "expected_calibration_error_calibrated",
    )
  )
  try:
    temperature = thresholds.fit_temperature(choose_on.counts)
  except errors.DataError:
    pass  # Every temperature fits a constant map equally well.
  else:
    soft = thresholds.with_temperature(counts, temperature)
    after = thresholds.expected_optimum(soft)
    fitted = {
      "temperature": temperature,
      "expected_threshold_calibrated": _choice.decimal(
        _uncalibrated(after.threshold, temperature)
      ),
      "expected_dice_calibrated": after.value,
      "expected_calibration_error_calibrated": thresholds.reliability(
        soft
      ).expected_error,
    }
  best = thresholds.optimum(score_on.even)
  return [
    {
      "expected_calibration_error": curve.expected_error,
      "maximum_calibration_error": curve.maximum_error,
      "brier": thresholds.brier(counts),
      "negative_log_likelihood": thresholds.negative_log_likelihood(counts),
      "empirical_threshold": _choice.decimal(best.threshold),
      "half_of_best_dice": best.value / 2,
      "expected_threshold": _choice.decimal(expected.threshold),
      "expected_dice": expected.value,
      **fitted,
    }
  ]


def _uncalibrated(threshold: float, temperature: float) -> float:
  """Maps a calibrated threshold back to the original map."""
  if not 0 < threshold < 1:
    return threshold
  odds = (threshold / (1 - threshold)) ** temperature
  return float(odds / (1 + odds))


def reliability_rows(
  _: _cohort_counts.Cases, score_on: _cohort_counts.Cases
) -> Rows:
  """A row for each bin of probability: the frequency observed in it.

  Args:
    _: The cases to choose on; nothing is chosen.
    score_on: Cases whose voxels are binned.
  """
  curve = thresholds.reliability(score_on.counts)
  columns = {
    "low": curve.edges[:-1],
    "high": curve.edges[1:],
    "confidence": curve.confidence,
    "frequency": curve.frequency,
    "voxels": curve.voxels,
  }
  return [
    {name: values[k].item() for name, values in columns.items()}
    for k in range(len(curve.voxels))
  ]


def surface_rows(
  _: _cohort_counts.Cases, score_on: _cohort_counts.Cases
) -> Rows:
  """A row for each threshold with surfaces: surface metrics of the cases.

  A missed or hallucinated structure is infinitely far, so distances are medians
  and become infinite where half of the cases are missed; cases without both are
  left out.

  Args:
    _: The cases to choose on; nothing is chosen.
    score_on: Cases scored; without surfaces there are no rows.
  """
  if score_on.surfaces is None or score_on.cuts is None:
    return []
  rows: Rows = []
  for k, cut in enumerate(score_on.cuts):
    hd95, assd, nsd, predicted = score_on.surfaces[:, :, k].T
    far, mean, near = (
      metrics.aggregate(values, predicted, score_on.reference, kind=kind)
      for values, kind in (
        (hd95, "distance"),
        (assd, "distance"),
        (nsd, "overlap"),
      )
    )
    rows.append(
      {
        "threshold": _choice.decimal(cut),
        "hd95_mm": far.median,
        "assd_mm": mean.median,
        "nsd_2mm": near.mean,
        "cases": near.n_cases,
        "missed": near.n_missed,
        "hallucinated": near.n_hallucinated,
      }
    )
  return rows


def surface_optima(rows: Sequence[Mapping[str, Any]]) -> Rows:
  """The best threshold for each surface metric, the middle of equal ones.

  Args:
    rows: What `surface_rows` gave; the optima are of the cases scored.
  """
  found: Rows = []
  for metric, less in SURFACES.items():
    values = np.array([-row[metric] if less else row[metric] for row in rows])
    if not np.isfinite(values).any():
      continue
    best = np.flatnonzero(values == np.nanmax(values))
    # As for Dice: the widest run of equal ones, and of these the first.
    runs = np.split(best, np.flatnonzero(np.diff(best) > 1) + 1)
    run = max(runs, key=len)
    row = rows[(int(run[0]) + int(run[-1])) // 2]
    found.append(
      {"metric": metric, "threshold": row["threshold"], "value": row[metric]}
    )
  return found
