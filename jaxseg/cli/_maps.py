"""A sweep over anyone's maps: its flags, and what it prints."""

from collections.abc import Sequence
import pathlib
from typing import Any, TYPE_CHECKING

from jaxseg import errors
from jaxseg.cli import _flags
from jaxseg.cli import _maps_classes
from jaxseg.cli import _maps_images
from jaxseg.cli import _maps_merge
from jaxseg.cli import _maps_told
from jaxseg.cli import _per_case
from jaxseg.cli import _place
from jaxseg.cli import _work_flags

if TYPE_CHECKING:
  from jaxseg import formats
  from jaxseg import study

# From so many cases on the choice without each patient has a bar.
_MANY_CASES = 300

# Metrics that are best at an end of the grid: all inside, or nothing.
_TRIVIAL = {"recall": 0, "specificity": 1}

# Flags that only say how maps are read and counted.
OF_MAPS = (
  "pairs",
  "images",
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
  _maps_images.define(flags)
  flags.string(
    "class",
    None,
    "WHICH",
    "Class, channel or segment of the maps: an index, or a name where the files"
    " or the dataset.json beside or above them have names. A list (1,2,3) or"
    " all: each file is read once, and each class gets a threshold of its own.",
    default="the only one",
  )
  flags.string(
    "label",
    None,
    "WHICH",
    "Label of the reference that is the structure: a number, several (1,2), or"
    " the name of a label or region in dataset.json, or in the header of a"
    " NIfTI file; of several classes one for each, such as 1+2,3 where the"
    " first has two.",
    default="all that is not 0 or ignored; of several classes that of the"
    " class's name",
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
  flags.string(
    "patients",
    None,
    "REGEX|CSV",
    "Which cases are of one patient, whose cases are resampled and left out"
    " together: a regular expression whose first group (or whole match) in a"
    " case's name is the patient, such as '^[^_]+', or a .csv file with the"
    " columns case and patient; '.*' makes each case a patient.",
    default="by folders case/organ, _scan1, _visit2, ...; said on the console",
  )
  flags.switch(
    "resample",
    False,
    "Interpolate maps that are not on their reference's grid. A reference that"
    " ends within the map is taken to go on as background.",
  )
  flags.switch(
    "eight_bit",
    False,
    "Maps of whole numbers store 255 x p in 8 bits, or 65535 x p in 16.",
  )
  flags.integer(
    "thresholds", 1001, "N", "Thresholds of the even grid from 0 to 1."
  )
  flags.switch(
    "surfaces",
    False,
    "Compute HD95, ASSD and NSD at 2 mm at 101 thresholds as well.",
  )
  flags.heading("Many cases")
  _work_flags.define(flags)
  _work_flags.define_scheduler(flags)
  _work_flags.define_shard(
    flags,
    "cases",
    ": counts them and stops; afterwards --merge=OUTPUT,... puts the parts"
    " together",
  )
  flags.names(
    "merge",
    None,
    "PLACE",
    "Instead of maps, files or folders of counts, such as those of other"
    " machines.",
    default="none",
  )
  flags.switch(
    "partial",
    False,
    "Merge although some of the cases are missing that were to be counted with"
    " these; the page and threshold.json name them.",
  )
  flags.heading("Choice of the threshold")
  flags.string(
    "choose",
    "dice",
    "CRITERION",
    "What the threshold is chosen for. dice, iou, f2 (F-beta): the highest."
    " volume: the predicted volume nearest to the reference's. recall>=0.95: of"
    " the thresholds with at least this recall the one with the fewest false"
    " positives. precision>=0.9, specificity>=0.99: of those that keep it the"
    " one with the most true positives.",
  )
  _per_case.define(flags)
  flags.integer(
    "resamples", 2000, "N", "Resamples of the patients for the intervals."
  )
  flags.integer("seed", 0, "N", "Random seed of the resamples.")


def settings(flags: _flags.Flags) -> "study.Settings":
  """How the flags say that a threshold is chosen."""
  from jaxseg import study
  from jaxseg import thresholds

  if flags.resamples < 2:
    raise errors.ConfigError(f"--resamples: {flags.resamples}; take at least 2")
  if (end := _TRIVIAL.get(flags.choose)) is not None:
    raise errors.ConfigError(
      f"--choose: {flags.choose} alone is highest at threshold {end}, whatever"
      f" the maps; take a bound, {flags.choose}>=0.95"
    )
  try:
    thresholds.check_criterion(flags.choose)
  except errors.ConfigError as e:
    raise errors.ConfigError(f"--choose: {e}") from e
  return study.Settings(
    criterion=flags.choose,
    resamples=flags.resamples,
    seed=flags.seed,
    per_case=flags.per_case,
  )


def main(flags: _flags.Flags) -> None:
  """Counts maps, or merges counts, and says what they say."""
  from jaxseg import _files
  from jaxseg import report
  from jaxseg import study

  folder = _place.output(flags.output or "runs/sweep")
  if (folder / "run.json").exists():
    raise errors.ConfigError(
      f"--output: {folder} is the run folder of a cohort; name another for maps"
    )
  flags.refuse(("cohort",), "a run's models")
  how = settings(flags)
  missing: tuple[str, ...] = ()
  note = ""
  files: Sequence[formats.Pair] = ()
  if flags.merge:
    flags.refuse(OF_MAPS, "--probabilities")
    if flags.probabilities or flags.reference:
      raise errors.ConfigError(
        "--merge: takes counts instead of maps; leave --probabilities and"
        " --reference out"
      )
    paths = _maps_merge.counts_files(flags.merge)
    parts = [study.CohortCounts.read(path) for path in paths]
    paths, parts = _maps_merge.paired(paths, parts)
    found = _maps_merge.merged(parts)
    missing, shards = _maps_merge.missing(paths, found[0].names)
    if missing and not flags.partial:
      raise errors.DataError(
        _maps_merge.missing_refused(flags.merge, missing, shards)
      )
    note = _maps_merge.missing_said(missing, shards)
  else:
    flags.refuse(("partial",), "--merge")
    counted = _count(flags, folder)
    if counted is None:
      return
    found, files = counted
  if len(found) > 1:
    found = _maps_classes.with_structure(found)
  found = _maps_told.with_patients(found, flags.patients)
  origin = report.provenance(
    cohort="maps",
    cohort_hash=_files.digest([key for one in found for key in one.keys]),
    synthetic=False,
    seed=flags.seed,
    command=flags.command,
  )
  each = [_analysed(one, how) for one in found]
  tables = {
    name: [row for of_class in each for row in of_class.get(name, ())]
    for name in dict.fromkeys(name for of_class in each for name in of_class)
  }
  folders = _maps_classes.folders(folder, found)
  written = []
  sections = report.sweep_sections(folder, tables, origin)
  if flags.per_case:
    said = _per_case.sentences([one["per_case"] for one in each])
    sections.append(report.per_case_section(folder, tables, said, origin))
  for own, place in zip(found, folders, strict=True):
    own.write(place / "counts.npz")
  together = _maps_classes.forget(folder, folders)
  for own, of_class, place in zip(found, each, folders, strict=True):
    details = {**study.details(of_class), "provenance": origin, **together}
    if missing:
      details["missing_cases"] = list(missing)
    study.chosen(own, how, details=details, row=of_class["optimum"][0]).write(
      place / "threshold.json"
    )
    written += [place / "counts.npz", place / "threshold.json"]
  page = folder / "report" / "index.html"
  viewer = _maps_images.viewer(flags.images, files, found, each)
  report.write_maps(
    page, tables["optimum"], sections, origin, note=note, viewer=viewer
  )
  if len(found) == 1:
    _maps_told.tell(tables["optimum"], tables["calibration"][0])
  else:
    _maps_told.tell_classes(tables["optimum"])
  if flags.per_case:
    _per_case.tell(tables["per_case"], said)
  _maps_told.tell_remarks(found, flags.ignore)
  _maps_told.tell_surfaces(tables.get("surface_optima", ()))
  for section in sections:
    for path in (*section.tables, *section.figures):
      print(f"Written: {path}")
  if len(found) > 1:
    several = folder / "classes" / "*"
    written = [several / "counts.npz", several / "threshold.json"]
  for path in (*written, page):
    print(f"Written: {path}")
  if note:  # Last, where it is read.
    print(note)


def _analysed(
  found: "study.CohortCounts", how: "study.Settings"
) -> dict[str, list[dict[str, Any]]]:
  """The tables of one class, with a bar where they take a while."""
  from jaxseg import study
  from jaxseg.cli import _console

  if len(found.names) < _MANY_CASES:
    return study.tables([found], how)
  with _console.progress("choosing without each patient") as on_step:
    return study.tables([found], how, on_step=on_step)


def _count(
  flags: _flags.Flags, folder: pathlib.Path
) -> "tuple[list[study.CohortCounts], Sequence[formats.Pair]] | None":
  """Counts of each class, and their files.

  None if only a part of the maps was to be counted.
  """
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
  if flags.thresholds < 2:
    raise errors.ConfigError(
      f"--thresholds: {flags.thresholds}; take at least 2"
    )
  if flags.pairs:
    pairing = formats.read_pairs(flags.pairs)
  else:
    pairing = formats.pair(flags.probabilities, flags.reference)
    for flag in ("probabilities", "reference"):
      files = [getattr(one, flag) for one in pairing.pairs]
      _place.check_unread(folder, getattr(flags, flag), files, flag)
  pairs: Sequence[formats.Pair] = pairing.pairs
  if flags.shard:
    pairs = parallel.shard(pairs, flags.shard)
  classes = _maps_classes.classes(
    getattr(flags, "class"), flags.label, pairing.pairs
  )
  options = [
    study.MapOptions(
      structure=structure,
      label=label,
      ignore=_maps_classes.ignored(flags.ignore),
      resample=flags.resample,
      eight_bit=flags.eight_bit,
      grid=flags.thresholds,
      surfaces=flags.surfaces,
    )
    for structure, label in classes
  ]
  # What can be refused is refused before anything is written or started.
  study.class_folders(classes)
  study.patients([one.name for one in pairing.pairs], flags.patients)
  study.check_labels(pairing.pairs, options)
  _maps_images.images(flags.images, pairing.pairs)
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
  if len(classes) > 1:
    print(_maps_classes.said(classes))
    _maps_merge.note_classes(folder / "counts", study.class_folders(classes))
  else:
    _maps_merge.note_classes(folder / "counts", ())
  count: Any = study.count_classes if len(classes) > 1 else study.count_maps
  with _console.progress("counting") as on_case:
    found = count(
      pairs,
      folder / "counts",
      options=options if len(classes) > 1 else options[0],
      workers=flags.workers,
      scheduler=flags.scheduler,
      on_case=on_case,
    )
  if flags.shard:
    names = [one.name for one in pairing.pairs]
    _maps_merge.note_shard(folder / "counts", flags.shard, names)
    print(f"Counted: {len(pairs)} cases into {folder / 'counts'}")
    return None
  return (found if len(classes) > 1 else [found]), pairs
