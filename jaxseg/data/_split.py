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

  @property
  def digest(self) -> str:
    """Fingerprint of the three lists."""
    return _files.digest([self.train, self.validation, self.test])

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

  Takes, of many seeded shuffles, the one whose worst structure comes closest
  to the wanted fractions. Of few patients, validation and test may need a
  larger share. A structure contoured on fewer than three patients cannot be in
  each part and is not considered.

  Args:
    contoured: Patient -> structures contoured on it.
    seed: Same seed and patients, same split.
    fractions: Shares of train, validation and test; they sum to 1.

  Raises:
    ConfigError: The fractions are not three positive shares of 1.
    StructureNotFoundError: No split has every structure in each part.
  """
  if min(fractions) <= 0 or abs(sum(fractions) - 1) > 1e-6:
    raise errors.ConfigError(
      f"split fractions {fractions} are not three positive shares of 1"
    )
  patients = sorted(contoured)
  names = sorted({name for found in contoured.values() for name in found})
  has = np.array(
    [[name in contoured[p] for name in names] for p in patients], np.int64
  ).reshape(len(patients), len(names))
  common = has.sum(0) >= 3
  if not common.any():
    raise errors.StructureNotFoundError(
      f"no structure is contoured on three of {len(patients)} patients, and a"
      " split needs one in each part; add patients"
    )
  has = has[:, common]
  generator = np.random.Generator(np.random.PCG64(seed))
  wanted = np.maximum(1, np.rint(np.array(fractions[1:]) * len(patients)))
  order = None
  while order is None:
    sizes = tuple(int(n) for n in wanted)
    if sum(sizes) >= len(patients):
      raise errors.StructureNotFoundError(
        f"no split of {len(patients)} patients has each of"
        f" {', '.join(np.array(names)[common])} in each part; give a split"
        " file, or add patients"
      )
    order = _order(has, sizes, fractions, generator)
    wanted[np.argmin(wanted)] += 1
  chosen = [patients[i] for i in order]
  place = {p: i for i, p in enumerate(contoured)}
  validation, test = chosen[: sizes[0]], chosen[sizes[0] : sum(sizes)]
  return Split(
    *(
      tuple(sorted(part, key=place.__getitem__))
      for part in (chosen[sum(sizes) :], validation, test)
    )
  )


def _order(
  has: np.ndarray,
  sizes: tuple[int, ...],
  fractions: tuple[float, float, float],
  generator: np.random.Generator,
) -> np.ndarray | None:
  """The best of many shuffles: validation, then test, then train.

  Args:
    has: Whether a patient has a structure, int64 `[patient, structure]`.
    sizes: Patients of validation and test.
    fractions: Shares of train, validation and test.
    generator: Shuffles.

  Returns:
    The order of patients; None if each lacks a structure in some part.
  """
  best, result = np.inf, None
  for _ in range(_TRIES):
    order = generator.permutation(len(has))
    parts = np.split(has[order], np.cumsum(sizes))
    counts = np.stack([parts[k].sum(0) for k in (2, 0, 1)])
    if counts.min() == 0:
      continue
    share = counts / has.sum(0)
    worst = np.abs(share - np.array(fractions)[:, None]).max()
    if worst < best:
      best, result = worst, order
  return result
