"""One of several channels, by its number; never a guess."""

import pathlib

from jaxseg import _text
from jaxseg import errors


def choose(count: int, structure: str | int | None, path: pathlib.Path) -> int:
  """The index of the channel asked for.

  Args:
    count: Number of channels.
    structure: Index, from 0.
    path: The file, for messages.

  Raises:
    DataError: There are several channels, and none was asked for.
    StructureNotFoundError: There is no such channel, or it was asked for by a
      name, which channels do not have.
  """
  there = f"{count} channels, 0 to {count - 1}"
  if structure is None:
    raise errors.DataError(
      f"{path}: holds {there}; say which is meant, by its number"
    )
  if isinstance(structure, str):
    raise errors.StructureNotFoundError(
      f"{path}: {_text.shown(structure)} is a name, but the file holds"
      f" {there}, without names; give a number"
    )
  if not 0 <= structure < count:
    raise errors.StructureNotFoundError(
      f"{path}: no channel {structure}; it holds {there}"
    )
  return int(structure)
