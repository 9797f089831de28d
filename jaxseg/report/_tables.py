"""Tables: CSV files that keep types, and tables on the console."""

from collections.abc import Iterator, Mapping, Sequence
import math
import pathlib
import re
from typing import Any

import rich.table
import rich.text

from jaxseg import _files
from jaxseg import errors
from jaxseg.report import _labels

_PROVENANCE = (
  "cohort",
  "cohort_hash",
  "seed",
  "version",
  "commit",
  "command",
  "date",
)
_SPECIAL = {
  "": None,
  "true": True,
  "false": False,
  "nan": math.nan,
  "inf": math.inf,
  "-inf": -math.inf,
}
_INTEGER = re.compile(r"[+-]?[0-9]+")
_FLOAT = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
# A cell and what ends it: quoted, or plain up to the next comma or line end.
_CELL = re.compile(r'(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r\n|\n|\r|\Z)')


def write_csv(
  path: pathlib.Path,
  rows: Sequence[Mapping[str, Any]],
  provenance: Mapping[str, Any],
) -> None:
  """Writes a table; each row says what it was computed from.

  Tables of different runs can be put below one another, and `read_csv` gives
  the types back: text that looks like a number stands in quotation marks,
  floats keep six significant digits and a point, None is an empty cell.

  Args:
    path: The file, replaced in one step; its folder is made.
    rows: Column -> text, number, bool or None. The first row's columns come
      first, then those that only later rows have.
    provenance: Has cohort, cohort_hash, seed, version, commit, command and
      date; these end each row unless it has a column of that name.
  """
  columns = list(dict.fromkeys(column for row in rows for column in row))
  columns += [name for name in _PROVENANCE if name not in columns]
  common = {name: provenance.get(name) for name in _PROVENANCE}
  lines = [",".join(_cell(column) for column in columns)]
  for row in rows:
    full = {**common, **row}
    lines.append(",".join(_cell(full.get(column)) for column in columns))
  _files.write_text(path, "\n".join(lines) + "\n")


def read_csv(path: pathlib.Path) -> list[dict[str, Any]]:
  """Reads a table that `write_csv` or a spreadsheet has written.

  Args:
    path: A CSV file, UTF-8, comma-separated, with a header.

  Returns:
    Rows: column -> text, int, float, bool or None (an empty cell).

  Raises:
    DataError: The file is missing, empty, not text, or has a row whose cells
      do not fit the header.
  """
  try:
    # Not read_text: it changes line ends, also those inside of cells.
    # "sig": spreadsheets put a mark in front.
    text = path.read_bytes().decode("utf-8-sig")
  except FileNotFoundError as e:
    raise errors.DataError(
      f"{path}: no such file; run the analysis that writes it first"
    ) from e
  except (OSError, UnicodeDecodeError) as e:
    raise errors.DataError(
      f"{path}: not readable as UTF-8 text ({e}); save it as CSV again"
    ) from e
  records = list(_records(path, text))
  if not records:
    raise errors.DataError(
      f"{path}: the table is empty; delete it and run its analysis again"
    )
  header = _header(path, *records[0])
  for line, cells in records[1:]:
    if len(cells) != len(header):
      raise errors.DataError(
        f"{path}, line {line}: {len(cells)} cells under a header of"
        f" {len(header)}; the file was cut or edited, write it again"
      )
  return [dict(zip(header, cells, strict=True)) for _, cells in records[1:]]


def rich_table(
  title: str,
  rows: Sequence[Mapping[str, Any]],
  columns: Sequence[str] | Mapping[str, str],
  *,
  caption: str = "",
) -> rich.table.Table:
  """A table for the console: labels for people, numbers to the right.

  Args:
    title: Stands above the table.
    rows: Column -> text, number, bool or None.
    columns: The columns shown, or column -> heading.
    caption: Stands below the table.

  Returns:
    A renderable; text in brackets is shown, never read as markup.
  """
  headings = named(columns)
  table = rich.table.Table(
    title=rich.text.Text(title),
    caption=rich.text.Text(caption) if caption else None,
    title_justify="left",
    caption_justify="left",
  )
  for column, heading in headings.items():
    right = is_numeric([row.get(column) for row in rows])
    table.add_column(
      rich.text.Text(heading), justify="right" if right else "left"
    )
  shown = [
    _labels.format_column(column, [row.get(column) for row in rows])
    for column in headings
  ]
  for cells in zip(*shown, strict=True):
    table.add_row(*(rich.text.Text(cell) for cell in cells))
  return table


def named(columns: Sequence[str] | Mapping[str, str]) -> dict[str, str]:
  """Columns with the headings they are shown under.

  Args:
    columns: Names of columns, or column -> heading.

  Returns:
    Column -> heading.
  """
  if isinstance(columns, Mapping):
    return dict(columns)
  return {column: _labels.heading(column) for column in columns}


def is_numeric(values: Sequence[Any]) -> bool:
  """Whether a column holds numbers, with gaps perhaps.

  Args:
    values: The column.

  Returns:
    True if there is a number, and nothing else but None.
  """
  kept = [_labels.plain(value) for value in values]
  kept = [value for value in kept if value is not None]
  return bool(kept) and all(
    isinstance(value, int | float) and not isinstance(value, bool)
    for value in kept
  )


def _cell(value: Any) -> str:
  value = _labels.plain(value)
  if value is None:
    return ""
  if isinstance(value, bool):
    return "true" if value else "false"
  if isinstance(value, int):
    return f"{value}"
  if isinstance(value, float):
    return repr(float(f"{value:.6g}"))
  text = str(value)
  # In quotation marks: what would end the cell or come back as another type.
  if re.search(r'[",\r\n]', text) or not isinstance(_parse(text), str):
    return '"' + text.replace('"', '""') + '"'
  return text


def _parse(text: str) -> Any:
  """The value of a cell without quotation marks."""
  if text in _SPECIAL:
    return _SPECIAL[text]
  if _INTEGER.fullmatch(text):
    return int(text)
  if _FLOAT.fullmatch(text):
    return float(text)
  return text


def _records(path: pathlib.Path, text: str) -> Iterator[tuple[int, list[Any]]]:
  """Yields (line number, cells) of each line that is not empty."""
  position, line = 0, 1
  while position < len(text):
    start, cells, end = position, [], ","
    while end == ",":
      match = _CELL.match(text, position)
      if match is None:
        raise errors.DataError(
          f"{path}, line {line}: a quotation mark out of place;"
          " the file was cut or edited, write it again"
        )
      quoted, bare, end = match.groups()
      cells.append(
        _parse(bare) if quoted is None else quoted.replace('""', '"')
      )
      position = match.end()
    if text[start:position].strip("\r\n"):
      yield line, cells
    line += text.count("\n", start, position)


def _header(path: pathlib.Path, line: int, cells: Sequence[Any]) -> list[str]:
  """The first record as names of columns."""
  bad = [cell for cell in cells if not isinstance(cell, str) or not cell]
  if bad:
    raise errors.DataError(
      f"{path}, line {line}: {_labels.format_value(bad[0])} is no column's"
      " name; the header is missing, put it back or write the table again"
    )
  twice = sorted({cell for cell in cells if cells.count(cell) > 1})
  if twice:
    raise errors.DataError(
      f"{path}, line {line}: the column {twice[0]} is there twice;"
      " keep one of them"
    )
  return list(cells)
