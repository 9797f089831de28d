"""The family of models that a command trains: seeds, levels, folds, parts."""

from collections.abc import Callable, Iterator, Mapping, Sequence
import dataclasses
import pathlib
from typing import Any, TYPE_CHECKING

from jaxseg import errors
from jaxseg.cli import _device_flags
from jaxseg.cli import _flags

if TYPE_CHECKING:
  from jaxseg import data
  from jaxseg import study
  from jaxseg import training

# A training that never learns is begun anew with this much added to its seed.
_NEXT_SEED = 10


def define(flags: _flags.Flags) -> None:
  """Defines --seed, --folds and --replace_stuck."""
  flags.numbers(
    "seed",
    (0,),
    "N",
    "Random seeds of weights, batch order and dropout: a model of each.",
    whole=True,
  )
  flags.integer(
    "folds",
    None,
    "N",
    "Cross-validation: N models for each one, so that every patient is scored"
    " once, by a model that has not seen them.",
    default="none, but the run's own split",
  )
  flags.integer(
    "replace_stuck",
    None,
    "N",
    "How often a model that never learnt (validation Dice below 0.1 at every"
    f" threshold) is trained again, with {_NEXT_SEED} added to its seed.",
    default="0; 1 for a whole study",
  )


def define_negatives(flags: _flags.Flags) -> None:
  """Defines --negatives: one level of prominence, or several."""
  flags.numbers(
    "negatives",
    None,
    "RATIO",
    "Slices without the structure per slice with it. Several are levels of"
    " prominence: those that are not the run's own lie beside its models, in"
    " SEED-negatives-RATIO.",
    default="1, bice2020 0.25",
  )


def check(flags: _flags.Flags) -> None:
  """Refuses flags that can never work.

  Raises:
    ConfigError: A number is out of range.
  """
  if flags.folds is not None and flags.folds < 3:
    raise errors.ConfigError(
      f"--folds={flags.folds}: give 3 or more: one to choose on, one to score"
      " on, the others to learn from"
    )
  if flags.replace_stuck is not None and flags.replace_stuck < 0:
    raise errors.ConfigError(
      f"--replace_stuck={flags.replace_stuck}: give 0 or more"
    )


def folds(
  flags: _flags.Flags, run: "data.Run", kept: Mapping[str, Any]
) -> int | None:
  """The number of folds: that of the flag, else the run's; None is no folds.

  Args:
    flags: As `define` defines them.
    run: Prepared run folder.
    kept: Its training flags.

  Raises:
    ExistingOutputError: The run's models have other folds, or none.
  """
  found: int | None = kept.get("folds")
  asked: int | None = flags.folds
  if not run.has_models or asked in (None, found):
    return found if asked is None else asked
  has = "no folds" if found is None else f"{found} folds"
  raise errors.ExistingOutputError(
    f"{run.folder}: its models have {has}, asked are {asked}; name another"
    " output"
  )


def members(
  configs: Sequence["training.Config"],
  *,
  seeds: Sequence[int],
  levels: Sequence[float],
  number: int | None,
) -> list["training.Config"]:
  """The whole family of some trainings.

  Args:
    configs: A training of each structure and objective, at the run's own level.
    seeds: Of each a model.
    levels: Of negatives; the run's own keeps the usual place.
    number: Of folds; None is none.
  """
  found = []
  for k in range(number or 1):
    for seed in seeds:
      for config in configs:
        for level in levels:
          words = []
          if level != config.negatives:
            words.append(f"negatives-{_said(level)}")
          if number is not None:
            words.append(f"folds-{number}/fold-{k}")
          found.append(
            dataclasses.replace(
              config, seed=seed, negatives=level, variant="-".join(words)
            )
          )
  return found


def _said(level: float) -> str:
  """A level as a part of a folder's name: 0.25, and 1 for 1.0."""
  short = f"{level:g}"
  return short if float(short) == level else repr(level)


def by_split(
  run: "data.Run", configs: Sequence["training.Config"]
) -> Iterator[tuple["data.Split", list["training.Config"]]]:
  """Those of a family that learn from the same patients, one after the other.

  Args:
    run: Prepared run folder; it has the folds already.
    configs: Of the family, or a part of it.
  """
  places: dict[str, list[training.Config]] = {}
  for config in configs:
    fold = config.variant.partition("/")[2]
    places.setdefault(fold, []).append(config)
  for fold, own in places.items():
    if not fold:
      yield run.split, own
    else:
      yield run.folds()[int(fold.removeprefix("fold-"))], own


def train(
  flags: _flags.Flags, run: "data.Run", configs: Sequence["training.Config"]
) -> None:
  """Trains those of a family that are not finished.

  Args:
    flags: As `_training_flags.define` defines them.
    run: Prepared run folder.
    configs: What `_training_flags.configs` gave, or a part of it.
  """
  from jaxseg import training
  from jaxseg.cli import _console
  from jaxseg.cli import _training_flags

  for split, own in by_split(run, configs):
    with _console.Training() as reporter:
      training.train_family(
        run.store,
        split,
        run.folder,
        own,
        reporter=reporter,
        checkpoint_minutes=_training_flags.check_minutes(flags),
        keep=flags.keep,
        **_device_flags.given(flags),
      )


def folders(
  run: "data.Run", configs: Sequence["training.Config"]
) -> list[pathlib.Path]:
  """Where finished models lie; those of all folds are one."""
  from jaxseg import data
  from jaxseg import training

  places = []
  for config in configs:
    folder = training.model_folder(run.folder, config)
    places.append(folder.parent if "/" in config.variant else folder)
  return [place for place in dict.fromkeys(places) if data.finished(place)]


Sweep = Callable[[Sequence["training.Config"]], list["study.CohortCounts"]]


def swept(
  flags: _flags.Flags,
  run: "data.Run",
  configs: Sequence["training.Config"],
  sweep: Sweep,
  *,
  default: int,
) -> tuple[list["training.Config"], list["study.CohortCounts"]]:
  """Trains a family, counts it, and trains again what never learnt.

  Args:
    flags: As `_training_flags.define` defines them.
    run: Prepared run folder.
    configs: To train.
    sweep: Counts the models of some trainings; [] in all processes but the
      first.
    default: How often, where --replace_stuck does not say.

  Returns:
    All trainings, those in the place of others too, and their counts.
  """
  times = default if flags.replace_stuck is None else flags.replace_stuck
  family, last = list(configs), list(configs)
  train(flags, run, family)
  results = sweep(family)
  for _ in range(times):
    stuck = _stuck(results)
    again = [
      dataclasses.replace(one, seed=_next(one.seed, configs))
      for one in last
      if _key(vars(one)) in stuck
    ]
    if not again:
      break
    for structure, objective, negatives, seed in sorted(stuck):
      print(
        f"Never learnt, so trained again: {structure}, {objective},"
        f" negatives {negatives:g}, seed {seed}"
      )
    train(flags, run, again)
    family, last = family + again, again
    results = sweep(family)
  return family, results


def _stuck(results: Sequence["study.CohortCounts"]) -> set[tuple[Any, ...]]:
  """Keys of models that never learnt, the same in all processes."""
  from jaxseg import _distributed
  from jaxseg import study

  def find() -> list[list[Any]]:
    return [list(_key(r.facts)) for r in results if study.is_stuck(r)]

  found = _distributed.first("finding what never learnt", find)
  return {tuple(key) for key in found}


def _next(seed: int, configs: Sequence["training.Config"]) -> int:
  """The seed in the place of another; one that was asked for is taken."""
  asked = {config.seed for config in configs}
  seed += _NEXT_SEED
  while seed in asked:
    seed += _NEXT_SEED
  return seed


def tell_unfinished(
  configs: Sequence["training.Config"], folders: Sequence[pathlib.Path]
) -> None:
  """Says how many families of folds wait for other parts to be trained."""
  places = {
    (c.structure, c.objective, c.seed, c.variant.partition("/")[0])
    for c in configs
  }
  waiting = len(places) - len(folders)
  if waiting:
    print(
      f"{waiting} of {len(places)} models wait for folds of other parts; the"
      " same command counts them when all are trained"
    )


def shown(
  run: "data.Run",
  configs: Sequence["training.Config"],
  results: Sequence["study.CohortCounts"],
) -> list[pathlib.Path]:
  """The folder of one model of each structure, the first that is counted."""
  counted = {_key(result.facts) for result in results}
  first = {
    config.structure: config
    for config in reversed(configs)
    if _key(vars(config)) in counted
  }
  return sorted(folders(run, list(first.values())))


def _key(facts: Mapping[str, Any]) -> tuple[Any, ...]:
  names = ("structure", "objective", "negatives", "seed")
  return tuple(facts.get(name) for name in names)
