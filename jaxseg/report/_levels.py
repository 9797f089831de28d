"""Levels of negatives: tables have all of them, figures that of most models."""

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

_Row = TypeVar("_Row", bound=Mapping[str, Any])


def own(rows: Sequence[_Row]) -> list[_Row]:
  """The rows of the level that most of them are of; of several the first.

  Args:
    rows: With the column negatives; without it all are kept.
  """
  levels = [row.get("negatives") for row in rows]
  if not levels:
    return []
  most = max(dict.fromkeys(levels), key=levels.count)
  return [row for row, level in zip(rows, levels, strict=True) if level == most]
