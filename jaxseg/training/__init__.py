"""Training: configuration, jitted step, checkpoints, the loop."""

from jaxseg.training._augment import KINDS as AUGMENTATIONS
from jaxseg.training._augment import parse as parse_augment
from jaxseg.training._checkpoints import Checkpoints
from jaxseg.training._compiled import Functions
from jaxseg.training._compiled import functions
from jaxseg.training._config import Config
from jaxseg.training._config import learning_rate
from jaxseg.training._config import Recipe
from jaxseg.training._config import recipe
from jaxseg.training._config import RECIPES
from jaxseg.training._family import check_family
from jaxseg.training._family import model_folder
from jaxseg.training._family import train_family
from jaxseg.training._logs import Reporter
from jaxseg.training._logs import Silent
from jaxseg.training._loop import Trained
from jaxseg.training._objective import check_objective
from jaxseg.training._objective import FORMED
from jaxseg.training._objective import loss_of
from jaxseg.training._objective import objective_folder
from jaxseg.training._objective import OBJECTIVES
from jaxseg.training._objective import STUDY
from jaxseg.training._place import KEEP
from jaxseg.training._step import State

__all__ = [
  "AUGMENTATIONS",
  "FORMED",
  "KEEP",
  "OBJECTIVES",
  "RECIPES",
  "STUDY",
  "Checkpoints",
  "Config",
  "Functions",
  "Recipe",
  "Reporter",
  "Silent",
  "State",
  "Trained",
  "check_family",
  "check_objective",
  "functions",
  "learning_rate",
  "loss_of",
  "model_folder",
  "objective_folder",
  "parse_augment",
  "recipe",
  "train_family",
]
