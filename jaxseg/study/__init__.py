"""The study: each of its analyses as a function of a run's counts."""

from jaxseg.study._objectives import objectives
from jaxseg.study._prominence import correlations
from jaxseg.study._prominence import DEFINITIONS
from jaxseg.study._prominence import measure
from jaxseg.study._prominence import prominence
from jaxseg.study._sensitivity import PAPER
from jaxseg.study._sensitivity import PERTURBATIONS
from jaxseg.study._sensitivity import sensitivity
from jaxseg.study._sensitivity import sensitivity_medians
from jaxseg.study._sweep import AGGREGATES
from jaxseg.study._sweep import dice_curve
from jaxseg.study._sweep import ModelCounts
from jaxseg.study._sweep import read_run
from jaxseg.study._sweep import SCOPES
from jaxseg.study._sweep import sweep_model
from jaxseg.study._sweep import sweep_rows
from jaxseg.study._sweep import sweep_run

__all__ = [
  "AGGREGATES",
  "DEFINITIONS",
  "PAPER",
  "PERTURBATIONS",
  "SCOPES",
  "ModelCounts",
  "correlations",
  "dice_curve",
  "measure",
  "objectives",
  "prominence",
  "read_run",
  "sensitivity",
  "sensitivity_medians",
  "sweep_model",
  "sweep_rows",
  "sweep_run",
]
