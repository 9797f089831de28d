"""Cohorts: lists of patients, each of whom loads as one `Case`."""

from jaxseg.cohorts._case import Case
from jaxseg.cohorts._case import Cohort
from jaxseg.cohorts._dicom_folder import DicomFolder
from jaxseg.cohorts._openkbp import OpenKBP
from jaxseg.cohorts._phantom import Phantom
from jaxseg.cohorts._phantom_files import write_phantom

__all__ = [
  "Case",
  "Cohort",
  "DicomFolder",
  "OpenKBP",
  "Phantom",
  "write_phantom",
]
