"""Somebody's contours against those of a reference: one case, all metrics."""

from collections.abc import Mapping, Sequence
import contextlib
import dataclasses
import math
from typing import Any

import numpy as np

from jaxseg import cohorts
from jaxseg import errors
from jaxseg import formats
from jaxseg import metrics
from jaxseg import thresholds
from jaxseg import volume

ABSENT = ("auto", "empty", "unknown")
OVERLAPS = ("dice", "iou", "precision", "recall", "specificity")
# Of cases that count, whatever their masks hold.
SCORED = ("scored", "missed", "hallucinated", "both empty")
# Begins the notes of a structure that has other names on the other side.
ALONE = "the only structure on both sides, whatever its names"


@dataclasses.dataclass(frozen=True)
class EvaluateOptions:
  """How contours are compared.

  Attributes:
    tolerances: Of the normalized surface Dice, mm.
    surface: "surfel" or "voxel", see `metrics.surface_report`.
    absent: What a structure is that a case's reference does not have: "empty",
      so that a prediction of it is hallucinated; "unknown", so that it is not
      scored; "auto" is empty in label maps, and unknown else.
    resample: Whether predictions on another grid are interpolated.
    on_two: Which of two names that fit one structure; see
      `cohorts.match_structures`.
    structures: Only these canonical names; None is all.
    prediction_aliases: Own names of the predictions.
    reference_aliases: Own names of the references.
    surfaces: Whether surface metrics are computed.
  """

  tolerances: tuple[float, ...] = (1.0, 2.0, 3.0)
  surface: str = "surfel"
  absent: str = "auto"
  resample: bool = False
  on_two: str = "refuse"
  structures: tuple[str, ...] | None = None
  prediction_aliases: Mapping[str, str | None] = dataclasses.field(
    default_factory=dict
  )
  reference_aliases: Mapping[str, str | None] = dataclasses.field(
    default_factory=dict
  )
  surfaces: bool = True


def evaluate_case(
  pair: tuple[str, str],
  *,
  predictions: cohorts.Side,
  references: cohorts.Side,
  options: EvaluateOptions,
) -> list[dict[str, Any]]:
  """Scores all structures of one case.

  Args:
    pair: The case's name among the predictions and among the references.
    predictions: Their source.
    references: Their source.
    options: How they are compared.

  Returns:
    A row for each structure: "case", "structure", "status", "reason", numbers
    of voxels, volumes and metrics; see `EvaluateOptions`. Status is
    "scored", "missed" (the reference has voxels, the prediction none),
    "hallucinated" (the other way round), "both empty", "no reference",
    "not predicted" (not named at all; whether that is a miss, only all cases
    tell) or "refused" (nobody can tell what is meant, or a mask cannot be
    made).

  Raises:
    JaxsegError: A file cannot be read at all.
  """
  with _held(predictions, references):
    ours, theirs = _opened(pair, predictions, references)
    matched = cohorts.match_structures(
      [one.name for one in ours.named],
      [one.name for one in theirs.named],
      our_aliases=options.prediction_aliases,
      their_aliases=options.reference_aliases,
      on_two=options.on_two,
    )
    rows = []
    for one in matched:
      if options.structures and one.structure not in options.structures:
        continue
      row = {
        "case": pair[1],
        "structure": one.structure,
        "status": "",
        "prediction_name": " + ".join(one.ours),
        "reference_name": " + ".join(one.theirs),
      }
      row |= _scored(one, ours, theirs, options)
      if one.alone and "notes" in row:
        row["notes"] = "; ".join(filter(None, (ALONE, row["notes"])))
      rows.append(row)
  return rows


def _held(*sides: cohorts.Side) -> contextlib.AbstractContextManager[None]:
  """Keeps files that hold several structures, not those of one each."""
  if any(getattr(side, "layout", "") == "cases" for side in sides):
    return formats.held()
  return contextlib.nullcontext()


def _opened(
  pair: tuple[str, str],
  predictions: cohorts.Side,
  references: cohorts.Side,
) -> tuple[cohorts.Opened, cohorts.Opened]:
  """Both sides; contours without an image are filled on the other's grid."""
  if references.needs_grid(pair[1]) and not predictions.needs_grid(pair[0]):
    ours = predictions.open(pair[0])
    return ours, references.open(pair[1], _grid_of(ours))
  theirs = references.open(pair[1])
  grid = _grid_of(theirs) if predictions.needs_grid(pair[0]) else None
  return predictions.open(pair[0], grid), theirs


def _grid_of(side: cohorts.Opened) -> volume.Grid | None:
  """The grid of the first structure that can be read."""
  if side.image is not None:
    return side.image.grid
  for one in side.named:
    try:
      return side.contour(one.name).mask.grid
    except errors.JaxsegError:
      continue
  return None


def _scored(
  one: cohorts.Matched,
  ours: cohorts.Opened,
  theirs: cohorts.Opened,
  options: EvaluateOptions,
) -> dict[str, Any]:
  """Status and metrics of one structure."""
  if one.refused:
    return {"status": "refused", "reason": one.refused}
  absent = options.absent
  if absent == "auto":
    absent = "empty" if theirs.complete else "unknown"
  drawn = _drawn(theirs, one.theirs)
  if not drawn and absent == "unknown":
    told = [n.reason for n in theirs.named if n.name in one.theirs and n.reason]
    reason = told[0] if told else ""
    if one.theirs and not reason:
      reason = "named, and has no closed contour"
    return {"status": "no reference", "reason": reason}
  try:
    reference = _united(theirs, drawn)
    prediction = _united(ours, _drawn(ours, one.ours))
    row = _compared(prediction, reference, options)
  except errors.JaxsegError as e:
    return {"status": "refused", "reason": str(e)}
  if not one.ours and row["status"] in ("missed", "both empty"):
    row["named"] = False
  return row


def _drawn(side: cohorts.Opened, names: Sequence[str]) -> list[str]:
  """Those of some names that have anything to fill."""
  return [one.name for one in side.named if one.name in names and one.drawn]


def _united(
  side: cohorts.Opened, names: Sequence[str]
) -> cohorts.Contour | None:
  """The mask of one or several names; None of none."""
  found: cohorts.Contour | None = None
  for name in names:
    more = side.contour(name)
    if found is None:
      found = more
      continue
    if more.mask.shape != found.mask.shape:
      raise errors.GeometryError(
        f"{name!r} is on another grid than {names[0]!r}, so they cannot be"
        " united; write them on one grid"
      )
    unknown = found.unknown if more.unknown is None else more.unknown
    if found.unknown is not None and more.unknown is not None:
      unknown = found.unknown | more.unknown
    found = cohorts.Contour(
      found.mask.with_array(found.mask.array | more.mask.array),
      unknown,
      (*found.notes, *more.notes),
    )
  return found


def _compared(
  prediction: cohorts.Contour | None,
  reference: cohorts.Contour | None,
  options: EvaluateOptions,
) -> dict[str, Any]:
  """Metrics of two masks, of which one may be missing, which is empty."""
  one = reference or prediction
  if one is None:
    return {"status": "no reference", "reason": ""}
  placed = one.mask
  notes = [
    f"{side}: {note}"
    for side, one in (("prediction", prediction), ("reference", reference))
    for note in (one.notes if one else ())
  ]
  known: np.ndarray | None = None
  if reference is None:
    a = placed.array
    b = np.zeros_like(a)
  else:
    coded = np.asarray(placed.array, np.uint8)
    if reference.unknown is not None:
      coded = np.where(reference.unknown, np.uint8(formats.IGNORED), coded)
    a = np.zeros(coded.shape, np.bool_)
    if prediction is not None:
      a, coded = formats.match_grids(
        prediction.mask,
        volume.Volume(coded, placed.grid, placed.source),
        resample=options.resample,
      )
    if a.dtype != np.bool_:
      a = a >= 0.5
      notes.append("prediction: interpolated on the reference's grid")
    b = coded == formats.INSIDE
    known = coded != formats.IGNORED
    if not known.all():
      a = a & known
      notes.append(f"{int((~known).sum())} voxels of the reference are unknown")
  where = None if known is None or known.all() else int(known.sum())
  scores = _metrics(a, b, placed, where or a.size, options)
  return {**scores, "notes": "; ".join(notes)}


def _metrics(
  a: np.ndarray,
  b: np.ndarray,
  placed: volume.Volume,
  size: int,
  options: EvaluateOptions,
) -> dict[str, Any]:
  """Status, volumes and metrics of two masks, of so many voxels that count."""
  both = int(np.count_nonzero(a & b))
  in_a, in_b = int(np.count_nonzero(a)), int(np.count_nonzero(b))
  outside = size - in_a - in_b + both
  grid = placed.grid
  ml = math.nan if grid is None else grid.voxel_ml
  status = {
    (True, True): "scored",
    (False, True): "missed",
    (True, False): "hallucinated",
    (False, False): "both empty",
  }[in_a > 0, in_b > 0]
  row: dict[str, Any] = {
    "status": status,
    "reason": "",
    "named": True,
    "reference_voxels": in_b,
    "predicted_voxels": in_a,
    "reference_ml": in_b * ml,
    "predicted_ml": in_a * ml,
    **_overlaps(both, in_a - both, in_b - both, outside),
  }
  if not options.surfaces:
    return row
  if grid is None:
    row["reason"] = "no geometry, so no distances"
    return row
  return {**row, **_surfaces(a, b, grid.spacing, options)}


def _overlaps(tp: int, fp: int, fn: int, tn: int) -> dict[str, float]:
  """Overlap and volume metrics, from integers by one division each."""
  counts = thresholds.Counts(
    np.array([0.5], np.float32), np.array([fn, tp]), np.array([tn, fp])
  )
  found = {
    name: float(thresholds.curve(counts, metric=name)[0])
    for name in (*OVERLAPS, "volume_difference")
  }
  total = 2 * tp + fp + fn
  similar = 1 - abs(fp - fn) / total if total else math.nan
  return {**found, "volume_similarity": similar}


def _surfaces(
  a: np.ndarray,
  b: np.ndarray,
  spacing: tuple[float, float, float],
  options: EvaluateOptions,
) -> dict[str, float]:
  """Metrics of surfaces, of the part of the image where either mask is."""
  occupied = a | b
  parts = []
  for axis in range(3):
    others = tuple(k for k in range(3) if k != axis)
    there = np.flatnonzero(occupied.any(axis=others))
    first, last = (int(there[0]), int(there[-1])) if len(there) else (0, 0)
    parts.append(slice(first, last + 1))
  cut = tuple(parts)
  # Beyond the image is outside, as it is beyond the cut: padded, none touches.
  a, b = (np.pad(mask[cut], 1) for mask in (a, b))
  found = metrics.surface_report(
    a,
    b,
    spacing,
    tolerances=options.tolerances,
    percentiles=(95.0, 100.0),
    surface=options.surface,
  )
  row = {
    "hd95_mm": found["hausdorff_95"],
    "hd_mm": found["hausdorff_100"],
    "assd_mm": found["assd"],
    "masd_mm": found["masd"],
    "mean_to_reference_mm": found["mean_to_reference"],
    "mean_to_prediction_mm": found["mean_to_prediction"],
  }
  row |= {k: v for k, v in found.items() if k.startswith("nsd_")}
  row["added_path_mm"] = float(metrics.added_path_length(a, b, spacing))
  row["component_dice"] = float(metrics.component_dice(a, b, spacing).mean())
  return row
