"""Does the optimal threshold follow the organ's prominence in training?

The paper does not print its formula. Several candidates are computed and
named; `kept_fraction` is that of the authors' published scripts.
"""

from collections.abc import Sequence
import itertools
from typing import Any

import numpy as np

from jaxseg import data
from jaxseg import thresholds
from jaxseg.study import _choice
from jaxseg.study import _cohort_counts

DEFINITIONS = {
  "kept_fraction": "foreground share of the pixels shown in training",
  "organ_fraction": "foreground share of pixels, slices with the organ only",
  "volume_fraction": "foreground share of all scanned voxels",
  "slice_fraction": "share of the scanned slices that show the organ",
  "volume_ml": "mean volume, mL",
  "training_voxels": "foreground voxels of all training patients",
  "achieved_dice": "validation Dice at the optimum (control, not prominence)",
}


def prominence(
  run: data.Run,
  results: Sequence[_cohort_counts.CohortCounts],
  *,
  scope: str | None = None,
) -> list[dict[str, Any]]:
  """Prominence of each structure under every definition, with its optimum.

  Args:
    run: Prepared run folder.
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
      measured[key] = measure(run, key[0], negatives=key[1])
    counts = result.sides(scope=scope)[0].even
    for aggregate in _choice.AGGREGATES:
      best = thresholds.optimum(counts, aggregate=aggregate)
      values = {**measured[key], "achieved_dice": best.value}
      for definition in DEFINITIONS:
        rows.append(
          {
            **result.columns(scope),
            "aggregate": aggregate,
            "definition": definition,
            "prominence": values[definition],
            "threshold": best.threshold,
          }
        )
  return rows


def measure(
  run: data.Run, structure: str, *, negatives: float
) -> dict[str, float]:
  """One structure's prominence in the training patients, by definition.

  Args:
    run: Prepared run folder.
    structure: Canonical name.
    negatives: Slices without the structure per slice with it in training.

  Raises:
    StructureNotFoundError: No training patient has it.
  """
  store, labels = run.store, run.store.labels(structure)
  samples = data.select(store, structure, run.split.train, labels)
  kept = len(samples.positive) + min(
    len(samples.negative), int(negatives * len(samples.positive))
  )
  shown = int(labels[samples.positive].sum(dtype=np.int64))
  pixels = labels.shape[1] * labels.shape[2]
  voxels = scanned = slices = patients = 0
  millilitres = 0.0
  for name in run.split.train:
    patient = store.patients[name]
    if structure not in patient.contoured:
      continue
    judged = patient.drawable(structure)
    reference = store.reference(name, structure)
    found = int(reference[judged].sum(dtype=np.int64))
    voxels += found
    millilitres += found * float(np.prod(patient.spacing)) / 1000.0
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
  }


def correlations(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
  """Pearson and Spearman correlation of prominence and optimal threshold.

  Args:
    rows: What `prominence` gave.

  Returns:
    A row per definition, objective and aggregate; nan where fewer than three
    structures, or no variation, leave nothing to correlate. Several seeds of
    a structure are averaged first: they are not independent observations.
  """
  groups: dict[tuple[str, str, str], list[dict[str, Any]]] = {}
  for row in rows:
    key = row["definition"], row["objective"], row["aggregate"]
    groups.setdefault(key, []).append(row)
  return [
    {
      "definition": definition,
      "objective": objective,
      "scope": group[0]["scope"],
      "aggregate": aggregate,
      **_correlate(group),
    }
    for (definition, objective, aggregate), group in groups.items()
  ]


def _correlate(rows: Sequence[dict[str, Any]]) -> dict[str, float]:
  names = sorted({row["structure"] for row in rows})
  x, y = (
    np.array(
      [
        np.mean([row[key] for row in rows if row["structure"] == name])
        for name in names
      ]
    )
    for key in ("prominence", "threshold")
  )
  nothing = float("nan")
  result = dict.fromkeys(
    ("pearson", "pearson_p", "spearman", "spearman_p"), nothing
  )
  if len(names) >= 3 and np.ptp(x) > 0 and np.ptp(y) > 0:
    from scipy import stats  # Slow to import, and needed here alone.

    pearson = stats.pearsonr(x, y)
    spearman, spearman_p = _spearman(x, y)
    result = {
      "pearson": float(pearson.statistic),
      "pearson_p": float(pearson.pvalue),
      "spearman": spearman,
      "spearman_p": spearman_p,
    }
  return {"n": len(names), **result}


def _spearman(x: np.ndarray, y: np.ndarray) -> tuple[float, float]:
  """Rank correlation and its two-sided p: exact for up to eight structures.

  The usual approximation says p = 0 when few ranks agree by chance.
  """
  from scipy import stats

  found = stats.spearmanr(x, y)
  rho = float(found.statistic)
  if len(x) > 8:
    return rho, float(found.pvalue)
  a, b = (stats.zscore(stats.rankdata(v)) for v in (x, y))
  orders = np.array(list(itertools.permutations(range(len(x)))))
  every = b[orders] @ a / len(x)
  return rho, float(np.mean(np.abs(every) >= abs(rho) - 1e-9))
