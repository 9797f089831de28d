"""Models that a run should have, and that no analysis can count on."""

from collections.abc import Iterator, Mapping, Sequence
import csv
import functools
import io
import pathlib
from typing import Any

from jaxseg import _files
from jaxseg import _sealed
from jaxseg import data
from jaxseg import errors
from jaxseg.study import _cohort_counts
from jaxseg.study import _counted_run
from jaxseg.study import _stuck

_OF_MODEL = (
  ("config.json", "restore it, or delete the model's folder and train again"),
  ("summary.json", "delete it, and jaxseg train ends with it anew"),
)
# Named of each reason; the others are only counted.
_SHOWN = 5
_UNFINISHED = "training is not finished"
_OTHER = "its counts are of another model"
_UNCOUNTED = "its counts are missing"
_STUCK = "never learnt: validation Dice below 0.1 at every threshold"
_GONE = "has counts, and its model's folder is gone"
_SAID = {
  _UNFINISHED: "Not trained to the end (jaxseg train goes on)",
  _OTHER: "Counted when the model was another (jaxseg sweep counts it anew)",
  _UNCOUNTED: "Not counted yet (jaxseg sweep does)",
  _STUCK: "Learnt nothing, and another seed stands for it",
  _GONE: "Has counts, but no model (delete the counts if it is not wanted)",
}


def model_digest(folder: pathlib.Path) -> str:
  """Fingerprint of a finished model, or of those of all folds.

  Its counts keep it.

  Raises:
    DataError: One of its files is missing or damaged.
  """
  folds = data.fold_folders(folder)
  if folds:
    return _files.digest([model_digest(fold) for fold in folds])
  found = [
    _sealed.read(folder / name, again=again) for name, again in _OF_MODEL
  ]
  return _files.digest(found)


def asked(folder: pathlib.Path) -> dict[str, int]:
  """How long a model was to be trained.

  `steps`, the most that it was to make; where an epoch was to have as many as
  the slices fill, `epochs` instead. Of several models in one folder, such as of
  folds, the first tells.

  Raises:
    DataError: Its config.json is missing or damaged.
  """
  name, again = _OF_MODEL[0]
  path = folder / name
  if not path.exists():
    path = min(folder.glob(f"*/{name}"), default=path)
  config = _sealed.read(path, again=again).get("config")
  if not isinstance(config, dict):
    return {}
  epochs, each = config.get("epochs"), config.get("steps_per_epoch")
  if not isinstance(epochs, int):
    return {}
  if not isinstance(each, int):
    return {"epochs": epochs}
  return {"steps": epochs * each}


def steps_made(folder: pathlib.Path) -> int | None:
  """Steps that a model was trained for; None where it does not say.

  An epoch has no more steps than the slices of the structure fill, and a
  training may end early, so that it can be fewer than `steps`. Of the models of
  folds it is the mean, rounded.

  Raises:
    DataError: Its metrics.csv is damaged.
  """
  found = []
  for one in data.fold_folders(folder) or (folder,):
    path = one / "metrics.csv"
    if not path.exists():
      return None
    try:
      rows = list(csv.DictReader(io.StringIO(path.read_text("utf-8"))))
      found.append(int(rows[-1]["step"]))
    except (IndexError, KeyError, TypeError, ValueError) as e:
      raise errors.DataError(
        f"{path}: its last line has no whole number of steps; restore it, or"
        " delete it if the number may be missing in the tables"
      ) from e
  return round(sum(found) / len(found))


def usable(run: data.Run) -> list[pathlib.Path]:
  """Finished models with counts of their own, sorted.

  Those that never learnt are left out where another seed stands for them.

  Raises:
    DataError: A file is damaged.
  """
  there = _counted(run)
  out = _left_out(run, there)
  return [f for f, left in zip(there, out, strict=True) if not left]


def _counted(run: data.Run) -> list[pathlib.Path]:
  """Finished models with counts of their own, sorted."""
  found = []
  for folder in run.models():
    path = run.counts(folder)
    if path.exists() and not _stale(run, folder, path):
      found.append(folder)
  return found


def missing_models(
  run: "data.Run | _counted_run.CountedRun",
) -> tuple[str, ...]:
  """What was begun in a run, or counted, and is not in its analyses.

  Args:
    run: Run folder.

  Returns:
    A line for each such model, "brain/bce/0 (training is not finished)".

  Raises:
    DataError: A file is damaged.
  """
  if isinstance(run, _counted_run.CountedRun):
    return ()  # Its counts are all there is.
  return tuple(f"{name} ({why})" for name, why in sorted(_missing(run)))


def _missing(run: data.Run) -> Iterator[tuple[str, str]]:
  models, there = run.folder / "models", _counted(run)
  counted = {path.name for path in run.folder.glob("counts/*.npz")}
  for folder in sorted(models.glob("*/*/*")):
    name = folder.relative_to(models).as_posix()
    file = run.counts(folder).name
    if folder in there or not folder.is_dir() or not any(folder.iterdir()):
      counted -= {file} if folder in there else set()
    elif not data.finished(folder):
      counted.discard(file)
      yield name, _UNFINISHED
    elif file in counted:
      counted.discard(file)
      yield name, _OTHER
    else:
      yield name, _UNCOUNTED
  for folder, left in zip(there, _left_out(run, there), strict=True):
    if left:
      name = folder.relative_to(models).as_posix()
      yield name, _STUCK
  for file in counted:
    name = file.removesuffix(".npz")
    yield name, _GONE


def _left_out(run: data.Run, there: Sequence[pathlib.Path]) -> list[bool]:
  return _stuck.left_out([_about(run.counts(folder)) for folder in there])


def _stale(run: data.Run, folder: pathlib.Path, path: pathlib.Path) -> bool:
  """Whether counts are of another model, or of another preparation."""
  try:
    digest = model_digest(folder)
  except errors.DataError:
    digest = None
  facts, _ = _about(path)
  seed = folder.name.partition("-")[0]
  wanted = {
    "structure": folder.parts[-3],
    "seed": int(seed) if seed.isdecimal() else None,
    "store": run.store.content_hash,
    "model": digest,
  }
  return any(
    value is not None and facts.get(name) not in (None, "", value)
    for name, value in wanted.items()
  )


def _about(path: pathlib.Path) -> tuple[Mapping[str, Any], bool]:
  """The facts of counts, and whether the model is stuck; cached."""
  about = path.stat()
  return _kept(path, about.st_mtime_ns, about.st_size)


@functools.lru_cache(maxsize=4096)
def _kept(path: pathlib.Path, *_: int) -> tuple[Mapping[str, Any], bool]:
  found = _cohort_counts.CohortCounts.read(path)
  return found.facts, _stuck.is_stuck(found)


def missing_said(missing: Sequence[str]) -> str:
  """Sentences for the console and the page; "" where nothing is missing.

  Args:
    missing: What `missing_models` gave.
  """
  if not missing:
    return ""
  one = len(missing) == 1
  start = (
    f"Missing: {len(missing)} model{'' if one else 's'} of this run"
    f" {'is' if one else 'are'} in no table, figure or median."
  )
  return " ".join([start, *_by_reason(missing)])


def uncounted_said(folder: pathlib.Path) -> str:
  """Sentences on the models of a folder of counts that lack counts of theirs.

  Args:
    folder: Of a run; one that holds counts alone tells of no models.

  Raises:
    DataError: A file of a model is damaged.
  """
  if not (folder / "models").is_dir():
    return ""
  try:
    run = data.Run(folder)
  except errors.DataError:  # Counts are read without store and split.
    return ""
  found = [f"{name} ({why})" for name, why in sorted(_missing(run))]
  # A model that never learnt has counts, and is told of by them.
  found = [line for line in found if not line.endswith(f"({_STUCK})")]
  return " ".join([f"Of {folder}:", *_by_reason(found)]) if found else ""


def _by_reason(missing: Sequence[str]) -> list[str]:
  """A sentence for each reason, with its remedy and some of the models."""
  reasons: dict[str, list[str]] = {}
  for line in missing:
    name, _, why = line.removesuffix(")").partition(" (")
    reasons.setdefault(why, []).append(name)
  said = []
  for why, names in reasons.items():
    more = len(names) - _SHOWN
    named = ", ".join(names[:_SHOWN]) + (f" and {more} more" * (more > 0))
    said.append(f"{_SAID.get(why, why)}: {named}.")
  return said
