"""Flags that say which models to train, and how."""

from collections.abc import Iterator, Mapping, Sequence
import contextlib
import difflib
import math
import re
from typing import Any, TYPE_CHECKING

from jaxseg import _loss_names
from jaxseg import errors
from jaxseg.cli import _better_flags
from jaxseg.cli import _device_flags
from jaxseg.cli import _family
from jaxseg.cli import _flags
from jaxseg.cli import _network_flags

if TYPE_CHECKING:
  from jaxseg import data
  from jaxseg import training

# As of `training.OBJECTIVES`, `STUDY` and `FORMED`: slow to import.
OBJECTIVES = ("bce", "dice", "bce_dice")
STUDY = ("bce", "dice_batch", "bce_dice_batch")
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
  """Defines objective, seed, network, training and devices.

  What every training needs stands first in the help: what to train, and the run
  folder. Whoever calls this has begun the first of these headings.
  """
  _define_objective(flags)
  flags.heading("Run")  # Of `_cohort_flags`, which come later.
  _network_flags.define(flags)
  flags.heading("Training")
  flags.integer(
    "epochs",
    None,
    "N",
    "Maximum number of epochs.",
    default="the recipe's: 8, quick 4, bice2020 100",
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
  _family.define_negatives(flags)
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
  _better_flags.define(flags)
  _device_flags.define(flags)
  flags.choice(
    "keep",
    None,
    _KEEP,
    "Where slices lie meanwhile; no number depends on it.",
    default="the first that has the memory",
  )


def _define_objective(flags: _flags.Flags) -> None:
  flags.names(
    "objective",
    None,
    "LOSS",
    f"What to train on: {', '.join(OBJECTIVES)}, with the Dice of each slice,"
    " as in the paper; dice and bce_dice with a Dice that learns on slices"
    " without the structure: summed over the batch (dice_batch,"
    " bce_dice_batch), left to cross entropy there (_present), or smoothed by"
    f" 100 pixels (_smooth); all: {', '.join(STUDY)}; another loss of"
    f" {', '.join(LOSSES)}; or your own function of (logits, labels),"
    " package.module:function.",
    default="bce; all for a whole study",
  )
  _family.define(flags)


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
  _better_flags.tta(flags)

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
      _check_known(objective)
      from jaxseg import training

      try:
        training.check_objective(objective)
      except errors.ConfigError as e:
        raise errors.ConfigError(f"--objective: {e}") from e
  return names


def _check_known(objective: str) -> None:
  """Refuses a name that is no objective, before JAX is loaded."""
  known = ("all", *OBJECTIVES, *FORMED, *LOSSES)
  losses = {*known, *_loss_names.LOSSES, "boundary"}
  if ":" in objective or objective in losses:
    return
  close = difflib.get_close_matches(objective, known, n=1)
  raise errors.ConfigError(
    f"--objective: {objective!r} is unknown;"
    f"{f' did you mean {close[0]}?' if close else ''} take one of"
    f" {', '.join(known)}, or package.module:function"
  )


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
  """The family of trainings, checked and ready to begin.

  The run's recipe and the training flags of its earlier models hold; flags
  may repeat them and not contradict them. Other levels of negatives lie beside
  the run's own: that of its first model, or of its recipe.

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
  from jaxseg import _distributed
  from jaxseg import training

  wanted = flags.objective or list(default)
  if wanted == ["all"]:
    wanted = list(STUDY)
  kept = flags.checked(run.training_flags, run.folder / "run.json")
  given = flags.given(*_network_flags.NAMES, *_TRAINING)
  levels = given.pop("negatives", ())
  if len(levels) == 1 and not run.has_models:
    given["negatives"] = levels[0]
  asked = {**kept, **given}
  number = _family.folds(flags, run, kept)
  if number is not None:
    asked["folds"] = number
  with _by_flag():
    settings = _settings(run, asked)
  views = _better_flags.tta(flags)
  if run.has_models:
    with _by_flag():
      _refuse(run, _settings(run, kept), settings)
    _better_flags.refuse_views(run.folder, kept, views)
  elif views not in (None, 1):
    asked["tta"] = views
  with _by_flag():
    own = [
      training.Config(name, objective=o, **settings)
      for name in names
      for o in wanted
    ]
    result = _family.members(
      own,
      seeds=flags.seed,
      levels=levels or (own[0].negatives,),
      number=number,
    )
    if number is not None:
      _distributed.first("drawing folds", lambda: run.folds(number) and None)
  for split, part in _family.by_split(run, result):
    training.check_family(
      run.store, split, run.folder, part, **_device_flags.given(flags)
    )
  if _distributed.process() == 0:
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
  _family.check(flags)
  given = flags.given(*_network_flags.NAMES, *_TRAINING)
  levels = given.pop("negatives", ())
  with _by_flag():
    settings = _with(recipe, given)
    config = training.Config("brain", **settings)
    _family.members(
      [config],
      seeds=flags.seed,
      levels=levels or (config.negatives,),
      number=flags.folds,
    )
    models.create(**settings["network"])
  _device_flags.check(flags, config.batch)


@contextlib.contextmanager
def _by_flag() -> Iterator[None]:
  """Turns a complaint of a setting into one of the flag that gives it."""
  try:
    yield
  except errors.ConfigError as e:
    found = re.match(r"(?:\w+: )?(\w+) is ", str(e))
    if found and found[1] in (*_network_flags.NAMES, *_TRAINING):
      raise errors.ConfigError(f"--{str(e)[found.start(1) :]}") from e
    raise


def _settings(run: "data.Run", flags: Mapping[str, Any]) -> dict[str, Any]:
  """Fields of `training.Config` that all models of a run share."""
  from jaxseg import training

  recipe = run.facts["recipe"]
  if recipe is None:  # Prepared by a program, not by a command.
    recipe = "quick" if run.store.cohort == "phantom" else "jaxseg"
  if recipe not in training.RECIPES:
    raise errors.DataError(
      f"{run.folder / 'run.json'}: recipe {recipe!r} is unknown, it is of"
      f" {', '.join(training.RECIPES)}; restore the file from a copy"
    )
  return _with(recipe, flags)


def _with(recipe: str, flags: Mapping[str, Any]) -> dict[str, Any]:
  from jaxseg import training

  settings = dict(training.recipe(recipe).training)
  network = dict(settings.pop("network", {"name": "unet", "base": 16}))
  _network_flags.check(network["name"], flags)
  network |= {
    name: flags[name] for name in _network_flags.NAMES if name in flags
  }
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
