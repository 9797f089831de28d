"""One slice of one test patient per model, to be shown with its contours."""

from collections.abc import Sequence
import dataclasses
import pathlib

import numpy as np

from jaxseg import data
from jaxseg import thresholds
from jaxseg.study import _cohort_counts
from jaxseg.study import _models


@dataclasses.dataclass(frozen=True, eq=False)
class Example:
  """A slice with its reference and the model's map.

  Attributes:
    structure: Canonical name.
    objective: What the model was trained on.
    patient: Name.
    dice: Of the whole patient, at the model's threshold.
    threshold: Chosen on the validation patients.
    slice: Its number in the patient.
    image_hu: CT, HU, `[row, column]`.
    reference: Mask, bool, `[row, column]`.
    probability: float32 `[row, column]`.
    pixel_mm: Distance of neighbouring centres along (row, column), mm.
  """

  structure: str
  objective: str
  patient: str
  dice: float
  threshold: float
  slice: int
  image_hu: np.ndarray
  reference: np.ndarray
  probability: np.ndarray
  pixel_mm: tuple[float, float]


def examples(run: data.Run, folders: Sequence[pathlib.Path]) -> list[Example]:
  """An example of each model, neither its best case nor its worst.

  The patient is the test patient of median Dice, the slice the one that shows
  most of the reference.

  Args:
    run: Run folder.
    folders: Of swept models.
  """
  found = []
  for folder in folders:
    counts = _cohort_counts.CohortCounts.read(run.counts(folder))
    choose_on, score_on = counts.sides()
    best = thresholds.optimum(choose_on.even)
    dice = thresholds.curve(score_on.even)[:, best.index]
    place = int(dice.argsort(kind="stable")[len(dice) // 2])
    name, structure = score_on.names[place], counts.facts["structure"]
    reference = run.store.reference(name, structure)
    k = int(reference.sum((1, 2)).argmax())
    patient = run.store.patients[name]
    image = patient.placement.restore(run.store.image(name), fill=-1000)
    maps = _models.predicted(
      _models.model_of(run, folder, name), run.store, name
    )
    found.append(
      Example(
        structure=structure,
        objective=counts.facts["objective"],
        patient=name,
        dice=float(dice[place]),
        threshold=best.threshold,
        slice=k,
        image_hu=image[k],
        reference=reference[k],
        probability=maps[k],
        pixel_mm=patient.spacing[1:],
      )
    )
  return found
