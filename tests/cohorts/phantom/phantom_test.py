"""The phantom: the same at every call, and head-and-neck-like."""

import numpy as np
import pytest

from jaxseg import cohorts
from jaxseg import errors
from jaxseg import structures
from jaxseg.cohorts.phantom import _anatomy
from jaxseg.cohorts.phantom import _phantom

# mL: narrowest and widest that a person of these organs could have.
VOLUMES_ML = {
  "brain": (950, 2000),
  "medulla_oblongata": (2.5, 12),
  "neck_left": (60, 200),
  "oral_cavity": (40, 160),
  "parotid_left": (10, 55),
  "spinal_cord": (6, 30),
  "submandibular_left": (3, 15),
}


@pytest.fixture(scope="module")
def cases():
  cohort = cohorts.Phantom(patients=10)
  return [cohort.load(name) for name in cohort.patients()]


def centre(case, name):
  """Mean (x, y, z) of a mask in mm."""
  index = np.argwhere(case.masks[name]).mean(0)
  return case.image.affine[:3, :3] @ index + case.image.affine[:3, 3]


def test_the_structures_are_those_of_the_study():
  assert set(cohorts.Phantom().structures) == set(structures.SETS["hn1"])


def test_a_patient_is_the_same_in_every_cohort(cases):
  alone = cohorts.Phantom(patients=4).load("phantom_003")
  np.testing.assert_array_equal(alone.image.array, cases[3].image.array)
  for name, mask in cases[3].masks.items():
    np.testing.assert_array_equal(alone.masks[name], mask)


def test_patients_and_seeds_differ(cases):
  other = cohorts.Phantom(patients=1, seed=1).load("phantom_000")
  for case in (cases[1], other):
    assert np.abs(case.image.array - cases[0].image.array).mean() > 5


def test_volumes_are_plausible(cases):
  for name, (low, high) in VOLUMES_ML.items():
    for case in cases:
      if name in case.masks:
        ml = case.masks[name].sum() * np.prod(case.image.spacing) / 1000
        assert low < ml < high, (case.patient, name, ml)


def test_organs_lie_where_they_belong(cases):
  for case in cases:
    has = set(case.masks)
    for organ in ("parotid", "submandibular", "neck"):
      if {f"{organ}_left", f"{organ}_right"} <= has:
        left, right = (centre(case, f"{organ}_{s}") for s in ("left", "right"))
        assert left[0] > right[0] + 30
    order = ["brain", "medulla_oblongata", "spinal_cord"]
    heights = [centre(case, n)[2] for n in order if n in has]
    assert heights == sorted(heights, reverse=True)
    if {"oral_cavity", "spinal_cord"} <= has:
      assert centre(case, "oral_cavity")[1] < centre(case, "spinal_cord")[1]


def test_prominence_differs_widely(cases):
  voxels = {
    name: np.mean([c.masks[name].sum() for c in cases if name in c.masks])
    for name in ("brain", "submandibular_left")
  }
  assert voxels["brain"] > 30 * voxels["submandibular_left"]


def test_every_structure_is_missing_somewhere_and_common(cases):
  for name in cohorts.Phantom().structures:
    count = sum(name in case.masks for case in cases)
    assert 0.6 * len(cases) <= count < len(cases)


def test_densities_are_those_of_ct(cases):
  for case in cases:
    hu = case.image.array
    assert hu.dtype == np.int16
    assert hu.min() == -1000
    assert 700 < hu.max() <= 3000
    if "brain" in case.masks:
      inside = hu[case.masks["brain"]]
      assert 20 < np.median(inside) < 50
      assert 5 < np.percentile(inside, 75) - np.percentile(inside, 25) < 60


def test_contours_are_imperfect_but_near():
  """Two hands that draw the same patient agree about as humans do."""
  cohort = cohorts.Phantom()
  affine, shape = cohort._grid()
  draw = np.random.default_rng([0, 1])
  anatomy = _anatomy.draw(draw)
  points = _phantom._patient_points(draw, affine, shape)
  spacing = (5.0, affine[1, 1], affine[0, 2])
  agreed = {}
  for name in ("brain", "parotid_left", "spinal_cord"):
    hands = [
      _phantom._contour(
        anatomy.organs[name], points, np.random.default_rng(k), spacing
      )
      for k in (0, 1)
    ]
    both = 2 * (hands[0] & hands[1]).sum()
    agreed[name] = both / sum(h.sum() for h in hands)
  assert 0.93 < agreed["brain"] < 0.995
  assert 0.75 < agreed["parotid_left"] < 0.95
  assert 0.65 < agreed["spinal_cord"] < 0.93


def test_a_finer_grid_shows_the_same_patient():
  coarse, fine = (
    cohorts.Phantom(size=size).load("phantom_001") for size in (96, 192)
  )
  assert fine.image.shape[1:] == (192, 192)
  for name in ("brain", "parotid_left", "neck_left"):
    ml = [
      c.masks[name].sum() * np.prod(c.image.spacing) for c in (coarse, fine)
    ]
    assert ml[0] == pytest.approx(ml[1], rel=0.15)
    np.testing.assert_allclose(
      centre(coarse, name), centre(fine, name), atol=2.5
    )


@pytest.mark.parametrize(
  "settings",
  [
    {"patients": 0},
    {"size": 16},
    {"size": 4096},
    {"slice_mm": 0},
    {"seed": -1},
  ],
)
def test_impossible_settings_are_refused(settings):
  with pytest.raises(errors.ConfigError, match="phantom"):
    cohorts.Phantom(**settings)


def test_a_stranger_is_refused():
  for name in ("phantom_002", "somebody", "phantom_", "phantom_-1"):
    with pytest.raises(errors.DataError, match="not in a phantom of 2"):
      cohorts.Phantom(patients=2).load(name)
