"""Every sweep of other tools to the last integer, and its optimum."""

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
GRID = thresholds.grid()


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


def counted(p, y, name):
  if not name.startswith("cohort"):
    # One value lies an ulp beyond 1 and one below 0: within the slack.
    return thresholds.count_case(p, y, GRID)
  return thresholds.Counts.stack(
    [thresholds.count_case(a, b, GRID) for a, b in zip(p, y, strict=True)]
  )


def test_no_case_is_left_out(sweeps):
  assert set(sweeps[0]) == set(CASES)


@pytest.mark.parametrize("name", CASES)
def test_counts(sweeps, name):
  _, arrays, p, y = load(sweeps, name)
  axis = tuple(range(1, p.ndim)) if name.startswith("cohort") else None
  host = counted(p, y, name)
  device = thresholds.count(p, y, GRID, axis=axis)
  tp, fp = thresholds.sweep_counts(p, y, GRID, axis=axis)
  expected = arrays[f"{name}__tp"], arrays[f"{name}__npos"]
  for found in (
    (host.true_positive, host.true_positive + host.false_positive),
    (device.true_positive, device.true_positive + device.false_positive),
    (tp, tp + fp),
  ):
    np.testing.assert_array_equal(found[0], expected[0])
    np.testing.assert_array_equal(found[1], expected[1])
  every = host.positive.sum(-1) + host.negative.sum(-1)
  assert np.unique(every).tolist() == [p[0].size if axis else p.size]


@pytest.mark.parametrize("name", CASES)
def test_curves(sweeps, name):
  _, arrays, p, y = load(sweeps, name)
  host = counted(p, y, name)
  # Their float64 thresholds count differently at some k of some maps.
  same = (host.true_positive == arrays[f"{name}__tp_ge"]) & (
    host.true_positive + host.false_positive == arrays[f"{name}__npos_ge"]
  )
  assert same.mean() > 0.5
  dice = thresholds.curve(host, empty="perfect")
  expected = arrays[f"{name}__dice_ge"]
  np.testing.assert_allclose(dice[same], expected[same], rtol=0, atol=1e-15)
  single = thresholds.sweep(
    p, y, GRID, axis=tuple(range(1, p.ndim)) if dice.ndim == 2 else None
  )
  single = np.where(np.isnan(single), 1, single)
  np.testing.assert_allclose(single[same], expected[same], rtol=0, atol=1e-7)


@pytest.mark.parametrize("name", CASES)
def test_optimum_and_sensitivity(sweeps, name):
  values, _, p, y = load(sweeps, name)
  counts = counted(p, y, name)
  expected = values["optimum_pooled" if counts.positive.ndim > 1 else "optimum"]
  best = thresholds.optimum(counts)
  assert best.index == expected["k"]
  assert best.threshold == expected["threshold"]
  assert [best.first, best.last] == expected["run"]
  assert best.runs == expected["n_runs"]
  numerator, denominator = expected["dice_exact"]
  assert best.value == numerator / denominator
  np.testing.assert_allclose(
    thresholds.sensitivity(counts),
    [expected["rel_drop_minus_0p05"], expected["rel_drop_plus_0p05"]],
    atol=1e-15,
  )


@pytest.mark.parametrize(
  ("empty", "which"), [("skip", "mean_skip_empty_ref"), ("perfect", "mean_one")]
)
def test_mean_case(sweeps, empty, which):
  values, arrays, p, y = load(sweeps, "cohort_f32")
  counts = counted(p, y, "cohort")
  # On this cohort their thresholds count as ours do.
  expected = values[f"optimum_{which}_ge"]
  best = thresholds.optimum(counts, aggregate="mean_case", empty=empty)
  assert (best.index, [best.first, best.last], best.runs) == (
    expected["k"],
    expected["run"],
    expected["n_runs"],
  )
  numerator, denominator = expected["dice_exact"]
  assert best.value == numerator / denominator
  np.testing.assert_allclose(
    thresholds.sensitivity(counts, aggregate="mean_case", empty=empty),
    [expected["rel_drop_minus_0p05"], expected["rel_drop_plus_0p05"]],
    atol=1e-15,
  )
  curve = thresholds.curve(counts, empty=empty)
  if empty == "skip":
    curve = curve[counts.positive.any(-1)]
  np.testing.assert_allclose(
    curve.mean(0), arrays[f"cohort_f32__{which}_ge"], rtol=0, atol=1e-15
  )


def test_resampled_patients(sweeps):
  _, arrays, p, y = load(sweeps, "cohort_f32")
  counts = counted(p, y, "cohort")
  index = arrays["cohort_f32__boot_index"]
  pooled = thresholds.bootstrap(counts, index=index)
  value = thresholds.bootstrap(counts, "value", index=index)
  mean = thresholds.bootstrap(
    counts, index=index, aggregate="mean_case", empty="perfect"
  )
  np.testing.assert_array_equal(
    pooled.samples, GRID[arrays["cohort_f32__boot_k_pooled"]]
  )
  np.testing.assert_array_equal(
    mean.samples, GRID[arrays["cohort_f32__boot_k_mean_one"]]
  )
  np.testing.assert_allclose(
    value.samples, arrays["cohort_f32__boot_dice_pooled"], rtol=0, atol=1e-15
  )
  expected = sweeps[0]["cohort_f32"]["bootstrap"]
  for found, name in (
    (pooled, "pooled_threshold_ci95"),
    (mean, "mean_one_threshold_ci95"),
    (value, "pooled_dice_ci95"),
  ):
    np.testing.assert_allclose(found.interval(), expected[name], atol=1e-7)
