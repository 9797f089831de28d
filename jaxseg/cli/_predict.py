r"""Finds structures on new scans: from a CT folder to contours.

    jaxseg predict --model=hn --input=CT_FOLDER --output=found
    jaxseg predict --model=hn --input=scan.nii.gz --write=nifti,maps
    jaxseg predict --model=hn --input=PATIENTS --interval --shard=1/8

INPUT is a folder of DICOM of any layout with one or many patients, or NIfTI,
NRRD or MetaImage files. The maps return to the scan's own grid and are cut
there, each structure at the threshold that is kept with its model. A scan
that is far from those of the training gets a warning; one that is no patient's
CT is refused. A bad scan never stops the others, and the same command goes on
where it was stopped.

Writes OUTPUT/SCAN/: rtstruct.dcm, seg.dcm, masks/STRUCTURE.nii.gz and
result.json (volumes, warnings, and which model, threshold and files they come
from), and if --write names them maps/ and overlays.png; OUTPUT/results.csv with
a row for each structure of each scan of this command, and OUTPUT/refused.json.
"""

from collections.abc import Mapping, Sequence
import pathlib
from typing import Any, TYPE_CHECKING

from jaxseg import errors
from jaxseg.cli import _dicom_flags
from jaxseg.cli import _flags
from jaxseg.cli import _model_flags
from jaxseg.cli import _place
from jaxseg.cli import _work_flags

if TYPE_CHECKING:
  from jaxseg import deploy

_KINDS = ("rtstruct", "seg", "nifti", "maps", "overlays")
# Notes and warnings on the console.
_SHOWN = 20


def define(flags: _flags.Flags) -> None:
  _model_flags.define(flags)
  flags.number(
    "threshold",
    None,
    "T",
    "Cut all maps here, a number from 0 to 1.",
    default="each structure's own",
  )
  flags.choice(
    "clean",
    "own",
    ("own", "off", "largest", "holes", "both"),
    "After the cut: own does what the export found to help, largest keeps the"
    " largest component alone, holes fills holes within slices.",
  )
  flags.choice(
    "per_case",
    "off",
    ("off", "best", "expected", "volume"),
    "Give each map a threshold of its own, as its model has learnt: best is the"
    " way that was better than the own threshold on unseen patients, if any.",
  )
  flags.heading("Scans")
  flags.string(
    "input",
    None,
    "PLACE",
    "Folder of DICOM, or of NIfTI, NRRD or MetaImage files, or one of these.",
    default="required",
  )
  flags.string(
    "series",
    "refuse",
    "WHICH",
    "If a patient has several series: refuse (the patient), all (each is a scan"
    " of its own), largest, or a SeriesInstanceUID.",
  )
  flags.switch(
    "anyway",
    False,
    "Predict scans that are refused as none of a patient, with a warning.",
  )
  flags.heading("Results")
  flags.string(
    "output", None, "FOLDER", "Gets the results.", default="runs/predicted"
  )
  flags.names(
    "write",
    ["rtstruct", "seg", "nifti"],
    "WHAT",
    f"Of {', '.join(_KINDS)}: contours, masks, probabilities (NIfTI and"
    " fractional SEG), a picture. Of other files than DICOM there are neither"
    " rtstruct nor seg, of a tilted gantry (--repair=tilt) there is no NIfTI.",
  )
  flags.switch(
    "interval",
    False,
    "Also write the contours at both ends of the threshold's interval, as"
    " NAME^i (inner) and NAME^o (outer).",
  )
  flags.switch("overwrite", False, "Replace results of other settings.")
  flags.heading("Many scans")
  flags.integer(
    "workers",
    1,
    "N",
    "Number of processes; one reads ahead, and uses all cores or the device.",
  )
  _work_flags.define_scheduler(flags)
  _work_flags.define_shard(flags, "scans")
  _dicom_flags.define_images(flags)


def main(flags: _flags.Flags) -> None:
  from jaxseg import _memory

  _memory.spare()  # Before JAX starts its threads.
  from jaxseg import cohorts
  from jaxseg import deploy
  from jaxseg import parallel
  from jaxseg.cli import _call
  from jaxseg.cli import _console

  output = _place.output(flags.output or "runs/predicted")
  if flags.workers is not None and flags.workers < 1:
    raise errors.ConfigError(f"--workers: {flags.workers} is below 1")
  if flags.threshold is not None and not 0 <= flags.threshold <= 1:
    raise errors.ConfigError(
      f"--threshold: {flags.threshold} is not from 0 to 1"
    )
  if flags.shard:
    parallel.shard([], flags.shard)
  if flags.threshold is not None and flags.per_case != "off":
    raise errors.ConfigError(
      "--threshold, --per_case: each says where maps are cut; give one of them"
    )
  if flags.interval and flags.threshold is not None:
    raise errors.ConfigError(
      "--threshold, --interval: a threshold that is given has no interval;"
      " leave one of them out"
    )
  if flags.interval and flags.per_case != "off":
    raise errors.ConfigError(
      "--per_case, --interval: the interval is of the structure's own"
      " threshold; leave one of them out"
    )
  kinds = _kinds(flags.write)
  names = _model_flags.structures(flags)
  away = bool(flags.scheduler)  # Workers of a cluster run in any folder.
  models = [str(p.resolve() if away else p) for p in _model_flags.paths(flags)]
  place = pathlib.Path(flags.input)
  _call.compilation_cache()
  job = deploy.Job(
    models=tuple(models),
    output=output.resolve() if away else output,
    structures=None if names is None else tuple(names),
    kinds=tuple(kinds),
    threshold=flags.threshold,
    interval=flags.interval,
    clean=flags.clean,
    per_case=flags.per_case,
    anyway=flags.anyway,
    overwrite=flags.overwrite,
    origin=tuple(_model_flags.origin(flags).items()),
  )
  loaded = job.load()
  modality = next(iter(loaded.values())).modality
  found = cohorts.find_scans(
    place.resolve() if away else place,
    modality=modality,
    series=flags.series,
    repair=[one for one in flags.repair if one],
    acquisition=flags.acquisition,
    limit_s=flags.limit_s,
    patients_by=flags.patients_by,
  )
  for note in found.notes:
    print(f"Note: {note}")
  scans = list(found.found)
  _place.check_apart(
    output,
    [output / one.name for one in scans],
    (path for one in scans for path in one.paths),
    "the scans",
  )
  if flags.shard:
    scans = list(parallel.shard(scans, flags.shard))
  if not scans:
    print("this shard has no scans")
    return
  if set(kinds) <= set(deploy.OF_DICOM) and not any(s.series for s in scans):
    if all(not s.refused for s in scans):
      raise errors.ConfigError(
        f"--write: {flags.input} is no DICOM, so there is neither rtstruct nor"
        " seg; give nifti, maps or overlays"
      )
  deploy.check(scans, job)
  for name, model in loaded.items() if flags.interval else ():
    if model.threshold is not None and model.threshold.interval is None:
      print(f"Note: {name}: its threshold has no interval")
  outcomes: list[deploy.Outcome] = []
  with _console.progress("predicting") as on_scan:
    work = deploy.predict_scans(
      scans, job, workers=flags.workers, scheduler=flags.scheduler
    )
    for done, one in enumerate(work, start=1):
      outcomes.append(one)
      on_scan(one.scan, done, len(scans))
    outcomes.sort(key=lambda one: one.scan)
    refused = _tell_refused(outcomes, output, flags)
  _end(outcomes, refused, output, flags)
  drawn = not set(kinds).isdisjoint(deploy.OF_DICOM)
  if drawn and output.resolve().is_relative_to(place.resolve()):
    print(
      f"Note: {output} lies within --input; inspect, prepare and train would"
      " take its contours there for a reference"
    )


def _kinds(given: Sequence[str]) -> list[str]:
  kinds = [one for one in dict.fromkeys(given) if one]
  for one in kinds:
    if one not in _KINDS:
      raise errors.ConfigError(
        f"--write: {one!r} is unknown; give {', '.join(_KINDS)}"
      )
  if not kinds:
    raise errors.ConfigError(f"--write: is empty; give {', '.join(_KINDS)}")
  return kinds


def _tell_refused(
  outcomes: Sequence["deploy.Outcome"],
  output: pathlib.Path,
  flags: _flags.Flags,
) -> dict[str, str]:
  """Says which scans were refused, and why: scan -> reason.

  Raises:
    DataError: All were.
  """
  from jaxseg import _files

  refused = {one.scan: one.refused for one in outcomes if one.refused}
  # Of a single scan, the end says it.
  for name, why in list(refused.items())[:20] if len(outcomes) > 1 else ():
    print(f"Refused: {name}: {why}")
  if len(refused) > 20:
    print(f"and {len(refused) - 20} more; refused.json has all of them")
  path = output / f"refused{_part(flags)}.json"
  if refused or path.exists():
    _files.write_json(path, refused)
  if len(refused) == len(outcomes):
    only = next(iter(refused.values()))
    if len(outcomes) > 1:
      only = f"none of {len(outcomes)} scans can be used; {path} says why"
    known = only.startswith(str(flags.input))
    raise errors.DataError(only if known else f"{flags.input}: {only}")
  return refused


def _part(flags: _flags.Flags) -> str:
  """The end of a file's name, where others write the other parts."""
  return f"-{flags.shard.replace('/', 'of')}" if flags.shard else ""


def _end(
  outcomes: Sequence["deploy.Outcome"],
  refused: Mapping[str, str],
  output: pathlib.Path,
  flags: _flags.Flags,
) -> None:
  """Says what was found, and writes the table."""
  from jaxseg import _files
  from jaxseg import report
  from jaxseg.cli import _console

  rows = [row for one in outcomes for row in _rows(one.scan, one.result)]
  if rows:
    shown = {
      "scan": "scan",
      "structure": "structure",
      "threshold": "threshold",
      "volume_ml": "mL",
      "warnings": "warnings",
    }
    _console.table("Found", rows[:60], shown)
    if len(rows) > 60:
      print(f"and {len(rows) - 60} more; results.csv has all of them")
  _tell_each("Note", [
    (one.scan, note)
    for one in outcomes
    for note in one.result.get("image", {}).get("notes", ())
  ])  # fmt: skip
  _tell_each("Warning", [
    (one.scan, text)
    for one in outcomes
    for text in one.result.get("warnings", ())
  ])  # fmt: skip
  table = output / f"results{_part(flags)}.csv"
  origin = report.provenance(
    cohort="scans",
    cohort_hash=_files.digest(
      [[one.scan, one.result["image"]["digest"]]
       for one in outcomes if one.result]
    ),
    synthetic=False,
    seed=None,
    command=flags.command,
  )  # fmt: skip
  report.write_csv(table, rows, origin)
  print(f"Written: {table}")
  before = sum(one.before for one in outcomes)
  done = len(outcomes) - len(refused)
  text = f"{done} of {len(outcomes)} scans are predicted"
  if before:
    text += f", {before} of them before"
  print(f"{text}: {output / '*' / 'result.json'}")


def _tell_each(what: str, told: Sequence[tuple[str, str]]) -> None:
  """Prints notes or warnings, each once, with the scans that have it."""
  scans: dict[str, list[str]] = {}
  for scan, text in told:
    scans.setdefault(text, []).append(scan)
  for text, where in list(scans.items())[:_SHOWN]:
    more = " and more" if len(where) > 5 else ""
    print(f"{what}: {', '.join(where[:5])}{more}: {text}")
  if len(scans) > _SHOWN:
    print(
      f"and {len(scans) - _SHOWN} more {what.lower()}s; result.json has them"
    )


def _rows(scan: str, result: Any) -> list[dict[str, Any]]:
  """A row for each structure of a scan."""
  shared = result.get("warnings", ())
  rows = []
  for name, one in result.get("structures", {}).items():
    own = [w for w in shared if not w.startswith(f"{name}: ")]
    others = [
      w for w in own
      if not any(w.startswith(f"{s}: ") for s in result["structures"])
    ]  # fmt: skip
    rows.append(
      {
        "scan": scan,
        "structure": name,
        "threshold": one["threshold"],
        "volume_ml": one["volume_ml"],
        "voxels": one["voxels"],
        "highest_probability": one["highest_probability"],
        "model": one["model"],
        "warnings": len(one["warnings"]) + len(others),
      }
    )
  return rows
