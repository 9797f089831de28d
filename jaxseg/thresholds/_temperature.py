"""Temperature: logits / T, which moves thresholds and changes no ranking."""

import numpy as np
from scipy import optimize

from jaxseg import errors
from jaxseg.thresholds import _calibration
from jaxseg.thresholds import _counts

_RANGE = (0.01, 100.0)


def fit_temperature(counts: _counts.Counts) -> float:
  """The temperature that makes probabilities fit best (least log loss).

  Fit it on patients that are not scored with it.

  >>> import numpy as np
  >>> from jaxseg import thresholds
  >>> p = np.array([0.9, 0.7, 0.8, 0.1], np.float32)
  >>> reference = np.array([True, True, False, False])
  >>> counts = thresholds.count_case(p, reference, thresholds.grid(11))
  >>> fit_temperature(counts) > 1  # They were too sure.
  True

  Args:
    counts: `[..., T + 1]`; leading axes are summed. Count at `fine_grid()`: a
      probability is known to its interval, and on the even grid all that lies
      below 0.001 is one.

  Returns:
    T > 0: above 1 the network was too sure of itself.

  Raises:
    DataError: All voxels, or none, are in the reference, or all lie in one
      interval.

  References:
    On calibration of modern neural networks, arXiv:1706.04599.
  """
  host = counts.on_host()
  bins = host.positive.shape[-1]
  positive = host.positive.reshape(-1, bins).sum(0).astype(np.float64)
  negative = host.negative.reshape(-1, bins).sum(0).astype(np.float64)
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
  p = _inner(host.thresholds)
  logits = np.log(p) - np.log1p(-p)
  total = positive.sum() + negative.sum()

  def loss(log_temperature: float) -> float:
    z = logits / np.exp(log_temperature)
    # softplus(-z) and softplus(z), stable.
    cost = positive @ np.logaddexp(0, -z) + negative @ np.logaddexp(0, z)
    return float(cost / total)

  found = optimize.minimize_scalar(
    loss, bounds=np.log(_RANGE), method="bounded", options={"xatol": 1e-9}
  )
  return float(np.exp(found.x))


def with_temperature(
  counts: _counts.Counts, temperature: float
) -> _counts.Counts:
  """Counts of the maps sigmoid(logit(p) / T), without the maps.

  A threshold t cuts the new map where sigmoid(logit(t) / T) does: voxels stay
  in their intervals, and the thresholds move.

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
      f"temperature {temperature}: give a positive, finite one"
    )
  cuts = np.asarray(counts.on_host().thresholds, np.float64)
  # In odds, so that 0 stays 0 and 1 stays 1.
  with np.errstate(divide="ignore"):
    odds = (cuts / (1 - cuts)) ** (1 / temperature)
    moved = 1 / (1 + 1 / odds)
  return _counts.Counts(
    moved.astype(np.float32), counts.positive, counts.negative
  )


def _inner(thresholds: np.ndarray) -> np.ndarray:
  """The intervals' probabilities, 0 and 1 moved inwards."""
  p = _calibration.middles(thresholds)
  inside = p[(p > 0) & (p < 1)]
  return np.clip(p, inside.min() / 2, 1 - (1 - inside.max()) / 2)
