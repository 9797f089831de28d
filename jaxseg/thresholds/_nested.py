"""A threshold chosen on some patients and scored on the others."""

from collections.abc import Callable
import dataclasses

import numpy as np
from numpy import typing as npt

from jaxseg import _checks as checks
from jaxseg import errors
from jaxseg.thresholds import _clusters
from jaxseg.thresholds import _counts
from jaxseg.thresholds import _criterion
from jaxseg.thresholds import _curves
from jaxseg.thresholds import _left_out
from jaxseg.thresholds import _optimum


@dataclasses.dataclass(frozen=True, eq=False)
class Nested:
  """What a chosen threshold is worth on patients it was not chosen on.

  Attributes:
    fold: Fold of each case, `[case]`; -1 if it takes no part.
    thresholds: Chosen without the fold, float64 `[fold]`.
    scores: Score of each case at the threshold chosen without its patient,
      float64 `[case]`; nan where it has none.
    held_out: The criterion over all cases, each at the threshold chosen
      without its patient.
    in_sample: The criterion at the optimum of all cases, which is optimistic.
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
  patients: npt.ArrayLike | None = None,
  on_fold: Callable[[int, int], None] | None = None,
) -> Nested:
  """Chooses the threshold without a patient, then scores that patient with it.

  Its time grows with the number of cases, not with its square.

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
    counts: `[case, T + 1]`.
    folds: Number of groups into which the patients are drawn; None leaves out
      one patient at a time.
    seed: Random seed of the draw.
    criterion: As in `optimum`. It may be a bound; `scores` are then of the
      bounded metric.
    aggregate: "pooled", "mean_case" or "worst_case".
    empty: As in `optimum`.
    patients: Patient of each case, `[case]`, names or numbers: the cases of a
      patient are left out together. None takes each case for a patient.
    on_fold: Called after each fold with (number done, number of all).

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
      f"counts of shape {host.positive.shape}; give [case, T + 1]"
    )
  of = _clusters.numbered(patients, len(host.positive))
  bound = _criterion.constraint(criterion)
  metric = bound[0] if bound else criterion
  # A patient without the structure has no say in the choice.
  taking_part = np.flatnonzero(_criterion.kept(host, aggregate, empty)[1])
  there = np.unique(of[taking_part])
  if folds is not None:
    checks.whole(0, folds=folds, seed=seed)
  number = len(there) if folds is None else folds
  if not 2 <= number <= len(there):
    raise errors.ConfigError(
      f"{number} folds of {len(there)} patients with the structure; give"
      " from 2 to as many as there are patients"
    )
  order = there
  if folds is not None:
    order = np.random.default_rng(seed).permutation(there)
  fold_of = np.full(of.max() + 1, -1)
  fold_of[order] = np.arange(len(order)) * number // len(order)
  fold = np.full(len(host.positive), -1)
  fold[taking_part] = fold_of[of[taking_part]]
  left_out = _left_out.LeftOut(
    host[taking_part], fold[taking_part], metric, aggregate
  )
  chosen = np.empty(number, np.intp)
  for k in range(number):
    scores_of_rest = left_out.scores(k)
    if bound is None:
      best = _optimum.highest(scores_of_rest)
    else:
      best = _optimum.within(scores_of_rest, left_out.total(k), *bound)
    chosen[k] = _optimum.widest(best).index
    if on_fold is not None:
      on_fold(k + 1, number)
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
  all_ = _optimum.optimum(
    host, criterion=criterion, aggregate=aggregate, empty=empty
  )
  return Nested(
    fold=fold,
    thresholds=grid[chosen],
    scores=scores,
    held_out=float(held_out),
    in_sample=float(values[all_.index]),
    half=float(values[host.index(0.5)]),
  )
