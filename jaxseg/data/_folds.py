"""Folds: several splits in which each patient is tested once.

Of N folds, model k learns from the patients of N - 2 of them, chooses by those
of the next fold, and is scored on those of fold k. So each patient is once
among the validation and once among the test patients, each time of a model
that did not learn from them.
"""

from collections.abc import Mapping
import dataclasses
import pathlib
import re

import numpy as np

from jaxseg import _sealed
from jaxseg import errors
from jaxseg.data import _split

# What the folder of a family of folds ends in, such as "0-folds-5".
_NAME = re.compile(r"(?:.*-)?folds-([0-9]+)")
FILE = "folds.json"
_AGAIN = "delete it, and jaxseg train draws the folds again by their seed"
_TRIES = 256


def fold_folders(folder: pathlib.Path) -> tuple[pathlib.Path, ...]:
  """The models of the folds in a family's folder; () if it is no family."""
  found = _NAME.fullmatch(folder.name)
  if found is None:
    return ()
  return tuple(folder / f"fold-{k}" for k in range(int(found[1])))


def finished(folder: pathlib.Path) -> bool:
  """Whether a model is trained, or the models of all folds are."""
  models = fold_folders(folder) or (folder,)
  return all((model / "summary.json").is_file() for model in models)


def make_folds(
  contoured: Mapping[str, tuple[str, ...]], *, folds: int, seed: int
) -> tuple[_split.Split, ...]:
  """Draws folds of equal size in which each structure occurs.

  Takes, of many seeded shuffles, the one whose worst structure is spread most
  evenly. A structure contoured on fewer patients than there are folds cannot be
  in each, and is not considered.

  Args:
    contoured: Patient -> structures contoured on it.
    folds: How many, at least 3.
    seed: Same seed and patients, same folds.

  Raises:
    ConfigError: There are too few folds, or fewer patients than folds.
    StructureNotFoundError: No shuffle has every structure in each fold.
  """
  if not 3 <= folds <= len(contoured):
    raise errors.ConfigError(
      f"folds is {folds}; give 3 or more (one to choose on, one to score on,"
      f" the others to learn from), and at most one per patient"
      f" ({len(contoured)})"
    )
  patients = sorted(contoured)
  names = sorted({name for found in contoured.values() for name in found})
  has = np.array(
    [[name in contoured[p] for name in names] for p in patients], np.int64
  ).reshape(len(patients), len(names))
  has = has[:, has.sum(0) >= folds]
  generator = np.random.Generator(np.random.PCG64([seed, folds]))
  best, groups = np.inf, None
  for _ in range(_TRIES):
    parts = np.array_split(generator.permutation(len(patients)), folds)
    counts = np.stack([has[part].sum(0) for part in parts])
    if counts.size and counts.min() == 0:
      continue
    sizes = np.array([len(part) for part in parts])[:, None]
    share = counts / sizes
    worst = np.abs(share - has.mean(0)).max() if counts.size else 0.0
    if worst < best:
      best, groups = worst, parts
  if groups is None:
    raise errors.StructureNotFoundError(
      f"no {folds} folds of {len(patients)} patients have every structure in"
      " each; take fewer folds, or add patients"
    )
  place = {p: k for k, p in enumerate(contoured)}
  own = [
    tuple(sorted((patients[k] for k in part), key=place.__getitem__))
    for part in groups
  ]
  return tuple(_rotated(own, k, place) for k in range(folds))


def _rotated(
  groups: list[tuple[str, ...]], k: int, place: Mapping[str, int]
) -> _split.Split:
  """Fold k is tested, the next one validated, the others are learnt from."""
  after = (k + 1) % len(groups)
  rest = (g for j, g in enumerate(groups) if j not in (k, after))
  train = sorted((p for g in rest for p in g), key=place.__getitem__)
  return _split.Split(tuple(train), groups[after], groups[k])


def draw_folds(
  folder: pathlib.Path,
  contoured: Mapping[str, tuple[str, ...]],
  *,
  folds: int,
  seed: int,
) -> tuple[_split.Split, ...]:
  """Draws the folds of a run folder and keeps them there.

  Args:
    folder: Run folder.
    contoured: Patient -> structures contoured on it.
    folds: How many.
    seed: Same seed, same folds; what was kept is not looked at.
  """
  made = make_folds(contoured, folds=folds, seed=seed)
  splits = [dataclasses.asdict(split) for split in made]
  _sealed.write(folder / FILE, {"seed": seed, "folds": splits})
  return made


def read_folds(
  folder: pathlib.Path, contoured: Mapping[str, tuple[str, ...]]
) -> tuple[_split.Split, ...]:
  """The folds that a run folder keeps.

  Raises:
    DataError: The file is missing, damaged, or does not fit the cohort.
  """
  path = folder / FILE
  content = _sealed.read(path, {"folds": list}, again=_AGAIN)
  try:
    found = tuple(
      _split.Split(*(tuple(one[part]) for part in _split.PARTS))
      for one in content["folds"]
    )
  except (KeyError, TypeError) as e:
    raise errors.DataError(f"{path}: holds no folds ({e}); {_AGAIN}") from e
  for split in found:
    split.check(contoured)
  return found
