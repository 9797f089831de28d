"""Anyone's maps: counted, merged, and what the tables say."""

import dataclasses
import json
import os

import numpy as np
import pytest
import SimpleITK as sitk

from jaxseg import errors
from jaxseg import formats
from jaxseg import metrics
from jaxseg import report
from jaxseg import study
from jaxseg import thresholds

OPTIONS = study.MapOptions()
SETTINGS = study.MapSettings(resamples=50)


def case(seed, shape=(4, 16, 18)):
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


@pytest.fixture
def files(tmp_path):
  for seed in range(5):
    p, y = case(seed)
    write(p, tmp_path / "p" / f"case{seed}.nii.gz")
    write(y.astype(np.uint8), tmp_path / "r" / f"case{seed}.nrrd")
  return tmp_path


def pairs(files):
  return formats.pair(files / "p", files / "r").pairs


@pytest.fixture
def found(files):
  return study.count_maps(pairs(files), files / "c", options=OPTIONS, workers=1)


def test_counts_are_those_of_the_arrays(found):
  assert found.names == tuple(f"case{k}" for k in range(5))
  for seed in range(5):
    direct = thresholds.count_case(*case(seed), thresholds.grid())
    np.testing.assert_array_equal(found.even.positive[seed], direct.positive)
    np.testing.assert_array_equal(found.even.negative[seed], direct.negative)
  np.testing.assert_allclose(found.voxel_ml, 4.5 / 1000)


def test_what_was_counted_is_not_counted_again(files, found):
  stamps = {p: p.stat().st_mtime_ns for p in (files / "c").iterdir()}
  p, _ = case(9)
  changed = files / "p" / "case3.nii.gz"
  write(p, changed)
  os.utime(changed, ns=(1, 1))
  seen = []
  again = study.count_maps(
    pairs(files), files / "c", options=OPTIONS, workers=1,
    on_case=lambda name, *_: seen.append(name),
  )  # fmt: skip
  assert seen == ["case3"]
  assert sum(p.stat().st_mtime_ns != t for p, t in stamps.items()) == 1
  direct = thresholds.count_case(p, case(3)[1], thresholds.grid())
  np.testing.assert_array_equal(again.even.positive[3], direct.positive)
  # Another class or grid is another count.
  other = study.MapOptions(grid=101)
  study.count_maps(pairs(files), files / "c", options=other, workers=1,
                   on_case=lambda name, *_: seen.append(name))  # fmt: skip
  assert len(seen) == 6


def test_processes_give_the_same(files, found):
  other = study.count_maps(
    pairs(files), files / "d", options=OPTIONS, workers=2
  )
  np.testing.assert_array_equal(other.counts.positive, found.counts.positive)
  assert other.names == found.names


def test_merging_parts_is_the_whole(files, found, tmp_path):
  every = pairs(files)
  parts = []
  for number, some in enumerate((every[:2], every[1:])):
    part = study.count_maps(
      some, files / f"part{number}", options=OPTIONS, workers=1
    )
    part.write(tmp_path / f"{number}.npz")
    parts.append(study.MapCounts.read(tmp_path / f"{number}.npz"))
  merged = study.MapCounts.merge(parts[::-1])
  assert merged.names == found.names
  np.testing.assert_array_equal(merged.counts.positive, found.counts.positive)
  np.testing.assert_array_equal(merged.counts.negative, found.counts.negative)


def test_what_does_not_merge(found, tmp_path):
  other = study.MapCounts(
    found.names,
    thresholds.Counts(
      found.counts.thresholds, found.counts.positive + 1, found.counts.negative
    ),
    found.voxel_ml,
    found.grid,
    found.keys,
  )
  with pytest.raises(errors.DataError, match="'case0' is there twice"):
    study.MapCounts.merge([found, other])
  with pytest.raises(errors.DataError, match="no counts"):
    study.MapCounts.merge([])
  (tmp_path / "x.npz").write_bytes(b"rubbish")
  with pytest.raises(errors.DataError, match=r"x\.npz"):
    study.MapCounts.read(tmp_path / "x.npz")


def test_logits_are_refused_with_the_file(files):
  p, _ = case(0)
  write(p * 8 - 4, files / "p" / "case0.nii.gz")
  with pytest.raises(errors.DataError, match=r"case0\.nii\.gz.*logits"):
    study.count_maps(pairs(files), files / "c", options=OPTIONS, workers=1)


def test_optimum_rows(found):
  pooled, mean = study.map_optimum_rows(found, SETTINGS)
  best = thresholds.optimum(found.even)
  assert np.float32(pooled["threshold"]) == np.float32(best.threshold)
  assert pooled["value"] == pooled["dice"] == best.value
  assert pooled["threshold_low"] <= best.threshold <= pooled["threshold_high"]
  assert pooled["left_out_value"] <= pooled["value"]
  assert mean["aggregate"] == "mean_case"
  json.dumps([pooled, mean])
  volume, _ = study.map_optimum_rows(
    found, study.MapSettings(objective="recall>=0.9", resamples=50)
  )
  assert volume["value"] >= 0.9


def test_curve_and_case_rows(found):
  rows = study.map_curve_rows(found, SETTINGS)
  assert len(rows) == 1001
  assert all(r["dice_low"] <= r["dice_high"] for r in rows)
  assert rows[300]["dice"] == thresholds.curve(found.even.sum())[300]
  cases = study.map_case_rows(found, 0.4)
  for seed, row in enumerate(cases):
    p, y = case(seed)
    cut = thresholds.binarize(p, 0.4)
    assert row["reference_voxels"] == y.sum()
    assert row["reference_ml"] == pytest.approx(y.sum() * 0.0045)
    assert row["dice"] == 2 * (cut & y).sum() / (cut.sum() + y.sum())
  assert study.missed_and_hallucinated(cases) == (0, 0)


def test_one_case_has_no_intervals(files):
  one = study.count_maps(
    pairs(files)[:1], files / "c", options=OPTIONS, workers=1
  )
  row = study.map_optimum_rows(one, SETTINGS)[0]
  assert "threshold_low" not in row
  assert "dice_low" not in study.map_curve_rows(one, SETTINGS)[0]


def test_calibration(found):
  said = study.map_calibration(found)
  assert said["half_of_best_dice"] == thresholds.optimum(found.even).value / 2
  assert 0 < said["expected_threshold"] < 1
  assert said["temperature"] > 0
  json.dumps(said)


def test_surfaces_are_those_of_the_cuts(files):
  options = study.MapOptions(surfaces=True)
  found = study.count_maps(
    pairs(files), files / "s", options=options, workers=1
  )
  assert found.surfaces.shape == (5, 4, 101)
  p, y = case(2)
  one = metrics.surface_report(p >= np.float32(0.4), y, (3.0, 1.5, 1.0))
  np.testing.assert_allclose(
    found.surfaces[2, :, 40],
    [one["hausdorff_95"], one["assd"], one["nsd_2"], (p >= 0.4).sum()],
    rtol=1e-12,
  )
  path = files / "all.npz"
  found.write(path)
  again = study.MapCounts.read(path)
  np.testing.assert_array_equal(again.surfaces, found.surfaces)
  rows = study.map_surface_rows(again)
  assert len(rows) == 101
  assert rows[100]["missed"] > 0
  assert rows[100]["hd95_mm"] == np.inf
  assert rows[40]["missed"] == 0
  optima = {o["metric"]: o for o in study.map_surface_optima(rows)}
  assert set(optima) == {"hd95_mm", "assd_mm", "nsd_2mm"}
  assert 0.2 < optima["nsd_2mm"]["threshold"] < 0.7
  assert optima["nsd_2mm"]["value"] == max(row["nsd_2mm"] for row in rows)


def test_surfaces_of_some_cases_only_are_refused(files, found):
  options = study.MapOptions(surfaces=True)
  some = study.count_maps(
    pairs(files)[:2], files / "s", options=options, workers=1
  )
  with pytest.raises(errors.DataError, match="case2.* without surfaces"):
    study.MapCounts.merge([found, some])
  assert study.map_surface_rows(found) == []


def test_surfaces_need_the_size_of_a_voxel(tmp_path):
  p, y = case(0)
  for folder, array in (("p", p), ("r", y)):
    (tmp_path / folder).mkdir()
    np.save(tmp_path / folder / "a.npy", array)
  (pair,) = formats.pair(tmp_path / "p", tmp_path / "r").pairs
  with pytest.raises(errors.GeometryError, match="a.npy: neither it nor"):
    study.count_pair(pair, options=study.MapOptions(surfaces=True))


def test_shards_in_one_folder_lose_no_case(tmp_path):
  # Of none of these names the ASCII letters tell which it is.
  names = ["病人一", "病人二", "a b", "a-b", "X", "x", "x-2"]
  for seed, name in enumerate(names):
    p, y = case(seed)
    write(p, tmp_path / "p" / f"{name}.nii.gz")
    write(y.astype(np.uint8), tmp_path / "r" / f"{name}.nrrd")
  every = pairs(tmp_path)
  for part in (every[::2], every[1::2]):
    study.count_maps(part, tmp_path / "c", options=OPTIONS, workers=1)
  files = sorted((tmp_path / "c").iterdir())
  merged = study.MapCounts.merge([study.MapCounts.read(f) for f in files])
  assert merged.names == tuple(sorted(names))


def test_counts_of_other_classes_do_not_merge(files, found):
  one = study.MapOptions(label=1)
  other = study.count_maps(pairs(files), files / "d", options=one, workers=1)
  with pytest.raises(
    errors.DataError, match="'case0' was .* label None, .* with 1;"
  ):
    study.MapCounts.merge([found, other])


def test_values_in_a_file_of_their_own_are_seen_to_change(tmp_path):
  p, y = case(0)
  write(p, tmp_path / "p" / "c0.mhd")
  write(y.astype(np.uint8), tmp_path / "r" / "c0.nrrd")
  before = study.count_maps(
    pairs(tmp_path), tmp_path / "c", options=OPTIONS, workers=1
  )
  raw = tmp_path / "p" / "c0.raw"
  raw.write_bytes(case(1)[0].tobytes())
  os.utime(raw, ns=(1, 1))
  after = study.count_maps(
    pairs(tmp_path), tmp_path / "c", options=OPTIONS, workers=1
  )
  assert (before.counts.positive != after.counts.positive).any()


def test_a_constant_map_has_no_temperature(tmp_path):
  for k in range(2):
    _, y = case(k)
    write(np.full(y.shape, 0.25, np.float32), tmp_path / "p" / f"c{k}.nii.gz")
    write(y.astype(np.uint8), tmp_path / "r" / f"c{k}.nrrd")
  flat = study.count_maps(
    pairs(tmp_path), tmp_path / "c", options=OPTIONS, workers=1
  )
  calibration = study.map_calibration(flat)
  assert calibration["temperature"] is None
  assert calibration["empirical_threshold"] < 0.25


def test_a_bound_has_intervals_and_may_have_no_value_without_a_patient(files):
  every = pairs(files)
  found = study.count_maps(every, files / "c", options=OPTIONS, workers=1)
  settings = study.MapSettings(objective="recall>=0.8", resamples=50)
  for row in study.map_optimum_rows(found, settings):
    assert row["threshold_low"] <= row["threshold"] <= row["threshold_high"]
    assert (row["level"], row["resamples"], row["patients"]) == (0.95, 50, 5)
    assert row["left_out_value"] is not None
  # One patient alone keeps the bound.
  draw = np.random.default_rng(0)
  _, y = case(1)
  write(draw.random(y.shape, np.float32) / 2, files / "p" / "case1.nii.gz")
  two = study.count_maps(every[:2], files / "e", options=OPTIONS, workers=1)
  settings = study.MapSettings(objective="precision>=0.6", resamples=50)
  # And the mean of the two never does.
  (pooled,) = study.map_optimum_rows(two, settings)
  assert pooled["aggregate"] == "pooled"
  assert pooled["left_out_value"] is None
  assert pooled["threshold_low"] <= pooled["threshold_high"]


def test_the_json_is_json(files, tmp_path):
  p, _ = case(0)
  p[0, 0, 0] = 1.0  # Certain, and wrong: no likelihood is finite.
  write(p, files / "p" / "case0.nii.gz")
  found = study.count_maps(pairs(files), files / "c", options=OPTIONS)
  report.write_maps(
    tmp_path / "out", found, SETTINGS,
    report.provenance(
      cohort="maps", cohort_hash="", synthetic=False, seed=0, command=""
    ),
  )  # fmt: skip

  def refuse(name):
    raise AssertionError(name)

  content = json.loads(
    (tmp_path / "out" / "threshold.json").read_text(), parse_constant=refuse
  )
  assert content["calibration"]["negative_log_likelihood"] is None


def test_the_middle_of_the_widest_run_of_equal_surfaces():
  values = [0, 9, 9, 0, 9, 9, 9, 9, 9, 0]
  rows = [
    {"threshold": k / 10, "hd95_mm": np.inf, "assd_mm": 10.0 - v, "nsd_2mm": v}
    for k, v in enumerate(values)
  ]
  assd, nsd = study.map_surface_optima(rows)
  assert (assd["metric"], assd["threshold"]) == ("assd_mm", 0.6)
  assert (nsd["metric"], nsd["threshold"]) == ("nsd_2mm", 0.6)


def test_losses_are_of_dice_whatever_is_chosen(found):
  settings = study.MapSettings(objective="recall>=0.9", resamples=50)
  row = study.map_optimum_rows(found, settings)[0]
  assert row["dice_regret_half"] == thresholds.regret(found.even)
  assert "regret_half" not in row


def test_counts_with_keys_of_others_merge(found):
  other = dataclasses.replace(found, keys=("mine",) * 5)
  again = dataclasses.replace(other, names=tuple("abcde"))
  assert len(study.MapCounts.merge([other, again]).names) == 10
