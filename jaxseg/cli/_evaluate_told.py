"""What an evaluation prints and writes."""

from collections.abc import Mapping, Sequence
import pathlib
from typing import Any, TYPE_CHECKING

from jaxseg import errors

if TYPE_CHECKING:
  from jaxseg import cohorts

Rows = Sequence[Mapping[str, Any]]
_MOST = 10
_COLUMNS = {
  "structure": "structure",
  "patients": "n",
  "dice": "Dice",
  "dice_interval": "95 %",
  "hd95_mm": "HD95, mm",
  "missed": "missed",
  "hallucinated": "made up",
}


def alone(
  pairs: Sequence[tuple[str, str]],
  ours: "cohorts.Side",
  theirs: "cohorts.Side",
  *,
  brief: bool = False,
) -> list[str]:
  """Cases without a partner, and those that cannot be used: a line of each.

  Args:
    pairs: Names of the cases that belong together.
    ours: Predictions.
    theirs: References.
    brief: Say what many cases have in common once, with the first of them.
  """
  from jaxseg import _text

  found = []
  for name, side, used in (
    ("prediction", ours, {pair[0] for pair in pairs}),
    ("reference", theirs, {pair[1] for pair in pairs}),
  ):
    other = "reference" if name == "prediction" else "prediction"
    found += [
      f"Left out: {name} {_text.shown(case)}: has no {other}"
      for case in side.cases
      if case not in used
    ]
    found += [
      f"Left out: {name} {_text.shown(case)}: {why}"
      for case, why in side.left_out.items()
    ]
    found += [
      f"Note: {name} {line}"
      for line in _text.remarks(side.remarks, brief=brief)
    ]
    found += [
      f"Not used: {reason}" for _, reason in getattr(side, "broken", ())
    ]
  return found


def check(
  scores: Rows, refused: Mapping[str, str], asked: Sequence[str] = ()
) -> None:
  """Refuses an evaluation in which nothing could be scored.

  Raises:
    DataError: It says why.
  """
  from jaxseg import study

  if any(row["status"] in study.SCORED for row in scores):
    return
  if refused:
    case, why = next(iter(refused.items()))
    raise errors.DataError(
      f"none of {len(refused)} cases could be scored; {case}: {why}"
    )
  for row in scores:
    if row["status"] == "refused":
      raise errors.DataError(
        f"no contour could be scored; {row['case']}, {row['structure']}:"
        f" {row['reason']}"
      )
  if asked and not scores:
    raise errors.DataError(
      f"--structures: {', '.join(asked)}: no case has any of them; without"
      " --structures, scores.csv lists what there is"
    )
  names = {
    side: sorted({row[f"{side}_name"] for row in scores} - {""})
    for side in ("prediction", "reference")
  }
  told = {side: _listed(own) for side, own in names.items()}
  numbered = [_are_labels(own) for own in names.values() if own]
  layout = ", or how files lie (--layout)" if len(set(numbered)) > 1 else ""
  raise errors.DataError(
    f"no structure is on both sides: the predictions have"
    f" {told['prediction']}, the references {told['reference']}; say which is"
    f" which (--aliases, --prediction_aliases){layout}"
  )


def _listed(names: Sequence[str]) -> str:
  """Names of structures, or the numbers that a label map has for them."""
  if not names:
    return "none"
  start = ""
  if _are_labels(names):
    names = sorted(names, key=int)
    start = "label " if len(names) == 1 else "labels "
  more = f" and {len(names) - 8} more" if len(names) > 8 else ""
  return start + ", ".join(names[:8]) + more


def _are_labels(names: Sequence[str]) -> bool:
  # Of a contour's name, such as a superscript, there may be no number.
  return all(name.isascii() and name.isdigit() for name in names)


def settings(
  patients: Mapping[str, str], worst_distance: float
) -> dict[str, Any]:
  """What decides the tables beside the scores of cases."""
  from jaxseg import _files

  return _files.as_json(
    {"patients": dict(patients), "worst_distance": f"{worst_distance:g}"}
  )


def check_free(folder: pathlib.Path, wanted: Mapping[str, Any]) -> None:
  """Refuses a folder with an evaluation of other cases or settings.

  Raises:
    ExistingOutputError: It says what differs.
  """
  from jaxseg import _files
  from jaxseg import _sealed

  path = folder / "evaluation.json"
  if not _files.is_there(path):
    return
  again = "name another --output, or --overwrite"
  found = _sealed.read(path, again=again).get("settings")
  if found == wanted:
    return
  if not isinstance(found, dict):
    differs = "of an earlier version"
  elif found.get("patients") != wanted["patients"]:
    differs = "of other cases or patients"
  else:
    differs = _files.first_difference(found, wanted)
  raise errors.ExistingOutputError(
    f"{path}: is of another evaluation ({differs}); {again}"
  )


def tell_shard(
  done: int, refused: Mapping[str, str], folder: pathlib.Path
) -> None:
  """Prints what a part of the cases came to."""
  from jaxseg import _text

  _some(
    [f"Refused: {_text.shown(name)}: {why}" for name, why in refused.items()],
    "the command without --shard",
  )
  print(f"Scored: {done} cases into {folder}")


def tell(
  scores: Rows,
  summary: Rows,
  refused: Mapping[str, str],
  left: Sequence[str],
) -> None:
  """Prints the scores of each structure, and what was left out."""
  from jaxseg import _text
  from jaxseg import report
  from jaxseg.cli import _console

  _console.table("Mean Dice and median HD95", report.brief(summary), _COLUMNS)
  _some(
    [
      f"Not scored: {_text.shown(row['structure'])}: {row['status']},"
      f" {row['cases']} case{'s' if row['cases'] > 1 else ''}"
      f"{': ' if row['reason'] else ''}{row['reason']}"
      for row in report.not_scored(scores)
    ],
    "scores.csv",
  )
  if any(row["status"] == "not predicted" for row in scores):
    print(
      "What no prediction names is taken for something that was not to be"
      " predicted; with its name in --structures it counts as missed."
    )
  _tell_alone(scores)
  _some(
    [f"Refused: {_text.shown(name)}: {why}" for name, why in refused.items()],
    "evaluation.json",
  )
  _some(left, "evaluation.json")


def _tell_alone(scores: Rows) -> None:
  """Says where names that differ were taken for the same structure."""
  from jaxseg import _text
  from jaxseg import study

  rows = [
    row for row in scores if str(row.get("notes", "")).startswith(study.ALONE)
  ]
  if rows:
    one = rows[0]
    print(
      f"Note: in {len(rows)} case{'s' if len(rows) > 1 else ''} {study.ALONE},"
      f" was compared, such as {_text.shown(one['prediction_name'])} with"
      f" {_text.shown(one['reference_name'])} in {_text.shown(one['case'])};"
      " --prediction_aliases and --aliases say what names mean"
    )


def _some(lines: Sequence[str], file: str) -> None:
  for line in lines[:_MOST]:
    print(line)
  if len(lines) > _MOST:
    print(f"and {len(lines) - _MOST} more; {file} has all of them")


def save(
  folder: pathlib.Path,
  scores: Rows,
  summary: Rows,
  *,
  refused: Mapping[str, str],
  alone: Sequence[str],
  synthetic: bool,
  surface: str,
  worst_distance: float,
  settings: Mapping[str, Any],
  command: str,
) -> None:
  """Writes tables, evaluation.json, figures and the page."""
  from jaxseg import _files
  from jaxseg import report

  origin = report.provenance(
    cohort="contours",
    cohort_hash=_files.digest(_files.finite([dict(row) for row in scores])),
    synthetic=synthetic,
    seed=None,
    command=command,
  )
  sections = report.evaluation_sections(
    folder,
    scores,
    summary,
    origin,
    surface=surface,
    worst_distance=worst_distance,
  )
  _files.write_json(
    folder / "evaluation.json",
    _files.finite(
      {
        "provenance": origin,
        "settings": dict(settings),
        "surface": surface,
        "summary": [dict(row) for row in summary],
        "scores": [dict(row) for row in scores],
        "refused": dict(refused),
        "left_out": list(alone),
      }
    ),
  )
  page = folder / "report" / "index.html"
  notes = []
  if refused:
    notes.append(
      f"{len(refused)} case{'s' if len(refused) > 1 else ''} could not be read:"
      f" {', '.join([*refused][:6])}."
    )
  left = [line for line in alone if line.startswith("Left out")]
  if left:
    one = len(left) == 1
    notes.append(
      f"{len(left)} case{'' if one else 's'} without a partner, or that could"
      f" not be used, {'is' if one else 'are'} left out."
    )
  report.write_evaluation(
    page, scores, summary, sections, origin, note=" ".join(notes)
  )
  for section in sections:
    for path in (*section.tables, *section.figures):
      print(f"Written: {path}")
  print(f"Written: {folder / 'evaluation.json'}")
  print(f"Written: {page}")
