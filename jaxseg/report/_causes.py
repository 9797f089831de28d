"""The part of the page that asks for causes: kinds of network side by side."""

from collections.abc import Mapping, Sequence
import pathlib
from typing import Any

from jaxseg import _text
from jaxseg.report import _cause_curves
from jaxseg.report import _chart_cause_curves
from jaxseg.report import _chart_causes
from jaxseg.report import _page
from jaxseg.report import _style
from jaxseg.report import _tables
from jaxseg.report import _wording

Rows = Sequence[Mapping[str, Any]]
_SHOWN = "kept"
_TEXT = """\
Why is an optimum low, and a curve steep? Networks are compared by where they \
drop out, by the length of their training, and by the slices without the organ \
that they were trained on. Beside each cost stands the largest that a \
calibrated map of the same Dice can have, by a linear programme: a model above \
it is not calibrated. Of a calibrated map the best threshold is half of the \
best Dice; `half rule` counts the models in which that is within 0.01 as good. \
Costs are medians of the test patients, scope `{scope}`, at thresholds chosen \
on the validation patients; models that learnt nothing are left out.{to}\
{negatives}"""
_NEGATIVES = """ \
`negatives` are the slices without the organ in training, for each with it."""
_COLUMNS = {
  "kind": "network",
  "models": "models",
  "steps": "steps of training",
  "threshold": "best threshold",
  "lost_said": "lost at ±0.05",
  "lost_interval": "95 %",
  "lost_half_said": "lost at 0.5",
  "half_rule": "half rule",
  "beyond_bound": "beyond the bound",
  "lost_difference_said": "difference, points",
  "p_holm": "p (Holm)",
}


def causes_section(
  folder: pathlib.Path,
  rows: Rows,
  arms: Rows,
  provenance: Mapping[str, Any],
  *,
  curves: Rows = (),
) -> _page.Section:
  """Causes: tables/cause*.csv and figures/cause_curves, which it writes.

  Args:
    folder: Gets the tables.
    rows: What `study.causes` gave.
    arms: What `study.cause_arms` gave; at least one.
    provenance: What `report.provenance` gave.
    curves: What `study.cause_curves` gave; without it there is no figure.
  """
  tables = {"cause_arms": arms, "causes": rows}
  if curves:
    tables["cause_curves"] = curves
  paths = [
    _tables.write_csv(folder / "tables" / f"{name}.csv", table, provenance)
    for name, table in tables.items()
  ]
  scopes = [row["scope"] for row in arms]
  scope = _SHOWN if _SHOWN in scopes else scopes[0]
  shown = [row for row in arms if row["scope"] == scope]
  names = _chart_causes.labels(shown)
  told = [
    {**row, "kind": name, **_said(row)}
    for row, name in zip(shown, names.values(), strict=True)
  ]
  own = [
    row
    for row in rows
    if row["scope"] == scope and row["dice"] >= _cause_curves.STUCK
  ]
  figures, charts = {}, []
  if curves:
    said = "Dice of unseen patients against threshold"
    drawn = _cause_curves.cause_curves(curves, own, said)
    path, *_ = _style.save(drawn, folder / "figures" / "cause_curves")
    figures[path] = f"{said}, a line for each network"
    title = f"{figures[path]}, mean over seeds"
    charts.append(_chart_cause_curves.cause_curves(curves, own, shown, title))
  charts.append(_chart_causes.causes(own, shown, f"Causes, scope {scope}"))
  return _page.Section(
    "Causes",
    text=_TEXT.format(
      scope=scope,
      to=_compared(shown),
      negatives=_NEGATIVES
      if len({row["negatives"] for row in shown}) > 1
      else "",
    ),
    rows=told,
    columns=_COLUMNS,
    tables=paths,
    figures=figures,
    charts=charts,
  )


def _compared(arms: Rows) -> str:
  """What the differences are to, by the networks' names."""
  names = dict.fromkeys(
    _wording.network_label(f"{row['network']}, {row['compared_with']}")
    for row in arms
    if row["compared_with"]
  )
  if not names:
    return ""
  return (
    " The difference is that of the same organs and seeds to"
    f" {' or '.join(names)}, in percentage points."
  )


def _said(row: Mapping[str, Any]) -> dict[str, str]:
  found = {
    f"{name}_said": _wording.percent(row[name], 1)
    for name in ("lost", "lost_half")
  }
  # Of two shares the difference is no share.
  points = _wording.percent(row["lost_difference"], 1).removesuffix(" %")
  found["lost_difference_said"] = points
  least, most = row.get("steps_least"), row.get("steps_most")
  found["steps"] = _text.span(least, most)
  if not found["steps"]:
    steps, epochs = row.get("steps_asked"), row.get("epochs_asked")
    found["steps"] = (
      f"at most {steps:,}"
      if steps
      else f"of {epochs:,} epochs"
      if epochs
      else "n/a"
    )
  low, high = (
    _wording.percent(row[f"lost_{end}"], 1) for end in ("low", "high")
  )
  found["lost_interval"] = "–" if "n/a" in (low, high) else f"{low} to {high}"
  return found
