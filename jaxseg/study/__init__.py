"""The study: maps to counts of a cohort, and each analysis of these counts."""

from jaxseg.study._choice import AGGREGATES
from jaxseg.study._choice import chosen
from jaxseg.study._choice import optimum_rows
from jaxseg.study._choice import Settings
from jaxseg.study._choice import sweep_rows
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
from jaxseg.study._evaluate import evaluate_case
from jaxseg.study._evaluate import EvaluateOptions
from jaxseg.study._evaluate import SCORED
from jaxseg.study._evaluation import evaluation_summary
from jaxseg.study._evaluation import settled
from jaxseg.study._examples import Example
from jaxseg.study._examples import examples
from jaxseg.study._missing import missing_models
from jaxseg.study._missing import missing_said
from jaxseg.study._models import read_run
from jaxseg.study._models import sweep_model
from jaxseg.study._models import sweep_run
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
from jaxseg.study._sensitivity import PAPER
from jaxseg.study._sensitivity import PERTURBATIONS
from jaxseg.study._sensitivity import sensitivity
from jaxseg.study._sensitivity import sensitivity_medians
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
  "DEFINITIONS",
  "METHODS",
  "PAPER",
  "PERTURBATIONS",
  "SCORED",
  "Cases",
  "CohortCounts",
  "EvaluateOptions",
  "Example",
  "MapOptions",
  "Patients",
  "Settings",
  "calibration_rows",
  "case_rows",
  "case_threshold_rows",
  "case_thresholds",
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
  "measure",
  "missing_models",
  "missing_said",
  "objectives",
  "of_models",
  "optimum_rows",
  "patients",
  "per_case_rows",
  "prominence",
  "read_counts",
  "read_run",
  "reliability_rows",
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
]
