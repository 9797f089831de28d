"""What counts that are put together must have in common."""

from collections.abc import Mapping, Sequence
import lzma
from typing import Any
import zipfile
import zlib

import numpy as np

from jaxseg import _text
from jaxseg import errors

# What NumPy and zipfile raise of files that are cut or not theirs.
UNREADABLE = (
  OSError,
  EOFError,
  ValueError,
  TypeError,
  KeyError,
  IndexError,
  AttributeError,
  NotImplementedError,
  zipfile.BadZipFile,
  lzma.LZMAError,
  zlib.error,
  errors.JaxsegError,
)


def class_columns(facts: Mapping[str, Any]) -> dict[str, Any]:
  """Class and label of maps as a table's columns; nothing if not given."""
  found: dict[str, Any] = {}
  for name, fact in (("class", "structure"), ("label", "label")):
    value = facts.get(fact)
    several = isinstance(value, list | tuple)
    found[name] = ",".join(map(str, value or ())) if several else value
  return found if any(v is not None for v in found.values()) else {}


def all_or_none(
  arrays: Sequence[np.ndarray | None],
) -> np.ndarray | None:
  """All of them below one another, or None if one is not there."""
  there = [array for array in arrays if array is not None]
  return np.concatenate(there) if len(there) == len(arrays) else None


def check(first: Any, other: Any) -> None:
  """Refuses counts at other thresholds, in other scopes or of other facts."""
  if other.grid != first.grid:
    raise errors.DataError(
      f"counts at grids of {first.grid} and {other.grid} thresholds do not go"
      " together; count again with the same"
    )
  pairs: list[tuple[str, Any, Any]] = [
    ("scopes", list(first.scopes), list(other.scopes)),
    *(
      (name, first.facts.get(name), other.facts.get(name))
      for name in {**first.facts, **other.facts}
    ),
  ]
  if first.cuts is not None and other.cuts is not None:
    pairs.append(("surfaces at", first.cuts.tolist(), other.cuts.tolist()))
  for name, ours, theirs in pairs:
    if ours != theirs:
      raise errors.DataError(
        f"case {_text.shown(first.names[0])} was counted with {name} {ours},"
        f" case {_text.shown(other.names[0])} with {theirs}; count all cases"
        " alike"
      )


def places(whole: Any) -> dict[tuple[str, str], int]:
  """Where each case of joined counts is, by part and name; once, if twice.

  Raises:
    DataError: A case is there twice with different counts.
  """
  bare = whole.lacks_surfaces
  found: dict[tuple[str, str], int] = {}
  for place, key in enumerate(zip(whole.parts, whole.names, strict=True)):
    seen = found.get(key, place)
    for counts in whole.scopes.values():
      for of_class in (counts.positive, counts.negative):
        if not np.array_equal(of_class[seen], of_class[place]):
          raise errors.DataError(
            f"case {_text.shown(key[1])} is there twice with different"
            " counts; merge one of the two"
          )
    found[key] = seen if bare[place] else place
  return found
