"""Training: configuration, jitted step, checkpoints, the loop."""

from jaxseg.training._checkpoints import Checkpoints
from jaxseg.training._config import Config
from jaxseg.training._logs import Console
from jaxseg.training._logs import Reporter
from jaxseg.training._logs import Silent
from jaxseg.training._loop import model_folder
from jaxseg.training._loop import train_family
from jaxseg.training._loop import Trained
from jaxseg.training._objective import check_objective
from jaxseg.training._objective import objective_folder
from jaxseg.training._objective import objective_label
from jaxseg.training._objective import OBJECTIVES
from jaxseg.training._recipes import Recipe
from jaxseg.training._recipes import recipe
from jaxseg.training._recipes import RECIPES
from jaxseg.training._step import Functions
from jaxseg.training._step import functions
from jaxseg.training._step import State

__all__ = [
  "OBJECTIVES",
  "RECIPES",
  "Checkpoints",
  "Config",
  "Console",
  "Functions",
  "Recipe",
  "Reporter",
  "Silent",
  "State",
  "Trained",
  "check_objective",
  "functions",
  "model_folder",
  "objective_folder",
  "objective_label",
  "recipe",
  "train_family",
]
