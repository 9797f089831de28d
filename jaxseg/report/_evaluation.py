"""Somebody's contours against references: tables, figures, the page."""

from collections.abc import Iterable, Mapping, Sequence
import math
import pathlib
from typing import Any

from matplotlib import axes as mpl_axes
from matplotlib import figure as mpl_figure
import numpy as np

from jaxseg import study
from jaxseg.report import _page
from jaxseg.report import _style
from jaxseg.report import _tables
from jaxseg.report import _wording

Rows = Sequence[Mapping[str, Any]]

_DOT, _MEDIAN, _MEAN = "#56b4e9", "#d55e00", "#000000"
_TEXT = """\
A missed structure counts with a Dice of 0 and {worst} distance, and so \
does a hallucinated one, so neither improves a mean by being left out. \
Intervals are of 95 %, over patients: of means by Student's t with a \
correction for skewness, of medians between two order statistics, which takes \
six patients. Of a patient with several cases their mean counts. Where a few \
patients are missed, an interval of fewer than 30 tells too little of it. \
{surface}{nsd}"""
_SURFACES = {
  "surfel": "Surfaces are weighted by area: HD95 is the larger of the two"
  " directed 95th percentiles.",
  "voxel": "Surfaces are border voxels, each counted once: HD95 is the larger"
  " of the two directed 95th percentiles.",
}
_WHERE = """\
The lowest Dice of all cases. A missed structure has voxels in the reference \
and none in the prediction; a hallucinated one the other way round."""
_LEFT = """\
`no reference`: nobody has contoured it on that case, which says nothing about \
the body. `not predicted`: no prediction of any case names it. `refused`: it \
could not be read, or nobody can tell which is meant."""
_SUMMARY = {
  "structure": "structure",
  "patients": "patients",
  "dice": "mean Dice",
  "dice_interval": "interval",
  "dice_median": "median Dice",
  "hd95_mm": "median HD95, mm",
  "assd_mm": "median ASSD, mm",
  "nsd": "mean NSD",
  "missed": "missed",
  "hallucinated": "hallucinated",
  "worst": "worst Dice",
  "worst_case": "of",
}
_WORST = {
  "case": "case",
  "structure": "structure",
  "status": "status",
  "dice": "Dice",
  "hd95_mm": "HD95, mm",
  "volume_difference": "volume, relative",
  "reference_ml": "reference, mL",
  "predicted_ml": "predicted, mL",
}

_OTHERS = {name: name for name in ("structure", "status", "cases", "reason")}


def evaluation_sections(
  folder: pathlib.Path,
  rows: Rows,
  summary: Rows,
  provenance: Mapping[str, Any],
  *,
  surface: str = "surfel",
  worst_distance: float = math.inf,
) -> list[_page.Section]:
  """An evaluation's tables and figures.

  Args:
    folder: Gets tables/{scores,summary}.csv and figures/{dice,hd95}.*.
    rows: What `study.settled` gave.
    summary: What `study.evaluation_summary` gave.
    provenance: What `report.provenance` gave.
    surface: Which surfaces were compared.
    worst_distance: What a missed structure counted as, mm.
  """
  paths = [folder / "tables" / f"{name}.csv" for name in ("summary", "scores")]
  for path, table in zip(paths, (summary, rows), strict=True):
    _tables.write_csv(path, list(map(_safe, table)), provenance)
  scored = [row for row in rows if row["status"] in study.SCORED]
  figures = {}
  for metric, said in (("dice", "Dice"), ("hd95_mm", "HD95 (mm)")):
    drawn = [row for row in scored if _finite(row.get(metric))]
    if drawn:
      figure = dots(scored, summary, metric, f"{said} by structure")
      stem = folder / "figures" / metric.removesuffix("_mm")
      alt = f"{said} of each case, by structure, with median and mean"
      figures[_style.save(figure, stem)[0]] = alt
  sections = [
    _page.Section(
      "Scores by structure",
      text=_TEXT.format(
        worst=_worst(worst_distance),
        surface=_SURFACES[surface],
        nsd=_tolerance(summary),
      ),
      figures=figures,
      rows=brief(summary),
      columns=_SUMMARY,
      tables=paths,
    )
  ]
  worst = sorted(
    (row for row in scored if row["status"] != "both empty"),
    key=lambda row: (row["dice"], -row["reference_ml"]),
  )[:10]
  if worst:
    sections.append(
      _page.Section(
        "Where to look first",
        text=_WHERE,
        rows=worst,
        columns=_WORST,
      )
    )
  others = not_scored(rows)
  if others:
    sections.append(
      _page.Section(
        "What was not scored",
        text=_LEFT,
        rows=others,
        columns=_OTHERS,
      )
    )
  return sections


def write_evaluation(
  path: pathlib.Path,
  rows: Rows,
  summary: Rows,
  sections: Sequence[_page.Section],
  provenance: Mapping[str, Any],
  *,
  note: str = "",
) -> None:
  """Writes the page of an evaluation.

  Tables and figures of an earlier one into OUTPUT, which this one has not, are
  deleted.

  Args:
    path: The file, OUTPUT/report/index.html.
    rows: What `study.settled` gave.
    summary: What `study.evaluation_summary` gave.
    sections: What `evaluation_sections` gave.
    provenance: What `report.provenance` gave.
    note: What else a reader must know, such as which cases have no partner.
  """
  scored = [row for row in rows if row["status"] in study.SCORED]
  cases = len({row["case"] for row in scored})
  structures = len({row["structure"] for row in scored})
  missed = sum(row["status"] == "missed" for row in scored)
  made_up = sum(row["status"] == "hallucinated" for row in scored)
  means = [
    row["mean"]
    for row in summary
    if row["metric"] == "dice" and _finite(row.get("mean"))
  ]
  facts: dict[str, Any] = {}
  if means:
    facts["mean Dice, over structures"] = f"{float(np.mean(means)):.3f}"
  facts |= {"missed": missed, "hallucinated": made_up}
  gone = _page.write_page(
    path,
    title="Contours against references",
    summary=f"{_count(cases, 'case')}, {_count(structures, 'structure')},"
    f" {_count(len(scored), 'pair')} of contours scored.\n\n{note}".rstrip(),
    provenance=provenance,
    sections=sections,
    facts=facts,
  )
  _page.forget(path.parent.parent, gone)


def brief(summary: Rows) -> list[dict[str, Any]]:
  """One row for each structure, of the metrics that most people ask for.

  Args:
    summary: What `study.evaluation_summary` gave.
  """
  by_structure: dict[str, dict[str, Mapping[str, Any]]] = {}
  for row in summary:
    by_structure.setdefault(row["structure"], {})[row["metric"]] = row
  found = []
  for structure, of in by_structure.items():
    dice = of["dice"]
    if not dice["cases"]:
      continue
    nsd = _nsd(of)
    low, high = dice.get("mean_low"), dice.get("mean_high")
    there = _finite(low) and _finite(high)
    found.append(
      {
        "structure": structure,
        "patients": dice["patients"],
        "dice": dice.get("mean"),
        "dice_interval": f"{low:.3f} to {high:.3f}" if there else "–",
        "dice_median": dice.get("median"),
        "hd95_mm": of.get("hd95_mm", {}).get("median"),
        "assd_mm": of.get("assd_mm", {}).get("median"),
        "nsd": of[nsd].get("mean") if nsd else None,
        "missed": dice["missed"],
        "hallucinated": dice["hallucinated"],
        "worst": dice.get("worst"),
        "worst_case": dice.get("worst_case"),
      }
    )
  return found


def _worst(distance: float) -> str:
  return f"{distance:g} mm of" if math.isfinite(distance) else "an infinite"


def _nsd(metrics: Iterable[str]) -> str:
  """The NSD that a table has room for, or ""."""
  names = [name for name in metrics if name.startswith("nsd_")]
  return names[min(1, len(names) - 1)] if names else ""


def _tolerance(summary: Rows) -> str:
  """A sentence on the table's NSD."""
  name = _nsd(dict.fromkeys(row["metric"] for row in summary))
  return f" NSD is at {name.removeprefix('nsd_')} mm." if name else ""


def not_scored(rows: Rows) -> list[dict[str, Any]]:
  """What was left out, by structure, status and reason.

  Args:
    rows: What `study.settled` gave.
  """
  found: dict[tuple[str, str, str], int] = {}
  for row in rows:
    if row["status"] not in study.SCORED:
      key = (row["structure"], row["status"], row.get("reason") or "")
      found[key] = found.get(key, 0) + 1
  return [
    {"structure": a, "status": b, "cases": number, "reason": c}
    for (a, b, c), number in found.items()
  ]


@_style.style()
def dots(
  rows: Rows, summary: Rows, metric: str, title: str
) -> mpl_figure.Figure:
  """Every case's value by structure, with median and mean.

  Args:
    rows: Scores of cases.
    summary: What `study.evaluation_summary` gave.
    metric: Column of the scores.
    title: Stands above the figure.

  Returns:
    Figure. A marker at the right edge is an infinite distance.
  """
  names = list(dict.fromkeys(row["structure"] for row in rows))
  figure = _style.new_figure(title, 1.1 + 0.42 * max(3, len(names)))
  panel = figure.subplots()
  finite = [row[metric] for row in rows if _finite(row.get(metric))]
  far = False
  for place, name in enumerate(names):
    values = [
      float(row[metric])
      for row in rows
      if row["structure"] == name
      and row.get(metric) is not None
      and not math.isnan(row[metric])
    ]
    far |= _draw_cases(panel, place, values)
    for row in summary:
      if (row["structure"], row["metric"]) == (name, metric):
        _draw_aggregate(panel, place, row)
  panel.set_yticks(range(len(names)), [_label(name) for name in names])
  panel.set_ylim(len(names) - 0.4, -0.6)
  _style.stripe(panel, len(names))
  if metric == "dice":
    panel.set_xlim(-0.02 if min(finite) < 0.3 else None, 1.01)
  else:
    panel.set_xlim(left=-0.02 * max(1.0, *finite))
  panel.set_xlabel(_wording.heading(metric))
  handles = [
    _style.handle("a case", color=_DOT, ls="none", marker="o", ms=5),
    _style.handle("median", color=_MEDIAN, ls="none", marker="|", ms=13, mew=2),
    _style.handle("mean with interval", color=_MEAN, marker="D", ms=4, lw=1.2),
  ]
  if far:
    edge = "at the edge: infinite, missed or hallucinated"
    handles.append(_style.handle(edge, color=_DOT, ls="none", marker=">", ms=6))
  _style.add_legend(figure, handles)
  return figure


def _draw_cases(
  panel: mpl_axes.Axes, place: int, values: Sequence[float]
) -> bool:
  """Draws the cases of one structure; says whether one was infinite."""
  shown = [value for value in values if math.isfinite(value)]
  # Spread so that equal values can be seen, the same each time.
  lift = np.linspace(-0.26, 0.0, 5)[np.arange(len(shown)) % 5]
  panel.plot(shown, place + lift, "o", ms=4, color=_DOT, mec="white", mew=0.4)
  if len(shown) < len(values):
    panel.plot(
      1.0,
      place - 0.13,
      ">",
      color=_DOT,
      clip_on=False,
      transform=panel.get_yaxis_transform(),
    )
  return len(shown) < len(values)


def _draw_aggregate(
  panel: mpl_axes.Axes, place: int, row: Mapping[str, Any]
) -> None:
  if _finite(row.get("median")):
    panel.plot(row["median"], place - 0.13, "|", color=_MEDIAN, ms=15, mew=2)
  if _finite(row.get("mean")):
    ends = [row[name] for name in ("mean_low", "mean_high")]
    if all(map(_finite, ends)):
      panel.plot(ends, [place + 0.22] * 2, color=_MEAN, lw=1.2)
    panel.plot(row["mean"], place + 0.22, "D", color=_MEAN, ms=4)


def _label(name: str) -> str:
  """A structure's name on an axis, in two lines at most."""
  said = _wording.structure_label(name)
  return "\n".join(_style.wrap(said, 32)[:2])


def _safe(row: Mapping[str, Any]) -> dict[str, Any]:
  """A row whose names, which may be hostile, are no formula."""
  names = ("case", "structure", "prediction_name", "reference_name")
  return {
    key: f"'{value}"
    if key in (*names, "worst_case") and str(value)[:1] in ("=", "+", "-", "@")
    else value
    for key, value in row.items()
  }


def _count(number: int, what: str) -> str:
  return f"{number} {what}{'' if number == 1 else 's'}"


def _finite(value: Any) -> bool:
  return value is not None and math.isfinite(value)
