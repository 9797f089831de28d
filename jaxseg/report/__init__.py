"""Tables, figures and the page: what people read of rows of `study`."""
# ruff: noqa: E402 (What is missing is told before anything needs it.)

from jaxseg import _extras

_extras.load("matplotlib", extra="report")

from jaxseg._provenance import provenance
from jaxseg.report._causes import causes_section
from jaxseg.report._choices import per_case_section
from jaxseg.report._claims import claims_section
from jaxseg.report._evaluation import brief
from jaxseg.report._evaluation import evaluation_sections
from jaxseg.report._evaluation import not_scored
from jaxseg.report._evaluation import write_evaluation
from jaxseg.report._latex import write_latex
from jaxseg.report._level_section import levels_section
from jaxseg.report._page import Section
from jaxseg.report._page import write_page
from jaxseg.report._sections import example_sections
from jaxseg.report._sections import objectives_section
from jaxseg.report._sections import prominence_section
from jaxseg.report._sections import sensitivity_section
from jaxseg.report._sections import sweep_sections
from jaxseg.report._study import write_maps
from jaxseg.report._study import write_study
from jaxseg.report._tables import write_csv
from jaxseg.report._viewer import viewer_html
from jaxseg.report._wording import format_column
from jaxseg.report._wording import heading
from jaxseg.report._wording import is_numeric

__all__ = [
  "Section",
  "brief",
  "causes_section",
  "claims_section",
  "evaluation_sections",
  "example_sections",
  "format_column",
  "heading",
  "is_numeric",
  "levels_section",
  "not_scored",
  "objectives_section",
  "per_case_section",
  "prominence_section",
  "provenance",
  "sensitivity_section",
  "sweep_sections",
  "viewer_html",
  "write_csv",
  "write_evaluation",
  "write_latex",
  "write_maps",
  "write_page",
  "write_study",
]
