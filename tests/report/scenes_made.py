"""Scenes whose every number the library can tell as well."""

import numpy as np

from jaxseg import study
from jaxseg import thresholds
from jaxseg.study import _scenes

HOSTILE = "<img src=x onerror=alert(1)>"
LONG = 150 * "x"  # A name without a place to break.
SHAPE = (14, 40, 44)
SPACING = (3.0, 1.0, 1.5)
KNOWN = np.arange(SHAPE[0]) < 11
CUTS = thresholds.grid(101)


def case(seed, noise=0.15):
  """A blurred ball and its reference."""
  draw = np.random.default_rng(seed)
  z, y, x = np.ogrid[: SHAPE[0], : SHAPE[1], : SHAPE[2]]
  far = np.sqrt((3 * (z - 7.0)) ** 2 + (y - 20.0) ** 2 + (1.5 * (x - 20)) ** 2)
  p = 1 / (1 + np.exp((far - 10 - seed % 3) / 2 + draw.normal(0, noise, SHAPE)))
  p[1, 2, 3] = 0.8  # Beyond the reference, on a slice of its own.
  return p.astype(np.float32), far < 11


def counts(structure="brain", objective="bce", seed=0, *, surfaces=False):
  """Counts of two validation and three test patients of a model."""
  return study.CohortCounts.join(
    [
      study.count_arrays(
        *case(seed + k),
        name=f"patient{k}{HOSTILE + LONG if k == 4 else ''}",
        part="validation" if k < 2 else "test",
        scopes={"known": KNOWN, "volume": np.ones(SHAPE[0], np.bool_)},
        spacing=SPACING,
        cuts=CUTS if surfaces else None,
        facts={
          "structure": structure,
          "objective": objective,
          "seed": seed,
          "negatives": 0.25,
        },
      )
      for k in range(5)
    ]
  )


def scene(structure, results, k, role="median", *, image=True):
  """Patient k, as `study.scenes` makes it."""
  name = results[0].names[k]
  maps = [
    _scenes.scene_map(
      case(one.facts["seed"] + k)[0],
      one,
      name,
      thresholds.optimum(one.sides()[0].even).threshold,
      {n: one.facts[n] for n in ("objective", "seed", "negatives")},
    )
    for one in results
  ]
  reference = case(results[0].facts["seed"] + k)[1]
  picture = np.where(reference, 60, -900).astype(np.int16) if image else None
  return _scenes.scene(
    structure=structure,
    patient=name,
    role=role,
    patients=3,
    spacing=SPACING,
    grid=1001,
    known=KNOWN,
    reference=reference,
    image=picture,
    synthetic=True,
    maps=maps,
    sides=("R", "A"),
  )
