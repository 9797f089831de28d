"""The size of the prepared slices that keeps all organs of a cohort."""

from collections.abc import Callable, Mapping
import dataclasses
import functools
import math

import numpy as np

from jaxseg import errors
from jaxseg.cohorts import Case
from jaxseg.cohorts import Cohort
from jaxseg.data import _load
from jaxseg.data import _placement

# Finer than this an organ of the head gains little, and costs four times more.
SPACING_MM = 2.0
# Beyond the outermost organ, so that its border is seen from both sides.
_MARGIN_MM = 8.0
# Halved four times in the five blocks of a U-Net.
_MULTIPLE = 16
_LEAST = 96


def fit(
  cohort: Cohort,
  config: _placement.PrepareConfig,
  *,
  extent: tuple[float, float] | None = None,
  skip_bad: bool = False,
  on_patient: Callable[[str, int, int], None] | None = None,
  workers: int | None = 1,
  scheduler: str | None = None,
) -> _placement.PrepareConfig:
  """Chooses the size of the prepared slices for a cohort.

  The prepared grid is centred on the body. Of each patient it is measured how
  far the contoured structures reach from there; the grid holds the farthest
  and a margin of 8 mm, is at least 96 pixels wide, and a multiple of 16.

  Args:
    cohort: Patients; all are loaded once.
    config: With the spacing wanted, mm. Where no patient's own is finer, the
      own is kept if all share it, else the median is taken.
    extent: Rows and columns in mm, instead of what the structures need.
    skip_bad: Pass over patients that cannot be loaded.
    on_patient: Called after each patient with (name, done, all).
    workers: As in `parallel.run`.
    scheduler: As in `parallel.run`.

  Returns:
    `config` with `size` and `spacing`, and no fixed crop.

  Raises:
    DataError: No patient can be loaded, or one is malformed.
  """
  names = cohort.patients()
  reach, own = np.zeros(2), []
  reason = ""
  with _load.loaded(
    cohort,
    functools.partial(_measured, structures=config.structures),
    workers=workers,
    scheduler=scheduler,
  ) as patients:
    for done, (name, found) in enumerate(patients, start=1):
      if not isinstance(found, errors.JaxsegError):
        reach = np.maximum(reach, found[0])
        own.append(found[1])
      elif not skip_bad:
        raise found
      else:
        reason = reason or f": {found}"
      if on_patient:
        on_patient(name, done, len(names))
  if not own:
    raise errors.DataError(
      f"cohort {cohort.name} has no patients{reason}; check its folder"
    )
  spacing = _spacing(np.array(own), config.spacing)
  width = 2 * (reach + _MARGIN_MM) if extent is None else np.array(extent)
  # Pixels of each patient's own spacing are fewest mm where it is finest.
  pixel = np.array(own).min(0) if spacing is None else np.full(2, spacing)
  least = _LEAST if extent is None else _MULTIPLE
  rows, columns = (
    rounded(mm, px, least=least) for mm, px in zip(width, pixel, strict=True)
  )
  return dataclasses.replace(
    config, size=(rows, columns), spacing=spacing, crop=None
  )


def _measured(
  case: Case, structures: tuple[str, ...] | None
) -> tuple[np.ndarray, tuple[float, ...]]:
  """How far structures reach, and the pixel spacing, both in mm."""
  return _reach(case, structures), case.image.spacing[1:]


def rounded(width: float, pixel: float, *, least: int = _MULTIPLE) -> int:
  """The number of pixels of a width, a multiple of 16.

  Args:
    width: mm.
    pixel: mm.
    least: No fewer pixels.
  """
  # What rounding noise adds to a width is no reason for 16 more.
  blocks = math.ceil(width / pixel / _MULTIPLE - 1e-6)
  return max(least, _MULTIPLE * blocks)


def size_of(case: Case, placement: _placement.Placement) -> tuple[int, int]:
  """The least size, a multiple of 16, that keeps a patient's structures.

  Args:
    case: The patient.
    placement: Where the grid lies now; its centre stays.
  """
  reach = _reach(case, None, placement)
  pixel = [
    s * own
    for s, own in zip(placement.step, case.image.spacing[1:], strict=True)
  ]
  rows, columns = (
    rounded(2 * mm, px) for mm, px in zip(reach, pixel, strict=True)
  )
  return rows, columns


def _reach(
  case: Case,
  structures: tuple[str, ...] | None,
  placement: _placement.Placement | None = None,
) -> np.ndarray:
  """How far from the grid's centre structures reach, rows and columns, mm."""
  if placement is None:
    placement = _placement.place(case.image, size=(1, 1), spacing=None)
  centre = [
    o + (n - 1) / 2 * s
    for o, n, s in zip(
      placement.origin, placement.size, placement.step, strict=True
    )
  ]
  reach = np.zeros(2)
  for name, mask in case.masks.items():
    if structures is not None and name not in structures:
      continue
    flat = mask.any(0)
    for axis in (0, 1):
      seen = np.flatnonzero(np.any(flat, axis=1 - axis))
      if len(seen):
        # To the outer edge of the voxel, and half a pixel for a rounded origin.
        far = max(centre[axis] - seen[0], seen[-1] - centre[axis]) + 1.0
        reach[axis] = max(reach[axis], far * case.image.spacing[1 + axis])
  return reach


def _spacing(own: np.ndarray, wanted: float | None) -> float | None:
  """The spacing for patients whose own are `[patient, 2]`, mm."""
  if wanted is None or own.min() < wanted * (1 - 1e-3):
    return wanted
  if np.ptp(own) <= 1e-3 * own.min():
    return None
  return float(np.median(own))


def lost(
  outside: Mapping[str, Mapping[str, int]],
  voxels: Mapping[str, Mapping[str, int]],
) -> dict[str, tuple[float, float, str]]:
  """What the prepared slices leave out of each structure.

  Args:
    outside: Patient -> structure -> voxels beyond the prepared slices.
    voxels: Patient -> structure -> all its voxels.

  Returns:
    Structure -> (share of the cohort's voxels, largest share of a patient,
    that patient), shares in [0, 1].
  """
  result: dict[str, tuple[float, float, str]] = {}
  for name in sorted({s for one in voxels.values() for s in one}):
    own = {p: one[name] for p, one in voxels.items() if one.get(name)}
    cut = {p: outside[p].get(name, 0) for p in own}
    worst = max(own, key=lambda p: cut[p] / own[p]) if own else ""
    result[name] = (
      sum(cut.values()) / max(1, sum(own.values())),
      cut[worst] / own[worst] if own else 0.0,
      worst,
    )
  return result
