"""Counts of several machines put together, and what of them is missing."""

from collections.abc import Sequence
import glob
import pathlib
from typing import Any, TYPE_CHECKING

from jaxseg import errors

if TYPE_CHECKING:
  from jaxseg import study

# Beside the counts of a shard, a file that names the cases of all shards.
_SHARD = "shard-"
# And one that names the folders of the classes that were last counted.
_CLASSES = "classes.json"
_SHOWN = 10
_AGAIN = "delete it, or count the maps again"


def counts_files(places: Sequence[str]) -> list[pathlib.Path]:
  """Files of counts in files, folders and globs."""
  paths: list[pathlib.Path] = []
  for place in places:
    for name in sorted(glob.glob(place, recursive=True)):
      path = pathlib.Path(name)
      if not path.is_dir():
        paths.append(path)
        continue
      # A folder of counts, or one that a sweep wrote into.
      inner = path / "counts" if (path / "counts").is_dir() else path
      for pattern in _of_classes(inner):
        paths += sorted(inner.glob(pattern))
  if not paths:
    raise errors.DataError(
      f"--merge: no counts in {', '.join(places)}; give files or folders that"
      " a sweep has written"
    )
  return paths


def note_classes(folder: pathlib.Path, classes: Sequence[str]) -> None:
  """Says beside counts which classes they were last counted of.

  Args:
    folder: The folder of counts.
    classes: The folder in it of each class; none if there is one class, whose
      counts lie in `folder`.
  """
  from jaxseg import _sealed

  _sealed.write(folder / _CLASSES, {"folders": list(classes)})


def _of_classes(folder: pathlib.Path) -> list[str]:
  """Patterns of the counts that the last sweep into a folder was to make."""
  from jaxseg import _sealed

  if not (folder / _CLASSES).exists():
    return ["*.npz", "*/*.npz"]
  said = _sealed.read(folder / _CLASSES, {"folders": list}, again=_AGAIN)
  if not _are_text(said["folders"]):
    raise errors.DataError(
      f"{folder / _CLASSES}: an entry is no name of a folder; {_AGAIN}"
    )
  return [f"{glob.escape(one)}/*.npz" for one in said["folders"]] or ["*.npz"]


def merged(
  parts: Sequence["study.CohortCounts"],
) -> list["study.CohortCounts"]:
  """Counts of each class, of the parts of all."""
  from jaxseg import study

  classes: dict[Any, list[study.CohortCounts]] = {}
  for part in parts:
    # Only classes that were counted together may differ.
    together = part.facts.get("classes")
    key = None
    if together:
      key = str([part.facts.get(k) for k in ("structure", "label", "classes")])
    classes.setdefault(key, []).append(part)
  if None in classes and len(classes) > 1:
    return [study.CohortCounts.merge(list(parts))]  # It says what differs.
  order = parts[0].facts.get("classes") or [""]
  merged = [study.CohortCounts.merge(own) for own in classes.values()]
  places = {name: place for place, name in enumerate(order)}
  merged.sort(key=lambda c: places.get(str(c.facts.get("structure")), 0))
  names = merged[0].names
  for other in merged[1:]:
    if other.names != names:
      lacking = sorted(set(names) ^ set(other.names))
      raise errors.DataError(
        f"case {lacking[0]} was counted for some classes only; count all"
        " classes of it"
      )
  return merged


def note_shard(folder: pathlib.Path, part: str, cases: Sequence[str]) -> None:
  """Says beside the counts of a shard which cases all shards have together."""
  from jaxseg import _files

  path = folder / f"{_SHARD}{part.replace('/', '-of-')}.json"
  _files.write_json(path, {"shard": part, "cases": list(cases)})


def paired(
  paths: Sequence[pathlib.Path], parts: Sequence["study.CohortCounts"]
) -> tuple[list[pathlib.Path], list["study.CohortCounts"]]:
  """Leaves out counts of cases that the last sweep there no longer had.

  Their files stay where a map was taken away, and would bring it back.

  Args:
    paths: Files of counts.
    parts: What they hold.

  Returns:
    Those that belong to the cases of their folder, or to an unknown set.

  Raises:
    DataError: None is left.
  """
  wanted = {folder: _wanted(folder, {}) for folder in {p.parent for p in paths}}
  kept, gone = [], set()
  for path, part in zip(paths, parts, strict=True):
    cases = wanted[path.parent]
    if cases is None or not cases.isdisjoint(part.names):
      kept.append((path, part))
    else:
      gone |= set(part.names)
  if not kept:
    raise errors.DataError(
      f"--merge: {paths[0].parent}: none of its {len(gone)} cases was among"
      " those of the last sweep there; count the maps again"
    )
  if gone:
    one = len(gone) == 1
    print(
      f"left out: counts of {len(gone)} case{'' if one else 's'} that"
      f" {'is' if one else 'are'} no longer paired: {_listed(sorted(gone))}"
    )
  return [path for path, _ in kept], [part for _, part in kept]


def missing(
  paths: Sequence[pathlib.Path], names: Sequence[str]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
  """What was to be counted with these counts, and is not among them.

  Args:
    paths: Files of counts.
    names: Cases that they hold.

  Returns:
    Cases, and shards of which none is there.
  """
  wanted: set[str] = set()
  shards: dict[str, set[str]] = {}  # Number of parts -> those that are there.
  for folder in {path.parent for path in paths}:
    wanted |= _wanted(folder, shards) or set()
  cases = tuple(sorted(wanted - set(names)))
  absent = tuple(
    f"{part}/{number}"
    for number, there in shards.items()
    for part in range(1, int(number) + 1)
    if str(part) not in there
  )
  return cases, absent if cases else ()


def _wanted(
  folder: pathlib.Path, shards: dict[str, set[str]]
) -> set[str] | None:
  """Cases that were last to be counted into a folder; None if not known.

  Shards that have counted there are added to `shards`.
  """
  from jaxseg import _files
  from jaxseg import _sealed

  wanted: set[str] | None = None
  for place in (folder, folder.parent):
    for path in place.glob(f"{_SHARD}*.json"):
      kinds = {"cases": list, "shard": str}
      said = _sealed.read(path, kinds, again=_AGAIN)
      part, _, number = said["shard"].partition("/")
      if not number.isdecimal() or not _are_text(said["cases"]):
        raise errors.DataError(
          f"{path}: an entry is malformed, it names no shard and its cases;"
          f" {_AGAIN}"
        )
      wanted = (wanted or set()) | set(said["cases"])
      shards.setdefault(number, set()).add(part)
  inside = [one for one in (folder, folder.parent) if one.name == "counts"]
  table = inside[0].parent / "pairs.json" if inside else None
  if table is not None and table.is_file():
    rows = _files.read_json(table)
    if not isinstance(rows, list) or not all(
      isinstance(row, dict) and isinstance(row.get("case", ""), str)
      for row in rows
    ):
      raise errors.DataError(f"{table}: is no list of rows; {_AGAIN}")
    # Every sweep writes it anew, and shards of old numbers stay.
    of_pairs = [row for row in rows if row.get("status") == "paired"]
    wanted = {row["case"] for row in of_pairs if "case" in row}
  return wanted


def _are_text(names: Sequence[Any]) -> bool:
  return all(isinstance(name, str) for name in names)


def missing_said(cases: Sequence[str], shards: Sequence[str]) -> str:
  """A sentence for the console and the page; "" where nothing is missing."""
  if not cases:
    return ""
  one = len(cases) == 1
  return (
    f"Missing: {len(cases)} case{'' if one else 's'} that"
    f" belong{'s' if one else ''} to these counts: {_listed(cases)}; count"
    f" {_what(shards)} and merge again."
  )


def missing_refused(
  places: Sequence[str], cases: Sequence[str], shards: Sequence[str]
) -> str:
  """The same as a refusal."""
  return (
    f"--merge: {', '.join(places)}: without {len(cases)} of the cases that"
    f" belong to these counts: {_listed(cases)}; count {_what(shards)} and"
    " merge again, or go without (--partial)"
  )


def _listed(cases: Sequence[str]) -> str:
  more = f" and {len(cases) - _SHOWN} more" if len(cases) > _SHOWN else ""
  return f"{', '.join(cases[:_SHOWN])}{more}"


def _what(shards: Sequence[str]) -> str:
  return f"--shard={', '.join(shards)}" if shards else "them"
