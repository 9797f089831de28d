"""The prepared grid: how it is chosen, where it lies, and the way back."""

from collections.abc import Mapping
import dataclasses
from typing import Any

import numpy as np

from jaxseg import errors
from jaxseg import volume
from jaxseg.data import _bilinear
from jaxseg.data import _body

_AIR_HU = -1000
# Slices resampled at once: what is in between is in float32, some times over.
_AT_ONCE = 4
# Origin and step of the patient's grid in the patient's own pixels.
_ITSELF = ((0.0, 0.0), (1.0, 1.0))
BEYOND = ("unknown", "absent")


@dataclasses.dataclass(frozen=True)
class PrepareConfig:
  """How patients are brought onto one grid.

  Attributes:
    size: Rows and columns of the prepared slices, pixels, centred on the body.
    spacing: In-plane pixel spacing, mm; None keeps each patient's own.
    crop: A fixed square instead: where it begins and ends, as fractions of
      the image's rows and columns; `size` and `spacing` then have no effect.
    structures: Canonical names to prepare; None is all of the cohort's.
    beyond: What slices beyond the contours of an organ hold that goes on there,
      such as a spinal cord: "unknown", which nothing learns from or is scored
      on; or "absent", as if the organ ended with its contours.
  """

  size: tuple[int, int] = (96, 96)
  spacing: float | None = None
  crop: tuple[float, float] | None = None
  structures: tuple[str, ...] | None = None
  beyond: str = "unknown"

  def __post_init__(self):
    if self.crop is not None and not 0 <= self.crop[0] < self.crop[1] <= 1:
      raise errors.ConfigError(
        f"crop {self.crop} is no part of an image; give begin < end in [0, 1]"
      )
    if any(n < 16 for n in self.size):
      raise errors.ConfigError(
        f"size {self.size} has fewer than 16 pixels; take 96 or 128"
      )
    if self.spacing is not None and not self.spacing > 0:
      raise errors.ConfigError(
        f"spacing {self.spacing} mm is not above 0; leave it out to keep"
        " each patient's own"
      )
    if self.beyond not in BEYOND:
      raise errors.ConfigError(
        f"beyond is {self.beyond!r}; take {' or '.join(BEYOND)}"
      )

  def to_json(self) -> dict[str, Any]:
    """JSON-able form; without what older versions did not know, by default."""
    content = dataclasses.asdict(self)
    if self.beyond == BEYOND[0]:
      del content["beyond"]
    return content

  @staticmethod
  def from_json(content: Mapping[str, Any]) -> "PrepareConfig":
    """The inverse of `to_json`, after a way through JSON.

    Raises:
      TypeError: A field is unknown or malformed.
    """
    fields: dict[str, Any] = {
      name: tuple(value) if isinstance(value, list) else value
      for name, value in content.items()
    }
    return PrepareConfig(**fields)


@dataclasses.dataclass(frozen=True)
class Placement:
  """The in-plane map between a patient's grid and the prepared one.

  Prepared pixel (i, j) lies at the patient's index
  (origin[0] + i * step[0], origin[1] + j * step[1]); slices correspond.

  Attributes:
    shape: The patient's grid (slices, rows, columns).
    size: The prepared grid (rows, columns).
    origin: Patient index (row, column) of the prepared pixel (0, 0).
    step: Patient pixels per prepared pixel (row, column).
  """

  shape: tuple[int, int, int]
  size: tuple[int, int]
  origin: tuple[float, float]
  step: tuple[float, float]

  @property
  def is_crop(self) -> bool:
    """Whether pixels correspond one to one, so that nothing is resampled."""
    return self.step == (1.0, 1.0) and all(o == int(o) for o in self.origin)

  def take(self, array: np.ndarray, *, fill: float) -> np.ndarray:
    """Brings `[slice, row, column]` onto the prepared grid.

    Args:
      array: Values on the patient's grid.
      fill: Value outside of the patient's grid.

    Returns:
      float32 where resampled, else the array's own dtype,
      `[slice, *size]`.
    """
    if self.is_crop:
      return volume.paste(
        array, self.size, tuple(-int(o) for o in self.origin), fill
      )
    smooth = array.astype(np.float32)
    # Averages what one prepared pixel covers; sampling alone would alias.
    sigma = [0.0] + [0.4 * s if s > 1.01 else 0.0 for s in self.step]
    if any(sigma):
      from scipy import ndimage  # Slow to import: not to read a store.

      smooth = ndimage.gaussian_filter(smooth, sigma, mode="nearest")
    if not all(sigma[1:]):
      # Whole numbers half-way between two others, which the last bit of ITK's
      # arithmetic rounds: stores of before stay as they are.
      source = volume.Volume.from_affine(smooth, np.eye(4))
      return volume.resample(source, self._grid(len(array)), fill=fill).array
    return _bilinear.bilinear(
      smooth,
      self.size,
      origin=self.origin,
      step=self.step,
      own=_ITSELF,
      fill=fill,
    )

  def restore(self, array: np.ndarray, *, fill: float = 0.0) -> np.ndarray:
    """Brings `[slice, *size]` back onto the patient's grid.

    Args:
      array: Values on the prepared grid, such as probabilities: all slices,
        or some of them.
      fill: Value outside of the prepared grid.

    Returns:
      Values on the patient's grid, `[slice, row, column]`: the very same
      numbers if nothing was resampled, else linear interpolation, float32.
    """
    if self.is_crop:
      at = tuple(int(o) for o in self.origin)
      return volume.paste(array, self.shape[1:], at, fill)
    origin, step = _ITSELF
    return _bilinear.bilinear(
      array,
      self.shape[1:],
      origin=origin,
      step=step,
      own=(self.origin, self.step),
      fill=fill,
    )

  @property
  def covered(self) -> np.ndarray:
    """Bool `[row, column]` of the patient's grid: inside the prepared one."""
    inside = []
    for length, n, origin, step in zip(
      self.shape[1:], self.size, self.origin, self.step, strict=True
    ):
      at = (np.arange(length) - origin) / step
      inside.append((at >= -0.5) & (at <= n - 0.5))
    return inside[0][:, None] & inside[1][None, :]

  def _grid(self, slices: int) -> volume.Grid:
    """The prepared grid in the patient's indices."""
    affine = np.diag([1.0, *self.step, 1.0])
    affine[1:3, 3] = self.origin
    return volume.Grid.from_affine((slices, *self.size), affine)

  def to_json(self) -> dict[str, Any]:
    """JSON-able form."""
    return dataclasses.asdict(self)

  @staticmethod
  def from_json(content: Mapping[str, Any]) -> "Placement":
    """The inverse of `to_json`."""
    return Placement(**{key: tuple(value) for key, value in content.items()})


def prepare_image(
  image: volume.Volume, config: PrepareConfig
) -> tuple[Placement, np.ndarray]:
  """Brings a CT onto the prepared grid, as training and prediction see it.

  Args:
    image: CT in HU.
    config: The prepared grid.

  Returns:
    (where it was placed, int16 HU `[slice, row, column]`).

  Raises:
    GeometryError: No voxel of the image is denser than air.
  """
  placement = place(
    image, size=config.size, spacing=config.spacing, crop=config.crop
  )
  slices = len(image.array)
  images = np.empty((slices, *placement.size), np.int16)
  for first in range(0, slices, _AT_ONCE):  # Slices do not know each other.
    some = slice(first, first + _AT_ONCE)
    taken = placement.take(image.array[some], fill=_AIR_HU)
    images[some] = np.rint(taken)
  return placement, images


def place(
  image: volume.Volume,
  *,
  size: tuple[int, int],
  spacing: float | None,
  crop: tuple[float, float] | None = None,
) -> Placement:
  """Places the prepared grid on the patient's own.

  Args:
    image: CT in HU.
    size: Rows and columns of the prepared grid.
    spacing: Pixel spacing of the prepared grid, mm; None keeps the patient's
      own, so that nothing is resampled.
    crop: A fixed square instead, from and to these fractions of the image's
      rows and columns; None centres the grid on the body.

  Raises:
    GeometryError: No voxel of the image is denser than air.
  """
  if crop is not None:
    begin, end = (tuple(round(f * n) for n in image.shape[1:]) for f in crop)
    size = (end[0] - begin[0], end[1] - begin[1])
    return Placement(image.shape, size, (begin[0], begin[1]), (1.0, 1.0))
  step = (1.0, 1.0)
  if spacing is not None:
    step = tuple(spacing / own for own in image.spacing[1:])  # type: ignore
  origin = tuple(
    c - (n - 1) / 2 * s
    for c, n, s in zip(_body.centre(image.array), size, step, strict=True)
  )
  if spacing is None:
    origin = tuple(round(o) for o in origin)
  origin = tuple(float(o) for o in origin)
  return Placement(image.shape, size, origin, step)  # type: ignore
