"""Says what a folder of CT and RTSTRUCT or SEG holds, and how it is read.

    jaxseg inspect FOLDER
    jaxseg inspect FOLDER --draft_aliases=names.json
    jaxseg inspect FOLDER --aliases=names.json

For each patient: the CT, the structure set, which contour is which structure,
volumes in mL, and what was refused and why. A bad patient never stops it.
Writes OUTPUT/audit.json, and OUTPUT/audit.csv with one row for each contour.
This trains on what it found:

    jaxseg train --cohort=dicom_folder --input=FOLDER --structure=parotid_left
"""

import collections
from collections.abc import Mapping, Sequence
import pathlib
import statistics
from typing import Any, TYPE_CHECKING

from jaxseg.cli import _dicom_flags
from jaxseg.cli import _flags
from jaxseg.cli import _structure_flags
from jaxseg.cli import _unknown

if TYPE_CHECKING:
  from jaxseg import cohorts


def define(flags: _flags.Flags) -> None:
  flags.positional("FOLDER", "Folder of the patients, of any layout.")
  flags.heading("Flags")
  flags.string(
    "output", "runs/inspect", "FOLDER", "Folder of audit.json and audit.csv."
  )
  flags.string(
    "draft_aliases",
    None,
    "FILE",
    "New file for the names that are not understood, as --aliases reads it once"
    " you have filled it in: null ignores a name; a suggestion counts when its"
    " question mark is gone.",
    default="none",
  )
  _structure_flags.define(flags)
  _dicom_flags.define(flags)


def main(flags: _flags.Flags) -> None:
  import rich.console

  from jaxseg import errors
  from jaxseg.cli import _console

  folder = str(flags.argument)
  if flags.draft_aliases and pathlib.Path(flags.draft_aliases).exists():
    raise errors.ExistingOutputError(
      f"{flags.draft_aliases}: exists; name another file for --draft_aliases"
    )
  names = _structure_flags.asked_names(flags)
  with rich.console.Console().status("reading headers"):
    cohort = _dicom_flags.open_cohort(flags, folder, names)
  audits = []
  with _console.progress("inspecting") as on_patient:
    everyone = cohort.everyone()
    for done, name in enumerate(everyone, start=1):
      audits.append(cohort.audit(name))
      on_patient(name, done, len(everyone))
  _show(audits, cohort)
  _save(flags, audits, cohort)
  if flags.draft_aliases:
    _draft(audits, pathlib.Path(flags.draft_aliases))
  usable = sum(not audit["refused"] for audit in audits)
  if not usable:
    raise errors.DataError(
      f"{folder}: none of {len(audits)} patients can be used; the table above"
      " says why"
    )
  print(f"{usable} of {len(audits)} patients can be used.")


def _matched(audit: Mapping[str, Any]) -> list[Mapping[str, Any]]:
  return [one for one in audit["structures"] if one["status"] == "matched"]


def _show(
  audits: Sequence[Mapping[str, Any]], cohort: "cohorts.DicomFolder"
) -> None:
  """Prints the audit: patients, structures, names without one, broken files."""
  from jaxseg import _text
  from jaxseg.cli import _console

  patients = [
    {
      "patient": audit["patient"],
      "ct": _said(audit["ct"]),
      "contours": len(audit["structures"]),
      "matched": len(_matched(audit)),
      "refused": audit["refused"],
      "remarks": "; ".join(audit["remarks"]),
    }
    for audit in audits
  ]
  headings = {
    "patient": "patient",
    "ct": "CT, voxels of mm",
    "contours": "contours",
    "matched": "matched",
    "refused": "refused",
  }
  if any(patient["remarks"] for patient in patients):
    headings["remarks"] = "remarks"
  _console.table("Patients", patients, headings)
  volumes = collections.defaultdict(list)
  for audit in audits:
    for one in _matched(audit):
      volumes[one["structure"]].append(one["ml"])
  if volumes:
    _console.table(
      "Structures",
      [
        {
          "structure": name,
          "patients": len(ml),
          "smallest": round(min(ml), 2),
          "median": round(statistics.median(ml), 2),
          "largest": round(max(ml), 2),
        }
        for name, ml in sorted(volumes.items())
      ],
      {
        "structure": "structure",
        "patients": "patients",
        "smallest": "smallest, mL",
        "median": "median, mL",
        "largest": "largest, mL",
      },
    )
  _unknown.say(
    (one["structure"], one["unknown_slices"])
    for audit in audits
    for one in _matched(audit)
  )
  others = collections.Counter(
    (_text.shown(one["name"]), one["status"], one["reason"])
    for audit in audits
    for one in audit["structures"]
    if one["status"] != "matched"
  )
  if others:
    _console.table(
      "Contours that are not used",
      [
        {"name": name, "status": status, "reason": why, "patients": count}
        for (name, status, why), count in others.most_common(40)
      ],
      {
        "name": "name",
        "status": "status",
        "reason": "reason",
        "patients": "patients",
      },
    )
    if len(others) > 40:
      print(f"and {len(others) - 40} more; audit.csv has all of them")
  _dicom_flags.tell_files(cohort)


def _said(ct: Mapping[str, Any]) -> str:
  if not ct:
    return ""
  shape = " x ".join(str(n) for n in ct["shape"])
  return f"{shape} of {' x '.join(f'{mm:.3g}' for mm in ct['spacing'])}"


def _draft(audits: Sequence[Mapping[str, Any]], path: pathlib.Path) -> None:
  """Writes the names that are not understood, to be filled in."""
  from jaxseg import _files
  from jaxseg import structures

  drafted: dict[str, str | None] = {}
  found = [one for audit in audits for one in audit["structures"]]
  for one in sorted(found, key=lambda one: str(one["name"])):
    if one["status"] == "unknown":
      close = structures.similar(one["name"], cutoff=0.75)[:1]
      drafted[one["name"]] = close[0] + structures.SUGGESTION if close else None
    elif one["status"] == "refused":
      drafted[one["name"]] = one["structure"] + structures.SUGGESTION
  unknown = sum(value is None for value in drafted.values())
  _files.write_json(path, drafted)
  print(
    f"Written: {path}, {len(drafted)} names, {len(drafted) - unknown} of them"
    " with a suggestion. Fill it in, take the question marks away, and give it"
    " to --aliases"
  )


def _save(
  flags: _flags.Flags,
  audits: Sequence[Mapping[str, Any]],
  cohort: "cohorts.DicomFolder",
) -> None:
  """Writes audit.json and audit.csv."""
  from jaxseg import _files
  from jaxseg import _text
  from jaxseg import report

  folder = pathlib.Path(flags.output)
  origin = report.provenance(
    cohort=cohort.name,
    cohort_hash=_files.digest(dict(cohort.describe())),
    synthetic=False,
    seed=None,
    command=flags.command,
  )
  _files.write_json(
    folder / "audit.json",
    {
      "cohort": dict(cohort.describe()),
      "command": flags.command,
      "patients": list(audits),
      "broken": [list(pair) for pair in cohort.broken],
      "skipped": cohort.skipped,
    },
  )
  rows = []
  for audit in audits:
    for one in audit["structures"] or [{"status": "no contours"}]:
      row = {"patient": audit["patient"], "patient_refused": audit["refused"]}
      # In quotes: a spreadsheet takes "=..." for a formula.
      rows.append({**row, **one, "name": _text.shown(one.get("name", ""))})
  report.write_csv(folder / "audit.csv", rows, origin)
  print(f"Written: {folder / 'audit.json'}")
  print(f"Written: {folder / 'audit.csv'}")
