"""The analyses: right on counts made by hand, and end to end."""

import json

import numpy as np
import pytest
import scipy.stats

from jaxseg import errors
from jaxseg import inference
from jaxseg import metrics
from jaxseg import study
from jaxseg import thresholds
from tests import tiny


@pytest.fixture(scope="module")
def swept(tmp_path_factory):
  run = tiny.prepare(tmp_path_factory.mktemp("study") / "run")
  configs = [
    tiny.config("brain"),
    tiny.config("spinal_cord"),
    tiny.config("brain", objective="dice"),
  ]
  tiny.train(run, *configs)
  return run, study.sweep_run(run)


def made_up(structure, peak, *, patients=3, objective="bce"):
  """Counts whose pooled Dice has its only maximum at the threshold `peak`."""
  grid = thresholds.grid(1001)
  positive = np.zeros((patients, 1002), np.int64)
  negative = np.zeros((patients, 1002), np.int64)
  k = round(1000 * peak)
  positive[:, k + 1] = 1000  # Found at and below the peak, lost above it.
  negative[:, : k + 1] = 1  # The lower, the more that is wrong.
  counts = thresholds.Counts(grid, positive, negative)
  return study.ModelCounts(
    structure,
    objective,
    0,
    0.5,
    {(p, s): counts for p in ("validation", "test") for s in study.SCOPES},
    {p: tuple("abc"[:patients]) for p in ("validation", "test")},
    np.full((patients, 2), 3.0),
    np.full((patients, 2), 1.0),
    np.full((patients, 2), 0.5),
  )


def test_counts_equal_a_recount_of_the_maps(swept):
  run, results = swept
  result = next(r for r in results if r.structure == "spinal_cord")
  predictor = inference.Predictor(
    run.folder / "models" / "spinal_cord" / "bce" / "0"
  )
  for n, name in enumerate(result.patients["test"]):
    maps = predictor.predict_patient(run.store, name)
    reference = run.store.reference(name, "spinal_cord")
    patient = run.store.patients[name]
    first, last = patient.contoured["spinal_cord"]
    for scope, slices in (
      ("known", slice(first, last + 1)),
      ("volume", slice(1, None)),  # Slice 0 was not scanned.
    ):
      counts = result.counts["test", scope][n]
      for k in (100, 500, 900):
        cut = maps[slices] >= np.float32(k / 1000)
        y = reference[slices]
        assert counts.true_positive[k] == (cut & y).sum()
        assert counts.false_positive[k] == (cut & ~y).sum()


def test_the_threshold_is_chosen_on_validation_and_scored_on_test(swept):
  run, results = swept
  for result in results:
    folder = run.folder / "models" / result.structure / result.objective / "0"
    said = json.loads((folder / "threshold.json").read_text())
    best = thresholds.optimum(result.counts["validation", "known"])
    assert said["threshold"] == best.threshold
    curve = thresholds.curve(result.counts["test", "known"].sum(0))
    assert said["dice_test"] == curve[best.index]
    assert said["dice_test_at_half"] == curve[500]
    assert not set(result.patients["test"]) & set(result.patients["validation"])


def test_distances_are_those_of_the_masks(swept):
  run, results = swept
  result = next(r for r in results if r.objective == "dice")
  predictor = inference.Predictor(
    run.folder / "models" / "brain" / "dice" / "0"
  )
  best = thresholds.optimum(result.counts["validation", "known"])
  name = result.patients["test"][0]
  patient = run.store.patients[name]
  maps = (
    predictor.predict_patient(run.store, name) * patient.scanned[:, None, None]
  )
  reference = (
    run.store.reference(name, "brain") & patient.scanned[:, None, None]
  )
  for n, cut in enumerate((0.5, best.threshold)):
    found = metrics.surface_report(
      maps >= np.float32(cut), reference, patient.spacing
    )
    assert result.hd95_mm[0, n] == found["hausdorff_95"]
    assert result.assd_mm[0, n] == found["assd"]
    assert result.nsd_2mm[0, n] == found["nsd_2"]


def test_counts_come_back_from_their_file(swept, tmp_path):
  _, results = swept
  results[0].write(tmp_path / "c.npz", model_hash="abc")
  found, model_hash = study.ModelCounts.read(tmp_path / "c.npz")
  assert model_hash == "abc"
  assert found.name == results[0].name
  for key, counts in results[0].counts.items():
    np.testing.assert_array_equal(found.counts[key].positive, counts.positive)
    np.testing.assert_array_equal(found.counts[key].negative, counts.negative)
  (tmp_path / "c.npz").write_bytes(b"PK torn")
  with pytest.raises(errors.DataError, match=r"c\.npz: not readable"):
    study.ModelCounts.read(tmp_path / "c.npz")


def test_what_was_swept_is_kept(swept):
  run, _ = swept
  paths = [run.counts(folder) for folder in run.models()]
  before = [path.stat().st_mtime_ns for path in paths]
  study.sweep_run(run)
  assert [path.stat().st_mtime_ns for path in paths] == before
  assert len(study.read_run(run)) == 3


def test_nothing_to_sweep_is_refused(tmp_path):
  run = tiny.prepare(tmp_path / "run")
  with pytest.raises(errors.DataError, match=r"experiments\.train"):
    study.sweep_run(run)
  with pytest.raises(errors.DataError, match=r"experiments\.sweep"):
    study.read_run(run)


def test_sensitivity_by_hand():
  rows = study.sensitivity([made_up("brain", 0.4)], perturbations=(-0.05, 0.05))
  found = {
    row["perturbation"]: row for row in rows if row["aggregate"] == "pooled"
  }
  best = 2 * 1000 / (2000)  # No false positive at the peak.
  lower = 2 * 1000 / (2000 + 50)
  assert found[0.05]["threshold"] == pytest.approx(0.4)
  assert found[0.05]["reduction"] == 1.0  # Above the peak nothing is found.
  assert found[-0.05]["reduction"] == pytest.approx((best - lower) / best)


def test_medians_are_over_structures_and_both_directions():
  rows = study.sensitivity(
    [made_up("brain", 0.4), made_up("larynx", 0.0)], perturbations=(-0.1, 0.1)
  )
  median = next(
    row
    for row in study.sensitivity_medians(rows)
    if row["aggregate"] == "pooled"
  )
  values = [r["reduction"] for r in rows if r["aggregate"] == "pooled"]
  # At 0 the lower neighbour is the optimum itself: no wrap, no loss.
  assert sorted(values)[0] == 0.0
  assert median["median_reduction"] == pytest.approx(np.median(values))
  assert (median["values"], median["structures"]) == (4, 2)


def test_prominence_by_hand(swept):
  run, _ = swept
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
  assert found["volume_ml"] == pytest.approx(voxels * 12 / 1000 / count)
  assert found["organ_fraction"] == pytest.approx(np.mean(shown) / 32**2)
  kept = len(shown) + len(shown) // 2
  assert found["kept_fraction"] == pytest.approx(sum(shown) / 32**2 / kept)
  # 11 of 12 slices were scanned.
  assert found["slice_fraction"] == pytest.approx(len(shown) / (11 * count))
  assert found["volume_fraction"] == pytest.approx(
    voxels / (11 * count * 48 * 48)
  )


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


def test_objectives_count_a_missed_structure_as_far():
  result = made_up("brain", 0.3)
  result.hd95_mm[:] = [[1, 5], [2, np.inf], [3, np.inf]]
  (row,) = study.objectives([result])
  assert row["hd95_mm"] == np.inf
  # At 0.5, above the peak, nothing is found in any patient: far, whatever
  # else may have been written there.
  assert row["hd95_half_mm"] == np.inf
  assert (row["missed"], row["missed_half"]) == (0, 3)
  assert row["hallucinated"] == row["hallucinated_half"] == 0
  assert row["dice_half"] == 0.0
  result.hd95_mm[:] = [[1, 5], [2, 6], [3, np.inf]]
  assert study.objectives([result])[0]["hd95_mm"] == 6


def test_rows_name_scope_and_aggregate(swept):
  _, results = swept
  rows = study.sweep_rows(results)
  assert len(rows) == len(results) * 4
  for row in rows:
    assert 0 <= row["low"] <= row["threshold"] <= row["high"] <= 1
    assert row["dice_test"] <= row["dice_test_best"] + 1e-12
  closed = [r for r in rows if r["structure"] == "brain"]
  known, volume = (
    [{**r, "scope": ""} for r in closed if r["scope"] == scope]
    for scope in study.SCOPES
  )
  assert known == volume
