"""Which cases are of one patient: told by their names, a pattern or a table.

Scans and organs of one patient resemble each other. Taken for patients of their
own they make intervals too narrow and a score without the patient too high.
"""

import collections
from collections.abc import Callable, Sequence
import csv
import dataclasses
import pathlib
import re

from jaxseg import _text
from jaxseg import errors

# The last word of a name where it numbers the scans of one patient.
_SCAN = re.compile(
  r"(?:scan|visit|session|ses|series|time[-_]?point|time|tp|t|fu|follow[-_]?up"
  r"|study|exam|acq|run|rep|repeat|fraction|fx|day|week|wk|month|year|v|s)"
  r"[-_]?[0-9]+|[0-9]{4}-?[0-9]{2}-?[0-9]{2}|baseline|follow[-_]?up"
  r"|pre|post|planning|replan[0-9]*",
  re.IGNORECASE,
)
_SUBJECT = re.compile(r"(?:^|[/_])(sub-[A-Za-z0-9]+)(?=[/_]|$)")  # BIDS.
_ENDS = re.compile(r"(.+?)[-_. ]+([^-_. /]+(?:[-_]?[0-9]+)?)")


@dataclasses.dataclass(frozen=True)
class Patients:
  """The patient of each case.

  Attributes:
    of: Of each case, in their order.
    told: Where it comes from, in words: "their folders".
  """

  of: tuple[str, ...]
  told: str

  def __len__(self) -> int:
    return len(set(self.of))

  @property
  def sentence(self) -> str:
    """What a user needs to check the grouping."""
    cases = f"{len(self.of)} case{'s' if len(self.of) != 1 else ''}"
    if len(self) == len(self.of):
      return f"{cases}, each taken for a patient ({self.told})"
    patients = f"{len(self)} patient{'s' if len(self) != 1 else ''}"
    return f"{cases} of {patients}, by {self.told}"


def patients(names: Sequence[str], how: str | None = None) -> Patients:
  """Groups cases by patient.

  >>> found = patients(["p00_scan1", "p00_scan2", "p01_scan1"])
  >>> found.of
  ('p00', 'p00', 'p01')
  >>> patients(["a/liver", "a/heart", "b/liver", "b/heart"]).of
  ('a', 'a', 'b', 'b')

  Args:
    names: Of the cases.
    how: A .csv file with the columns case and patient, or a regular expression
      that is searched for in each name: its first group is the patient, or all
      that it matches where it has none. None goes by the names alone: by BIDS'
      sub-01; by the folder where names are folder/organ or folder/scan; by
      what precedes a last word that numbers a scan (_scan1, _visit2,
      _2020-01-31) or, behind a number, has none itself (case01_liver).

  Raises:
    ConfigError: The pattern is none, or does not fit a name.
    DataError: The table cannot be read, or lacks a case.
  """
  if how is None:
    return _by_names(names)
  if how.lower().endswith(".csv") or pathlib.Path(how).is_file():
    return _by_table(names, pathlib.Path(how))
  return _by_pattern(names, how)


def _by_pattern(names: Sequence[str], text: str) -> Patients:
  try:
    pattern = re.compile(text)
  except re.error as e:
    raise errors.ConfigError(
      f"--patients: {text!r} is neither a .csv file nor a regular expression"
      f" ({e}); write for example '^[^_]+'"
    ) from e
  of = []
  for name in names:
    found = pattern.search(name)
    patient = found[1 if pattern.groups else 0] if found else None
    if not patient:
      raise errors.ConfigError(
        f"--patients: {text!r} finds no patient in the case"
        f" {_text.shown(name)}; give a pattern that fits every case, or a .csv"
        " file with the columns case and patient"
      )
    of.append(patient)
  return Patients(tuple(of), f"the pattern {text}")


def _by_table(names: Sequence[str], path: pathlib.Path) -> Patients:
  try:
    with path.open(newline="", encoding="utf-8-sig") as file:
      rows = [row for row in csv.reader(file) if any(row)]
  except (OSError, UnicodeDecodeError, csv.Error) as e:
    raise errors.DataError(
      f"{path}: cannot be read as a table of patients"
      f" ({getattr(e, 'strerror', None) or e}); give a .csv file with the"
      " columns case and patient"
    ) from e
  head = [cell.strip().lower() for cell in rows[0]] if rows else []
  if "case" not in head or "patient" not in head:
    raise errors.DataError(
      f"{path}: has no columns case and patient in its first line; name them"
    )
  case, patient = head.index("case"), head.index("patient")
  table: dict[str, str] = {}
  for number, row in enumerate(rows[1:], start=2):
    cells = [cell.strip() for cell in row]
    if len(cells) <= max(case, patient) or not cells[case]:
      raise errors.DataError(
        f"{path}: row {number} lacks a case or a patient; write both, with a"
        " comma between"
      )
    if table.setdefault(cells[case], cells[patient]) != cells[patient]:
      raise errors.DataError(
        f"{path}: row {number} gives the case {_text.shown(cells[case])} to a"
        " second patient; leave one of them"
      )
  lacking = [name for name in names if not table.get(name)]
  if lacking:
    more = f" and {len(lacking) - 1} more" if len(lacking) > 1 else ""
    raise errors.DataError(
      f"{path}: lacks the case {_text.shown(lacking[0])}{more}; name cases as"
      " pairs.json does"
    )
  return Patients(tuple(table[name] for name in names), f"the table {path}")


def _by_names(names: Sequence[str]) -> Patients:
  """By the first way that groups some cases and keeps most of them apart."""
  for way, told in _WAYS:
    keys = [way(name) for name in names]
    if way is _folder and not _folder_is_patient(names):
      continue
    of = tuple(key or name for key, name in zip(keys, names, strict=True))
    if _plausible(of, keys):
      example = next((o, n) for o, n in zip(of, names, strict=True) if o != n)
      return Patients(of, f"{told} (such as {example[0]} of {example[1]})")
  return Patients(tuple(names), "no name says otherwise")


def _plausible(of: Sequence[str], keys: Sequence[str | None]) -> bool:
  """Whether groups look like patients rather than sites or studies."""
  sizes = collections.Counter(of)
  several = [name for name, size in sizes.items() if size > 1]
  if not several or len(sizes) < 2:
    return False
  if all(any(c.isdigit() for c in name) for name in several):
    return True
  return len(sizes) >= max(sizes.values())


def _subject(name: str) -> str | None:
  found = _SUBJECT.search(name)
  return found[1] if found else None


def _folder(name: str) -> str | None:
  """The folders of a name, without those of single scans at their end."""
  parts = name.split("/")[:-1]
  while len(parts) > 1 and _SCAN.fullmatch(parts[-1]):
    parts.pop()
  return "/".join(parts) or None


def _folder_is_patient(names: Sequence[str]) -> bool:
  """Whether folders are patients, not sites: p1/liver, but not siteA/p1."""
  two = [name.rpartition("/")[::2] for name in names]
  if not all(folder for folder, _ in two):
    return False
  lasts = {last for _, last in two}
  plain = all(
    _SCAN.fullmatch(last) or not any(c.isdigit() for c in last)
    for last in lasts
  )
  return plain or len({folder for folder, _ in two}) >= len(lasts)


def _scan(name: str) -> str | None:
  """What precedes a last word that numbers a scan."""
  found = _ENDS.fullmatch(name)
  while found and not _SCAN.fullmatch(found[2]):
    # "time_point_2" and "scan-1" have their separator inside.
    shorter = _ENDS.fullmatch(found[1])
    joined = name[shorter.end(1) :].lstrip("-_. ") if shorter else ""
    if not joined or not _SCAN.fullmatch(joined):
      return None
    return shorter[1] if shorter else None
  return found[1] if found else None


def _organ(name: str) -> str | None:
  """What precedes last words without a number, behind one with a number."""
  found = re.fullmatch(r"(.*[0-9][^-_. /]*)(?:[-_. ]+[^-_. 0-9/]+)+", name)
  return found[1] if found else None


_Way = Callable[[str], str | None]
_WAYS: tuple[tuple[_Way, str], ...] = (
  (_subject, "BIDS' subject"),
  (_folder, "their folders"),
  (_scan, "the name without its scan"),
  (_organ, "the name up to its number"),
)
