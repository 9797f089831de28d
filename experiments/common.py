"""Flags that several binaries share, and what they stand for."""

from collections.abc import Mapping, Sequence
import dataclasses
import pathlib
from typing import Any

from absl import flags
import rich.console

from experiments import cli
from jaxseg import cohorts
from jaxseg import data
from jaxseg import errors
from jaxseg import report
from jaxseg import structures
from jaxseg import training

_COHORT = flags.DEFINE_string(
  "cohort",
  None,
  "Patients: phantom (made up, needs no data) or openkbp. Default: phantom,"
  " or openkbp if --input is given.",
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
SEED = flags.DEFINE_integer(
  "seed", 0, "Decides the split, initial weights and order of slices."
)
_OBJECTIVE = flags.DEFINE_list(
  "objective",
  None,
  f"What to train on, a list of {', '.join(training.OBJECTIVES)}, or all.",
)
_BASE = flags.DEFINE_integer(
  "base", None, "Channels of the U-Net's first block. Default: the recipe's."
)
_NORM = flags.DEFINE_enum(
  "norm", None, ["none", "batch", "group"], "The U-Net's normalisation."
)
_DROPOUT = flags.DEFINE_float("dropout", None, "The U-Net's dropout rate.")
_DTYPE = flags.DEFINE_enum(
  "dtype",
  None,
  ["float32", "bfloat16"],
  "What convolutions compute in; logits are float32. Default: float32.",
)
_EPOCHS = flags.DEFINE_integer(
  "epochs", None, "Epochs at most. Default: the recipe's."
)
_STEPS = flags.DEFINE_integer(
  "steps_per_epoch",
  None,
  "Steps an epoch at most. Default: the recipe's.",
)
_BATCH = flags.DEFINE_integer("batch", None, "Slices a step. Default: 16.")
_RATE = flags.DEFINE_float(
  "learning_rate", None, "Adam's highest learning rate. Default: 0.002."
)
_PATIENCE = flags.DEFINE_integer(
  "patience", None, "Epochs without gain before training stops. Default: 10."
)
_NEGATIVES = flags.DEFINE_float(
  "negatives",
  None,
  "Slices without the structure per slice with it. Default: 0.5.",
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
        "--input: the phantom cohort reads no files; add --cohort=openkbp"
      )
    settings = {"patients": _PATIENTS.value, "size": _GRID.value}
    given = {k: v for k, v in settings.items() if v is not None}
    return cohorts.Phantom(seed=SEED.value, **given)
  if name != "openkbp":
    raise errors.ConfigError(
      f"--cohort: {name!r} is unknown; take phantom or openkbp"
    )
  if _PATIENTS.value is not None or _GRID.value is not None:
    raise errors.ConfigError(
      "--patients, --grid: only for the phantom; leave them out"
    )
  if not _INPUT.value:
    raise errors.ConfigError(
      "--input: missing; give the folder of the OpenKBP patients"
    )
  return cohorts.OpenKBP(_INPUT.value)


def prepared() -> data.Run:
  """Prepares the run folder, or opens it if that was done before.

  A run folder that exists is opened without any cohort flag.
  """
  folder = output_folder()
  if (folder / "cohort.json").exists() and not _shapes_cohort():
    return data.Run(folder)
  config = _recipe(_cohort_name()).prepare
  if _SIZE.value is not None:
    config = dataclasses.replace(config, size=_size(_SIZE.value), crop=None)
  if _SPACING.value is not None:
    config = dataclasses.replace(config, spacing=_SPACING.value, crop=None)
  split = data.Split.read(pathlib.Path(_SPLIT.value)) if _SPLIT.value else None
  with report.progress("preparing") as on_patient:
    return data.prepare_run(
      folder,
      open_cohort(),
      config,
      seed=SEED.value,
      split=split,
      on_patient=on_patient,
    )


def _size(text: str) -> tuple[int, int]:
  """Rows and columns of "96" or "96x64"."""
  parts = text.split("x")
  if not 1 <= len(parts) <= 2 or not all(p.isdecimal() for p in parts):
    raise errors.ConfigError(
      f"--size: {text!r} is no size; write 96, or 96x64 for rows x columns"
    )
  return int(parts[0]), int(parts[-1])


def _recipe(cohort: str) -> training.Recipe:
  default = "quick" if cohort == "phantom" else "jaxseg"
  return training.recipe(_RECIPE.value or default)


def _shapes_cohort() -> bool:
  values = _INPUT, _PATIENTS, _GRID, _SIZE, _SPACING, _SPLIT
  return any(flag.value is not None for flag in values)


def chosen_structures(run: data.Run, asked: Sequence[str]) -> tuple[str, ...]:
  """Canonical names of the structures that a flag asks for.

  Args:
    run: Prepared run folder.
    asked: Names in any spelling that `structures.resolve` knows, or "all":
      whatever the cohort has on enough patients.

  Raises:
    StructureNotFoundError: A name is unknown, or the cohort lacks it.
  """
  if not asked:
    raise errors.ConfigError("--structure: empty; name one, several or all")
  if list(asked) == ["all"]:
    return tuple(s for s in run.store.structures if run.store.contoured(s))
  names = tuple(dict.fromkeys(structures.resolve(name) for name in asked))
  for name in names:
    if not run.store.contoured(name):
      raise errors.StructureNotFoundError(
        f"{name}: contoured on no patient of {run.store.cohort}; leave it out"
      )
  return names


def configs(
  run: data.Run, names: Sequence[str], *, default: Sequence[str]
) -> list[training.Config]:
  """A training per structure and objective.

  Args:
    run: Prepared run folder.
    names: Canonical names.
    default: Objectives where the flag names none.
  """
  wanted = _OBJECTIVE.value or list(default)
  if wanted == ["all"]:
    wanted = list(training.OBJECTIVES)
  settings = dict(_recipe(run.store.cohort).training)
  network = dict(settings.pop("network", {"name": "unet", "base": 16}))
  shape = {
    "base": _BASE.value,
    "norm": _NORM.value,
    "dropout": _DROPOUT.value,
    "dtype": _DTYPE.value,
  }
  network |= {k: v for k, v in shape.items() if v is not None}
  given: dict[str, Any] = {
    "epochs": _EPOCHS.value,
    "steps_per_epoch": _STEPS.value,
    "batch": _BATCH.value,
    "learning_rate": _RATE.value,
    "patience": _PATIENCE.value,
    "negatives": _NEGATIVES.value,
  }
  settings |= {k: v for k, v in given.items() if v is not None}
  return [
    training.Config(
      structure=name,
      objective=objective,
      seed=SEED.value,
      network=network,
      **settings,
    )
    for name in names
    for objective in wanted
  ]


def provenance(run: data.Run) -> dict[str, Any]:
  """What every table of a run carries."""
  return report.provenance(
    cohort=run.store.cohort,
    cohort_hash=run.store.content_hash,
    synthetic=run.store.synthetic,
    seed=SEED.value,
    command=cli.command(),
  )


def show(
  title: str,
  rows: Sequence[Mapping[str, Any]],
  columns: Sequence[str] | Mapping[str, str],
) -> None:
  """Prints some columns of a table."""
  console = rich.console.Console()
  console.print(report.rich_table(title, rows, columns))


def tell(section: report.Section) -> None:
  """Prints an analysis: its table, and the files that hold all of it."""
  show(section.title, section.rows or [], section.columns or [])
  for path in (section.table, section.figure):
    if path is not None:
      print(f"Written: {path}")
