"""Train, validation and test: whole patients, every structure in each."""

from collections.abc import Mapping
import dataclasses
import pathlib

import numpy as np

from jaxseg import _files
from jaxseg import errors

PARTS = ("train", "validation", "test")
_TRIES = 256


@dataclasses.dataclass(frozen=True)
class Split:
  """Three disjoint lists of patients.

  Attributes:
    train: Their slices teach the network.
    validation: They choose checkpoint and threshold.
    test: They are scored, once, at the threshold chosen.
  """

  train: tuple[str, ...]
  validation: tuple[str, ...]
  test: tuple[str, ...]

  def __post_init__(self):
    seen: dict[str, str] = {}
    for part in PARTS:
      for name in getattr(self, part):
        if name in seen:
          raise errors.DataError(
            f"split: patient {name} is in {seen[name]} and in {part};"
            " leave it in one"
          )
        seen[name] = part

  def part(self, name: str) -> tuple[str, ...]:
    """The patients of "train", "validation" or "test"."""
    return getattr(self, name)

  def write(self, path: pathlib.Path) -> None:
    """Writes the split as JSON."""
    _files.write_json(path, dataclasses.asdict(self))

  @staticmethod
  def read(path: pathlib.Path) -> "Split":
    """Reads a split.

    Raises:
      DataError: The file is missing, not JSON, lacks a part, or has a
        patient in two parts.
    """
    content = _files.read_json(path)
    try:
      if set(content) != set(PARTS):
        raise KeyError
      parts = [content[part] for part in PARTS]
      if not all(
        isinstance(names, list) and all(isinstance(n, str) for n in names)
        for names in parts
      ):
        raise KeyError
    except (KeyError, TypeError) as e:
      raise errors.DataError(
        f"{path}: not a split; it needs the lists train, validation and"
        " test of patient names"
      ) from e
    try:
      return Split(*map(tuple, parts))
    except errors.DataError as e:
      raise errors.DataError(f"{path}: {e}") from e

  def check(self, contoured: Mapping[str, tuple[str, ...]]) -> None:
    """Checks that the split fits a cohort.

    Args:
      contoured: Patient -> structures contoured on it.

    Raises:
      DataError: A patient of the split is not in the cohort.
    """
    for part in PARTS:
      for name in self.part(part):
        if name not in contoured:
          raise errors.DataError(
            f"split: patient {name} ({part}) is not in the cohort; remove"
            " it or prepare the cohort that has it"
          )


def make_split(
  contoured: Mapping[str, tuple[str, ...]],
  *,
  seed: int,
  fractions: tuple[float, float, float] = (0.65, 0.15, 0.2),
) -> Split:
  """Draws a split in which each structure occurs in each part.

  Of many seeded shuffles the one is taken whose worst structure is nearest to
  the wanted fractions.

  Args:
    contoured: Patient -> structures contoured on it.
    seed: Same seed and patients, same split.
    fractions: Shares of train, validation and test; they sum to 1.

  Raises:
    ConfigError: The fractions are not three positive shares of 1.
    StructureNotFoundError: A structure has fewer than three patients, or
      cannot be had in each part.
  """
  if min(fractions) <= 0 or abs(sum(fractions) - 1) > 1e-6:
    raise errors.ConfigError(
      f"split fractions {fractions} are not three positive shares of 1"
    )
  patients = sorted(contoured)
  structures = sorted({name for names in contoured.values() for name in names})
  has = np.array(
    [[s in contoured[p] for s in structures] for p in patients], np.int64
  ).reshape(len(patients), len(structures))
  for name, count in zip(structures, has.sum(0), strict=True):
    if count < 3:
      raise errors.StructureNotFoundError(
        f"{name}: contoured on {count} patients, and a split needs 3; leave"
        " the structure out or add patients"
      )
  cuts = np.maximum(1, np.rint(np.array(fractions[1:]) * len(patients)))
  validation, test = (int(c) for c in cuts)
  generator = np.random.Generator(np.random.PCG64(seed))
  best, best_order = np.inf, None
  for _ in range(_TRIES):
    order = generator.permutation(len(patients))
    parts = (
      has[order[validation + test :]],
      has[order[:validation]],
      has[order[validation : validation + test]],
    )
    counts = np.stack([part.sum(0) for part in parts])  # [part, structure]
    if counts.size and counts.min() == 0:
      continue
    share = counts / np.maximum(has.sum(0), 1)
    worst = np.abs(share - np.array(fractions)[:, None]).max(initial=0.0)
    if worst < best:
      best, best_order = worst, order
  if best_order is None or len(patients) < 3:
    raise errors.StructureNotFoundError(
      f"no split of {len(patients)} patients has each of"
      f" {', '.join(structures)} in each part; give a split file, or fewer"
      " structures"
    )
  names = [patients[i] for i in best_order]
  in_order = {p: i for i, p in enumerate(contoured)}
  return Split(
    *(
      tuple(sorted(part, key=in_order.__getitem__))
      for part in (
        names[validation + test :],
        names[:validation],
        names[validation : validation + test],
      )
    )
  )
