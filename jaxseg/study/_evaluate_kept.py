"""Scores of each case, kept as they are made: an evaluation goes on from there.

FOLDER/SLUG-DIGEST.json holds what a case was made of, and its rows.
"""

from collections.abc import Mapping, Sequence
import dataclasses
import pathlib
import re
from typing import Any

import jaxseg
from jaxseg import _files
from jaxseg import _sealed
from jaxseg import _stamps
from jaxseg import _text
from jaxseg import cohorts
from jaxseg import errors
from jaxseg import formats
from jaxseg.study import _evaluate

# What `_path` makes; nobody else's file is deleted.
_OWN = re.compile(r".+-[0-9a-f]{8}\.json")
# Names the masks beside it; see `cohorts.MaskFiles`.
_MANIFEST = "structures.json"
_KINDS: dict[str, _sealed.Kind] = {
  "case": str,
  "prediction": str,
  "settings": dict,
  "files": list,
  "rows": list,
}


class KeptScores:
  """The scores of an evaluation's cases, in a folder.

  They are of these very files and settings: what was made of others is refused
  before any work, lest two evaluations end up in one table.
  """

  def __init__(
    self,
    folder: pathlib.Path,
    pairs: Sequence[tuple[str, str]],
    *,
    predictions: cohorts.Side,
    references: cohorts.Side,
    options: _evaluate.EvaluateOptions,
    overwrite: bool = False,
  ) -> None:
    """Looks at what is there.

    Args:
      folder: Has a file of each case, or is not there yet.
      pairs: All cases of the evaluation, as of `cohorts.pair_cases`.
      predictions: Their source.
      references: Their source.
      options: How they are compared.
      overwrite: Delete what is damaged or of another evaluation, instead of
        refusing it.

    Raises:
      ExistingOutputError: The folder holds cases of another evaluation.
      DataError: A file there is damaged.
    """
    self._folder = folder
    self._sides = (predictions, references)
    settings = {
      **dataclasses.asdict(options),
      "prediction_reading": predictions.reading(),
      "reference_reading": references.reading(),
    }
    self._settings = _files.as_json(
      {"version": jaxseg.__version__, **_files.finite(settings)}
    )
    self._rows: dict[str, list[dict[str, Any]]] = {}
    wanted = {self._path(pair): pair for pair in pairs}
    for path in sorted(folder.glob("*.json")):
      try:
        differs, rows = self._looked(path, wanted.get(path))
      except errors.DataError:
        if not (overwrite and _OWN.fullmatch(path.name)):
          raise
        differs, rows = "damaged", []
      if not differs:
        self._rows[wanted[path][1]] = rows
      elif overwrite:
        path.unlink()
      else:
        raise errors.ExistingOutputError(
          f"{path}: is of another evaluation ({differs}); name another"
          " --output, or --overwrite"
        )

  def __len__(self) -> int:
    return len(self._rows)

  def rows(self, pair: tuple[str, str]) -> list[dict[str, Any]] | None:
    """The rows of a case, as `evaluate_case` gave them; None of a new one."""
    return self._rows.get(pair[1])

  def keep(
    self, pair: tuple[str, str], rows: Sequence[Mapping[str, Any]]
  ) -> None:
    """Writes the rows of a case."""
    content = {
      "case": pair[1],
      "prediction": pair[0],
      "settings": self._settings,
      "files": self._stamps(pair),
      "rows": [dict(row) for row in rows],
    }
    _sealed.write(self._path(pair), content)

  def _path(self, pair: tuple[str, str]) -> pathlib.Path:
    slug = _text.slug(pair[1], fallback="case")
    return self._folder / f"{slug}-{_files.digest(pair[1])[:8]}.json"

  def _looked(
    self, path: pathlib.Path, pair: tuple[str, str] | None
  ) -> tuple[str, list[dict[str, Any]]]:
    """What differs from this evaluation, or "", and the rows of a file."""
    content = _sealed.read(path, _KINDS, again="delete it, it is made again")
    if pair is None:
      return f"{_text.shown(content['case'])} is no case of this one", []
    if content["settings"] != self._settings:
      found = _files.first_difference(content["settings"], self._settings)
      return found, []
    if content["prediction"] != pair[0]:
      return f"its prediction is {_text.shown(content['prediction'])}", []
    stamps = self._stamps(pair)
    for one in stamps:
      if one not in content["files"]:
        return f"{_text.shown(one[0])} has changed since", []
    if len(stamps) != len(content["files"]):
      return "it is of more files", []
    return "", content["rows"]

  def _stamps(self, pair: tuple[str, str]) -> list[list[Any]]:
    """What each file is that decides a case's scores."""
    found = set()
    for name, side in zip(pair, self._sides, strict=True):
      for path in side.files(name):
        found.add(path)
        found |= _beside(path)
    return [_stamps.of(path) for path in sorted(found)]


def _beside(path: pathlib.Path) -> set[pathlib.Path]:
  """What else decides what a mask means."""
  try:
    found = set(formats.companions(path))
  except errors.JaxsegError:
    return set()  # Whoever reads it says so.
  manifest = path.with_name(_MANIFEST)
  return found | ({manifest} if manifest.is_file() else set())
