"""Cohorts: lists of patients, each of whom loads as one `Case`."""

import importlib
from typing import Any, TYPE_CHECKING

from jaxseg.cohorts._case import Case
from jaxseg.cohorts._case import Cohort
from jaxseg.cohorts._contours import Contour
from jaxseg.cohorts._contours import Named
from jaxseg.cohorts._contours import Opened
from jaxseg.cohorts._contours import Side
from jaxseg.cohorts._mr import scale_mr
from jaxseg.cohorts._openkbp import OpenKBP
from jaxseg.cohorts.phantom import Phantom
from jaxseg.cohorts.phantom import write_phantom

if TYPE_CHECKING:
  from jaxseg.cohorts._contour_folder import ContourFolder
  from jaxseg.cohorts._convert import convert_case
  from jaxseg.cohorts._convert import Converted
  from jaxseg.cohorts._convert_files import ConvertOptions
  from jaxseg.cohorts._dicom_folder import DicomFolder
  from jaxseg.cohorts._images_of import Images
  from jaxseg.cohorts._mask_files import MaskFiles
  from jaxseg.cohorts._nifti_folder import NiftiFolder
  from jaxseg.cohorts._pair_sides import match_structures
  from jaxseg.cohorts._pair_sides import Matched
  from jaxseg.cohorts._pair_sides import open_side
  from jaxseg.cohorts._pair_sides import pair_cases
  from jaxseg.cohorts._scans import find_scans
  from jaxseg.cohorts._scans import Scan
  from jaxseg.cohorts._scans import Scans

__all__ = [
  "Case",
  "Cohort",
  "Contour",
  "ContourFolder",
  "ConvertOptions",
  "Converted",
  "DicomFolder",
  "Images",
  "MaskFiles",
  "Matched",
  "Named",
  "NiftiFolder",
  "OpenKBP",
  "Opened",
  "Phantom",
  "Scan",
  "Scans",
  "Side",
  "convert_case",
  "find_scans",
  "match_structures",
  "open_side",
  "pair_cases",
  "scale_mr",
  "write_phantom",
]


# PEP 562: the other cohorts do not need pydicom.
_LAZY = {
  "ContourFolder": "_contour_folder",
  "ConvertOptions": "_convert_files",
  "Converted": "_convert",
  "DicomFolder": "_dicom_folder",
  "Images": "_images_of",
  "MaskFiles": "_mask_files",
  "Matched": "_pair_sides",
  "NiftiFolder": "_nifti_folder",
  "Scan": "_scans",
  "Scans": "_scans",
  "convert_case": "_convert",
  "find_scans": "_scans",
  "match_structures": "_pair_sides",
  "open_side": "_pair_sides",
  "pair_cases": "_pair_sides",
}


def __getattr__(name: str) -> Any:
  if name in _LAZY:
    module = importlib.import_module(f"jaxseg.cohorts.{_LAZY[name]}")
    return getattr(module, name)
  raise AttributeError(f"module 'jaxseg.cohorts' has no attribute {name!r}")
