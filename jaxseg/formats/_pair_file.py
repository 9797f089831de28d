"""Pairs as a table says them, for names that do not pair."""

from collections.abc import Iterator, Sequence
import csv
import io
import os
import pathlib

from jaxseg import _files
from jaxseg import _text
from jaxseg import errors
from jaxseg.formats import _keys
from jaxseg.formats import _pair
from jaxseg.formats import _paths

_COLUMNS = ("probabilities", "reference")
_MAX_BYTES = 64 * 2**20


def read_pairs(path: str | os.PathLike) -> _pair.Pairing:
  """Reads which maps and references are pairs.

  Args:
    path: A .csv file whose first line names the columns `probabilities` and
      `reference`, and `case` if cases shall have other names than their maps;
      separated by commas, semicolons or tabs. Or the pairs.json of a sweep, of
      whose rows those without a partner are left out again. Paths are relative
      to the file, or to the working folder.

  Returns:
    The pairs, sorted by name.

  Raises:
    DataError: The file cannot be read, lacks a column or a row's path, names a
      file that is missing, or two cases of one name.
  """
  where = pathlib.Path(path)
  if not where.is_file():
    raise errors.DataError(f"{where}: no such file; give a table of pairs")
  if where.stat().st_size > _MAX_BYTES:
    raise errors.LimitError(
      f"{where}: larger than {_MAX_BYTES} bytes, too large for a table of pairs"
    )
  rows = _of_json(where) if where.suffix.lower() == ".json" else _of_csv(where)
  found: list[tuple[str, str, pathlib.Path, pathlib.Path]] = []
  alone: dict[str, list[pathlib.Path]] = {name: [] for name in _COLUMNS}
  for line, row in rows:
    given = {name: _text.clean(row.get(name)) for name in _COLUMNS}
    if row.get("status", "paired") not in ("paired", "", None):
      for name, text in given.items():
        if text:
          alone[name].append(pathlib.Path(text))
      continue
    files = [_found(where, line, name, text) for name, text in given.items()]
    if files[0].resolve() == files[1].resolve():
      raise errors.DataError(
        f"{where}, {line}: {files[0]} is map and reference; give two files"
      )
    found.append((line, _text.clean(row.get("case")), files[0], files[1]))
  return _pair.Pairing(
    _named(where, found), tuple(alone[_COLUMNS[0]]), tuple(alone[_COLUMNS[1]])
  )


def _named(
  where: pathlib.Path,
  found: Sequence[tuple[str, str, pathlib.Path, pathlib.Path]],
) -> tuple[_pair.Pair, ...]:
  """Pairs by the names of their cases, or else those that tell maps apart."""
  if not found:
    raise errors.DataError(f"{where}: names no pairs; give a row for each")
  bare = [files[0] for _, case, *files in found if not case]
  own = iter(_keys.telling(bare).keys if bare else ())
  pairs: dict[str, _pair.Pair] = {}
  for line, case, probabilities, reference in found:
    name = case or next(own)
    if name in pairs:
      raise errors.DataError(
        f"{where}, {line}: a second case {_text.shown(name)}; give each row"
        " another name in a column 'case'"
      )
    pairs[name] = _pair.Pair(name, probabilities, reference)
  return tuple(pairs[name] for name in sorted(pairs))


def _of_json(where: pathlib.Path) -> Iterator[tuple[str, dict]]:
  rows = _files.read_json(where)
  if not isinstance(rows, list) or not all(isinstance(r, dict) for r in rows):
    raise errors.DataError(
      f"{where}: is no list of rows, as a sweep's pairs.json is; give that, or"
      " a .csv file"
    )
  for k, row in enumerate(rows):
    yield f"row {k + 1}", row


def _of_csv(where: pathlib.Path) -> Iterator[tuple[str, dict]]:
  try:
    text = where.read_text("utf-8-sig")  # Spreadsheets mark UTF-8 so.
  except (OSError, ValueError) as e:
    raise errors.DataError(
      f"{where}: cannot be read as UTF-8 text ({type(e).__name__}); save it as"
      " CSV in UTF-8"
    ) from e
  first = text.partition("\n")[0]
  mark = max(",;\t", key=first.count)
  # Not split by lines first: a quoted name may hold a line's end.
  reader = csv.reader(io.StringIO(text, newline=""), delimiter=mark)
  try:
    names = [name.strip().lower() for name in next(reader, [])]
    if any(names.count(column) != 1 for column in _COLUMNS):
      raise errors.DataError(
        f"{where}: its first line is {_text.shown(first.strip())}; name there"
        " the columns 'probabilities' and 'reference', and 'case' if you like"
      )
    for cells in reader:
      if not any(cell.strip() for cell in cells):
        continue
      line = f"line {reader.line_num}"
      if len(cells) != len(names):
        raise errors.DataError(
          f"{where}, {line}: has {len(cells)} columns, the first line"
          f" {len(names)}; correct the line"
        )
      yield line, dict(zip(names, cells, strict=True))
  except csv.Error as e:
    raise errors.DataError(
      f"{where}: cannot be read as CSV ({e}); save it again"
    ) from e


def _found(
  where: pathlib.Path, line: str, column: str, text: str
) -> pathlib.Path:
  """The file that a cell names: beside the table, or in the working folder."""
  if not text:
    raise errors.DataError(
      f"{where}, {line}: names no {column}; give the file, or remove the line"
    )
  given = pathlib.Path(text)
  places = dict.fromkeys([where.parent / given, given])
  try:
    found = {place.resolve(): place for place in places if place.is_file()}
  except (OSError, ValueError):  # A name too long, or with a NUL.
    found = {}
  if len(found) > 1:
    raise errors.DataError(
      f"{where}, {line}: {_text.shown(text)} is a file beside the table and"
      " another one in the working folder; give the whole path"
    )
  if not found:
    raise errors.DataError(
      f"{where}, {line}: {column} {_text.shown(text)} is no file beside the"
      " table or in the working folder; correct the path"
    )
  (path,) = found.values()
  _paths.kind(path)
  return path
