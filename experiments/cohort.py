"""Flags that say which patients, and the run folder they are prepared in."""

import dataclasses
import pathlib

from absl import flags

from experiments import cli
from experiments import dicom_folder
from jaxseg import cohorts
from jaxseg import data
from jaxseg import errors
from jaxseg import training

_COHORT = flags.DEFINE_string(
  "cohort",
  None,
  "Patients: phantom (made up, needs no data), openkbp, or dicom_folder (CT"
  " with RTSTRUCT or SEG, such as HN1). Default: phantom, or openkbp if --input"
  " is given.",
)
_INPUT = flags.DEFINE_string(
  "input", None, "Folder of the cohort's files; phantom needs none."
)
OUTPUT = flags.DEFINE_string(
  "output", None, "Run folder. Default: runs/<cohort>."
)
_PATIENTS = flags.DEFINE_integer(
  "patients", None, "Phantom: number of patients. Default: 24."
)
_GRID = flags.DEFINE_integer(
  "grid", None, "Phantom: rows and columns of the CT. Default: 128."
)
_SIZE = flags.DEFINE_string(
  "size",
  None,
  "Pixels that the network sees, rows x columns, such as 96 or 96x64."
  " Default: the recipe's.",
)
_SPACING = flags.DEFINE_float(
  "spacing",
  None,
  "In-plane pixel spacing that the network sees, mm. Default: the"
  " recipe's; jaxseg keeps each patient's own.",
)
_SPLIT = flags.DEFINE_string(
  "split",
  None,
  "JSON file with the lists train, validation and test of patients."
  " Default: a seeded, stratified draw.",
)
_RECIPE = flags.DEFINE_enum(
  "recipe",
  None,
  list(training.RECIPES),
  "Preparation, network and training that belong together: "
  + "; ".join(f"{k}: {v.text}" for k, v in training.RECIPES.items())
  + ". Other flags override it. Default: quick for the phantom, else jaxseg.",
)
flags.adopt_module_key_flags(dicom_folder)

SEED = flags.DEFINE_integer(
  "seed", 0, "Decides the split, initial weights and order of slices."
)


def output_folder() -> pathlib.Path:
  """The run folder that the flags name."""
  if OUTPUT.value:
    return pathlib.Path(OUTPUT.value)
  return pathlib.Path("runs") / (_cohort_name())


def _cohort_name() -> str:
  return _COHORT.value or ("openkbp" if _INPUT.value else "phantom")


def open_cohort() -> cohorts.Cohort:
  """The cohort that the flags name.

  Raises:
    ConfigError: Its flags do not go together.
  """
  name = _cohort_name()
  if name == "phantom":
    if _INPUT.value:
      raise errors.ConfigError(
        "--input: the phantom cohort reads no files; add --cohort=openkbp or"
        " --cohort=dicom_folder"
      )
    settings = {"patients": _PATIENTS.value, "size": _GRID.value}
    given = {k: v for k, v in settings.items() if v is not None}
    # Through files, so that every run of the phantom proves the whole path.
    folder = output_folder()
    files = folder.with_name(f"{folder.name}-dicom")
    with cli.progress("writing") as on_patient:
      cohorts.write_phantom(
        files,
        cohorts.Phantom(seed=SEED.value, **given),
        on_patient=on_patient,
      )
    return cohorts.DicomFolder(files)
  if name not in ("openkbp", "dicom_folder"):
    raise errors.ConfigError(
      f"--cohort: {name!r} is unknown; take phantom, openkbp or dicom_folder"
    )
  if _PATIENTS.value is not None or _GRID.value is not None:
    raise errors.ConfigError(
      "--patients, --grid: only for the phantom; leave them out"
    )
  if not _INPUT.value:
    raise errors.ConfigError(
      f"--input: missing; give the folder of the {name} patients"
    )
  if name == "dicom_folder":
    return dicom_folder.open_folder(_INPUT.value)
  return cohorts.OpenKBP(_INPUT.value)


def prepared() -> data.Run:
  """Prepares the run folder, or opens it if that was done before.

  A run folder that exists is opened without any cohort flag.
  """
  folder = output_folder()
  if (folder / "cohort.json").exists() and not _shapes_cohort():
    return data.Run(folder)
  name = _cohort_name()
  config = recipe(name).prepare
  if _SIZE.value is not None:
    config = dataclasses.replace(config, size=_size(_SIZE.value), crop=None)
  if _SPACING.value is not None:
    config = dataclasses.replace(config, spacing=_SPACING.value, crop=None)
  split = data.Split.read(pathlib.Path(_SPLIT.value)) if _SPLIT.value else None
  if dicom_folder.is_asked_for() and name != "dicom_folder":
    raise errors.ConfigError(
      "--aliases, --on_two, --structure_set, --combine, --repair: only for"
      " --cohort=dicom_folder; leave them out"
    )
  if not (folder / "cohort.json").exists():
    data.check_new(folder)
  patients = open_cohort()
  with cli.progress("preparing") as on_patient:
    run = data.prepare_run(
      folder,
      patients,
      config,
      seed=SEED.value,
      split=split,
      # A clinic's folder has bad patients; a published set must have none.
      skip_bad=name == "dicom_folder",
      on_patient=on_patient,
    )
  for patient, reason in run.store.left_out.items():
    print(f"left out {patient}: {reason}")
  return run


def _size(text: str) -> tuple[int, int]:
  """Rows and columns of "96" or "96x64"."""
  parts = text.split("x")
  if not 1 <= len(parts) <= 2 or not all(p.isdecimal() for p in parts):
    raise errors.ConfigError(
      f"--size: {text!r} is no size; write 96, or 96x64 for rows x columns"
    )
  return int(parts[0]), int(parts[-1])


def recipe(cohort: str) -> training.Recipe:
  """The recipe that the flags name, or the cohort's own."""
  default = "quick" if cohort == "phantom" else "jaxseg"
  return training.recipe(_RECIPE.value or default)


def _shapes_cohort() -> bool:
  values = _INPUT, _PATIENTS, _GRID, _SIZE, _SPACING, _SPLIT
  return dicom_folder.is_asked_for() or any(
    flag.value is not None for flag in values
  )
