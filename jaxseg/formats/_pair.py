"""Maps and references paired by the names of their files, without a guess."""

from collections.abc import Callable, Sequence
import dataclasses
import os
import pathlib
from typing import Any

from jaxseg import _text
from jaxseg import errors
from jaxseg.formats import _keys
from jaxseg.formats import _paths

_Paths = tuple[pathlib.Path, ...]
# Ways to name the files of a side, the strictest first.
_WAYS: tuple[Callable[[Sequence[pathlib.Path]], _keys.Keys], ...] = (
  _keys.stems,
  _keys.telling,
  lambda paths: _keys.stripped(_keys.telling(paths)),
)


@dataclasses.dataclass(frozen=True)
class Pair:
  """A map and its reference.

  Attributes:
    name: The case: what both files' names share.
    probabilities: The map's file.
    reference: The mask's file.
  """

  name: str
  probabilities: pathlib.Path
  reference: pathlib.Path


@dataclasses.dataclass(frozen=True)
class Pairing:
  """All pairs, and the files without a partner.

  Attributes:
    pairs: Sorted by name.
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
    rows: list[tuple[str, Any, Any, str]] = [
      (one.name, one.probabilities, one.reference, "paired")
      for one in self.pairs
    ]
    for path in self.unpaired_probabilities:
      rows.append((_paths.stem(path), path, None, "no reference"))
    for path in self.unpaired_reference:
      rows.append((_paths.stem(path), None, path, "no map"))
    return [
      {
        "case": case,
        "probabilities": None if probabilities is None else str(probabilities),
        "reference": None if reference is None else str(reference),
        "status": status,
      }
      for case, probabilities, reference, status in rows
    ]


def pair(probabilities: _paths.Given, reference: _paths.Given) -> Pairing:
  """Pairs the files of maps with those of masks by name.

  A file's name is what precedes its known suffix. Files of equal names are
  pairs. Where there are none, names are compared without what all names of
  their side begin and end with (prob_case1, prob_case2 and case1_label,
  case2_label); files that share one name in many folders go by the folders.
  Of the rest, two are a pair if one's name is the other's with words in front
  or behind, and fits no third (case1_prob and case1, or nnU-Net's case1_0000
  and case1).
  A map and a mask that are given as one file each are a pair whatever their
  names. Beside an nnU-Net .npz the segmentation of the same name is no map.

  Args:
    probabilities: A file, a folder, a pattern with `*` and recursive `**`, or
      a list of files. Of a folder, the files of known kinds in it, or, where
      it has none, those below it.
    reference: The masks, likewise.

  Returns:
    The pairs, sorted by name, and the files left over.

  Raises:
    DataError: There are no files or no pairs, a name fits two files, or a
      file is on both sides.
  """
  maps = _paths.without_segmentations(
    _paths.find(probabilities, "probabilities")
  )
  masks = _paths.find(reference, "reference")
  _check_apart(maps, masks)
  if _one_file(probabilities) and _one_file(reference):
    one = Pair(_paths.stem(maps[0]), maps[0], masks[0])
    return Pairing((one,), (), ())
  twice: errors.DataError | None = None
  for way in _WAYS:
    ours, theirs = way(maps), way(masks)
    common = set(ours.keys) & set(theirs.keys)
    if not common or _keys.at_odds(ours, theirs):
      continue
    found = _twice(maps, ours, common) or _twice(masks, theirs, common)
    if not found:
      return _extended(_paired(maps, masks, ours, theirs))
    twice = twice or found
  if twice:
    raise twice
  alone = _extended(Pairing((), maps, masks))
  if not alone.pairs:
    raise _none(maps, masks)
  return alone


def _check_apart(maps: _Paths, masks: _Paths) -> None:
  """Refuses a file on both sides, which would be compared with itself."""
  both = {path.resolve() for path in maps} & {path.resolve() for path in masks}
  if both:
    raise errors.DataError(
      f"{min(both)}: is among the maps and among the references; give patterns"
      " that do not overlap (--probabilities, --reference)"
    )


def _one_file(given: _paths.Given) -> bool:
  """Whether one file was named itself, so that no other can be meant."""
  if isinstance(given, str | os.PathLike):
    return pathlib.Path(given).is_file()
  return len(given) == 1


def _twice(
  paths: _Paths, names: _keys.Keys, common: set[str]
) -> errors.DataError | None:
  """The error for a wanted name that two files have."""
  first: dict[str, pathlib.Path] = {}
  for path, key in zip(paths, names.keys, strict=True):
    if key in common and key in first:
      return errors.DataError(
        f"{first[key]} and {path}: both fit the name {_text.shown(key)}; give"
        " one of them only, or name the pairs in a table (--pairs)"
      )
    first[key] = path
  return None


def _paired(
  maps: _Paths, masks: _Paths, ours: _keys.Keys, theirs: _keys.Keys
) -> Pairing:
  left = dict(zip(ours.keys, maps, strict=True))
  right = dict(zip(theirs.keys, masks, strict=True))
  # A name that two files of a side have is not in common, so they are left.
  pairs = [
    Pair(_keys.said(key, ours, theirs), left[key], right[key])
    for key in left.keys() & right.keys()
  ]
  return _pairing(pairs, maps, masks)


def _extended(found: Pairing) -> Pairing:
  """Adds pairs of what is left over: one's name is the other's and more words.

  Raises:
    DataError: There were no pairs, and a name fits two files.
  """
  maps, masks = found.unpaired_probabilities, found.unpaired_reference
  ours, theirs = _keys.telling(maps).keys, _keys.telling(masks).keys
  fits = [
    (i, k)
    for i, own in enumerate(ours)
    for k, other in enumerate(theirs)
    if _keys.extends(own, other) or _keys.extends(other, own)
  ]
  pairs = list(found.pairs)
  taken = {one.name for one in pairs}
  for i, k in fits:
    of_mask = [maps[a] for a, b in fits if b == k]
    of_map = [masks[b] for a, b in fits if a == i]
    name = min(ours[i], theirs[k], key=len)
    if len(of_mask) == len(of_map) == 1 and name not in taken:
      taken.add(name)
      pairs.append(Pair(name, maps[i], masks[k]))
    elif not found.pairs:
      first, second, *_ = of_mask if len(of_mask) > 1 else of_map
      raise errors.DataError(
        f"{first} and {second}: both fit the name {_text.shown(name)}; give"
        " one of them only, or name the pairs in a table (--pairs)"
      )
  return _pairing(pairs, maps, masks)


def _none(maps: _Paths, masks: _Paths) -> errors.DataError:
  return errors.DataError(
    f"no pairs: no name of {len(maps)} maps, such as"
    f" {_text.shown(maps[0].name)}, fits one of {len(masks)} references, such"
    f" as {_text.shown(masks[0].name)}; rename one side's files like the"
    " other's, or name the pairs in a table (--pairs)"
  )


def _pairing(
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
