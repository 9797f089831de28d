"""Metrics of two masks: overlap and surface distances."""

from jaxseg.metrics._added_path_length import added_path_length
from jaxseg.metrics._distance_transform import distance_transform
from jaxseg.metrics._overlap import dice
from jaxseg.metrics._overlap import iou
from jaxseg.metrics._overlap import precision
from jaxseg.metrics._overlap import recall
from jaxseg.metrics._overlap import specificity
from jaxseg.metrics._surface_report import average_symmetric_surface_distance
from jaxseg.metrics._surface_report import hausdorff
from jaxseg.metrics._surface_report import normalized_surface_dice
from jaxseg.metrics._surface_report import surface_report
from jaxseg.metrics._surface_sweep import surface_sweep

__all__ = [
  "added_path_length",
  "average_symmetric_surface_distance",
  "dice",
  "distance_transform",
  "hausdorff",
  "iou",
  "normalized_surface_dice",
  "precision",
  "recall",
  "specificity",
  "surface_report",
  "surface_sweep",
]
