"""From models to counts, and from counts to each model's threshold.

Two scopes, because contours end where the clinician stopped drawing:

- `known`: the slices where the reference can be believed. Of an organ that
  continues beyond the usual range (spinal cord, oesophagus), that is the
  contoured range; of all others, every scanned slice.
- `volume`: every scanned slice; what lies beyond the contours is negative.
"""

from collections.abc import Callable, Sequence
import dataclasses
import io
import pathlib
from typing import Any

import numpy as np

from jaxseg import _files
from jaxseg import data
from jaxseg import errors
from jaxseg import inference
from jaxseg import metrics
from jaxseg import thresholds

SCOPES = ("known", "volume")
AGGREGATES = ("pooled", "mean_case")
_PARTS = ("validation", "test")
_HALF = 500  # Index of 0.5 in the grid of 1001.


@dataclasses.dataclass(frozen=True, eq=False)
class ModelCounts:
  """What a sweep leaves of a model's maps.

  Attributes:
    structure: Canonical name.
    objective: What it was trained on.
    seed: Of the training.
    negatives: Slices without the structure per slice with it in training.
    counts: (part, scope) -> `thresholds.Counts` `[patient, T + 1]`; parts are
      "validation" and "test".
    patients: Part -> names, in the order of the counts.
    hd95_mm: `[test patient, 2]` at 0.5 and at the chosen threshold, scope
      `known`; inf where a structure was missed.
    assd_mm: The same for the average symmetric surface distance.
    nsd_2mm: The same for the normalized surface Dice at 2 mm; 0 where missed.
  """

  structure: str
  objective: str
  seed: int
  negatives: float
  counts: dict[tuple[str, str], thresholds.Counts]
  patients: dict[str, tuple[str, ...]]
  hd95_mm: np.ndarray
  assd_mm: np.ndarray
  nsd_2mm: np.ndarray

  @property
  def name(self) -> str:
    """Structure, objective and seed."""
    return f"{self.structure}, {self.objective}, seed {self.seed}"

  def write(self, path: pathlib.Path, *, model_hash: str) -> None:
    """Writes an .npz file without pickles."""
    arrays: dict[str, Any] = {
      "identity": np.array(
        [self.structure, self.objective, str(self.seed), model_hash]
      ),
      "negatives": np.float64(self.negatives),
      "hd95_mm": self.hd95_mm,
      "assd_mm": self.assd_mm,
      "nsd_2mm": self.nsd_2mm,
      "thresholds": np.asarray(self.counts["test", "known"].thresholds),
    }
    for part in _PARTS:
      arrays[f"{part}_patients"] = np.array(self.patients[part], np.str_)
      for scope in SCOPES:
        counts = self.counts[part, scope]
        arrays[f"{part}_{scope}_positive"] = np.asarray(counts.positive)
        arrays[f"{part}_{scope}_negative"] = np.asarray(counts.negative)
    content = io.BytesIO()
    np.savez_compressed(content, **arrays)
    _files.write_bytes(path, content.getvalue())

  @staticmethod
  def read(path: pathlib.Path) -> tuple["ModelCounts", str]:
    """Reads what `write` wrote, and the hash of the model it is of.

    Raises:
      DataError: The file is missing or damaged.
    """
    try:
      with np.load(path, allow_pickle=False) as file:
        arrays = {name: file[name] for name in file.files}
      structure, objective, seed, model_hash = arrays["identity"].tolist()
      counts = {
        (part, scope): thresholds.Counts(
          arrays["thresholds"],
          arrays[f"{part}_{scope}_positive"],
          arrays[f"{part}_{scope}_negative"],
        )
        for part in _PARTS
        for scope in SCOPES
      }
      patients = {
        part: tuple(arrays[f"{part}_patients"].tolist()) for part in _PARTS
      }
      found = ModelCounts(
        structure,
        objective,
        int(seed),
        float(arrays["negatives"]),
        counts,
        patients,
        arrays["hd95_mm"],
        arrays["assd_mm"],
        arrays["nsd_2mm"],
      )
    except (OSError, ValueError, KeyError, EOFError) as e:
      raise errors.DataError(
        f"{path}: not readable as counts ({e}); delete it and run"
        " experiments.sweep"
      ) from e
    return found, model_hash


def sweep_run(
  run: data.Run,
  *,
  folders: Sequence[pathlib.Path] | None = None,
  on_model: Callable[[str, int, int], None] | None = None,
) -> list[ModelCounts]:
  """Sweeps every finished model of a run; what was swept before is kept.

  Writes counts/<model>.npz and threshold.json in each model's folder.

  Args:
    run: Prepared run folder with models.
    folders: Models to sweep; None is all finished ones.
    on_model: Called after each model with (name, done, all).

  Raises:
    DataError: There are no finished models, or a file is damaged.
  """
  folders = run.models() if folders is None else folders
  if not folders:
    raise errors.DataError(
      f"{run.folder}: holds no finished model; run experiments.train first"
    )
  results = []
  for done, folder in enumerate(folders, start=1):
    result = _swept(run, folder)
    if on_model:
      on_model(result.name, done, len(folders))
    results.append(result)
  return results


def read_run(run: data.Run) -> list[ModelCounts]:
  """The counts of a run's models, as `sweep_run` wrote them.

  Raises:
    DataError: No model was swept, or a file is damaged.
  """
  paths = [run.counts(folder) for folder in run.models()]
  found = [ModelCounts.read(path)[0] for path in paths if path.exists()]
  if not found:
    raise errors.DataError(
      f"{run.folder}: holds no counts; run experiments.sweep first"
    )
  return found


def _swept(run: data.Run, folder: pathlib.Path) -> ModelCounts:
  model_hash = _files.digest(
    [
      _files.read_json(folder / "config.json"),
      _files.read_json(folder / "summary.json"),
    ]
  )
  path = run.counts(folder)
  if path.exists() and (folder / "threshold.json").exists():
    found, of = ModelCounts.read(path)
    if of == model_hash:
      return found
  result = sweep_model(run, inference.Predictor(folder))
  result.write(path, model_hash=model_hash)
  _files.write_json(folder / "threshold.json", _chosen(run, result))
  return result


def sweep_model(run: data.Run, predictor: inference.Predictor) -> ModelCounts:
  """Counts a model's validation and test patients at all thresholds.

  The threshold is chosen on the validation patients before a test patient is
  looked at; test maps are cut there, and at 0.5, for surface distances.

  Args:
    run: Prepared run folder.
    predictor: The model.

  Raises:
    StructureNotFoundError: A part has no patient with the structure.
  """
  structure = predictor.config.structure
  grid = thresholds.grid(1001)
  counts: dict[tuple[str, str], thresholds.Counts] = {}
  patients: dict[str, tuple[str, ...]] = {}
  surfaces, chosen = [], 0.5
  for part in _PARTS:
    names = tuple(
      name
      for name in run.split.part(part)
      if structure in run.store.patients[name].contoured
    )
    if not names:
      raise errors.StructureNotFoundError(
        f"{structure}: contoured on no patient of the {part} part; choose"
        " another split"
      )
    patients[part] = names
    per_scope: dict[str, list[thresholds.Counts]] = {s: [] for s in SCOPES}
    for name in names:
      patient = run.store.patients[name]
      known = data.known_slices(patient, structure)
      other = patient.scanned & ~known
      maps = predictor.predict_patient(run.store, name)
      reference = run.store.reference(name, structure)
      inside = thresholds.count_case(maps[known], reference[known], grid)
      total = inside
      if other.any():
        total = inside + thresholds.count_case(
          maps[other], reference[other], grid
        )
      per_scope["known"].append(inside)
      per_scope["volume"].append(total)
      if part == "test":
        surfaces.append(_surfaces(maps, reference, known, patient, chosen))
    for scope in SCOPES:
      counts[part, scope] = thresholds.Counts.stack(per_scope[scope])
    if part == "validation":
      chosen = thresholds.optimum(counts[part, "known"]).threshold
  distances = np.asarray(surfaces, np.float64)  # [patient, cut, metric]
  return ModelCounts(
    structure,
    predictor.config.objective,
    predictor.config.seed,
    predictor.config.negatives,
    counts,
    patients,
    distances[:, :, 0],
    distances[:, :, 1],
    distances[:, :, 2],
  )


def _surfaces(
  maps: np.ndarray,
  reference: np.ndarray,
  known: np.ndarray,
  patient: data.Patient,
  chosen: float,
) -> list[list[float]]:
  result = []
  for cut in (0.5, chosen):
    mask = np.asarray(thresholds.binarize(maps, cut)) & known[:, None, None]
    found = metrics.surface_report(
      mask,
      reference & known[:, None, None],
      patient.spacing,
      tolerances=(2.0,),
      percentiles=(95.0,),
    )
    result.append([found[k] for k in ("hausdorff_95", "assd", "nsd_2")])
  return result


def _chosen(run: data.Run, result: ModelCounts) -> dict[str, Any]:
  """What threshold.json says: the cut to use, and how it was found."""
  validation = result.counts["validation", "known"]
  test = result.counts["test", "known"]
  best = thresholds.optimum(validation)
  curve = thresholds.curve(test.sum(0))
  return {
    "structure": result.structure,
    "objective": result.objective,
    "seed": result.seed,
    "threshold": best.threshold,
    "low": best.low,
    "high": best.high,
    "rule": "float32(p) >= float32(threshold)",
    "chosen_by": "highest pooled Dice of the validation patients",
    "scope": "known",
    "dice_validation": best.value,
    "dice_test": float(curve[best.index]),
    "dice_test_at_half": float(curve[_HALF]),
    "validation_patients": len(result.patients["validation"]),
    "test_patients": len(result.patients["test"]),
    "cohort": run.store.cohort,
    "synthetic": run.store.synthetic,
    "store": run.store.content_hash,
  }


def sweep_rows(results: Sequence[ModelCounts]) -> list[dict[str, Any]]:
  """A row per model, scope and aggregate: thresholds and Dice."""
  rows = []
  for result in results:
    for scope in SCOPES:
      for aggregate in AGGREGATES:
        rows.append(_row(result, scope, aggregate))
  return rows


def _row(result: ModelCounts, scope: str, aggregate: str) -> dict[str, Any]:
  validation = result.counts["validation", scope]
  test = result.counts["test", scope]
  best = thresholds.optimum(validation, aggregate=aggregate)
  curve = dice_curve(test, aggregate)
  own = thresholds.optimum(test, aggregate=aggregate)
  found = test.true_positive + test.false_positive  # [patient, T]
  return {
    "structure": result.structure,
    "objective": result.objective,
    "seed": result.seed,
    "scope": scope,
    "aggregate": aggregate,
    "validation_patients": len(result.patients["validation"]),
    "test_patients": len(result.patients["test"]),
    "threshold": best.threshold,
    "low": best.low,
    "high": best.high,
    "dice_validation": best.value,
    "dice_validation_half": float(dice_curve(validation, aggregate)[_HALF]),
    "dice_test": float(curve[best.index]),
    "dice_test_half": float(curve[_HALF]),
    "missed": int(np.sum(found[:, best.index] == 0)),
    "missed_half": int(np.sum(found[:, _HALF] == 0)),
    "threshold_test": own.threshold,
    "dice_test_best": own.value,
  }


def dice_curve(counts: thresholds.Counts, aggregate: str) -> np.ndarray:
  """Dice over the grid: of summed counts, or the mean over patients.

  Args:
    counts: `[patient, T + 1]`; every patient has the structure.
    aggregate: "pooled" or "mean_case".

  Returns:
    float64 `[T]`.
  """
  if aggregate == "pooled":
    return np.asarray(thresholds.curve(counts.sum(0)))
  return np.asarray(thresholds.curve(counts)).mean(0)
