"""The best threshold for Dice, told from the map alone."""

import dataclasses

from jaxseg import errors
from jaxseg.thresholds import _calibration
from jaxseg.thresholds import _counts


@dataclasses.dataclass(frozen=True)
class Expected:
  """Optimum that calibrated probabilities let one expect.

  Attributes:
    threshold: The threshold of the highest expected Dice.
    value: That Dice.
    half: Half of it: in theory, the same threshold.
  """

  threshold: float
  value: float
  half: float


def expected_optimum(counts: _counts.Counts) -> Expected:
  """Predicts the Dice-optimal threshold without a reference.

  If the probabilities are calibrated, a voxel of probability p adds p to the
  true positives that one expects. The threshold that makes 2 E[TP] / (N(p >= t)
  + E[reference]) highest is half of that highest value. Set beside the
  empirical optimum it tells how far miscalibration has moved that.

  >>> import numpy as np
  >>> from jaxseg import thresholds
  >>> p = np.array([0.9, 0.7, 0.4, 0.1], np.float32)
  >>> reference = np.array([True, True, False, False])
  >>> counts = thresholds.count_case(p, reference, thresholds.grid(11))
  >>> round(expected_optimum(counts).threshold, 2)
  0.2

  Args:
    counts: `[..., T + 1]` at `fine_grid()`, for on the even grid the many
      voxels below 0.001 would weigh too much. Leading axes are summed, and
      classes are not told apart: for a map without a reference, count with an
      empty one.

  Returns:
    The prediction; it is for pooled voxels, not for a mean of cases.

  Raises:
    DataError: Nothing was counted, or all probabilities are 0.

  References:
    Optimal thresholding of classifiers to maximize F1 measure, arXiv:1402.1892.
  """
  host = counts.on_host()
  bins = host.positive.shape[-1]
  voxels = (host.positive + host.negative).reshape(-1, bins).sum(0)
  mass = voxels * _calibration.middles(host.thresholds)
  if not mass.any():
    raise errors.DataError(
      "no voxel has a probability above 0, so nothing can be expected; count a"
      " map"
    )
  predicted = voxels[::-1].cumsum()[::-1][1:]
  expected = mass[::-1].cumsum()[::-1][1:]
  dice = 2 * expected / (predicted + mass.sum())
  best = int(dice.argmax())
  value = float(dice[best])
  return Expected(float(host.thresholds[best]), value, value / 2)
