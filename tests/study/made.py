"""Counts made by hand, and a stand-in for a trained model."""

import dataclasses

import numpy as np
import SimpleITK as sitk

from jaxseg import formats
from jaxseg import study
from jaxseg import thresholds

OPTIONS = study.MapOptions()
SETTINGS = study.Settings(resamples=50)


def case(seed, shape=(4, 16, 18)):
  """A map and its reference."""
  draw = np.random.default_rng(seed)
  y = np.zeros(shape, np.bool_)
  y[1:3, 4:10, 5 : 9 + seed % 4] = True
  p = np.clip(0.55 * y + draw.normal(0.15, 0.12, shape), 0, 1)
  return p.astype(np.float32), y


def write(array, path):
  image = sitk.GetImageFromArray(array)
  image.SetSpacing((1.0, 1.5, 3.0))
  path.parent.mkdir(parents=True, exist_ok=True)
  sitk.WriteImage(image, str(path))


def pairs(folder):
  return formats.pair(folder / "p", folder / "r").pairs


def maps(count=5, *, surfaces=False, **facts):
  """Counts of the cases as anyone's maps give them."""
  return study.CohortCounts.merge(
    [
      study.count_arrays(
        *case(seed),
        name=f"case{seed}",
        key=f"key{seed}",
        voxel_ml=0.0045,
        spacing=(3.0, 1.5, 1.0),
        cuts=thresholds.grid(101) if surfaces else None,
        facts={"label": None, **facts},
      )
      for seed in range(count)
    ]
  )


def run_counts(structure="brain", peak=0.4, *, patients=3, objective="bce"):
  """Counts whose pooled Dice has its only maximum at the threshold `peak`."""
  fine = thresholds.fine_grid(1001)
  positive = np.zeros((2 * patients, len(fine) + 1), np.int64)
  negative = np.zeros_like(positive)
  grid = thresholds.grid(1001)
  place = np.searchsorted(fine, grid)  # Interval k + 1 begins at threshold k.
  k = round(1000 * peak)
  positive[:, place[k] + 1] = 1000  # Found at and below the peak, lost above.
  negative[:, 0] = 1
  negative[:, place[:k] + 1] = 1  # The lower, the more that is wrong.
  counts = thresholds.Counts(fine, positive, negative)
  cuts = np.unique(np.float32([0.5, peak]))
  surfaces = np.full((2 * patients, 4, len(cuts)), 3.0)
  surfaces[:patients] = np.nan
  names = "abcdefghijkl"
  return study.CohortCounts(
    names=tuple(names[: 2 * patients]),
    parts=("validation",) * patients + ("test",) * patients,
    scopes={"known": counts, "volume": counts},
    voxel_ml=np.ones(2 * patients),
    grid=1001,
    keys=("",) * (2 * patients),
    surfaces=surfaces,
    cuts=cuts,
    facts={
      "structure": structure,
      "objective": objective,
      "seed": 0,
      "negatives": 0.5,
      "store": "abc",
    },
  )


@dataclasses.dataclass
class Bright:
  """A model that takes what is bright for the structure."""

  structure: str
  objective: str = "bce"

  @property
  def facts(self):
    return {
      "structure": self.structure,
      "objective": self.objective,
      "seed": 0,
      "negatives": 0.5,
      "network": {"name": "unet"},
    }

  def predict_prepared(self, images):
    return (1 / (1 + np.exp(-(images - 150) / 80.0))).astype(np.float32)


def model_counts(
  structure="brain",
  seed=0,
  *,
  inside=(0.9, 0.04),
  outside=(0.1, 0.04),
  patients=6,
  objective="bce",
  negatives=0.25,
  network=None,
  distances=(3.0, 1.0, 0.8),
  voxels=(400, 1200),
):
  """Counts of a model whose probabilities are normal, inside and outside."""
  draw = np.random.default_rng([len(structure), seed, patients])
  fine = thresholds.fine_grid(1001)
  sides = []
  for (mean, width), count in zip((inside, outside), voxels, strict=True):
    p = np.clip(draw.normal(mean, width, (2 * patients, count)), 0, 1)
    place = np.searchsorted(fine, p.astype(np.float32), side="right")
    sides.append([np.bincount(own, minlength=len(fine) + 1) for own in place])
  counts = thresholds.Counts(fine, *(np.array(own, np.int64) for own in sides))
  cuts = thresholds.grid(1001)
  surfaces = np.full((2 * patients, 4, len(cuts)), np.nan, np.float32)
  for k, value in enumerate((*distances, 400)):
    surfaces[patients:, k] = value + draw.normal(0, 0.01, (patients, 1))
  names = [f"{part}{k}" for part in ("v", "t") for k in range(patients)]
  return study.CohortCounts(
    names=tuple(names),
    parts=("validation",) * patients + ("test",) * patients,
    scopes=dict.fromkeys(("known", "kept"), counts),
    voxel_ml=np.ones(2 * patients),
    grid=1001,
    keys=("",) * (2 * patients),
    surfaces=surfaces,
    cuts=cuts,
    facts={
      "structure": structure,
      "objective": objective,
      "seed": seed,
      "negatives": negatives,
      "network": network or {"name": "unet"},
      "prominence": {"kept_fraction": 0.02 / (1 + negatives)},
      "cohort": "made up",
      "synthetic": True,
      "store": "abc",
    },
  )
