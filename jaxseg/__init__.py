"""Thresholds, losses, metrics and contours for segmentation, on JAX."""

import importlib
from typing import Any

__version__ = "0.1.0"

_PARTS = (
  "cli",
  "cohorts",
  "contours",
  "data",
  "dicom",
  "errors",
  "formats",
  "inference",
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
)

__all__ = ["__version__", "load_model", *_PARTS]


def __getattr__(name: str) -> Any:
  if name == "load_model":
    return importlib.import_module("jaxseg.model").load_model
  # PEP 562: `import jaxseg` is cheap, a part is loaded when it is used.
  if name in _PARTS:
    return importlib.import_module(f"jaxseg.{name}")
  raise AttributeError(f"module 'jaxseg' has no attribute {name!r}")


def __dir__() -> list[str]:
  return list(__all__)
