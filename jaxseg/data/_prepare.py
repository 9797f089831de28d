"""One patient on the prepared grid, in a form that travels.

It may be made in another process; so its masks are packed to bits.
"""

from collections.abc import Sequence
import dataclasses

import numpy as np

from jaxseg import errors
from jaxseg.cohorts import Case
from jaxseg.data import _fit
from jaxseg.data import _patient
from jaxseg.data import _placement


@dataclasses.dataclass(frozen=True, eq=False)
class Bits:
  """A mask, packed.

  Attributes:
    shape: Its shape.
    packed: Eight voxels a byte.
  """

  shape: tuple[int, ...]
  packed: np.ndarray

  @staticmethod
  def of(mask: np.ndarray) -> "Bits":
    """Packs a bool mask."""
    return Bits(mask.shape, np.packbits(mask))

  def unpack(self, into: np.ndarray) -> None:
    """Writes it as 0 and 1."""
    count = into.size
    into[...] = np.unpackbits(self.packed, count=count).reshape(self.shape)


@dataclasses.dataclass(frozen=True, eq=False)
class Prepared:
  """A patient on the prepared grid.

  Attributes:
    entry: For the manifest; its slices count from 0.
    image: int16 HU `[slice, row, column]`.
    labels: Structure -> mask on the prepared grid; a structure that is not
      contoured is left out.
    reference: The same on the patient's own grid.
    voxels: Structure -> number of reference voxels.
    needed: Rows and columns that would keep all structures.
    missing: Structure -> why its contours gave no mask.
  """

  entry: _patient.Patient
  image: np.ndarray
  labels: dict[str, Bits]
  reference: dict[str, Bits]
  voxels: dict[str, int]
  needed: tuple[int, int]
  missing: dict[str, str]

  @property
  def size(self) -> tuple[int, int]:
    """Rows and columns of the prepared grid."""
    return self.entry.placement.size


def prepare(
  case: Case, structures: Sequence[str], config: _placement.PrepareConfig
) -> Prepared:
  """Brings a case onto the prepared grid.

  Args:
    case: The patient.
    structures: Canonical names of those that are prepared.
    config: The prepared grid.

  Raises:
    DataError: The image is no CT.
  """
  try:
    placement, image = _placement.prepare_image(case.image, config)
  except errors.GeometryError as e:
    raise errors.DataError(f"{case.patient}: {e}") from e
  labels, reference = {}, {}
  ranges, outside, voxels = {}, {}, {}
  covered = placement.covered
  for name in structures:
    mask = case.masks.get(name)
    if mask is None or not mask.any():
      continue
    seen = np.flatnonzero(mask.any((1, 2)))
    some = slice(seen[0], seen[-1] + 1)
    # The others stay empty, whatever is resampled.
    own = np.zeros(image.shape, np.bool_)
    own[some] = placement.take(mask[some], fill=0) >= 0.5
    labels[name], reference[name] = Bits.of(own), Bits.of(mask)
    ranges[name] = (int(seen[0]), int(seen[-1]))
    outside[name] = int(np.sum(mask[:, ~covered]))
    voxels[name] = int(np.count_nonzero(mask))
  entry = _patient.Patient(
    name=case.patient,
    start=0,
    stop=len(image),
    spacing=case.image.spacing,
    affine=tuple(map(tuple, case.image.affine.tolist())),
    placement=placement,
    contoured=ranges,
    ends_with_contours=config.beyond == "absent",
    unscanned=tuple(int(k) for k in case.unscanned),
    outside=outside,
    notes=case.notes,
    unknown={
      name: tuple(int(k) for k in case.unknown[name])
      for name in ranges
      if case.unknown.get(name)
    },
  )
  return Prepared(
    entry,
    np.ascontiguousarray(image),
    labels,
    reference,
    voxels,
    _fit.size_of(case, placement),
    dict(case.missing),
  )
