"""The organ vocabulary: names, TG-263 names, aliases, sides and colours.

A structure has one canonical name everywhere in jaxseg ("parotid_left"). Other
people's names are translated by one table and one strict rule, `resolve`;
nothing is guessed, because "Cord" taken for "Chiasm" is a wrong dose.

References:
  AAPM Task Group 263, Standardizing nomenclatures in radiation oncology, 2018.
"""

from collections.abc import Iterator, Mapping
import dataclasses
import difflib
import re
import types
import unicodedata

from jaxseg import _organs
from jaxseg import errors


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
  return re.sub(r"[\s_.\-^/]+", " ", text).strip()


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


def resolve(name: str) -> str:
  """Translates anybody's name of a structure to the canonical one.

  Three rules, in this order: an alias exactly as written; then without regard
  to case and separators; then a side (left, L, lt, links, gauche, ... and the
  like for right) before or after the name of a paired organ. Nothing else: a
  name that is merely similar is unknown.

  Args:
    name: A name, from a file or a flag.

  Returns:
    The canonical name.

  Raises:
    StructureNotFoundError: The name is unknown; the message lists similar
      canonical names.
  """
  if name in _EXACT:
    return _EXACT[name]
  normal = _normal(name)
  if normal in _NORMAL:
    return _NORMAL[normal]
  first, _, after = normal.partition(" ")
  before, _, last = normal.rpartition(" ")
  for side, organ in ((first, after), (last, before)):
    if side in _SIDE_OF and organ in _PAIRS:
      return f"{_PAIRS[organ]}_{_SIDE_OF[side]}"
  raise errors.StructureNotFoundError(_unknown(name))


def _unknown(name: str) -> str:
  """One line: the name, and canonical names that look or sound like it."""
  normal = _normal(name[:100])
  if normal in _PAIRS:
    close = [f"{_PAIRS[normal]}_left", f"{_PAIRS[normal]}_right"]
  elif normal in _NORMAL:
    close = [_NORMAL[normal]]
  else:
    similar = difflib.get_close_matches(normal, _NORMAL, n=8, cutoff=0.5)
    close = list(dict.fromkeys(_NORMAL[form] for form in similar))
  hint = (
    f"did you mean {', '.join(close)}?"
    if close
    else ("structures.names() lists all")
  )
  return f"structure {name[:100]!r} is unknown; {hint}"
