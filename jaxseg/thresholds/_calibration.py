"""Whether probabilities are what they say, from the counts of a sweep."""

import dataclasses

import numpy as np

from jaxseg import errors
from jaxseg.thresholds import _counts


@dataclasses.dataclass(frozen=True, eq=False)
class Reliability:
  """How often voxels of about one probability belong to the structure.

  Attributes:
    edges: Bins of probability, float64 `[bin + 1]`.
    confidence: Mean probability of a bin's voxels, float64 `[bin]`; nan where
      it has none.
    frequency: Share of them in the reference, float64 `[bin]`.
    voxels: int64 `[bin]`.
  """

  edges: np.ndarray
  confidence: np.ndarray
  frequency: np.ndarray
  voxels: np.ndarray

  @property
  def expected_error(self) -> float:
    """Expected calibration error: mean |frequency - confidence| of voxels."""
    gap = np.abs(self.frequency - self.confidence)
    share = self.voxels / self.voxels.sum()
    return float(np.nansum(gap * share))

  @property
  def maximum_error(self) -> float:
    """Maximum calibration error: the largest |frequency - confidence|."""
    return float(np.nanmax(np.abs(self.frequency - self.confidence)))


def middles(thresholds: np.ndarray) -> np.ndarray:
  """The probability that stands for each interval, float64 `[T + 1]`.

  It is the interval's middle, at most half its width from each of its voxels;
  what lies at or above the last threshold is taken for that threshold, which on
  the even grid is 1 itself.

  Args:
    thresholds: `[T]`, ascending.
  """
  cuts = np.clip(np.asarray(thresholds, np.float64), 0, 1)
  ends = np.concatenate([[0.0], cuts])
  after = np.concatenate([cuts, cuts[-1:] if cuts[-1] == 1 else [1.0]])
  return (ends + after) / 2


def reliability(counts: _counts.Counts, *, bins: int = 15) -> Reliability:
  """Reliability curve of the voxels counted.

  >>> import numpy as np
  >>> from jaxseg import thresholds
  >>> p = np.array([0.9, 0.7, 0.4, 0.1], np.float32)
  >>> reference = np.array([True, True, False, False])
  >>> counts = thresholds.count_case(p, reference, thresholds.grid(11))
  >>> reliability(counts, bins=2).frequency.tolist()
  [0.0, 1.0]

  Args:
    counts: `[..., T + 1]`; leading axes are summed.
    bins: Number of bins of equal width; a threshold that is not on one of their
      edges belongs to the bin of its interval's middle.

  Returns:
    The curve; probabilities are known to half an interval, 0.0005 on the grid
    of 1001.

  Raises:
    ConfigError: There are no bins.
    DataError: Nothing was counted.

  References:
    On calibration of modern neural networks, arXiv:1706.04599.
  """
  if bins < 1:
    raise errors.ConfigError(f"{bins} bins; take at least 1")
  p, positive, negative = _intervals(counts)
  place = np.minimum((p * bins).astype(np.int64), bins - 1)
  inside = np.bincount(place, positive, bins)
  voxels = np.bincount(place, positive + negative, bins)
  mass = np.bincount(place, p * (positive + negative), bins)
  some = np.where(voxels > 0, voxels, np.nan)
  return Reliability(
    edges=np.arange(bins + 1) / bins,
    confidence=mass / some,
    frequency=inside / some,
    voxels=voxels.astype(np.int64),
  )


def brier(counts: _counts.Counts) -> float:
  """Mean squared difference of probability and reference.

  >>> import numpy as np
  >>> from jaxseg import thresholds
  >>> p = np.array([0.9, 0.7, 0.4, 0.1], np.float32)
  >>> reference = np.array([True, True, False, False])
  >>> counts = thresholds.count_case(p, reference, thresholds.grid(11))
  >>> round(brier(counts), 4)
  0.0725

  Args:
    counts: `[..., T + 1]`; leading axes are summed.

  Returns:
    Within 0.0005 on the grid of 1001: |d(p - y)^2 / dp| is at most 2, and
    probabilities are known to 0.0005, by which errors nearly cancel.

  Raises:
    DataError: Nothing was counted.
  """
  p, positive, negative = _intervals(counts)
  total = positive.sum() + negative.sum()
  return float((positive @ (1 - p) ** 2 + negative @ p**2) / total)


def negative_log_likelihood(counts: _counts.Counts) -> float:
  """Mean binary cross entropy, in nats.

  >>> import numpy as np
  >>> from jaxseg import thresholds
  >>> p = np.array([0.9, 0.7, 0.4, 0.1], np.float32)
  >>> reference = np.array([True, True, False, False])
  >>> counts = thresholds.count_case(p, reference, thresholds.grid(11))
  >>> round(negative_log_likelihood(counts), 3)
  0.275

  Args:
    counts: `[..., T + 1]`; leading axes are summed.

  Returns:
    Infinite where probability 1 was given to a voxel outside of the reference;
    0 cannot be told from what lies in the lowest interval.

  Raises:
    DataError: Nothing was counted.
  """
  p, positive, negative = _intervals(counts)
  with np.errstate(divide="ignore", invalid="ignore"):
    cost = np.where(positive > 0, -positive * np.log(p), 0)
    cost += np.where(negative > 0, -negative * np.log1p(-p), 0)
  return float(cost.sum() / (positive.sum() + negative.sum()))


def _intervals(
  counts: _counts.Counts,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
  """Probability, and voxels in and out of the reference, of each interval."""
  host = counts.on_host()
  bins = host.positive.shape[-1]
  positive = host.positive.reshape(-1, bins).sum(0)
  negative = host.negative.reshape(-1, bins).sum(0)
  if not (positive.any() or negative.any()):
    raise errors.DataError("the counts are of no voxel; count a map")
  return (
    middles(host.thresholds),
    positive.astype(np.float64),
    negative.astype(np.float64),
  )
