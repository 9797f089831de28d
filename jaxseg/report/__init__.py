"""Tables, figures and the page: what people read of rows of `study`."""

import importlib
import importlib.util
from typing import Any, TYPE_CHECKING

from jaxseg import _extras

if importlib.util.find_spec("matplotlib") is None:
  _extras.load("matplotlib", extra="report")  # It says what is missing.

from jaxseg._provenance import provenance
from jaxseg.report._latex import write_latex
from jaxseg.report._tables import write_csv
from jaxseg.report._wording import format_column
from jaxseg.report._wording import heading
from jaxseg.report._wording import is_numeric

if TYPE_CHECKING:
  from jaxseg.report._causes import causes_section
  from jaxseg.report._choices import per_case_section
  from jaxseg.report._claims import claims_section
  from jaxseg.report._evaluation import brief
  from jaxseg.report._evaluation import evaluation_sections
  from jaxseg.report._evaluation import not_scored
  from jaxseg.report._evaluation import write_evaluation
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
  from jaxseg.report._viewer import viewer_html

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

# PEP 562: a table is written without Matplotlib, which takes 80 MB.
_LAZY = {
  "causes_section": "_causes",
  "per_case_section": "_choices",
  "claims_section": "_claims",
  "brief": "_evaluation",
  "evaluation_sections": "_evaluation",
  "not_scored": "_evaluation",
  "write_evaluation": "_evaluation",
  "levels_section": "_level_section",
  "Section": "_page",
  "write_page": "_page",
  "example_sections": "_sections",
  "objectives_section": "_sections",
  "prominence_section": "_sections",
  "sensitivity_section": "_sections",
  "sweep_sections": "_sections",
  "write_maps": "_study",
  "write_study": "_study",
  "viewer_html": "_viewer",
}


def __getattr__(name: str) -> Any:
  if name in _LAZY:
    module = importlib.import_module(f"jaxseg.report.{_LAZY[name]}")
    return getattr(module, name)
  raise AttributeError(f"module 'jaxseg.report' has no attribute {name!r}")
