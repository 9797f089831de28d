"""Flags that say which network is trained."""

from collections.abc import Iterable

from jaxseg import errors
from jaxseg.cli import _better_flags
from jaxseg.cli import _flags

NAMES = (
  "base",
  "norm",
  "dropout",
  "dropout_at",
  "final_norm",
  "dtype",
  *_better_flags.NETWORK,
  "remat",
)


def define(flags: _flags.Flags) -> None:
  """Defines the network's settings, but for those of better models."""
  flags.heading("Network")
  flags.integer(
    "base",
    None,
    "N",
    "Channels of the U-Net's first block.",
    default="the recipe's",
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


def check(network: str, flags: Iterable[str]) -> None:
  """Refuses flags of another network's settings.

  Args:
    network: Name of the recipe's network.
    flags: Names of the flags that are given.

  Raises:
    ConfigError: The network has no such setting.
  """
  from jaxseg import models

  known = models.settings(network)
  for name in flags:
    if name in NAMES and name not in known:
      takes = ", ".join(f"--{own}" for own in NAMES if own in known)
      raise errors.ConfigError(
        f"--{name}: the recipe's network, {network}, has none; it takes"
        f" {takes}; leave it out, or take another --recipe"
      )
