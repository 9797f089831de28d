"""Cohorts: lists of patients, each of whom loads as one `Case`."""

from jaxseg.cohorts._case import Case
from jaxseg.cohorts._case import Cohort
from jaxseg.cohorts._openkbp import OpenKBP
from jaxseg.cohorts._phantom import Phantom

__all__ = ["Case", "Cohort", "OpenKBP", "Phantom"]
