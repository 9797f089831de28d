"""Which slices a network sees, and in which order."""

import dataclasses
import math

import numpy as np
from numpy.typing import ArrayLike

from jaxseg import errors
from jaxseg import structures
from jaxseg.data import _store


@dataclasses.dataclass(frozen=True, eq=False)
class Samples:
  """Slices of some patients, as positions in the store.

  Attributes:
    positive: Slices that show the structure, int64, ascending.
    negative: Slices that are known not to show it, int64, ascending.
  """

  positive: np.ndarray
  negative: np.ndarray


def known_slices(patient: _store.Patient, structure: str) -> np.ndarray:
  """Where the reference can be believed.

  A slice without a measurement is unknown, and so is one that was passed over
  in drawing. Of an organ that goes on beyond
  the range that is usually contoured (a spinal cord drawn near the target
  only), the slices beyond that range are unknown too, and not negative, unless
  the cohort was prepared with `beyond="absent"`.

  Args:
    patient: Entry of the store.
    structure: Canonical name; contoured on this patient.

  Returns:
    Bool `[slice]`, the patient's own numbering.
  """
  known = patient.drawable(structure)
  open_ended = structures.get(structure, own=True).open_ended
  if open_ended and not patient.ends_with_contours:
    first, last = patient.contoured[structure]
    known[:first] = False
    known[last + 1 :] = False
  return known


def select(
  store: _store.Store,
  structure: str,
  patients: tuple[str, ...],
  labels: np.ndarray,
) -> Samples:
  """Sorts the known slices of patients into those with the structure or not.

  Args:
    store: Prepared cohort.
    structure: Canonical name.
    patients: Candidates; those without a contour of it are passed over.
    labels: The structure's masks, `store.labels(structure)`; or only which
      slices of the store show it, bool `[slice]`.

  Raises:
    StructureNotFoundError: No listed patient has it contoured.
  """
  # Masks are looked at a patient at a time: all of them may be gigabytes.
  flat = tuple(range(1, labels.ndim))
  positive, negative = [], []
  for name in patients:
    patient = store.patients[name]
    if structure not in patient.contoured:
      continue
    known = known_slices(patient, structure)
    shows = labels[patient.start : patient.stop].any(flat)
    positive.append(patient.start + np.flatnonzero(known & shows))
    negative.append(patient.start + np.flatnonzero(known & ~shows))
  if not positive or not sum(map(len, positive)):
    raise errors.StructureNotFoundError(
      f"{structure}: contoured on none of {len(patients)} patients of this"
      " part; choose another split or structure"
    )
  return Samples(
    np.concatenate(positive).astype(np.int64),
    np.concatenate(negative).astype(np.int64),
  )


def draw(
  samples: Samples, *, negatives: float, seed: int, epoch: int
) -> np.ndarray:
  """The slices of one epoch in their order.

  All positive slices, and for each of them `negatives` of the others, drawn
  anew in each epoch.

  Args:
    samples: Slices to draw from.
    negatives: Negative slices per positive one; at most all there are.
    seed: With `epoch`, decides order and choice.
    epoch: Number of the epoch, from 0.

  Returns:
    Positions in the store, int64 `[slice]`.
  """
  generator = np.random.Generator(np.random.PCG64([seed, epoch]))
  wanted = negatives_drawn(negatives, len(samples.positive))
  count = min(len(samples.negative), wanted)
  chosen = generator.choice(samples.negative, count, replace=False)
  return generator.permutation(np.concatenate([samples.positive, chosen]))


def negatives_drawn(negatives: float, positive: int) -> int:
  """How many slices without the structure training shows.

  >>> negatives_drawn(0.29, 100)  # The product is 28.999999999999996.
  29

  Args:
    negatives: Slices without it for each slice with it.
    positive: How many slices have it.
  """
  return math.floor(round(negatives * positive, 6))


def batches(
  order: np.ndarray, *, size: int, limit: int | None = None
) -> np.ndarray:
  """Cuts an order into batches of one size.

  The last batch is filled from the beginning, so that every slice is seen and
  every batch has the same shape.

  Args:
    order: Positions, `[slice]`.
    size: Slices a batch.
    limit: At most so many batches; None is all.

  Returns:
    int32 `[batch, size]`.
  """
  count = -(-len(order) // size)
  filled = np.resize(order, (count, size)).astype(np.int32)
  return filled if limit is None else filled[:limit]


def neighbours(
  store: _store.Store, positions: np.ndarray, count: int
) -> np.ndarray:
  """Slices and those on either side of them, never of another patient.

  Beyond a volume's ends its first or last slice is repeated.

  Args:
    store: Prepared cohort.
    positions: In the store, `[N]`.
    count: How many slices, odd; the given one is the middle.

  Returns:
    Positions, int32 `[N, count]`.
  """
  entries = list(store.patients.values())
  starts = np.array([p.start for p in entries])
  stops = np.array([p.stop for p in entries])
  own = np.searchsorted(starts, positions, side="right") - 1
  return around(positions, starts[own], stops[own], count)


def around(
  positions: np.ndarray, start: ArrayLike, stop: ArrayLike, count: int
) -> np.ndarray:
  """As `neighbours`, of slices between `start` and before `stop`."""
  steps = np.arange(count) - count // 2
  first, last = (np.asarray(v)[..., None] for v in (start, stop))
  moved = np.asarray(positions)[:, None] + steps
  return np.clip(moved, first, last - 1).astype(np.int32)
