"""A sweep over anyone's maps: its flags, and what it prints."""

from collections.abc import Callable, Sequence
import glob
import pathlib
from typing import Any, TYPE_CHECKING

from jaxseg import errors
from jaxseg.cli import _flags

if TYPE_CHECKING:
  from jaxseg import study

# Simulated, the 95 % interval of the best Dice holds it in 48 % of cohorts of
# 2 patients, 85 % of 5, 88 % of 10 and 94 % of 30.
_FEW_PATIENTS = 10


# Flags that only say how maps are read and counted.
OF_MAPS = (
  "pairs",
  "class",
  "label",
  "ignore",
  "resample",
  "eight_bit",
  "thresholds",
  "surfaces",
  "workers",
  "scheduler",
  "shard",
)


def define(flags: _flags.Flags) -> None:
  """Defines the flags of a sweep."""
  flags.heading("Anyone's maps")
  flags.string(
    "probabilities",
    None,
    "FILES",
    "Probability maps, a folder or glob: NIfTI, NRRD, MetaImage, .npy,"
    " nnU-Net's .npz, fractional DICOM SEG; PNG, TIFF and stacks of it in grey"
    " levels.",
    default="none: a run's models are swept",
  )
  flags.string(
    "reference",
    None,
    "FILES",
    "Reference masks, a folder or glob; paired with the maps by name.",
    default="none",
  )
  flags.string(
    "pairs",
    None,
    "FILE",
    "Instead of the two, a .csv file with the columns probabilities, reference"
    " and, if you like, case; or the pairs.json of another sweep.",
    default="none: files are paired by name",
  )
  flags.string(
    "class",
    None,
    "WHICH",
    "Class, channel or segment of the maps: an index, or a name where the files"
    " or the dataset.json beside or above them have names.",
    default="the only one",
  )
  flags.string(
    "label",
    None,
    "WHICH",
    "Label of the reference that is the structure: a number, several (1,2), or"
    " the name of a label or region in dataset.json.",
    default="all that is not 0 or ignored",
  )
  flags.string(
    "ignore",
    None,
    "WHICH",
    "Labels of reference voxels that nobody knows, such as 4 or 4,255; they"
    " are left out of counts, and outside both masks in surfaces. none counts"
    " them as background.",
    default='the label that dataset.json names "ignore"',
  )
  flags.switch(
    "resample",
    False,
    "Interpolate maps that are not on their reference's grid. A reference that"
    " ends within the map is taken to go on as background.",
  )
  flags.switch("eight_bit", False, "8-bit maps store 255 x p.")
  flags.integer(
    "thresholds", 1001, "N", "Thresholds of the even grid from 0 to 1."
  )
  flags.switch(
    "surfaces",
    False,
    "Compute HD95, ASSD and NSD at 2 mm at 101 thresholds as well.",
  )
  flags.heading("Many cases")
  flags.integer(
    "workers", None, "N", "Number of processes.", default="the number of cores"
  )
  flags.string(
    "scheduler",
    None,
    "ADDRESS",
    "A dask.distributed scheduler to use instead.",
    default="none",
  )
  flags.string(
    "shard",
    None,
    "I/N",
    "Part I of N of the cases, for job arrays: counts them and stops;"
    " afterwards --merge=OUTPUT,... puts the parts together.",
    default="all cases",
  )
  flags.names(
    "merge",
    None,
    "PLACE",
    "Instead of maps, files or folders of counts, such as those of other"
    " machines.",
    default="none",
  )
  flags.heading("Choice of the threshold")
  flags.string(
    "choose",
    "dice",
    "CRITERION",
    "What the threshold is chosen for: dice, iou, f2 (F-beta), volume,"
    " recall>=0.95, precision>=0.9 or specificity>=0.99.",
  )
  flags.integer(
    "resamples", 2000, "N", "Resamples of the patients for the intervals."
  )
  flags.integer("seed", 0, "N", "Random seed of the resamples.")


def settings(flags: _flags.Flags) -> "study.Settings":
  """How the flags say that a threshold is chosen."""
  from jaxseg import study

  return study.Settings(
    criterion=flags.choose, resamples=flags.resamples, seed=flags.seed
  )


def main(flags: _flags.Flags) -> None:
  """Counts maps, or merges counts, and says what they say."""
  from jaxseg import _files
  from jaxseg import report
  from jaxseg import study

  folder = pathlib.Path(flags.output or "runs/sweep")
  for one in (folder, *folder.parents):
    if one.exists() and not one.is_dir():
      raise errors.ConfigError(f"--output: {one} is a file; name a folder")
  if (folder / "run.json").exists():
    raise errors.ConfigError(
      f"--output: {folder} is the run folder of a cohort; name another for maps"
    )
  flags.refuse(("cohort",), "a run's models")
  how = settings(flags)
  if flags.merge:
    flags.refuse(OF_MAPS, "--probabilities")
    if flags.probabilities or flags.reference:
      raise errors.ConfigError(
        "--merge: takes counts instead of maps; leave --probabilities and"
        " --reference out"
      )
    found = study.CohortCounts.merge(
      [study.CohortCounts.read(path) for path in _counts_files(flags.merge)]
    )
  else:
    counted = _count(flags, folder)
    if counted is None:
      return
    found = counted
  origin = report.provenance(
    cohort="maps",
    cohort_hash=_files.digest(list(found.keys)),
    synthetic=False,
    seed=flags.seed,
    command=flags.command,
  )
  tables = study.tables([found], how)
  found.write(folder / "counts.npz")
  sections = report.sweep_sections(folder, tables, origin)
  details = {**study.details(tables), "provenance": origin}
  study.chosen(found, how, details=details).write(folder / "threshold.json")
  page = folder / "report" / "index.html"
  report.write_maps(page, tables["optimum"], sections, origin)
  _tell(tables["optimum"], tables["calibration"][0])
  _tell_remarks(found, flags.ignore)
  for best in tables.get("surface_optima", ()):
    name = report.heading(best["metric"])
    print(f"Best {name}: {best['value']:.3f} at {best['threshold']:g}")
  for section in sections:
    for path in (*section.tables, *section.figures):
      print(f"Written: {path}")
  for name in ("counts.npz", "threshold.json"):
    print(f"Written: {folder / name}")
  print(f"Written: {page}")


def _count(
  flags: _flags.Flags, folder: pathlib.Path
) -> "study.CohortCounts | None":
  """Counts of the maps; None if only a part of them was to be counted."""
  from jaxseg import _files
  from jaxseg import formats
  from jaxseg import parallel
  from jaxseg import study
  from jaxseg.cli import _console

  if flags.pairs and (flags.probabilities or flags.reference):
    raise errors.ConfigError(
      "--pairs: names the maps and the references; leave --probabilities and"
      " --reference out"
    )
  if not flags.pairs and not (flags.probabilities and flags.reference):
    raise errors.ConfigError(
      "--probabilities and --reference go together; give both"
    )
  if flags.workers is not None and flags.workers < 1:
    raise errors.ConfigError(f"--workers: {flags.workers} is below 1")
  if flags.pairs:
    pairing = formats.read_pairs(flags.pairs)
  else:
    pairing = formats.pair(flags.probabilities, flags.reference)
  pairs: Sequence[formats.Pair] = pairing.pairs
  if flags.shard:
    pairs = parallel.shard(pairs, flags.shard)
  options = study.MapOptions(
    structure=_index(getattr(flags, "class")),
    label=_several(flags.label),
    ignore=_ignored(flags.ignore),
    resample=flags.resample,
    eight_bit=flags.eight_bit,
    grid=flags.thresholds,
    surfaces=flags.surfaces,
  )
  rows = pairing.audit()
  alone = [row for row in rows if row["status"] != "paired"]
  print(f"{len(pairing)} maps with a reference")
  for row in alone[:10]:
    path = row["probabilities"] or row["reference"]
    print(f"left out: {path}: {row['status']}")
  if len(alone) > 10:
    print(f"and {len(alone) - 10} more; pairs.json has all")
  _files.write_json(folder / "pairs.json", rows)
  if not pairs:
    print("this shard has no cases")
    return None
  with _console.progress("counting") as on_case:
    found = study.count_maps(
      pairs,
      folder / "counts",
      options=options,
      workers=flags.workers,
      scheduler=flags.scheduler,
      on_case=on_case,
    )
  if flags.shard:
    print(f"Counted: {len(pairs)} cases into {folder / 'counts'}")
    return None
  return found


def _counts_files(places: Sequence[str]) -> list[pathlib.Path]:
  """Files of counts in files, folders and globs."""
  paths: list[pathlib.Path] = []
  for place in places:
    for name in sorted(glob.glob(place, recursive=True)):
      path = pathlib.Path(name)
      if not path.is_dir():
        paths.append(path)
        continue
      # A folder of counts, or one that a sweep wrote into.
      inner = path / "counts" if (path / "counts").is_dir() else path
      paths += sorted(inner.glob("*.npz"))
  if not paths:
    raise errors.DataError(
      f"--merge: no counts in {', '.join(places)}; give files or folders that"
      " a sweep has written"
    )
  return paths


def _tell_remarks(found: "study.CohortCounts", ignore: str | None) -> None:
  """Prints what looks like a mistake, each kind once."""
  cases: dict[str, list[tuple[str, str]]] = {}
  for name, remarks in zip(found.names, found.remarks, strict=False):
    for line in remarks.splitlines():
      code, _, text = line.partition(": ")
      cases.setdefault(code, []).append((name, text))
  for code, said in cases.items():
    (name, text), *others = said
    plural = "s" if len(others) > 1 else ""
    more = f" (and {len(others)} more case{plural})" if others else ""
    print(f"Note, {code}: {name}{more}: {text}")
  if ignore not in (None, "none") and "left-out" not in cases:
    print(f"Note, left-out: --ignore={ignore}: no reference has such a voxel")


def _several(text: str | None) -> str | int | tuple[str | int, ...] | None:
  """A label, or several numbers with commas between."""
  if text is None or not all(p.strip().isdecimal() for p in text.split(",")):
    return text
  numbers = tuple(int(part) for part in text.split(","))
  return numbers if len(numbers) > 1 else numbers[0]


def _ignored(text: str | None) -> tuple[str | int, ...] | None:
  if text is None:
    return None
  parts = [part.strip() for part in text.split(",")]
  if parts == ["none"]:
    return ()
  return tuple(int(part) if part.isdecimal() else part for part in parts)


def _index(text: str | None) -> str | int | None:
  return int(text) if text is not None and text.isdecimal() else text


def _tell(
  optima: Sequence[dict[str, Any]], calibration: dict[str, Any]
) -> None:
  """Prints the optima side by side, and the calibration below."""
  from jaxseg.cli import _console

  facts = {
    "threshold": _spread("threshold"),
    f"{optima[0]['criterion']} there": _spread("value"),
    "Dice there": lambda row: f"{row['dice']:.3f}",
    "Dice at 0.5": lambda row: f"{row['dice_half']:.3f}",
    "Dice lost at -0.05, +0.05": lambda row: (
      f"{row['reduction_minus_0.05']:.1%}, {row['reduction_plus_0.05']:.1%}"
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
  cases = optima[0]["cases"]
  _console.table(
    f"Best threshold of {cases} case{'s' if cases != 1 else ''}", rows, headings
  )
  if "level" in optima[0]:
    patients = optima[0]["patients"]
    print(
      f"In brackets: {optima[0]['level']:.0%} of {optima[0]['resamples']}"
      f" resamples of {patients} patients"
      + (
        "; of so few, intervals are too narrow."
        if optima[0]["patients_with_structure"] < _FEW_PATIENTS
        else "."
      )
    )
  warmth = calibration["temperature"]
  print(
    "Calibration error {expected_calibration_error:.4f}, temperature {said}."
    " Half of the best Dice: {half_of_best_dice:.3f}; optimum expected without"
    " labels: {expected_threshold:.3f}".format(
      said="none (constant maps)" if warmth is None else f"{warmth:.2f}",
      **calibration,
    )
  )


def _spread(name: str) -> Callable[[dict[str, Any]], str]:
  """Says a value with its interval."""

  def said(row: dict[str, Any]) -> str:
    text = f"{row[name]:.3f}"
    if f"{name}_low" in row:
      text += f" ({row[f'{name}_low']:.3f} to {row[f'{name}_high']:.3f})"
    return text

  return said
