"""The part of the page that says which threshold to use."""

from collections.abc import Mapping, Sequence
import pathlib
from typing import Any

from jaxseg.report import _page
from jaxseg.report import _tables

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
Four ways to choose a threshold, learnt on patients with labels and compared on \
unseen ones: `half` is 0.5; `organ` is each structure's own threshold; \
`expected` gives each patient the threshold at which the calibrated map expects \
the highest Dice; `volume` the one that a line on the map's volume predicts."""


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
  told = [f"{name}: {line}" if name else line for name, line in said.items()]
  return _page.Section(
    title="Which threshold to use",
    text="\n\n".join((*told, _TEXT)),
    rows=rows,
    columns={k: v for k, v in _COLUMNS.items() if k in rows[0]},
    tables=paths,
  )
