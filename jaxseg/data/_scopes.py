"""Which of a patient's slices a score counts."""

from collections.abc import Mapping

import numpy as np

from jaxseg import _files
from jaxseg.data import _batches
from jaxseg.data import _store

SCOPES = ("known", "volume", "organ", "kept")


def scopes(
  patient: _store.Patient,
  structure: str,
  shows: np.ndarray,
  *,
  negatives: float,
) -> Mapping[str, np.ndarray]:
  """The slices of each scope.

  Args:
    patient: Entry of the store.
    structure: Canonical name; contoured on this patient.
    shows: Bool `[slice]`, where the reference has the structure.
    negatives: Slices without the structure per slice with it in training.

  Returns:
    Scope -> bool `[slice]`, in the order of `SCOPES`. `known`: where the
    reference can be believed. `volume`: every slice that was scanned, as if
    nothing lay beyond the contours. `organ`: known slices with the structure.
    `kept`: these and as many of the other known ones as training shows, the
    same for every model, and of fewer `negatives` a part.
  """
  known = _batches.known_slices(patient, structure)
  organ = known & shows
  others = np.flatnonzero(known & ~shows)
  drawn_by = int(_files.digest([patient.name, structure]), 16)
  order = np.random.Generator(np.random.PCG64(drawn_by)).permutation(others)
  kept = organ.copy()
  count = _batches.negatives_drawn(negatives, int(organ.sum()))
  kept[order[:count]] = True
  return {
    "known": known,
    "volume": patient.drawable(structure),
    "organ": organ,
    "kept": kept,
  }
