"""The run folder: it knows what it is, and each command starts from it.

RUN/run.json       cohort, recipe, preparation, split, training flags
RUN/split.json     patients of train, validation and test
RUN/folds.json     the same of each fold, where there are some
RUN/inputs.json    when the files of each patient were last changed
RUN/store/         their slices
"""

from collections.abc import Callable, Mapping
import dataclasses
import pathlib
from typing import Any

import jaxseg
from jaxseg import _files
from jaxseg import _sealed
from jaxseg import errors
from jaxseg.cohorts import Cohort
from jaxseg.data import _folds
from jaxseg.data import _placement
from jaxseg.data import _same
from jaxseg.data import _split
from jaxseg.data import _store
from jaxseg.data import _write_store

_FORMAT = "jaxseg.run/1"
_AGAIN = "prepare the cohort again, into another folder"
_MAPPINGS = ("cohort", "cohort_flags", "prepare", "split", "training_flags")
_OTHERS = {"recipe": (str, type(None))}


class Run:
  """A folder with a prepared cohort, and whatever was computed from it.

  Attributes:
    folder: The run folder.
    facts: What run.json says: "cohort" (as `Cohort.describe`), "recipe",
      "cohort_flags", "prepare", "split", "training_flags", "version", "store".
    store: The prepared cohort.
    split: Its patients in train, validation and test.
    notes: What was mended as it was opened, a line each.
  """

  def __init__(self, folder: pathlib.Path | str):
    """Opens a prepared run folder.

    Raises:
      DataError: The folder is missing, was not prepared, or is damaged.
    """
    self.folder = pathlib.Path(folder)
    self.notes: tuple[str, ...] = ()
    self.facts = _read_facts(self.folder)
    self.store = _store.Store(self.folder / "store")
    _check_store(self.folder, self.facts, self.store)
    self.split = self._read_split()
    self.split.check(_contoured(self.store))

  @property
  def tables(self) -> pathlib.Path:
    """Folder of the tables."""
    return self.folder / "tables"

  @property
  def figures(self) -> pathlib.Path:
    """Folder of the figures."""
    return self.folder / "figures"

  def models(self) -> list[pathlib.Path]:
    """Folders of the finished models, sorted.

    The models of all folds together count as one, in the folder of theirs.
    """
    found = self.folder.glob("models/*/*/*")
    return sorted(filter(_folds.finished, found))

  def folds(self, folds: int | None = None) -> tuple[_split.Split, ...]:
    """The splits of the folds.

    Args:
      folds: How many; they are drawn by the seed of the split, and kept,
        unless models have them already. None is those that are there.

    Raises:
      DataError: There are none, or the file is damaged.
    """
    contoured = _contoured(self.store)
    kept = (self.folder / _folds.FILE).exists() and self.has_models
    if folds is None or kept:
      return _folds.read_folds(self.folder, contoured)
    seed = int(self.facts["split"].get("seed", 0))
    return _folds.draw_folds(self.folder, contoured, folds=folds, seed=seed)

  def counts(self, model: pathlib.Path) -> pathlib.Path:
    """Where a model's counts lie."""
    name = "-".join(model.relative_to(self.folder / "models").parts)
    return self.folder / "counts" / f"{name}.npz"

  @property
  def has_models(self) -> bool:
    """Whether there is a model, finished or begun."""
    found = ("models/*/*/*/config.json", "models/*/*/*/fold-*/config.json")
    return any(any(self.folder.glob(pattern)) for pattern in found)

  @property
  def training_flags(self) -> dict[str, Any]:
    """The training flags that all its models share.

    They bind as long as there is a model, finished or begun.
    """
    if self.has_models:
      return dict(self.facts["training_flags"])
    return {}

  def keep_training_flags(self, flags: Mapping[str, Any]) -> None:
    """Writes the training flags into run.json."""
    kept = _files.as_json(dict(flags))
    if kept != self.facts["training_flags"]:
      self.facts["training_flags"] = kept
      _sealed.write(self.folder / "run.json", self.facts)

  def _read_split(self) -> _split.Split:
    """The split of split.json; one that was lost is drawn again.

    Raises:
      DataError: It is damaged, or lost and cannot be drawn again.
    """
    path = self.folder / "split.json"
    said = self.facts.get("split_digest")
    given = self.facts["split"].get("given")
    if not path.exists() and given is None:
      split = self._drawn_again()
      if said in (None, split.digest):
        split.write(path)
        self.notes += (f"{path} was lost; it was drawn again by its seed",)
        return split
    again = (
      "restore it: run.json tells only that it was given by --split, write"
      f" that file to {path} again"
      if given is not None
      else "delete it, and the same command draws it again by its seed"
    )
    if not path.exists():
      raise errors.DataError(f"{path}: no such file; {again}")
    try:
      split = _split.Split.read(path)
    except errors.DataError as e:
      raise errors.DataError(f"{e}; {again}") from e
    if {said or split.digest, given or split.digest} != {split.digest}:
      raise errors.DataError(
        f"{path}: is not the split that the run was prepared with; {again}"
      )
    return split

  def _drawn_again(self) -> _split.Split:
    """The split by the seed and the shares that run.json tells."""
    told = self.facts["split"]
    try:
      seed, (a, b, c) = int(told["seed"]), map(float, told["fractions"])
    except (KeyError, TypeError, ValueError) as e:
      raise errors.DataError(
        f"{self.folder / 'run.json'}: entry split is malformed ({e}); {_AGAIN}"
      ) from e
    return _split.make_split(
      _contoured(self.store), seed=seed, fractions=(a, b, c)
    )

  def check_cohort(
    self,
    cohort: Cohort,
    on_patient: Callable[[str, int, int], None] | None = None,
  ) -> None:
    """Refuses a cohort that is not the run's, whatever its folder is called.

    Patients whose files were touched since they were last compared, and all
    of a folder that was copied, are loaded.

    Args:
      cohort: As its files are now.
      on_patient: Called after each patient that is loaded, with (name, done,
        all).

    Raises:
      ExistingOutputError: It differs.
    """
    facts = _files.as_json(dict(cohort.describe()))
    self.check(cohort=_same.without_name(facts))
    differs = _same.difference(self.folder, self.store, cohort, on_patient)
    if differs:
      source = facts.get("source", cohort.name)
      before = self.facts["cohort"].get("source")
      why, remedy = differs, "prepare it anew into another output"
      if before != source:
        why = f"source is {before}, asked is {source}, and {differs}"
        remedy = "give the folder that it was prepared from, or another output"
      raise errors.ExistingOutputError(
        f"{self.folder}: was not prepared from what {source} holds now ({why});"
        f" {remedy}"
      )

  def check(self, **asked: Any) -> None:
    """Refuses settings that are not the run's.

    Args:
      **asked: Entries of `facts`; of a mapping only the keys that are given
        are compared.

    Raises:
      ExistingOutputError: Some differ; it names each.
    """
    told = _same.differences(self.facts, asked)
    if told:
      raise errors.ExistingOutputError(
        f"{self.folder}: prepared with other settings ({'; '.join(told)});"
        " name another output or delete it"
      )


def check_new(folder: pathlib.Path | str) -> None:
  """Refuses a folder that cannot become a run folder.

  Raises:
    ExistingOutputError: There is something in it, or in its place.
  """
  folder = pathlib.Path(folder)
  if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
    raise errors.ExistingOutputError(
      f"{folder}: not empty and no run folder; name another output"
    )
  for above in folder.parents:
    if above.exists() and not above.is_dir():
      raise errors.ExistingOutputError(
        f"{folder}: {above} is a file; name another output"
      )


def prepare_run(
  folder: pathlib.Path | str,
  cohort: Cohort,
  config: _placement.PrepareConfig,
  *,
  seed: int = 0,
  fractions: tuple[float, float, float] = (0.65, 0.15, 0.2),
  split: _split.Split | None = None,
  recipe: str | None = None,
  cohort_flags: Mapping[str, Any] | None = None,
  skip_bad: bool = False,
  on_patient: Callable[[str, int, int], None] | None = None,
  check: Callable[[_store.Store], None] | None = None,
  workers: int | None = 1,
  scheduler: str | None = None,
) -> Run:
  """Prepares a cohort into a run folder, or opens it if that was done.

  Args:
    folder: Run folder; new, empty, or prepared with the same settings.
    cohort: Patients.
    config: The prepared grid.
    seed: Of the split.
    fractions: Shares of train, validation and test.
    split: A split to use instead of a drawn one.
    recipe: Name of the recipe that `config` is of, kept for later commands.
    cohort_flags: What the cohort was made by and does not tell by itself.
    skip_bad: Leave out patients that cannot be loaded; the store's `left_out`
      says why. Otherwise the first one stops it.
    on_patient: Called after each patient with (name, done, all).
    check: Called with the new store before the folder appears; what it raises
      leaves nothing behind.
    workers: As in `write_store`.
    scheduler: As in `write_store`.

  Raises:
    ExistingOutputError: The folder holds something else.
    DataError: A patient is malformed, or the split does not fit.
    StructureNotFoundError: A structure has too few patients to be split.
  """
  folder = pathlib.Path(folder)
  wanted: dict[str, Any] = {
    "cohort": dict(cohort.describe()),
    "cohort_flags": dict(cohort_flags or {}),
    "prepare": config.to_json(),
    "split": {"seed": seed, "fractions": list(fractions)}
    if split is None
    else {"given": split.digest},
  }
  if recipe is not None:
    wanted["recipe"] = recipe
  if (folder / "run.json").exists() or (folder / "cohort.json").exists():
    run = Run(folder)
    del wanted["cohort"]
    run.check_cohort(cohort, on_patient)
    run.check(**{**wanted, "prepare": dataclasses.asdict(config)})
    _files.sweep_once(folder)
    return run
  check_new(folder)
  # The folder appears when all of it is there.
  if folder.is_dir():
    folder.rmdir()
  stamps = _same.stamps(cohort)  # Before: what is changed meanwhile differs.
  with _files.new_folder(folder) as temporary:
    store = _write_store.write_store(
      temporary / "store",
      cohort,
      config,
      skip_bad=skip_bad,
      on_patient=on_patient,
      workers=workers,
      scheduler=scheduler,
    )
    if check is not None:
      check(store)
    contoured = _contoured(store)
    if split is None:
      split = _split.make_split(contoured, seed=seed, fractions=fractions)
    split.check(contoured)
    split.write(temporary / "split.json")
    _same.write(temporary, stamps)
    _sealed.write(
      temporary / "run.json",
      {
        "format": _FORMAT,
        "version": jaxseg.__version__,
        "recipe": None,
        **wanted,
        "training_flags": {},
        "store": store.content_hash,
        "split_digest": split.digest,
      },
    )
  return Run(folder)


def _read_facts(folder: pathlib.Path) -> dict[str, Any]:
  if not folder.is_dir():
    raise errors.DataError(
      f"{folder}: no such folder; give the output of jaxseg prepare"
    )
  if not (folder / "run.json").is_file():
    if (folder / "cohort.json").is_file():
      raise errors.DataError(
        f"{folder}: prepared by an older version (cohort.json, no run.json);"
        " prepare the cohort again, into another folder"
      )
    raise errors.DataError(
      f"{folder}: holds no run.json, so it is no run folder; give the output"
      " of jaxseg prepare"
    )
  path = folder / "run.json"
  facts = _files.read_json(path)
  found = facts.get("format") if isinstance(facts, dict) else None
  if found != _FORMAT:
    raise errors.DataError(
      f"{path}: of format {found}, this version reads {_FORMAT}; {_AGAIN}"
    )
  for name in _MAPPINGS:
    if not isinstance(facts.get(name), dict):
      raise errors.DataError(
        f"{path}: entry {name} is missing or malformed; {_AGAIN}"
      )
  facts = _sealed.opened(path, facts, again=_AGAIN)
  _sealed.check(
    path, facts["cohort"], {"name": str}, again=_AGAIN, inside="cohort"
  )
  _sealed.check(path, {"recipe": None, **facts}, _OTHERS, again=_AGAIN)
  return facts


def _check_store(
  folder: pathlib.Path, facts: Mapping[str, Any], store: _store.Store
) -> None:
  """Refuses a store that is not the one of run.json."""
  if facts.get("store", store.content_hash) != store.content_hash:
    raise errors.DataError(
      f"{folder / 'run.json'}: is of the store {facts['store']}, and {folder}/"
      f"store is {store.content_hash}; put the two that belong together into"
      " one folder, or prepare the cohort again"
    )


def _contoured(store: _store.Store) -> dict[str, tuple[str, ...]]:
  return {name: tuple(p.contoured) for name, p in store.patients.items()}
