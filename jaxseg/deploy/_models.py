"""Models by structure, of exported folders and of runs."""

from collections.abc import Mapping, Sequence
import functools
import os
import pathlib
from typing import Any

from jaxseg import _bundle
from jaxseg import data
from jaxseg import errors
from jaxseg import load_model
from jaxseg import Model
from jaxseg.deploy import _likeness


def load_models(
  paths: Sequence[str | os.PathLike],
  *,
  structures: Sequence[str] | None = None,
  threshold: float | None = None,
) -> dict[str, Model]:
  """Loads the models of several structures.

  Args:
    paths: Exported folders, and models' folders of a run; several of one
      structure are an ensemble.
    structures: Canonical names of those wanted; None is all.
    threshold: Where all cut, instead of at their own.

  Returns:
    Structure -> model, in the order in which they are given.

  Raises:
    DataError: A folder holds no model, or it is damaged.
    ConfigError: No folder is given, the models are of several modalities, or
      several that are no ensemble are of one structure.
    StructureNotFoundError: A structure that is wanted has no model.
  """
  if not paths:
    raise errors.ConfigError("no model is given; give at least one folder")
  bundled: dict[str, pathlib.Path] = {}
  alone: dict[str, list[pathlib.Path]] = {}
  order: list[str] = []
  for path in map(pathlib.Path, paths):
    if _bundle.is_bundle(path):
      for name in _bundle.read(path):
        if name in bundled:
          raise errors.ConfigError(
            f"{path}: has {name}, and so has {bundled[name]}; export their"
            " models into one folder to have the mean of both"
          )
        bundled[name] = path
        order.append(name)
      continue
    model = load_model(path)
    model.release()
    name = model.structure
    alone.setdefault(name, []).append(path)
    order.append(name)
  for name in set(bundled) & set(alone):
    raise errors.ConfigError(
      f"{alone[name][0]}: is of {name}, and {bundled[name]} has one; export"
      " both into one folder to have the mean of both"
    )
  names = list(dict.fromkeys(order))
  for name in structures or ():
    if name not in names:
      raise errors.StructureNotFoundError(
        f"{name}: no model of it is given; there are {', '.join(names)}"
      )
  models = {}
  for name in structures or names:
    if name in bundled:
      models[name] = load_model(
        bundled[name], structure=name, threshold=threshold
      )
    else:
      models[name] = load_model(alone[name], threshold=threshold)
    models[name].release()  # Of many structures one is at work at a time.
  modalities = {one.modality for one in models.values()}
  if len(modalities) > 1:
    raise errors.ConfigError(
      f"{paths[0]}: the models are of {' and '.join(sorted(modalities))}; give"
      " those of one modality"
    )
  return models


def run_of(folder: pathlib.Path) -> pathlib.Path | None:
  """The run folder that a model lies in, if it is there."""
  for above in folder.resolve().parents:
    if (above / "run.json").is_file() and (above / "store").is_dir():
      return above
  return None


@functools.lru_cache(maxsize=64)
def _training_of(
  run: pathlib.Path, structure: str, _: int
) -> Mapping[str, Any]:
  return _likeness.of_training(data.Run(run), structure)


def training(
  model: Model, config: data.PrepareConfig | None = None
) -> Mapping[str, Any]:
  """What the scans were like that a model was trained on; {} is not known.

  Args:
    model: One, or an ensemble, whose members may have trained on several
      cohorts: known is then what any of these has.
    config: Of the members with this prepared grid alone; None is all.
  """
  if "training" in model.about:
    parts = model.about.get("trainings")
    if config is None or parts is None:
      return dict(model.about["training"])
    return dict(parts[model.preparations.index(config)])
  found: dict[pathlib.Path, tuple[Any, Mapping[str, Any]]] = {}
  for member in model.members:
    home = _home(member.folder)
    if home is not None and config in (None, member.prepare):
      own = _known(home, model.structure)
      if own:
        found.setdefault(home, (member.facts.get("store"), own))
  return _united(list(found.values()))


def _home(folder: pathlib.Path) -> pathlib.Path | None:
  """The run, or the exported folder, that a model lies in."""
  run = run_of(folder)
  if run is not None:
    return run
  above = folder.resolve().parents[3:4]  # models/STRUCTURE/OBJECTIVE/SEED
  return next(filter(_bundle.is_bundle, above), None)


def _known(home: pathlib.Path, structure: str) -> Mapping[str, Any]:
  """What a run, or an exported folder, knows of a structure's training."""
  try:
    if _bundle.is_bundle(home):
      return dict(_bundle.read(home)[structure].about.get("training") or {})
    changed = (home / "run.json").stat().st_mtime_ns
    return _training_of(home, structure, changed)
  except (KeyError, errors.JaxsegError):  # The model itself may be whole.
    return {}


def _united(
  found: Sequence[tuple[Any, Mapping[str, Any]]],
) -> Mapping[str, Any]:
  """The trainings of an ensemble's members as one.

  Ranges are from the lowest to the highest of any; a median is that of the
  most patients, whose scans have it, as no mean of two need be.

  Args:
    found: (which cohort, what `_likeness.of_training` gave) of each run.
  """
  if len(found) < 2:
    return found[0][1] if found else {}
  # Two runs of one cohort are of the same patients.
  people: dict[Any, list[int]] = {}
  for cohort, one in found:
    own = people.setdefault(cohort, [0, 0])
    for k, name in enumerate(("patients", "measured")):
      own[k] = max(own[k], int(one.get(name, 0)))
  ordered = sorted(
    (one for _, one in found), key=lambda one: -one.get("patients", 0)
  )
  measures: dict[str, list[float]] = {}
  for one in ordered:
    for name, (low, middle, high) in (one.get("measures") or {}).items():
      known = measures.setdefault(name, [low, middle, high])
      known[0], known[2] = min(known[0], low), max(known[2], high)
  return {
    "patients": sum(own[0] for own in people.values()),
    "measured": sum(own[1] for own in people.values()),
    "cohorts": len(people),
    "measures": measures,
  }
