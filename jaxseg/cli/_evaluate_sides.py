"""The two sides of an evaluation, and which of their cases belong together."""

import csv
import pathlib
from typing import TYPE_CHECKING

from jaxseg import errors
from jaxseg.cli import _dicom_flags
from jaxseg.cli import _flags

if TYPE_CHECKING:
  from jaxseg import cohorts
  from jaxseg import study


def sides(
  flags: _flags.Flags, options: "study.EvaluateOptions"
) -> "tuple[cohorts.Side, cohorts.Side]":
  """Predictions and references."""
  from jaxseg import cohorts

  if flags.image and not pathlib.Path(flags.image).exists():
    raise errors.DataError(f"{flags.image}: no such folder; check --image")
  places = [p for p in (flags.prediction, flags.reference) if _is_folder(p)]
  beside = [flags.image] if flags.image else places
  found = []
  for name, aliases in (
    ("prediction", options.prediction_aliases),
    ("reference", options.reference_aliases),
  ):
    given = getattr(flags, name)
    try:
      side = cohorts.open_side(
        given,
        beside=[one for one in beside if one != given],
        layout=flags.layout,
        aliases=aliases,
        options=_dicom_flags.of_contours(flags),
      )
    except errors.DataError as e:
      raise errors.DataError(f"--{name}: {e}") from e
    if not side.cases:
      why = "; ".join(f"{n}: {w}" for n, w in [*side.left_out.items()][:3])
      raise errors.DataError(
        f"--{name}: {given}: no case can be used; {why} (--image)"
      )
    found.append(side)
  return found[0], found[1]


def _is_folder(given: str) -> bool:
  return pathlib.Path(given).is_dir()


def pairs(
  table: str | None, ours: "cohorts.Side", theirs: "cohorts.Side"
) -> list[tuple[str, str]]:
  """Names of the cases that belong together."""
  from jaxseg import _text
  from jaxseg import cohorts

  if table is None:
    try:
      return cohorts.pair_cases(ours, theirs)
    except errors.DataError as e:
      raise errors.DataError(f"{e}; or say which are (--pairs)") from e
  try:
    with open(table, newline="", encoding="utf-8-sig") as file:
      reader = csv.DictReader(file)
      rows = list(reader)
  except (OSError, ValueError, csv.Error) as e:
    raise errors.DataError(
      f"{table}: cannot be read as a table ({e}); write one with the columns"
      " prediction,reference"
    ) from e
  columns = [*(reader.fieldnames or ())]
  if not {"prediction", "reference"} <= {*columns}:
    raise errors.DataError(
      f"{table}: its columns are {', '.join(map(_text.shown, columns[:6]))};"
      " they must be prediction,reference, with a comma between"
    )
  found: list[tuple[str, str]] = []
  for number, row in enumerate(rows, start=2):
    pair = (row.get("prediction") or "", row.get("reference") or "")
    for name, side, what in zip(
      pair, (ours, theirs), ("prediction", "reference"), strict=True
    ):
      if name not in side.cases:
        listed = ", ".join(side.cases[:6])
        raise errors.DataError(
          f"{table}: line {number}: {name!r} is no case of --{what}; its cases"
          f" are {listed}"
        )
    if pair[1] in [other for _, other in found]:
      raise errors.DataError(
        f"{table}: line {number}: {pair[1]!r} is there twice; keep one"
      )
    found.append(pair)
  if not found:
    raise errors.DataError(f"{table}: has no line below its columns")
  return found
