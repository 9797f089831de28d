"""A threshold chosen on some patients and scored on the others."""

import dataclasses

import numpy as np

from jaxseg import errors
from jaxseg.thresholds import _counts
from jaxseg.thresholds import _criterion
from jaxseg.thresholds import _curves
from jaxseg.thresholds import _optimum


@dataclasses.dataclass(frozen=True, eq=False)
class Nested:
  """What a chosen threshold is worth on patients it was not chosen on.

  Attributes:
    fold: Fold of each patient, `[patient]`; -1 if it takes no part.
    thresholds: Chosen without the fold, float64 `[fold]`.
    scores: Score of each patient at the threshold chosen without it, float64
      `[patient]`; nan where it has none.
    held_out: The criterion over all patients, each at the threshold chosen
      without it.
    in_sample: The criterion at the optimum of all patients, which is
      optimistic.
    half: The criterion at 0.5.
  """

  fold: np.ndarray
  thresholds: np.ndarray
  scores: np.ndarray
  held_out: float
  in_sample: float
  half: float

  @property
  def optimism(self) -> float:
    """By how much `in_sample` exceeds `held_out`."""
    return self.in_sample - self.held_out


def nested(
  counts: _counts.Counts,
  *,
  folds: int | None = None,
  seed: int = 0,
  criterion: str = "dice",
  aggregate: str = "pooled",
  empty: str = "skip",
) -> Nested:
  """Chooses the threshold without a patient, then scores that patient with it.

  >>> import numpy as np
  >>> from jaxseg import thresholds
  >>> p = np.array([0.9, 0.7, 0.4, 0.1], np.float32)
  >>> reference = np.array([True, True, False, False])
  >>> counts = thresholds.count_case(p, reference, thresholds.grid(11))
  >>> three = thresholds.Counts.stack([counts] * 3)
  >>> found = nested(three)
  >>> found.thresholds.round(2).tolist()
  [0.6, 0.6, 0.6]

  Args:
    counts: `[patient, T + 1]`.
    folds: Number of groups into which the patients are drawn; None leaves out
      one patient at a time.
    seed: Random seed of the draw.
    criterion: As in `optimum`. It may be a bound; `scores` are then of the
      bounded metric.
    aggregate: "pooled", "mean_case" or "worst_case".
    empty: As in `optimum`.

  Returns:
    The thresholds and scores.

  Raises:
    ConfigError: An option is unknown, or there are too few patients for the
      folds.
    DataError: No patient has the structure, or none outside of a fold.
  """
  host = counts.on_host()
  if host.positive.ndim != 2:
    raise errors.ConfigError(
      f"counts of shape {host.positive.shape}; give [patient, T + 1]"
    )
  bound = _criterion.constraint(criterion)
  metric = bound[0] if bound else criterion
  # A patient without the structure has no say in the choice.
  taking_part = np.flatnonzero(_criterion.kept(host, aggregate, empty)[1])
  number = len(taking_part) if folds is None else folds
  if not 2 <= number <= len(taking_part):
    raise errors.ConfigError(
      f"{number} folds of {len(taking_part)} patients with the structure; give"
      " from 2 to as many as there are patients"
    )
  fold = np.full(len(host.positive), -1)
  order = taking_part
  if folds is not None:
    order = np.random.default_rng(seed).permutation(taking_part)
  fold[order] = np.arange(len(order)) * number // len(order)

  def best(cases: _counts.Counts) -> int:
    return _optimum.optimum(
      cases, criterion=criterion, aggregate=aggregate, empty=empty
    ).index

  chosen = np.array(
    [best(host[(fold != k) & (fold >= 0)]) for k in range(number)]
  )
  at = chosen[fold[taking_part]]
  cases = host[fold >= 0]
  four = [
    np.take_along_axis(v, at[:, None], axis=1)
    for v in (
      cases.true_positive,
      cases.false_positive,
      cases.false_negative,
      cases.true_negative,
    )
  ]
  scores = np.full(len(fold), np.nan)
  scores[taking_part] = _curves.score(
    *four, metric=metric, empty="perfect" if empty == "perfect" else "skip"
  )[:, 0]
  if aggregate == "pooled":
    total = [v.sum(0) for v in four]
    held_out = _curves.score(*total, metric=metric, empty="nan")[0]
  else:
    known = scores[~np.isnan(scores)]
    held_out = known.min() if aggregate == "worst_case" else known.mean()
  grid = np.asarray(host.thresholds, np.float64)
  values = _criterion.scores(host, metric, aggregate, empty).values
  return Nested(
    fold=fold,
    thresholds=grid[chosen],
    scores=scores,
    held_out=float(held_out),
    in_sample=float(values[best(host)]),
    half=float(values[host.index(0.5)]),
  )
