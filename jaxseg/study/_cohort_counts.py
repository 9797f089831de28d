"""Counts of a cohort: what a run's model and anyone's maps leave behind."""

from collections.abc import Mapping, Sequence
import dataclasses
import functools
import io
import json
import pathlib
from typing import Any

import numpy as np

from jaxseg import _files
from jaxseg import _text
from jaxseg import errors
from jaxseg import thresholds
from jaxseg.study import _alike
from jaxseg.study import _archive

_FORMAT = 2
# Columns that tell the models of a run apart, where the facts have them.
_MODEL = ("structure", "objective", "seed", "negatives")


@dataclasses.dataclass(frozen=True, eq=False)
class Cases:
  """Some cases in one scope: what the analyses choose on and score on.

  Attributes:
    names: Of the cases.
    counts: `[case, T + 1]`, int64, at `thresholds.fine_grid(grid)`.
    grid: Number of thresholds of the even grid among them.
    voxel_ml: `[case]`, volume of a voxel, mL; nan where it is not known.
    surfaces: `[case, 4, cut]`: HD95 in mm, ASSD in mm, NSD at 2 mm, voxels
      predicted; None where they were not computed.
    cuts: float32 `[cut]`, the thresholds of the surfaces.
    remarks: Of each case what looks like a mistake, a line each; () is nothing.
    patients: Of each case the patient; left out, each is one of its own.
    argmax: As in `CohortCounts`.
  """

  names: tuple[str, ...]
  counts: thresholds.Counts
  grid: int
  voxel_ml: np.ndarray
  surfaces: np.ndarray | None = None
  cuts: np.ndarray | None = None
  patients: tuple[str, ...] = ()
  argmax: np.ndarray | None = None
  remarks: tuple[str, ...] = ()

  def __post_init__(self):
    if not self.patients:
      object.__setattr__(self, "patients", self.names)

  @functools.cached_property
  def even(self) -> thresholds.Counts:
    """Counts at the even grid."""
    return thresholds.coarsen(self.counts, thresholds.grid(self.grid))

  @functools.cached_property
  def predicted(self) -> np.ndarray:
    """Voxels at or above each threshold of the even grid, `[case, T]`."""
    return self.even.true_positive + self.even.false_positive

  @functools.cached_property
  def reference(self) -> np.ndarray:
    """Voxels of each reference, `[case]`."""
    return self.counts.positive.sum(-1)

  @functools.cached_property
  def number_of_patients(self) -> int:
    """How many patients the cases are of."""
    return len(set(self.patients))

  @property
  def with_structure(self) -> int:
    """How many patients have the structure."""
    has = np.flatnonzero(self.reference > 0)
    return len({self.patients[k] for k in has})

  def index(self, threshold: float) -> int:
    """Position in the even grid of the threshold nearest to this one."""
    grid = np.asarray(self.even.thresholds, np.float64)
    return int(np.abs(grid - threshold).argmin())

  def surfaces_at(self, threshold: float) -> np.ndarray:
    """The surfaces at one of their thresholds, `[case, 4]`.

    Raises:
      DataError: There are none at this threshold.
    """
    if self.surfaces is not None and self.cuts is not None:
      place = np.flatnonzero(self.cuts == np.float32(threshold))
      if len(place):
        return self.surfaces[:, :, place[0]]
    raise errors.DataError(
      f"no surfaces were computed at threshold {threshold:g}; delete the counts"
      " and sweep again"
    )


@dataclasses.dataclass(frozen=True, eq=False)
class CohortCounts:
  """Counts of all cases of a model, or of anyone's maps.

  Attributes:
    names: Of the cases.
    parts: Of each case "validation" or "test"; "" of anyone's maps.
    scopes: Which slices count -> counts `[case, T + 1]`, int64, at
      `thresholds.fine_grid(grid)`. The first scope is the one that statements
      are made of. Of a run these are `data.SCOPES`: `known`, the slices where
      the reference can be believed (of an organ that continues beyond the range
      usually contoured, that range; else every scanned slice), `volume`,
      `organ` and `kept`; of maps `volume`.
    voxel_ml: `[case]`, volume of a voxel, mL; nan where it is not known.
    grid: Number of thresholds of the even grid.
    keys: Of each case what it was counted from, as text.
    surfaces: `[case, 4, cut]` as in `Cases`, of the first scope; nan where a
      case has none, None where no case has.
    cuts: float32 `[cut]`, the thresholds of the surfaces.
    facts: JSON-able: structure, objective, seed and negatives of a model, class
      and label of maps; cases whose facts differ do not merge.
    remarks: Of each case what looks like a mistake, a line each, "" where
      nothing does; () stands for no remarks on any.
    patients: Of each case the patient, whose cases are resampled and left out
      together; empty where each case is a patient of its own.
    argmax: Of each case the voxels where the class is the most probable one:
      right, wrong and lost, integers `[case, 3]`; None of maps that are no
      softmax of several classes.
  """

  names: tuple[str, ...]
  parts: tuple[str, ...]
  scopes: Mapping[str, thresholds.Counts]
  voxel_ml: np.ndarray
  grid: int
  keys: tuple[str, ...]
  surfaces: np.ndarray | None = None
  cuts: np.ndarray | None = None
  facts: Mapping[str, Any] = dataclasses.field(default_factory=dict)
  patients: tuple[str, ...] = ()
  argmax: np.ndarray | None = None
  remarks: tuple[str, ...] = ()

  def __post_init__(self):
    count = len(self.names)
    lengths = {
      "parts": len(self.parts),
      "keys": len(self.keys),
      "voxel_ml": len(self.voxel_ml),
      "remarks": len(self.remarks or self.names),
      "patients": len(self.patients) or count,
      "argmax": count if self.argmax is None else len(self.argmax),
      **{scope: len(c.positive) for scope, c in self.scopes.items()},
    }
    shape = None if self.surfaces is None else self.surfaces.shape
    if shape is not None:
      lengths["surfaces"] = shape[0]
    wrong = [f"{k} of {n}" for k, n in lengths.items() if n != count]
    cuts = None if self.cuts is None else len(self.cuts)
    if shape is not None and shape[1:] != (4, cuts):
      wrong.append(f"surfaces of shape {shape} at {cuts} thresholds")
    if wrong or not self.scopes:
      said = ", ".join(wrong) or "no counts"
      raise errors.DataError(f"{count} names, but {said}")

  @property
  def is_run(self) -> bool:
    """Whether the cases are a model's, in validation and test."""
    return any(self.parts)

  @property
  def lacks_surfaces(self) -> np.ndarray:
    """Of each case whether it has no surfaces, bool `[case]`."""
    if self.surfaces is None:
      return np.ones(len(self.names), np.bool_)
    return np.isnan(self.surfaces[:, 3]).any(-1)

  @property
  def name(self) -> str:
    """Structure, objective and seed of a model; of maps how many they are."""
    if not self.is_run:
      return f"{len(self.names)} case{'s' if len(self.names) != 1 else ''}"
    structure, objective, seed, level = map(self.facts.get, _MODEL)
    said = f"{structure}, {objective}, seed {seed}"
    return f"{said}, negatives {level:g}" if self.facts.get("beside") else said

  @property
  def class_columns(self) -> dict[str, Any]:
    """Class and label of maps as a table's columns; nothing if not given."""
    return _alike.class_columns(self.facts)

  def take(self, which: Sequence[int]) -> "CohortCounts":
    """Some of the cases, by their positions."""
    return dataclasses.replace(
      self,
      names=tuple(self.names[k] for k in which),
      parts=tuple(self.parts[k] for k in which),
      scopes={scope: c[which] for scope, c in self.scopes.items()},
      voxel_ml=self.voxel_ml[which],
      keys=tuple(self.keys[k] for k in which),
      patients=tuple(self.patients[k] for k in which if self.patients),
      argmax=None if self.argmax is None else self.argmax[which],
      surfaces=None if self.surfaces is None else self.surfaces[which],
      remarks=tuple(self.remarks[k] for k in which if self.remarks),
    )

  def select(
    self, *, part: str | None = None, scope: str | None = None
  ) -> Cases:
    """Cases of one part in one scope.

    Args:
      part: "validation" or "test"; None is all cases.
      scope: None is the first one, which alone has surfaces.

    Raises:
      DataError: There is no such scope, or no case of the part.
    """
    first = next(iter(self.scopes))
    scope = first if scope is None else scope
    which = [k for k, own in enumerate(self.parts) if part in (None, own)]
    if scope not in self.scopes or not which:
      raise errors.DataError(
        f"{self.name}: no counts of part {part} in scope {scope}; sweep again"
      )
    own = self.take(which)
    bare = scope != first or own.lacks_surfaces.any()
    return Cases(
      own.names,
      own.scopes[scope],
      self.grid,
      own.voxel_ml,
      None if bare else own.surfaces,
      None if bare else self.cuts,
      patients=own.patients,
      argmax=own.argmax,
      remarks=own.remarks,
    )

  def sides(self, *, scope: str | None = None) -> tuple[Cases, Cases]:
    """The cases to choose on and those to score on.

    Of a run these are the validation and the test patients. Of anyone's maps
    both are all cases, one and the same object: in-sample.
    """
    if self.is_run:
      validation = self.select(part="validation", scope=scope)
      return validation, self.select(part="test", scope=scope)
    both = self.select(scope=scope)
    return both, both

  def columns(self, scope: str | None = None) -> dict[str, Any]:
    """What a row of a table says of a run's model, or of a class of maps."""
    if not self.is_run:
      return self.class_columns
    model = {name: self.facts.get(name) for name in _MODEL}
    return {**model, "scope": scope or next(iter(self.scopes))}

  def write(self, path: pathlib.Path) -> None:
    """Writes an .npz file without pickles, in one step."""
    arrays: dict[str, Any] = {
      "format": np.int64(_FORMAT),
      "names": np.array(self.names, np.str_),
      "parts": np.array(self.parts, np.str_),
      "keys": np.array(self.keys, np.str_),
      "voxel_ml": self.voxel_ml,
      "grid": np.int64(self.grid),
      "facts": np.array(json.dumps(dict(self.facts))),
      "scopes": np.array(list(self.scopes), np.str_),
      "thresholds": thresholds.fine_grid(self.grid),
      "positive": np.stack([c.positive for c in self.scopes.values()]),
      "negative": np.stack([c.negative for c in self.scopes.values()]),
    }
    if any(self.remarks):
      arrays["remarks"] = np.array(self.remarks, np.str_)
    if self.surfaces is not None:
      arrays |= {"surfaces": self.surfaces, "cuts": self.cuts}
    if self.patients:
      arrays["patients"] = np.array(self.patients, np.str_)
    if self.argmax is not None:
      arrays["argmax"] = self.argmax
    # A run's counts are kept for good; those of single maps are many.
    _files.write_bytes(path, _archive.packed(arrays, small=self.is_run))

  @staticmethod
  def read(path: pathlib.Path) -> "CohortCounts":
    """Reads what `write` wrote.

    Raises:
      DataError: The file is missing, damaged, or of another version.
    """
    try:
      # Not the path: NumPy leaves a file open that is no archive.
      content = io.BytesIO(path.read_bytes())
      with np.load(content, allow_pickle=False) as file:
        arrays = {name: file[name] for name in file.files}
      if (version := int(arrays.get("format", 0))) != _FORMAT:
        raise errors.DataError(
          f"written as version {version}, this one reads {_FORMAT}"
        )
      both = thresholds.Counts.from_arrays(arrays)  # [scope, case, T + 1]
      grid = int(arrays["grid"])
      if not np.array_equal(both.thresholds, thresholds.fine_grid(grid)):
        raise errors.DataError(f"its thresholds are not fine_grid({grid})")
      scopes = arrays["scopes"].tolist()
      return CohortCounts(
        tuple(arrays["names"].tolist()),
        tuple(arrays["parts"].tolist()),
        {name: both[k] for k, name in enumerate(scopes)},
        np.asarray(arrays["voxel_ml"], np.float64),
        grid,
        tuple(arrays["keys"].tolist()),
        arrays.get("surfaces"),
        arrays.get("cuts"),
        dict(json.loads(arrays["facts"].item())),
        patients=(
          tuple(arrays["patients"].tolist()) if "patients" in arrays else ()
        ),
        argmax=arrays.get("argmax"),
        remarks=tuple(arrays["remarks"].tolist())
        if "remarks" in arrays
        else (),
      )
    except _alike.UNREADABLE as e:
      said = " ".join(str(e).split())[:200]
      if "pickle" in said:  # NumPy's advice is not for files that came by mail.
        said = "it is no .npz file"
      raise errors.DataError(
        f"{path}: not readable as counts ({said}); delete it and sweep again"
      ) from e

  @staticmethod
  def join(parts: Sequence["CohortCounts"]) -> "CohortCounts":
    """All cases of several, in their order.

    Raises:
      DataError: There are none, or they were not counted alike.
    """
    if not parts:
      raise errors.DataError("there are no counts to merge; count maps first")
    first = parts[0]
    for part in parts:
      _alike.check(first, part)
    remarks = tuple(r for p in parts for r in p.remarks or [""] * len(p.names))
    cuts = next((p.cuts for p in parts if p.cuts is not None), None)
    surfaces = None
    if cuts is not None:
      none = np.full((4, len(cuts)), np.nan)
      surfaces = np.stack(
        [
          none if p.surfaces is None else p.surfaces[k]
          for p in parts
          for k in range(len(p.names))
        ]
      )
    return CohortCounts(
      tuple(name for p in parts for name in p.names),
      tuple(name for p in parts for name in p.parts),
      {
        scope: thresholds.Counts.stack(
          [case for p in parts for case in p.scopes[scope]]
        )
        for scope in first.scopes
      },
      np.concatenate([p.voxel_ml for p in parts]),
      first.grid,
      tuple(key for p in parts for key in p.keys),
      surfaces,
      cuts,
      first.facts,
      patients=tuple(one for p in parts for one in p.patients or p.names)
      if any(p.patients for p in parts)
      else (),
      argmax=_alike.all_or_none([p.argmax for p in parts]),
      remarks=remarks if any(remarks) else (),
    )

  @staticmethod
  def merge(parts: Sequence["CohortCounts"]) -> "CohortCounts":
    """One of several, such as those of other machines; sorted by name.

    Raises:
      DataError: They were not counted alike, a case is there twice with
        different counts, or only some cases have surfaces.
    """
    whole = CohortCounts.join(parts)
    places = _alike.places(whole)
    found = whole.take([places[key] for key in sorted(places)])
    if found.surfaces is not None and found.lacks_surfaces.any():
      first = found.names[int(found.lacks_surfaces.argmax())]
      raise errors.DataError(
        f"case {_text.shown(first)} was counted without surfaces, others with;"
        " count all of them alike"
      )
    return found
