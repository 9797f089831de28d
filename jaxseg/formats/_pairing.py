"""Which map belongs to which reference, and which files are left over."""

from collections.abc import Sequence
import dataclasses
import pathlib
from typing import Any

from jaxseg.formats import _suffix


@dataclasses.dataclass(frozen=True)
class Pair:
  """A map and its reference.

  Attributes:
    name: The case, as far as both files' names agree.
    probabilities: The map's file.
    reference: The mask's file.
  """

  name: str
  probabilities: pathlib.Path
  reference: pathlib.Path


@dataclasses.dataclass(frozen=True)
class Pairing:
  """All pairs, and what has none.

  Attributes:
    pairs: By name.
    unpaired_probabilities: Maps without a reference.
    unpaired_reference: References without a map.
  """

  pairs: tuple[Pair, ...]
  unpaired_probabilities: tuple[pathlib.Path, ...]
  unpaired_reference: tuple[pathlib.Path, ...]

  def __len__(self) -> int:
    return len(self.pairs)

  def audit(self) -> list[dict[str, Any]]:
    """A JSON-able row for each pair and each file without one.

    Returns:
      Rows of "case", "probabilities", "reference" (paths, None where there is
      none) and "status": "paired", "no reference" or "no map".
    """
    rows = [
      _row(one.name, one.probabilities, one.reference, "paired")
      for one in self.pairs
    ]
    for path in self.unpaired_probabilities:
      rows.append(_row(_suffix.stem(path), path, None, "no reference"))
    for path in self.unpaired_reference:
      rows.append(_row(_suffix.stem(path), None, path, "no map"))
    return rows


def of(
  pairs: Sequence[Pair],
  maps: Sequence[pathlib.Path],
  masks: Sequence[pathlib.Path],
) -> Pairing:
  """Pairs by name, and those of the files that are in none."""
  used = {path for one in pairs for path in (one.probabilities, one.reference)}
  return Pairing(
    tuple(sorted(pairs, key=lambda one: one.name)),
    tuple(path for path in maps if path not in used),
    tuple(path for path in masks if path not in used),
  )


def _row(
  case: str,
  probabilities: pathlib.Path | None,
  reference: pathlib.Path | None,
  status: str,
) -> dict[str, Any]:
  return {
    "case": case,
    "probabilities": None if probabilities is None else str(probabilities),
    "reference": None if reference is None else str(reference),
    "status": status,
  }
