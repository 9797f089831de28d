"""Cases of one patient: they are drawn, and left out, together."""

import numpy as np
from numpy import typing as npt

from jaxseg import errors


def numbered(patients: npt.ArrayLike | None, cases: int) -> np.ndarray:
  """The patients as numbers in the order of their first cases, `[case]`.

  Args:
    patients: Patient of each case, names or numbers, `[case]`; None takes each
      case for a patient.
    cases: Number of cases.

  Raises:
    ConfigError: There is not one patient for each case.
  """
  if patients is None:
    return np.arange(cases)
  names = np.asarray(patients)
  if names.shape != (cases,):
    raise errors.ConfigError(
      f"patients of shape {names.shape} for {cases} cases; give one for each"
      " case"
    )
  _, first, place = np.unique(names, return_index=True, return_inverse=True)
  rank = np.empty(len(first), np.intp)
  rank[np.argsort(first)] = np.arange(len(first))
  return rank[place.ravel()]
