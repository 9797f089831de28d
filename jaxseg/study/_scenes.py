"""Whole patients to look at: an image, its reference, and each model's map.

A map is kept as the voxels that reach a threshold above 0 and how many
thresholds each reaches, so that every mask it can be cut to, and its Dice, is
there exactly, in a small part of the map's size.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
import dataclasses
import pathlib
from typing import Any

import numpy as np

from jaxseg import _probabilities
from jaxseg import data
from jaxseg import thresholds
from jaxseg.study import _cohort_counts
from jaxseg.study import _models

# In order of how much each is missed.
ROLES = ("median", "worst", "best")
_AIR_HU = -1000
# Of the picture about everything that is inside of it: enough to know where in
# the body it is.
_MARGIN_MM = 45.0
_CHOICES = ("objective", "seed", "negatives")


@dataclasses.dataclass(frozen=True, eq=False)
class SceneMap:
  """One model's map of a scene.

  Attributes:
    choices: What tells it from the scene's other maps: objective, seed,
      negatives; {} of anyone's maps.
    threshold: The model's own.
    place: Flat index of each voxel that reaches the first threshold above 0,
      ascending, uint32.
    level: How many thresholds each of them reaches, uint32: `p >= grid[k]`
      where `level > k`.
    cuts: Thresholds of the distances, float32 `[cut]`; may be empty.
    hd95_mm: 95th-percentile Hausdorff distance at each, mm, `[cut]`; inf where
      nothing is predicted.
    cohort: Dice of all patients of the test pooled, `[T]`.
  """

  choices: Mapping[str, Any]
  threshold: float
  place: np.ndarray
  level: np.ndarray
  cuts: np.ndarray
  hd95_mm: np.ndarray
  cohort: np.ndarray


@dataclasses.dataclass(frozen=True, eq=False)
class Scene:
  """A patient and a structure, with the map of each model.

  Attributes:
    structure: Canonical name, or the class of anyone's maps.
    patient: Name.
    role: "median", "worst" or "best" of the patients the models are scored on.
    patients: How many these are.
    shape: Lengths (slices, rows, columns) of the patient's grid.
    spacing: Distance of neighbouring centres along them, mm.
    grid: Number of thresholds, evenly from 0 to 1.
    known: Bool `[slice]`, the slices that count.
    reference: Flat index of each voxel of the reference, ascending, uint32.
    origin: Index of the image's first voxel in the patient's grid.
    image: Part of the patient's image about everything that is shown,
      `[slice, row, column]`; None where there is none.
    size: Lengths of that part, also where there is no image.
    synthetic: Whether the patient is made up.
    maps: One at least.
    sides: Which side of the patient is (left, top) in the picture, such as
      ("R", "A"); "" where it is not known.
  """

  structure: str
  patient: str
  role: str
  patients: int
  shape: tuple[int, int, int]
  spacing: tuple[float, float, float]
  grid: int
  known: np.ndarray
  reference: np.ndarray
  origin: tuple[int, int, int]
  size: tuple[int, int, int]
  image: np.ndarray | None
  synthetic: bool
  maps: tuple[SceneMap, ...]
  sides: tuple[str, str] = ("", "")


def scenes(
  run: data.Run,
  folders: Sequence[pathlib.Path],
  *,
  on_structure: Callable[[str, int, int], None] | None = None,
) -> Iterator[Scene]:
  """Three test patients of each structure, with the maps of all its models.

  They are those of the median, the worst and the best Dice, each model cut at
  its own threshold and the mean taken over the models.

  Args:
    run: Run folder.
    folders: Of swept models.
    on_structure: Called after each structure with (name, done, all).

  Yields:
    Structure by structure, one scene at a time: whole maps are large.
  """
  by_structure: dict[str, list[pathlib.Path]] = {}
  counted = {}
  for folder in folders:
    counted[folder] = _cohort_counts.CohortCounts.read(run.counts(folder))
    structure = counted[folder].facts["structure"]
    by_structure.setdefault(structure, []).append(folder)
  for done, (structure, own) in enumerate(by_structure.items(), start=1):
    results = [counted[folder] for folder in own]
    cuts = [_own_threshold(f, c) for f, c in zip(own, results, strict=True)]
    named = shown([c.sides()[1] for c in results], cuts)
    for role, name in named.items():
      patient = run.store.patients[name]
      reference = run.store.reference(name, structure)
      maps = [
        scene_map(
          _models.predicted(
            _models.model_of(run, folder, name), run.store, name
          ),
          result,
          name,
          cut,
          {key: result.facts.get(key) for key in _CHOICES},
        )
        for folder, result, cut in zip(own, results, cuts, strict=True)
      ]
      image = patient.placement.restore(run.store.image(name), fill=_AIR_HU)
      yield scene(
        structure=structure,
        patient=name,
        role=role,
        patients=len(results[0].sides()[1].names),
        spacing=patient.spacing,
        grid=results[0].grid,
        known=data.scopes(
          patient, structure, np.any(reference, axis=(1, 2)), negatives=0.0
        )["known"],
        reference=reference,
        image=image,
        synthetic=run.store.synthetic,
        maps=maps,
        sides=sides(np.array(patient.affine)),
      )
    if on_structure:
      on_structure(structure, done, len(by_structure))


def _own_threshold(
  folder: pathlib.Path, counts: _cohort_counts.CohortCounts
) -> float:
  # The models of all folds have the same.
  path = (data.fold_folders(folder) or (folder,))[0] / "threshold.json"
  if path.exists():
    return float(thresholds.ChosenThreshold.read(path).threshold)
  return thresholds.optimum(counts.sides()[0].even).threshold


def shown(
  cases: Sequence[_cohort_counts.Cases], cuts: Sequence[float]
) -> dict[str, str]:
  """Role -> the patient of it, each patient once.

  Args:
    cases: Those that each model is scored on.
    cuts: Where each model is cut.
  """
  dice = [
    dict(zip(s.names, thresholds.curve(s.even)[:, s.index(cut)], strict=True))
    for s, cut in zip(cases, cuts, strict=True)
    if len(s.names)
  ]
  common = [n for n in cases[0].names if all(n in one for one in dice)]
  mean = np.array([np.mean([one[n] for one in dice]) for n in common])
  defined = np.flatnonzero(~np.isnan(mean))
  order = defined[mean[defined].argsort(kind="stable")]
  if not len(order):
    return {}
  at = {"median": len(order) // 2, "worst": 0, "best": len(order) - 1}
  named: dict[str, str] = {}
  for role in ROLES:
    name = common[order[at[role]]]
    if name not in named.values():
      named[role] = name
  return named


def scene_map(
  p: np.ndarray,
  counts: _cohort_counts.CohortCounts,
  name: str,
  threshold: float,
  choices: Mapping[str, Any],
) -> SceneMap:
  """A map as a scene keeps it.

  Args:
    p: `[slice, row, column]`, floating point or uint8.
    counts: Of its model, or of the class of anyone's maps.
    name: Of the case.
    threshold: The model's own.
    choices: As in `SceneMap`.
  """
  grid = thresholds.grid(counts.grid)
  flat = np.asarray(p).reshape(-1)
  if flat.dtype == np.uint8:
    flat = flat.astype(np.float32) / np.float32(255)
  flat = _probabilities.on_host(flat)
  place = np.flatnonzero(flat >= grid[1]).astype(np.uint32)
  level = np.searchsorted(grid, flat[place], side="right").astype(np.uint32)
  case = counts.names.index(name)
  own = counts.surfaces[case] if counts.surfaces is not None else None
  known = own is not None and not np.isnan(own[3]).any()
  cuts = np.asarray(counts.cuts) if known else np.zeros(0, np.float32)
  return SceneMap(
    choices=dict(choices),
    threshold=float(threshold),
    place=place,
    level=level,
    cuts=cuts,
    hd95_mm=np.asarray(own)[0] if known else np.zeros(0),
    cohort=thresholds.curve(counts.sides()[1].even.sum()),
  )


def scene(
  *,
  reference: np.ndarray,
  image: np.ndarray | None,
  maps: Sequence[SceneMap],
  **facts: Any,
) -> Scene:
  """A scene whose image is cropped to what is shown.

  Args:
    reference: Mask, bool, `[slice, row, column]`.
    image: On the same grid, or None.
    maps: Of all models.
    **facts: The other attributes.
  """
  shape, spacing = reference.shape, facts["spacing"]
  grid = np.asarray(thresholds.grid(facts["grid"]))
  inside = [np.flatnonzero(reference)]
  for one in maps:
    cut = int(np.abs(grid - np.float32(one.threshold)).argmin())
    inside.append(one.place[one.level > cut])
  origin, size = _box(np.concatenate(inside), shape, spacing)
  part = tuple(slice(a, a + n) for a, n in zip(origin, size, strict=True))
  return Scene(
    shape=shape,
    reference=inside[0].astype(np.uint32),
    origin=origin,
    size=size,
    image=None if image is None else np.ascontiguousarray(image[part]),
    maps=tuple(maps),
    **facts,
  )


def _box(
  inside: np.ndarray, shape: tuple[int, ...], spacing: Sequence[float]
) -> tuple[tuple[int, int, int], tuple[int, int, int]]:
  """First voxel and lengths of what is shown about these voxels."""
  margins = (2, *(int(np.ceil(_MARGIN_MM / mm)) for mm in spacing[1:]))
  begin, lengths = [], []
  for index, n, margin in zip(
    np.unravel_index(inside, shape), shape, margins, strict=True
  ):
    first = max(0, int(index.min()) - margin) if len(inside) else 0
    last = min(n, int(index.max()) + margin + 1) if len(inside) else n
    begin.append(first)
    lengths.append(last - first)
  return tuple(begin), tuple(lengths)  # type: ignore


def sides(affine: np.ndarray) -> tuple[str, str]:
  """Letters of the patient's side at the picture's left, and at its top."""
  found = []
  for axis in (2, 1):  # Column, row; the affine is in LPS.
    way = affine[:3, axis] / np.linalg.norm(affine[:3, axis])
    k = int(np.abs(way).argmax())
    # The first column is where the axis comes from: the other side.
    letters = ("RL", "AP", "IS")[k]
    clear = abs(way[k]) > 0.8
    found.append(letters[0 if way[k] > 0 else 1] if clear else "")
  return found[0], found[1]
