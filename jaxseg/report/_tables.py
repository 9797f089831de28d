"""Tables as CSV files that say where they come from."""

from collections.abc import Mapping, Sequence
import csv
import pathlib
import types
from typing import Any

from jaxseg import _files
from jaxseg.report import _wording

_PROVENANCE = (
  "cohort",
  "cohort_hash",
  "seed",
  "version",
  "commit",
  "command",
  "date",
)
# What only some tables must say.
_ASIDE = ("missing_models",)


def write_csv(
  path: pathlib.Path,
  rows: Sequence[Mapping[str, Any]],
  provenance: Mapping[str, Any],
) -> pathlib.Path:
  """Writes a table whose first row says what it was computed from.

  One header and no comments, so that any reader takes it as it is; columns of
  the origin are empty below the first row. Floats keep six significant digits
  and a point, None is an empty cell.

  Args:
    path: The file, replaced in one step; its folder is made.
    rows: Column -> text, number, bool or None. The first row's columns come
      first, then those that only later rows have.
    provenance: Has cohort, cohort_hash, seed, version, commit, command and
      date; these end the first row unless it has a column of that name, and
      so does missing_models if it is there.

  Returns:
    The path.
  """
  columns = list(dict.fromkeys(column for row in rows for column in row))
  origin = [*_PROVENANCE, *(n for n in _ASIDE if provenance.get(n))]
  columns += [name for name in origin if name not in columns]
  common = {name: provenance.get(name) for name in origin}
  lines: list[str] = []
  # Line ends of both kinds are quoted where they stand inside of a cell.
  writer = csv.writer(types.SimpleNamespace(write=lines.append))
  writer.writerow(columns)
  for number, row in enumerate(rows):
    full = row if number else {**common, **row}
    writer.writerow([_cell(full.get(column)) for column in columns])
  text = "".join(line.removesuffix("\r\n") + "\n" for line in lines)
  _files.write_text(path, text)
  return path


def with_intervals(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
  """Rows with each pair of limits as one text."""
  found = []
  for row in rows:
    full = dict(row)
    for name in (
      "threshold", "value", "dice_test", "pearson", "gain", "gain_half"
    ):  # fmt: skip
      if f"{name}_low" in row:
        ends = (row[f"{name}_low"], row[f"{name}_high"])
        low, high = (f"{end:z.3f}".replace("-", "−") for end in ends)
        full[f"{name}_interval"] = "–" if "nan" in low else f"{low} to {high}"
    found.append(full)
  return found


def _cell(value: Any) -> str:
  value = _wording.plain(value)
  if value is None:
    return ""
  if isinstance(value, bool):
    return "true" if value else "false"
  if isinstance(value, float):
    return repr(float(f"{value:.6g}"))
  return str(value)
