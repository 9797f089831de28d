"""What a sweep over anyone's maps prints."""

from collections.abc import Callable, Sequence
import dataclasses
import math
from typing import Any, TYPE_CHECKING

if TYPE_CHECKING:
  from jaxseg import study

# Simulated, the interval of the best Dice holds it in 85 to 88 % of cohorts of
# 5 to 10 patients before it is widened; benchmarks/results has those of more.
_FEW_PATIENTS = 10


def _share(value: float) -> str:
  return "–" if math.isnan(value) else f"{value:.1%}"


def tell(optima: Sequence[dict[str, Any]], calibration: dict[str, Any]) -> None:
  """Prints the optima side by side, and the calibration below."""
  from jaxseg.cli import _console

  facts = {
    "threshold": _spread("threshold"),
    f"{optima[0]['criterion']} there": _spread("value"),
    "Dice there": lambda row: f"{row['dice']:.3f}",
    "Dice at 0.5": lambda row: f"{row['dice_half']:.3f}",
    "Dice lost at -0.05, +0.05": lambda row: (
      f"{_share(row['reduction_minus_0.05'])},"
      f" {_share(row['reduction_plus_0.05'])}"
    ),
    "within epsilon": lambda row: (
      f"{row['near_low']:g} to {row['near_high']:g}"
    ),
  }
  if "left_out_value" in optima[0]:
    facts["chosen without the patient"] = lambda row: (
      "no threshold keeps the bound without one of them"
      if row["left_out_value"] is None
      else f"{row['left_out_value']:.3f}"
    )
  headings = {"": "", **{row["aggregate"]: row["aggregate"] for row in optima}}
  rows = [
    {"": name, **{row["aggregate"]: said(row) for row in optima}}
    for name, said in facts.items()
    if name != "dice there"
  ]
  _console.table(f"Best threshold of {_of_what(optima)}", rows, headings)
  _tell_intervals(optima[0])
  warmth = calibration["temperature"]
  print(
    "Calibration error {expected_calibration_error:.4f}, temperature {said}."
    " Half of the best Dice: {half_of_best_dice:.3f}; optimum expected without"
    " labels: {expected_threshold:.3f}".format(
      said="none (constant maps)" if warmth is None else f"{warmth:.2f}",
      **calibration,
    )
  )


def tell_classes(optima: Sequence[dict[str, Any]]) -> None:
  """Prints a line for each class: its pooled optimum."""
  from jaxseg.cli import _console

  rows = [row for row in optima if row["aggregate"] == "pooled"]
  criterion = rows[0]["criterion"]
  columns = {
    "class": "class",
    "label": "label",
    "threshold": "threshold",
    "value": criterion,
    "left_out_value": "left out",
    "dice": "Dice",
    "dice_half": "at 0.5",
    "dice_argmax": "by argmax",
  }
  if criterion == "dice":
    del columns["value"]
  told = []
  for row in rows:
    one = {name: str(row[name]) for name in ("class", "label")}
    one["threshold"] = _spread("threshold")(row)
    for name in columns:
      value = row.get(name)
      if name not in one:
        one[name] = "–" if value is None else f"{value:.3f}"
    told.append(one)
  for name in ("left_out_value", "dice_argmax"):
    if all(row.get(name) is None for row in rows):
      del columns[name]
  if all(row["class"] == row["label"] for row in told):
    del columns["label"]
  cases = rows[0]["cases"]
  number = f"{cases} case{'s' if cases != 1 else ''}"
  _console.table(f"Best threshold of each class, {number}", told, columns)
  _tell_intervals(rows[0])


def _tell_intervals(row: dict[str, Any]) -> None:
  """Says what the intervals hold."""
  if "level" not in row:
    return
  few = row["patients_with_structure"] < _FEW_PATIENTS
  end = "; of so few they are too narrow." if few else "."
  print(
    f"In brackets: {100 * row['level']:g} % intervals from {row['resamples']}"
    f" resamples of {row['patients']} patients{end}"
  )


def _of_what(optima: Sequence[dict[str, Any]]) -> str:
  cases = optima[0]["cases"]
  said = f"{cases} case{'s' if cases != 1 else ''}"
  for name in ("class", "label"):
    if optima[0].get(name) is not None:
      said += f", {name} {optima[0][name]}"
  return said


def _spread(name: str) -> Callable[[dict[str, Any]], str]:
  """Says a value with its interval."""

  def said(row: dict[str, Any]) -> str:
    text = f"{row[name]:.3f}"
    if f"{name}_low" in row:
      text += f" ({row[f'{name}_low']:.3f} to {row[f'{name}_high']:.3f})"
    return text

  return said


def tell_surfaces(optima: Sequence[dict[str, Any]]) -> None:
  """Prints the best of each surface metric: a line, or a row for each class."""
  from jaxseg import report
  from jaxseg.cli import _console

  classes: dict[str, dict[str, str]] = {}
  for best in optima:
    name = str(best.get("class"))
    row = classes.setdefault(name, {"class": name})
    row[best["metric"]] = f"{best['value']:.3f} at {best['threshold']:g}"
  if len(classes) > 1:
    metrics = dict.fromkeys(best["metric"] for best in optima)
    columns = {"class": "class", **{m: report.heading(m) for m in metrics}}
    _console.table("Best surfaces", list(classes.values()), columns)
    return
  for row in classes.values():
    for metric, said in row.items():
      if metric != "class":
        print(f"Best {report.heading(metric)}: {said}")


def tell_remarks(
  found: Sequence["study.CohortCounts"], ignore: str | None
) -> None:
  """Prints what looks like a mistake, each kind once a class.

  Args:
    found: Counts of each class; what all of them say is said once.
    ignore: What --ignore gives.
  """
  each = [_remarks(one) for one in found]
  codes = dict.fromkeys(code for of_class in each for code in of_class)
  for code in codes:
    alike = all(of_class.get(code) == each[0].get(code) for of_class in each)
    for one, of_class in zip(found, each, strict=True):
      if code not in of_class or (alike and one is not found[0]):
        continue
      (name, text), *others = of_class[code]
      where = "" if alike else f"class {one.facts.get('structure')}, "
      plural = "s" if len(others) > 1 else ""
      more = f" (and {len(others)} more case{plural})" if others else ""
      print(f"Note, {code}: {where}{name}{more}: {text}")
  if ignore not in (None, "none") and "left-out" not in codes:
    print(f"Note, left-out: --ignore={ignore}: no reference has such a voxel")


def _remarks(found: "study.CohortCounts") -> dict[str, list[tuple[str, str]]]:
  """Kind of a remark -> the cases that have it, and what it says of them."""
  cases: dict[str, list[tuple[str, str]]] = {}
  for name, remarks in zip(found.names, found.remarks, strict=False):
    for line in remarks.splitlines():
      code, _, text = line.partition(": ")
      cases.setdefault(code, []).append((name, text))
  return cases


def with_patients(
  found: "list[study.CohortCounts]", how: str | None
) -> "list[study.CohortCounts]":
  """Counts whose cases know their patients; says which those are."""
  from jaxseg import study

  first = found[0]
  grouped = study.patients(first.names, how)
  if first.patients and how is None:  # Counts of a merge know them already.
    grouped = study.Patients(first.patients, "the counts")
  print(f"{grouped.sentence}; --patients changes this")
  return [dataclasses.replace(one, patients=grouped.of) for one in found]
