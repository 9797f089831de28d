"""Flags that say which models to train, and how."""

from collections.abc import Sequence
from typing import Any

from absl import flags

from experiments import cohort
from jaxseg import data
from jaxseg import errors
from jaxseg import losses
from jaxseg import structures
from jaxseg import training

_OBJECTIVE = flags.DEFINE_list(
  "objective",
  None,
  f"What to train on, a list of {', '.join(training.OBJECTIVES)}; all is these"
  f" three. Or another loss of {', '.join(losses.names())}; or one's own of"
  " (logits, labels) as package.module:function.",
)
_BASE = flags.DEFINE_integer(
  "base", None, "Channels of the U-Net's first block. Default: the recipe's."
)
_NORM = flags.DEFINE_enum(
  "norm", None, ["none", "batch", "group"], "The U-Net's normalisation."
)
_DROPOUT = flags.DEFINE_float("dropout", None, "The U-Net's dropout rate.")
_FINAL_DROPOUT = flags.DEFINE_bool(
  "final_dropout", None, "bice2020: dropout of its one-channel last layer."
)
_FINAL_NORM = flags.DEFINE_bool(
  "final_norm", None, "bice2020: batch norm of its one-channel last layer."
)
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
  "Slices without the structure per slice with it. Default: 1.",
)


def named(asked: Sequence[str]) -> tuple[str, ...]:
  """Canonical names of what a flag asks for; checked before any work.

  Args:
    asked: Names in any spelling that `structures.resolve` knows, or "all".

  Raises:
    ConfigError: None is named, or an objective is unknown.
    StructureNotFoundError: A name is unknown.
  """
  for objective in _OBJECTIVE.value or ():
    if objective == "all":
      continue
    try:
      training.check_objective(objective)
    except errors.ConfigError as e:
      raise errors.ConfigError(f"--objective: {e}") from e
  if not asked:
    raise errors.ConfigError("--structure: empty; name one, several or all")
  if list(asked) == ["all"]:
    return ("all",)
  return tuple(dict.fromkeys(structures.resolve(name) for name in asked))


def available(run: data.Run, names: Sequence[str]) -> tuple[str, ...]:
  """What a cohort has of the named structures.

  Args:
    run: Prepared run folder.
    names: What `named` gave; "all" is whatever the cohort has.

  Raises:
    StructureNotFoundError: The cohort lacks a named structure.
  """
  has = tuple(s for s in run.store.structures if run.store.contoured(s))
  if tuple(names) == ("all",):
    return has
  for name in names:
    if name not in has:
      raise errors.StructureNotFoundError(
        f"{name}: contoured on no patient of {run.store.cohort}; it has"
        f" {', '.join(has)}"
      )
  return tuple(names)


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
  settings = dict(cohort.recipe(run.store.cohort).training)
  network = dict(settings.pop("network", {"name": "unet", "base": 16}))
  shape = {
    "base": _BASE.value,
    "norm": _NORM.value,
    "dropout": _DROPOUT.value,
    "final_dropout": _FINAL_DROPOUT.value,
    "final_norm": _FINAL_NORM.value,
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
      seed=cohort.SEED.value,
      network=network,
      **settings,
    )
    for name in names
    for objective in wanted
  ]
