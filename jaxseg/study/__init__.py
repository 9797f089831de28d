"""The study: each of its analyses as a function of a run's counts."""

from jaxseg.study._map_tables import map_calibration
from jaxseg.study._map_tables import map_case_rows
from jaxseg.study._map_tables import map_curve_rows
from jaxseg.study._map_tables import map_optimum_rows
from jaxseg.study._map_tables import map_surface_optima
from jaxseg.study._map_tables import map_surface_rows
from jaxseg.study._map_tables import MapSettings
from jaxseg.study._map_tables import missed_and_hallucinated
from jaxseg.study._maps import count_maps
from jaxseg.study._maps import count_pair
from jaxseg.study._maps import MapCounts
from jaxseg.study._maps import MapOptions
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
  "MapCounts",
  "MapOptions",
  "MapSettings",
  "ModelCounts",
  "correlations",
  "count_maps",
  "count_pair",
  "dice_curve",
  "map_calibration",
  "map_case_rows",
  "map_curve_rows",
  "map_optimum_rows",
  "map_surface_optima",
  "map_surface_rows",
  "measure",
  "missed_and_hallucinated",
  "objectives",
  "prominence",
  "read_run",
  "sensitivity",
  "sensitivity_medians",
  "sweep_model",
  "sweep_rows",
  "sweep_run",
]
