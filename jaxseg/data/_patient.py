"""One patient's entry in the store's manifest."""

from collections.abc import Sequence
import dataclasses
from typing import Any

import numpy as np

from jaxseg.data import _placement


@dataclasses.dataclass(frozen=True)
class Patient:
  """One patient's entry in the manifest.

  Attributes:
    name: Identifier in the cohort.
    start: First of the patient's slices in `images` and `labels`.
    stop: One beyond the last.
    spacing: (slice, row, column) of the patient's own grid, mm.
    affine: The own grid's affine, LPS, as nested tuples.
    placement: The map between own and prepared grid.
    contoured: Structure -> (first, last) slice that shows it, own numbering.
    unscanned: Slices without any measurement, own numbering.
    outside: Structure -> reference voxels beyond the prepared grid.
    notes: The cohort's remarks.
    unknown: Structure -> slices of which its contours say nothing, own
      numbering; structures without such slices are left out.
    ends_with_contours: Whether an organ that goes on beyond its contours is
      taken to be absent there.
  """

  name: str
  start: int
  stop: int
  spacing: tuple[float, float, float]
  affine: tuple[tuple[float, ...], ...]
  placement: _placement.Placement
  contoured: dict[str, tuple[int, int]]
  unscanned: tuple[int, ...]
  outside: dict[str, int]
  notes: tuple[str, ...]
  unknown: dict[str, tuple[int, ...]] = dataclasses.field(default_factory=dict)
  ends_with_contours: bool = False

  @property
  def slices(self) -> int:
    """Number of slices."""
    return self.stop - self.start

  @property
  def voxel_ml(self) -> float:
    """Volume of a voxel of the own grid, mL; as of `volume.Grid`."""
    axes = np.asarray(self.affine, np.float64)[:3, :3]
    return abs(float(np.linalg.det(axes))) / 1000

  @property
  def scanned(self) -> np.ndarray:
    """Bool `[slice]`: which slices hold a measurement."""
    result = np.ones(self.slices, np.bool_)
    result[list(self.unscanned)] = False
    return result

  def drawable(self, structure: str) -> np.ndarray:
    """Bool `[slice]`: scanned, and not unknown for a structure."""
    result = self.scanned
    result[list(self.unknown.get(structure, ()))] = False
    return result


def from_json(entry: dict[str, Any]) -> Patient:
  """The inverse of `dataclasses.asdict`, after a way through JSON.

  Raises:
    AttributeError, KeyError, TypeError, ValueError: It is malformed.
  """
  found = Patient(
    name=entry["name"],
    start=entry["start"],
    stop=entry["stop"],
    spacing=tuple(entry["spacing"]),
    affine=tuple(map(tuple, entry["affine"])),
    placement=_placement.Placement.from_json(entry["placement"]),
    contoured={k: tuple(v) for k, v in entry["contoured"].items()},
    unscanned=tuple(entry["unscanned"]),
    outside=dict(entry["outside"]),
    notes=tuple(entry["notes"]),
    unknown={k: tuple(v) for k, v in entry.get("unknown", {}).items()},
    ends_with_contours=bool(entry.get("ends_with_contours", False)),
  )
  _check(found)
  return found


def _check(entry: Patient) -> None:
  """Refuses numbers that no preparation has written."""
  slices, *_ = shape = entry.placement.shape
  spacing = np.asarray(entry.spacing, np.float64)
  affine = np.asarray(entry.affine, np.float64)
  inside = [*entry.unscanned, *(k for v in entry.unknown.values() for k in v)]
  for first, last in entry.contoured.values():
    inside += [first, last]
  inplane = np.asarray([entry.placement.origin, entry.placement.step])
  whole = (
    entry.start,
    entry.stop,
    *shape,
    *entry.placement.size,
    *inside,
    *entry.outside.values(),
  )
  if (
    not isinstance(entry.name, str)
    or not all(isinstance(n, int) and n >= 0 for n in whole)
    or not all(k < slices for k in inside)
    or (spacing.shape, affine.shape, len(shape)) != ((3,), (4, 4), 3)
    or (inplane.shape, len(entry.placement.size)) != ((2, 2), 2)
    or not np.isfinite(affine).all()
    or not np.isfinite(inplane.astype(np.float64)).all()
    or not (np.isfinite(spacing) & (spacing > 0)).all()
  ):
    raise ValueError(f"patient {entry.name} has numbers that cannot be")


def check_order(patients: Sequence[Patient], number: int) -> None:
  """Refuses entries that do not follow one another, slice by slice.

  Args:
    patients: In the order of the manifest.
    number: How many entries it has.

  Raises:
    ValueError: One does not.
  """
  if not patients or len(patients) != number:
    raise ValueError(f"{len(patients)} different patients in {number} entries")
  start = 0
  for entry in patients:
    slices, *_ = entry.placement.shape
    if (entry.start, entry.stop) != (start, start + slices):
      raise ValueError(
        f"{entry.name} has the slices {entry.start} to {entry.stop}, where"
        f" {slices} from {start} on belong"
      )
    if entry.placement.size != patients[0].placement.size:
      raise ValueError(f"{entry.name} has slices of another size")
    start = entry.stop
