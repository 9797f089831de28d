"""Synthetic patients, and their files.

They need no data and no network, and they exercise the path from patients to
report. They are no evidence about patients.
"""

from jaxseg.cohorts.phantom._phantom import Phantom
from jaxseg.cohorts.phantom._write import DESCRIPTION
from jaxseg.cohorts.phantom._write import write_phantom

__all__ = ["DESCRIPTION", "Phantom", "write_phantom"]
