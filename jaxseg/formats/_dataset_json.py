"""Which channel or label a number or a name means; never a guess."""

import pathlib
from typing import Any

from jaxseg import _files
from jaxseg import _text
from jaxseg import errors

FILES = ("dataset.json", "plans.json")
_MAX_BYTES = 16 * 2**20


def channel(count: int, structure: str | int | None, path: pathlib.Path) -> int:
  """The index of the channel asked for.

  Args:
    count: Number of channels.
    structure: Index, from 0.
    path: The file, for messages.
  """
  there = f"{count} channels, 0 to {count - 1}"
  if structure is None:
    raise errors.DataError(f"{path}: holds {there}; say which by its number")
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


def number(path: pathlib.Path, name: str) -> int:
  """The label that dataset.json gives to a name.

  Takes the mapping "labels" of a dataset.json or plans.json beside the file or
  one folder up: name to number, or number to name as nnU-Net 1 wrote it.

  Args:
    path: The file whose structure is asked for.
    name: The structure's name, exactly as it is written there.
  """
  for folder in (path.absolute().parent, path.absolute().parent.parent):
    for file in FILES:
      labels = _labels(folder / file)
      if labels:
        return _number(path, folder / file, labels, name)
  raise errors.StructureNotFoundError(
    f"{path}: {_text.shown(name)} is a name, and there is no"
    f' {" or ".join(FILES)} with "labels" beside the file or one folder up;'
    " give the number"
  )


def _labels(source: pathlib.Path) -> dict[str, Any]:
  """Name to number; empty where the file is missing or has no labels."""
  if not source.is_file():
    return {}
  if source.stat().st_size > _MAX_BYTES:
    raise errors.DataError(
      f"{source}: larger than {_MAX_BYTES} bytes, too large for a table of"
      " labels; remove it, or give the number"
    )
  content = _files.read_json(source)
  labels = content.get("labels") if isinstance(content, dict) else None
  if not isinstance(labels, dict):
    return {}
  # nnU-Net 1 wrote {"1": "liver"}, nnU-Net 2 writes {"liver": 1}.
  numbered = (
    isinstance(named, str) and key.isascii() and key.isdigit()
    for key, named in labels.items()
  )
  if all(numbered):
    names = list(labels.values())
    return {n: int(k[:9]) for k, n in labels.items() if names.count(n) == 1}
  return labels


def _number(
  path: pathlib.Path, source: pathlib.Path, labels: dict[str, Any], name: str
) -> int:
  found = labels.get(name)
  if isinstance(found, int) and not isinstance(found, bool):
    return found
  if isinstance(found, list):
    raise errors.StructureNotFoundError(
      f"{path}: {_text.shown(name)} is a region of several labels in"
      f" {source.name}; give the number of its channel"
    )
  known = ", ".join(_text.shown(one) for one in list(labels)[:20])
  raise errors.StructureNotFoundError(
    f"{path}: {source.name} has no number for {_text.shown(name)}; it names"
    f" {known}"
  )
