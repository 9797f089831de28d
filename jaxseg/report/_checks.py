"""Checks of the rows that tables and figures are made from."""

from collections.abc import Mapping, Sequence
from typing import Any

from jaxseg import errors


def columns(
  what: str, rows: Sequence[Mapping[str, Any]], names: Sequence[str]
) -> None:
  """Raises DataError unless there are rows and each has the named columns."""
  if not rows:
    raise errors.DataError(
      f"{what}: no rows; run the analysis that makes them first"
    )
  for number, row in enumerate(rows):
    missing = [name for name in names if name not in row]
    if missing:
      raise errors.DataError(
        f"{what}: row {number} lacks {', '.join(missing)};"
        f" give rows with {', '.join(names)}"
      )
