"""Models by structure, of exported folders and of runs."""

from collections.abc import Mapping, Sequence
import functools
import os
import pathlib

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
) -> Mapping[str, object]:
  return _likeness.of_training(data.Run(run), structure)


def training(model: Model) -> Mapping[str, object]:
  """What the scans were like that a model was trained on; {} is not known."""
  if "training" in model.about:
    return dict(model.about["training"])
  run = run_of(model.folders[0])
  if run is None:
    return {}
  try:
    changed = (run / "run.json").stat().st_mtime_ns
    return _training_of(run, model.structure, changed)
  except (
    errors.JaxsegError
  ):  # Of a run that is damaged, the model may be whole.
    return {}
