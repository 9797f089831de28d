"""Counts of models from any folders, checked to be of one study."""

from collections.abc import Mapping, Sequence
import pathlib
from typing import Any

from jaxseg import _sealed
from jaxseg import _text
from jaxseg import errors
from jaxseg.study import _arms
from jaxseg.study import _cohort_counts

_KINDS = {
  "structure": str,
  "objective": str,
  "seed": int,
  "negatives": float,
  "network": dict,
  "prominence": dict,
  "cohort": str,
  "synthetic": bool,
  "store": str,
}
_AGAIN = "delete it and run jaxseg sweep again"


def read_counts(
  folders: Sequence[pathlib.Path],
) -> list[_cohort_counts.CohortCounts]:
  """The counts of models in run folders, or in folders of nothing else.

  Args:
    folders: Each a run folder, whose `counts` are read, or one that holds
      counts itself, in whatever folders below it.

  Raises:
    DataError: A folder holds no counts, a file is damaged or of an older
      version, a patient is in several parts, or a model is there twice.
  """
  results = []
  parts: dict[str, list[str]] = {}
  folds: list[Any] = []
  models: dict[tuple[Any, ...], pathlib.Path] = {}
  for folder in folders:
    below = folder / "counts" if (folder / "counts").is_dir() else folder
    paths = sorted(below.rglob("*.npz"))
    if not paths and not folder.exists():
      raise errors.DataError(f"{folder}: no such folder")
    if not paths:
      raise errors.DataError(
        f"{folder}: holds no counts of models; run jaxseg sweep first"
      )
    for path in paths:
      result = _cohort_counts.CohortCounts.read(path)
      _check_facts(path, result.facts)
      for name, own in _parts(result).items():
        if parts.setdefault(name, own) != own:
          raise errors.DataError(
            f"{path}: patient {_text.shown(name)} is in {' and '.join(own)},"
            f" and elsewhere in {' and '.join(parts[name])}; compare models of"
            " one split"
          )
      folds.append(result.facts.get("folds"))
      if folds[-1] != folds[0]:
        raise errors.DataError(
          f"{path}: is of other folds than the counts before it; compare models"
          " of one split"
        )
      # Only one of two would be counted.
      other = models.setdefault(_arms.model_of(result.facts), path)
      if other is not path:
        raise errors.DataError(
          f"{path}: is of the same network, structure, objective, negatives and"
          f" seed as {other}; give each model once, and other settings another"
          " output"
        )
      results.append(result)
  return results


def _parts(result: _cohort_counts.CohortCounts) -> dict[str, list[str]]:
  """Parts of each patient: one, and of folds both."""
  found: dict[str, list[str]] = {}
  for name, part in zip(result.names, result.parts, strict=True):
    found.setdefault(name, []).append(part)
  return found


def _check_facts(path: pathlib.Path, facts: Mapping[str, Any]) -> None:
  """Refuses counts that do not tell of which model they are."""
  if "prominence" not in facts:
    raise errors.DataError(
      f"{path}: counts of an older version, or of no model of a run; run"
      " jaxseg sweep again"
    )
  _sealed.check(path, {"network": {}, **facts}, _KINDS, again=_AGAIN)
  fraction = facts["prominence"].get("kept_fraction")
  known = isinstance(fraction, float | int) and not isinstance(fraction, bool)
  if not known or not 0 < fraction <= 1:
    raise errors.DataError(
      f"{path}: entry prominence.kept_fraction is {fraction}, which is no share"
      f" of voxels; {_AGAIN}"
    )
