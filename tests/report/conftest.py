"""Made-up results: three structures, three objectives."""

import numpy as np
import pytest

from jaxseg import report

STRUCTURES = ("parotid_left", "spinal_cord", "brain")
OBJECTIVES = ("bce", "dice", "bce_dice")


def _curve(structure="brain", objective="bce", peak=0.4, **options):
  thresholds = np.arange(51) / 50
  dice = 0.8 * np.exp(-(((thresholds - peak) / 0.3) ** 2))
  best = int(dice.argmax())
  return report.Curve(
    structure=structure,
    objective=objective,
    thresholds=thresholds,
    dice=dice,
    optimum=float(thresholds[best]),
    low=float(thresholds[best - 1]),
    high=float(thresholds[best + 1]),
    value=float(dice[best]),
    **options,
  )


@pytest.fixture
def make_curve():
  return _curve


@pytest.fixture
def curves():
  return [
    _curve(structure, objective, 0.3 + 0.1 * k)
    for structure in STRUCTURES
    for k, objective in enumerate(OBJECTIVES)
  ]


@pytest.fixture
def sensitivity_rows():
  return [
    {
      "structure": structure,
      "objective": objective,
      "perturbation": shift,
      "reduction": abs(shift) * (1 + k),
    }
    for k, structure in enumerate(STRUCTURES)
    for objective in OBJECTIVES
    for shift in (-0.1, -0.05, 0.05, 0.1)
  ]


@pytest.fixture
def objective_rows():
  return [
    {
      "structure": structure,
      "objective": objective,
      "dice_optimum": 0.8 + 0.01 * k,
      "dice_half": 0.7,
      "sensitivity": 0.05,
      "hd95_mm": 4.0 + k,
      "assd_mm": 1.0 + k,
    }
    for k, structure in enumerate(STRUCTURES)
    for objective in OBJECTIVES
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
