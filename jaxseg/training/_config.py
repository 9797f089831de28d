"""What one training is made of, and the named recipes."""

from collections.abc import Mapping
import dataclasses
import math
import re
from typing import Any

from jaxseg import data
from jaxseg import errors
from jaxseg import models
from jaxseg.training import _augment
from jaxseg.training import _objective
from jaxseg.training import _step

# Left out of config.json where they are off, as older versions do.
_OPTIONS = ("augment", "clip_norm", "ema", "variant")
_VARIANT = re.compile(r"(?:[a-z0-9][a-z0-9.+-]*(?:/[a-z0-9-]+)?)?")


@dataclasses.dataclass(frozen=True)
class Config:
  """One model: a structure, an objective, a seed, and how it is trained.

  Attributes:
    structure: Canonical name.
    objective: Name of a loss, or "package.module:function" of one's own.
    seed: Random seed of weights, batch order and dropout.
    network: Arguments of `models.create`, with its "name".
    window_hu: HU between which the network sees differences.
    input_range: What the ends of the window become.
    negatives: Slices without the structure per slice with it.
    batch: Slices a step.
    learning_rate: Adam's, at its highest.
    schedule: "cosine" (5 % warm-up, then down to 0) or "constant".
    epochs: At most so many.
    steps_per_epoch: At most so many, so that structures of few and of many
      slices learn for the same time; None is one pass through the slices.
    patience: Epochs without a better validation Dice before training stops.
    augment: Kind of augmentation -> strength, as `parse_augment` gives them;
      empty is none.
    clip_norm: Largest norm of the gradient of all parameters, beyond which it
      is shortened; None is any.
    ema: Share of averaged parameters that each step keeps, such as 0.99. They
      are validated and saved in the place of the parameters; 0 is no average.
    validation_share: Share of the validation slices that an epoch is judged
      by, above 0; the end is judged by all. None is all of them, or so many
      that they take no longer than the epoch.
    variant: What sets a model apart from others of its structure, objective and
      seed, as the rest of its folder's name: "negatives-0.25", or
      "folds-5/fold-2"; empty is nothing.
  """

  structure: str
  objective: str = "bce"
  seed: int = 0
  network: Mapping[str, Any] = dataclasses.field(
    default_factory=lambda: {"name": "unet", "base": 16}
  )
  window_hu: tuple[float, float] = (-200.0, 400.0)
  input_range: tuple[float, float] = (-1.0, 1.0)
  negatives: float = 1.0
  batch: int = 16
  learning_rate: float = 2e-3
  schedule: str = "cosine"
  epochs: int = 8
  steps_per_epoch: int | None = 150
  patience: int = 10
  augment: Mapping[str, float] = dataclasses.field(default_factory=dict)
  clip_norm: float | None = None
  ema: float = 0.0
  validation_share: float | None = None
  variant: str = ""

  def __post_init__(self):
    if ":" not in self.objective:
      # One's own is imported to train, and not to read a model trained by it.
      _objective.loss_of(self.objective)
    if self.schedule not in ("cosine", "constant"):
      raise errors.ConfigError(
        f"schedule {self.schedule!r} is unknown; take cosine or constant"
      )
    positive = {
      "batch": self.batch,
      "epochs": self.epochs,
      "patience": self.patience,
      "learning_rate": self.learning_rate,
    }
    for name, value in positive.items():
      if not 0 < value < math.inf:
        raise errors.ConfigError(
          f"{name} is {value}; give a finite number above 0"
        )
    if self.steps_per_epoch is not None and self.steps_per_epoch < 1:
      raise errors.ConfigError(
        f"steps_per_epoch is {self.steps_per_epoch}; give at least 1"
      )
    if self.seed < 0:
      raise errors.ConfigError(
        f"seed is {self.seed}; give a whole number from 0 on"
      )
    if not 0 <= self.negatives < math.inf:
      raise errors.ConfigError(
        f"negatives is {self.negatives}; give a number from 0 on"
      )
    share = self.validation_share
    if share is not None and not 0 < share <= 1:
      raise errors.ConfigError(
        f"validation_share is {share}; give more than 0, at most 1"
      )
    if not _VARIANT.fullmatch(self.variant):
      raise errors.ConfigError(
        f"variant is {self.variant!r}; give small letters, digits, points and"
        " hyphens, and at most one slash"
      )
    low, high = self.window_hu
    if not high > low:
      raise errors.ConfigError(
        f"window {low} to {high} HU is empty; give the lower end first"
      )
    _augment.check(self.augment)
    if self.clip_norm is not None and not 0 < self.clip_norm < math.inf:
      raise errors.ConfigError(
        f"clip_norm is {self.clip_norm}; give more than 0"
      )
    if not 0 <= self.ema < 1:
      raise errors.ConfigError(f"ema is {self.ema}; give 0 or more, below 1")

  @property
  def options(self) -> _step.Options:
    """What a step does beyond Adam's."""
    return _step.Options(
      augment=tuple((k, v) for k, v in sorted(self.augment.items())),
      clip_norm=self.clip_norm,
      ema=self.ema,
      coarse=_objective.coarse_labels(self.objective)
      if self.network.get("deep_supervision")
      else "mean",
    )

  @property
  def forward(self) -> models.Forward:
    """The window and the network."""
    return models.Forward.of(self.network, self.window_hu, self.input_range)

  def to_json(self) -> dict[str, Any]:
    """JSON-able form, as it stands in a model's config.json."""
    content = dataclasses.asdict(self)
    content["network"] = dict(self.network)
    content["window_hu"] = list(self.window_hu)
    content["input_range"] = list(self.input_range)
    for name in _OPTIONS:
      if not content[name]:
        del content[name]
    if self.validation_share in (None, 1.0):  # As models before it have it.
      del content["validation_share"]
    return content

  @staticmethod
  def from_json(content: Mapping[str, Any]) -> "Config":
    """The inverse of `to_json`.

    Raises:
      DataError: A field is missing or unknown.
    """
    try:
      fields = dict(content)
      unknown = set(fields) - {own.name for own in dataclasses.fields(Config)}
      if unknown:
        raise KeyError(*sorted(unknown))
      fields["window_hu"] = tuple(fields["window_hu"])
      fields["input_range"] = tuple(fields["input_range"])
      return Config(**fields)
    except (KeyError, TypeError) as e:
      raise errors.DataError(
        f"config.json: field {e} is missing or unknown; it was written by"
        " another version, so train again"
      ) from e


def learning_rate(config: Config, step: int, steps: int) -> float:
  """The learning rate of one step.

  Args:
    config: Training.
    step: Number of the step, from 0.
    steps: Steps of the whole training.
  """
  if config.schedule == "constant":
    return config.learning_rate
  warm = max(1, round(0.05 * steps))
  if step < warm:
    return config.learning_rate * (step + 1) / warm
  share = (step - warm) / max(1, steps - warm)
  return config.learning_rate * 0.5 * (1 + math.cos(math.pi * share))


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
  text="what is known of the paper's own network and preparation",
)

RECIPES: Mapping[str, Recipe] = {
  "jaxseg": Recipe(
    prepare=data.PrepareConfig(),
    training={},
    text="our default, a U-Net of 5 blocks with group norm, body crop",
  ),
  "quick": Recipe(
    prepare=data.PrepareConfig(size=(64, 64), spacing=3.5),
    training={
      "network": {"name": "unet", "base": 8},
      "epochs": 4,
      "steps_per_epoch": 160,
      "learning_rate": 3e-3,
    },
    text="small and coarse, a whole study in minutes",
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
