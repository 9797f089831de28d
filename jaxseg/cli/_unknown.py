"""Says how many slices contours leave open, and what can be done about it."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
  from jaxseg import data


def say(counts: Iterable[tuple[str, int]], *, contours: bool = True) -> None:
  """Prints one line for each structure with such slices.

  Args:
    counts: Structure and number of unknown slices, once for each patient.
    contours: Whether --repair=contours is for this cohort.
  """
  slices: dict[str, int] = {}
  patients: dict[str, int] = {}
  for structure, count in counts:
    if count:
      slices[structure] = slices.get(structure, 0) + count
      patients[structure] = patients.get(structure, 0) + 1
  for structure in sorted(slices):
    count, people = slices[structure], patients[structure]
    print(
      f"{structure}: {count} slice{'s' if count > 1 else ''} of {people}"
      f" patient{'s' if people > 1 else ''} left unknown: passed over in"
      " drawing, or with a malformed contour. No part in training or scoring."
    )
  if slices and contours:
    print("--repair=contours interpolates the slices that were passed over.")


def say_of_store(store: "data.Store") -> None:
  """The same of a prepared cohort."""
  say(
    (
      (structure, len(slices))
      for patient in store.patients.values()
      for structure, slices in patient.unknown.items()
    ),
    contours=store.cohort != "nifti_folder",
  )
