"""The masks of a patient's drawings, and the audit's line on each."""

from collections.abc import Mapping, Sequence
import dataclasses
import math
from typing import Any

import numpy as np

from jaxseg import _text
from jaxseg import dicom
from jaxseg import errors
from jaxseg.cohorts import _dicom_choice
from jaxseg.cohorts import _dicom_names
from jaxseg.cohorts import _dicom_tree

OUTSIDE = "no voxel of the CT lies within"


class Masks:
  """The masks of drawings on an image, each made once, when it is asked for."""

  def __init__(
    self,
    sources: Sequence[_dicom_tree.Parsed],
    image: dicom.Image,
    combine: str,
    options: Mapping[str, Any],
  ):
    self._sources = sources
    self._image = image
    self._combine, self._options = combine, options
    self._unknown: dict[tuple[int, int], tuple[int, ...]] = {}
    self._made: dict[
      tuple[int, int], tuple[np.ndarray | None, tuple[str, ...]]
    ] = {}
    self.voxel_ml = image.placed.voxel_ml

  def get(
    self, outline: _dicom_choice.Outline
  ) -> tuple[np.ndarray | None, tuple[str, ...]]:
    """The mask of a contour, None if there can be none, and remarks."""
    key = (outline.source, outline.number)
    if key not in self._made:
      array, remarks = self._make(*key)
      # Packed, as there may be a hundred.
      bits = None if array is None else np.packbits(array)
      self._made[key] = bits, remarks
      return array, remarks
    bits, remarks = self._made[key]
    if bits is None:
      return None, remarks
    flat = np.unpackbits(bits, count=math.prod(self._image.shape))
    return flat.reshape(self._image.shape).view(np.bool_), remarks

  def _make(
    self, at: int, number: int
  ) -> tuple[np.ndarray | None, tuple[str, ...]]:
    source = self._sources[at]
    try:
      if isinstance(source, dicom.Segmentation):
        made = source.mask_on(self._image, number, **self._options)
      else:
        made = source.mask(
          number, self._image, combine=self._combine, **self._options
        )
    except errors.JaxsegError as e:
      return None, (str(e),)
    except MemoryError:
      return None, ("needs more memory than there is",)
    self._unknown[at, number] = made.unknown
    return made.array, tuple(map(str, made.notes))

  def unknown(self, outline: _dicom_choice.Outline) -> tuple[int, ...]:
    """Slices of which the contours say nothing, once the mask is made."""
    return self._unknown.get((outline.source, outline.number), ())

  def volume(self, outline: _dicom_choice.Outline) -> float:
    """Volume, mL."""
    array, _ = self.get(outline)
    return 0.0 if array is None else int(array.sum()) * self.voxel_ml


@dataclasses.dataclass(frozen=True, eq=False)
class Taken:
  """What is used of a patient's contours.

  Attributes:
    masks: Canonical structure name -> mask.
    unknown: Structure -> slices of which its contours say nothing, ascending.
    missing: Structure -> why there is no mask of it.
    notes: What was unusual.
  """

  masks: dict[str, np.ndarray]
  unknown: dict[str, tuple[int, ...]]
  missing: dict[str, str]
  notes: list[str]


def take(found: Sequence[_dicom_names.Named], masks: Masks) -> Taken:
  """Makes the masks of the contours that were matched."""
  made: dict[str, np.ndarray] = {}
  unknown: dict[str, set[int]] = {}
  missing: dict[str, str] = {}
  unreadable, notes = set(), []
  for named in found:
    structure = named.structure
    said = f"{_text.shown(named.outline.name)} ({structure})"
    if named.status in ("refused", "empty"):
      notes.append(f"{said}: {named.status}, {named.reason}")
    if named.outline.malformed and named.status == "empty":
      missing.setdefault(structure, f"{said}: {named.reason}")
    if named.status != "matched":
      continue
    array, remarks = masks.get(named.outline)
    notes += [f"{said}: {remark}" for remark in remarks]
    if array is None:
      unreadable.add(structure)
      missing[structure] = remarks[0]
    elif not array.any():
      missing.setdefault(structure, f"{said}: {OUTSIDE}")
    else:
      made[structure] = array | made.get(structure, False)
      # Of a union, a slice is unknown as soon as one part of it is.
      unknown.setdefault(structure, set()).update(masks.unknown(named.outline))
  # A union without one of its parts is no reference.
  kept = {name: made[name] for name in made if name not in unreadable}
  return Taken(
    kept,
    {name: tuple(sorted(unknown[name])) for name in kept},
    {name: why for name, why in missing.items() if name not in kept},
    notes,
  )


def row(named: _dicom_names.Named, masks: Masks) -> dict[str, Any]:
  """One line of the audit."""
  array, remarks = masks.get(named.outline)
  voxels = 0 if array is None else int(np.count_nonzero(array))
  status, reason = named.status, named.reason
  if array is None:
    status, reason = "unreadable", remarks[0]
  if status == "matched" and not voxels:
    status, reason = "empty", OUTSIDE
  return {
    "number": named.outline.number,
    "name": named.outline.name,
    "structure": named.structure,
    "status": status,
    "voxels": voxels,
    "ml": round(voxels * masks.voxel_ml, 3),
    "slices": 0 if array is None else int(array.any(axis=(1, 2)).sum()),
    "unknown_slices": len(masks.unknown(named.outline)),
    "reason": reason,
    "notes": "; ".join(remarks),
  }
