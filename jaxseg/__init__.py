"""Thresholds, losses, metrics and contours for segmentation, on JAX."""

from typing import Any, TYPE_CHECKING

__version__ = "0.1.0"

if TYPE_CHECKING:
  # What a type checker reads; at run time `__getattr__` loads on first use.
  from jaxseg import cli as cli
  from jaxseg import cohorts as cohorts
  from jaxseg import contours as contours
  from jaxseg import data as data
  from jaxseg import deploy as deploy
  from jaxseg import dicom as dicom
  from jaxseg import errors as errors
  from jaxseg import formats as formats
  from jaxseg import losses as losses
  from jaxseg import metrics as metrics
  from jaxseg import model as model
  from jaxseg import models as models
  from jaxseg import parallel as parallel
  from jaxseg import report as report
  from jaxseg import structures as structures
  from jaxseg import study as study
  from jaxseg import thresholds as thresholds
  from jaxseg import training as training
  from jaxseg import volume as volume
  from jaxseg.model import load_model as load_model
  from jaxseg.model import Model as Model

__all__ = [
  "Model",
  "__version__",
  "cli",
  "cohorts",
  "contours",
  "data",
  "deploy",
  "dicom",
  "errors",
  "formats",
  "load_model",
  "losses",
  "metrics",
  "model",
  "models",
  "parallel",
  "report",
  "structures",
  "study",
  "thresholds",
  "training",
  "volume",
]

if not TYPE_CHECKING:  # So that a checker refuses names that are not above.

  def __getattr__(name: str) -> Any:
    # PEP 562: `import jaxseg` is cheap.
    import importlib

    if name in ("Model", "load_model"):
      return getattr(importlib.import_module("jaxseg.model"), name)
    if name in __all__:
      return importlib.import_module(f"jaxseg.{name}")
    raise AttributeError(f"module 'jaxseg' has no attribute {name!r}")

  def __dir__() -> list[str]:
    return list(__all__)
