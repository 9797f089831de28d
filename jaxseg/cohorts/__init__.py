"""Cohorts: lists of patients, each of whom loads as one `Case`."""

from typing import Any, TYPE_CHECKING

from jaxseg.cohorts._case import Case
from jaxseg.cohorts._case import Cohort
from jaxseg.cohorts._mr import scale_mr
from jaxseg.cohorts._openkbp import OpenKBP
from jaxseg.cohorts.phantom import Phantom
from jaxseg.cohorts.phantom import write_phantom

if TYPE_CHECKING:
  from jaxseg.cohorts._dicom_folder import DicomFolder
  from jaxseg.cohorts._nifti_folder import NiftiFolder
  from jaxseg.cohorts._scans import find_scans
  from jaxseg.cohorts._scans import Scan
  from jaxseg.cohorts._scans import Scans

__all__ = [
  "Case",
  "Cohort",
  "DicomFolder",
  "NiftiFolder",
  "OpenKBP",
  "Phantom",
  "Scan",
  "Scans",
  "find_scans",
  "scale_mr",
  "write_phantom",
]


def __getattr__(name: str) -> Any:
  # PEP 562: the other cohorts do not need pydicom.
  if name == "DicomFolder":
    from jaxseg.cohorts._dicom_folder import DicomFolder

    return DicomFolder
  if name == "NiftiFolder":
    from jaxseg.cohorts._nifti_folder import NiftiFolder

    return NiftiFolder
  if name in ("Scan", "Scans", "find_scans"):
    from jaxseg.cohorts import _scans

    return getattr(_scans, name)
  raise AttributeError(f"module 'jaxseg.cohorts' has no attribute {name!r}")
