"""The pages: what was found in a run, in the paper's order, or of maps."""

from collections.abc import Mapping, Sequence
import math
import pathlib
from typing import Any

import markupsafe
import numpy as np

from jaxseg import data
from jaxseg.report import _claims
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
  claims: Rows = (),
  compared: int | None = None,
  viewer: markupsafe.Markup | None = None,
) -> None:
  """Writes the page of a run.

  Tables and figures of the run's earlier page, which this one has not, are
  deleted.

  Args:
    path: The file, RUN/report/index.html.
    run: Run folder.
    medians: What `study.sensitivity_medians` gave.
    objectives: What `study.objectives` gave.
    sections: The analyses, as their functions gave them.
    provenance: What `report.provenance` gave.
    note: What else a reader must know, such as which models are missing.
    claims: What `study.claims` gave; the page links to tables/claims.csv.
    compared: How many models claims and causes are of, where they are not only
      of those in the tables.
    viewer: What `viewer_html` gave: slices of patients.
  """
  objectives = _levels.own(objectives)
  medians = _levels.own(medians)
  structures = list(dict.fromkeys(row["structure"] for row in objectives))
  names = list(_style.objective_styles([r["objective"] for r in objectives]))
  said = ", ".join(map(_wording.objective_label, names))
  summary = [
    f"{len(run.store.patients)} patients of the cohort {run.store.cohort}:"
    f" {_parts(run)}."
    f" {len(structures)} structure{'s' * (len(structures) != 1)}, one 2D"
    f" network each, trained on {said}."
    " Where should each map be cut?"
  ]
  summary += [_claims.sentences(claims), *(one.said for one in sections), note]
  facts = _claims.facts(claims)
  for one in sections:
    facts |= one.facts
  # Those with an interval say more.
  facts = facts or _facts(names, medians, objectives)
  gone = _page.write_page(
    path,
    title="Where to cut a probability map",
    summary="\n\n".join(filter(None, summary)),
    provenance=provenance,
    sections=sections,
    facts=facts,
    claims=_claims.section(claims, provenance, _there(run.folder, "claims")),
    settings=_settings(run, objectives, compared),
    viewer=viewer,
  )
  _page.forget(run.folder, gone)


def _facts(
  names: Sequence[str], medians: Rows, objectives: Rows
) -> dict[str, str]:
  """Of each objective what a shift costs, and what its own threshold gains.

  All on the test patients, who took no part in choosing.
  """
  found = {}
  for name in names:
    label = _wording.objective_label(name)
    lost = [
      row.get("median_reduction_test", math.nan)
      for row in medians
      if (row["objective"], row["aggregate"], row["perturbation"])
      == (name, "pooled", 0.05)
    ]
    if lost and math.isfinite(lost[0]):
      found[f"Median Dice lost at ±0.05, {label}, test patients"] = (
        _wording.percent(lost[0], 1)
      )
    own = [row for row in objectives if row["objective"] == name]
    gain = np.median([row["dice_optimum"] - row["dice_half"] for row in own])
    found[f"Median gain in Dice over 0.5, {label}, test patients"] = (
      f"{float(gain):+z.3f}".replace("-", "−")
    )
  return found


def _settings(
  run: data.Run, objectives: Rows, compared: int | None
) -> dict[str, Any]:
  """What the run's own files say of it."""
  facts = getattr(run, "facts", {})
  prepare, split = facts.get("prepare", {}), facts.get("split", {})
  structures = dict.fromkeys(row["structure"] for row in objectives)
  seeds = dict.fromkeys(row.get("seed") for row in objectives)
  given = run.split
  models = str(len(objectives))
  if compared not in (None, len(objectives)):
    models += (
      f" of {compared} (the others are in claims, causes and levels alone)"
    )
  found: dict[str, Any] = {
    "Patients": f"{len(run.store.patients)}: "
    + ", ".join(
      f"{len(patients)} {part}"
      for part, patients in (
        ("training", given.train),
        ("validation", given.validation),
        ("test", given.test),
      )
      if patients
    ),
    "Structures": ", ".join(map(_wording.structure_label, structures)),
    "Models": f"{models}, seed{'s' * (len(seeds) > 1)} "
    + ", ".join(str(seed) for seed in seeds if seed is not None),
    "Recipe": facts.get("recipe"),
    "Slices": _slices(prepare),
    "Seed of the split": split.get("seed"),
    "Training flags": ", ".join(
      f"--{name}={value}"
      for name, value in facts.get("training_flags", {}).items()
      if value is not None
    ),
    "Cut": "a voxel is inside where float32(p) >= float32(threshold)",
  }
  return {k: v for k, v in found.items() if v not in (None, "")}


def _there(folder: pathlib.Path, name: str) -> list[pathlib.Path]:
  path = folder / "tables" / f"{name}.csv"
  return [path] if path.exists() else []


def _slices(prepare: Mapping[str, Any]) -> str:
  size, spacing = prepare.get("size"), prepare.get("spacing")
  if not size or not spacing:
    return ""
  crop = prepare.get("crop")
  told = f", cropped about {crop}" if isinstance(crop, str) else ""
  return " x ".join(map(str, size)) + f" pixels of {spacing:g} mm{told}"


def _parts(run: data.Run) -> str:
  """What the patients are for."""
  folds = getattr(run, "training_flags", {}).get("folds")
  if folds:
    return (
      f"in {folds} folds, each is scored once, by a model that has not seen"
      " them; the threshold is chosen on all of them, on maps of the models"
      " that used them for nothing but the choice of a checkpoint"
    )
  split = run.split
  training = f"{len(split.train)} for training, " if split.train else ""
  return (
    f"{training}{len(split.validation)} to choose checkpoint and threshold,"
    f" {len(split.test)} for the scores"
  )


def write_maps(
  path: pathlib.Path,
  optima: Rows,
  sections: Sequence[_page.Section],
  provenance: Mapping[str, Any],
  *,
  note: str = "",
  viewer: markupsafe.Markup | None = None,
) -> None:
  """Writes the page of anyone's maps.

  Tables and figures of an earlier sweep into OUTPUT, which this one has not,
  are deleted.

  Args:
    path: The file, OUTPUT/report/index.html.
    optima: Table `optimum`.
    sections: What `sweep_sections` gave.
    provenance: What `report.provenance` gave.
    note: What else a reader must know, such as which cases are missing.
    viewer: What `viewer_html` gave: slices of patients.
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
    rule = _wording.choice_label(best["criterion"])
    facts = {
      f"threshold of the {rule}": f"{best['threshold']:g}",
      "Dice there": f"{best['dice']:.3f}",
      "Dice at 0.5": f"{best['dice_half']:.3f}",
    }
  for name, row in chosen.items() if len(chosen) > 1 else ():
    facts[f"threshold of {name}"] = f"{row['threshold']:.3f}"
  settings = {
    "Cases": best.get("cases"),
    "Patients": best.get("patients"),
    "Chosen for": _wording.choice_label(best.get("criterion", "dice")),
    "Resamples": best.get("resamples"),
  }
  gone = _page.write_page(
    path,
    title=": ".join(filter(None, ("Where to cut these probability maps", of))),
    summary="\n\n".join(
      filter(
        None,
        (
          f"{said}. A voxel is inside where float32(p) >= float32(threshold).",
          *(one.said for one in sections),
          note,
        ),
      )
    ),
    provenance=provenance,
    sections=sections,
    facts=facts,
    settings={k: v for k, v in settings.items() if v is not None},
    viewer=viewer,
  )
  _page.forget(path.parent.parent, gone)
