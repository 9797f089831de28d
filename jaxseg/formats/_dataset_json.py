"""Which channel or label a number or a name means; never a guess."""

import dataclasses
import pathlib

from jaxseg import _text
from jaxseg import errors
from jaxseg.formats import _labels


@dataclasses.dataclass(frozen=True)
class Asked:
  """Which channel of a file is asked for.

  Attributes:
    structure: Its index, from 0, or a name of a dataset.json.
    flag: What gives it on the command line, for messages.
    beside: Another file whose dataset.json counts where the file has none.
  """

  structure: str | int | None
  flag: str
  beside: pathlib.Path | None = None


def channel(count: int, asked: Asked, path: pathlib.Path) -> int:
  """The index of the channel asked for, of so many.

  Args:
    count: Number of channels.
    asked: Which one.
    path: The file.
  """
  there = f"{count} channels, 0 to {count - 1}"
  structure, flag = asked.structure, asked.flag
  if structure is None:
    what = f"say which by its number ({flag})" if flag else "write a label map"
    raise errors.DataError(f"{path}: holds {there}; {what}")
  if isinstance(structure, str):
    labels = needed(path, structure, flag, beside=asked.beside)
    return _named(count, structure, path, labels, flag)
  if not 0 <= structure < count:
    raise errors.StructureNotFoundError(
      f"{path}: no channel {structure}; it holds {there}; give another number"
      f" ({flag})"
    )
  return int(structure)


def _named(
  count: int, name: str, path: pathlib.Path, labels: _labels.Labels, flag: str
) -> int:
  index = labels.channel(name, count)
  if index is not None:
    return index
  if name not in labels.names:
    raise _unknown(path, labels, name, flag)
  if labels.channels(count) is not None:
    fact = "of which none is of that name alone"
  elif len(labels.regions) == count:
    fact = (
      "which may be its regions or its labels, as it has no regions_class_order"
    )
  else:
    fact = f"for {len(labels.softmax)} labels with the background" + (
      f" and {len(labels.regions)} regions" if labels.regions else ""
    )
  raise errors.StructureNotFoundError(
    f"{path}: {_text.shown(name)} is in {labels.source.name}, and the file has"
    f" {count} channels, {fact}; give the channel's number ({flag})"
  )


def values(
  path: pathlib.Path,
  wanted: str | int,
  flag: str,
  *,
  beside: pathlib.Path | None = None,
) -> tuple[int, ...]:
  """The labels of a name, or of several with commas between; of a number it.

  Args:
    path: The file whose structure is asked for.
    wanted: A number, or a name exactly as it is written in dataset.json.
    flag: What gives it on the command line, for messages.
    beside: Another file whose dataset.json counts where this one has none.
  """
  if not isinstance(wanted, str):
    return (int(wanted),)
  labels = needed(path, wanted, flag, beside=beside)
  if wanted in labels.names:
    return labels.names[wanted]
  if wanted == _labels.IGNORE and labels.ignore is not None:
    return (labels.ignore,)
  found: list[int] = []
  for part in map(str.strip, wanted.split(",")):
    if part.isascii() and part.isdigit():
      found.append(int(part[:9]))
    elif part in labels.names:
      found += labels.names[part]
    else:
      raise _unknown(path, labels, part, flag)
  return tuple(dict.fromkeys(found))


def needed(
  path: pathlib.Path,
  name: str,
  flag: str,
  *,
  beside: pathlib.Path | None = None,
) -> _labels.Labels:
  """The labels that a name is looked up in."""
  found = _labels.labels_of(path, beside=beside)
  if found is not None:
    return found
  raise errors.StructureNotFoundError(
    f"{path}: {_text.shown(name)} is a name, and there is no"
    f' {" or ".join(_labels.FILES)} with "labels" beside the file or up to'
    f" {_labels.FOLDERS_UP} folders up; give the number ({flag})"
  )


def _unknown(
  path: pathlib.Path, labels: _labels.Labels, name: str, flag: str
) -> errors.StructureNotFoundError:
  return errors.StructureNotFoundError(
    f"{path}: {labels.source.name} has no number for {_text.shown(name)}; it"
    f" names {labels.said} ({flag})"
  )
