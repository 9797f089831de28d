"""Cases of anyone's maps to look at, on their image where there is one."""

from collections.abc import Callable, Iterator, Mapping, Sequence
import pathlib

import numpy as np

from jaxseg import errors
from jaxseg import formats
from jaxseg import volume
from jaxseg.study import _cohort_counts
from jaxseg.study import _count_cases
from jaxseg.study import _scenes


def map_scenes(
  pairs: Sequence[formats.Pair],
  found: Sequence[tuple[_cohort_counts.CohortCounts, float]],
  images: Mapping[str, pathlib.Path] | None = None,
  *,
  on_class: Callable[[str, int, int], None] | None = None,
) -> Iterator[_scenes.Scene]:
  """Three cases of each class of anyone's maps.

  Args:
    pairs: Maps and references that were counted.
    found: Of each class its counts and the threshold chosen on them.
    images: Case -> file of the image that was segmented; cases without one are
      shown on a grey picture of the map.
    on_class: Called after each class with (name, done, all).

  Yields:
    Class by class, one scene at a time.

  Raises:
    GeometryError: An image does not overlap with its reference.
  """
  by_name = {one.name: one for one in pairs}
  for done, (counts, cut) in enumerate(found, start=1):
    facts = counts.facts
    label = facts.get("label")
    options = _count_cases.MapOptions(
      structure=facts.get("structure"),
      label=tuple(label) if isinstance(label, list) else label,
      resample=bool(facts.get("resample")),
      eight_bit=bool(facts.get("eight_bit")),
      ignore=None if facts.get("ignore") is None else tuple(facts["ignore"]),
    )
    both = counts.sides()[1]
    for role, name in _scenes.shown([both], [cut]).items():
      if name not in by_name:  # Merged counts have no maps.
        continue
      p, coded, _, place = _count_cases.read_pair(by_name[name], options)
      image = None
      if images and name in images:
        image = _image_on(images[name], coded.shape, place)
      p = np.where(coded == formats.IGNORED, p.dtype.type(0), p)
      turned, sides = _as_hung(place)
      yield _scenes.scene(
        structure=_called(counts),
        patient=name,
        role=role,
        patients=len(both.names),
        spacing=(1.0, 1.0, 1.0) if place is None else place.spacing,
        grid=counts.grid,
        known=np.ones(len(coded), np.bool_),
        reference=(coded == formats.INSIDE)[turned],
        image=None if image is None else image[turned],
        synthetic=False,
        maps=[_scenes.scene_map(p[turned], counts, name, cut, {})],
        sides=sides,
      )
    if on_class:
      on_class(_called(counts), done, len(found))


def _image_on(
  path: pathlib.Path, shape: tuple[int, ...], place: volume.Grid | None
) -> np.ndarray:
  """An image's values on the grid of a reference."""
  image = formats.read_image(path)
  if image.shape == shape and (image.grid is None or place is None):
    return image.array
  if place is None or image.grid is None or place.shape != shape:
    raise errors.GeometryError(
      f"{path}: has the shape {image.shape}, its reference {shape}, and one"
      " of the two tells no geometry; give files with one (--images)"
    )
  same = volume.reorder(image, place)
  if same is not None:
    return same.array
  moved = volume.resample(image, place, fill=np.nan).array
  beyond = np.isnan(moved)
  if beyond.all():
    raise errors.GeometryError(
      f"{path}: does not overlap with its reference anywhere; give the image"
      " that was segmented (--images)"
    )
  moved[beyond] = np.nanmin(moved)
  return moved


def _as_hung(
  place: volume.Grid | None,
) -> tuple[tuple[slice, slice, slice], tuple[str, str]]:
  """How to turn a picture as radiologists hang it, and what its sides are.

  The patient's right or front is at the left, the front or the head on top;
  many NIfTI files have rows and columns the other way round.
  """
  if place is None:
    return (slice(None),) * 3, ("", "")
  left, top = _scenes.sides(place.affine)
  back = slice(None, None, -1)
  columns = back if left in ("L", "P") else slice(None)
  rows = back if top in ("P", "I") else slice(None)
  hung = {"L": "R", "P": "A", "I": "S"}
  return (slice(None), rows, columns), (
    hung.get(left, left),
    hung.get(top, top),
  )


def _called(counts: _cohort_counts.CohortCounts) -> str:
  """A name for the class, no two alike; "" of maps of one class."""
  columns = counts.class_columns
  own, label = columns.get("class"), columns.get("label")
  parts = []
  if own is not None:
    parts.append(f"class {own}" if str(own).isdigit() else str(own))
  if label is not None and str(label) != str(own):
    parts.append(f"label {label}")
  return ", ".join(parts)
