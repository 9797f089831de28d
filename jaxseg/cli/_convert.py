r"""Converts contours: RTSTRUCT or SEG to NIfTI and back, exact to the voxel.

    jaxseg convert --input=patients --output=nifti
    jaxseg convert --input=masks --image=patients --output=rt
    jaxseg convert --input=patients --to=seg --output=seg
    jaxseg convert --input=case_001.nii.gz --image=ct --to=rtstruct

From DICOM, every contour becomes a mask on the grid of the image that it was
drawn on: OUTPUT/<patient>/<structure>.nii.gz beside image.nii.gz, or seg.dcm,
or rtstruct.dcm. To DICOM, masks (a folder of each patient with a file of each
structure, or a label map of each patient) become an RTSTRUCT or SEG on the CT
of --image, whose patient is found by SeriesInstanceUID or by name.

Each file is read back and compared; a single voxel that differs refuses the
case. OUTPUT/<patient>/structures.json keeps names, types and colours for the
way back. OUTPUT/audit.csv and audit.json tell what became of each contour.
What was converted before is not converted again.
"""

import collections
from collections.abc import Mapping, Sequence
import functools
import pathlib
from typing import Any, TYPE_CHECKING

from jaxseg import errors
from jaxseg.cli import _dicom_flags
from jaxseg.cli import _flags
from jaxseg.cli import _place
from jaxseg.cli import _work_flags

if TYPE_CHECKING:
  from jaxseg import cohorts


def define(flags: _flags.Flags) -> None:
  flags.heading("Contours")
  flags.string(
    "input",
    None,
    "FILES",
    "RTSTRUCT or SEG, in a folder with their images or not; or masks and label"
    " maps, a file, folder or glob: NIfTI, NRRD, MetaImage, .npy.",
    default="required",
  )
  flags.string(
    "image",
    None,
    "FOLDER",
    "DICOM of the images, where they do not lie with the contours.",
    default="those in --input",
  )
  flags.choice(
    "to",
    None,
    ("nifti", "rtstruct", "seg"),
    "What to write.",
    default="nifti from DICOM, rtstruct from masks",
  )
  flags.string(
    "output", "runs/convert", "FOLDER", "Gets a folder of each patient."
  )
  flags.names(
    "structures",
    None,
    "NAME",
    "Only these, by their names in the files or canonical ones.",
    default="all",
  )
  flags.string(
    "aliases",
    None,
    "FILE",
    'JSON file of your names, {"their name": "parotid_left"}, for --structures'
    " and --canonical.",
    default="none",
  )
  flags.switch(
    "canonical",
    False,
    "Name the masks of known structures canonically: parotid_left.nii.gz of"
    " Parotid_L. The way back gives them their own names all the same.",
  )
  flags.switch("with_image", True, "Write the image beside its masks as well.")
  flags.choice(
    "layout",
    "auto",
    ("auto", "cases", "structures"),
    "How masks lie: each file a case with all structures (cases), or each"
    " folder a case and each file a structure (structures); auto tells by the"
    " names.",
  )
  flags.switch(
    "resample",
    False,
    "Take the nearest voxels of masks that are on another grid than the image.",
  )
  flags.switch("overwrite", False, "Replace what is there already.")
  _work_flags.define(flags)
  _dicom_flags.define_contours(flags)


def main(flags: _flags.Flags) -> None:
  from jaxseg import _files
  from jaxseg import cohorts
  from jaxseg import parallel
  from jaxseg import report
  from jaxseg import structures
  from jaxseg.cli import _console

  if flags.workers is not None and flags.workers < 1:
    raise errors.ConfigError(f"--workers: {flags.workers} is below 1")
  output = _place.output(flags.output, input=flags.input)
  aliases = structures.read_aliases(flags.aliases) if flags.aliases else {}
  if flags.image and not pathlib.Path(flags.image).exists():
    raise errors.DataError(f"{flags.image}: no such folder; check --image")
  side = cohorts.open_side(
    flags.input,
    beside=[flags.image] if flags.image else [],
    layout=flags.layout,
    aliases=aliases,
    options=_dicom_flags.of_contours(flags),
  )
  _check_names(side.cases)
  _check_apart(output, side, flags.image)
  from_dicom = isinstance(side, cohorts.ContourFolder)
  target = flags.to or ("nifti" if from_dicom else "rtstruct")
  images = None
  if not from_dicom and target != "nifti":
    if not flags.image:
      raise errors.ConfigError(
        "--image: missing; masks become DICOM on the images that they belong"
        " to, so give the folder of these"
      )
    images = cohorts.Images(
      flags.image,
      repair=[name for name in flags.repair if name],
      acquisition=flags.acquisition,
      limit_s=flags.limit_s,
    )
  elif not from_dicom:
    raise errors.ConfigError(
      f"--to=nifti: {flags.input} holds masks, no RTSTRUCT or SEG; give"
      " --to=seg or --to=rtstruct"
    )
  options = cohorts.ConvertOptions(
    target,
    names=tuple(n for n in flags.structures or () if n) or None,
    aliases=aliases,
    canonical=flags.canonical,
    with_image=flags.with_image,
    resample=flags.resample,
    overwrite=flags.overwrite,
  )
  work = parallel.run(
    functools.partial(
      cohorts.convert_case,
      side=side,
      images=images,
      folder=output,
      options=options,
    ),
    side.cases,
    workers=flags.workers,
    here_first=True,
  )
  found: dict[str, cohorts.Converted] = {}
  with _console.progress("converting") as on_case:
    for index, one in work:
      found[one.case] = one
      on_case(side.cases[index], len(found), len(side.cases))
  cases = [found[name] for name in side.cases]
  refused = {one.case: one.refused for one in cases if one.refused}
  refused |= side.left_out
  _tell(cases, refused, side)
  rows = _audit(cases, refused)
  origin = report.provenance(
    cohort="contours",
    cohort_hash=_files.digest([list(one.rows) for one in cases]),
    synthetic=False,
    seed=None,
    command=flags.command,
  )
  report.write_csv(output / "audit.csv", [_shown(row) for row in rows], origin)
  _files.write_json(
    output / "audit.json",
    {
      "command": origin["command"],
      "target": target,
      "structures": rows,
      "refused": refused,
      "notes": {one.case: list(one.notes) for one in cases},
    },
  )
  for name in ("audit.csv", "audit.json"):
    print(f"Written: {output / name}")
  done = sum(not one.refused for one in cases)
  kept = sum(one.kept for one in cases)
  number = len(refused) + done
  if not done:
    raise errors.DataError(
      f"{flags.input}: none of {number} cases could be converted;"
      f" {next(iter(refused.values()), 'there are none')}"
    )
  before = f", {kept} of them before" if kept else ""
  print(f"{done} of {number} cases converted into {output}{before}.")


def _check_names(cases: Sequence[str]) -> None:
  """Refuses cases whose folders would be one."""
  from jaxseg import _text

  seen: dict[str, str] = {}
  for case in cases:
    other = seen.setdefault(_text.slug(case, fallback="case"), case)
    if other != case:
      raise errors.DataError(
        f"{_text.shown(other)} and {_text.shown(case)}: would be written into"
        " one folder; rename one, or say which files are of one case"
        " (--layout)"
      )


def _check_apart(
  output: pathlib.Path, side: "cohorts.Side", image: str | None
) -> None:
  """Refuses cases whose folders are, or hold, what is read."""
  from jaxseg import _text

  targets = [output / _text.slug(c, fallback="case") for c in side.cases]
  files = (path for case in side.cases for path in side.files(case))
  _place.check_apart(output, targets, files, "the contours")
  if not image:
    return
  root = pathlib.Path(image)
  # What was converted among the images before is none of them.
  of_images = [
    one
    for one in targets
    if one.resolve().is_relative_to(root.resolve())
    and not (one / "structures.json").exists()
  ]
  _place.check_apart(output, targets, [root, *of_images], "the images")


def _tell(
  cases: Sequence["cohorts.Converted"],
  refused: Mapping[str, str],
  side: "cohorts.Side",
) -> None:
  """Prints what became of the contours."""
  from jaxseg import _text
  from jaxseg.cli import _console

  by_name: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
  for one in cases:
    for row in one.rows:
      if row["status"] == "written":
        by_name.setdefault((row["name"], row["structure"]), []).append(row)
  if by_name:
    _console.table(
      "Structures",
      [
        {
          "name": _text.shown(name),
          "structure": structure,
          "cases": len(rows),
          "smallest": round(min(row["ml"] for row in rows), 2),
          "largest": round(max(row["ml"] for row in rows), 2),
        }
        for (name, structure), rows in sorted(by_name.items())
      ],
      {
        "name": "name",
        "structure": "known as",
        "cases": "cases",
        "smallest": "smallest, mL",
        "largest": "largest, mL",
      },
    )
  others = collections.Counter(
    (_text.shown(row["name"]), row["status"], row["reason"])
    for one in cases
    for row in one.rows
    if row["status"] != "written"
  )
  for (name, status, reason), count in others.most_common(20):
    times = f" ({count} cases)" if count > 1 else ""
    print(f"Not written: {name}{times}: {status}, {reason}")
  if len(others) > 20:
    print(f"and {len(others) - 20} more; audit.csv has all of them")
  for name, why in [*refused.items()][:20]:
    print(f"Refused: {_text.shown(name)}: {why}")
  for line in _text.remarks(side.remarks, brief=True)[:20]:
    print(f"Note: {line}")
  for _, reason in [*getattr(side, "broken", ())][:20]:
    print(f"Not used: {reason}")


def _audit(
  cases: Sequence["cohorts.Converted"], refused: Mapping[str, str]
) -> list[dict[str, Any]]:
  rows: list[dict[str, Any]] = []
  for one in cases:
    rows += [{"case": one.case, **row} for row in one.rows]
  rows += [
    {"case": name, "status": "refused", "reason": why}
    for name, why in refused.items()
  ]
  return rows


def _shown(row: Mapping[str, Any]) -> dict[str, Any]:
  """A row for a spreadsheet, which would take "=..." for a formula."""
  from jaxseg import _text

  color = row.get("color")
  return {
    **row,
    "name": _text.shown(row.get("name", "")),
    "color": "" if not color else " ".join(map(str, color)),
  }
