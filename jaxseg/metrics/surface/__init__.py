"""Distances between the surfaces of masks, in two families of surfaces."""

from jaxseg.metrics.surface._added_path_length import added_path_length
from jaxseg.metrics.surface._boundary_iou import boundary_iou
from jaxseg.metrics.surface._distance_transform import distance_transform
from jaxseg.metrics.surface._report import average_symmetric_surface_distance
from jaxseg.metrics.surface._report import directed_hausdorff
from jaxseg.metrics.surface._report import hausdorff
from jaxseg.metrics.surface._report import normalized_surface_dice
from jaxseg.metrics.surface._report import surface_report
from jaxseg.metrics.surface._sweep import surface_sweep

__all__ = [
  "added_path_length",
  "average_symmetric_surface_distance",
  "boundary_iou",
  "directed_hausdorff",
  "distance_transform",
  "hausdorff",
  "normalized_surface_dice",
  "surface_report",
  "surface_sweep",
]
