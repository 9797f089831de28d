"""The pages: what was found in a run, in the paper's order, or of maps."""

from collections.abc import Mapping, Sequence
import pathlib
from typing import Any

import numpy as np

from jaxseg import data
from jaxseg.report import _levels
from jaxseg.report import _page
from jaxseg.report import _style
from jaxseg.report import _wording

Rows = Sequence[Mapping[str, Any]]


def write_study(
  path: pathlib.Path,
  run: data.Run,
  medians: Rows,
  objectives: Rows,
  sections: Sequence[_page.Section],
  provenance: Mapping[str, Any],
  *,
  note: str = "",
) -> None:
  """Writes the page of a run.

  Args:
    path: The file, RUN/report/index.html.
    run: Run folder.
    medians: What `study.sensitivity_medians` gave.
    objectives: What `study.objectives` gave.
    sections: The analyses, as their functions gave them.
    provenance: What `report.provenance` gave.
    note: What else a reader must know, such as which models are missing.
  """
  objectives = _levels.own(objectives)
  structures = {row["structure"] for row in objectives}
  names = list(_style.objective_styles([r["objective"] for r in objectives]))
  summary = (
    f"{len(run.store.patients)} patients of the cohort {run.store.cohort}:"
    f" {_parts(run)}."
    f" {len(structures)} structures, one 2D U-Net each, trained on"
    f" {', '.join(map(_wording.objective_label, names))}."
    " A voxel is inside where float32(p) >= float32(threshold)."
  )
  if note:
    summary += f"\n\n{note}"
  lost = {
    row["objective"]: row["median_reduction"]
    for row in _levels.own(medians)
    if (row["aggregate"], row["perturbation"]) == ("pooled", 0.05)
  }
  facts = {
    f"median Dice lost at ±0.05, {_wording.objective_label(name)}": (
      f"{100 * lost[name]:.1f} %"
    )
    for name in names
  }
  gain = [row["dice_optimum"] - row["dice_half"] for row in objectives]
  facts["median gain in test Dice over cutting at 0.5"] = (
    f"{float(np.median(gain)):+.3f}"
  )
  _page.write_page(
    path,
    title="Where to cut a probability map",
    summary=summary,
    provenance=provenance,
    sections=sections,
    facts=facts,
  )


def _parts(run: data.Run) -> str:
  """What the patients are for."""
  folds = run.training_flags.get("folds")
  if folds:
    return (
      f"in {folds} folds, each is scored once, by a model that has not seen"
      " them, at a threshold chosen on all of them, each by the model that"
      " chose its checkpoint on them"
    )
  split = run.split
  return (
    f"{len(split.train)} for training, {len(split.validation)} to choose"
    f" checkpoint and threshold, {len(split.test)} for the scores"
  )


def write_maps(
  path: pathlib.Path,
  optima: Rows,
  sections: Sequence[_page.Section],
  provenance: Mapping[str, Any],
  *,
  note: str = "",
) -> None:
  """Writes the page of anyone's maps.

  Args:
    path: The file, OUTPUT/report/index.html.
    optima: Table `optimum`.
    sections: What `sweep_sections` gave.
    provenance: What `report.provenance` gave.
    note: What else a reader must know, such as which cases are missing.
  """
  best = optima[0]
  said = _wording.maps_said(optima)
  chosen: dict[
    str, Mapping[str, Any]
  ] = {}  # The first row of each class is its pooled one.
  for row in optima:
    chosen.setdefault(_wording.class_label(row), row)
  of = next(iter(chosen)) if len(chosen) == 1 else ""
  facts = {}
  if len(chosen) == 1:
    facts = {
      f"threshold, chosen by {best['criterion']}": f"{best['threshold']:g}",
      "Dice there": f"{best['dice']:.3f}",
      "Dice at 0.5": f"{best['dice_half']:.3f}",
    }
  for name, row in chosen.items() if len(chosen) > 1 else ():
    facts[f"threshold of {name}"] = f"{row['threshold']:.3f}"
  _page.write_page(
    path,
    title=": ".join(filter(None, ("Where to cut these probability maps", of))),
    summary=f"{said}. A voxel is inside where float32(p) >="
    f" float32(threshold). {note}".rstrip(),
    provenance=provenance,
    sections=sections,
    facts=facts,
  )
