"""The study's page: what was found in one run, in the order of the paper."""

from collections.abc import Sequence
import pathlib
from typing import Any

import numpy as np

from jaxseg import data
from jaxseg import study
from jaxseg.report import _labels
from jaxseg.report import _page


def write_study(
  path: pathlib.Path,
  run: data.Run,
  results: Sequence[study.ModelCounts],
  sections: Sequence[_page.Section],
  provenance: dict[str, Any],
) -> None:
  """Writes the page of a run.

  Args:
    path: The file, RUN/report/index.html.
    run: Run folder.
    results: Counts of its models.
    sections: The analyses, as their functions gave them.
    provenance: What `report.provenance` gave.
  """
  structures = sorted({result.structure for result in results})
  objectives = [
    name
    for name in ("bce", "dice", "bce_dice")
    if any(result.objective == name for result in results)
  ]
  split = run.split
  summary = (
    f"{len(run.store.patients)} patients of the cohort {run.store.cohort}:"
    f" {len(split.train)} for training, {len(split.validation)} to choose"
    f" checkpoint and threshold, {len(split.test)} for the scores."
    f" {len(structures)} structures, one 2D U-Net each, trained on"
    f" {', '.join(map(_labels.objective_label, objectives))}."
    " A voxel is inside where float32(p) >= float32(threshold)."
  )
  _page.write_page(
    path,
    title="Where to cut a probability map",
    summary=summary,
    provenance=provenance,
    sections=sections,
    facts=_facts(results, objectives),
  )


def _facts(
  results: Sequence[study.ModelCounts], objectives: Sequence[str]
) -> dict[str, Any]:
  """The few numbers worth large print."""
  rows = study.sensitivity(results, perturbations=(-study.PAPER, study.PAPER))
  medians = {
    row["objective"]: row["median_reduction"]
    for row in study.sensitivity_medians(rows)
    if row["aggregate"] == "pooled"
  }
  facts: dict[str, Any] = {
    f"median Dice lost at ±0.05, {_labels.objective_label(name)}": (
      f"{100 * medians[name]:.1f} %"
    )
    for name in objectives
  }
  best = study.objectives(results)
  gain = [row["dice_optimum"] - row["dice_half"] for row in best]
  facts["median gain in test Dice over cutting at 0.5"] = (
    f"{float(np.median(gain)):+.3f}"
  )
  return facts
