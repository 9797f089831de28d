"""Numbers of named structures, from the dataset.json beside the files."""

import pathlib
from typing import Any

from jaxseg import _files
from jaxseg import _text
from jaxseg import errors

FILES = ("dataset.json", "plans.json")
_MAX_BYTES = 16 * 2**20


def number(path: pathlib.Path, name: str) -> int:
  """The number that a name has in the files of a folder.

  Looks for a mapping "labels" in dataset.json or plans.json beside the file or
  one folder up: name to number, or number to name as nnU-Net once wrote it.

  Args:
    path: The file whose structure is asked for.
    name: The structure's name, exactly as it is written there.

  Raises:
    StructureNotFoundError: No such file says the name's number, or the name
      is of a region that joins several numbers.
    DataError: The file cannot be read.
  """
  for folder in (path.absolute().parent, path.absolute().parent.parent):
    for file in FILES:
      labels = _labels(folder / file)
      if labels:
        return _number(path, folder / file, labels, name)
  raise errors.StructureNotFoundError(
    f"{path}: {_text.shown(name)} is a name, and no {' or '.join(FILES)} with"
    ' "labels" lies beside the file or one folder up; give the number'
  )


def _labels(source: pathlib.Path) -> dict[str, Any]:
  """Name to number, empty where the file is missing or has none."""
  if not source.is_file():
    return {}
  if source.stat().st_size > _MAX_BYTES:
    raise errors.DataError(
      f"{source}: larger than {_MAX_BYTES} bytes, so it is no table of labels;"
      " remove it, or give the number"
    )
  try:
    content = _files.read_json(source)
  except RecursionError as e:
    raise errors.DataError(
      f"{source}: nests too deep to be read; remove it, or give the number"
    ) from e
  labels = content.get("labels") if isinstance(content, dict) else None
  if not isinstance(labels, dict):
    return {}
  # nnU-Net 1 wrote {"1": "liver"}, nnU-Net 2 writes {"liver": 1}.
  if all(isinstance(said, str) and key.isascii() and key.isdigit()
         for key, said in labels.items()):  # fmt: skip
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
    f"{path}: no number for {_text.shown(name)} in {source.name}; it names"
    f" {known}"
  )
