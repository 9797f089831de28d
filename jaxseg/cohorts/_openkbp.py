"""OpenKBP: head-and-neck patients of the 2020 challenge, as published.

A patient is a folder `pt_N` of sparse CSV files on a grid of 128 x 128 x 128.
The reader accepts what the challenge published and nothing else: a file that
is cut, doubled or edited is an error that names file and line, never a guess.
"""

from collections.abc import Mapping
import math
import os
import pathlib
import re
from typing import Any

import numpy as np

from jaxseg import errors
from jaxseg import volume
from jaxseg.cohorts import _case

GRID = (128, 128, 128)  # (row, column, slice), the C order of the indices.
_VOXELS = math.prod(GRID)

# The CSV of a full grid has 40 MB; anything larger is not one of these files.
_MAX_BYTES = 64 * 2**20
_LOWEST_HU, _HIGHEST_RAW = -1000, 4095  # ct.csv holds HU + 1000, 12 bits.

_PATIENT = re.compile(r"pt_([0-9]{1,9})")
_HEADER = re.compile(rb",data\r?\n")
# Possessive (`++`), so that a wrong line ends the search at once.
_CT_LINES = re.compile(rb"(?:[0-9]++,[0-9]++(?:\.[0-9]*+)?\r?\n)++")
_MASK_LINES = re.compile(rb"(?:[0-9]++,\r?\n)++")
_SPACING = re.compile(
  rb"(?:[0-9]++(?:\.[0-9]*+)?(?:[eE][+-]?[0-9]++)?\r?\n){3}"
)

# The challenge's own order; canonical name -> file.
_ORGANS = {
  "brainstem": "Brainstem.csv",
  "spinal_cord": "SpinalCord.csv",
  "parotid_right": "RightParotid.csv",
  "parotid_left": "LeftParotid.csv",
  "esophagus": "Esophagus.csv",
  "larynx": "Larynx.csv",
  "mandible": "Mandible.csv",
}
_TARGETS = {
  "ptv_70": "PTV70.csv",
  "ptv_63": "PTV63.csv",
  "ptv_56": "PTV56.csv",
}
_OTHERS = (
  "ct.csv",
  "voxel_dimensions.csv",
  "dose.csv",
  "possible_dose_mask.csv",
)
_KNOWN = frozenset((*_ORGANS.values(), *_TARGETS.values(), *_OTHERS))


class OpenKBP:
  """The OpenKBP patients of a folder.

  The files hold no position in the patient's coordinates, so every volume has
  its origin, the centre of voxel (0, 0, 0), at (0, 0, 0) mm; orientation and
  spacing are real. Slices run from head to feet, rows from anterior to
  posterior, columns from the patient's right to left.

  Attributes:
    name: "openkbp".
    structures: Canonical names that can occur: the seven organs, then the
      three planning targets if asked for.

  References:
    OpenKBP: The open-access knowledge-based planning grand challenge and
    dataset, Medical Physics 48, 5549-5561, 2021, doi:10.1002/mp.14845.
  """

  name = "openkbp"

  def __init__(
    self, folder: str | os.PathLike[str], *, targets: bool = False
  ) -> None:
    """Finds the patients; reads none of their files.

    Args:
      folder: Folder of `pt_N` folders, or one that holds `train-pats` or
        `provided-data/train-pats`, such as a clone of the repository.
      targets: Also reads the planning targets PTV70, PTV63 and PTV56.

    Raises:
      DataError: The folder is missing or has no patients.
    """
    self._folder, self._patients = _find_patients(pathlib.Path(folder))
    self._targets = bool(targets)
    self._files = {**_ORGANS, **(_TARGETS if targets else {})}
    self.structures: tuple[str, ...] = tuple(self._files)

  def patients(self) -> tuple[str, ...]:
    """Identifiers "pt_1", "pt_2", ... in the order of their numbers."""
    return self._patients

  def load(self, patient: str) -> _case.Case:
    """Loads one patient.

    Args:
      patient: One of `patients()`.

    Returns:
      The case: int16 HU and bool masks, `[slice, row, column]`, 128 each. A
      structure without a file was not contoured and has no mask.

    Raises:
      DataError: The patient is unknown, or a file is missing or malformed.
    """
    if patient not in self._patients:
      raise errors.DataError(
        f"{patient!r}: not a patient of {self._folder.name}; it has"
        f" {len(self._patients)}, {self._patients[0]} to"
        f" {self._patients[-1]}"
      )
    folder = self._folder / patient
    image, unscanned, notes = _read_image(folder)
    masks = {}
    for name, file in self._files.items():
      if not os.path.lexists(folder / file):
        continue
      masks[name], remarks = _read_mask(folder / file, unscanned)
      notes += remarks
    for path in sorted(folder.glob("*.csv")):
      if path.name not in _KNOWN:
        notes.append(f"{path.name}: not a file of OpenKBP; ignored")
    return _case.Case(patient, image, masks, unscanned, tuple(notes))

  def files(self, patient: str) -> list[pathlib.Path]:
    """What `load` reads of a patient."""
    return sorted((self._folder / patient).glob("*.csv"))

  def describe(self) -> Mapping[str, Any]:
    """JSON-able facts that fix the cohort; no path, only the folder's name."""
    return {
      "name": self.name,
      "source": self._folder.name,
      "patients": len(self._patients),
      "structures": list(self.structures),
      "grid": [GRID[2], GRID[0], GRID[1]],
      "origin": "none in the files; set to (0, 0, 0) mm",
      "settings": {"targets": self._targets},
    }


def _find_patients(
  folder: pathlib.Path,
) -> tuple[pathlib.Path, tuple[str, ...]]:
  """The folder that holds the patients, and their names in natural order."""
  if not folder.is_dir():
    raise errors.DataError(
      f"{folder}: no such folder; give the one that holds pt_1, pt_2, ..."
    )
  for inner in ("", "train-pats", "provided-data/train-pats"):
    place = folder / inner
    try:
      found = [
        (int(match[1]), path.name)
        for path in (place.iterdir() if place.is_dir() else ())
        if (match := _PATIENT.fullmatch(path.name)) and path.is_dir()
      ]
    except OSError as e:
      raise errors.DataError(
        f"{place}: cannot be listed ({e.strerror}); check its permissions"
      ) from e
    if found:
      return place.resolve(), tuple(name for _, name in sorted(found))
  hint = (
    "this is one patient, give its parent"
    if (folder / "ct.csv").exists()
    else "give the folder that holds pt_1, pt_2, ..."
  )
  raise errors.DataError(f"{folder}: no pt_N folders; {hint}")


def _read_image(
  folder: pathlib.Path,
) -> tuple[volume.Volume, tuple[int, ...], list[str]]:
  """The CT in HU, the unscanned slices, and remarks."""
  affine = _read_affine(folder / "voxel_dimensions.csv")
  path = folder / "ct.csv"
  numbers = _read_numbers(path, _CT_LINES).reshape(-1, 2)
  values, notes = _clip(numbers[:, 1])
  raw = np.zeros((GRID[2], GRID[0], GRID[1]), np.int16)
  raw.ravel()[_positions(path, numbers[:, 0])] = values  # A view.
  scanned = raw.any(axis=(1, 2))
  unscanned = tuple(int(k) for k in np.flatnonzero(~scanned))
  if not scanned.any():
    raise errors.DataError(
      f"{_place(path)}: all {len(values)} values are 0; get the file again"
    )
  inside = np.flatnonzero(scanned)
  gaps = [k for k in unscanned if inside[0] < k < inside[-1]]
  if gaps:
    notes.append(f"ct.csv: no values between scanned slices: {_said(gaps)}")
  raw += np.int16(_LOWEST_HU)
  return volume.Volume.from_affine(raw, affine), unscanned, notes


def _clip(values: np.ndarray) -> tuple[np.ndarray, list[str]]:
  """Values as whole numbers of at most 12 bits, and remarks."""
  notes = []
  over = int(np.count_nonzero(values > _HIGHEST_RAW))
  if over:
    notes.append(
      f"ct.csv: {over} voxels above {_HIGHEST_RAW}, the greatest"
      f" {values.max():.0f}, set to {_HIGHEST_RAW + _LOWEST_HU} HU"
    )
  # Before the cast to int16: an overflow must not wrap around.
  clipped = np.minimum(values, _HIGHEST_RAW)
  whole = np.rint(clipped)
  broken = int(np.count_nonzero(whole != clipped))
  if broken:
    notes.append(f"ct.csv: {broken} fractional values rounded to whole HU")
  return whole.astype(np.int16), notes


def _read_mask(
  path: pathlib.Path, unscanned: tuple[int, ...]
) -> tuple[np.ndarray, list[str]]:
  """The mask, and a remark if it has voxels where nothing was scanned."""
  indices = _read_numbers(path, _MASK_LINES)
  mask = np.zeros((GRID[2], GRID[0], GRID[1]), np.bool_)
  mask.ravel()[_positions(path, indices)] = True  # A view.
  outside = [k for k in unscanned if mask[k].any()]
  if not outside:
    return mask, []
  voxels = int(np.count_nonzero(mask[outside]))
  where = f"{voxels} voxels on unscanned {_said(outside)}"
  return mask, [f"{path.name}: {where}; kept"]


def _read_affine(path: pathlib.Path) -> np.ndarray:
  """LPS affine of (slice, row, column) from the three spacings, mm."""
  text = _read_bytes(path)
  spacing = (
    [float(line) for line in text.split()] if _SPACING.fullmatch(text) else []
  )
  if not spacing or min(spacing) <= 0 or not np.isfinite(spacing).all():
    raise errors.DataError(
      f"{_place(path)}: not three lines with a positive spacing in mm each,"
      f" but {text[:80]!r}; get the file again"
    )
  row, column, distance = spacing
  affine = np.zeros((4, 4), np.float64)
  affine[2, 0] = -distance  # Slices run from head to feet.
  affine[1, 1] = row  # Rows run to posterior.
  affine[0, 2] = column  # Columns run to the patient's left.
  affine[3, 3] = 1
  return affine


def _read_bytes(path: pathlib.Path) -> bytes:
  """A file's content, or a DataError that says what to do."""
  try:
    size = path.stat().st_size
    if size > _MAX_BYTES:
      raise errors.DataError(
        f"{_place(path)}: {size} bytes, at most {_MAX_BYTES} are possible;"
        " get the file again"
      )
    return path.read_bytes()
  except FileNotFoundError as e:
    raise errors.DataError(
      f"{_place(path)}: the file is missing; unpack or download it again"
    ) from e
  except OSError as e:
    raise errors.DataError(
      f"{_place(path)}: cannot be read ({e.strerror}); check the file"
    ) from e


def _read_numbers(path: pathlib.Path, lines: re.Pattern[bytes]) -> np.ndarray:
  """All numbers of a CSV in order, after a check of its form."""
  text = _read_bytes(path)
  header = _HEADER.match(text)
  if header is None:
    raise errors.DataError(
      f"{_place(path)}: begins with {text[:20]!r} instead of the header"
      " ',data'; get the file again"
    )
  match = lines.match(text, header.end())
  end = match.end() if match else header.end()
  if end < len(text):
    raise errors.DataError(f"{_place(path)}: {_fault(text, end, lines)}")
  if match is None:
    raise errors.DataError(
      f"{_place(path)}: the table has {end - header.end()} lines; delete"
      " the file if the structure was not contoured, else get it again"
    )
  # The pattern admits only digits, points, commas and line ends, which this
  # lenient but fast parser reads correctly.
  body = text[header.end() :].replace(b",", b" ").decode("ascii")
  return np.fromstring(body, np.float64, sep=" ")


def _fault(text: bytes, start: int, lines: re.Pattern[bytes]) -> str:
  """Describes the fault of the line that begins at `start`."""
  stop = text.find(b"\n", start)
  number = text.count(b"\n", 0, start) + 1
  line = text[start : len(text) if stop < 0 else stop]
  index, comma, value = line.partition(b",")
  if stop < 0:
    fact = "is cut short (no line end)"
  elif not comma:
    fact = "has no comma"
  elif not re.fullmatch(rb"[0-9]+", index):
    fact = "has no whole number >= 0 as its index"
  elif re.fullmatch(rb"-[0-9.]+\r?", value):
    fact = "has a negative value"
  elif lines is _MASK_LINES:
    fact = "has a value, which a mask's line must not have"
  else:
    fact = "has no plain number as its value"
  return f"line {number}, {line[:40]!r}, {fact}; get the file again"


def _positions(path: pathlib.Path, indices: np.ndarray) -> np.ndarray:
  """Flat positions in `[slice, row, column]` of the file's flat indices."""
  if indices.max() >= _VOXELS:
    at = int(np.argmax(indices >= _VOXELS))
    raise errors.DataError(
      f"{_place(path)}: line {at + 2} has index {indices[at]:.0f}, the grid"
      f" ends at {_VOXELS - 1}; get the file again"
    )
  flat = indices.astype(np.int64)
  if not (np.diff(flat) > 0).all():
    found, first, times = np.unique(flat, return_index=True, return_counts=True)
    if (times > 1).any():
      twice = int(np.argmax(times > 1))
      raise errors.DataError(
        f"{_place(path)}: index {found[twice]} of line {first[twice] + 2} is"
        f" there {times[twice]} times; get the file again"
      )
  pixel, k = np.divmod(flat, GRID[2])
  return k * (GRID[0] * GRID[1]) + pixel


def _place(path: pathlib.Path) -> str:
  """The file's name for messages: patient and file, not the whole path."""
  return f"{path.parent.name}/{path.name}"


def _said(slices: list[int]) -> str:
  """'slice 57' or 'slices 20-33, 57', of ascending numbers."""
  runs: list[list[int]] = []
  for k in slices:
    if runs and k == runs[-1][-1] + 1:
      runs[-1].append(k)
    else:
      runs.append([k])
  parts = [f"{r[0]}-{r[-1]}" if len(r) > 1 else f"{r[0]}" for r in runs]
  word = "slice" if len(slices) == 1 else "slices"
  return f"{word} {', '.join(parts)}"
