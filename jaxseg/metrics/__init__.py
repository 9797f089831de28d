"""Metrics of masks and maps: overlap, volume, surfaces, calibration.

What is grouped, where nothing else is asked for:

- Masks are boolean, of any byte order and any of NumPy and JAX. No axis is a
  channel, and none a batch: masks of several structures or cases go in together
  only where the axes are named.
- Overlap, volumes and calibration take all voxels of an array together. `axis`
  names the axes that are summed; the others stay: of `[N, H, W, C]`,
  `axis=(1, 2)` gives `[N, C]`.
- Surfaces are of one image, `[row, column]` or `[slice, row, column]`, as many
  axes as the spacing has numbers. `batch_axes` names those of a batch; without
  it more than three axes are refused.
- Empty masks follow one policy, `empty`: "nan" (the default), "perfect" or
  "skip".
"""

from jaxseg.metrics._aggregate import Aggregate
from jaxseg.metrics._aggregate import aggregate
from jaxseg.metrics._calibration import brier_score
from jaxseg.metrics._calibration import expected_calibration_error
from jaxseg.metrics._calibration import maximum_calibration_error
from jaxseg.metrics._calibration import negative_log_likelihood
from jaxseg.metrics._chance import balanced_accuracy
from jaxseg.metrics._chance import matthews_correlation
from jaxseg.metrics._components import component_dice
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
from jaxseg.metrics.surface import boundary_iou
from jaxseg.metrics.surface import directed_hausdorff
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
  "balanced_accuracy",
  "boundary_iou",
  "brier_score",
  "component_dice",
  "dice",
  "directed_hausdorff",
  "distance_transform",
  "expected_calibration_error",
  "f_beta",
  "hausdorff",
  "iou",
  "matthews_correlation",
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
