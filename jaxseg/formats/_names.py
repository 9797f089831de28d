"""Whether a class and a label are one structure, by their dataset.json."""

import pathlib

from jaxseg import _text
from jaxseg import errors
from jaxseg.formats import _dataset_json
from jaxseg.formats import _labels
from jaxseg.formats import _masks
from jaxseg.formats import _numpy
from jaxseg.formats import _paths


def at_odds(
  probabilities: pathlib.Path,
  structure: str | int | None,
  reference: pathlib.Path,
  label: _masks.Wanted,
) -> str | None:
  """Says that the names of a class and of a label differ.

  Reads nothing but dataset.json, and says nothing where that cannot be read.

  Args:
    probabilities: The map.
    structure: Its class, as in `read_probabilities`.
    reference: The mask.
    label: Its label, as in `read_reference`.

  Returns:
    A line, or None where they agree or a name is not known.
  """
  try:
    return _at_odds(probabilities, structure, reference, label)
  except (errors.DataError, errors.StructureNotFoundError):
    return None  # No dataset.json to judge by, or the name of a segment.


def _at_odds(
  probabilities: pathlib.Path,
  structure: str | int | None,
  reference: pathlib.Path,
  label: _masks.Wanted,
) -> str | None:
  ours = _labels.labels_of(probabilities, beside=reference)
  if ours is None or structure is None:
    return None
  if isinstance(structure, str):
    own = ours.names.get(structure)
    name: str | None = structure
  else:
    own, name = _of_channel(ours, probabilities, structure)
  if own is None:
    return None
  said = _said("class", name, own)
  if set(own) == {0}:
    return f"{said} of {ours.source} is the background; give another (--class)"
  theirs = _labels.labels_of(reference, beside=probabilities)
  if theirs is None or label is None or _paths.kind(reference) == ".dcm":
    return None
  given = [label] if isinstance(label, str | int) else label
  wanted = [
    value
    for one in given
    for value in _dataset_json.values(
      reference, one, "--label", beside=probabilities
    )
  ]
  other = theirs.name(wanted)
  if isinstance(label, str) and label in theirs.names:
    other = label  # Two names may stand for the same labels.
  same = set(own) == set(wanted)
  if name is not None and other is not None:
    agree = _plain(name) == _plain(other)
    agree = agree or (same and ours.names == theirs.names)
  else:
    agree = same or ours.names != theirs.names
  if agree:
    return None
  return (
    f"{said} of {ours.source} and {_said('label', other, tuple(wanted))} of"
    f" {theirs.source} differ; give the same structure (--class, --label),"
    " unless the reference numbers its labels in another way"
  )


def label_of(
  probabilities: pathlib.Path, index: int, reference: pathlib.Path
) -> str | int | tuple[int, ...]:
  """The label of a map's channel, as dataset.json tells it.

  Args:
    probabilities: The map.
    index: The channel, from 0.
    reference: Its reference, whose dataset.json counts where the map has none.

  Returns:
    The channel's name, its labels where it has none, or the channel's number
    where no dataset.json tells.
  """
  try:
    ours = _labels.labels_of(probabilities, beside=reference)
    if ours is None:
      return index
    own, name = _of_channel(ours, probabilities, index)
  except errors.DataError:
    return index  # Whoever reads it says why.
  if own is None:
    return index
  return own if name is None else name


def _of_channel(
  labels: _labels.Labels, path: pathlib.Path, index: int
) -> tuple[tuple[int, ...] | None, str | None]:
  """The labels and the name of a channel, where they are known."""
  # Of other files it takes reading all of them.
  cheap = _paths.suffix(path) in (".npy", ".npz")
  count = _numpy.channels(path) if cheap else 0
  channels = labels.channels(count)
  if channels is None or not 0 <= index < len(channels):
    return None, None
  if len(labels.regions) == count:
    return channels[index], list(labels.regions)[index]
  return channels[index], labels.name(channels[index])


def _said(what: str, name: str | None, labels: tuple[int, ...]) -> str:
  numbers = ", ".join(map(str, labels))
  if name is None:
    return f"{what} {numbers}"
  return f"{what} {_text.shown(name)} ({numbers})"


def _plain(name: str) -> str:
  return "".join(c for c in name.casefold() if c.isalnum())
