"""One scan: read, prepared once for all models, mapped, brought back, cut."""

from collections.abc import Iterator, Mapping, Sequence
import dataclasses
from typing import Any

import numpy as np

from jaxseg import _memory
from jaxseg import _model_input
from jaxseg import cohorts
from jaxseg import contours
from jaxseg import data
from jaxseg import dicom
from jaxseg import errors
from jaxseg import Model
from jaxseg import thresholds
from jaxseg import volume as volumes
from jaxseg.deploy import _clean
from jaxseg.deploy import _likeness
from jaxseg.deploy import _models
from jaxseg.deploy import _packed

# Slices brought back at once: 4 of 512 x 512 are 4 MB.
_AT_ONCE = 4
# What rounding may add to a map on its way back.
_ROUNDING = 1e-6

_Prepared = tuple[data.Placement, np.ndarray]


@dataclasses.dataclass(frozen=True, eq=False)
class Ready:
  """A scan that a network can be given.

  Attributes:
    scan: Where it comes from.
    image: As it was read; zeros where nobody needs its values any more.
    turned: Axial, in HU; zeros likewise.
    prepared: On each prepared grid that a model wants.
    grids: Structure -> prepared grid of the model -> that in `prepared`, which
      is another where the scan is brought to the training's pixels.
    remarks: Structure -> what is not as it was in its training; "" stands for
      all of them.
    digest: Of the scan's files.
  """

  scan: cohorts.Scan
  image: volumes.Volume
  turned: volumes.Volume
  prepared: Mapping[data.PrepareConfig, _Prepared]
  grids: Mapping[str, Mapping[data.PrepareConfig, data.PrepareConfig]]
  remarks: Mapping[str, Sequence[_likeness.Remark]]
  digest: str

  def of(self, model: Model) -> dict[data.PrepareConfig, _Prepared]:
    """What `Model.predict_placed` is given."""
    grids = self.grids[model.structure]
    return {
      config: self.prepared[grids[config]] for config in model.preparations
    }

  def brought(self, model: Model) -> float | None:
    """Pixels that the scan was brought to for a model, mm; None: its own."""
    config = model.preparations[0]
    grid = self.grids[model.structure][config]
    return None if grid == config else grid.spacing


@dataclasses.dataclass(frozen=True, eq=False)
class Found:
  """A structure on a scan.

  Attributes:
    structure: Canonical name.
    threshold: Where the map was cut.
    mask: On the scan's own grid.
    inner: Cut at the upper end of the threshold's interval; None unasked.
    outer: Cut at its lower end.
    facts: What result.json says of it.
  """

  structure: str
  threshold: float
  mask: _packed.Packed
  inner: _packed.Packed | None
  outer: _packed.Packed | None
  facts: Mapping[str, Any]


def read(
  scan: cohorts.Scan,
  models: Mapping[str, Model],
  *,
  anyway: bool = False,
  values: bool = True,
) -> Ready:
  """Reads a scan and prepares it.

  Args:
    scan: The scan.
    models: By structure, of one modality.
    anyway: Whether a scan is taken of which a map means nothing.
    values: Whether the scan's own values are kept, which only a picture needs.

  Raises:
    DataError: A file is malformed, or the scan is none for these models.
    GeometryError: The slices do not form a regular stack, or show no body.
  """
  image = scan.read()
  given = image
  first = next(iter(models.values()))
  series = image if isinstance(image, dicom.Image) else None
  if series is not None and series.modality == first.modality == "CT":
    given = series.hounsfield()
  given = _whole(given, first.modality)
  turned = first.turned(given)
  known_of = {
    (name, config): _models.training(one, config)
    for name, one in models.items()
    for config in (None, *one.preparations)
  }
  grids = {
    name: {
      member.prepare: _likeness.familiar(
        member.prepare,
        turned,
        known_of[name, member.prepare],
        member.facts["size"],
      )
      for member in model.members
    }
    for name, model in models.items()
  }
  wanted = dict.fromkeys(
    grid for own in grids.values() for grid in own.values()
  )
  prepared = {grid: data.prepare_image(turned, grid) for grid in wanted}
  remarks: dict[str, list[_likeness.Remark]] = {"": []}
  remarks[""] += _likeness.absurdities(turned, first.modality)
  if series is not None:
    said = str(series.header.get("BodyPartExamined") or "")
    remarks[""] += _likeness.body_part(said, list(models))
  measured = {
    config: _likeness.of_scan(turned, *one) for config, one in prepared.items()
  }
  for name, model in models.items():
    known = known_of[name, None]
    grid = grids[name][model.preparations[0]]
    own = _likeness.compare(
      measured[grid],
      known,
      brought_mm=None if grid.crop else grid.spacing,
    )
    if not known.get("measures"):
      text = "nothing is known of the training's scans to compare with"
      own = [_likeness.Remark(text)]
    if model.facts.get("synthetic") and not _synthetic(image):
      text = "the model was trained on made-up patients"
      own.append(_likeness.Remark(text))
    remarks[name] = own
  told = _likeness.shared(remarks)
  every = [one for own in told.values() for one in own]
  where = str(image.source or scan.name)
  _likeness.refuse(list(dict.fromkeys(every)), where, anyway=anyway)
  if not values:
    given = image = _placed_alone(image)
    turned = _placed_alone(turned)
    _memory.give_back()
  return Ready(scan, image, turned, prepared, grids, told, scan.digest())


def _placed_alone(image: volumes.Volume) -> volumes.Volume:
  """An image of one value: what it is and where it lies, without memory."""
  nothing = np.broadcast_to(np.zeros((), np.int16), image.shape)
  if isinstance(image, dicom.Image):
    return dataclasses.replace(image, array=nothing, unscanned=None)
  return dataclasses.replace(image, array=nothing)


def _whole(given: volumes.Volume, modality: str) -> volumes.Volume:
  """Whole numbers of HU as int16; NIfTI often holds them as float."""
  array = given.array
  if (
    modality != "CT" or array.dtype == np.int16 or array.dtype.kind not in "iuf"
  ):
    return given
  if np.can_cast(array.dtype, np.int16):
    return volumes.Volume(array.astype(np.int16), given.grid, given.source)
  limit = np.iinfo(np.int16)
  values = np.empty(array.shape, np.int16)
  for own, whole in zip(array, values, strict=True):
    if own.dtype == np.float16:
      own = own.astype(np.float32)  # In which the limit is a number.
    if not (np.isfinite(own).all() and own.min() >= limit.min):
      return given  # It is refused by what comes next.
    # Metal and overflow lie beyond, and beyond every window.
    whole[...] = np.rint(np.minimum(own, limit.max))
  return volumes.Volume(values, given.grid, given.source)


def _synthetic(image: volumes.Volume) -> bool:
  if not isinstance(image, dicom.Image):
    return False
  said = str(image.header.get("SeriesDescription") or "")
  return said == cohorts.phantom.DESCRIPTION


def predict(
  ready: Ready,
  model: Model,
  *,
  threshold: float | None = None,
  interval: bool = False,
  clean: str = "own",
  per_case: str = "off",
  maps: Any = None,
) -> Found:
  """Finds one structure on a scan.

  Args:
    ready: The scan.
    model: Of the structure.
    threshold: Where the map is cut; None is at the model's own.
    interval: Whether masks at the ends of the threshold's interval are wanted.
    clean: "own" does what was found to help, or "off", "largest", "holes" or
      "both".
    per_case: "off"; or the way a threshold is chosen for this very map,
      "expected" or "volume"; or "best", the way that the export found to be
      better than the own threshold, if there is one.
    maps: Called with the whole map on the scan's own grid, a `Volume`.

  Raises:
    DataError: No threshold was chosen or given.
  """
  placed = model.predict_placed(ready.of(model))
  chosen = model.threshold
  way_chosen = "off"
  if threshold is None:
    threshold = _own(model, chosen)
    way_chosen = _way(per_case, model)
    if way_chosen != "off":
      threshold = _of_map(ready, model, placed, way_chosen)
  cuts = [threshold]
  ends = None
  if interval and chosen is not None and chosen.interval is not None:
    ends = chosen.interval
    cuts += [max(ends), min(ends)]
  shape = ready.turned.shape
  whole = np.zeros(shape, np.float32) if maps is not None else None
  # Eight voxels a byte: a mask of 150 x 512 x 512 takes 5 MB instead of 39.
  masks = [np.zeros((*shape[:2], -(-shape[2] // 8)), np.uint8) for _ in cuts]
  high = 0.0
  least = 0.0 if maps is not None else min(cuts)
  for first, last, part in _slices(placed, shape[0], least):
    for cut, mask in zip(cuts, masks, strict=True):
      inside = part >= np.float32(cut)  # As `binarize` does.
      mask[first:last] = np.packbits(inside, axis=2)
    if whole is not None:
      whole[first:last] = part
    high = max(high, float(part.max()))
  if whole is not None:
    grid = ready.image.placed
    maps(_model_input.moved(ready.turned.with_array(whole), grid))
  way = _cleaning(clean, model)
  cut_voxels = _voxels(masks[0])
  if way.largest or way.holes:
    masks = [
      np.packbits(way(_unpacked(mask, shape[2])), axis=2) for mask in masks
    ]
  if ends is not None:  # Each has cleaned components of its own.
    masks[1] &= masks[0]
    masks[2] |= masks[0]
  kept = [_on_own_grid(ready, mask) for mask in masks]
  columns = ready.image.shape[2]
  voxel_ml = ready.turned.placed.voxel_ml
  voxels = _voxels(kept[0])
  shown = np.flatnonzero(kept[0].any((1, 2)))
  facts: dict[str, Any] = {
    "threshold": float(threshold),
    "per_case": way_chosen,
    "voxels": voxels,
    "volume_ml": voxels * voxel_ml,
    "slices": [int(shown[0]), int(shown[-1])] if len(shown) else None,
    "highest_probability": high,
    "cleaning": dataclasses.asdict(way),
    "voxels_before_cleaning": cut_voxels,
  }
  brought = ready.brought(model)
  if brought is not None:
    facts["brought_to_mm"] = brought
  if ends is not None:
    facts["interval"] = [float(min(ends)), float(max(ends))]
    facts["level"] = chosen.level if chosen is not None else None
    facts["volume_ml_inner"] = _voxels(kept[1]) * voxel_ml
    facts["volume_ml_outer"] = _voxels(kept[2]) * voxel_ml
  packed = [_packed.Packed.of_bits(mask, columns) for mask in kept]
  return Found(
    model.structure,
    float(threshold),
    packed[0],
    packed[1] if ends is not None else None,
    packed[2] if ends is not None else None,
    facts,
  )


def _own(model: Model, chosen: thresholds.ChosenThreshold | None) -> float:
  if chosen is None:
    raise errors.DataError(
      f"{model.folders[0]}: {model.structure} has no threshold of its own;"
      " sweep the run and export its models, or give --threshold"
    )
  return chosen.threshold


def _way(asked: str, model: Model) -> str:
  """How a threshold is chosen for this very map.

  Raises:
    ConfigError: The model has not learnt to.
  """
  choice = model.about.get("choice") or {}
  if asked == "best":
    return str(choice.get("better") or "off")
  if asked != "off" and not choice.get("learnt"):
    raise errors.ConfigError(
      f"{model.folders[0]}: {model.structure} has not learnt to choose per"
      " case; export it from its run once that was swept, or leave --per_case"
      " out"
    )
  return asked


def _of_map(ready: Ready, model: Model, placed: Any, way: str) -> float:
  from jaxseg import study

  chooser = study.Chooser.from_json(model.about["choice"]["learnt"])
  voxel_ml = ready.turned.placed.voxel_ml
  return chooser.of_map(placed.restore(), way, voxel_ml=voxel_ml)


def _slices(
  placed: Any, number: int, least: float
) -> Iterator[tuple[int, int, np.ndarray]]:
  """(first, one beyond the last, map) of slices that may reach a threshold."""
  wanted = placed.peaks() >= least - _ROUNDING
  for first in range(0, number, _AT_ONCE):
    last = min(first + _AT_ONCE, number)
    inside = np.flatnonzero(wanted[first:last])
    if len(inside):
      first, last = first + int(inside[0]), first + int(inside[-1]) + 1
      yield first, last, placed.restore(first, last)


def _voxels(bits: np.ndarray) -> int:
  return int(np.bitwise_count(bits).sum(dtype=np.int64))


def _unpacked(bits: np.ndarray, columns: int) -> np.ndarray:
  return np.unpackbits(bits, axis=2, count=columns).view(np.bool_)


def _on_own_grid(ready: Ready, bits: np.ndarray) -> np.ndarray:
  """Packed rows of the axial scan as those of the scan's own grid."""
  grid = ready.image.placed
  if ready.turned.placed.coincides(grid):
    return bits
  mask = _unpacked(bits, ready.turned.shape[2])
  turned = ready.turned.with_array(mask)
  return np.packbits(_model_input.moved(turned, grid).array, axis=2)


def _cleaning(clean: str, model: Model) -> _clean.Cleaning:
  if clean == "own":
    return _clean.Cleaning.of(model.about)
  return _clean.Cleaning(
    clean in ("largest", "both"), clean in ("holes", "both")
  )


def outlines(mask: _packed.Packed, image: dicom.Image) -> list[np.ndarray]:
  """Polygons along a mask's voxels, LPS mm, as an RTSTRUCT is given them."""
  return [
    image.grid.lps(index, ring)
    for index, one in enumerate(mask.slices())
    for _, ring, _ in contours.trace_slices(one[np.newaxis])
  ]
