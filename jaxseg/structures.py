"""The organ vocabulary: names, TG-263 names, aliases, sides and colours.

A structure has one canonical name everywhere in jaxseg ("parotid_left"). Other
people's names are translated by one table and one strict rule, `resolve`;
nothing is guessed, because "Cord" taken for "Chiasm" is a wrong dose.

References:
  AAPM Task Group 263, Standardizing nomenclatures in radiation oncology, 2018.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
import dataclasses
import difflib
import json
import os
import pathlib
import re
import types
from typing import Any, TypeVar
import unicodedata

from jaxseg import _organs
from jaxseg import errors

_Named = TypeVar("_Named")


@dataclasses.dataclass(frozen=True)
class Structure:
  """What is known of one structure apart from any patient.

  Attributes:
    name: Canonical name, lower case, side last: "parotid_left".
    label: For people: "left parotid".
    tg263: Name after TG-263, exact case, at most 16 characters.
    side: "left", "right", or None for what is single or not one-sided.
    color: sRGB, 0 to 255 each; no two structures share one.
    aliases: Other names that `resolve` takes exactly as written.
    kind: "organ", or "target" for tumours and planning targets, which are
      never among the structures that are chosen by default.
    open_ended: The structure goes on beyond the range that is usually
      contoured, so slices outside of that range are unknown, not negative.
  """

  name: str
  label: str
  tg263: str
  side: str | None
  color: tuple[int, int, int]
  aliases: tuple[str, ...]
  kind: str = "organ"
  open_ended: bool = False


_LEFT = ("left", "l", "lt", "li", "links", "gauche", "g", "izq", "esq")
_RIGHT = ("right", "r", "rt", "re", "rechts", "droit", "d", "der", "dir")
_SIDE_OF = dict.fromkeys(_LEFT, "left") | dict.fromkeys(_RIGHT, "right")


def _split(aliases: str) -> list[str]:
  """The aliases of a row."""
  return [alias for alias in aliases.split("; ") if alias]


def _both_sides(
  name: str, tg263: str, color: int, aliases: str
) -> Iterator[Structure]:
  """The left and the right structure of a row."""
  # A darker right side: one organ, one hue, yet two colours.
  dark = (color >> 1 & 0x7F7F7F) + (color >> 3 & 0x1F1F1F)
  for side, letter, shade in (("left", "L", color), ("right", "R", dark)):
    glued = [a for a in _split(aliases) if "{}" in a]
    plain = [a for a in _split(aliases) if "{}" not in a]
    yield Structure(
      name=f"{name}_{side}",
      label=f"{side} {name.replace('_', ' ')}",
      tg263=f"{tg263}_{letter}",
      side=side,
      color=_rgb(shade),
      aliases=(
        *(alias.format(side.capitalize()) for alias in glued),
        *(f"{alias} {side}" for alias in plain),
      ),
      open_ended=name in _organs.OPEN_ENDED,
    )


def _single(
  name: str, tg263: str, color: int, aliases: str, *, kind: str = "organ"
) -> Structure:
  """The structure of a row without sides."""
  label = name.replace("_", " ")
  return Structure(
    name=name,
    label=label if kind == "organ" else label.upper(),
    tg263=tg263,
    side=None,
    color=_rgb(color),
    aliases=tuple(_split(aliases)),
    kind=kind,
    open_ended=name in _organs.OPEN_ENDED,
  )


def _rgb(color: int) -> tuple[int, int, int]:
  """The three bytes of 0xRRGGBB."""
  return color >> 16 & 255, color >> 8 & 255, color & 255


def _normal(name: str) -> str:
  """Lower case, one space for each run of separators, none at the ends."""
  text = unicodedata.normalize("NFC", name).casefold()
  return re.sub(r"[\s_.\-^/]+", " ", text.replace("\0", " ")).strip()


_ALL: dict[str, Structure] = {
  structure.name: structure
  for structure in (
    *(_single(*row) for row in _organs.SINGLE),
    *(one for row in _organs.PAIRED for one in _both_sides(*row)),
    *(_single(*row, kind="target") for row in _organs.TARGETS),
  )
}
_EXACT = {
  alias: structure.name
  for structure in _ALL.values()
  for alias in (structure.name, structure.tg263, *structure.aliases)
}
_NORMAL = {_normal(alias): name for alias, name in _EXACT.items()}
_PAIRS = {
  _normal(form): name
  for name, tg263, _, aliases in _organs.PAIRED
  for form in (name, tg263, *_split(aliases))
  if "{}" not in form
}

SETS: Mapping[str, tuple[str, ...]] = types.MappingProxyType({
    # The ten of the study, the most contoured organs of HN1.
    "hn1": (
        "spinal_cord", "neck_right", "neck_left", "submandibular_right",
        "submandibular_left", "parotid_right", "parotid_left", "oral_cavity",
        "medulla_oblongata", "brain",
    ),
    # The seven organs of OpenKBP.
    "openkbp": (
        "brainstem", "spinal_cord", "parotid_right", "parotid_left",
        "esophagus", "larynx", "mandible",
    ),
})  # fmt: skip


def names(*, kind: str = "organ") -> tuple[str, ...]:
  """Canonical names of one kind, sorted.

  Args:
    kind: "organ" or "target".

  Returns:
    The names.

  Raises:
    ConfigError: The kind is neither.
  """
  if kind not in ("organ", "target"):
    raise errors.ConfigError(f"kind {kind!r}: give 'organ' or 'target'")
  return tuple(sorted(s.name for s in _ALL.values() if s.kind == kind))


def get(name: str) -> Structure:
  """The structure of a canonical name.

  Args:
    name: Canonical name; for any other, `resolve` it first.

  Returns:
    What is known of the structure.

  Raises:
    StructureNotFoundError: The name is not canonical.
  """
  if name not in _ALL:
    raise errors.StructureNotFoundError(_unknown(name))
  return _ALL[name]


@dataclasses.dataclass(frozen=True)
class Match:
  """How a name was understood.

  Attributes:
    name: Canonical name; None for one that the user's own table sets aside.
    rule: "own" (the user's table), "exact", "normalised" or "side".
  """

  name: str | None
  rule: str


def match(name: str, *, own: Mapping[str, str | None] | None = None) -> Match:
  """Understands anybody's name of a structure.

  The user's own table comes first, as written and then without regard to case
  and separators. Then three rules, in this order: an alias exactly as written;
  without regard to case and separators; a side (left, L, lt, links, gauche, ...
  and the like for right) before or after the name of a paired organ. Nothing
  else: a name that is merely similar is unknown.

  Args:
    name: A name, from a file or a flag.
    own: Their name to the canonical one, as `read_aliases` gives it.

  Returns:
    The canonical name and the rule that found it.

  Raises:
    StructureNotFoundError: The name is unknown; the message lists similar
      canonical names.
  """
  normal = _normal(name)
  if own:
    if name in own:
      return Match(own[name], "own")
    for alias, canonical in own.items():
      if _normal(alias) == normal:
        return Match(canonical, "own")
  if name in _EXACT:
    return Match(_EXACT[name], "exact")
  if normal in _NORMAL:
    return Match(_NORMAL[normal], "normalised")
  first, _, after = normal.partition(" ")
  before, _, last = normal.rpartition(" ")
  for side, organ in ((first, after), (last, before)):
    if side in _SIDE_OF and organ in _PAIRS:
      return Match(f"{_PAIRS[organ]}_{_SIDE_OF[side]}", "side")
  raise errors.StructureNotFoundError(_unknown(name))


def resolve(name: str) -> str:
  """Translates anybody's name of a structure to the canonical one; see `match`.

  Args:
    name: A name, from a file or a flag.

  Returns:
    The canonical name.

  Raises:
    StructureNotFoundError: The name is unknown; the message lists similar
      canonical names.
  """
  return str(match(name).name)


def same_structure(
  name: object, among: Iterable[_Named], named: Callable[[_Named], str]
) -> list[_Named]:
  """Those whose name means the same structure, such as Parotid_L.

  Args:
    name: Anybody's name of a structure; anything else fits nothing.
    among: Things with a name.
    named: Gives the name of each.

  Returns:
    Those that fit, in their order.
  """
  wanted = _known(name)
  if wanted is None:
    return []
  return [one for one in among if _known(named(one)) == wanted]


def _known(name: object) -> str | None:
  """The canonical name, None for what has none."""
  try:
    return resolve(name) if isinstance(name, str) else None
  except errors.StructureNotFoundError:
    return None


def read_aliases(path: str | os.PathLike) -> dict[str, str | None]:
  """Reads a user's own table of names.

  Args:
    path: A JSON file with one object: their name to the canonical one, or to
      null for a name that shall be left aside.

  Returns:
    The table, for `match`.

  Raises:
    DataError: The file is missing or not such a table.
    StructureNotFoundError: It names a structure that is not canonical.
  """

  def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    seen: dict[str, Any] = {}
    for key, value in pairs:
      for other in seen:
        if _normal(other) == _normal(key) and seen[other] != value:
          raise ValueError(f"{other!r} and {key!r} differ by case alone")
      seen[key] = value
    return seen

  where = pathlib.Path(path)
  try:
    table = json.loads(where.read_text("utf-8-sig"), object_pairs_hook=unique)
  except FileNotFoundError as e:
    raise errors.DataError(f"{where}: no such file; check the path") from e
  except (OSError, ValueError) as e:
    raise errors.DataError(
      f"{where}: not a table of names ({e}); write"
      ' {"their name": "parotid_left"}'
    ) from e
  fine = isinstance(table, dict) and all(
    canonical is None or isinstance(canonical, str)
    for canonical in table.values()
  )
  if not fine:
    raise errors.DataError(
      f"{where}: holds something else than names for names; write"
      ' {"their name": "parotid_left"}'
    )
  for alias, canonical in table.items():
    if canonical is not None and canonical not in _ALL:
      raise errors.StructureNotFoundError(
        f"{where}: {alias[:100]!r}: {_unknown(canonical)}"
      )
  return table


def similar(name: str) -> tuple[str, ...]:
  """Canonical names that look or sound like a name, the likeliest first.

  Args:
    name: A name, from a file or a flag.

  Returns:
    At most eight; for a person to choose from, never to be taken unseen.
  """
  normal = _normal(name[:100])
  if normal in _PAIRS:
    return (f"{_PAIRS[normal]}_left", f"{_PAIRS[normal]}_right")
  if normal in _NORMAL:
    return (_NORMAL[normal],)
  close = difflib.get_close_matches(normal, _NORMAL, n=8, cutoff=0.5)
  return tuple(dict.fromkeys(_NORMAL[form] for form in close))


def _unknown(name: str) -> str:
  """One line: the name, and canonical names that look or sound like it."""
  close = similar(name)
  hint = (
    f"did you mean {', '.join(close)}?"
    if close
    else ("structures.names() lists all")
  )
  return f"structure {name[:100]!r} is unknown; {hint}"
