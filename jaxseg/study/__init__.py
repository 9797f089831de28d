"""The study: maps to counts of a cohort, and each analysis of these counts."""

from jaxseg.study._arms import network_of
from jaxseg.study._bound import calibrated_bound
from jaxseg.study._cause_curves import cause_curves
from jaxseg.study._causes import cause_arms
from jaxseg.study._causes import CAUSE_SCOPES
from jaxseg.study._causes import causes
from jaxseg.study._choice import AGGREGATES
from jaxseg.study._choice import chosen
from jaxseg.study._choice import optimum_rows
from jaxseg.study._choice import Settings
from jaxseg.study._choice import sweep_rows
from jaxseg.study._chooser import Chooser
from jaxseg.study._chooser import PER_CASE
from jaxseg.study._claims import claims
from jaxseg.study._claims import stuck_models
from jaxseg.study._cohort_counts import Cases
from jaxseg.study._cohort_counts import CohortCounts
from jaxseg.study._count_cases import count_arrays
from jaxseg.study._count_cases import count_pair
from jaxseg.study._count_cases import MapOptions
from jaxseg.study._count_maps import check_labels
from jaxseg.study._count_maps import class_folders
from jaxseg.study._count_maps import count_classes
from jaxseg.study._count_maps import count_maps
from jaxseg.study._counted_run import CountedRun
from jaxseg.study._evaluate import ALONE
from jaxseg.study._evaluate import evaluate_case
from jaxseg.study._evaluate import EvaluateOptions
from jaxseg.study._evaluate import SCORED
from jaxseg.study._evaluate_kept import KeptScores
from jaxseg.study._evaluation import evaluation_summary
from jaxseg.study._evaluation import settled
from jaxseg.study._examples import Example
from jaxseg.study._examples import examples
from jaxseg.study._levels import level_slopes
from jaxseg.study._levels import levels
from jaxseg.study._map_scenes import map_scenes
from jaxseg.study._missing import missing_models
from jaxseg.study._missing import missing_said
from jaxseg.study._missing import model_digest
from jaxseg.study._missing import uncounted_said
from jaxseg.study._models import model_of
from jaxseg.study._models import read_run
from jaxseg.study._models import sweep_model
from jaxseg.study._models import sweep_run
from jaxseg.study._objective_tests import objective_tests
from jaxseg.study._objectives import objectives
from jaxseg.study._patients import Patients
from jaxseg.study._patients import patients
from jaxseg.study._per_case import case_threshold_rows
from jaxseg.study._per_case import case_thresholds
from jaxseg.study._per_case import METHODS
from jaxseg.study._per_case import per_case_rows
from jaxseg.study._prominence import correlations
from jaxseg.study._prominence import DEFINITIONS
from jaxseg.study._prominence import measure
from jaxseg.study._prominence import prominence
from jaxseg.study._read_counts import read_counts
from jaxseg.study._recommend import recommendation
from jaxseg.study._recommend import recommendations
from jaxseg.study._scenes import ROLES
from jaxseg.study._scenes import Scene
from jaxseg.study._scenes import SceneMap
from jaxseg.study._scenes import scenes
from jaxseg.study._sensitivity import PAPER
from jaxseg.study._sensitivity import PERTURBATIONS
from jaxseg.study._sensitivity import sensitivity
from jaxseg.study._sensitivity import sensitivity_medians
from jaxseg.study._stuck import is_stuck
from jaxseg.study._stuck import learnt
from jaxseg.study._tables import calibration_rows
from jaxseg.study._tables import case_rows
from jaxseg.study._tables import curve_rows
from jaxseg.study._tables import details
from jaxseg.study._tables import of_models
from jaxseg.study._tables import reliability_rows
from jaxseg.study._tables import surface_optima
from jaxseg.study._tables import surface_rows
from jaxseg.study._tables import tables

__all__ = [
  "AGGREGATES",
  "ALONE",
  "CAUSE_SCOPES",
  "DEFINITIONS",
  "METHODS",
  "PAPER",
  "PERTURBATIONS",
  "PER_CASE",
  "ROLES",
  "SCORED",
  "Cases",
  "Chooser",
  "CohortCounts",
  "CountedRun",
  "EvaluateOptions",
  "Example",
  "KeptScores",
  "MapOptions",
  "Patients",
  "Scene",
  "SceneMap",
  "Settings",
  "calibrated_bound",
  "calibration_rows",
  "case_rows",
  "case_threshold_rows",
  "case_thresholds",
  "cause_arms",
  "cause_curves",
  "causes",
  "check_labels",
  "chosen",
  "claims",
  "class_folders",
  "correlations",
  "count_arrays",
  "count_classes",
  "count_maps",
  "count_pair",
  "curve_rows",
  "details",
  "evaluate_case",
  "evaluation_summary",
  "examples",
  "is_stuck",
  "learnt",
  "level_slopes",
  "levels",
  "map_scenes",
  "measure",
  "missing_models",
  "missing_said",
  "model_digest",
  "model_of",
  "network_of",
  "objective_tests",
  "objectives",
  "of_models",
  "optimum_rows",
  "patients",
  "per_case_rows",
  "prominence",
  "read_counts",
  "read_run",
  "recommendation",
  "recommendations",
  "reliability_rows",
  "scenes",
  "sensitivity",
  "sensitivity_medians",
  "settled",
  "stuck_models",
  "surface_optima",
  "surface_rows",
  "sweep_model",
  "sweep_rows",
  "sweep_run",
  "tables",
  "uncounted_said",
]
