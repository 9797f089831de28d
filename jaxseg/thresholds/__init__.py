"""Thresholds: maps to counts, counts to curves, optimum and sensitivity."""

from jaxseg.thresholds._case import count_case
from jaxseg.thresholds._count import count
from jaxseg.thresholds._counts import Counts
from jaxseg.thresholds._curves import curve
from jaxseg.thresholds._grid import binarize
from jaxseg.thresholds._grid import grid
from jaxseg.thresholds._optimum import Optimum
from jaxseg.thresholds._optimum import optimum
from jaxseg.thresholds._sensitivity import sensitivity
from jaxseg.thresholds._sweep import sweep
from jaxseg.thresholds._sweep import sweep_counts

__all__ = [
  "Counts",
  "Optimum",
  "binarize",
  "count",
  "count_case",
  "curve",
  "grid",
  "optimum",
  "sensitivity",
  "sweep",
  "sweep_counts",
]
