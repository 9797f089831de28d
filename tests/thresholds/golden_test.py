"""Every golden sweep to the last integer, and its optimum."""

import json

import numpy as np
import pytest

from jaxseg import thresholds

CASES = (
  "f32_calibrated",
  "f32_calibrated_T2",
  "f32_on_grid",
  "f32_ulp_neighbours",
  "f16_soft",
  "u8_soft",
  "f32_plateau",
  "f32_two_runs",
  "f32_constant",
  "cohort_f32",
)


@pytest.fixture(scope="module")
def sweeps(golden):
  values = json.loads((golden / "sweep_values.json").read_text())["cases"]
  with np.load(golden / "sweep_arrays.npz") as arrays:
    return values, dict(arrays)


def load(sweeps, name):
  values, arrays = sweeps
  p = arrays[f"{name}__prob"]
  bits = np.unpackbits(arrays[f"{name}__ref"])[: p.size]
  return values[name], arrays, p, bits.reshape(p.shape).astype(np.bool_)


def test_no_case_is_left_out(sweeps):
  assert set(sweeps[0]) == set(CASES)


@pytest.mark.parametrize("name", CASES)
def test_counts(sweeps, name):
  _, arrays, p, y = load(sweeps, name)
  grid = thresholds.grid()
  if name.startswith("cohort"):
    axis = tuple(range(1, p.ndim))
    host = thresholds.Counts.stack(
      [thresholds.count_case(a, b, grid) for a, b in zip(p, y, strict=True)]
    )
  else:
    axis = None
    host = thresholds.count_case(p, y, grid)
  device = thresholds.count(p, y, grid, axis=axis)
  tp, fp = thresholds.sweep_counts(p, y, grid, axis=axis)
  expected = arrays[f"{name}__tp"], arrays[f"{name}__npos"]
  for found in (
    (host.true_positive, host.true_positive + host.false_positive),
    (device.true_positive, device.true_positive + device.false_positive),
    (tp, tp + fp),
  ):
    np.testing.assert_array_equal(found[0], expected[0])
    np.testing.assert_array_equal(found[1], expected[1])


@pytest.mark.parametrize("name", CASES)
def test_optimum_and_sensitivity(sweeps, name):
  values, _, p, y = load(sweeps, name)
  grid = thresholds.grid()
  if name.startswith("cohort"):
    counts = thresholds.Counts.stack(
      [thresholds.count_case(a, b, grid) for a, b in zip(p, y, strict=True)]
    )
    expected = values["optimum_pooled"]
  else:
    counts = thresholds.count_case(p, y, grid)
    expected = values["optimum"]
  best = thresholds.optimum(counts)
  assert best.index == expected["k"]
  assert [best.first, best.last] == expected["run"]
  assert best.runs == expected["n_runs"]
  numerator, denominator = expected["dice_exact"]
  assert best.value == pytest.approx(numerator / denominator, abs=1e-15)
  np.testing.assert_allclose(
    thresholds.sensitivity(counts),
    [expected["rel_drop_minus_0p05"], expected["rel_drop_plus_0p05"]],
    atol=1e-14,
  )
