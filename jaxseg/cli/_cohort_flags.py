"""Flags that say which patients, and the run folder they are prepared in."""

from collections.abc import Sequence
import pathlib
from typing import Any, TYPE_CHECKING

from jaxseg import _files
from jaxseg import errors
from jaxseg.cli import _crop
from jaxseg.cli import _dicom_flags
from jaxseg.cli import _flags
from jaxseg.cli import _grid_flags
from jaxseg.cli import _structure_flags
from jaxseg.cli import _unknown

if TYPE_CHECKING:
  from jaxseg import cohorts
  from jaxseg import data

COHORTS = ("phantom", "openkbp", "dicom_folder", "nifti_folder")
# What of reading DICOM has a meaning for NIfTI, too.
_BOTH = ("aliases", "modality")
# Name -> text, as of `training.RECIPES`, which would be slow to import.
RECIPES = {
  "jaxseg": "our default, a U-Net of 5 blocks with group norm, body crop",
  "quick": "small and coarse, a whole study in minutes",
  "bice2020": "what is known of the paper's own network and preparation",
}


def define_run(flags: _flags.Flags) -> None:
  """Defines --output and --cohort: enough to open a run folder."""
  flags.heading("Run")
  flags.string("output", None, "FOLDER", "Run folder.", default="runs/<cohort>")
  flags.choice(
    "cohort",
    None,
    COHORTS,
    "Patients: synthetic (phantom, needs no data), OpenKBP, CT with RTSTRUCT or"
    " SEG (dicom_folder, such as HN1), or images and label maps with a"
    " dataset.json, as nnU-Net keeps them (nifti_folder).",
    default="that of the run folder, else openkbp if --input is given, else"
    " phantom",
  )


def define(flags: _flags.Flags) -> None:
  """Defines all that makes a run folder."""
  define_run(flags)
  flags.string(
    "input",
    None,
    "FOLDER",
    "Folder of the cohort's files.",
    default="none, which the phantom needs",
  )
  flags.integer(
    "patients", None, "N", "Phantom: number of patients.", default="24"
  )
  flags.integer(
    "grid", None, "N", "Phantom: rows and columns of the CT.", default="128"
  )
  flags.integer(
    "split_seed",
    None,
    "N",
    "Random seed of the split, and of the phantom's patients.",
    default="0",
  )
  flags.string(
    "split",
    None,
    "FILE",
    "JSON file with the lists train, validation and test of patients.",
    default="a stratified draw by --split_seed",
  )
  flags.heading("Preparation")
  flags.choice(
    "recipe",
    None,
    tuple(RECIPES),
    "Preparation, network and training that belong together; other flags"
    " override it. "
    + "; ".join(f"{name}: {text}" for name, text in RECIPES.items())
    + ".",
    default="the run folder's, else quick for the phantom, jaxseg for others",
  )
  _grid_flags.define(flags)
  _define_workers(flags)
  _dicom_flags.define(flags)


def _define_workers(flags: _flags.Flags) -> None:
  """Defines who loads and prepares the patients."""
  flags.integer(
    "workers",
    None,
    "N",
    "Number of processes that prepare patients.",
    default="the number of cores",
  )
  flags.string(
    "scheduler",
    None,
    "ADDRESS",
    "A dask.distributed scheduler whose workers prepare them instead.",
    default="none",
  )


def output_folder(flags: _flags.Flags) -> pathlib.Path:
  """The run folder that the flags name."""
  return pathlib.Path(flags.output or f"runs/{_name(flags)}")


def open_run(flags: _flags.Flags) -> "data.Run":
  """The run folder that the flags name; it must have been prepared.

  Raises:
    DataError: It was not, or is damaged.
    ExistingOutputError: It is of another cohort.
  """
  from jaxseg import data

  run = data.Run(output_folder(flags))
  _tell_notes(run)
  if flags.cohort:
    run.check(**_of(run, flags.cohort))
  return run


def _tell_notes(run: "data.Run") -> None:
  for note in run.notes:
    print(f"Note: {note}")


def prepared(
  flags: _flags.Flags, names: Sequence[str] = ("all",)
) -> "data.Run":
  """Opens the run folder, or prepares it if it is new.

  A run folder that exists needs no other flag; those given must agree with
  what it is. Says who was left out, and what of the structures.

  Args:
    flags: As `define` defines them.
    names: Canonical names of the structures that are wanted, or "all".

  Raises:
    ConfigError: Flags do not go together, or the prepared slices leave out
      too much of a wanted structure.
    ExistingOutputError: A flag contradicts the run folder.
  """
  from jaxseg import data

  folder = output_folder(flags)
  wanted = () if tuple(names) == ("all",) else tuple(names)
  if any((folder / name).exists() for name in ("run.json", "cohort.json")):
    run = data.Run(folder)
    _tell_notes(run)
    _check(flags, run, wanted)
    _files.sweep_once(folder)
  else:
    run = _new(flags, folder, wanted)
  _crop.tell_run(run, wanted)
  _unknown.say_of_store(run.store)
  if not (flags.allow_crop or run.facts["cohort_flags"].get("allow_crop")):
    _crop.check(run.store, wanted, where=run.folder)
  return run


def _new(
  flags: _flags.Flags, folder: pathlib.Path, wanted: tuple[str, ...]
) -> "data.Run":
  """Prepares a new run folder."""
  from jaxseg import data
  from jaxseg.cli import _console

  data.check_new(folder)
  if flags.workers is not None and flags.workers < 1:
    raise errors.ConfigError(f"--workers: {flags.workers} is below 1")
  name = _name(flags)
  _check_together(flags, name)
  recipe = flags.recipe or ("quick" if name == "phantom" else "jaxseg")
  split = data.Split.read(pathlib.Path(flags.split)) if flags.split else None
  config, extent = _grid_flags.config(flags, recipe, name)
  if "epochs" in flags:  # What follows may take an hour.
    from jaxseg.cli import _training_flags

    _training_flags.check(flags, recipe)
  cohort = _open_cohort(flags, name, wanted)
  made = _phantom_flags(flags) if name == "phantom" else {}
  if flags.allow_crop:
    made["allow_crop"] = True
  # Anyone's folder has bad patients; a published set must have none.
  skip_bad = name in _grid_flags.FOLDERS
  if extent:
    made["size"] = flags.size or "fit"

  how = {"workers": flags.workers, "scheduler": flags.scheduler}

  def check(store: "data.Store") -> None:
    if not flags.allow_crop:
      _crop.check(store, wanted, where=folder)

  try:
    _structure_flags.check(cohort, wanted)
    if extent:
      config = _grid_flags.fitted(
        cohort, config, extent, skip_bad=skip_bad, **how
      )
    with _console.progress("preparing") as on_patient:
      return data.prepare_run(
        folder,
        cohort,
        config,
        seed=flags.split_seed or 0,
        split=split,
        recipe=recipe,
        cohort_flags={"cohort": name, **made},
        skip_bad=skip_bad,
        on_patient=on_patient,
        check=check,
        **how,
      )
  except errors.JaxsegError:
    _crop.tell_cohort(cohort)
    raise


def _check(flags: _flags.Flags, run: "data.Run", names: Sequence[str]) -> None:
  """Refuses flags that contradict a run folder."""
  from jaxseg import data
  from jaxseg.cli import _console

  facts = run.facts
  is_of = facts["cohort_flags"].get("cohort", facts["cohort"]["name"])
  name = flags.cohort or is_of
  if flags.input and is_of == "phantom":
    name = _name(flags)
  asked = _of(run, name)
  if flags.recipe:
    asked["recipe"] = flags.recipe
  if name == is_of:
    _check_together(flags, name, open_again=True)
    if flags.input:
      known = run.facts["cohort"].get("structures", ())
      cohort = _open_cohort(flags, name, known)
      with _console.progress("comparing") as on_patient:
        run.check_cohort(cohort, on_patient)
    asked.setdefault("cohort_flags", {}).update(flags.given("patients", "grid"))
  sizes = flags.given("size", "spacing", "beyond")
  if "size" in sizes:
    size = _grid_flags.size(sizes["size"])
    if _grid_flags.in_pixels(size):
      sizes["size"] = size
    else:
      del sizes["size"]
      asked.setdefault("cohort_flags", {})["size"] = flags.size
  asked["prepare"] = sizes
  if flags.split:
    split = data.Split.read(pathlib.Path(flags.split))
    asked["split"] = {"given": split.digest}
  elif flags.split_seed is not None:
    asked["split"] = {"seed": flags.split_seed}
  run.check(**asked)


def _of(run: "data.Run", name: str) -> dict[str, Any]:
  """What `Run.check` asks for a cohort's name."""
  if "cohort" in run.facts["cohort_flags"]:
    return {"cohort_flags": {"cohort": name}}
  return {"cohort": {"name": name}}  # Prepared by a program.


def _name(flags: _flags.Flags) -> str:
  """The cohort that a new run folder is of."""
  given = flags.given("input") if "input" in flags else {}
  return flags.cohort or ("openkbp" if given else "phantom")


def _check_together(
  flags: _flags.Flags, name: str, *, open_again: bool = False
) -> None:
  """Refuses flags that do not go together."""
  if name == "phantom" and flags.input:
    raise errors.ConfigError(
      "--input: the phantom cohort reads no files; add --cohort=openkbp or"
      " --cohort=dicom_folder"
    )
  if name != "phantom" and flags.given("patients", "grid"):
    raise errors.ConfigError(
      "--patients, --grid: only for the phantom; leave them out"
    )
  asked = flags.given(*_dicom_flags.NAMES)
  idle = set(asked) - set(_BOTH if name == "nifti_folder" else ())
  if idle and name != "dicom_folder":
    raise errors.ConfigError(
      f"{', '.join(f'--{flag}' for flag in asked if flag in idle)}: only for"
      " --cohort=dicom_folder; leave it out"
    )
  needed = asked if open_again else name != "phantom"
  if needed and not flags.input:
    raise errors.ConfigError(
      f"--input: missing; give the folder of the {name} patients"
    )


def _phantom_flags(flags: _flags.Flags) -> dict[str, Any]:
  return {"patients": 24, "grid": 128, **flags.given("patients", "grid")}


def _open_cohort(
  flags: _flags.Flags, name: str, names: Sequence[str] = ()
) -> "cohorts.Cohort":
  from jaxseg import cohorts
  from jaxseg.cli import _console

  away = "scheduler" in flags and flags.scheduler

  def found_by_all(path: str | pathlib.Path) -> str:
    # Workers of a cluster run in any folder.
    return str(pathlib.Path(path).resolve() if away else path)

  if name == "dicom_folder":
    folder = found_by_all(flags.input)
    found = _dicom_flags.open_cohort(flags, folder, names)
    _dicom_flags.tell_files(found)
    return found
  if name == "nifti_folder":
    return _structure_flags.open_nifti(flags, found_by_all(flags.input), names)
  if name == "openkbp":
    return cohorts.OpenKBP(found_by_all(flags.input))
  settings = _phantom_flags(flags)
  phantom = cohorts.Phantom(
    patients=settings["patients"],
    size=settings["grid"],
    seed=flags.split_seed or 0,
  )
  _structure_flags.check(phantom, names)
  # Through files, so that every run of the phantom proves the whole path.
  output = output_folder(flags)
  files = output.with_name(f"{output.name}-dicom")
  with _console.progress("writing") as on_patient:
    cohorts.write_phantom(files, phantom, on_patient=on_patient)
  # It has one structure set, so the policy is that of its first runs.
  return cohorts.DicomFolder(found_by_all(files), structure_set="newest")
