"""Matches a patient's contours with structures by their names."""

from collections.abc import Callable, Collection, Mapping, Sequence
import dataclasses
import itertools

from jaxseg import _text
from jaxseg import errors
from jaxseg import structures
from jaxseg.cohorts import _dicom_choice

ON_TWO = ("refuse", "first", "largest", "newest", "union")
_RANK = {"own": 0, "exact": 1, "normalised": 2, "side": 2}


@dataclasses.dataclass(frozen=True)
class Named:
  """How one contour's name was matched.

  Attributes:
    outline: The ROI or segment.
    structure: Canonical name, "" where there is none.
    status: "matched", "unknown", "set aside" (by the user's table), "not
      asked for", "empty", "second choice" (another fits better) or "refused"
      (several fit).
    reason: Explanation for people, or "".
  """

  outline: _dicom_choice.Outline
  structure: str
  status: str
  reason: str = ""


def name_all(
  outlines: Sequence[_dicom_choice.Outline],
  *,
  wanted: Collection[str],
  aliases: Mapping[str, str | None],
  on_two: str,
  volume: Callable[[_dicom_choice.Outline], float],
) -> list[Named]:
  """Finds the structure of each contour, by its name alone.

  Args:
    outlines: ROIs or segments of one structure set.
    wanted: Canonical names that may be matched.
    aliases: The user's own table.
    on_two: If two fit a structure equally well: "refuse" both, or take the
      "first" (lowest number), "newest" (highest) or "largest", or the "union".
    volume: Contour -> volume; called only for "largest".

  Returns:
    One for each outline, in their order.
  """
  result: dict[int, Named] = {}
  rivals: dict[str, list[tuple[int, int]]] = {}
  for at, one in enumerate(outlines):
    try:
      match = structures.match(one.name, own=aliases)
    except errors.StructureNotFoundError:
      close = ", ".join(structures.similar(one.name)[:2])
      reason = f"similar: {close}" if close else ""
      result[at] = Named(one, "", "unknown", reason)
      continue
    if match.name is None:
      result[at] = Named(one, "", "set aside", "by the table of names")
    elif match.name not in wanted:
      result[at] = Named(one, match.name, "not asked for")
    elif one.empty:
      why = one.malformed or "has no closed contour"
      result[at] = Named(one, match.name, "empty", why)
    else:
      rivals.setdefault(match.name, []).append((_RANK[match.rule], at))
  for name, own in rivals.items():
    best = [at for rank, at in own if rank == min(own)[0]]
    if on_two == "union" and len(best) > 1:
      for _, at in own:
        result[at] = (
          Named(outlines[at], name, "matched", f"one of {len(best)} united")
          if at in best
          else Named(outlines[at], name, "second choice", "others are united")
        )
      continue
    chosen = _decide([outlines[at] for at in best], on_two, volume)
    for _, at in own:
      one = outlines[at]
      if chosen is None:
        others = ", ".join(_said(outlines[k]) for k in best)
        status = "refused" if at in best else "second choice"
        reason = f"{len(best)} fit: {others}; --on_two says which is taken"
      elif one is chosen:
        status, reason = "matched", f"of {len(own)}" if len(own) > 1 else ""
      else:
        status = "second choice"
        reason = f"{_said(chosen)} is taken"
      result[at] = Named(one, name, status, reason)
  return [result[at] for at in range(len(outlines))]


def name_merged(
  drawings: Sequence[_dicom_choice.Drawing],
  *,
  wanted: Collection[str],
  aliases: Mapping[str, str | None],
  on_two: str,
  volume: Callable[[_dicom_choice.Outline], float],
) -> list[Named]:
  """Finds the structure of each contour of several structure sets.

  A structure is taken from the first set that has it. Sets of one kind and
  date are one set: none of them is newer.

  Args:
    drawings: Structure sets, the one that decides first.
    wanted: As of `name_all`, and so are the others.
    aliases: The user's own table.
    on_two: Which of two that fit equally well.
    volume: Contour -> volume.

  Returns:
    One for each contour, in their order.
  """
  result: list[Named] = []
  taken: dict[str, str] = {}
  for _, group in itertools.groupby(drawings, key=lambda one: one.rank):
    sets = list(group)
    named = name_all(
      [outline for one in sets for outline in one.outlines],
      wanted=wanted,
      aliases=aliases,
      on_two=on_two,
      volume=volume,
    )
    for one in named:
      if one.structure in taken and one.status not in (
        "empty",
        "not asked for",
      ):
        one = dataclasses.replace(
          one,
          status="second choice",
          reason=f"{taken[one.structure]} comes first",
        )
      result.append(one)
    taken |= {
      one.structure: str(sets[0])
      for one in named
      if one.status in ("matched", "refused") and one.structure not in taken
    }
  return result


def why_none(found: Sequence[Named]) -> str:
  """Why no contour of a patient is used, as far as names tell.

  Args:
    found: All contours of the patient, none of them matched.
  """
  for status, why in (
    ("refused", "several contours fit one structure: {}; say which (--on_two)"),
    (
      "not asked for",
      "has only structures that were not asked for: {}; name them"
      " (--structures, or --structure of train)",
    ),
    ("empty", "has only structures without a closed contour: {}"),
    ("unknown", "no contour has a known name: {}"),
  ):
    outlines = [one.outline for one in found if one.status == status]
    # An unknown name is what it is, in whichever file it stands.
    names = [
      _text.shown(one.name) if status == "unknown" else _said(one)
      for one in outlines
    ]
    if names:
      more = ", ..." if len(names) > 6 else ""
      return why.format(", ".join(names[:6]) + more)
  return "no contour has a known name"


def _said(one: _dicom_choice.Outline) -> str:
  """A contour's name, and its file where there are several."""
  name = _text.shown(one.name)
  if one.malformed:
    return f"{name} ({one.malformed})"
  return f"{name} of {_text.shown(one.file)}" if one.file else name


def _order(one: _dicom_choice.Outline) -> tuple[int, int]:
  """Sorts contours by their set's place and their number."""
  return -one.source, one.number


def _decide(
  best: Sequence[_dicom_choice.Outline],
  on_two: str,
  volume: Callable[[_dicom_choice.Outline], float],
) -> _dicom_choice.Outline | None:
  """The one that is meant, or None."""
  if len(best) == 1:
    return best[0]
  if on_two == "first":
    return min(best, key=_order)
  if on_two == "newest":
    return max(best, key=_order)
  if on_two == "largest":
    return max(best, key=lambda one: volume(one))
  return None
