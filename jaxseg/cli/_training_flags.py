"""Flags that say which models to train, and how."""

from collections.abc import Mapping, Sequence
import math
from typing import Any, TYPE_CHECKING

from jaxseg import _loss_names
from jaxseg import errors
from jaxseg.cli import _better_flags
from jaxseg.cli import _device_flags
from jaxseg.cli import _flags

if TYPE_CHECKING:
  from jaxseg import data
  from jaxseg import training

# As of `training.OBJECTIVES` and `training.FORMED`: slow to import.
OBJECTIVES = ("bce", "dice", "bce_dice")
FORMED = (
  "dice_batch",
  "dice_present",
  "dice_smooth",
  "bce_dice_batch",
  "bce_dice_present",
  "bce_dice_smooth",
)
# What else one channel can learn by.
LOSSES = tuple(
  name
  for name in _loss_names.LOSSES
  if name not in (*OBJECTIVES, *_loss_names.OF_CLASSES)
)
_NETWORK = (
  "base",
  "norm",
  "dropout",
  "dropout_at",
  "final_norm",
  "dtype",
  *_better_flags.NETWORK,
  "remat",
)
_TRAINING = (
  "epochs",
  "steps_per_epoch",
  "batch",
  "learning_rate",
  "patience",
  "negatives",
  "validation_share",
  *_better_flags.TRAINING,
)
# As of `training.KEEP`: slow to import.
_KEEP = ("device", "ram", "store")
_RECIPES = "the recipe's"


def define(flags: _flags.Flags) -> None:
  """Defines objective, seed, network, training and devices."""
  flags.heading("Models")
  flags.names(
    "objective",
    None,
    "LOSS",
    f"What to train on: {', '.join(OBJECTIVES)}, or all of these three; the"
    " last two with a Dice that learns on slices without the structure, summed"
    " over the batch (dice_batch, bce_dice_batch), left to cross entropy there"
    " (_present) or smoothed by 100 pixels (_smooth); another loss of"
    f" {', '.join(LOSSES)}; or your own function of (logits, labels),"
    " package.module:function.",
    default="bce; all for a whole study",
  )
  define_seed(flags)
  flags.heading("Network")
  flags.integer(
    "base",
    None,
    "N",
    "Channels of the U-Net's first block.",
    default=_RECIPES,
  )
  flags.choice(
    "norm",
    None,
    ("none", "batch", "group"),
    "The U-Net's normalisation.",
    default="group",
  )
  flags.number(
    "dropout", None, "RATE", "Dropout rate.", default="0, bice2020 0.2"
  )
  flags.string(
    "dropout_at",
    None,
    "PLACE,...",
    "bice2020: where dropout is: image, stretch and last, each a tensor of one"
    " channel that batch norm follows; rest, all others; or none.",
    default="image,stretch,last,rest",
  )
  flags.switch(
    "final_norm",
    None,
    "bice2020: batch norm after its one-channel last layer.",
    default="on",
  )
  flags.choice(
    "dtype",
    None,
    ("float32", "bfloat16"),
    "What convolutions compute in; logits are float32.",
    default="float32",
  )
  flags.switch(
    "remat",
    None,
    "The U-Net computes each block a second time in training instead of keeping"
    " what lies inside it: a quarter of the memory for it, a third more work."
    " On a CPU, XLA undoes it.",
    default="off",
  )
  flags.heading("Training")
  flags.integer(
    "epochs",
    None,
    "N",
    "Maximum number of epochs.",
    default="the recipe's: 8, quick 4",
  )
  flags.integer(
    "steps_per_epoch", None, "N", "Maximum steps per epoch.", default=_RECIPES
  )
  flags.integer(
    "batch",
    None,
    "N",
    "Slices per step, on all devices together.",
    default="16",
  )
  flags.number(
    "learning_rate",
    None,
    "RATE",
    "Adam's learning rate at its highest.",
    default="the recipe's: 0.002, quick 0.003, bice2020 0.005",
  )
  flags.integer(
    "patience",
    None,
    "N",
    "Epochs without a better validation Dice before training stops.",
    default="10, bice2020 100",
  )
  flags.number(
    "negatives",
    None,
    "RATIO",
    "Slices without the structure per slice with it.",
    default="1, bice2020 0.25",
  )
  flags.number(
    "checkpoint_minutes",
    5.0,
    "MINUTES",
    "Longest time between two checkpoints. The first comes after a second of"
    " training, and each interval doubles; SIGTERM and Ctrl-C save one, too.",
  )
  flags.number(
    "validation_share",
    None,
    "SHARE",
    "Share of the validation slices that an epoch is judged by; the end is"
    " judged by all.",
    default="1; where that would take longer than the epoch, what takes as"
    " long",
  )
  flags.choice(
    "keep",
    None,
    _KEEP,
    "Where slices lie meanwhile; no number depends on it.",
    default="the first that has the memory",
  )
  _better_flags.define(flags)
  _device_flags.define(flags)


def define_seed(flags: _flags.Flags) -> None:
  """Defines --seed alone."""
  if "seed" not in flags:
    flags.integer(
      "seed", 0, "N", "Random seed of weights, batch order and dropout."
    )


def check_minutes(flags: _flags.Flags) -> float:
  """Value of --checkpoint_minutes.

  Raises:
    ConfigError: It is no time.
  """
  minutes: float = flags.checkpoint_minutes
  if not 0 < minutes < math.inf:
    raise errors.ConfigError(
      f"--checkpoint_minutes: {minutes:g} is no time between checkpoints; give"
      " more than 0"
    )
  return minutes


def named(flags: _flags.Flags, asked: Sequence[str]) -> tuple[str, ...]:
  """Canonical names of what a flag asks for; checked before any work.

  Args:
    flags: Its objectives are checked, too.
    asked: Names in any spelling that `structures.resolve` knows, or "all".

  Raises:
    ConfigError: None is named, or an objective is unknown.
    StructureNotFoundError: A name is unknown.
  """
  from jaxseg.cli import _structure_flags

  _device_flags.check_shard(flags)

  asked = [name for name in asked if name]
  if not asked:
    raise errors.ConfigError("--structure: empty; name one, several or all")
  names: tuple[str, ...] = ("all",)
  if list(asked) != ["all"]:
    names = tuple(
      dict.fromkeys(_structure_flags.resolved(flags, name) for name in asked)
    )
  for objective in flags.objective or ():
    if objective not in ("all", *OBJECTIVES):
      from jaxseg import training

      try:
        training.check_objective(objective)
      except errors.ConfigError as e:
        raise errors.ConfigError(f"--objective: {e}") from e
  return names


def available(run: "data.Run", names: Sequence[str]) -> tuple[str, ...]:
  """What a cohort has of the named structures.

  Args:
    run: Prepared run folder.
    names: What `named` gave; "all" is whatever the cohort has.

  Raises:
    StructureNotFoundError: The cohort lacks a named structure.
  """
  from jaxseg import structures

  has = tuple(s for s in run.store.structures if run.store.contoured(s))
  targets = structures.names(kind="target")
  if tuple(names) == ("all",):  # Targets only by their names.
    return tuple(name for name in has if name not in targets) or has
  for name in names:
    if name not in run.store.structures and name in targets:
      raise errors.StructureNotFoundError(
        f"{name}: {run.folder} was prepared without it, as targets are left out"
        " unless they are asked for; name another --output"
      )
    if name not in has:
      raise errors.StructureNotFoundError(
        f"{name}: contoured on no patient of {run.store.cohort}; it has"
        f" {', '.join(has)}"
      )
  return tuple(names)


def configs(
  flags: _flags.Flags,
  run: "data.Run",
  names: Sequence[str],
  *,
  default: Sequence[str],
) -> "list[training.Config]":
  """A training per structure and objective, checked and ready to begin.

  The run's recipe and the training flags of its earlier models hold; flags
  may repeat them and not contradict them.

  Args:
    flags: As `define` defines them.
    run: Prepared run folder.
    names: Canonical names.
    default: Objectives where the flag names none.

  Raises:
    ExistingOutputError: A flag contradicts the run folder.
    StructureNotFoundError: A structure has no patients in a part.
    ConfigError: A setting cannot work.
  """
  from jaxseg import training

  wanted = flags.objective or list(default)
  if wanted == ["all"]:
    wanted = list(OBJECTIVES)
  kept = flags.checked(run.training_flags, run.folder / "run.json")
  asked = {**kept, **flags.given(*_NETWORK, *_TRAINING)}
  settings = _settings(run, asked)
  if any(run.folder.glob("models/*/*/*/config.json")):
    _refuse(run, _settings(run, kept), settings)
  result = [
    training.Config(name, objective=o, seed=flags.seed, **settings)
    for name in names
    for o in wanted
  ]
  training.check_family(
    run.store, run.split, run.folder, result, **_device_flags.given(flags)
  )
  run.keep_training_flags(asked)
  return result


def check(flags: _flags.Flags, recipe: str) -> None:
  """Refuses settings that cannot work, before a cohort is prepared for them.

  Args:
    flags: As `define` defines them.
    recipe: Name of the recipe that a new run folder will have.

  Raises:
    ConfigError: A setting cannot work.
  """
  from jaxseg import models
  from jaxseg import training

  check_minutes(flags)
  given = flags.given(*_NETWORK, *_TRAINING)
  settings = _with(recipe, given)
  config = training.Config("brain", seed=flags.seed, **settings)
  _device_flags.check(flags, config.batch)
  models.create(**settings["network"])


def _settings(run: "data.Run", flags: Mapping[str, Any]) -> dict[str, Any]:
  """Fields of `training.Config` that all models of a run share."""
  recipe = run.facts["recipe"]
  if recipe is None:  # Prepared by a program, not by a command.
    recipe = "quick" if run.store.cohort == "phantom" else "jaxseg"
  return _with(recipe, flags)


def _with(recipe: str, flags: Mapping[str, Any]) -> dict[str, Any]:
  from jaxseg import training

  settings = dict(training.recipe(recipe).training)
  network = dict(settings.pop("network", {"name": "unet", "base": 16}))
  network |= {name: flags[name] for name in _NETWORK if name in flags}
  settings |= {name: flags[name] for name in _TRAINING if name in flags}
  settings |= _better_flags.settings(flags)
  return {"network": network, **settings}


def _refuse(
  run: "data.Run", kept: dict[str, Any], asked: dict[str, Any]
) -> None:
  from jaxseg import models
  from jaxseg import training

  flat = [
    {
      **vars(training.Config("brain", **one)),
      **models.settings(**one["network"]),
    }
    for one in (kept, asked)
  ]
  told = [
    f"{name} is {flat[0].get(name)}, asked is {value}"
    for name, value in flat[1].items()
    if name != "network" and flat[0].get(name) != value
  ]
  if told:
    raise errors.ExistingOutputError(
      f"{run.folder}: its models were trained with other settings"
      f" ({'; '.join(told)}); name another output"
    )
