"""Anyone's maps: each pair of files to counts, and counts to one table each."""

from collections.abc import Callable, Sequence
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
from jaxseg import formats
from jaxseg import metrics
from jaxseg import parallel
from jaxseg import thresholds

_FORMAT = 1
# Thresholds along which surfaces are compared, and the NSD's tolerance.
SURFACE_CUTS = 101
SURFACE_TOLERANCE_MM = 2.0


@dataclasses.dataclass(frozen=True)
class MapOptions:
  """How a map and its reference are read and counted.

  Attributes:
    structure: Class, channel or segment of the map; None where it has one.
    label: The same of the reference.
    resample: Whether a map on another grid may be interpolated.
    eight_bit: Whether 8-bit files hold u / 255.
    grid: Number of thresholds of the even grid.
    surfaces: Whether surface metrics are computed along the sweep as well.
  """

  structure: str | int | None = None
  label: str | int | None = None
  resample: bool = False
  eight_bit: bool = False
  grid: int = 1001
  surfaces: bool = False


@dataclasses.dataclass(frozen=True, eq=False)
class MapCounts:
  """Counts of cases.

  Attributes:
    names: Of the cases, sorted.
    counts: `[case, T + 1]`, int64, at `thresholds.fine_grid(grid)`.
    voxel_ml: Volume of a case's voxel, mL; nan where the files do not tell.
    grid: Number of thresholds of the even grid among them.
    keys: What each case was counted from: options, names, sizes, times.
    surfaces: `[case, 4, 101]` at the thresholds 0, 0.01 ... 1: HD95 in mm, ASSD
      in mm, NSD at 2 mm, voxels predicted; None if it was not asked for.
  """

  names: tuple[str, ...]
  counts: thresholds.Counts
  voxel_ml: np.ndarray
  grid: int
  keys: tuple[str, ...]
  surfaces: np.ndarray | None = None

  @property
  def even(self) -> thresholds.Counts:
    """Counts at the even grid."""
    return thresholds.coarsen(self.counts, thresholds.grid(self.grid))

  def write(self, path: pathlib.Path) -> None:
    """Writes an .npz file without pickles, in one step."""
    arrays: dict[str, Any] = {
      "format": np.int64(_FORMAT),
      "names": np.array(self.names, np.str_),
      "voxel_ml": self.voxel_ml,
      "grid": np.int64(self.grid),
      "keys": np.array(self.keys, np.str_),
      **self.counts.to_arrays(),
    }
    if self.surfaces is not None:
      arrays["surfaces"] = self.surfaces
    content = io.BytesIO()
    np.savez_compressed(content, **arrays)
    _files.write_bytes(path, content.getvalue())

  @staticmethod
  def read(path: pathlib.Path) -> "MapCounts":
    """Reads what `write` wrote.

    Raises:
      DataError: The file is missing or no such file.
    """
    try:
      with np.load(path, allow_pickle=False) as file:
        arrays = {name: file[name] for name in file.files}
      if int(arrays["format"]) != _FORMAT:
        raise ValueError(f"format {int(arrays['format'])}")
      found = MapCounts(
        tuple(arrays["names"].tolist()),
        thresholds.Counts.from_arrays(arrays),
        np.asarray(arrays["voxel_ml"], np.float64),
        int(arrays["grid"]),
        tuple(arrays["keys"].tolist()),
        arrays.get("surfaces"),
      )
    except (OSError, ValueError, KeyError, EOFError) as e:
      raise errors.DataError(
        f"{path}: not readable as counts of maps ({e}); count them again"
      ) from e
    if len(found.names) != len(found.counts.positive):
      raise errors.DataError(
        f"{path}: {len(found.names)} names for {len(found.counts.positive)}"
        " cases; count them again"
      )
    return found

  @staticmethod
  def merge(parts: Sequence["MapCounts"]) -> "MapCounts":
    """One of several, such as those of other machines; sorted by name.

    Raises:
      DataError: A case is there twice with different counts, or the thresholds
        differ.
    """
    cases: dict[str, tuple[thresholds.Counts, float, str]] = {}
    surfaces: dict[str, np.ndarray] = {}
    for part in parts:
      if part.grid != parts[0].grid:
        raise errors.DataError(
          f"counts at grids of {parts[0].grid} and {part.grid} thresholds do"
          " not go together; count again with the same"
        )
      _check_alike(parts[0], part)
      for place, name in enumerate(part.names):
        own = part.counts[place]
        seen = cases.get(name)
        if seen and not (
          np.array_equal(seen[0].positive, own.positive)
          and np.array_equal(seen[0].negative, own.negative)
        ):
          raise errors.DataError(
            f"case {_text.shown(name)} is there twice with different counts;"
            " merge one of the two"
          )
        cases[name] = own, float(part.voxel_ml[place]), part.keys[place]
        if part.surfaces is not None:
          surfaces[name] = part.surfaces[place]
    if not cases:
      raise errors.DataError("there are no counts to merge; count maps first")
    names = tuple(sorted(cases))
    if surfaces and len(surfaces) < len(names):
      lacks = next(name for name in names if name not in surfaces)
      raise errors.DataError(
        f"case {_text.shown(lacks)} was counted without surfaces, others with;"
        " count all of them alike"
      )
    return MapCounts(
      names,
      thresholds.Counts.stack([cases[name][0] for name in names]),
      np.array([cases[name][1] for name in names]),
      parts[0].grid,
      tuple(cases[name][2] for name in names),
      np.stack([surfaces[name] for name in names]) if surfaces else None,
    )


def count_pair(pair: formats.Pair, *, options: MapOptions) -> MapCounts:
  """Reads a map and its reference and counts them.

  Raises:
    JaxsegError: A file cannot be read, the two do not fit, or a value is no
      probability; the line names the file.
  """
  key = _key(pair, options)
  reference = formats.read_mask(pair.reference, structure=options.label)
  given = formats.read_probabilities(
    pair.probabilities, structure=options.structure, eight_bit=options.eight_bit
  )
  p, y = formats.match_grids(given, reference, resample=options.resample)
  try:
    counts = thresholds.count_case(p, y, thresholds.fine_grid(options.grid))
  except errors.DataError as e:
    raise errors.DataError(f"{pair.probabilities}: {e}") from e
  grid = reference.grid or given.grid
  surfaces = None
  if options.surfaces:
    if grid is None:
      raise errors.GeometryError(
        f"{pair.probabilities}: neither it nor its reference tells the voxel's"
        " size, which surfaces need; give files with a geometry, or leave"
        " surfaces out"
      )
    surfaces = _along_surfaces(p, y, grid.spacing)[np.newaxis]
  ml = np.nan if grid is None else grid.voxel_ml
  return MapCounts(
    (pair.name,),
    thresholds.Counts.stack([counts]),
    np.array([ml]),
    options.grid,
    (key,),
    surfaces,
  )


def _along_surfaces(
  p: np.ndarray, y: np.ndarray, spacing: tuple[float, float, float]
) -> np.ndarray:
  """HD95, ASSD, NSD and voxels predicted, `[4, 101]`."""
  if p.dtype == np.uint8:
    p = p.astype(np.float32) / np.float32(255)
  cuts = thresholds.grid(SURFACE_CUTS)
  found = metrics.surface_sweep(
    p,
    y,
    spacing,
    cuts,
    tolerances=(SURFACE_TOLERANCE_MM,),
    percentiles=(95.0,),
  )
  counts = thresholds.count_case(p, y, cuts)
  predicted = counts.true_positive + counts.false_positive
  rows = [found[k] for k in ("hausdorff_95", "assd", "nsd_2")]
  return np.stack([*rows, predicted.astype(np.float64)])


def count_maps(
  pairs: Sequence[formats.Pair],
  folder: pathlib.Path,
  *,
  options: MapOptions,
  workers: int | None = None,
  scheduler: str | None = None,
  on_case: Callable[[str, int, int], None] | None = None,
) -> MapCounts:
  """Counts all pairs; what was counted before is not counted again.

  A worker holds one case at a time.

  Args:
    pairs: Maps and references.
    folder: Gets one file of counts for each case.
    options: How they are read.
    workers: As in `parallel.run`.
    scheduler: As in `parallel.run`.
    on_case: Called after each case with (name, done, all).

  Raises:
    JaxsegError: A pair cannot be counted; the others that were are kept.
  """
  paths = _places(pairs, folder)
  found: dict[int, MapCounts] = {}
  for index, one in enumerate(pairs):
    if paths[index].exists():
      before = MapCounts.read(paths[index])
      if before.keys == (_key(one, options),) and before.names == (one.name,):
        found[index] = before
  todo = [index for index in range(len(pairs)) if index not in found]
  given = [pairs[index] for index in todo]
  if scheduler is not None:
    given = [_absolute(one) for one in given]  # Workers run in any folder.
  work = parallel.run(
    functools.partial(count_pair, options=options),
    given,
    workers=workers,
    scheduler=scheduler,
  )
  done = len(found)
  for place, counted in work:
    index = todo[place]
    counted.write(paths[index])
    found[index] = counted
    done += 1
    if on_case:
      on_case(pairs[index].name, done, len(pairs))
  return MapCounts.merge([found[index] for index in range(len(pairs))])


def _absolute(pair: formats.Pair) -> formats.Pair:
  return dataclasses.replace(
    pair,
    probabilities=pair.probabilities.absolute(),
    reference=pair.reference.absolute(),
  )


def _places(
  pairs: Sequence[formats.Pair], folder: pathlib.Path
) -> list[pathlib.Path]:
  """A file for each case; names of other people's make no path.

  The same whatever other cases are counted into the folder, by this machine or
  another: what a slug loses of a name, its digest keeps.
  """
  places = []
  for one in pairs:
    slug = _text.slug(one.name, fallback="case")
    places.append(folder / f"{slug}-{_files.digest(one.name)[:8]}.npz")
  return places


def _key(pair: formats.Pair, options: MapOptions) -> str:
  """Tells whether a case would be counted from the same files again."""
  facts: list[Any] = [dataclasses.asdict(options)]
  for path in (pair.probabilities, pair.reference):
    for file in (path, *formats.companions(path)):
      try:
        about = file.stat()
      except OSError as e:
        raise errors.DataError(
          f"{file}: cannot be read ({e.strerror}); check the path, on every"
          " machine that counts"
        ) from e
      facts.append([file.name, about.st_size, about.st_mtime_ns])
  return json.dumps(facts)


def _check_alike(first: MapCounts, other: MapCounts) -> None:
  """Refuses counts of another class or label, or otherwise made."""
  if not first.keys:
    return
  ours = _made(first.keys[0])
  for name, key in zip(other.names, other.keys, strict=True):
    theirs = _made(key)
    for option in {**ours, **theirs}:
      if ours.get(option) != theirs.get(option):
        raise errors.DataError(
          f"case {_text.shown(first.names[0])} was counted with {option}"
          f" {ours.get(option)}, case {_text.shown(name)} with"
          f" {theirs.get(option)}; count all cases alike"
        )


def _made(key: str) -> dict[str, Any]:
  """The options of a key; none of one that someone else has made."""
  try:
    content = json.loads(key)
  except ValueError:
    return {}
  options = content[0] if isinstance(content, list) and content else None
  if not isinstance(options, dict):
    return {}
  # Of surfaces some may have none, which is another refusal.
  return {name: v for name, v in options.items() if name != "surfaces"}
