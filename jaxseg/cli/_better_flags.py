"""Flags of what may make better models; all of it is off by default."""

from collections.abc import Mapping
import pathlib
from typing import Any

from jaxseg import errors
from jaxseg.cli import _flags

NETWORK = ("slices", "deep_supervision")
TRAINING = ("augment", "clip_norm", "ema")
# As of `training.AUGMENTATIONS`: slow to import.
KINDS = ("shift", "scale", "rotation", "elastic", "gamma", "noise")


def define(flags: _flags.Flags) -> None:
  """Defines what is off by default, and may make better models."""
  flags.heading("Better models")
  flags.names(
    "augment",
    None,
    "KIND",
    f"Changes training slices by chance: {', '.join(KINDS)}, or all;"
    " KIND:STRENGTH sets how much, such as all,rotation:15 (degrees). Nothing"
    " is mirrored, as that would swap left and right.",
    default="none",
  )
  flags.number(
    "clip_norm",
    None,
    "NORM",
    "Shortens a gradient that is longer than this.",
    default="off",
  )
  flags.number(
    "ema",
    None,
    "DECAY",
    "Validates and saves a running average of the parameters that keeps this"
    " share of itself at each step, such as 0.99.",
    default="off",
  )
  flags.integer(
    "slices",
    None,
    "N",
    "Neighbouring slices that the U-Net sees at once, odd; at the ends of a"
    " volume the last one is repeated.",
    default="1",
  )
  flags.integer(
    "deep_supervision",
    None,
    "N",
    "Levels above the finest that the U-Net learns from as well.",
    default="0",
  )
  define_tta(flags)


def define_tta(flags: _flags.Flags) -> None:
  """Defines --tta: how trained models are swept."""
  flags.integer(
    "tta",
    None,
    "N",
    "Sweeps the mean map of so many shifted views, up to 9; 1 is the image"
    " alone.",
    default="that of the run's models, else 1",
  )


def tta(flags: _flags.Flags) -> int | None:
  """The number of views, checked; None where the flag is not given.

  Raises:
    ConfigError: There are no so many.
  """
  from jaxseg import models

  if flags.tta is None:
    return None
  try:
    models.check_views(flags.tta)
  except errors.ConfigError as e:
    raise errors.ConfigError(f"--{e}") from e
  return int(flags.tta)


def refuse_views(
  folder: pathlib.Path, kept: Mapping[str, Any], views: int | None
) -> None:
  """Refuses other views than those of a run's models: all are swept alike.

  Args:
    folder: Run folder, named in the message.
    kept: The run's training flags.
    views: What is asked for; None is the run's.

  Raises:
    ExistingOutputError: They differ.
  """
  swept = kept.get("tta", 1)
  if views not in (None, swept):
    raise errors.ExistingOutputError(
      f"{folder}: its models are swept with --tta={swept}, asked is {views};"
      f" leave it out, and jaxseg sweep --tta={views} sweeps all of them so"
    )


def settings(flags: Mapping[str, Any]) -> dict[str, Any]:
  """Fields of `training.Config` that some flags do not give as they are.

  Args:
    flags: Name -> value, of flags that were given.

  Raises:
    ConfigError: An augmentation is unknown or cannot work.
  """
  from jaxseg import training

  if "augment" not in flags:
    return {}
  try:
    return {"augment": training.parse_augment(flags["augment"])}
  except errors.ConfigError as e:
    raise errors.ConfigError(f"--{e}") from e
