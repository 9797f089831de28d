"""The run folder: where each binary starts from another's output."""

from collections.abc import Callable
import dataclasses
import pathlib
from typing import Any

from jaxseg import _files
from jaxseg import errors
from jaxseg.cohorts import Cohort
from jaxseg.data import _split
from jaxseg.data import _store


class Run:
  """A folder with a prepared cohort, and whatever was computed from it.

  Attributes:
    folder: The run folder.
    cohort: What cohort.json says.
    store: The prepared cohort.
    split: Its patients in train, validation and test.
  """

  def __init__(self, folder: pathlib.Path | str):
    """Opens a prepared run folder.

    Raises:
      DataError: The folder is missing or was not prepared.
    """
    self.folder = pathlib.Path(folder)
    if not self.folder.is_dir():
      raise errors.DataError(
        f"{self.folder}: no such folder; give the output of experiments.prepare"
      )
    if not (self.folder / "cohort.json").is_file():
      raise errors.DataError(
        f"{self.folder}: holds no cohort.json, so it is no run folder; give"
        " the output of experiments.prepare"
      )
    self.cohort: dict[str, Any] = _files.read_json(self.folder / "cohort.json")
    self.store = _store.Store(self.folder / "store")
    self.split = _split.Split.read(self.folder / "split.json")
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
    """Folders of the finished models, sorted."""
    found = self.folder.glob("models/*/*/*/summary.json")
    return sorted(path.parent for path in found)

  def counts(self, model: pathlib.Path) -> pathlib.Path:
    """Where a model's counts lie."""
    name = "-".join(model.relative_to(self.folder / "models").parts)
    return self.folder / "counts" / f"{name}.npz"


def check_new(folder: pathlib.Path | str) -> None:
  """Refuses a folder that cannot become a run folder.

  Raises:
    ExistingOutputError: There is something in it.
  """
  folder = pathlib.Path(folder)
  if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
    raise errors.ExistingOutputError(
      f"{folder}: not empty and no run folder; name another output"
    )


def prepare_run(
  folder: pathlib.Path | str,
  cohort: Cohort,
  config: _store.PrepareConfig,
  *,
  seed: int = 0,
  fractions: tuple[float, float, float] = (0.65, 0.15, 0.2),
  split: _split.Split | None = None,
  skip_bad: bool = False,
  on_patient: Callable[[str, int, int], None] | None = None,
) -> Run:
  """Prepares a cohort into a run folder, or opens it if that was done.

  Args:
    folder: Run folder; new, empty, or prepared with the same settings.
    cohort: Patients.
    config: The prepared grid.
    seed: Of the split.
    fractions: Shares of train, validation and test.
    split: A split to use instead of a drawn one.
    skip_bad: Leave out patients that cannot be loaded; the store's `left_out`
      says why. Otherwise the first one stops it.
    on_patient: Called after each patient with (name, done, all).

  Raises:
    ExistingOutputError: The folder holds something else.
    DataError: A patient is malformed, or the split does not fit.
    StructureNotFoundError: A structure has too few patients to be split.
  """
  folder = pathlib.Path(folder)
  wanted = {
    "cohort": dict(cohort.describe()),
    "prepare": dataclasses.asdict(config),
    "split": {"seed": seed, "fractions": list(fractions)},
  }
  if split is not None:
    wanted["split"] = {"given": _files.digest(dataclasses.asdict(split))}
  # As JSON gives it back: lists for tuples, strings for keys.
  wanted = _files.as_json(wanted)
  if (folder / "cohort.json").exists():
    found = _files.read_json(folder / "cohort.json")
    for name, value in wanted.items():
      if found.get(name) != value:
        raise errors.ExistingOutputError(
          f"{folder}: prepared with other settings ({name}:"
          f" {_files.first_difference(found.get(name), value)}); name another"
          " output or delete it"
        )
    return Run(folder)
  check_new(folder)
  # The folder appears when all of it is there.
  if folder.is_dir():
    folder.rmdir()
  with _files.new_folder(folder) as temporary:
    store = _store.write_store(
      temporary / "store",
      cohort,
      config,
      skip_bad=skip_bad,
      on_patient=on_patient,
    )
    contoured = _contoured(store)
    if split is None:
      split = _split.make_split(contoured, seed=seed, fractions=fractions)
    split.check(contoured)
    split.write(temporary / "split.json")
    _files.write_json(
      temporary / "cohort.json", {**wanted, "store": store.content_hash}
    )
  return Run(folder)


def _contoured(store: _store.Store) -> dict[str, tuple[str, ...]]:
  return {name: tuple(p.contoured) for name, p in store.patients.items()}
