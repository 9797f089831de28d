"""A run of which only the counts are left, such as on another machine."""

from collections.abc import Mapping, Sequence
import dataclasses
import pathlib
import types
from typing import Any

from jaxseg.study import _cohort_counts

_PARTS = ("validation", "test")


@dataclasses.dataclass(frozen=True)
class CountedRun:
  """What analyses and the page ask of a run, told by counts alone.

  Attributes:
    folder: Gets tables, figures and the page.
    store: Has cohort, content_hash, synthetic, and patients by name.
    split: Has train, validation and test; of the training patients, whom
      counts do not name, there are as many as they tell.
  """

  folder: pathlib.Path
  store: Any
  split: Any

  @staticmethod
  def of(
    folder: pathlib.Path, results: Sequence[_cohort_counts.CohortCounts]
  ) -> "CountedRun":
    """Puts together what the counts of a run's models tell.

    Args:
      folder: Where its analyses are written.
      results: Counts of models of one cohort and split.
    """
    facts: Mapping[str, Any] = results[0].facts
    parts: dict[str, dict[str, None]] = {part: {} for part in _PARTS}
    for result in results:
      for name, part in zip(result.names, result.parts, strict=True):
        parts[part].setdefault(name)
    train = max(int(r.facts.get("training_patients", 0)) for r in results)
    # No `data.Split`: of folds each patient is in both parts.
    split = types.SimpleNamespace(
      train=tuple(f"training {k}" for k in range(train)),
      validation=tuple(parts["validation"]),
      test=tuple(parts["test"]),
    )
    every = dict.fromkeys((*split.train, *split.validation, *split.test))
    store = types.SimpleNamespace(
      cohort=facts["cohort"],
      content_hash=facts["store"],
      synthetic=any(result.facts["synthetic"] for result in results),
      patients=every,
    )
    return CountedRun(folder, store, split)
