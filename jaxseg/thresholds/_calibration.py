"""Do probabilities match observed frequencies? From the counts of a sweep.

With that goes what calibration decides: a temperature that moves thresholds,
and the threshold that is best if the probabilities can be trusted.
"""

import dataclasses

import numpy as np

from jaxseg import errors
from jaxseg.thresholds import _counts
from jaxseg.thresholds import _grid

# Temperatures tried.
_RANGE = (0.01, 100.0)


@dataclasses.dataclass(frozen=True, eq=False)
class Reliability:
  """How often voxels of about equal probability belong to the structure.

  Attributes:
    edges: Bins of probability, float64 `[bin + 1]`.
    confidence: Mean probability of a bin's voxels, float64 `[bin]`; nan where
      it has none.
    frequency: Share of them in the reference, float64 `[bin]`.
    voxels: Number of voxels, int64 `[bin]`.
  """

  edges: np.ndarray
  confidence: np.ndarray
  frequency: np.ndarray
  voxels: np.ndarray

  @property
  def expected_error(self) -> float:
    """Expected calibration error: voxels' mean |frequency - confidence|."""
    gap = np.abs(self.frequency - self.confidence)
    share = self.voxels / self.voxels.sum()
    return float(np.nansum(gap * share))

  @property
  def maximum_error(self) -> float:
    """Maximum calibration error: the largest |frequency - confidence|."""
    return float(np.nanmax(np.abs(self.frequency - self.confidence)))


def reliability(counts: _counts.Counts, *, bins: int = 15) -> Reliability:
  """Reliability curve of the counted voxels.

  >>> import numpy as np
  >>> from jaxseg import thresholds
  >>> p = np.array([0.9, 0.7, 0.4, 0.1], np.float32)
  >>> reference = np.array([True, True, False, False])
  >>> counts = thresholds.count_case(p, reference, thresholds.grid(11))
  >>> reliability(counts, bins=2).frequency.tolist()
  [0.0, 1.0]

  Args:
    counts: `[..., T + 1]`; leading axes are summed.
    bins: Number of bins of equal width, at the edges `grid(bins + 1)`; a bin
      includes its lower edge. An interval across an edge belongs to the bin of
      its middle.

  Returns:
    The curve; probabilities are known to half an interval, which is 0.0005 on
    the grid of 1001, and exactly from `count_distinct`.

  Raises:
    ConfigError: bins is not a whole number above 0.
    DataError: Nothing was counted.

  References:
    On calibration of modern neural networks, arXiv:1706.04599.
  """
  if not isinstance(bins, int | np.integer) or bins < 1:
    raise errors.ConfigError(f"bins is {bins}; give a whole number above 0")
  p, positive, negative = _intervals(counts)
  # Compared, not multiplied: 0.53 * 100 is below 53.
  edges = _grid.grid(bins + 1).astype(np.float64)
  place = np.searchsorted(edges[1:-1], p, side="right")
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
  """Brier score: mean squared difference of probability and reference.

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
    Within 0.001 of the maps' on the grid of 1001, where probabilities are known
    to 0.0005 and |d(p - y)^2 / dp| is at most 2; in practice errors cancel.
    From `count_distinct` it is the maps'.

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
    Infinite if a voxel outside of the reference was given probability 1; a
    probability of 0 cannot be told from others in the lowest interval, except
    in what `count_distinct` counts.

  Raises:
    DataError: Nothing was counted.
  """
  p, positive, negative = _intervals(counts)
  with np.errstate(divide="ignore", invalid="ignore"):
    cost = np.where(positive > 0, -positive * np.log(p), 0)
    cost += np.where(negative > 0, -negative * np.log1p(-p), 0)
  return float(cost.sum() / (positive.sum() + negative.sum()))


def fit_temperature(counts: _counts.Counts) -> float:
  """The temperature T for which sigmoid(logit / T) has the lowest log loss.

  It moves thresholds and changes no ranking. Fit it on other patients than are
  scored with it.

  >>> import numpy as np
  >>> from jaxseg import thresholds
  >>> p = np.array([0.9, 0.7, 0.8, 0.1], np.float32)
  >>> reference = np.array([True, True, False, False])
  >>> counts = thresholds.count_case(p, reference, thresholds.grid(11))
  >>> fit_temperature(counts) > 1  # The map was overconfident.
  True

  Args:
    counts: `[..., T + 1]`; leading axes are summed. Count at `fine_grid()`: on
      the even grid all probabilities below 0.001 are one interval.

  Returns:
    T > 0; above 1 if the network was overconfident.

  Raises:
    DataError: All voxels, or none, are in the reference, all lie in one
      interval, or all probabilities are 0 or 1.

  References:
    On calibration of modern neural networks, arXiv:1706.04599.
  """
  p, positive, negative = _totals(counts)
  if not (positive.any() and negative.any()):
    raise errors.DataError(
      "a temperature needs voxels in and out of the reference; count other"
      " patients"
    )
  if np.count_nonzero(positive + negative) < 2:
    raise errors.DataError(
      "all voxels lie in one interval, so no temperature fits better; take"
      " finer thresholds"
    )
  p = _inner(p)
  logits = np.log(p) - np.log1p(-p)
  total = positive.sum() + negative.sum()

  def loss(log_temperature: float) -> float:
    z = logits / np.exp(log_temperature)
    # softplus(-z) and softplus(z), numerically stable.
    cost = positive @ np.logaddexp(0, -z) + negative @ np.logaddexp(0, z)
    return float(cost / total)

  from scipy import optimize  # Slow to import, and needed here alone.

  found = optimize.minimize_scalar(
    loss, bounds=np.log(_RANGE), method="bounded", options={"xatol": 1e-9}
  )
  return float(np.exp(found.x))


def with_temperature(
  counts: _counts.Counts, temperature: float
) -> _counts.Counts:
  """Counts of the maps sigmoid(logit(p) / T), without the maps.

  Voxels stay in their intervals; each threshold t moves to sigmoid(logit(t) /
  T).

  >>> import numpy as np
  >>> from jaxseg import thresholds
  >>> p = np.array([0.9, 0.7, 0.4, 0.1], np.float32)
  >>> reference = np.array([True, True, False, False])
  >>> counts = thresholds.count_case(p, reference, thresholds.grid(11))
  >>> flatter = with_temperature(counts, 2.0)
  >>> thresholds.brier(flatter) > thresholds.brier(counts)
  True

  Args:
    counts: `[..., T + 1]`.
    temperature: T > 0.

  Returns:
    The same counts at moved thresholds, which are no longer even.

  Raises:
    ConfigError: The temperature is not positive and finite.
  """
  if not 0 < temperature < np.inf:
    raise errors.ConfigError(
      f"temperature {temperature} is not positive and finite; give another"
    )
  cuts = np.asarray(counts.on_host().thresholds, np.float64)
  # In odds, so that 0 stays 0 and 1 stays 1; infinite ones become 1 as well.
  inside = np.clip(cuts, 0, 1)
  with np.errstate(divide="ignore", over="ignore"):
    odds = (inside / (1 - inside)) ** (1 / temperature)
    moved = 1 / (1 + 1 / odds)
  # A softmax's 1.0000001 and a threshold that nothing reaches stay beyond.
  moved = np.where(cuts == inside, moved, cuts)
  return dataclasses.replace(counts, thresholds=moved.astype(np.float32))


@dataclasses.dataclass(frozen=True)
class Expected:
  """The optimum to expect if probabilities are calibrated.

  Attributes:
    threshold: The threshold with the highest expected Dice.
    value: That Dice.
    half: Half of that Dice: in theory, the same threshold.
  """

  threshold: float
  value: float
  half: float


def expected_optimum(counts: _counts.Counts) -> Expected:
  """Predicts the Dice-optimal threshold without a reference.

  If the probabilities are calibrated, a voxel of probability p adds p to the
  expected true positives. The threshold that maximises 2 E[TP] / (N(p >= t) +
  E[reference]) is half of the maximum. Beside the empirical optimum, it shows
  how far miscalibration has moved that.

  >>> import numpy as np
  >>> from jaxseg import thresholds
  >>> p = np.array([0.9, 0.7, 0.4, 0.1], np.float32)
  >>> reference = np.array([True, True, False, False])
  >>> counts = thresholds.count_case(p, reference, thresholds.grid(11))
  >>> round(expected_optimum(counts).threshold, 2)
  0.2

  Args:
    counts: `[..., T + 1]` at `fine_grid()`: on the even grid the many voxels
      below 0.001 would weigh too much. Leading axes are summed, and the
      reference is not used: without one, count with an empty mask.

  Returns:
    The prediction, for pooled voxels and not for a mean of cases.

  Raises:
    DataError: Nothing was counted, or all probabilities are 0.

  References:
    Optimal thresholding of classifiers to maximize F1 measure, arXiv:1402.1892.
  """
  total = _counts.pooled(counts)[0]
  voxels = total.positive + total.negative
  mass = voxels * probabilities(total)
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
  return Expected(float(total.thresholds[best]), value, value / 2)


def middles(thresholds: np.ndarray) -> np.ndarray:
  """The probability that represents each interval, float64 `[T + 1]`.

  It is the middle of the interval, at most half its width from any voxel; the
  last interval, at or above the last threshold, begins and ends at 1 on the
  even grid.

  Args:
    thresholds: `[T]`, ascending.
  """
  cuts = np.clip(np.asarray(thresholds, np.float64), 0, 1)
  ends = np.concatenate([[0.0], cuts])
  after = np.concatenate([cuts, cuts[-1:] if cuts[-1] == 1 else [1.0]])
  return (ends + after) / 2


def probabilities(counts: _counts.Counts) -> np.ndarray:
  """The probability of each interval's voxels, float64 `[T + 1]`.

  It is known where they are counted by their distinct values; otherwise the
  middle stands for it.
  """
  cuts = np.asarray(counts.on_host().thresholds)
  if not counts.distinct:
    return middles(cuts)
  known = np.clip(cuts.astype(np.float64), 0, 1)
  return np.concatenate([[0.0], known])  # Below the first there is nothing.


def _inner(p: np.ndarray) -> np.ndarray:
  """The intervals' probabilities, with 0 and 1 moved inwards."""
  inside = p[(p > 0) & (p < 1)]
  if not len(inside):
    raise errors.DataError(
      "all probabilities are 0 or 1, so no temperature fits better; count maps"
      " that are not cut yet"
    )
  return np.clip(p, inside.min() / 2, 1 - (1 - inside.max()) / 2)


def _intervals(
  counts: _counts.Counts,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
  """Each interval's probability, and voxels in and out of the reference."""
  p, positive, negative = _totals(counts)
  if not (positive.any() or negative.any()):
    raise errors.DataError("the counts are of no voxel; count a map")
  return p, positive, negative


def _totals(
  counts: _counts.Counts,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
  """The same, also of no voxel; float64 `[T + 1]` each."""
  total = _counts.pooled(counts)[0]
  return (
    probabilities(total),
    total.positive.astype(np.float64),
    total.negative.astype(np.float64),
  )
