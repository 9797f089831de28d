"""Flags that say which patients, and the run folder they are prepared in."""

import dataclasses
import pathlib
from typing import Any, TYPE_CHECKING

from jaxseg import errors
from jaxseg.cli import _flags
from jaxseg.cli import _unknown

if TYPE_CHECKING:
  from jaxseg import cohorts
  from jaxseg import data

COHORTS = ("phantom", "openkbp", "dicom_folder")
# Name -> text, as of `training.RECIPES`, which would be slow to import.
RECIPES = {
  "jaxseg": "our default, a U-Net of 5 blocks with group norm, body crop",
  "quick": "small and coarse, a whole study in minutes",
  "bice2020": "what is known of the paper's own network and preparation",
}
_DICOM = (
  "aliases",
  "on_two",
  "structure_set",
  "combine",
  "repair",
  "acquisition",
  "limit_s",
)


def define_run(flags: _flags.Flags) -> None:
  """Defines --output and --cohort: enough to open a run folder."""
  flags.heading("Run")
  flags.string("output", None, "FOLDER", "Run folder.", default="runs/<cohort>")
  flags.choice(
    "cohort",
    None,
    COHORTS,
    "Patients: synthetic (phantom, needs no data), OpenKBP, or CT with"
    " RTSTRUCT or SEG (dicom_folder, such as HN1).",
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
  flags.string(
    "size",
    None,
    "N",
    "Pixels that the network sees, rows x columns, such as 96 or 96x64.",
    default="the recipe's",
  )
  flags.number(
    "spacing",
    None,
    "MM",
    "In-plane pixel spacing that the network sees.",
    default="the recipe's; that of jaxseg keeps each patient's own",
  )
  define_dicom(flags)


def define_dicom(flags: _flags.Flags) -> None:
  """Defines how a folder of DICOM is read."""
  flags.heading("Reading DICOM")
  flags.string(
    "aliases",
    None,
    "FILE",
    'JSON file of your names, {"their name": "parotid_left"}, which come before'
    " the built-in ones; null ignores the name.",
    default="none",
  )
  flags.choice(
    "on_two",
    "refuse",
    ("refuse", "first", "largest", "newest"),
    "Which to take when two contours fit one structure equally well.",
  )
  flags.string(
    "structure_set",
    "newest",
    "WHICH",
    "Which of a patient's structure sets: newest, refuse (the patient), or a"
    " label.",
  )
  flags.choice(
    "combine",
    "even-odd",
    ("even-odd", "union"),
    "How the closed contours of a slice are combined.",
  )
  flags.names(
    "repair",
    [],
    "WHAT",
    "What may be repaired in a CT: spacing (resample uneven slices), tilt"
    " (shear), truncated (treat as missing), stray_bits (mask to the bits"
    " stored); in an RTSTRUCT or SEG: contours (interpolate slices that were"
    " passed over, which else are unknown), frame_of_reference (accept those"
    " drawn in another one).",
  )
  flags.string(
    "acquisition",
    "refuse",
    "WHICH",
    "If a CT series holds several acquisitions in one place: refuse (the"
    " patient), first, last, or an AcquisitionNumber.",
  )
  flags.number(
    "limit_s",
    None,
    "S",
    "Processor time to parse a file of up to 5 MiB, in seconds; a larger one"
    " may take more in proportion.",
    default="10",
  )


def open_dicom(flags: _flags.Flags, folder: str) -> "cohorts.DicomFolder":
  """The cohort of a folder, as the flags say.

  Raises:
    DataError: The folder or the file of names cannot be used.
    ConfigError: A flag is wrong.
  """
  from jaxseg import cohorts
  from jaxseg import structures

  aliases = structures.read_aliases(flags.aliases) if flags.aliases else None
  return cohorts.DicomFolder(
    folder,
    aliases=aliases,
    on_two=flags.on_two,
    structure_set=flags.structure_set,
    combine=flags.combine,
    repair=[name for name in flags.repair if name],
    acquisition=flags.acquisition,
    limit_s=flags.limit_s,
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
  if flags.cohort:
    run.check(**_of(run, flags.cohort))
  return run


def prepared(flags: _flags.Flags) -> "data.Run":
  """Opens the run folder, or prepares it if it is new.

  A run folder that exists needs no other flag; those given must agree with
  what it is.

  Raises:
    ConfigError: Flags do not go together.
    ExistingOutputError: A flag contradicts the run folder.
  """
  from jaxseg import data

  folder = output_folder(flags)
  if any((folder / name).exists() for name in ("run.json", "cohort.json")):
    run = data.Run(folder)
    _check(flags, run)
    return run
  data.check_new(folder)
  name = _name(flags)
  _check_together(flags, name)
  recipe = flags.recipe or ("quick" if name == "phantom" else "jaxseg")
  split = data.Split.read(pathlib.Path(flags.split)) if flags.split else None
  config = _prepare_config(flags, recipe)
  if "epochs" in flags:  # What follows may take an hour.
    from jaxseg.cli import _training_flags

    _training_flags.check(flags, recipe)
  cohort = _open_cohort(flags, name)
  run = _prepare(flags, folder, cohort, config, split=split, recipe=recipe)
  for patient, reason in run.store.left_out.items():
    print(f"left out {patient}: {reason}")
  _unknown.say_of_store(run.store)
  return run


def _prepare(
  flags: _flags.Flags,
  folder: pathlib.Path,
  cohort: "cohorts.Cohort",
  config: "data.PrepareConfig",
  *,
  split: "data.Split | None",
  recipe: str,
) -> "data.Run":
  from jaxseg import data
  from jaxseg.cli import _console

  name = _name(flags)
  made = _phantom_flags(flags) if name == "phantom" else {}
  with _console.progress("preparing") as on_patient:
    return data.prepare_run(
      folder,
      cohort,
      config,
      seed=flags.split_seed or 0,
      split=split,
      recipe=recipe,
      cohort_flags={"cohort": name, **made},
      # A clinic's folder has bad patients; a published set must have none.
      skip_bad=name == "dicom_folder",
      on_patient=on_patient,
    )


def _check(flags: _flags.Flags, run: "data.Run") -> None:
  """Refuses flags that contradict a run folder."""
  from jaxseg import data

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
      asked["cohort"] = dict(_open_cohort(flags, name).describe())
    asked.setdefault("cohort_flags", {}).update(flags.given("patients", "grid"))
  sizes = flags.given("size", "spacing")
  if "size" in sizes:
    sizes["size"] = _size(sizes["size"])
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
  asked = flags.given(*_DICOM)
  if asked and name != "dicom_folder":
    raise errors.ConfigError(
      f"{', '.join(f'--{flag}' for flag in asked)}: only for"
      " --cohort=dicom_folder; leave it out"
    )
  needed = asked if open_again else name != "phantom"
  if needed and not flags.input:
    raise errors.ConfigError(
      f"--input: missing; give the folder of the {name} patients"
    )


def _phantom_flags(flags: _flags.Flags) -> dict[str, Any]:
  return {"patients": 24, "grid": 128, **flags.given("patients", "grid")}


def _open_cohort(flags: _flags.Flags, name: str) -> "cohorts.Cohort":
  from jaxseg import cohorts
  from jaxseg.cli import _console

  if name == "dicom_folder":
    found = open_dicom(flags, flags.input)
    if not found.patients():
      names = found.everyone()
      reason = found.audit(names[0])["refused"]
      raise errors.DataError(
        f"{flags.input}: none of {len(names)} patients can be used;"
        f" {names[0]}: {reason}"
      )
    return found
  if name == "openkbp":
    return cohorts.OpenKBP(flags.input)
  settings = _phantom_flags(flags)
  phantom = cohorts.Phantom(
    patients=settings["patients"],
    size=settings["grid"],
    seed=flags.split_seed or 0,
  )
  # Through files, so that every run of the phantom proves the whole path.
  folder = output_folder(flags)
  files = folder.with_name(f"{folder.name}-dicom")
  with _console.progress("writing") as on_patient:
    cohorts.write_phantom(files, phantom, on_patient=on_patient)
  return cohorts.DicomFolder(files)


def _prepare_config(flags: _flags.Flags, recipe: str) -> "data.PrepareConfig":
  from jaxseg import training

  config = training.recipe(recipe).prepare
  if flags.size:
    config = dataclasses.replace(config, size=_size(flags.size), crop=None)
  if flags.spacing is not None:
    config = dataclasses.replace(config, spacing=flags.spacing, crop=None)
  return config


def _size(text: str) -> tuple[int, int]:
  """Rows and columns of "96" or "96x64"."""
  parts = text.split("x")
  if not 1 <= len(parts) <= 2 or not all(p.isdecimal() for p in parts):
    raise errors.ConfigError(
      f"--size: {text!r} is no size; write 96, or 96x64 for rows x columns"
    )
  return int(parts[0]), int(parts[-1])
