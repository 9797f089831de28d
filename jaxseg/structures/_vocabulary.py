"""The structures themselves, and the look-up tables made of them."""

from collections.abc import Iterator, Mapping
import dataclasses
import difflib
import re
import types
import unicodedata

from jaxseg import errors
from jaxseg.structures import _table


@dataclasses.dataclass(frozen=True)
class Structure:
  """What is known of a structure apart from any patient.

  Attributes:
    name: Canonical name, lower case, side last: "parotid_left".
    label: For people: "left parotid".
    tg263: Name after TG-263, exact case, at most 16 characters.
    side: "left", "right", or None for what is single or not one-sided.
    color: sRGB, 0 to 255 each; no two structures share one.
    aliases: Other names that `resolve` takes exactly as written.
    kind: "organ", or "target" for tumours and planning targets, which are
      never among the structures that are chosen by default.
    open_ended: The structure continues beyond the range that is usually
      contoured, so slices outside that range are unknown, not negative.
  """

  name: str
  label: str
  tg263: str
  side: str | None
  color: tuple[int, int, int]
  aliases: tuple[str, ...]
  kind: str = "organ"
  open_ended: bool = False


def _single(row: _table.Row, *, kind: str = "organ") -> Structure:
  name, tg263, color, aliases = row
  label = name.replace("_", " ")
  return Structure(
    name=name,
    label=label if kind == "organ" else label.upper(),
    tg263=tg263,
    side=None,
    color=_rgb(color),
    aliases=aliases,
    kind=kind,
    open_ended=name in _table.OPEN_ENDED,
  )


def _both_sides(row: _table.Row) -> Iterator[Structure]:
  name, tg263, color, aliases = row
  # A darker right side: one organ, one hue, yet two colours.
  dark = (color >> 1 & 0x7F7F7F) + (color >> 3 & 0x1F1F1F)
  for side, letter, shade in (("left", "L", color), ("right", "R", dark)):
    yield Structure(
      name=f"{name}_{side}",
      label=f"{side} {name.replace('_', ' ')}",
      tg263=f"{tg263}_{letter}",
      side=side,
      color=_rgb(shade),
      aliases=(
        *(a.format(side.capitalize()) for a in aliases if "{}" in a),
        *(f"{a} {side}" for a in aliases if "{}" not in a),
      ),
      open_ended=name in _table.OPEN_ENDED,
    )


def _rgb(color: int) -> tuple[int, int, int]:
  """The three bytes of 0xRRGGBB."""
  return color >> 16 & 255, color >> 8 & 255, color & 255


_LETTERS = str.maketrans({"œ": "oe", "æ": "ae", "ø": "o", "ł": "l", "ı": "i"})


def normal(name: str) -> str:
  """Lower case without accents, one space for each run of separators."""
  text = unicodedata.normalize("NFKD", name.casefold())
  text = "".join(c for c in text if not unicodedata.combining(c))
  text = text.translate(_LETTERS).replace("\0", " ")
  return re.sub(r"[\s_.,()\-^/]+", " ", text).strip()


def forms(name: str) -> tuple[str, ...]:
  """The normal forms of a name; two if it is written with an umlaut."""
  text = unicodedata.normalize("NFC", name.casefold())
  spelt = re.sub("[äöü]", lambda found: _UMLAUTS[found[0]], text)
  return tuple(dict.fromkeys((normal(name), normal(spelt))))


_UMLAUTS = {"ä": "ae", "ö": "oe", "ü": "ue"}
ALL: dict[str, Structure] = {
  structure.name: structure
  for structure in (
    *(_single(row) for row in _table.SINGLE),
    *(one for row in _table.PAIRED for one in _both_sides(row)),
    *(_single(row, kind="target") for row in _table.TARGETS),
  )
}
# Names to canonical names: as written, normal, and of organs without a side.
EXACT = {
  alias: structure.name
  for structure in ALL.values()
  for alias in (structure.name, structure.tg263, *structure.aliases)
}
NORMAL = {form: name for alias, name in EXACT.items() for form in forms(alias)}
SIDELESS = {
  form: name
  for name, tg263, _, aliases in _table.PAIRED
  for alias in (name, tg263, *aliases)
  if "{}" not in alias
  for form in forms(alias)
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
    kind: "organ", "target", or "any".

  Returns:
    The names.

  Raises:
    ConfigError: The kind is none of these.
  """
  if kind not in ("organ", "target", "any"):
    raise errors.ConfigError(f"kind {kind!r}: give 'organ', 'target' or 'any'")
  return tuple(sorted(s.name for s in ALL.values() if kind in ("any", s.kind)))


def get(name: str, *, own: bool = False) -> Structure:
  """The structure of a canonical name.

  Args:
    name: Canonical name; for any other, `resolve` it first.
    own: Take a name that is in no table for a structure of the user's own: an
      organ that is not open-ended, with a side if the name ends in one.

  Returns:
    What is known of the structure.

  Raises:
    StructureNotFoundError: The name is not canonical.
  """
  if name in ALL:
    return ALL[name]
  if not own or not OWN.fullmatch(name):
    raise errors.StructureNotFoundError(unknown(name))
  base, _, last = name.rpartition("_")
  side = last if base and last in ("left", "right") else None
  label = f"{side} {base}" if side else name
  return Structure(
    name=name,
    label=label.replace("_", " "),
    tg263=name[:16].strip("_"),
    side=side,
    color=_rgb(_table.color_of(name)),
    aliases=(),
  )


# What a structure of the user's own may be called.
OWN = re.compile(r"[a-z][a-z0-9_]{0,63}")


def similar(name: str, *, cutoff: float = 0.6) -> tuple[str, ...]:
  """Canonical names that look or sound like a name, the likeliest first.

  Args:
    name: A name, from a file or a flag.
    cutoff: How much must be alike, in [0, 1].

  Returns:
    At most eight, for a person to choose from; never to be used unseen.
  """
  form = normal(name[:100])
  if form in SIDELESS:
    return (f"{SIDELESS[form]}_left", f"{SIDELESS[form]}_right")
  if form in NORMAL:
    return (NORMAL[form],)
  close = difflib.get_close_matches(form, NORMAL, n=8, cutoff=cutoff)
  return tuple(dict.fromkeys(NORMAL[one] for one in close))


def unknown(name: str) -> str:
  """One line: the name, and canonical names that look or sound like it."""
  close = similar(name)
  hint = "structures.names() lists all"
  if close:
    hint = f"did you mean {', '.join(close)}?"
  return f"structure {name[:100]!r} is unknown; {hint}"
