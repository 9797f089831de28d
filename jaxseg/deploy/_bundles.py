"""Exports models: several folders of runs become one that stands alone."""

from collections.abc import Callable, Mapping, Sequence
import dataclasses
import os
import pathlib
from typing import Any

import jaxseg
from jaxseg import _bundle
from jaxseg import _files
from jaxseg import _sealed
from jaxseg import _text
from jaxseg import _weights
from jaxseg import data
from jaxseg import errors
from jaxseg import load_model
from jaxseg import Model
from jaxseg import study
from jaxseg import thresholds
from jaxseg.deploy import _card
from jaxseg.deploy import _clean
from jaxseg.deploy import _lowered
from jaxseg.deploy import _models

_is = _bundle.is_bundle
# Of a threshold.json's details, what the card tells of unseen patients.
_SCORES = (
  *("dice_test", "dice_test_low", "dice_test_high", "dice_test_half"),
  *("dice_validation", "test_patients", "validation_patients", "missed"),
)


@dataclasses.dataclass(frozen=True)
class Exported:
  """What an export wrote.

  Attributes:
    folder: The folder.
    structures: Canonical name -> what model.json says of it.
    notes: What one may want to know, a line each.
  """

  folder: pathlib.Path
  structures: Mapping[str, Mapping[str, Any]]
  notes: tuple[str, ...]


@dataclasses.dataclass(frozen=True, eq=False)
class _Part:
  """A structure that is exported."""

  model: Model
  about: Mapping[str, Any]
  threshold: thresholds.ChosenThreshold | None


def export(
  paths: Sequence[str | os.PathLike],
  output: str | os.PathLike,
  *,
  structures: Sequence[str] | None = None,
  objective: str = "best",
  clean: bool = False,
  stablehlo: Sequence[str] = (),
  licence: str = "",
  origin: Mapping[str, Any] | None = None,
  settings: study.Settings | None = None,
  on_step: Callable[[str, int, int], None] | None = None,
) -> Exported:
  """Writes models into one folder that needs no run folder any more.

  Models of one structure become an ensemble, whose threshold is chosen on the
  validation patients of their run, if that is there.

  Args:
    paths: Folders of models, of runs, or exported before.
    output: A new folder; it appears when all of it is there.
    structures: Canonical names; None is all that there are.
    objective: Of a run's models those of this objective; "best" is, for each
      structure, the one of the highest validation Dice.
    clean: Whether it is chosen on the validation patients if the largest
      component alone and filled holes help.
    stablehlo: Platforms for which StableHLO is written, too.
    licence: What may be done with the models.
    origin: Command, version, commit.
    settings: How an ensemble's threshold is chosen.
    on_step: Called after each structure with (name, done, all).

  Raises:
    DataError: A folder holds no finished model, or it is damaged.
    ConfigError: Models do not go together.
    StructureNotFoundError: There is no model of a structure.
    ExistingOutputError: The output exists.
  """
  where = pathlib.Path(output)
  if where.exists():
    raise errors.ExistingOutputError(
      f"{where}: already exists; name another --output, or delete it"
    )
  if stablehlo:
    _lowered.check(stablehlo)
  groups = _grouped(_folders(paths, objective, structures), structures)
  parts: dict[str, _Part] = {}
  notes = _unfinished(paths, objective, structures)
  entries = _exported(paths)
  for done, (name, folders) in enumerate(groups.items(), start=1):
    before = entries.get((name, frozenset(folders)))
    if before is not None:
      parts[name] = before
    else:
      parts[name] = _part(folders, clean, settings, notes)
    if on_step:
      on_step(name, done, len(groups))
  with _files.new_folder(where) as temporary:
    said = {name: _write(temporary, one) for name, one in parts.items()}
    for name in said if stablehlo else ():
      stem = temporary / "stablehlo" / _text.slug(name)
      _lowered.lower(parts[name].model, stem, platforms=tuple(stablehlo))
    content = {
      "format": _bundle.FORMAT,
      "version": jaxseg.__version__,
      **(origin or {}),
      "licence": licence or "not stated; ask those who trained the models",
      "structures": said,
    }
    _sealed.write(temporary / "model.json", _files.finite(content))
    _files.write_text(
      temporary / "MODEL_CARD.md", _card.card(_files.finite(content))
    )
  return Exported(where, said, tuple(notes))


def _exported(
  paths: Sequence[str | os.PathLike],
) -> dict[tuple[str, frozenset[pathlib.Path]], _Part]:
  """What exports of before say of their models, by these models' folders."""
  found = {}
  for path in map(pathlib.Path, paths):
    for name, entry in _bundle.read(path).items() if _is(path) else ():
      model = load_model(path, structure=name)
      kept = {
        key: value
        for key, value in entry.about.items()
        if key not in ("members", "threshold")
      }
      own = frozenset(member.resolve() for member in entry.members)
      found[name, own] = _Part(model, kept, model.threshold)
  return found


def _folders(
  paths: Sequence[str | os.PathLike],
  objective: str,
  structures: Sequence[str] | None,
) -> list[pathlib.Path]:
  """The models' own folders, each once."""
  if not paths:
    raise errors.ConfigError("no model is given; give at least one folder")
  found: list[pathlib.Path] = []
  for path in map(pathlib.Path, paths):
    if _is(path):
      found += [m for e in _bundle.read(path).values() for m in e.members]
    elif (path / "run.json").is_file():
      found += _of_run(path, objective, structures)
    elif (path / "model.json").is_file():
      found.append(path)
    else:
      raise errors.DataError(
        f"{path}: holds neither a model nor a run; give"
        " RUN/models/STRUCTURE/OBJECTIVE/SEED, or RUN"
      )
  return list(dict.fromkeys(path.resolve() for path in found))


def _unfinished(
  paths: Sequence[str | os.PathLike],
  objective: str,
  structures: Sequence[str] | None,
) -> list[str]:
  """Notes on models of runs that would be exported, were they trained."""
  notes = []
  for path in map(pathlib.Path, paths):
    if not (path / "run.json").is_file():
      continue
    finished = set(data.Run(path).models())
    for file in sorted(path.glob("models/*/*/*/model.json")):
      facts = _files.read_json(file)
      wanted = structures is None or facts.get("structure") in structures
      if objective not in ("best", facts.get("objective")):
        wanted = False
      if wanted and file.parent not in finished:
        notes.append(
          f"{file.parent}: its training has not ended, so it is left out"
        )
  return notes


def _of_run(
  path: pathlib.Path, objective: str, structures: Sequence[str] | None
) -> list[pathlib.Path]:
  """A run's models of one objective for each structure."""
  models: dict[str, dict[str, list[pathlib.Path]]] = {}
  for folder in data.Run(path).models():
    facts = _files.read_json(folder / "model.json")
    own = models.setdefault(str(facts.get("structure")), {})
    own.setdefault(str(facts.get("objective")), []).append(folder)
  if not models:
    raise errors.DataError(
      f"{path}: holds no finished model; run jaxseg train first"
    )
  chosen = []
  for structure, own in models.items():
    if objective == "best":
      chosen += own[max(own, key=lambda name: _validation(own[name]))]
    elif objective in own:
      chosen += own[objective]
    elif structures is None or structure in structures:
      raise errors.DataError(
        f"{path}: has no model of {structure} trained on {objective}; there are"
        f" {', '.join(own)}"
      )
  return chosen


def _validation(folders: Sequence[pathlib.Path]) -> float:
  """Mean validation Dice at the own thresholds; unswept models come last."""
  values = []
  for folder in folders:
    if not _files.is_there(folder / "threshold.json"):
      return -1.0
    chosen = thresholds.ChosenThreshold.read(folder)
    values.append(float(chosen.details.get("dice_validation", chosen.value)))
  return sum(values) / len(values)


def _grouped(
  folders: Sequence[pathlib.Path], structures: Sequence[str] | None
) -> dict[str, list[pathlib.Path]]:
  groups: dict[str, list[pathlib.Path]] = {}
  for folder in folders:
    name = str(_files.read_json(folder / "model.json").get("structure"))
    groups.setdefault(name, []).append(folder)
  for name in structures or ():
    if name not in groups:
      raise errors.StructureNotFoundError(
        f"{name}: no model of it is given; there are {', '.join(groups)}"
      )
  return {name: groups[name] for name in structures or sorted(groups)}


def _part(
  folders: Sequence[pathlib.Path],
  clean: bool,
  settings: study.Settings | None,
  notes: list[str],
) -> _Part:
  """A structure's model, and all that is found about it."""
  model = load_model(folders if len(folders) > 1 else folders[0])
  name = model.structure
  runs = {_models.run_of(folder) for folder in folders}
  place = runs.pop() if len(runs) == 1 else None
  run = None if place is None else data.Run(place)
  if run is not None:
    for member in model.members:
      _check_store(member.folder, member.facts.get("store"), run)
  threshold, counts = model.threshold, None
  if run is not None and len(folders) > 1:
    counts = study.sweep_model(run, model, tta=model.tta)
    kept = {"cohort": run.store.cohort, "synthetic": run.store.synthetic}
    if model.tta > 1:
      kept["tta"] = model.tta
    how = settings or study.Settings()
    threshold = study.chosen(counts, how, details=kept)
    model = model.with_threshold(threshold)
  elif run is not None and run.counts(folders[0]).exists():
    counts = study.CohortCounts.read(run.counts(folders[0]))
    if counts.facts.get("model") != study.model_digest(folders[0]):
      counts = None  # They are of a model that was there before.
  if threshold is None:
    why = "sweep the run before"
    if len(folders) > 1:
      why = "its models are not of one run that is there"
    notes.append(f"{name}: has no threshold of its own ({why}); predict will"
                 " want --threshold")  # fmt: skip
  about: dict[str, Any] = {
    "objectives": sorted({str(m.facts["objective"]) for m in model.members}),
    "seeds": sorted({int(m.facts["seed"]) for m in model.members}),
    "digest": model.facts["digest"],
    "modality": model.modality,
    "network": model.facts["network"],
    "cohort": model.facts.get("cohort"),
    "cohort_hash": model.facts.get("store"),
    "cohort_hashes": list(
      dict.fromkeys(str(m.facts.get("store")) for m in model.members)
    ),
    "synthetic": bool(model.facts.get("synthetic")),
    "prepare": [dataclasses.asdict(one) for one in model.preparations],
    "training": dict(_models.training(model)),
    **_apart(model),
  }
  if threshold is not None:
    about["cut"] = {
      name: getattr(threshold, name)
      for name in ("threshold", "criterion", "interval", "level", "patients")
    }
    details = threshold.details
    about["scores"] = {n: details[n] for n in _SCORES if n in details}
  about["temperature"] = None
  if counts is not None:
    row = study.calibration_rows(*counts.sides())[0]
    about["temperature"] = row["temperature"]
    about["expected_calibration_error"] = row["expected_calibration_error"]
    about["choice"] = _choice(counts, settings)
  if clean and run is not None and threshold is not None:
    about["postprocess"] = _clean.choose(run, model)
  elif clean:
    notes.append(f"{name}: the run is not there to choose a cleaning on")
  return _Part(model, about, threshold)


def _apart(model: Model) -> dict[str, Any]:
  """The trainings of each prepared grid, where an ensemble has several."""
  if len(model.preparations) < 2:
    return {}
  parts = [dict(_models.training(model, one)) for one in model.preparations]
  return {"trainings": parts}


def _check_store(folder: pathlib.Path, store: Any, run: data.Run) -> None:
  """Refuses a model of another store: on this one nothing is chosen for it."""
  if store not in (None, run.store.content_hash):
    raise errors.DataError(
      f"{folder / 'model.json'}: is of a model that was trained on the store"
      f" {store}, and {run.folder} has {run.store.content_hash}; restore the"
      " one or the other, or train it again"
    )


def _choice(
  counts: study.CohortCounts, settings: study.Settings | None
) -> dict[str, Any]:
  """What the validation patients taught of thresholds for each patient.

  "better" names the way whose gain over the own threshold, on the test
  patients, lies above 0 with its whole interval; of several the one that gains
  most, None if there is none.
  """
  choose_on, score_on = counts.sides()
  rows = study.per_case_rows(choose_on, score_on, settings or study.Settings())
  ways = [row for row in rows if row["method"] in study.PER_CASE]
  better = [row for row in ways if row["gain_low"] > 0]
  best = max(better, key=lambda row: row["gain"], default=None)
  return {
    "learnt": study.Chooser.fit(choose_on).to_json(),
    "better": None if best is None else best["method"],
    "ways": ways,
  }


def _write(folder: pathlib.Path, part: _Part) -> dict[str, Any]:
  """Writes a structure's models: what the bundle's model.json says of it."""
  own = pathlib.PurePosixPath("models", _text.slug(part.model.structure))
  places: list[str] = []
  for member in part.model.members:
    facts = member.facts
    place = own / _text.slug(facts["objective"]) / str(facts["seed"])
    number = 2
    while str(place) in places:
      place = place.with_name(f"{facts['seed']}-{number}")
      number += 1
    places.append(str(place))
    target = folder / place
    _sealed.write(target / "model.json", facts)
    slot = target / "checkpoints" / "best"
    _weights.save(slot, member.variables, facts)
    for name in ("config.json", "threshold.json"):
      if _files.is_there(member.folder / name):
        content = (member.folder / name).read_bytes()
        _files.write_bytes(target / name, content)
  cut = None
  if part.threshold is not None:
    cut = str(own / "threshold.json")
    part.threshold.write(folder / cut)
  return {"members": places, "threshold": cut, **part.about}
