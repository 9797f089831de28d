"""Cohorts: lists of patients, each of whom loads as one `Case`."""

from jaxseg.cohorts._case import Case
from jaxseg.cohorts._case import Cohort
from jaxseg.cohorts._openkbp import OpenKBP

__all__ = ["Case", "Cohort", "OpenKBP"]
