"""The phantom's head and neck: which solids, where, and how dense.

Sizes and densities are round textbook numbers for an adult, in mm and HU. All
positions are (x, y, z) with x to the patient's left, y to posterior and z to
superior; the origin lies in the middle of the skull's base.
"""

from collections.abc import Callable, Mapping
import dataclasses

import numpy as np

from jaxseg.cohorts.phantom import _shapes as shapes

ORGANS: tuple[str, ...] = (
  "spinal_cord",
  "neck_left",
  "neck_right",
  "submandibular_left",
  "submandibular_right",
  "parotid_left",
  "parotid_right",
  "oral_cavity",
  "medulla_oblongata",
  "brain",
)

LOWEST_MM, HIGHEST_MM = -130.0, 128.0


@dataclasses.dataclass(frozen=True)
class Solid:
  """One paint stroke: what lies inside gets a density.

  Attributes:
    distance: Points -> signed distance, mm.
    hu: Density.
    texture_hu: Standard deviation of a smooth variation of the density.
  """

  distance: Callable[[shapes.Points], np.ndarray]
  hu: float
  texture_hu: float = 0.0


@dataclasses.dataclass(frozen=True)
class Anatomy:
  """One patient's solids.

  Attributes:
    solids: In the order of painting; later ones cover earlier ones.
    organs: Name -> signed distance of the true organ.
  """

  solids: tuple[Solid, ...]
  organs: Mapping[str, Callable[[shapes.Points], np.ndarray]]


def draw(generator: np.random.Generator) -> Anatomy:
  """Draws one patient.

  Args:
    generator: Decides sizes, places and densities.
  """
  move, size = _Jitter(generator, 2.5), _Scale(generator, 0.07)
  density = generator.normal
  vessel_hu = generator.uniform(60, 220)  # With contrast medium or without.
  parotid_hu = generator.uniform(-25, 30)
  thin = generator.uniform(0.8, 1.25)  # Thickness of the fat below the skin.
  e, t = shapes.ellipsoid, shapes.tube

  head_at, head_r = (0, 2, 42), size(80, 99, 84)
  jaw_at, jaw_r = (0, -24, -26), size(74, 74, 56)
  neck_path, neck_r = [(0, 18, -150), (0, 14, -60), (0, 8, 0)], size(66, 64)
  shoulder_at = (0, 30, generator.uniform(-178, -160))
  shoulder_r = size(200, 80, 64)

  def body(p):
    return shapes.union(
      e(p, head_at, head_r),
      e(p, jaw_at, jaw_r),
      t(p, neck_path, neck_r),
      e(p, shoulder_at, shoulder_r),
    )

  brain_at, brain_r = move(0, 4, 46), size(63, 80, 65)

  def brain(p):
    floor = np.float32(-14) + np.float32(0.12) * np.abs(p.x) - p.z
    return np.maximum(e(p, brain_at, brain_r), floor)

  def skull(p):
    shell = np.abs(e(p, (0, 3, 45), tuple(r - 10 for r in head_r))) - 3.5
    return np.maximum(shell, np.float32(-16) - p.z)

  def base(p):
    return shapes.without(
      shapes.box(p, (0, 8, -17), (46, 40, 3)), t(p, hole, (12, 12))
    )

  hole = [(0, 27, -40), (0, 25, 0)]
  cord = [
    (0, 42, -135),
    (0, 33, -100),
    (*move(0, 27, -70)[:2], -70),
    (0, 28, -43),
  ]
  medulla = [(0, 28, -44), (0, 25, -30), (0, 21, -13)]
  cord_r, medulla_r = size(7.0, 5.8), size(8.2, 7.4)
  front = [(x, y - 20, z) for x, y, z in cord]
  behind = [(x, y + 17, z) for x, y, z in cord]

  jaw = (0, -36), size(44, 48)
  rami = [(side * (jaw[1][0] + 3), -26, -28) for side in (-1, 1)]

  def mandible(p):
    body_ = shapes.arch(p, *jaw, width=9.5, bottom=-62, top=-40)
    return shapes.union(body_, *(shapes.box(p, at, (4, 14, 30)) for at in rami))

  def teeth(p):
    return shapes.arch(
      p, (0, -38), tuple(r - 6 for r in jaw[1]), width=8, bottom=-42, top=-20
    )

  airway = [(0, -2, -135), (0, -8, -80), (0, -12, -40), (0, -14, -6)]
  airway_r = size(8.5, 7.0)
  mouth_at, mouth_r = move(0, -48, -33), size(29, 31, 22)

  def mouth(p):
    return shapes.without(e(p, mouth_at, mouth_r), mandible(p), teeth(p))

  organs: dict[str, Callable[[shapes.Points], np.ndarray]] = {
    "brain": brain,
    "medulla_oblongata": lambda p: t(p, medulla, medulla_r),
    "spinal_cord": lambda p: t(p, cord, cord_r),
    "oral_cavity": mouth,
  }
  paint = [
    Solid(body, -105, 8),
    Solid(lambda p: body(p) + 7 * thin, density(52, 4), 12),
    Solid(skull, density(950, 80), 60),
    Solid(base, density(350, 40), 120),
    Solid(lambda p: brain(p) - 2.5, 6),
    Solid(brain, density(36, 2), 5),
    Solid(lambda p: t(p, front, (15, 12)), density(330, 40), 60),
    Solid(lambda p: t(p, behind, (5, 13)), density(350, 40), 60),
    Solid(lambda p: t(p, cord, (15, 13)), density(420, 50), 40),
    Solid(lambda p: t(p, cord, (10.5, 9)), 12),
    Solid(organs["spinal_cord"], density(38, 3)),
    Solid(lambda p: t(p, medulla, (12, 11)), 10),
    Solid(organs["medulla_oblongata"], density(36, 2)),
  ]
  for side, name in ((1, "left"), (-1, "right")):
    for part, solids, distance in _one_side(
      side, move, size, vessel_hu, parotid_hu, mandible, body
    ):
      organs[f"{part}_{name}"] = distance
      paint += solids
  paint += [
    Solid(lambda p: e(p, mouth_at, mouth_r), density(55, 4), 15),
    Solid(lambda p: e(p, _up(mouth_at, 12), (18, 22, 3)), -600),
    Solid(mandible, density(800, 80), 120),
    Solid(teeth, density(1700, 200), 200),
    Solid(lambda p: t(p, airway, airway_r), -990),
    Solid(lambda p: e(p, (0, -52, 4), (14, 26, 16)), -950),
  ]
  return Anatomy(tuple(paint), {name: organs[name] for name in ORGANS})


def _one_side(side, move, size, vessel_hu, parotid_hu, mandible, body):
  """Parotid, submandibular gland and neck of one side (1 left, -1 right)."""
  e, t = shapes.ellipsoid, shapes.tube
  parotid_at = move(side * 57, 4, -24)
  parotid_r = size(15, 22, 28)
  gland_at, gland_r = move(side * 30, -20, -68), size(10.5, 15, 12.5)
  level = [(side * 36, 14, -122), (side * 38, 8, -85), (side * 42, 4, -50)]
  level_r = size(19, 27)
  muscle = [(side * 30, -8, -125), (side * 46, 12, -85), (side * 55, 28, -45)]
  vein = [(side * 30, -2, -130), (side * 34, 4, -85), (side * 34, 8, -40)]
  artery = [(side * 20, 2, -130), (side * 25, 2, -85), (side * 27, 6, -40)]

  def gland(p):
    return e(p, gland_at, gland_r)

  def parotid(p):
    # It wraps the jaw's ramus from behind and stays below the skin.
    return shapes.without(
      np.maximum(e(p, parotid_at, parotid_r), body(p) + 4), mandible(p) - 1.5
    )

  def neck(p):
    return shapes.without(
      np.maximum(t(p, level, level_r), body(p) + 5), gland(p) - 1.0
    )

  return (
    (
      "neck",
      [
        Solid(neck, -75, 20),
        Solid(lambda p: t(p, muscle, (8, 13)), 58, 8),
        Solid(lambda p: t(p, vein, (6.5, 6)), vessel_hu),
        Solid(lambda p: t(p, artery, (4.5, 4.5)), 1.1 * vessel_hu),
      ],
      neck,
    ),
    ("submandibular", [Solid(gland, 48, 8)], gland),
    ("parotid", [Solid(parotid, parotid_hu, 18)], parotid),
  )


def _up(at, by):
  return at[0], at[1], at[2] + by


class _Jitter:
  """Moves a position at random."""

  def __init__(self, generator: np.random.Generator, sigma: float):
    self._generator, self._sigma = generator, sigma

  def __call__(self, *at: float) -> tuple[float, ...]:
    shift = self._generator.normal(0, self._sigma, len(at)).clip(-6, 6)
    return tuple(float(a + s) for a, s in zip(at, shift, strict=True))


class _Scale:
  """Scales sizes at random: all of them together and each a little."""

  def __init__(self, generator: np.random.Generator, sigma: float):
    self._generator, self._sigma = generator, sigma

  def __call__(self, *lengths: float) -> tuple[float, ...]:
    factor = self._generator.normal(1, self._sigma)
    each = self._generator.normal(factor, 0.4 * self._sigma, len(lengths))
    return tuple(
      float(n * f) for n, f in zip(lengths, each.clip(0.8, 1.2), strict=True)
    )
