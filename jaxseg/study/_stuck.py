"""Trainings that never learnt: reported, left out, replaced by another seed."""

from collections.abc import Mapping, Sequence
import dataclasses
from typing import Any

from jaxseg.study import _cohort_counts
from jaxseg.study import _costs

# What models of one kind share, whatever their seed.
_KIND = ("structure", "objective", "negatives", "network", "steps", "epochs")
# By the rule a stuck one is trained again with this added to its seed.
_NEXT_SEED = 10


def is_stuck(result: _cohort_counts.CohortCounts) -> bool:
  """Whether a model never left a map that says the same everywhere.

  By the rule of the claims: pooled validation Dice below 0.1 at every
  threshold, in the scope `kept` where it was counted.

  Args:
    result: Counts of a model.
  """
  scope = _costs.SCOPE if _costs.SCOPE in result.scopes else None
  return _costs.never_learnt(result.sides(scope=scope)[0])


def learnt(
  results: Sequence[_cohort_counts.CohortCounts],
) -> tuple[
  list[_cohort_counts.CohortCounts], list[_cohort_counts.CohortCounts]
]:
  """The models to analyse, and those that others stand for.

  A model that never learnt is left out where one of another seed, and else the
  same, has learnt. Where none has, it is all there is to tell, and stays. One
  that stands for another says so, as by `in_place`.

  Args:
    results: Counts of models.
  """
  results = in_place(results)
  out = left_out([(result.facts, is_stuck(result)) for result in results])
  found: tuple[list[Any], list[Any]] = ([], [])
  for result, left in zip(results, out, strict=True):
    found[left].append(result)
  return found


def in_place(
  results: Sequence[_cohort_counts.CohortCounts],
) -> list[_cohort_counts.CohortCounts]:
  """The same models; those in the place of a stuck one say so.

  Their facts have its seed as `stands_for`, by which they are paired with the
  models of other networks and objectives.

  Args:
    results: Counts of models.
  """
  found = list(results)
  kinds: dict[str, dict[int, int]] = {}
  for place, result in enumerate(results):
    kind = repr([result.facts.get(name) for name in _KIND])
    kinds.setdefault(kind, {})[result.facts["seed"]] = place
  for own in kinds.values():
    bad = {seed for seed, place in own.items() if is_stuck(results[place])}
    good = set(own) - bad
    for seed in sorted(bad):
      # The last: those between were asked for, or are stuck, too.
      others = [s for s in good if s > seed and (s - seed) % _NEXT_SEED == 0]
      if others:
        good.remove(other := max(others))
        facts = {**results[own[other]].facts, "stands_for": seed}
        found[own[other]] = dataclasses.replace(
          results[own[other]], facts=facts
        )
  return found


def left_out(models: Sequence[tuple[Mapping[str, Any], bool]]) -> list[bool]:
  """Of each model, by its facts and whether it is stuck, if it is left out.

  Args:
    models: All models of the analyses.
  """
  kinds = [[facts.get(name) for name in _KIND] for facts, _ in models]
  good = [kind for kind, (_, bad) in zip(kinds, models, strict=True) if not bad]
  return [
    bad and kind in good for kind, (_, bad) in zip(kinds, models, strict=True)
  ]
