"""Does the optimal threshold follow the organ's prominence in training?

The paper does not print its formula. Several candidates are computed and
named; `kept_fraction` is that of the authors' published scripts.
"""

from collections.abc import Sequence
import math
from typing import Any

import numpy as np

from jaxseg import data
from jaxseg import thresholds
from jaxseg.study import _choice
from jaxseg.study import _cohort_counts
from jaxseg.study import _correlation

_CONTROL = "achieved_dice"
DEFINITIONS = {
  "kept_fraction": "foreground share of the pixels shown in training",
  "organ_fraction": "foreground share of pixels, slices with the organ only",
  "volume_fraction": "foreground share of all scanned voxels",
  "slice_fraction": "share of the scanned slices that show the organ",
  "volume_ml": "mean volume, mL",
  "training_voxels": "foreground voxels of all training patients",
  _CONTROL: "validation Dice at the optimum (control, not prominence)",
}


def prominence(
  run: data.Run | None,
  results: Sequence[_cohort_counts.CohortCounts],
  *,
  scope: str | None = None,
) -> list[dict[str, Any]]:
  """Prominence of each structure under every definition, with its optimum.

  Args:
    run: Prepared run folder; None where counts tell of their prominence.
    results: Counts of its models.
    scope: Of the counts; None is the first.

  Returns:
    A row per model, aggregate and definition.
  """
  measured: dict[tuple[str, float], dict[str, float]] = {}
  rows = []
  for result in results:
    key = result.facts["structure"], result.facts["negatives"]
    if key not in measured:
      told = result.facts.get("prominence")
      if told is None and run is not None:  # Counts of an older version.
        told = measure(run, key[0], negatives=key[1])
      measured[key] = told or {}
    counts = result.sides(scope=scope)[0].even
    for aggregate in _choice.AGGREGATES:
      best = thresholds.optimum(counts, aggregate=aggregate)
      values = {**measured[key], _CONTROL: best.value}
      for definition in DEFINITIONS:
        rows.append(
          {
            **result.columns(scope),
            "aggregate": aggregate,
            "definition": definition,
            "prominence": values.get(definition, math.nan),
            "shown_negatives": values.get("shown_negatives", math.nan),
            "threshold": best.threshold,
          }
        )
  return rows


def measure(
  run: data.Run,
  structure: str,
  *,
  negatives: float,
  split: data.Split | None = None,
) -> dict[str, float]:
  """One structure's prominence in the training patients, by definition.

  Args:
    run: Prepared run folder.
    structure: Canonical name.
    negatives: Slices without the structure per slice with it in training.
    split: Whose training patients; None is the run's.

  Raises:
    StructureNotFoundError: No training patient has it.
  """
  store, labels = run.store, run.store.labels(structure)
  train = (split or run.split).train
  samples = data.select(store, structure, train, labels)
  others = data.negatives_drawn(negatives, len(samples.positive))
  kept = len(samples.positive) + min(len(samples.negative), others)
  shown = int(labels[samples.positive].sum(dtype=np.int64))
  pixels = labels.shape[1] * labels.shape[2]
  voxels = scanned = slices = patients = 0
  millilitres = 0.0
  for name in train:
    patient = store.patients[name]
    if structure not in patient.contoured:
      continue
    judged = patient.drawable(structure)
    reference = store.reference(name, structure)
    found = int(reference[judged].sum(dtype=np.int64))
    voxels += found
    millilitres += found * patient.voxel_ml
    patients += 1
    count = int(judged.sum())
    slices += count
    scanned += count * patient.placement.shape[1] * patient.placement.shape[2]
  return {
    "kept_fraction": shown / (kept * pixels),
    "organ_fraction": shown / (len(samples.positive) * pixels),
    "volume_fraction": voxels / scanned,
    "slice_fraction": len(samples.positive) / slices,
    "volume_ml": millilitres / patients,
    "training_voxels": float(voxels),
    "shown_negatives": kept / len(samples.positive) - 1,
  }


def correlations(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
  """Correlation of prominence and optimal threshold over the structures.

  Args:
    rows: What `prominence` gave.

  Returns:
    A row per definition, objective, aggregate and level of negatives: n, what
    `_correlation.correlate` gives, `pearson_p_holm` for as many definitions of
    prominence as are tried, and `partial` with its p, given the achieved Dice.
    `without_negatives` structures were shown on slices that have them alone
    (an organ that goes on beyond its contours), which moves prominence and
    optimum alike; `pearson_others` is of the others.
    Several seeds of a structure are averaged first: they are not independent
    observations.
  """
  groups: dict[tuple[Any, ...], dict[str, list[dict[str, Any]]]] = {}
  for row in rows:
    key = row["objective"], row["aggregate"], row.get("negatives")
    groups.setdefault(key, {}).setdefault(row["definition"], []).append(row)
  found = []
  for (objective, aggregate, level), definitions in groups.items():
    control = _means(definitions.get(_CONTROL, []), "prominence")
    made = []
    for definition, group in definitions.items():
      x, y = (_means(group, name) for name in ("prominence", "threshold"))
      shown = _means(group, "shown_negatives")
      given = definition != _CONTROL and len(control) == len(x)
      made.append(
        {
          "definition": definition,
          "objective": objective,
          "negatives": level,
          "scope": group[0]["scope"],
          "aggregate": aggregate,
          "n": len(x),
          **_correlation.correlate(x, y),
          "without_negatives": int(np.sum(shown == 0)),
          "pearson_others": _correlation.correlate(
            x[shown != 0], y[shown != 0]
          )["pearson"],
          "pearson_p_holm": math.nan,
          **(
            _correlation.partial(x, y, control)
            if given
            else {"partial": math.nan, "partial_p": math.nan}
          ),
        }
      )
    tried = [row for row in made if row["definition"] != _CONTROL]
    corrected = _correlation.holm([row["pearson_p"] for row in tried])
    for row, p in zip(tried, corrected, strict=True):
      row["pearson_p_holm"] = p
    found += made
  return found


def _means(rows: Sequence[dict[str, Any]], name: str) -> np.ndarray:
  """A column's mean over the rows of each structure, structures sorted."""
  of: dict[str, list[float]] = {}
  for row in rows:
    of.setdefault(row["structure"], []).append(row.get(name, math.nan))
  return np.array([np.mean(of[structure]) for structure in sorted(of)])
