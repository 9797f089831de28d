"""The paper's claims: their table, and each in a sentence of plain words."""

from collections.abc import Callable, Mapping, Sequence
import math
import pathlib
from typing import Any

from jaxseg.report import _page
from jaxseg.report import _tables
from jaxseg.report import _wording

Rows = Sequence[Mapping[str, Any]]
_PAPER_COST = 0.118  # Bice et al. 2021, doi:10.1002/acm2.13331.
_STATEMENTS = {
  "C1": "An organ's own threshold beats 0.5",
  "C2": "A shift of ±0.05 costs a median of 11.8 % of Dice",
  "C3": "Prominence in training moves the best threshold",
  "C4": "Training with Dice makes the curve flatter",
  "C5": "No objective is best by HD95, ASSD and NSD",
  "C6": "The cost comes from dropout of one-channel tensors",
}
_NEEDS = {
  "C1": "models of bce",
  "C2": "models of bce",
  "C3": "four levels of negatives, for two organs (--negatives=0,0.25,1,3)",
  "C4": "models of bce and of another objective",
  "C5": "models of two objectives, with surface distances",
  "C6": "bice2020 with and without its dropout of one-channel tensors"
  " (--dropout_at=rest)",
}
# Of what a value is said as a percentage.
_SHARES = ("C1", "C2")
_UNITS = {
  "C1": "median share of Dice lost at 0.5",
  "C2": "median share of Dice lost",
  "C3": "slope of the threshold on ln(kept fraction)",
  "C4": "cost of ±0.05 over that of BCE",
  "C5": "organs in which one wins all three",
  "C6": "percentage points of Dice lost at ±0.05, with it minus without",
}
_COLUMNS = {
  "claim": "claim",
  "says": "what it says",
  "verdict": "verdict",
  "found": "value",
  "interval": "95 % interval",
  "network": "network",
  "models": "models",
}
_TEXT = """\
Each claim is decided by a rule that was fixed before the numbers were seen: \
thresholds are chosen on the validation patients, all values are of patients \
that took no part in that, on slices as training shows them (scope `kept`); \
intervals resample patients, organs and seeds. A claim whose interval does not \
decide it is undecided. Models that learnt nothing (stuck) are left out and \
counted."""
_RATIO = """ \
For C4's ratio organs alone are resampled, with all they have; where there are \
fewer than six, patients and seeds too, and the interval is wider than it had \
to be: it decides late, not wrongly."""


def claims_section(
  folder: pathlib.Path, rows: Rows, provenance: Mapping[str, Any]
) -> _page.Section:
  """The claims: tables/claims.csv, and what the page says first.

  Args:
    folder: Run folder to write into.
    rows: What `study.claims` gave.
    provenance: What `report.provenance` gave.
  """
  path = folder / "tables" / "claims.csv"
  _tables.write_csv(path, rows, provenance)
  return section(rows, provenance, [path])


def section(
  rows: Rows, provenance: Mapping[str, Any], tables: Sequence[pathlib.Path]
) -> _page.Section:
  """The same, of tables that are there."""
  text = _TEXT
  if any(row["claim"] == "C4" for row in rows):
    text += _RATIO
  stuck = any(row.get("stuck") for row in rows)
  if provenance.get("synthetic"):
    text += (
      "\n\nThe patients are made up: the verdicts show that the rules run, and"
      " say nothing about the paper."
    )
  return _page.Section(
    "The paper's claims",
    text=text,
    rows=sorted(
      [*map(_shown, rows), *_not_tested(rows)], key=lambda row: row["claim"]
    ),
    columns=_COLUMNS | ({"stuck": "stuck"} if stuck else {}),
    tables=tables,
    stacked=True,
  )


def sentences(rows: Rows) -> str:
  """What the claims' rows say: of each network a sentence, or a list of them.

  Args:
    rows: What `study.claims` gave.
  """
  networks = list(dict.fromkeys(row["network"] for row in rows))
  found = []
  for network in networks:
    own = [row for row in rows if row["network"] == network]
    levels = [row for row in own if row["claim"] == "C3"]
    said = [
      _levels(*levels)
      if row["claim"] == "C3"
      else _SENTENCES[row["claim"]](row)
      for row in own
      # A claim of levels has a row for each organ, of one verdict.
      if row["claim"] in _SENTENCES
      and (row["claim"] != "C3" or row is levels[0])
    ]
    if said:
      label = _wording.network_label(network)
      label = f"{label[:1].upper()}{label[1:]}"
      who = f"{label}:" if len(networks) > 1 else ""
      found.append(
        _wording.listed(who, said)
        if len(said) > 1
        else f"{who} {said[0]}".strip()
      )
  return "\n\n".join(found)


def facts(rows: Rows) -> dict[str, str]:
  """The claims that give a number worth large print, with its interval.

  Args:
    rows: What `study.claims` gave.
  """
  names = {
    "C1": "Dice lost by cutting at 0.5 (BCE, unseen patients)",
    "C2": "Dice lost by a shift of ±0.05 (BCE, unseen patients)",
  }
  several = len({row["network"] for row in rows}) > 1
  found = {}
  for row in rows:
    if row["claim"] in names and _wording.is_finite(row["value"]):
      who = f", {_wording.network_label(row['network'])}" if several else ""
      found[names[row["claim"]] + who] = _with_interval(row)
  return found


def _shown(row: Mapping[str, Any]) -> dict[str, Any]:
  claim = row["claim"]
  statement = str(row["statement"])
  says = _STATEMENTS.get(claim, statement)
  if claim == "C3":  # A row per organ.
    organ = statement.rpartition(", ")[2]
    says += f": {_wording.structure_label(organ)}"
  if claim == "C4":
    says += f": {_wording.objective_label(statement.partition(' ')[0])}"
  return {
    **row,
    "says": f"{says} ({_UNITS[claim]})" if claim in _UNITS else says,
    "network": _wording.network_label(row["network"]),
    "found": _value(row, "value"),
    "interval": _interval(row) or "–",
  }


def _not_tested(rows: Rows) -> list[dict[str, Any]]:
  """The claims that nothing was asked of, and what each would need."""
  asked = {row["claim"] for row in rows}
  return [
    {
      "claim": claim,
      "says": f"{says}. Not tested: needs {_NEEDS[claim]}.",
      "verdict": "not tested",
    }
    for claim, says in _STATEMENTS.items()
    if claim not in asked
  ]


def _value(row: Mapping[str, Any], column: str) -> str:
  value = row[column]
  if not _wording.is_finite(value):
    return _wording.format_value(value)
  if row["claim"] in _SHARES:
    return _wording.percent(value, 1)
  if row["claim"] == "C6":  # Of two shares the difference is no share.
    return _wording.percent(value, 1).removesuffix(" %")
  if row["claim"] == "C5":
    return f"{value:g} of {row['structures']}"
  return f"{value:z.2f}".replace("-", "−")


def _interval(row: Mapping[str, Any]) -> str:
  if any(math.isnan(row[end]) for end in ("low", "high")):
    return ""
  return f"{_value(row, 'low')} to {_value(row, 'high')}"


def _with_interval(row: Mapping[str, Any]) -> str:
  interval = _interval(row)
  return _value(row, "value") + (f" ({interval})" if interval else "")


def _number(row: Mapping[str, Any]) -> str:
  interval = _interval(row)
  said = _value(row, "value")
  return f"{said} (95 % interval {interval})" if interval else said


def _own_threshold(row: Mapping[str, Any]) -> str:
  lost = f"cutting at 0.5 instead loses a median of {_number(row)} of Dice"
  return {
    "confirmed": f"It pays to give each organ its own threshold: {lost} on"
    " unseen patients.",
    "refuted": "0.5 is nearly as good as an organ's own threshold:"
    f" {lost} on unseen patients.",
  }.get(
    row["verdict"],
    "Whether an organ's own threshold beats 0.5 stays undecided:"
    f" {lost} on unseen patients.",
  )


def _small_shift(row: Mapping[str, Any]) -> str:
  below, above = row["high"] < _PAPER_COST, row["low"] > _PAPER_COST
  beside = {
    "agrees": "which agrees with the 11.8 % that the paper reported: the"
    " interval holds it",
    "refuted": "far less than the 11.8 % that the paper reported",
    "same order": "more than the 11.8 % that the paper reported"
    if above
    else "of the order of the 11.8 % that the paper reported",
  }.get(
    row["verdict"],
    "below the 11.8 % that the paper reported, and by the rule neither of its"
    " order nor refuted"
    if below
    else "too uncertain to set beside the paper's reported 11.8 %",
  )
  return (
    f"A threshold that is 0.05 off costs a median of {_number(row)} of Dice,"
    f" {beside}."
  )


def _levels(*rows: Mapping[str, Any]) -> str:
  verb = {
    "confirmed": "moves the best threshold up",
    "refuted": "moves the best threshold down",
  }.get(rows[0]["verdict"], "was not shown to move the best threshold")
  each = ", ".join(
    f"{_wording.structure_label(str(row['statement']).rpartition(', ')[2])}:"
    f" {_number(row)}"
    for row in rows
  )
  return (
    f"Showing more of the organ in training {verb} ({each} for each factor of"
    " e)."
  )


def _flatter(row: Mapping[str, Any]) -> str:
  name = _wording.objective_label(str(row["statement"]).partition(" ")[0])
  if not _wording.is_finite(row["value"]):
    return f"How {name} changes the cost of a shift cannot be told."
  verb = {
    "confirmed": "at least halves",
    "refuted": "raises",
  }.get(row["verdict"], "was not shown to halve")
  return (
    f"Training on {name} {verb} the cost of such a shift: it is"
    f" {_number(row)} times that of BCE."
  )


def _distances(row: Mapping[str, Any]) -> str:
  if row["verdict"] == "refuted":
    return (
      "One objective is best by all surface distances in"
      f" {_value(row, 'value')} organs."
    )
  if row["verdict"] == "undecided":
    return (
      "Whether one objective is best by all surface distances stays undecided"
      f" until all organs have been trained on each: one wins"
      f" {_value(row, 'value')} organs so far."
    )
  return (
    "No objective is best by all surface distances: the most that one wins is"
    f" {_value(row, 'value')} organs."
  )


def _cause(row: Mapping[str, Any]) -> str:
  said = {
    "confirmed": "The authors' dropout of one-channel tensors makes a shift"
    " cost more",
    "refuted": "The authors' dropout of one-channel tensors is not what makes a"
    " shift costly",
  }.get(
    row["verdict"],
    "Whether the authors' dropout of one-channel tensors adds a percentage"
    " point to the cost of a shift stays undecided",
  )
  value, *between = _number(row).split(" (", 1)
  number = " (".join([f"{value} percentage points", *between])
  return f"{said}: with it, {number} more of Dice are lost."


_SENTENCES: dict[str, Callable[..., str]] = {
  "C1": _own_threshold,
  "C2": _small_shift,
  "C3": _levels,
  "C4": _flatter,
  "C5": _distances,
  "C6": _cause,
}
