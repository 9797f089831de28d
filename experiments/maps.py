"""A sweep over anyone's maps: its flags, and what it prints."""

from collections.abc import Callable, Sequence
import glob
import pathlib
from typing import Any

from absl import flags

from experiments import cli
from experiments import console
from jaxseg import _files
from jaxseg import errors
from jaxseg import formats
from jaxseg import parallel
from jaxseg import report
from jaxseg import study

PROBABILITIES = flags.DEFINE_string(
  "probabilities",
  None,
  "Probability maps, a folder or glob: NIfTI, NRRD, MetaImage, .npy, nnU-Net's"
  " .npz, fractional DICOM SEG.",
)
_REFERENCE = flags.DEFINE_string(
  "reference",
  None,
  "Reference masks, a folder or glob; paired with the maps by name.",
)
MERGE = flags.DEFINE_list(
  "merge",
  None,
  "Instead of maps, a list of files or folders of counts, such as those of"
  " other machines.",
)
_CLASS = flags.DEFINE_string(
  "class",
  None,
  "Class, channel or segment of the maps: an index, or a name where the files"
  " have names.",
)
_LABEL = flags.DEFINE_string(
  "label",
  None,
  "Label of the reference that is the structure. Default: all that is not 0.",
)
_RESAMPLE = flags.DEFINE_bool(
  "resample", False, "Interpolate maps that are not on their reference's grid."
)
_EIGHT_BIT = flags.DEFINE_bool("eight_bit", False, "Maps of 8 bits hold 255 p.")
_THRESHOLDS = flags.DEFINE_integer(
  "thresholds", 1001, "Thresholds of the even grid from 0 to 1."
)
_SURFACES = flags.DEFINE_bool(
  "surfaces",
  False,
  "Compute HD95, ASSD and NSD at 2 mm at 101 thresholds as well.",
)
_CRITERION = flags.DEFINE_string(
  "choose",
  "dice",
  "Criterion that the threshold is chosen by: dice, iou, f2 (F-beta), volume,"
  " recall>=0.95, precision>=0.9 or specificity>=0.99.",
)
_RESAMPLES = flags.DEFINE_integer(
  "resamples", 2000, "Resamples of the patients for the intervals."
)
_WORKERS = flags.DEFINE_integer(
  "workers", None, "Processes. Default: the number of cores."
)
_SCHEDULER = flags.DEFINE_string(
  "scheduler", None, "Address of a dask.distributed scheduler to use instead."
)
_SHARD = flags.DEFINE_string(
  "shard",
  None,
  "Part i/n of the cases, for job arrays: counts them and stops; afterwards"
  " --merge=OUTPUT,... puts the parts together.",
)

# Simulated, the 95 % interval of the best Dice holds it in 48 % of cohorts of
# 2 patients, 85 % of 5, 88 % of 10 and 94 % of 30.
_FEW_PATIENTS = 10


def settings(seed: int) -> study.Settings:
  """How the flags say that a threshold is chosen."""
  return study.Settings(
    criterion=_CRITERION.value, resamples=_RESAMPLES.value, seed=seed
  )


def main(folder: pathlib.Path, seed: int) -> None:
  """Counts maps, or merges counts, and says what they say."""
  for one in (folder, *folder.parents):
    if one.exists() and not one.is_dir():
      raise errors.ConfigError(f"--output: {one} is a file; name a folder")
  how = settings(seed)
  if MERGE.value:
    if PROBABILITIES.value or _REFERENCE.value:
      raise errors.ConfigError(
        "--merge: takes counts instead of maps; leave --probabilities and"
        " --reference out"
      )
    found = study.CohortCounts.merge(
      [study.CohortCounts.read(path) for path in _counts_files(MERGE.value)]
    )
  else:
    counted = _count(folder)
    if counted is None:
      return
    found = counted
  origin = report.provenance(
    cohort="maps",
    cohort_hash=_files.digest(list(found.keys)),
    synthetic=False,
    seed=seed,
    command=cli.command(),
  )
  tables = study.tables([found], how)
  found.write(folder / "counts.npz")
  sections = report.sweep_sections(folder, tables, origin)
  details = {**study.details(tables), "provenance": origin}
  study.chosen(found, how, details=details).write(folder / "threshold.json")
  page = folder / "report" / "index.html"
  report.write_maps(page, tables["optimum"], sections, origin)
  _tell(tables["optimum"], tables["calibration"][0])
  for best in tables.get("surface_optima", ()):
    name = report.heading(best["metric"])
    print(f"Best {name}: {best['value']:.3f} at {best['threshold']:g}")
  for section in sections:
    for path in (*section.tables, *section.figures):
      print(f"Written: {path}")
  for name in ("counts.npz", "threshold.json"):
    print(f"Written: {folder / name}")
  print(f"Written: {page}")


def _count(folder: pathlib.Path) -> study.CohortCounts | None:
  """Counts of the maps; None if only a part of them was to be counted."""
  if not (PROBABILITIES.value and _REFERENCE.value):
    raise errors.ConfigError(
      "--probabilities and --reference go together; give both"
    )
  pairing = formats.pair(PROBABILITIES.value, _REFERENCE.value)
  rows = pairing.audit()
  alone = [row for row in rows if row["status"] != "paired"]
  print(f"{len(pairing)} maps with a reference")
  for row in alone[:10]:
    path = row["probabilities"] or row["reference"]
    print(f"left out: {path}: {row['status']}")
  if len(alone) > 10:
    print(f"and {len(alone) - 10} more; pairs.json has all")
  _files.write_json(folder / "pairs.json", rows)
  pairs: Sequence[formats.Pair] = pairing.pairs
  if _SHARD.value:
    pairs = parallel.shard(pairs, _SHARD.value)
  options = study.MapOptions(
    structure=_index(_CLASS.value),
    label=_index(_LABEL.value),
    resample=_RESAMPLE.value,
    eight_bit=_EIGHT_BIT.value,
    grid=_THRESHOLDS.value,
    surfaces=_SURFACES.value,
  )
  if not pairs:
    print("no case falls to this shard")
    return None
  with cli.progress("counting") as on_case:
    found = study.count_maps(
      pairs,
      folder / "counts",
      options=options,
      workers=_WORKERS.value,
      scheduler=_SCHEDULER.value,
      on_case=on_case,
    )
  if _SHARD.value:
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


def _index(text: str | None) -> str | int | None:
  return int(text) if text is not None and text.isdecimal() else text


def _tell(
  optima: Sequence[dict[str, Any]], calibration: dict[str, Any]
) -> None:
  """Prints the optima side by side, and the calibration below."""
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
  console.show(
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
