"""Flags that say which patients, and the run folder they are prepared in."""

from collections.abc import Sequence
import dataclasses
import pathlib
from typing import Any, TYPE_CHECKING

from jaxseg import errors
from jaxseg.cli import _crop
from jaxseg.cli import _flags

if TYPE_CHECKING:
  from jaxseg import cohorts
  from jaxseg import data

COHORTS = ("phantom", "openkbp", "dicom_folder", "nifti_folder")
_FOLDERS = ("dicom_folder", "nifti_folder")
# What of reading DICOM has a meaning for NIfTI, too.
_BOTH = ("aliases", "modality")
# Name -> text, as of `training.RECIPES`, which would be slow to import.
RECIPES = {
  "jaxseg": "our default, a U-Net of 5 blocks with group norm, body crop",
  "quick": "small and coarse, a whole study in minutes",
  "bice2020": "what is known of the paper's own network and preparation",
}
_MOST = 60  # Rows on the console.
_DICOM = (
  "aliases",
  "on_two",
  "structure_set",
  "combine",
  "repair",
  "modality",
)


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
  flags.string(
    "size",
    None,
    "N",
    "What the network sees, rows x columns: pixels, such as 96 or 96x64; mm,"
    " such as 260mm or 260x220mm; or fit, which measures the cohort and keeps"
    " all of its structures.",
    default="fit for dicom_folder and nifti_folder, else the recipe's",
  )
  flags.number(
    "spacing",
    None,
    "MM",
    "In-plane pixel spacing that the network sees.",
    default="the recipe's; that of jaxseg keeps each patient's own where --size"
    " is in pixels, else it is 2 mm",
  )
  flags.switch(
    "allow_crop",
    False,
    "Go on where the prepared slices leave out more than 2 % of a structure.",
  )
  define_dicom(flags)


def define_structures(flags: _flags.Flags) -> None:
  """Defines --structures, for commands that train nothing."""
  flags.names(
    "structures",
    None,
    "NAME",
    "Structures that are asked for. Organs are always read, targets such as gtv"
    " only if they are named here.",
    default="all organs",
  )


def asked_names(flags: _flags.Flags) -> tuple[str, ...]:
  """Canonical names of --structures; ("all",) without it.

  Raises:
    StructureNotFoundError: A name is unknown.
  """
  asked = [name for name in flags.structures or () if name]
  if not asked or asked == ["all"]:
    return ("all",)
  return tuple(dict.fromkeys(resolved(flags, name) for name in asked))


def define_dicom(flags: _flags.Flags) -> None:
  """Defines how a folder of DICOM is read."""
  flags.heading("Reading DICOM")
  flags.string(
    "aliases",
    None,
    "FILE",
    'JSON file of your names, {"their name": "parotid_left"}, which come before'
    " the built-in ones; null ignores the name, and a structure that is not"
    ' built in ("tumour_bed") is added.',
    default="none",
  )
  flags.choice(
    "on_two",
    "refuse",
    ("refuse", "first", "largest", "newest", "union"),
    "Which to take when two contours fit one structure equally well; union"
    " takes all of them, as one wants of GTV-1 and GTV-2.",
  )
  flags.string(
    "structure_set",
    "merge",
    "WHICH",
    "Which of a patient's structure sets: merge takes each structure from"
    " the newest set that has it, RTSTRUCT before SEG; newest; refuse (the"
    " patient); or a label.",
  )
  flags.choice(
    "modality",
    "CT",
    ("CT", "MR"),
    "Which images; MR signal is scaled by each image's own range.",
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
    " (shear), truncated (treat as missing), stray_bits (keep).",
  )


def own_names(flags: _flags.Flags) -> tuple[str, ...]:
  """Canonical names that --aliases or the run folder bring along.

  Raises:
    DataError: The file of names cannot be used.
  """
  from jaxseg import structures

  own: list[str | None] = []
  if "aliases" in flags and flags.aliases:
    own += structures.read_aliases(flags.aliases).values()
  if "input" in flags and flags.input and flags.cohort == "nifti_folder":
    own += open_nifti(flags, flags.input, ()).structures
  path = output_folder(flags) / "run.json"
  if path.is_file():
    from jaxseg import _files

    facts = _files.read_json(path)
    cohort = facts.get("cohort") if isinstance(facts, dict) else None
    found = cohort.get("structures") if isinstance(cohort, dict) else None
    own += [name for name in found or () if isinstance(name, str)]
  return tuple(dict.fromkeys(name for name in own if name is not None))


def resolved(flags: _flags.Flags, name: str) -> str:
  """The canonical name of what a flag asks for.

  Raises:
    StructureNotFoundError: It is neither known nor brought along.
  """
  from jaxseg import structures

  try:
    return structures.resolve(name)
  except errors.StructureNotFoundError as e:
    if name in own_names(flags):
      return name
    raise errors.StructureNotFoundError(
      f"{e} A structure of your own is added by --aliases"
    ) from e


def open_dicom(
  flags: _flags.Flags, folder: str, names: Sequence[str] = ("all",)
) -> "cohorts.DicomFolder":
  """The cohort of a folder, as the flags say.

  Args:
    flags: As `define_dicom` defines them.
    folder: The folder.
    names: Canonical names that are asked for. Organs always belong to a
      cohort, targets only if they are asked for.

  Raises:
    DataError: The folder or the file of names cannot be used.
    ConfigError: A flag is wrong.
  """
  from jaxseg import cohorts
  from jaxseg import structures

  aliases = structures.read_aliases(flags.aliases) if flags.aliases else {}
  wanted = None
  targets = set(names) & set(structures.names(kind="target"))
  if targets:
    own = {name for name in aliases.values() if name is not None}
    own -= set(structures.names(kind="any"))
    wanted = (*structures.names(), *sorted(own | targets))
  return cohorts.DicomFolder(
    folder,
    structures=wanted,
    aliases=aliases,
    on_two=flags.on_two,
    structure_set=flags.structure_set,
    combine=flags.combine,
    repair=[name for name in flags.repair if name],
    modality=flags.modality,
  )


def open_nifti(
  flags: _flags.Flags, folder: str, names: Sequence[str]
) -> "cohorts.NiftiFolder":
  """The cohort of a folder of images and label maps.

  Args:
    flags: As `define_dicom` defines them.
    folder: The folder.
    names: Canonical names that are asked for; other labels belong to it
      anyhow, targets only if they are asked for.

  Raises:
    DataError: The folder or the file of names cannot be used.
    ConfigError: A flag is wrong.
    StructureNotFoundError: A target is no label's.
  """
  from jaxseg import cohorts
  from jaxseg import structures

  options: dict[str, Any] = {
    "aliases": structures.read_aliases(flags.aliases) if flags.aliases else {},
    "modality": flags.modality,
  }
  cohort = cohorts.NiftiFolder(folder, **options)
  targets = set(names) & set(structures.names(kind="target"))
  if not targets:
    return cohort
  wanted = (*cohort.structures, *sorted(targets))
  return cohorts.NiftiFolder(folder, structures=wanted, **options)


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
    _check(flags, run, wanted)
  else:
    run = _new(flags, folder, wanted)
  tell(run, wanted)
  if not (flags.allow_crop or run.facts["cohort_flags"].get("allow_crop")):
    _crop.check(run.store, wanted, where=run.folder)
  return run


def tell(run: "data.Run", names: Sequence[str] = ()) -> None:
  """Prints who was left out of a run, and what of the structures.

  Args:
    run: Prepared run folder.
    names: Canonical names of structures; none is all.
  """
  from jaxseg.cli import _console

  store = run.store
  rows = [
    {"patient": f"left out {name}", "why": why}
    for name, why in store.left_out.items()
  ]
  rows += [
    {"patient": name, "why": remark}
    for name, remarks in store.remarks.items()
    for remark in remarks
    if name in store.patients
  ]
  if rows:
    _console.table(
      f"{store.cohort}: {len(store.patients)} patients,"
      f" {len(store.left_out)} left out",
      rows[:_MOST],
      {"patient": "patient", "why": "why"},
    )
  if len(rows) > _MOST:
    print(
      f"and {len(rows) - _MOST} more;"
      f" {store.folder / 'manifest.json'} has all of them"
    )
  _crop.tell(store, names)


def _new(
  flags: _flags.Flags, folder: pathlib.Path, wanted: tuple[str, ...]
) -> "data.Run":
  """Prepares a new run folder."""
  from jaxseg import data
  from jaxseg.cli import _console

  data.check_new(folder)
  name = _name(flags)
  _check_together(flags, name)
  recipe = flags.recipe or ("quick" if name == "phantom" else "jaxseg")
  split = data.Split.read(pathlib.Path(flags.split)) if flags.split else None
  config, extent = _prepare_config(flags, recipe, name)
  if "epochs" in flags:  # What follows may take an hour.
    from jaxseg.cli import _training_flags

    _training_flags.check(flags, recipe)
  cohort = _open_cohort(flags, name, wanted)
  for one in wanted:
    if one not in cohort.structures:
      several = getattr(cohort, "undecided", {}).get(one, 0)
      why = (
        f"on {several} patients several contours fit it, and --on_two=refuse"
        " takes none of them; --on_two=union takes all"
        if several
        else f"it has {', '.join(cohort.structures)}"
      )
      raise errors.StructureNotFoundError(
        f"{one}: contoured on no patient of {cohort.name}; {why}"
      )
  made = _phantom_flags(flags) if name == "phantom" else {}
  if flags.allow_crop:
    made["allow_crop"] = True
  if extent:
    made["size"] = flags.size or "fit"
    config = _fitted(cohort, config, extent, skip_bad=name in _FOLDERS)

  def check(store: "data.Store") -> None:
    if not flags.allow_crop:
      _crop.check(store, wanted, where=folder)

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
      skip_bad=name in _FOLDERS,
      on_patient=on_patient,
      check=check,
    )


def _fitted(
  cohort: "cohorts.Cohort",
  config: "data.PrepareConfig",
  extent: str | tuple[float, float],
  *,
  skip_bad: bool,
) -> "data.PrepareConfig":
  """Measures the cohort for the size that --size asks for."""
  from jaxseg import data
  from jaxseg.cli import _console

  with _console.progress("measuring") as on_patient:
    return data.fit(
      cohort,
      config,
      extent=None if isinstance(extent, str) else extent,
      skip_bad=skip_bad,
      on_patient=on_patient,
    )


def _check(flags: _flags.Flags, run: "data.Run", names: Sequence[str]) -> None:
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
      asked["cohort"] = dict(
        _open_cohort(flags, name, run.facts["cohort"]["structures"]).describe()
      )
    asked.setdefault("cohort_flags", {}).update(flags.given("patients", "grid"))
  sizes = flags.given("size", "spacing")
  if "size" in sizes:
    size = _size(sizes["size"])
    if isinstance(size[0], int):
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
  asked = flags.given(*_DICOM)
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

  if name == "dicom_folder":
    return open_dicom(flags, flags.input, names)
  if name == "nifti_folder":
    return open_nifti(flags, flags.input, names)
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


def _prepare_config(
  flags: _flags.Flags, recipe: str, name: str
) -> tuple["data.PrepareConfig", str | tuple[float, float] | None]:
  """The prepared grid, and what its size is still to be measured for.

  Returns:
    (the grid, "fit" or mm of rows and columns where the cohort decides its
    pixels, else None).
  """
  from jaxseg import data
  from jaxseg import training

  config = training.recipe(recipe).prepare
  size = _size(flags.size) if flags.size else None
  if size is None and name in _FOLDERS and config.crop is None:
    size = "fit"
  if flags.spacing is not None:
    config = dataclasses.replace(config, spacing=flags.spacing, crop=None)
  if size is None:
    return config, None
  config = dataclasses.replace(config, crop=None)
  if isinstance(size, tuple) and isinstance(size[0], int):
    return dataclasses.replace(config, size=size), None
  if config.spacing is None:
    config = dataclasses.replace(config, spacing=data.SPACING_MM)
  return config, size


def _size(text: str) -> tuple[int, int] | tuple[float, float] | str:
  """Pixels of "96" or "96x64", mm of "260mm" or "260x220mm", or "fit"."""
  if text == "fit":
    return text
  number = float if text.endswith("mm") else int
  parts = text.removesuffix("mm").split("x")
  try:
    if not 1 <= len(parts) <= 2 or not all(p[:1].isdecimal() for p in parts):
      raise ValueError
    size = number(parts[0]), number(parts[-1])
  except ValueError:
    raise errors.ConfigError(
      f"--size: {text!r} is no size; write 96 pixels, 96x64 for rows x columns,"
      " 260mm, or fit"
    ) from None
  if number is float and not all(32 <= mm <= 2000 for mm in size):
    raise errors.ConfigError(f"--size: {text} is not of 32 to 2000 mm")
  return size
