"""Masks without specks and holes, where that was seen to help."""

from collections.abc import Callable, Mapping
import dataclasses
from typing import Any

import numpy as np

from jaxseg import data
from jaxseg import Model

# A step is taken if it raises the validation patients' mean Dice by that much.
_WORTH = 0.001


@dataclasses.dataclass(frozen=True)
class Cleaning:
  """What is done to a mask after the cut.

  Attributes:
    largest: Keep the largest connected component alone (26 neighbours).
    holes: Fill holes within each slice.
  """

  largest: bool = False
  holes: bool = False

  def __call__(self, mask: np.ndarray) -> np.ndarray:
    """The cleaned mask, bool `[slice, row, column]`."""
    if not (self.largest or self.holes) or not mask.any():
      return mask
    from scipy import ndimage  # Slow to import.

    where = ndimage.find_objects(mask.view(np.uint8))[0]
    own = mask[where]
    if self.largest:
      parts, number = ndimage.label(own, np.ones((3, 3, 3)))
      if number > 1:
        sizes = np.bincount(parts.ravel())
        sizes[0] = 0
        own = parts == sizes.argmax()
    if self.holes:
      own = np.stack([ndimage.binary_fill_holes(one) for one in own])
    cleaned = np.zeros_like(mask)
    cleaned[where] = own
    return cleaned

  @staticmethod
  def of(about: Mapping[str, Any]) -> "Cleaning":
    """As an exported model says it."""
    found = about.get("postprocess") or {}
    return Cleaning(bool(found.get("largest")), bool(found.get("holes")))


def choose(
  run: data.Run,
  model: Model,
  on_patient: Callable[[str, int, int], None] | None = None,
) -> dict[str, Any]:
  """Which steps raise the Dice of the validation patients.

  Args:
    run: The run that the model was trained in.
    model: With a threshold.
    on_patient: Called after each patient with (name, done, all).

  Returns:
    JSON-able: "largest", "holes", "dice_before", "dice_after", "patients".
  """
  ways = [Cleaning(a, b) for a in (False, True) for b in (False, True)]
  names = [
    name
    for name in run.split.validation
    if model.structure in run.store.patients[name].contoured
  ]
  scores: list[list[float]] = [[] for _ in ways]
  for done, name in enumerate(names, start=1):
    maps = model.predict_prepared(run.store.image(name))
    maps = run.store.patients[name].placement.restore(maps)
    cut = maps >= np.float32(model.threshold.threshold)  # type: ignore
    reference = run.store.reference(name, model.structure)
    for way, own in zip(ways, scores, strict=True):
      mask = way(cut)
      both = int(np.count_nonzero(mask & reference))
      size = int(np.count_nonzero(mask)) + int(np.count_nonzero(reference))
      own.append(2 * both / size)
    if on_patient:
      on_patient(name, done, len(names))
  means = [float(np.mean(own)) for own in scores]
  best = int(np.argmax(means))
  if means[best] < means[0] + _WORTH:
    best = 0
  return {
    **dataclasses.asdict(ways[best]),
    "dice_before": means[0],
    "dice_after": means[best],
    "patients": len(names),
  }
