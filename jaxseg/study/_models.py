"""A run's models: each to counts, once, and to its threshold.json."""

from collections.abc import Callable, Mapping, Sequence
import dataclasses
import pathlib
from typing import Any

import numpy as np

import jaxseg
from jaxseg import data
from jaxseg import errors
from jaxseg import thresholds
from jaxseg.study import _choice
from jaxseg.study import _cohort_counts
from jaxseg.study import _count_cases
from jaxseg.study import _missing
from jaxseg.study import _prominence

_PARTS = ("validation", "test")
# What the facts of counts take over from those of the model.
_KEPT = ("objective", "seed", "negatives", "network")


def sweep_run(
  run: data.Run,
  *,
  folders: Sequence[pathlib.Path] | None = None,
  settings: _choice.Settings | None = None,
  tta: int | None = None,
  on_model: Callable[[str, int, int], None] | None = None,
) -> list[_cohort_counts.CohortCounts]:
  """Sweeps every finished model of a run; what was swept before is kept.

  Writes counts/<model>.npz and threshold.json in each model's folder. Of folds
  the counts hold every patient once as one to choose on and once as one to
  score on, and all models get the threshold of all.

  Args:
    run: Prepared run folder with models.
    folders: Models to sweep; None is all finished ones.
    settings: How the threshold is chosen, and its intervals made; None is by
      Dice, and keeps the threshold.json of models that were swept before.
    tta: Shifted views whose mean map is swept, as of `load_model`; the run
      keeps it. None is what it kept, else 1.
    on_model: Called after each model with (name, done, all).

  Raises:
    DataError: There are no finished models, or a file is damaged.
    ConfigError: There are no so many views.
  """
  how = settings or _choice.Settings()
  folders = run.models() if folders is None else folders
  if not folders:
    raise errors.DataError(
      f"{run.folder}: holds no finished model; run jaxseg train first"
    )
  views = _views(run, tta)
  results = []
  measured: dict[tuple[str, float], Mapping[str, float]] = {}
  for done, folder in enumerate(folders, start=1):
    result, before = _swept(run, folder, measured, views)
    results.append(result)
    details = {"cohort": run.store.cohort, "synthetic": run.store.synthetic}
    if views > 1:
      details["tta"] = views
    models = data.fold_folders(folder) or (folder,)
    paths = [model / "threshold.json" for model in models]
    there = before and all(path.exists() for path in paths)
    if settings is not None or not there:
      chosen = _choice.chosen(result, how, details=details)
      for path in paths:
        chosen.write(path)
    if on_model:
      on_model(result.name, done, len(folders))
  return results


def _views(run: data.Run, asked: int | None) -> int:
  """How many views all of a run's models are swept with.

  They are kept before the first is swept: if that is interrupted, the next
  sweep goes on with them.

  Raises:
    ConfigError: There are no so many.
    DataError: Those that the run keeps are malformed.
  """
  kept = run.training_flags
  before = kept.pop("tta", 1)
  if asked is None:
    try:
      jaxseg.models.check_views(before)
    except errors.ConfigError as e:
      raise errors.DataError(
        f"{run.folder / 'run.json'}: {e}, with jaxseg sweep --tta"
      ) from e
    return int(before)
  jaxseg.models.check_views(asked)
  if asked != before:
    run.keep_training_flags(kept if asked == 1 else {**kept, "tta": asked})
  return asked


def read_run(run: data.Run) -> list[_cohort_counts.CohortCounts]:
  """The counts of a run's models, as `sweep_run` wrote them.

  Of models that have none, or none of their own, `missing_models` tells.

  Raises:
    DataError: No model was swept, or a file is damaged.
  """
  found = [
    _cohort_counts.CohortCounts.read(run.counts(folder))
    for folder in _missing.usable(run)
  ]
  if not found:
    raise errors.DataError(
      f"{run.folder}: holds no counts of a finished model; run jaxseg sweep"
      " first"
    )
  return found


def _swept(
  run: data.Run,
  folder: pathlib.Path,
  measured: dict[tuple[str, float], Mapping[str, float]],
  tta: int,
) -> tuple[_cohort_counts.CohortCounts, bool]:
  """The model's counts, and whether its file held those of this very model.

  Args:
    run: Prepared run folder.
    folder: The model's.
    measured: Prominence by structure and negatives, for the models to come.
    tta: Shifted views.
  """
  digest = _missing.model_digest(folder)
  path = run.counts(folder)
  if path.exists():
    found = _cohort_counts.CohortCounts.read(path)
    of = tuple(found.facts.get(name) for name in ("model", "store", "tta"))
    # An older version counted fewer scopes, and kept fewer facts.
    whole = set(data.SCOPES) <= set(found.scopes)
    whole = whole and "prominence" in found.facts
    views = tta if tta > 1 else None
    if whole and of == (digest, run.store.content_hash, views):
      known = _with_training(found, run, folder)
      if known is not found:
        known.write(path)
      return known, True
  folds = data.fold_folders(folder)
  splits = run.folds() if folds else (run.split,)
  arms = [
    (jaxseg.load_model(one, tta=tta), split)
    for one, split in zip(folds or (folder,), splits, strict=True)
  ]
  facts = arms[0][0].facts
  level = facts["structure"], facts["negatives"]
  if level not in measured:
    measured[level] = _measured(run, level, splits)
  more: dict[str, Any] = {"tta": tta} if tta > 1 else {}
  if folds:
    more["folds"] = [len(folds), *(split.digest for split in splits)]
  if "negatives-" in folder.name:
    more["beside"] = True
  result = _count(
    run, arms, digest=digest, prominence=measured[level], more=more
  )
  result = _with_training(result, run, folder)
  result.write(path)
  return result, False


def _with_training(
  counts: _cohort_counts.CohortCounts, run: data.Run, folder: pathlib.Path
) -> _cohort_counts.CohortCounts:
  """Counts that tell of the training; those of older versions do not."""
  more = {"training_patients": len(run.split.train)}
  more |= _missing.asked(folder)
  steps = _missing.steps_made(folder)
  if steps is not None:
    more["steps_made"] = steps
  if set(more) <= set(counts.facts):
    return counts
  return dataclasses.replace(counts, facts={**counts.facts, **more})


def _measured(
  run: data.Run, level: tuple[str, float], splits: Sequence[data.Split]
) -> dict[str, float]:
  """Prominence in the training patients; of folds their mean."""
  structure, negatives = level
  found = [
    _prominence.measure(run, structure, negatives=negatives, split=split)
    for split in splits
  ]
  return {
    name: found[0][name]
    if len(found) == 1
    else float(np.mean([one[name] for one in found]))
    for name in found[0]
  }


def sweep_model(
  run: data.Run,
  model: "jaxseg.Model",
  *,
  digest: str = "",
  prominence: Mapping[str, float] | None = None,
  tta: int = 1,
) -> _cohort_counts.CohortCounts:
  """Counts a model's validation and test patients at all thresholds.

  The threshold is chosen on the validation patients before a test patient is
  looked at; surfaces of the test patients are computed at those of the scopes
  `known` and `kept` as well as at 0, 0.01 ... 1, in the scope `known`.

  Args:
    run: Prepared run folder.
    model: A trained model of the run.
    digest: Fingerprint of the model, kept in the facts.
    prominence: What `measure` gives; None measures it.
    tta: Shifted views that the model takes the mean of, kept there, too.

  Raises:
    StructureNotFoundError: A part has no patient with the structure.
  """
  more = {"tta": tta} if tta > 1 else {}
  return _count(
    run, [(model, run.split)], digest=digest, prominence=prominence, more=more
  )


def _count(
  run: data.Run,
  arms: Sequence[tuple["jaxseg.Model", data.Split]],
  *,
  digest: str,
  prominence: Mapping[str, float] | None,
  more: Mapping[str, Any],
) -> _cohort_counts.CohortCounts:
  """Counts the patients of a model, or of the models of all folds.

  Args:
    run: Prepared run folder.
    arms: Each model with the split that it was trained by.
    digest: Fingerprint of the models.
    prominence: Of the structure in training; None measures it.
    more: Facts that only some models have.

  Raises:
    StructureNotFoundError: A part has no patient with the structure.
  """
  store, first = run.store, arms[0][0]
  structure, level = first.structure, first.facts["negatives"]
  parts = [
    {part: _contoured(split, store, structure, part) for part in _PARTS}
    for _, split in arms
  ]
  if prominence is None:
    splits = [split for _, split in arms]
    prominence = _measured(run, (structure, level), splits)
  facts = {
    "structure": structure,
    **{name: first.facts[name] for name in _KEPT},
    "prominence": dict(prominence),
    "cohort": store.cohort,
    "synthetic": store.synthetic,
    "model": digest,
    "store": store.content_hash,
    **more,
  }
  cases: list[_cohort_counts.CohortCounts] = []
  cuts = None
  for part in _PARTS:
    for (model, _), own in zip(arms, parts, strict=True):
      for name in own[part]:
        patient = store.patients[name]
        reference = store.reference(name, structure)
        shows = np.any(reference, axis=(1, 2))
        cases.append(
          _count_cases.count_arrays(
            predicted(model, store, name),
            reference,
            name=name,
            key=digest,
            part=part,
            scopes=data.scopes(patient, structure, shows, negatives=level),
            voxel_ml=patient.voxel_ml,
            spacing=patient.spacing,
            cuts=cuts,
            facts=facts,
          )
        )
    if cuts is None:
      cuts = _cuts(_cohort_counts.CohortCounts.join(cases))
  return _cohort_counts.CohortCounts.join(cases)


def _contoured(
  split: data.Split, store: data.Store, structure: str, part: str
) -> list[str]:
  """Patients of a part who have the structure.

  Raises:
    StructureNotFoundError: There is none.
  """
  names = [
    name
    for name in split.part(part)
    if structure in store.patients[name].contoured
  ]
  if not names:
    raise errors.StructureNotFoundError(
      f"{structure}: contoured on no patient of the {part} part;"
      " choose another split"
    )
  return names


def _cuts(validation: _cohort_counts.CohortCounts) -> np.ndarray:
  """Where surfaces are computed: an even grid, and what statements cut at."""
  best = [
    thresholds.optimum(validation.select(scope=scope).even).threshold
    for scope in ("known", "kept")
  ]
  grid = thresholds.grid(_count_cases.SURFACE_CUTS)
  return np.unique(np.append(grid, np.asarray(best, np.float32)))


def predicted(
  model: "jaxseg.Model", store: data.Store, patient: str
) -> np.ndarray:
  """A model's map of one of the store's patients.

  Returns:
    float32 `[slice, row, column]` on the patient's own grid; 0 beyond the
    prepared one.
  """
  maps = model.predict_prepared(store.image(patient))
  return store.patients[patient].placement.restore(maps)


def model_of(
  run: data.Run, folder: pathlib.Path, patient: str
) -> "jaxseg.Model":
  """The model of a folder; of folds the one that has not seen the patient."""
  folds = data.fold_folders(folder)
  splits = run.folds() if folds else ()
  for one, split in zip(folds, splits, strict=True):
    if patient in split.test:
      return jaxseg.load_model(one)
  return jaxseg.load_model(folder)
