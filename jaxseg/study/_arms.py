"""What models of a study are compared by: network, objective, negatives."""

from collections.abc import Mapping, Sequence
from typing import Any

from jaxseg.study import _cohort_counts
from jaxseg.study import _draws

# All places where bice2020 drops out; the first three have one channel.
ONE_CHANNEL = "image,stretch,last,rest"


def network_of(facts: Mapping[str, Any]) -> str:
  """A model's network in words, with the places of its dropout."""
  network = dict(facts.get("network", {}))
  said = str(network.get("name", "network"))
  if said == "bice2020":
    said += f", dropout at {dropout_places(network)}"
  return said


def dropout_places(network: Mapping[str, Any]) -> str:
  """Where a network drops out, in the order of `ONE_CHANNEL`, or "none"."""
  if network.get("name") != "bice2020" or not network.get("dropout", 1):
    return "none"
  own = str(network.get("dropout_at", ONE_CHANNEL)).split(",")
  return ",".join(p for p in ONE_CHANNEL.split(",") if p in own) or "none"


def length_of(facts: Mapping[str, Any]) -> tuple[int, int] | None:
  """How long a model was to be trained, in steps or epochs; None if unknown."""
  steps, epochs = facts.get("steps"), facts.get("epochs")
  return (steps or 0, epochs or 0) if steps or epochs else None


def arm_of(facts: Mapping[str, Any]) -> tuple[str, str, float]:
  """What models are compared by: network, objective, negatives."""
  objective = str(facts["objective"])
  return network_of(facts), objective, float(facts["negatives"])


def model_of(facts: Mapping[str, Any]) -> tuple[Any, ...]:
  """What no two models of a study share."""
  own = facts["structure"], facts["seed"], length_of(facts)
  return (*arm_of(facts), *own)


def of_usual_length(
  results: Sequence[_cohort_counts.CohortCounts],
) -> list[_cohort_counts.CohortCounts]:
  """Of each network the models trained as long as most; of two, the longer.

  A claim is about one length of training; what the length does `causes` says.
  Models of an unknown length stay.
  """
  lengths: dict[str, list[tuple[int, int]]] = {}
  for result in results:
    length = length_of(result.facts)
    if length is not None:
      lengths.setdefault(network_of(result.facts), []).append(length)
  usual = {
    name: max(own, key=lambda length: (own.count(length), length))
    for name, own in lengths.items()
  }
  return [
    result
    for result in results
    if length_of(result.facts) in (None, usual.get(network_of(result.facts)))
  ]


def of_usual_level(
  results: Sequence[_cohort_counts.CohortCounts],
) -> list[_cohort_counts.CohortCounts]:
  """Of each network and objective the models of its own level of negatives.

  Where a run's own is not known, of the most frequent, and of two the higher.
  """
  arms: dict[tuple[str, str, float], dict[_draws.Key, Any]] = {}
  for result in results:
    key = result.facts["structure"], result.facts["seed"]
    arms.setdefault(arm_of(result.facts), {})[key] = result
  usual: dict[tuple[str, str], tuple[str, str, float]] = {}
  for arm in sorted(arms, key=lambda arm: weight(arms[arm], arm[2])):
    usual[arm[:2]] = arm
  kept = set(usual.values())
  return [result for result in results if arm_of(result.facts) in kept]


def weight(
  models: Mapping[_draws.Key, Any], level: float
) -> tuple[bool, int, float]:
  """How usual a level of negatives is: a run's own comes before others."""
  beside = all(one.facts.get("beside") for one in models.values())
  return not beside, len(models), level
