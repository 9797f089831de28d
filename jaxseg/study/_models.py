"""A run's models: each to counts, once, and to its threshold.json."""

from collections.abc import Callable, Mapping, Sequence
import dataclasses
import pathlib

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

  Writes counts/<model>.npz and threshold.json in each model's folder.

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
    path = folder / "threshold.json"
    if settings is not None or not before or not path.exists():
      _choice.chosen(result, how, details=details).write(path)
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
  model = jaxseg.load_model(folder, tta=tta)
  level = model.structure, model.facts["negatives"]
  if level not in measured:
    measured[level] = _prominence.measure(run, level[0], negatives=level[1])
  result = sweep_model(
    run, model, digest=digest, prominence=measured[level], tta=tta
  )
  result = _with_training(result, run, folder)
  result.write(path)
  return result, False


def _with_training(
  counts: _cohort_counts.CohortCounts, run: data.Run, folder: pathlib.Path
) -> _cohort_counts.CohortCounts:
  """Counts that tell of the training; those of older versions do not."""
  more = {"training_patients": len(run.split.train)}
  steps = _missing.steps(folder)
  if steps is not None:
    more["steps"] = steps
  if set(more) <= set(counts.facts):
    return counts
  return dataclasses.replace(counts, facts={**counts.facts, **more})


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
  store, structure = run.store, model.structure
  parts = {part: _contoured(run, structure, part) for part in _PARTS}
  level = model.facts["negatives"]
  if prominence is None:
    prominence = _prominence.measure(run, structure, negatives=level)
  facts = {
    "structure": structure,
    **{name: model.facts[name] for name in _KEPT},
    "prominence": dict(prominence),
    "cohort": store.cohort,
    "synthetic": store.synthetic,
    "model": digest,
    "store": store.content_hash,
  }
  if tta > 1:
    facts["tta"] = tta
  cases: list[_cohort_counts.CohortCounts] = []
  cuts = None
  for part, names in parts.items():
    for name in names:
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
          voxel_ml=float(np.prod(patient.spacing)) / 1000.0,
          spacing=patient.spacing,
          cuts=cuts,
          facts=facts,
        )
      )
    if cuts is None:
      cuts = _cuts(_cohort_counts.CohortCounts.join(cases))
  return _cohort_counts.CohortCounts.join(cases)


def _contoured(run: data.Run, structure: str, part: str) -> list[str]:
  """Patients of a part who have the structure.

  Raises:
    StructureNotFoundError: There is none.
  """
  names = [
    name
    for name in run.split.part(part)
    if structure in run.store.patients[name].contoured
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
