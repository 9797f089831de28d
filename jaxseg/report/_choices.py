"""The part of the page that says which threshold to use."""

from collections.abc import Mapping, Sequence
import math
import pathlib
from typing import Any

from jaxseg.report import _page
from jaxseg.report import _tables
from jaxseg.report import _wording

_COLUMNS = {
  "structure": "structure",
  "class": "class",
  "network": "network",
  "objective": "objective",
  "method": "chosen by",
  "dice": "Dice",
  "dice_mean_case": "Dice, mean of patients",
  "gain_half": "over 0.5",
  "gain_half_interval": "95 %",
  "gain": "over own",
  "gain_interval": "95 %",
  "p_holm": "p (Holm)",
}
_TEXT = """\
Four ways to choose a threshold, learnt on patients with labels and compared \
on unseen ones: `half` is 0.5; `organ` is each structure's own threshold; \
`expected` gives each patient the threshold at which the calibrated map \
expects the highest Dice; `volume` the one that a line on the map's volume \
predicts. p is of `organ` against 0.5, and of the ways for each patient \
against `organ`, by Holm's correction."""


def per_case_section(
  folder: pathlib.Path,
  tables: Mapping[str, Sequence[Mapping[str, Any]]],
  said: Mapping[str, str],
  provenance: Mapping[str, Any],
) -> _page.Section:
  """Which threshold to use: tables/{recommendations,per_case,...}.csv.

  Args:
    folder: Gets the tables.
    tables: Those of `recommendations`, per_case and case_thresholds that there
      are; the first is shown.
    said: What they are of -> `study.recommendation` of it.
    provenance: What `report.provenance` gave.
  """
  names = [
    name
    for name in ("recommendations", "per_case", "case_thresholds")
    if tables.get(name)
  ]
  paths = [
    _tables.write_csv(
      folder / "tables" / f"{name}.csv", tables[name], provenance
    )
    for name in names
  ]
  rows = _tables.with_intervals(tables[names[0]])
  for row in rows:
    if row["method"] == "organ":  # Nothing is gained over itself.
      row |= {"gain": math.nan, "gain_interval": "–"}
  told = [
    f"{_who(name)}: {line}" if name else line for name, line in said.items()
  ]
  return _page.Section(
    title="Which threshold to use",
    text=_TEXT,
    rows=rows,
    columns={k: v for k, v in _COLUMNS.items() if k in rows[0]},
    tables=paths,
    said=_wording.listed("Which threshold to use:", told)
    if len(told) > 1
    else told[0],
    facts=_facts(tables[names[0]]),
  )


def _who(name: str) -> str:
  """A network and its objective, for people."""
  network, _, objective = name.rpartition(", ")
  words = _wording.network_label(network), _wording.objective_label(objective)
  said = ", ".join(filter(None, words))
  return said[:1].upper() + said[1:]


def _facts(rows: Sequence[Mapping[str, Any]]) -> dict[str, str]:
  """What each objective's own thresholds gain, with the interval."""
  found = {}
  for row in rows:
    if row.get("method") != "organ" or "gain_half_low" not in row:
      continue
    who = _wording.objective_label(str(row.get("objective", "")))
    if "network" in row:  # The page may compare it with others.
      who = f"{_wording.network_label(str(row['network']))}, {who}"
    value, low, high = (
      f"{row[f'gain_half{end}']:+z.3f}".replace("-", "−")
      for end in ("", "_low", "_high")
    )
    name = ", ".join(filter(None, ("Dice gained over 0.5", who)))
    found[f"{name}, unseen patients"] = f"{value} ({low} to {high})"
  return found
