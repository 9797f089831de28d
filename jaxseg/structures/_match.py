"""Other people's names of structures, translated by strict rules."""

from collections.abc import Callable, Iterable, Mapping
import dataclasses
import difflib
import json
import os
import pathlib
from typing import Any, TypeVar

from jaxseg import errors
from jaxseg.structures import _vocabulary

_Named = TypeVar("_Named")
# In a user's table: insists on a name; marks what is not accepted yet.
NEW, SUGGESTION = "new:", "?"

_LEFT = """
left l lt lft li lks links linke linker linkes gauche gche g izq izqda izda
izquierda izquierdo esq esquerda esquerdo sinistra sinistro sinister sin sn sx
""".split()
_RIGHT = """
right r rt rgt re rts rechts rechte rechter rechtes droit droite dte d der dcha
dcho derecha derecho dir direita direito destra destro dextra dexter dex dx
""".split()
_SIDE_OF = dict.fromkeys(_LEFT, "left") | dict.fromkeys(_RIGHT, "right")


@dataclasses.dataclass(frozen=True)
class Match:
  """How a name was understood.

  Attributes:
    name: Canonical name; None for one that the user's own table leaves out.
    rule: "own" (the user's table), "exact", "normalised" or "side".
  """

  name: str | None
  rule: str


def match(name: str, *, own: Mapping[str, str | None] | None = None) -> Match:
  """Understands anybody's name of a structure.

  The user's own table comes first, as written and then without regard to case
  and separators. Then three rules, in this order: an alias exactly as written;
  without regard to case, accents and separators; a side (left, L, lt, links,
  gauche, ... and likewise for right) before or after the name of a paired
  organ. Nothing else: a name that is merely similar is unknown.

  Args:
    name: A name, from a file or a flag.
    own: Their names to canonical ones, as `read_aliases` returns them.

  Returns:
    The canonical name and the rule that found it.

  Raises:
    StructureNotFoundError: The name is unknown; the message lists similar
      canonical names.
  """
  normal = _vocabulary.normal(name)
  if own:
    if name in own:
      return Match(own[name], "own")
    for alias, canonical in own.items():
      if _vocabulary.normal(alias) == normal:
        return Match(canonical, "own")
  if name in _vocabulary.EXACT:
    return Match(_vocabulary.EXACT[name], "exact")
  if normal in _vocabulary.NORMAL:
    return Match(_vocabulary.NORMAL[normal], "normalised")
  first, _, after = normal.partition(" ")
  before, _, last = normal.rpartition(" ")
  for side, organ in ((first, after), (last, before)):
    if side in _SIDE_OF and organ in _vocabulary.SIDELESS:
      found = f"{_vocabulary.SIDELESS[organ]}_{_SIDE_OF[side]}"
      return Match(found, "side")
  raise errors.StructureNotFoundError(_vocabulary.unknown(name))


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
    named: Returns the name of each.

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
    path: A JSON file with one object: their names to canonical ones, or to
      null for a name that is to be left out. A name that is in no table, such
      as "tumour_bed", is a structure of their own; one that is all but that of
      another structure must say so, "new:brian". What ends in a question mark
      is a suggestion that nobody has accepted yet, and passed over.

  Returns:
    The table, for `match`.

  Raises:
    DataError: The file is missing or not such a table.
    StructureNotFoundError: It names a structure that cannot be.
  """
  where = pathlib.Path(path)
  try:
    table = json.loads(where.read_text("utf-8-sig"), object_pairs_hook=_unique)
  except FileNotFoundError as e:
    raise errors.DataError(f"{where}: no such file; check the path") from e
  except (OSError, ValueError) as e:
    raise errors.DataError(
      f"{where}: not a table of names ({e}); write"
      ' {"their name": "parotid_left"}'
    ) from e
  if not isinstance(table, dict) or not all(
    canonical is None or isinstance(canonical, str)
    for canonical in table.values()
  ):
    raise errors.DataError(
      f"{where}: holds something other than names for names; write"
      ' {"their name": "parotid_left"}'
    )
  result: dict[str, str | None] = {}
  for alias, canonical in table.items():
    if canonical is None:
      result[alias] = None
    elif not canonical.endswith(SUGGESTION):
      try:
        result[alias] = _canonical(canonical)
      except errors.StructureNotFoundError as e:
        raise errors.StructureNotFoundError(
          f"{where}: {alias[:100]!r}: {e}"
        ) from e
  return result


def _canonical(name: str) -> str:
  """The structure that a table of names maps to; it may be the user's own."""
  if name in _vocabulary.ALL:
    return name
  insisted = name.startswith(NEW)
  own = _vocabulary.normal(name.removeprefix(NEW)).replace(" ", "_")
  if not insisted:
    found = _known(name)
    if found is not None:
      return found
    if _vocabulary.normal(name) in _vocabulary.SIDELESS:
      raise errors.StructureNotFoundError(_vocabulary.unknown(name))
    for other in difflib.get_close_matches(own, _vocabulary.ALL, cutoff=0.8):
      if abs(len(other) - len(own)) <= 2:
        raise errors.StructureNotFoundError(
          f"{_vocabulary.unknown(name)} For a structure of your own write"
          f" {NEW + own!r}"
        )
  if not _vocabulary.OWN.fullmatch(own):
    raise errors.StructureNotFoundError(
      f"{name[:100]!r} is no name for a structure; write letters, digits and _,"
      " a letter first"
    )
  return own


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
  """A JSON object, refused where names that `match` takes for one differ."""
  seen: dict[str, Any] = {}
  for key, value in pairs:
    for other in seen:
      same = _vocabulary.normal(other) == _vocabulary.normal(key)
      if same and seen[other] != value:
        raise ValueError(f"{other!r} and {key!r} differ by case alone")
    seen[key] = value
  return seen
