"""Which case of one side is which of another, and which structure which."""

from collections.abc import Mapping, Sequence
import dataclasses
import os
import pathlib
from typing import Any

from jaxseg import _text
from jaxseg import dicom
from jaxseg import errors
from jaxseg import formats
from jaxseg import structures
from jaxseg.cohorts import _contour_folder
from jaxseg.cohorts import _contours
from jaxseg.cohorts import _mask_files

_RANK = {"own": 0, "exact": 1, "normalised": 2, "side": 2}
ON_TWO = ("refuse", "first", "union")
_LETTERS = "="  # Before what stands for a name that no table has.


def open_side(
  given: str | os.PathLike[str],
  *,
  beside: Sequence[str | os.PathLike[str]] = (),
  layout: str = "auto",
  aliases: Mapping[str, str | None] | None = None,
  options: Mapping[str, Any] | None = None,
) -> _contours.Side:
  """Finds the cases of a source, whatever its format.

  Args:
    given: A file, a folder, or a pattern with `*`. With an RTSTRUCT or SEG in
      it, it is read as DICOM, else as files of masks.
    beside: Folders with the images of contours, if they are elsewhere.
    layout: As of `MaskFiles`.
    aliases: As of `MaskFiles`.
    options: How DICOM is read, as keywords of `ContourFolder`.

  Returns:
    The cases.

  Raises:
    DataError: There is nothing to read.
  """
  where = pathlib.Path(given)
  found = dicom.find_series(where) if where.exists() else None
  if found and any(s.is_structure_set or s.is_segmentation for s in found):
    return _contour_folder.ContourFolder(
      where, beside=beside, **(options or {})
    )
  try:
    return _mask_files.MaskFiles(given, layout=layout, aliases=aliases)
  except errors.DataError as e:
    unread = [] if found is None else [path for path, _ in found.broken]
    unread += [] if found is None else found.claiming
    if not unread:
      raise
    more = f" and {len(unread) - 1} more" if len(unread) > 1 else ""
    raise errors.DataError(
      f"{given}: holds no contours; {unread[0]}{more} cannot be read as DICOM,"
      " copy it again"
    ) from e


def pair_cases(
  ours: _contours.Side, theirs: _contours.Side
) -> list[tuple[str, str]]:
  """Pairs the cases of two sides.

  Cases on the same series of images are pairs; the others are paired by their
  names, see `formats.pair_names`.

  Args:
    ours: One side.
    theirs: The other.

  Returns:
    Names of both, in the order of `ours`.

  Raises:
    DataError: A case fits two, or there are no pairs.
  """
  _check_apart(ours, theirs)
  pairs: dict[str, str] = {}
  series = {name: theirs.series(name) for name in theirs.cases}
  for name in ours.cases:
    same = [k for k, uids in series.items() if uids & ours.series(name)]
    if len(same) > 1:
      raise errors.DataError(
        f"{_text.shown(name)}: {len(same)} cases of the other side are on its"
        f" images, {', '.join(map(_text.shown, same[:4]))}; give one of them"
      )
    if same and same[0] not in pairs.values():
      pairs[name] = same[0]
  left = [name for name in ours.cases if name not in pairs]
  right = [name for name in theirs.cases if name not in pairs.values()]
  # Two that are known to be on different images are no pair for their names.
  for i, k in formats.pair_names(left, right):
    if not (ours.series(left[i]) and series[right[k]]):
      pairs[left[i]] = right[k]
  if not pairs:
    raise errors.DataError(
      f"no pairs: none of {len(ours.cases)} cases, such as"
      f" {_text.shown(ours.cases[0] if ours.cases else '')}, is one of"
      f" {len(theirs.cases)}, such as"
      f" {_text.shown(theirs.cases[0] if theirs.cases else '')}; give the same"
      " cases, named alike"
    )
  return [(name, pairs[name]) for name in ours.cases if name in pairs]


def _check_apart(ours: _contours.Side, theirs: _contours.Side) -> None:
  """Refuses a file on both sides, which would be compared with itself."""
  first, second = (
    {
      path.resolve()
      for case in side.cases
      for path in side.files(case, images=False)
    }
    for side in (ours, theirs)
  )
  if both := first & second:
    raise errors.DataError(
      f"{min(both)}: is on both sides, and would be compared with itself; give"
      " folders or patterns that do not overlap (--prediction, --reference)"
    )


@dataclasses.dataclass(frozen=True)
class Matched:
  """One structure of two sides.

  Attributes:
    structure: Canonical name, or that of the files where it is none.
    ours: Its names on one side, several if they are united; none if it is not
      there.
    theirs: Likewise on the other.
    refused: Why it cannot be told which is meant, or "".
    alone: Whether the names differ, and are one for being alone on both sides.
  """

  structure: str
  ours: tuple[str, ...]
  theirs: tuple[str, ...]
  refused: str = ""
  alone: bool = False


def match_structures(
  ours: Sequence[str],
  theirs: Sequence[str],
  *,
  our_aliases: Mapping[str, str | None] | None = None,
  their_aliases: Mapping[str, str | None] | None = None,
  on_two: str = "refuse",
) -> list[Matched]:
  """Matches names of structures by what they mean.

  Names of known structures, or of a table of one's own, are matched by the
  structure, see `structures.match`; others are matched by their letters and
  digits alone. A single structure on both sides is one whatever its names,
  unless both are known: a brain is never compared with a spinal cord.

  Args:
    ours: Names on one side, each once.
    theirs: Names on the other.
    our_aliases: Own names of the first side.
    their_aliases: Own names of the second.
    on_two: If two names of a side fit equally well: "refuse" both, or take
      the "first", or the "union".

  Returns:
    All structures, first those of `theirs`.

  Raises:
    ConfigError: `on_two` is unknown.
  """
  if on_two not in ON_TWO:
    raise errors.ConfigError(
      f"on_two: {on_two!r} is unknown; give {', '.join(ON_TWO)}"
    )
  left = _by_structure(ours, our_aliases or {}, on_two)
  right = _by_structure(theirs, their_aliases or {}, on_two)
  if len(left) == len(right) == 1 and set(left) != set(right):
    ((key, (own, why)),) = left.items()
    ((other, (those, because)),) = right.items()
    known = {name for name in (key, other) if not name.startswith(_LETTERS)}
    if len(known) < 2:
      # A number, or a file's name, says less than a structure's.
      keep = key in known or (other not in known and those[0].isdigit())
      named, names = (key, own) if keep else (other, those)
      return [
        Matched(_shown(named, names), own, those, why or because, alone=True)
      ]
  found = []
  for key in dict.fromkeys((*right, *left)):
    own, why = left.get(key, ((), ""))
    those, because = right.get(key, ((), ""))
    by_name = {_plain(name): name for name in own}
    same = {_plain(name): name for name in those}
    if (why or because) and by_name.keys() == same.keys():
      # GTV-1 and GTV-2 of both sides: each is clear.
      found += [Matched(same[n], (by_name[n],), (same[n],)) for n in same]
      continue
    name = _shown(key, those or own)
    found.append(Matched(name, own, those, why or because))
  return found


def _plain(name: str) -> str:
  """The letters and digits of a name."""
  return "".join(c for c in name.casefold() if c.isalnum())


def _shown(key: str, names: Sequence[str]) -> str:
  """A structure's name; of one that is not known, that of the files."""
  return names[0] if key.startswith(_LETTERS) else key


def _by_structure(
  names: Sequence[str], aliases: Mapping[str, str | None], on_two: str
) -> dict[str, tuple[tuple[str, ...], str]]:
  """Structure -> the names that are taken for it, and why it is refused."""
  rivals: dict[str, list[tuple[int, str]]] = {}
  for name in names:
    # Of two that share a name, the second has its number behind it.
    base, mark, number = name.rpartition("#")
    plain = base if mark and number.isdigit() and base in names else name
    try:
      match = structures.match(plain, own=aliases)
    except errors.StructureNotFoundError:
      letters = _plain(plain) or plain
      rivals.setdefault(_LETTERS + letters, []).append((3, name))
      continue
    if match.name is not None:
      rivals.setdefault(match.name, []).append((_RANK[match.rule], name))
  return {
    structure: _taken([n for rank, n in own if rank == min(own)[0]], on_two)
    for structure, own in rivals.items()
  }


def _taken(best: Sequence[str], on_two: str) -> tuple[tuple[str, ...], str]:
  if len(best) == 1 or on_two == "union":
    return tuple(best), ""
  if on_two == "first":
    return (best[0],), ""
  listed = ", ".join(map(_text.shown, best[:4]))
  return (
    tuple(best),
    f"{len(best)} fit: {listed}; --on_two says which is taken",
  )
