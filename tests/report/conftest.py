"""Made-up results: three structures, three objectives."""

import math

import pytest

STRUCTURES = ("parotid_left", "spinal_cord", "brain")
OBJECTIVES = ("bce", "dice", "bce_dice")
MODELS = [(s, o) for s in STRUCTURES for o in OBJECTIVES]


def curve_rows(structure=None, objective=None, peak=0.4, *, intervals=True):
  """Rows of the table `curve`, and the row of its optimum."""
  who = {"structure": structure, "objective": objective, "seed": 0,
         "scope": "known"} if structure else {}  # fmt: skip
  rows = []
  for k in range(51):
    t = k / 50
    dice = 0.8 * math.exp(-(((t - peak) / 0.3) ** 2))
    row = {**who, "threshold": t, "dice": dice, "dice_mean_case": dice - 0.02}
    if intervals:
      row |= {"dice_low": dice - 0.05, "dice_high": dice + 0.05}
    rows.append(row)
  names = ("low", "high") if structure else ("plateau_low", "plateau_high")
  best = {
    **who,
    "criterion": "dice",
    "aggregate": "pooled",
    "cases": 5,
    "threshold": peak,
    names[0]: peak - 0.02,
    names[1]: peak + 0.02,
    "dice_validation" if structure else "dice": 0.8,
    "dice_half": 0.7,
    "value": 0.8,
  }
  if intervals:
    best |= {
      "threshold_low": peak - 0.1,
      "threshold_high": peak + 0.1,
      "level": 0.95,
      "resamples": 50,
    }
  return rows, best


@pytest.fixture
def curves():
  """Rows and optima of a run."""
  rows, optima = [], []
  for structure, objective in MODELS:
    peak = 0.3 + 0.1 * OBJECTIVES.index(objective)
    own, best = curve_rows(structure, objective, peak)
    rows += own
    optima += [best, {**best, "aggregate": "mean_case", "threshold": 0.9}]
  return rows, optima


@pytest.fixture
def sensitivity_rows():
  return [
    {
      "structure": structure,
      "objective": objective,
      "perturbation": shift,
      "reduction": abs(shift) * (1 + STRUCTURES.index(structure)),
    }
    for structure, objective in MODELS
    for shift in (-0.1, -0.05, 0.05, 0.1)
  ]


@pytest.fixture
def objective_rows():
  return [
    {
      "structure": structure,
      "objective": objective,
      "dice_optimum": 0.8 + 0.01 * STRUCTURES.index(structure),
      "dice_half": 0.7,
      "sensitivity": 0.05,
      "hd95_mm": 4.0 + STRUCTURES.index(structure),
      "assd_mm": 1.0 + STRUCTURES.index(structure),
    }
    for structure, objective in MODELS
  ]


@pytest.fixture
def provenance():
  return {
    "cohort": "phantom",
    "cohort_hash": "0123456789abcdef",
    "synthetic": True,
    "seed": 7,
    "version": "0.1.0",
    "commit": "1234567",
    "command": "reproduce --cohort=phantom --structures=brain,cord",
    "date": "2026-01-02",
  }
