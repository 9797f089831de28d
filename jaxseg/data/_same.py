"""Whether a store was prepared from a cohort: by what both contain."""

from typing import Any

import numpy as np

from jaxseg import errors
from jaxseg.cohorts import Cohort
from jaxseg.data import _placement
from jaxseg.data import _store

# What another version may have rounded otherwise; other patients, or other
# contours of these, differ by far more.
_HU = 2
_SHARE = 0.001


def is_same(store: _store.Store, cohort: Cohort, *, patients: int) -> bool:
  """Compares some patients of a cohort with those of a store.

  Whatever their folder is called: by names, contours and prepared slices.

  Args:
    store: Prepared cohort.
    cohort: As its files are now.
    patients: How many are loaded, spread evenly; the names of all are compared.
  """
  names = tuple(name for name in store.patients if name in cohort.patients())
  left_out = set(cohort.patients()) - set(names) - set(store.left_out)
  if len(names) != len(store.patients) or left_out:
    return False
  number = min(patients, len(names))
  places = np.unique(np.linspace(0, len(names) - 1, number).round().astype(int))
  return all(_is_patient(store, cohort, names[k]) for k in places)


def _is_patient(store: _store.Store, cohort: Cohort, name: str) -> bool:
  entry = store.patients[name]
  try:
    case = cohort.load(name)
    placement, image = _placement.prepare_image(case.image, store.prepared)
  except errors.JaxsegError:
    return False
  if placement.shape != entry.placement.shape:
    return False
  if not np.allclose(placement.origin, entry.placement.origin, atol=0.01):
    return False
  own = store.image(name)
  if image.shape != own.shape or np.abs(image.astype(int) - own).max() > _HU:
    return False
  for structure in store.structures:
    reference = store.reference(name, structure)
    mask = case.masks.get(structure, np.zeros_like(reference))
    differ = np.count_nonzero(mask != reference)
    if differ > _SHARE * np.count_nonzero(reference):
      return False
  return True


def without_name(facts: dict[str, Any]) -> dict[str, Any]:
  """What a cohort says of itself, but for the name of its folder."""
  return {name: value for name, value in facts.items() if name != "source"}
