"""Metrics of masks and maps: overlap, volume, surfaces, calibration."""

from jaxseg.metrics._aggregate import Aggregate
from jaxseg.metrics._aggregate import aggregate
from jaxseg.metrics._calibration import brier_score
from jaxseg.metrics._calibration import expected_calibration_error
from jaxseg.metrics._calibration import maximum_calibration_error
from jaxseg.metrics._calibration import negative_log_likelihood
from jaxseg.metrics._overlap import dice
from jaxseg.metrics._overlap import f_beta
from jaxseg.metrics._overlap import iou
from jaxseg.metrics._overlap import precision
from jaxseg.metrics._overlap import recall
from jaxseg.metrics._overlap import specificity
from jaxseg.metrics._volume import relative_volume_difference
from jaxseg.metrics._volume import volume_difference
from jaxseg.metrics._volume import volume_similarity
from jaxseg.metrics.surface import added_path_length
from jaxseg.metrics.surface import average_symmetric_surface_distance
from jaxseg.metrics.surface import distance_transform
from jaxseg.metrics.surface import hausdorff
from jaxseg.metrics.surface import normalized_surface_dice
from jaxseg.metrics.surface import surface_report
from jaxseg.metrics.surface import surface_sweep

__all__ = [
  "Aggregate",
  "added_path_length",
  "aggregate",
  "average_symmetric_surface_distance",
  "brier_score",
  "dice",
  "distance_transform",
  "expected_calibration_error",
  "f_beta",
  "hausdorff",
  "iou",
  "maximum_calibration_error",
  "negative_log_likelihood",
  "normalized_surface_dice",
  "precision",
  "recall",
  "relative_volume_difference",
  "specificity",
  "surface_report",
  "surface_sweep",
  "volume_difference",
  "volume_similarity",
]
