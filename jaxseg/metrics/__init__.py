"""Metrics of two masks: overlap and surface distances."""

from jaxseg.metrics._overlap import dice
from jaxseg.metrics._overlap import iou
from jaxseg.metrics._overlap import precision
from jaxseg.metrics._overlap import recall
from jaxseg.metrics._overlap import specificity
from jaxseg.metrics._voxel_surface import SurfaceDistances
from jaxseg.metrics._voxel_surface import voxel_surface_distances

__all__ = [
  "SurfaceDistances",
  "dice",
  "iou",
  "precision",
  "recall",
  "specificity",
  "voxel_surface_distances",
]
