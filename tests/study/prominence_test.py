"""Prominence by hand, and its correlation with the optimum."""

import numpy as np
import pytest
import scipy.stats

from jaxseg import study


def test_prominence_by_hand(run):
  found = study.measure(run, "brain", negatives=0.5)
  labels = run.store.labels("brain")
  voxels, shown = 0, []
  for name in run.split.train:
    patient = run.store.patients[name]
    voxels += run.store.reference(name, "brain").sum()
    part = labels[patient.start : patient.stop]
    shown += [k.sum() for k in part if k.any()]
  count = len(run.split.train)
  assert found["training_voxels"] == voxels
  assert found["shown_negatives"] == pytest.approx(0.5, abs=0.02)
  assert (
    study.measure(run, "spinal_cord", negatives=0.5)["shown_negatives"] == 0
  )
  assert found["volume_ml"] == pytest.approx(voxels * 12 / 1000 / count)
  assert found["organ_fraction"] == pytest.approx(np.mean(shown) / 32**2)
  kept = len(shown) + len(shown) // 2
  assert found["kept_fraction"] == pytest.approx(sum(shown) / 32**2 / kept)
  # 11 of 12 slices were scanned.
  assert found["slice_fraction"] == pytest.approx(len(shown) / (11 * count))
  assert found["volume_fraction"] == pytest.approx(
    voxels / (11 * count * 48 * 48)
  )


def test_each_definition_stands_beside_each_optimum(run, results):
  rows = study.prominence(run, results)
  assert len(rows) == 2 * 2 * len(study.DEFINITIONS)
  sweep = {
    (r["structure"], r["scope"], r["aggregate"]): r
    for r in study.sweep_rows(results, study.Settings(resamples=2))
  }
  for row in rows:
    best = sweep[row["structure"], row["scope"], row["aggregate"]]
    assert np.float32(row["threshold"]) == np.float32(best["threshold"])
    if row["definition"] == "achieved_dice":
      assert row["prominence"] == best["dice_validation"]


def test_correlations_are_those_of_scipy():
  draw = np.random.default_rng(0)
  x, y = draw.random(8), draw.random(8)
  rows = [
    {
      "structure": f"s{k}",
      "objective": "bce",
      "scope": "known",
      "aggregate": "pooled",
      "definition": "volume_ml",
      "prominence": x[k],
      "threshold": y[k],
    }
    for k in range(8)
  ]
  (found,) = study.correlations(rows)
  assert found["pearson"] == pytest.approx(scipy.stats.pearsonr(x, y).statistic)
  assert found["spearman"] == pytest.approx(
    scipy.stats.spearmanr(x, y).statistic
  )
  # All 3! orders: two of them are as far from chance as 1, 2, 3.
  ordered = [
    {**row, "prominence": k, "threshold": k} for k, row in enumerate(rows[:3])
  ]
  assert study.correlations(ordered)[0]["spearman_p"] == pytest.approx(2 / 6)
  assert found["n"] == 8
  (few,) = study.correlations(rows[:2])
  assert few["n"] == 2
  assert np.isnan(few["pearson"])
  # Two seeds of a structure are one observation.
  (twice,) = study.correlations(rows + rows)
  assert twice["n"] == 8
  assert twice["pearson"] == pytest.approx(found["pearson"])
  # Organs that are shown on their own slices alone are told apart.
  mixed = [{**row, "shown_negatives": k > 2} for k, row in enumerate(rows)]
  (apart,) = study.correlations(mixed)
  assert apart["without_negatives"] == 3
  assert apart["pearson"] == found["pearson"]
  assert apart["pearson_others"] == pytest.approx(
    scipy.stats.pearsonr(x[3:], y[3:]).statistic
  )
  # Levels of negatives are correlated each for itself, the first one first.
  both = rows + [{**row, "negatives": 0.0} for row in rows[:4]]
  assert [row["n"] for row in study.correlations(both)] == [8, 4]


def test_tests_are_corrected_and_the_dice_is_held_fixed():
  draw = np.random.default_rng(5)
  table = draw.random((6, 4))  # Three definitions of prominence, the optimum.
  dice = draw.random(6)
  names = ("kept_fraction", "volume_ml", "slice_fraction", "achieved_dice")
  rows = [
    {
      "structure": f"s{k}",
      "objective": "bce",
      "scope": "known",
      "aggregate": "pooled",
      "definition": name,
      "prominence": dice[k] if name == "achieved_dice" else table[k, place],
      "threshold": table[k, 3],
    }
    for k in range(6)
    for place, name in enumerate(names)
  ]
  found = {row["definition"]: row for row in study.correlations(rows)}
  assert list(found) == list(names)
  p = sorted(found[name]["pearson_p"] for name in names[:3])
  assert min(
    row["pearson_p_holm"] for name, row in found.items() if name in names[:3]
  ) == pytest.approx(min(1, 3 * p[0]))
  control = found["achieved_dice"]
  assert np.isnan([control["pearson_p_holm"], control["partial"]]).all()
  corner = np.corrcoef([table[:, 1], table[:, 3], dice])
  inverse = np.linalg.inv(corner)
  assert found["volume_ml"]["partial"] == pytest.approx(
    -inverse[0, 1] / np.sqrt(inverse[0, 0] * inverse[1, 1])
  )
