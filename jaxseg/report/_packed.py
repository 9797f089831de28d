"""Scenes as the viewer reads them: small, and exact where it matters.

Masks and maps keep every voxel; only the image behind them loses a little,
as JPEG.
"""

import base64
from collections.abc import Sequence
import gzip
import io
import math
from typing import Any

import numpy as np
from PIL import Image

from jaxseg import study
from jaxseg.report import _wording

# Level 40, width 350: the usual soft tissue.
_WINDOW_HU = (-135.0, 215.0)
_CT_BELOW = -500  # Only a CT in HU has air so low.
_QUALITY = 80
_MOST_PIXELS = 320  # Along a side; a screen shows no more in a close-up.
# The viewer's lowest threshold: the first of these at which a map is not too
# large. A map without a clear background fills the patient below 0.01.
_FLOORS = (0.01, 0.02, 0.05, 0.1, 0.2)
_MOST_BYTES = 100_000  # Of one map, packed.


def scene(given: study.Scene) -> dict[str, Any]:
  """A scene as JSON-able values.

  Args:
    given: The scene; its maps are packed with it.
  """
  known = np.flatnonzero(given.known)
  return {
    "structure": given.structure,
    "label": _wording.structure_label(given.structure),
    "patient": given.patient,
    "role": given.role,
    "patients": given.patients,
    "shape": list(given.shape),
    "spacing": [float(mm) for mm in given.spacing],
    "grid": given.grid,
    "origin": list(given.origin),
    "size": list(given.size),
    "sides": list(given.sides),
    "known": packed(runs(known)),
    "reference": packed(runs(given.reference)),
    "images": None if given.image is None else images(given.image),
    "maps": [_map(one, given.grid) for one in given.maps],
  }


def size(packed_scene: dict[str, Any]) -> int:
  """Bytes of a packed scene in a page, without its names."""
  one = packed_scene
  total = len(one["known"]) + len(one["reference"])
  total += sum(len(text) for text in one["images"] or ())
  return total + sum(len(m["voxels"]) + len(m["cohort"]) for m in one["maps"])


def _map(given: study.SceneMap, grid: int) -> dict[str, Any]:
  # At 0 everything is inside, whatever the map: nothing to look at.
  own = max(1, round(given.threshold * (grid - 1)))
  floor, text = 0, ""
  for share in _FLOORS:
    # What the contour does about its own threshold is what counts.
    at = max(1, min(math.ceil(share * (grid - 1)), own // 2))
    if at == floor:
      break
    keep = given.level > at
    level = given.level[keep]
    content = runs(given.place[keep])
    head = np.array([len(content), len(level)], "<u4").tobytes()
    planes = 2 if grid < 1 << 16 else 3  # Bytes of a level, low ones first.
    low_first = level.astype("<u4").view(np.uint8).reshape(-1, 4)[:, :planes]
    content = head + content + low_first.T.tobytes()
    floor, text = at, packed(content)
    if len(text) <= _MOST_BYTES:
      break
  return {
    "choices": {k: _choice(k, v) for k, v in given.choices.items()},
    "threshold": own,
    "floor": floor,
    "voxels": text,
    "cuts": [float(cut) for cut in given.cuts],
    "hd95": [_number(mm) for mm in given.hd95_mm],
    "cohort": packed(np.asarray(given.cohort, "<f4").tobytes()),
  }


def _choice(name: str, value: Any) -> str:
  return _wording.objective_label(value) if name == "objective" else str(value)


def _number(value: float) -> float | str | None:
  """JSON has neither nan nor infinity."""
  if math.isnan(value):
    return None
  return "inf" if math.isinf(value) else round(float(value), 3)


def packed(content: bytes) -> str:
  """Bytes as compressed text, the same each time."""
  return base64.b64encode(gzip.compress(content, 6, mtime=0)).decode()


def runs(index: np.ndarray) -> bytes:
  """Ascending indices as gaps and lengths of runs, each a LEB128 integer.

  >>> list(runs(np.array([2, 3, 4, 300])))
  [2, 3, 167, 2, 1]

  Args:
    index: Integers `[n]`, each larger than the one before.
  """
  index = np.asarray(index, np.int64)
  if not len(index):
    return b""
  ends = np.flatnonzero(np.diff(index) != 1)
  first = index[np.append(0, ends + 1)]
  last = index[np.append(ends, len(index) - 1)]
  numbers = np.empty(2 * len(first), np.int64)
  numbers[0::2] = first - np.append(0, last[:-1] + 1)
  numbers[1::2] = last - first + 1
  return _leb128(numbers)


def _leb128(numbers: np.ndarray) -> bytes:
  lengths = np.ones(len(numbers), np.int64)
  for bits in range(7, 35, 7):
    lengths += numbers >= 1 << bits
  begin = np.cumsum(lengths) - lengths
  out = np.zeros(int(lengths.sum()), np.uint8)
  for k in range(int(lengths.max())):
    some = lengths > k
    more = np.where(lengths[some] > k + 1, 128, 0)
    out[begin[some] + k] = (numbers[some] >> (7 * k)) & 127 | more
  return out.tobytes()


def images(values: np.ndarray) -> list[str]:
  """Each slice as a grey JPEG in base64."""
  low, high = _window(values)
  step = math.ceil(max(values.shape[1:]) / _MOST_PIXELS)
  found = []
  for one in values:
    grey = np.clip((one.astype(np.float32) - low) / (high - low), 0, 1)
    grey = np.nan_to_num(grey)
    picture = Image.fromarray(np.rint(255 * grey).astype(np.uint8))
    if step > 1:
      rows, columns = one.shape
      smaller = (math.ceil(columns / step), math.ceil(rows / step))
      picture = picture.resize(smaller, Image.Resampling.BOX)
    content = io.BytesIO()
    picture.save(content, "JPEG", quality=_QUALITY, optimize=True)
    found.append(base64.b64encode(content.getvalue()).decode())
  return found


def _window(values: np.ndarray) -> Sequence[float]:
  """What is black and what is white."""
  finite = values[np.isfinite(values)]
  if not finite.size or finite.min() < _CT_BELOW:
    return _WINDOW_HU
  low, high = np.percentile(finite, (0.5, 99.5))
  return (float(low), float(high)) if high > low else (low - 1.0, low + 1.0)
