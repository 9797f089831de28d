"""A cohort is a list of patients, each of whom loads as one `Case`."""

from collections.abc import Collection, Iterable, Mapping
import dataclasses
from typing import Any, Protocol

import numpy as np

from jaxseg import errors
from jaxseg import structures as vocabulary
from jaxseg import volume


@dataclasses.dataclass(frozen=True, eq=False)
class Case:
  """One patient: the CT and what somebody contoured on it.

  A structure without an entry in `masks` was **not contoured**. That says
  nothing about the body, so the patient takes no part in training or scoring
  of that structure.

  Attributes:
    patient: Identifier, unique in its cohort.
    image: CT in Hounsfield units, int16, `[slice, row, column]`.
    masks: Canonical structure name -> bool mask of the image's shape.
    unscanned: Slices without a measurement, ascending: beyond the ends of the
      scan, or missing between two scanned ones.
    notes: Remarks for the audit: what was unusual and how it was read.
    unknown: Canonical structure name -> slices of which its contours say
      nothing, ascending: passed over in drawing, or with a malformed contour.
    missing: Canonical structure name -> why its contours gave no mask.
  """

  patient: str
  image: volume.Volume
  masks: Mapping[str, np.ndarray]
  unscanned: tuple[int, ...] = ()
  notes: tuple[str, ...] = ()
  unknown: Mapping[str, tuple[int, ...]] = dataclasses.field(
    default_factory=dict
  )
  missing: Mapping[str, str] = dataclasses.field(default_factory=dict)

  def __post_init__(self):
    if self.image.array.dtype != np.int16:
      raise errors.DataError(
        f"{self.patient}: image is {self.image.array.dtype}, not int16 HU;"
        " convert it in the cohort"
      )
    for name, mask in self.masks.items():
      if mask.shape != self.image.shape or mask.dtype != np.bool_:
        raise errors.DataError(
          f"{self.patient}: mask {name} is {mask.dtype} {mask.shape}, the"
          f" image {self.image.shape}; give bool masks of the image's shape"
        )

  @property
  def contoured(self) -> tuple[str, ...]:
    """Canonical names of the contoured structures, sorted."""
    return tuple(sorted(self.masks))


class Cohort(Protocol):
  """A list of patients and the way to load one.

  One that finds its patients in files may also have `left_out` (patient -> why
  it cannot be used), `remarks` (patient -> what was decided) and `undecided`
  (structure -> number of patients on whom several contours fit it); commands
  say what is in them. By `files` (a method: patient -> paths that `load` reads)
  it is noticed when a patient was changed.

  Attributes:
    name: Name of the cohort, as shown in every table ("openkbp", "phantom").
    structures: Canonical names that can occur in it, in a fixed order.
  """

  name: str
  structures: tuple[str, ...]

  def patients(self) -> tuple[str, ...]:
    """Identifiers of the patients, in a fixed order."""

  def load(self, patient: str) -> Case:
    """Loads one patient.

    Raises:
      DataError: The patient is unknown or a file is missing or malformed.
    """

  def describe(self) -> Mapping[str, Any]:
    """JSON-able facts that fix the cohort: source, settings, seed."""


def wanted(
  structures: Collection[str] | None, own: Iterable[str | None]
) -> tuple[str, ...]:
  """Canonical names that a cohort of files looks for.

  Args:
    structures: Canonical names; None is every organ, and those of `own` that
      are in no table.
    own: Names that the user's files or tables bring along.

  Raises:
    StructureNotFoundError: A name is neither canonical nor among `own`.
  """
  brought = dict.fromkeys(name for name in own if name is not None)
  added = [name for name in brought if name not in vocabulary.names(kind="any")]
  if structures is None:
    return (*vocabulary.names(), *added)
  return tuple(
    vocabulary.get(name, own=name in added).name for name in structures
  )
