"""A threshold for each case: the flag that asks, and what is told of it."""

from collections.abc import Mapping, Sequence
from typing import Any

from jaxseg.cli import _flags

_METHODS = {
  "organ": "own threshold",
  "half": "0.5",
  "expected": "expected Dice",
  "volume": "volume",
}


def define(flags: _flags.Flags) -> None:
  """Defines --per_case of a sweep."""
  flags.choice(
    "per_case",
    None,
    ("expected", "volume"),
    "Also learns a threshold for each case from its map alone: expected, where"
    " the calibrated map expects the highest Dice; volume, by a line on the"
    " volume that the one threshold finds. Compares both with the one threshold"
    " and with 0.5 on unseen patients, and says which to use; jaxseg apply then"
    " cuts so.",
    default="none: one threshold for all",
  )


def sentences(tables: Sequence[Sequence[dict[str, Any]]]) -> dict[str, str]:
  """Which threshold to use for each class, "" where there is one alone.

  Args:
    tables: Of each class what `study.per_case_rows` gave.
  """
  from jaxseg import study

  return {_name(rows[0]): study.recommendation(rows) for rows in tables}


def _name(row: dict[str, Any]) -> str:
  """What maps are of; "" where it is not told."""
  return "" if row.get("class") is None else str(row["class"])


def tell(rows: Sequence[dict[str, Any]], said: Mapping[str, str]) -> None:
  """Prints ways to choose a threshold side by side, and which to use.

  Args:
    rows: Of `study.per_case_rows`, or `study.recommendations`.
    said: What the rows are of -> a sentence that says which.
  """
  from jaxseg.cli import _console

  told: list[dict[str, str]] = []
  for row in rows:
    of = "objective" if "objective" in row else "class"
    one = {of: str(row[of])} if row.get(of) is not None else {}
    one |= {"cut at": _METHODS[row["method"]]}
    one["Dice"] = f"{row.get('dice', row.get('dice_mean_case')):.3f}"
    one["over 0.5"] = _gain(row, "gain_half")
    one["over own"] = _gain(row, "gain")
    told.append(one)
  _console.table(
    "Ways to choose, mean Dice of unseen patients",
    told,
    {name: name for name in told[0]},
  )
  for name, sentence in said.items():
    print(f"{name}: {sentence}" if name else sentence)


def _gain(row: dict[str, Any], name: str) -> str:
  value, low, high = (row[f"{name}{end}"] for end in ("", "_low", "_high"))
  if not low < high:
    return "–"
  # Without a minus before what rounds to 0.
  told = f"{value:+z.3f} ({low:+z.3f} to {high:+z.3f})"
  return told.replace("-", "−")
