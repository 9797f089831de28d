"""Trained models at work: exported, and on scans they have never seen."""

import importlib
from typing import Any, TYPE_CHECKING

from jaxseg.deploy._clean import choose as choose_cleaning
from jaxseg.deploy._clean import Cleaning
from jaxseg.deploy._likeness import Remark
from jaxseg.deploy._models import load_models
from jaxseg.deploy._models import run_of
from jaxseg.deploy._scans import check
from jaxseg.deploy._scans import Job
from jaxseg.deploy._scans import Outcome
from jaxseg.deploy._scans import predict_scans
from jaxseg.deploy._write import KINDS
from jaxseg.deploy._write import OF_DICOM

if TYPE_CHECKING:
  from jaxseg.deploy._bundles import export
  from jaxseg.deploy._bundles import Exported
  from jaxseg.deploy._lowered import lower

__all__ = [
  "KINDS",
  "OF_DICOM",
  "Cleaning",
  "Exported",
  "Job",
  "Outcome",
  "Remark",
  "check",
  "choose_cleaning",
  "export",
  "load_models",
  "lower",
  "predict_scans",
  "run_of",
]

# PEP 562: a scan is predicted without what an export computes.
_LAZY = {"Exported": "_bundles", "export": "_bundles", "lower": "_lowered"}


def __getattr__(name: str) -> Any:
  if name in _LAZY:
    module = importlib.import_module(f"jaxseg.deploy.{_LAZY[name]}")
    return getattr(module, name)
  raise AttributeError(f"module 'jaxseg.deploy' has no attribute {name!r}")
