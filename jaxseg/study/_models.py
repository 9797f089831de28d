"""A run's models: each to counts, once, and to its threshold.json."""

from collections.abc import Callable, Sequence
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


def sweep_run(
  run: data.Run,
  *,
  folders: Sequence[pathlib.Path] | None = None,
  settings: _choice.Settings | None = None,
  tta: int = 1,
  on_model: Callable[[str, int, int], None] | None = None,
) -> list[_cohort_counts.CohortCounts]:
  """Sweeps every finished model of a run; what was swept before is kept.

  Writes counts/<model>.npz and threshold.json in each model's folder.

  Args:
    run: Prepared run folder with models.
    folders: Models to sweep; None is all finished ones.
    settings: How the threshold is chosen, and its intervals made; None is by
      Dice, and keeps the threshold.json of models that were swept before.
    tta: Shifted views whose mean map is swept, as of `load_model`.
    on_model: Called after each model with (name, done, all).

  Raises:
    DataError: There are no finished models, or a file is damaged.
  """
  how = settings or _choice.Settings()
  folders = run.models() if folders is None else folders
  if not folders:
    raise errors.DataError(
      f"{run.folder}: holds no finished model; run jaxseg train first"
    )
  results = []
  for done, folder in enumerate(folders, start=1):
    result, before = _swept(run, folder, tta)
    results.append(result)
    details = {"cohort": run.store.cohort, "synthetic": run.store.synthetic}
    if tta > 1:
      details["tta"] = tta
    path = folder / "threshold.json"
    if settings is not None or not before or not path.exists():
      _choice.chosen(result, how, details=details).write(path)
    if on_model:
      on_model(result.name, done, len(folders))
  return results


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
  run: data.Run, folder: pathlib.Path, tta: int
) -> tuple[_cohort_counts.CohortCounts, bool]:
  """The model's counts, and whether its file held those of this very model."""
  digest = _missing.model_digest(folder)
  path = run.counts(folder)
  if path.exists():
    found = _cohort_counts.CohortCounts.read(path)
    of = tuple(found.facts.get(name) for name in ("model", "store", "tta"))
    if of == (digest, run.store.content_hash, tta if tta > 1 else None):
      return found, True
  result = sweep_model(
    run, jaxseg.load_model(folder, tta=tta), digest=digest, tta=tta
  )
  result.write(path)
  return result, False


def sweep_model(
  run: data.Run, model: "jaxseg.Model", *, digest: str = "", tta: int = 1
) -> _cohort_counts.CohortCounts:
  """Counts a model's validation and test patients at all thresholds.

  The threshold is chosen on the validation patients before a test patient is
  looked at; surfaces of the test patients are computed there as well as at
  0, 0.01 ... 1, in the scope `known`.

  Args:
    run: Prepared run folder.
    model: A trained model of the run.
    digest: Fingerprint of the model, kept in the facts.
    tta: Shifted views that the model takes the mean of, kept there, too.

  Raises:
    StructureNotFoundError: A part has no patient with the structure.
  """
  store, structure = run.store, model.structure
  facts = {
    "structure": structure,
    **{name: model.facts[name] for name in ("objective", "seed", "negatives")},
    "model": digest,
    "store": store.content_hash,
  }
  if tta > 1:
    facts["tta"] = tta
  cases: list[_cohort_counts.CohortCounts] = []
  cuts = None
  for part in ("validation", "test"):
    names = [
      name
      for name in run.split.part(part)
      if structure in store.patients[name].contoured
    ]
    if not names:
      raise errors.StructureNotFoundError(
        f"{structure}: contoured on no patient of the {part} part;"
        " choose another split"
      )
    for name in names:
      patient = store.patients[name]
      cases.append(
        _count_cases.count_arrays(
          predicted(model, store, name),
          store.reference(name, structure),
          name=name,
          key=digest,
          part=part,
          scopes={
            "known": data.known_slices(patient, structure),
            "volume": patient.drawable(structure),
          },
          voxel_ml=float(np.prod(patient.spacing)) / 1000.0,
          spacing=patient.spacing,
          cuts=cuts,
          facts=facts,
        )
      )
    if part == "validation":
      counts = _cohort_counts.CohortCounts.join(cases).select().even
      best = thresholds.optimum(counts).threshold
      grid = thresholds.grid(_count_cases.SURFACE_CUTS)
      cuts = np.unique(np.append(grid, np.float32(best)))
  return _cohort_counts.CohortCounts.join(cases)


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
