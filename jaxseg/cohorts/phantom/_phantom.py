"""CT-like images of synthetic patients with the ten organs of the study."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from jaxseg import errors
from jaxseg import volume
from jaxseg.cohorts import _case
from jaxseg.cohorts.phantom import _anatomy
from jaxseg.cohorts.phantom import _shapes as shapes

_FIELD_MM = 300.0
_PREFIX = "phantom_"
# How far apart two physicians draw the same border on CT.
_BORDER_MM = 1.2


class Phantom:
  """A cohort of synthetic patients.

  A patient depends on the seed and its own number alone: it is the same, bit
  for bit, in a cohort of any size.

  Attributes:
    name: "phantom".
    structures: The ten organs of the study.
  """

  name = "phantom"
  structures: tuple[str, ...] = _anatomy.ORGANS

  def __init__(
    self,
    *,
    patients: int = 24,
    size: int = 128,
    slice_mm: float = 5.0,
    seed: int = 0,
  ):
    """Fixes the cohort; patients are made when they are loaded.

    Args:
      patients: How many.
      size: Rows and columns of the CT; they show 300 mm.
      slice_mm: Distance of the slices, mm.
      seed: Another seed, other patients.

    Raises:
      ConfigError: A setting has a value that cannot work.
    """
    if not 1 <= patients <= 100_000:
      raise errors.ConfigError(
        f"phantom: {patients} patients; give 1 to 100000"
      )
    if not 32 <= size <= 1024:
      raise errors.ConfigError(f"phantom: grid of {size}; give 32 to 1024")
    if not 0.5 <= slice_mm <= 20:
      raise errors.ConfigError(
        f"phantom: slices {slice_mm} mm apart; give 0.5 to 20"
      )
    if seed < 0:
      raise errors.ConfigError(f"phantom: seed {seed} is below 0")
    self._patients, self._size = patients, size
    self._slice_mm, self._seed = slice_mm, seed

  def patients(self) -> tuple[str, ...]:
    """Names of the patients."""
    return tuple(f"{_PREFIX}{k:03d}" for k in range(self._patients))

  def describe(self) -> Mapping[str, Any]:
    """Settings that fix the cohort."""
    return {
      "name": self.name,
      "synthetic": True,
      "patients": self._patients,
      "size": self._size,
      "slice_mm": self._slice_mm,
      "seed": self._seed,
    }

  def load(self, patient: str) -> _case.Case:
    """Makes one patient.

    Raises:
      DataError: There is no such patient.
    """
    if patient not in self.patients():
      raise errors.DataError(
        f"{patient}: not in a phantom of {self._patients} patients; they"
        f" are {_PREFIX}000 and so on"
      )
    number = int(patient.removeprefix(_PREFIX))
    generator = np.random.default_rng([self._seed, number])
    anatomy = _anatomy.draw(generator)
    affine, shape = self._grid()
    points = _patient_points(generator, affine, shape)
    spacing = (self._slice_mm, affine[1, 1], affine[0, 2])
    image = _paint(anatomy, points, generator, spacing)
    masks = {}
    for index, name in enumerate(self.structures):
      border = np.random.default_rng([self._seed, number, index])
      if (number + 3 * index) % 10 == 7:
        continue  # Not contoured, as happens in every collection.
      mask = _contour(anatomy.organs[name], points, border, spacing)
      if mask.any():
        masks[name] = mask
    return _case.Case(patient, volume.Volume.from_affine(image, affine), masks)

  def _grid(self) -> tuple[np.ndarray, tuple[int, int, int]]:
    pixel = _FIELD_MM / self._size
    span = _anatomy.HIGHEST_MM - _anatomy.LOWEST_MM
    slices = max(1, round(span / self._slice_mm))
    affine = np.zeros((4, 4))
    affine[2, 0], affine[1, 1], affine[0, 2] = self._slice_mm, pixel, pixel
    affine[:, 3] = (
      -_FIELD_MM / 2 + pixel / 2,
      -_FIELD_MM / 2 + pixel / 2,
      _anatomy.LOWEST_MM + self._slice_mm / 2,
      1,
    )
    return affine, (slices, self._size, self._size)


def _patient_points(
  generator: np.random.Generator,
  affine: np.ndarray,
  shape: tuple[int, int, int],
) -> shapes.Points:
  """Where each voxel lies in the anatomy: pose, size and a smooth warp."""
  z, y, x = (
    (affine[axis, k] * np.arange(n) + affine[axis, 3]).astype(np.float32)
    for axis, k, n in zip((2, 1, 0), range(3), shape, strict=True)
  )
  x, y = x[None, None, :], y[None, :, None] - np.float32(4)
  z = z[:, None, None]
  turn, nod = generator.normal(0, np.deg2rad(2.5), 2)
  scale = generator.normal(1, 0.03, 3).clip(0.92, 1.08)
  shift = generator.uniform(-6, 6, 3) * (1, 1, 0.5)
  cos, sin = np.float32(np.cos(turn)), np.float32(np.sin(turn))
  x, y = cos * x + sin * y, -sin * x + cos * y
  cos, sin = np.float32(np.cos(nod)), np.float32(np.sin(nod))
  y, z = cos * y + sin * z, -sin * y + cos * z
  x, y, z = (
    np.float32(s) * v + np.float32(d)
    for v, s, d in zip((x, y, z), scale, shift, strict=True)
  )
  moved = []
  for part in (x, y, z):
    total = np.zeros(shape, np.float32) + part
    for _ in range(3):  # Waves of 100 to 250 mm, about a millimetre each.
      length = generator.uniform(100, 250, 3)
      k = 2 * np.pi / length * generator.choice([-1, 1], 3)
      phase, height = generator.uniform(0, 2 * np.pi), generator.normal(0, 1.0)
      wave = np.sin((k[0] * x + k[1] * y + k[2] * z + phase).astype(np.float32))
      total += np.float32(height) * wave
    moved.append(total)
  return shapes.Points(*moved)


def _paint(
  anatomy: _anatomy.Anatomy,
  points: shapes.Points,
  generator: np.random.Generator,
  spacing: tuple[float, float, float],
) -> np.ndarray:
  """The CT, int16 HU: solids with soft edges, texture, noise."""
  from scipy import ndimage  # Slow to import: not for every command.

  shape = points.x.shape
  hu = np.full(shape, -1000, np.float32)
  edge = np.float32(max(spacing[1], 1.0))
  texture = _smooth_noise(generator, shape, spacing, 6.0)
  for solid in anatomy.solids:
    box = _box(solid.distance, points, spacing[1], within_mm=float(edge))
    if box is None:
      continue
    part = np.clip(0.5 - solid.distance(points[box]) / edge, 0, 1)
    value = solid.hu + solid.texture_hu * texture[box]
    hu[box] += part * (value - hu[box])
  # A couch below the head, of foam: thinner than what is taken for body.
  couch = slice(int(0.9 * shape[1]), int(0.93 * shape[1]))
  hu[:, couch] = np.maximum(hu[:, couch], -650)
  sigma = generator.uniform(9, 18)
  noise = generator.standard_normal(shape, np.float32)
  noise = ndimage.gaussian_filter(noise, (0.3, 0.8, 0.8))
  hu += np.float32(sigma / noise.std()) * noise
  return np.rint(np.clip(hu, -1000, 3000)).astype(np.int16)


def _contour(
  distance: Callable[[shapes.Points], np.ndarray],
  points: shapes.Points,
  generator: np.random.Generator,
  spacing: tuple[float, float, float],
) -> np.ndarray:
  """A contour as a human draws it: off by a millimetre or so, smoothly."""
  mask = np.zeros(points.x.shape, np.bool_)
  box = _box(distance, points, spacing[1], within_mm=8.0)
  if box is None:
    return mask
  part = distance(points[box])
  margin = generator.normal(0, 0.3)  # A hand that draws wide or tight.
  field = _smooth_noise(generator, part.shape, spacing, 12.0)
  hand = _smooth_noise(generator, part.shape, (1e3, *spacing[1:]), 8.0)
  off = _BORDER_MM * (0.7 * field + 0.7 * hand) + margin
  drawn = part + off.astype(np.float32) < 0
  slices = np.flatnonzero(drawn.any((1, 2)))
  if len(slices) > 4:  # Where an organ ends is a matter of opinion.
    first, last = generator.integers(0, 2, 2)
    drawn[: slices[0] + first] = False
    drawn[slices[-1] + 1 - last :] = False
  mask[box] = drawn
  return mask


def _box(
  distance: Callable[[shapes.Points], np.ndarray],
  points: shapes.Points,
  pixel_mm: float,
  *,
  within_mm: float,
) -> tuple[slice, ...] | None:
  """A box that holds all points nearer to a solid than `within_mm`.

  Found on every fourth row and column: a sixteenth of the work.
  """
  from scipy import ndimage  # Slow to import: not for every command.

  coarse = distance(points[:, ::4, ::4])
  # Four pixels along both axes, and distances are only about right.
  near = coarse < within_mm + 1.5 * 4 * pixel_mm + 2.0
  found = ndimage.find_objects(near.astype(np.uint8))
  if not found:
    return None
  slices, rows, columns = found[0]
  return (
    slices,
    slice(4 * rows.start, 4 * rows.stop),
    slice(4 * columns.start, 4 * columns.stop),
  )


def _smooth_noise(
  generator: np.random.Generator,
  shape: tuple[int, ...],
  spacing: tuple[float, float, float],
  length_mm: float,
) -> np.ndarray:
  """Noise of unit variance, correlated over a length; float32.

  It is drawn on a grid of about half that length and interpolated, so that a
  fine image costs little more than a coarse one.
  """
  from scipy import ndimage  # Slow to import: not for every command.

  step = [max(1.0, 0.5 * length_mm / s) for s in spacing]
  coarse = [int(np.ceil(n / s)) + 2 for n, s in zip(shape, step, strict=True)]
  noise = generator.standard_normal(coarse, np.float32)
  noise = ndimage.gaussian_filter(noise, [0.8 if s > 1 else 0.0 for s in step])
  noise /= max(float(noise.std()), 1e-6)
  return ndimage.affine_transform(
    noise,
    [1 / s for s in step],
    output_shape=tuple(shape),
    order=1,
    mode="nearest",
  )
