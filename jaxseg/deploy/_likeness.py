"""What a scan is like, beside the scans that a model was trained on.

A network gives a map of any image. What a scan measures here tells when its
map means nothing, or less than it seems to.
"""

from collections.abc import Mapping, Sequence
import dataclasses
from typing import Any

import numpy as np

from jaxseg import data
from jaxseg import errors
from jaxseg import volume as volumes

# Of so many patients the training's measures are taken; more say no more.
_MOST = 40
FEWEST_SLICES = 3
# Between fat and air, as where the body is looked for in preparation.
_BODY_HU = -300
_FAT_HU, _BONE_HU = -20, 200
# Measure -> what it is, its unit, and how many times as much, or as little, is
# noticed and refused; None never is.
TIMES: Mapping[str, tuple[str, str, float, float | None]] = {
  "slice_mm": ("distance of slices", "mm", 1.25, 5.0),
  "pixel_mm": ("pixel spacing", "mm", 1.25, 5.0),
  "length_mm": ("length of the scan", "mm", 1.5, None),
  "width_mm": ("field of view", "mm", 1.25, 4.0),
  "body_cm2": (
    "cross-section of the body, half of the slices",
    "cm2",
    1.5,
    6.0,
  ),
  "widest_cm2": ("cross-section of the body, widest", "cm2", 1.5, 6.0),
}
# Measure -> what it is, its unit, and how much more or less is noticed.
PLUS: Mapping[str, tuple[str, str, float]] = {
  "hu_10": ("10th percentile in the body", "HU", 60.0),
  "hu_50": ("median in the body", "HU", 40.0),
  "hu_90": ("90th percentile in the body", "HU", 150.0),
  "fat": ("share of fat in the body", "", 0.15),
  "bone": ("share of bone in the body", "", 0.05),
}
# A water phantom's body, smoothed, is of one density: HU between its 10th and
# 90th percentile, and the share that bone would have. So many slices tell.
_SLICES = 24
_ONE_DENSITY_HU, _NO_BONE = 60.0, 0.002
# Of a patient's CT far more voxels are air or fat.
_LEAST_BELOW = 0.001


@dataclasses.dataclass(frozen=True)
class Remark:
  """Something about a scan that is not as it was in training.

  Attributes:
    text: One line.
    absurd: Whether a map would mean nothing, so that the scan is refused.
    found: What was measured; "" if it is not a matter of ranges.
    known: Lowest and highest of the training.
    unit: Of these.
  """

  text: str
  absurd: bool = False
  found: str = ""
  known: tuple[float, float] = (0.0, 0.0)
  unit: str = ""

  @property
  def about(self) -> str:
    """What two remarks share that say the same of two trainings."""
    return self.found or self.text


def measure(
  images: np.ndarray,
  *,
  pixel_mm: tuple[float, float],
  spacing: tuple[float, float, float],
  shape: tuple[int, int, int],
) -> dict[str, float]:
  """Measures a scan on the prepared grid, where all are comparable.

  Args:
    images: HU, int16 `[slice, row, column]`, prepared.
    pixel_mm: Of the prepared grid (row, column), mm.
    spacing: Of the scan's own grid (slice, row, column), mm.
    shape: Of the scan's own grid.

  Returns:
    Measure -> value.
  """
  body = images > _BODY_HU
  areas = body.sum((1, 2)) * (pixel_mm[0] * pixel_mm[1] / 100.0)
  inside = images[body]
  if not len(inside):
    inside = np.array([-1000])
  low, middle, high = np.percentile(inside, [10, 50, 90])
  return {
    "slice_mm": float(spacing[0]),
    "pixel_mm": float(np.sqrt(spacing[1] * spacing[2])),
    "length_mm": float(spacing[0] * shape[0]),
    "width_mm": float(np.sqrt(spacing[1] * shape[1] * spacing[2] * shape[2])),
    "body_cm2": float(np.median(areas)),
    "widest_cm2": float(np.percentile(areas, 95)),
    "hu_10": float(low),
    "hu_50": float(middle),
    "hu_90": float(high),
    "fat": float(np.mean((inside > -150) & (inside < _FAT_HU))),
    "bone": float(np.mean(inside > _BONE_HU)),
  }


def of_training(run: data.Run, structure: str) -> dict[str, Any]:
  """What the scans were like that a run trained on, for `compare`.

  Args:
    run: Prepared run folder.
    structure: Canonical name; patients without it were not trained on.

  Returns:
    JSON-able: "patients", and "measures": name -> [lowest, median, highest].
  """
  store = run.store
  names = [
    name
    for name in run.split.train
    if structure in store.patients[name].contoured
  ]
  step = max(1, -(-len(names) // _MOST))
  rows = []
  for name in names[::step]:
    one = store.patients[name]
    rows.append(
      measure(
        store.image(name),
        pixel_mm=_prepared_mm(one.placement, one.spacing),
        spacing=one.spacing,
        shape=one.placement.shape,
      )
    )
  measures = {
    key: [
      float(f"{v:.4g}")
      for v in np.percentile([r[key] for r in rows], [0, 50, 100])
    ]
    for key in (rows[0] if rows else ())
  }
  return {"patients": len(names), "measured": len(rows), "measures": measures}


def of_scan(
  turned: volumes.Volume, placement: data.Placement, images: np.ndarray
) -> dict[str, float]:
  """`measure` of a scan as `data.prepare_image` gives it."""
  spacing = turned.spacing
  return measure(
    images,
    pixel_mm=_prepared_mm(placement, spacing),
    spacing=spacing,
    shape=turned.shape,
  )


def _prepared_mm(
  placement: data.Placement, spacing: Sequence[float]
) -> tuple[float, float]:
  return spacing[1] * placement.step[0], spacing[2] * placement.step[1]


def familiar(
  config: data.PrepareConfig,
  turned: volumes.Volume,
  training: Mapping[str, Any],
  size: Sequence[int],
) -> data.PrepareConfig:
  """A prepared grid whose pixels have a size that the network has seen.

  A network that was trained on each patient's own pixels knows organs by their
  size in pixels. A cohort such as OpenKBP has pixels of 4 mm, a scanner's are
  of 0.5 to 1: on these the network would look for organs of a few millimetres.
  So such a scan is brought to the training's median; a part of the image, as
  many pixels, then lies about the body.

  Args:
    config: The prepared grid of the model.
    turned: The scan, axial.
    training: Of `of_training`; {} is not known.
    size: Rows and columns that the network was trained on.

  Returns:
    The same where the scan's pixels are as in training, or the grid has a
    spacing of its own.
  """
  known = (training.get("measures") or {}).get("pixel_mm")
  # Of a part of the image, a spacing has no effect.
  if known is None or (config.spacing is not None and config.crop is None):
    return config
  own = float(np.sqrt(turned.spacing[1] * turned.spacing[2]))
  low, middle, high = known
  noticed = TIMES["pixel_mm"][2]
  if low / noticed <= own <= high * noticed:
    return config
  rows, columns = size
  return dataclasses.replace(
    config, size=(rows, columns), spacing=float(middle), crop=None
  )


def compare(
  found: Mapping[str, float],
  training: Mapping[str, Any],
  *,
  brought_mm: float | None = None,
) -> list[Remark]:
  """How a scan differs from those of a training.

  Args:
    found: Of `of_scan`.
    training: Of `of_training`; {} is not known.
    brought_mm: What the scan's pixels are brought to, mm; None keeps their own.
      Finer ones then lose nothing, and are never absurd.
  """
  remarks = []
  known = training.get("measures") or {}
  for name, (said, unit, noticed, refused) in TIMES.items():
    if name not in known or name not in found:
      continue
    low, _, high = known[name]
    value = found[name]
    if low / noticed <= value <= high * noticed:
      continue
    far = refused is not None and not low / refused <= value <= high * refused
    if name == "pixel_mm" and brought_mm is not None:
      # To which size differs from structure to structure.
      text = f"pixels of {value:.3g} mm, brought to the training's median"
      far = far and value > high
      remarks.append(_ranged(text, (low, high), " mm", far))
      continue
    remarks.append(_remark(said, unit, value, low, high, absurd=far))
  for name, (said, unit, more) in PLUS.items():
    if name not in known or name not in found:
      continue
    low, _, high = known[name]
    margin = max(more, (high - low) / 2)
    if not low - margin <= found[name] <= high + margin:
      remarks.append(_remark(said, unit, found[name], low, high))
  return remarks


def _remark(
  said: str,
  unit: str,
  value: float,
  low: float,
  high: float,
  *,
  absurd: bool = False,
) -> Remark:
  unit = f" {unit}" if unit else ""
  return _ranged(f"{said} {value:.3g}{unit}", (low, high), unit, absurd)


def _ranged(
  found: str, known: tuple[float, float], unit: str, absurd: bool
) -> Remark:
  text = f"{found}, in training {known[0]:.3g} to {known[1]:.3g}{unit}"
  return Remark(text, absurd, found, known, unit)


def shared(
  remarks: Mapping[str, Sequence[Remark]],
) -> dict[str, list[Remark]]:
  """Remarks that hold for all structures stand once, under "".

  The range is then the widest of the trainings'.

  Args:
    remarks: Structure -> its remarks; "" stands for all already.
  """
  own = [value for name, value in remarks.items() if name]
  common = list(remarks.get("", ()))
  for one in own[0]:
    same = [r for value in own for r in value if r.about == one.about]
    if len(same) < len(own):
      continue
    if one.found:
      lows, highs = zip(*(r.known for r in same), strict=True)
      absurd = any(r.absurd for r in same)
      one = _ranged(one.found, (min(lows), max(highs)), one.unit, absurd)
    common.append(one)
  told = {one.about for one in common}
  return {
    "": common,
    **{
      name: [one for one in value if one.about not in told]
      for name, value in remarks.items()
      if name
    },
  }


def absurdities(turned: volumes.Volume, modality: str) -> list[Remark]:
  """What no training needs to be known for: it is no patient's scan.

  Args:
    turned: The scan, axial, as it was measured.
    modality: Of the model.
  """
  found = []
  slices = turned.shape[0]
  if slices < FEWEST_SLICES:
    found.append(
      Remark(
        f"has {slices} slice{'s' if slices > 1 else ''}; a scan of"
        f" {FEWEST_SLICES} or more is needed",
        absurd=True,
      )
    )
  if modality != "CT":
    return found
  low, high = int(turned.array.min()), int(turned.array.max())
  below = sum(int(np.count_nonzero(one < _FAT_HU)) for one in turned.array)
  if below / turned.array.size < _LEAST_BELOW:
    found.append(
      Remark(
        f"has values from {low} to {high}, and neither air nor fat (below"
        f" {_FAT_HU} HU): an MR, or a CT that is not in HU",
        absurd=True,
      )
    )
    return found
  from scipy import ndimage  # Slow to import.

  parts = []
  for one in turned.array[:: -(-slices // _SLICES)]:
    smooth = ndimage.uniform_filter(one.astype(np.float32), 5)
    # What is smoothed with the air about the body is no density of it.
    parts.append(smooth[ndimage.minimum_filter(one, 5) > _BODY_HU])
  inside = np.concatenate(parts)
  if len(inside):
    first, middle, last = np.percentile(inside, [10, 50, 90])
    one_density = last - first < _ONE_DENSITY_HU
    if one_density and float(np.mean(inside > _BONE_HU)) < _NO_BONE:
      found.append(
        Remark(
          f"has a body of one density, {middle:.0f} HU, without bone, as a"
          " phantom of water has",
          absurd=True,
        )
      )
  return found


def body_part(text: str, structures: Sequence[str]) -> list[Remark]:
  """What BodyPartExamined says, where it is of no use for an organ.

  Args:
    text: As in the header; "" is not known.
    structures: Canonical names of the models.
  """
  said = text.strip().upper().replace(" ", "").replace("&", "")
  near = (
    "HEAD",
    "NECK",
    "SKULL",
    "BRAIN",
    "CSPINE",
    "WHOLEBODY",
    "JAW",
    "FACE",
  )
  reaching = {"spinal_cord", "esophagus"}  # These go on below the neck.
  others = [name for name in structures if name not in reaching]
  if not said or any(word in said for word in near) or not others:
    return []
  return [
    Remark(f"BodyPartExamined is {text.strip()[:32]!r}, not the head or neck")
  ]


def refuse(remarks: Sequence[Remark], where: str, *, anyway: bool) -> None:
  """Refuses a scan of which a map would mean nothing.

  Raises:
    DataError: There is such a remark, and nobody wants it anyway.
  """
  absurd = [one.text for one in remarks if one.absurd]
  if absurd and not anyway:
    raise errors.DataError(
      f"{where}: {'; '.join(absurd)}; give a scan such as the model was trained"
      " on, or --anyway"
    )
