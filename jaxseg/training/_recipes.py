"""Named recipes: preparation, network and training that belong together."""

from collections.abc import Mapping
import dataclasses
from typing import Any

from jaxseg import data
from jaxseg import errors


@dataclasses.dataclass(frozen=True)
class Recipe:
  """Settings that a flag or argument can still override one by one.

  Attributes:
    prepare: The prepared grid.
    training: Fields of `Config` that differ from its defaults.
    text: What it is, for `--help` and the page.
  """

  prepare: data.PrepareConfig
  training: Mapping[str, Any]
  text: str


# The facts are those of the first author's published scripts of January 2020
# (contouring_scripts), a year and a half before the paper; the paper's own
# set-up may differ. Stored 500..1500 with intercept -1024 is -524..476 HU.
# Unlike there, a batch mixes patients, the slices without the organ are drawn
# anew in each epoch, the checkpoint is that of the highest validation Dice,
# and validation runs without dropout and leaves the running averages alone.
_BICE2020 = Recipe(
  prepare=data.PrepareConfig(crop=(105 / 512, 405 / 512)),
  training={
    "network": {"name": "bice2020"},
    "window_hu": (-524.0, 476.0),
    "input_range": (0.0, 1.0),
    "negatives": 0.25,
    "batch": 16,
    "learning_rate": 0.005,
    "schedule": "constant",
    "epochs": 100,
    "steps_per_epoch": None,
    "patience": 100,
  },
  text="what is known of the study's own network and preparation",
)

RECIPES: Mapping[str, Recipe] = {
  "jaxseg": Recipe(
    prepare=data.PrepareConfig(),
    training={},
    text="our default: U-Net of 5 blocks with group norm, crop to the body",
  ),
  "quick": Recipe(
    prepare=data.PrepareConfig(size=(64, 64), spacing=3.5),
    training={
      "network": {"name": "unet", "base": 8},
      "epochs": 4,
      "steps_per_epoch": 160,
      "learning_rate": 3e-3,
    },
    text="small and coarse, minutes for a whole study; the phantom's",
  ),
  "bice2020": _BICE2020,
}


def recipe(name: str) -> Recipe:
  """A recipe by name.

  Raises:
    ConfigError: There is none of that name.
  """
  if name not in RECIPES:
    raise errors.ConfigError(
      f"recipe {name!r} is unknown; take one of {', '.join(RECIPES)}"
    )
  return RECIPES[name]
