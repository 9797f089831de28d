"""Whether one training objective is best by every surface distance."""

from collections.abc import Iterator, Mapping, Sequence
import math
from typing import Any

import numpy as np

from jaxseg import errors
from jaxseg.study import _cohort_counts
from jaxseg.study import _costs
from jaxseg.study import _draws

_DISTANCES = ("hd95_mm", "assd_mm", "nsd_2mm")  # Of the last, more is better.
_SHARE = 6 / 7
Models = Mapping[_draws.Key, _costs.Costs]


def rows(
  results: Sequence[_cohort_counts.CohortCounts],
  models: Mapping[tuple[str, str], Models],
  draws: _draws.Draws,
) -> Iterator[dict[str, Any]]:
  """C5: holds unless one objective wins all three in six of seven organs.

  It wins an organ by a distance if the interval of its paired difference to
  each other objective excludes 0. Organs that not all objectives have been
  trained on are among the seven, and may yet decide it.

  Args:
    results: Counts of the models, with surfaces of the test patients.
    models: (network, objective) -> those that count.
    draws: Patients of each resample.
  """
  for name in sorted({network for network, _ in models}):
    found = _by_organ(results, name, models, draws)
    objectives = sorted({objective for objective, _ in found})
    mean = {key: np.mean(values, axis=0) for key, values in found.items()}
    # Distances that nobody has computed do not show that no objective wins.
    known = {key for key, one in mean.items() if not np.isnan(one[:, 0]).any()}
    organs = sorted(
      {o for _, o in found if all((j, o) in known for j in objectives)}
    )
    if len(objectives) < 2 or not organs:
      continue
    wins = {
      one: sum(
        all(
          _wins(mean[one, organ], mean[other, organ])
          for other in objectives
          if other != one
        )
        for organ in organs
      )
      for one in objectives
    }
    best = max(objectives, key=wins.__getitem__)
    every = {o for (n, _), own in models.items() if n == name for o, _ in own}
    needed = math.ceil(len(every) * _SHARE)
    verdict = "refuted" if wins[best] >= needed else "confirmed"
    if wins[best] < needed <= wins[best] + len(every) - len(organs):
      verdict = "undecided"
    yield {
      "claim": "C5",
      "network": name,
      "statement": "no objective is best by HD95, ASSD and NSD: organs in which"
      f" {best} wins all three, the most of {len(objectives)} objectives",
      "value": float(wins[best]),
      "low": math.nan,
      "high": math.nan,
      "verdict": verdict,
      "structures": len(organs),
      "models": sum(len(v) for (_, o), v in found.items() if o in organs),
      "left_out": 0,
      "asked": ((name,), None, None),
    }


def _by_organ(
  results: Sequence[_cohort_counts.CohortCounts],
  network: str,
  models: Mapping[tuple[str, str], Models],
  draws: _draws.Draws,
) -> dict[tuple[str, str], list[np.ndarray]]:
  """(objective, organ) -> each seed's distances in every resample."""
  found: dict[tuple[str, str], list[np.ndarray]] = {}
  for result in results:
    key = _draws.key_of(result.facts)
    objective = str(result.facts["objective"])
    mine = models.get((network, objective), {}).get(key)
    if mine is None or mine.facts != dict(result.facts):
      continue
    if not np.isnan(mine.optimum[0]):
      found.setdefault((objective, key[0]), []).append(
        _surfaces(result, mine.optimum[0], draws)
      )
  return found


def _surfaces(
  result: _cohort_counts.CohortCounts, threshold: float, draws: _draws.Draws
) -> np.ndarray:
  """Medians of the distances and the mean NSD, `[3, resample + 1]`."""
  score_on = result.sides()[1]
  try:
    values = score_on.surfaces_at(threshold)[:, : len(_DISTANCES)]
  except errors.DataError as e:
    raise errors.DataError(f"{result.name}: {e}") from e
  there = score_on.reference > 0
  found = score_on.predicted[:, score_on.index(threshold)] > 0
  values = np.where((there & ~found)[:, None], [np.inf, np.inf, 0], values)
  weights = draws.weights("test", score_on.names)[:, there]
  statistics = (_draws.medians, _draws.medians, _draws.means)
  return np.stack(
    [
      statistic(own, weights)
      for statistic, own in zip(statistics, values[there].T, strict=True)
    ]
  )


def _wins(one: np.ndarray, other: np.ndarray) -> bool:
  with np.errstate(invalid="ignore"):
    better = (other[0] - one[0], other[1] - one[1], one[2] - other[2])
  return all(_draws.interval(values)[0] > 0 for values in better)
