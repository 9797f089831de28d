"""Tables, figures and the page: what people read of a run."""

from jaxseg.report._analyses import objectives_section
from jaxseg.report._analyses import overlay_sections
from jaxseg.report._analyses import prominence_section
from jaxseg.report._analyses import sensitivity_section
from jaxseg.report._analyses import sweep_section
from jaxseg.report._annotate import annotate
from jaxseg.report._figures import Curve
from jaxseg.report._figures import curves
from jaxseg.report._labels import definition_label
from jaxseg.report._labels import format_column
from jaxseg.report._labels import format_probability
from jaxseg.report._labels import format_value
from jaxseg.report._labels import heading
from jaxseg.report._labels import objective_label
from jaxseg.report._labels import plain
from jaxseg.report._labels import structure_label
from jaxseg.report._maps import write_maps
from jaxseg.report._objectives import objectives
from jaxseg.report._objectives import Panel
from jaxseg.report._overlay import overlay
from jaxseg.report._page import Section
from jaxseg.report._page import write_page
from jaxseg.report._progress import progress
from jaxseg.report._prominence import prominence
from jaxseg.report._provenance import provenance
from jaxseg.report._sensitivity import sensitivity
from jaxseg.report._study import write_study
from jaxseg.report._style import add_legend
from jaxseg.report._style import new_figure
from jaxseg.report._style import objective_styles
from jaxseg.report._style import ObjectiveStyle
from jaxseg.report._style import save
from jaxseg.report._style import stripe
from jaxseg.report._style import structure_color
from jaxseg.report._style import style
from jaxseg.report._tables import read_csv
from jaxseg.report._tables import rich_table
from jaxseg.report._tables import write_csv

__all__ = [
  "Curve",
  "ObjectiveStyle",
  "Panel",
  "Section",
  "add_legend",
  "annotate",
  "curves",
  "definition_label",
  "format_column",
  "format_probability",
  "format_value",
  "heading",
  "new_figure",
  "objective_label",
  "objective_styles",
  "objectives",
  "objectives_section",
  "overlay",
  "overlay_sections",
  "plain",
  "progress",
  "prominence",
  "prominence_section",
  "provenance",
  "read_csv",
  "rich_table",
  "save",
  "sensitivity",
  "sensitivity_section",
  "stripe",
  "structure_color",
  "structure_label",
  "style",
  "sweep_section",
  "write_csv",
  "write_maps",
  "write_page",
  "write_study",
]
