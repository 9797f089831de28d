"""One case to counts: arrays, and the files of anyone's maps."""

from collections.abc import Callable, Iterator, Mapping, Sequence
import dataclasses
import json
from typing import Any

import numpy as np

from jaxseg import _files
from jaxseg import _stamps
from jaxseg import _text
from jaxseg import errors
from jaxseg import formats
from jaxseg import metrics
from jaxseg import thresholds
from jaxseg import volume
from jaxseg.study import _cohort_counts
from jaxseg.study import _remarks

# Thresholds along which surfaces are compared, and the tolerance of the NSD.
SURFACE_CUTS = 101
_TOLERANCE_MM = 2.0


@dataclasses.dataclass(frozen=True)
class MapOptions:
  """How a map and its reference are read and counted.

  Attributes:
    structure: Class, channel or segment of the map; None where it has one.
    label: Label of the reference that is the structure, or several that are
      together; None is all but 0.
    resample: Whether a map on another grid may be interpolated.
    eight_bit: Whether 8-bit files hold u / 255, and 16-bit ones u / 65535.
    grid: Number of thresholds of the even grid.
    surfaces: Whether surface metrics are computed along the sweep as well.
    ignore: Labels of voxels that do not count; None is dataset.json's "ignore",
      () is none.
  """

  structure: str | int | None = None
  label: str | int | tuple[str | int, ...] | None = None
  resample: bool = False
  eight_bit: bool = False
  grid: int = 1001
  surfaces: bool = False
  ignore: tuple[str | int, ...] | None = None


def count_arrays(
  probabilities: np.ndarray,
  reference: np.ndarray,
  *,
  name: str,
  key: str = "",
  part: str = "",
  scopes: Mapping[str, np.ndarray] | None = None,
  grid: int = 1001,
  voxel_ml: float = np.nan,
  spacing: Sequence[float] | None = None,
  cuts: np.ndarray | None = None,
  facts: Mapping[str, Any] | None = None,
  where: np.ndarray | None = None,
) -> _cohort_counts.CohortCounts:
  """Counts one case.

  Args:
    probabilities: Map, floating point or uint8, `[slice, row, column]`.
    reference: Mask, bool, same shape.
    name: Of the case.
    key: What it is counted from.
    part: "validation", "test", or "" of anyone's maps.
    scopes: Name -> bool `[slice]`, the slices that count; None is all of them
      as `volume`.
    grid: Number of thresholds of the even grid.
    voxel_ml: Volume of a voxel, mL.
    spacing: Of the array's axes, in their order, mm; surfaces need it.
    cuts: Thresholds of surfaces in the first scope; None computes none.
    facts: As in `CohortCounts`.
    where: Voxels that count, bool, same shape; None is all. Surfaces are those
      of the masks that end where it ends: what nobody knows is outside both,
      as what lies beyond the image is, so that no prediction there matters.

  Raises:
    DataError: A value is no probability.
  """
  if scopes is None:
    scopes = {"volume": np.ones(len(reference), np.bool_)}
  counts = _in_scopes(probabilities, reference, scopes, grid, where)
  surfaces = None
  if cuts is not None and spacing is not None:
    known = next(iter(scopes.values()))[:, np.newaxis, np.newaxis]
    if where is not None:
      known = known & where
    surfaces = _surfaces(probabilities, reference, known, spacing, cuts)[None]
  return _cohort_counts.CohortCounts(
    (name,),
    (part,),
    {scope: thresholds.Counts.stack([c]) for scope, c in counts.items()},
    np.array([voxel_ml], np.float64),
    grid,
    (key,),
    surfaces,
    None if surfaces is None else cuts,
    dict(facts or {}),
  )


def _in_scopes(
  p: np.ndarray,
  y: np.ndarray,
  scopes: Mapping[str, np.ndarray],
  grid: int,
  where: np.ndarray | None,
) -> dict[str, thresholds.Counts]:
  """Counts in each scope; no slice is counted more than once."""
  cuts = thresholds.fine_grid(grid)
  masks = np.stack(list(scopes.values()))  # [scope, slice]
  if masks.all():  # A copy of a large map may not fit.
    return dict.fromkeys(scopes, thresholds.count_case(p, y, cuts, where=where))
  kinds, place = np.unique(masks, axis=1, return_inverse=True)
  total = dict.fromkeys(scopes, thresholds.count_case(p[:0], y[:0], cuts))
  for k, kind in enumerate(kinds.T):
    if not kind.any():
      continue
    which = place.ravel() == k
    keep = None if where is None else where[which]
    own = thresholds.count_case(p[which], y[which], cuts, where=keep)
    for scope, counts_it in zip(scopes, kind, strict=True):
      if counts_it:
        total[scope] += own
  return total


def _surfaces(
  p: np.ndarray,
  y: np.ndarray,
  known: np.ndarray,
  spacing: Sequence[float],
  cuts: np.ndarray,
) -> np.ndarray:
  """HD95, ASSD, NSD and voxels predicted at each cut, `[4, cut]`."""
  counts = thresholds.count_case(p, y, cuts, where=known)
  if p.dtype == np.uint8:
    p = p.astype(np.float32) / np.float32(255)
  known = np.broadcast_to(known, p.shape)
  nearest = _bridged(np.any(known, axis=(1, 2)).reshape(-1))
  if nearest is not None:
    p, y, known = p[nearest], y[nearest], known[nearest]
  if not known.all():
    # Beyond the scope nothing is inside, at a threshold of 0 neither.
    p, y = np.where(known, p, p.dtype.type(-1)), y & known
  found = metrics.surface_sweep(
    p, y, spacing, cuts, tolerances=(_TOLERANCE_MM,), percentiles=(95.0,)
  )
  predicted = counts.true_positive + counts.false_positive
  rows = [found[k] for k in ("hausdorff_95", "assd", "nsd_2")]
  return np.stack([*rows, predicted.astype(np.float64)])


def _bridged(known: np.ndarray) -> np.ndarray | None:
  """For each slice the one that stands for it; None if each does for itself.

  An unknown slice between known ones repeats the nearest of them. Were it
  empty, map and reference would both end there, and surfaces that coincide for
  that reason alone would make every distance better.

  Args:
    known: Bool `[slice]`.
  """
  at = np.flatnonzero(known)
  if not len(at) or known[at[0] : at[-1] + 1].all():
    return None
  result = np.arange(len(known))
  inner = result[at[0] : at[-1] + 1]
  above = at[np.searchsorted(at, inner)]
  below = at[np.searchsorted(at, inner, side="right") - 1]
  inner[:] = np.where(inner - below <= above - inner, below, above)
  return result


def count_pair(
  pair: formats.Pair,
  *,
  options: MapOptions,
  read: Callable[..., volume.Volume] = formats.read_probabilities,
) -> _cohort_counts.CohortCounts:
  """Reads a map and its reference and counts them.

  Args:
    pair: Their files.
    options: How they are read.
    read: Reads the map.

  Raises:
    JaxsegError: A file cannot be read, the two do not fit, or a value is no
      probability; the line names the file.
  """
  key = key_of(pair, options)
  p, coded, reference, place = read_pair(pair, options, read)
  if options.surfaces and place is None:
    raise errors.GeometryError(
      f"{pair.probabilities}: neither it nor its reference tells the voxel's"
      " size, which surfaces need; give files with a geometry, or leave"
      " surfaces out (--surfaces)"
    )
  y, known = coded == formats.INSIDE, coded != formats.IGNORED
  where = None if known.all() else known
  try:
    found = count_arrays(
      p,
      y,
      name=pair.name,
      key=key,
      grid=options.grid,
      voxel_ml=np.nan if place is None else place.voxel_ml,
      spacing=None if place is None else place.spacing,
      cuts=thresholds.grid(SURFACE_CUTS) if options.surfaces else None,
      facts=_facts(options),
      where=where,
    )
  except errors.DataError as e:
    raise errors.DataError(f"{pair.probabilities}: {e}") from e
  notes = [
    *_of_reference(reference, coded, where),
    *_of_names(pair, options),
    *_remarks.find(p, y, where, found.scopes["volume"][0]),
  ]
  return dataclasses.replace(found, remarks=("\n".join(map(str, notes)),))


def read_pair(
  pair: formats.Pair,
  options: MapOptions,
  read: Callable[..., volume.Volume] = formats.read_probabilities,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, volume.Grid | None]:
  """Reads a map and its reference, and brings them onto one grid.

  Args:
    pair: Their files.
    options: How they are read.
    read: Reads the map.

  Returns:
    (map, coded reference on the map's grid, coded reference as it was read,
    that grid; None if neither file tells it).

  Raises:
    JaxsegError: A file cannot be read, or the two do not fit.
  """
  given = read(
    pair.probabilities,
    structure=options.structure,
    eight_bit=options.eight_bit,
    beside=pair.reference,
  )
  reference = formats.read_reference(
    pair.reference,
    structure=options.label,
    ignore=options.ignore,
    beside=pair.probabilities,
  )
  p, coded = formats.match_grids(given, reference, resample=options.resample)
  place = reference.grid or given.grid
  if place is not None and place.shape != coded.shape:
    place = formats.continued_grid(given, reference)
  return p, coded, reference.array, place


def _of_reference(
  read: np.ndarray, counted: np.ndarray, where: np.ndarray | None
) -> Iterator[_text.Note]:
  """What of a reference does not count, and what was added to it."""
  if where is None and counted is read:
    return
  left_out = int(np.count_nonzero(read == formats.IGNORED))
  if left_out:
    yield _text.Note(
      "left-out",
      f"{left_out} voxels of the reference have an ignored label and do not"
      " count",
    )
  added = counted.size - read.size
  if added:
    added += left_out - int(np.count_nonzero(counted == formats.IGNORED))
    yield _text.Note(
      "continued",
      f"the reference ends within the map, of which {added} voxels beyond it"
      " count as background",
    )


def _of_names(pair: formats.Pair, options: MapOptions) -> Iterator[_text.Note]:
  text = formats.at_odds(
    pair.probabilities, options.structure, pair.reference, options.label
  )
  if text:
    yield _text.Note("names", text)


def _facts(options: MapOptions) -> dict[str, Any]:
  # As JSON gives them back, and without what the counts say themselves.
  facts = _files.as_json(dataclasses.asdict(options))
  return {k: v for k, v in facts.items() if k not in ("grid", "surfaces")}


def key_of(pair: formats.Pair, options: MapOptions) -> str:
  """Tells whether a case would be counted from the same files again."""
  facts: list[Any] = [dataclasses.asdict(options)]
  for path in (pair.probabilities, pair.reference):
    for file in (path, *formats.companions(path)):
      try:
        facts.append(_stamps.of(file))
      except OSError as e:
        raise errors.DataError(
          f"{file}: cannot be read ({e.strerror}); check the path, on every"
          " machine that counts"
        ) from e
  return json.dumps(facts)
