"""One case to counts: arrays in scopes, and anyone's files."""

import json
import os

import numpy as np
import pytest
from scipy import ndimage
import SimpleITK as sitk

from jaxseg import errors
from jaxseg import formats
from jaxseg import metrics
from jaxseg import study
from jaxseg import thresholds
from tests.study import made


@pytest.fixture
def files(tmp_path):
  for seed in range(5):
    p, y = made.case(seed)
    made.write(p, tmp_path / "p" / f"case{seed}.nii.gz")
    made.write(y.astype(np.uint8), tmp_path / "r" / f"case{seed}.nrrd")
  return tmp_path


def count(folder, to="c", *, pairs=None, options=made.OPTIONS, **how):
  return study.count_maps(
    made.pairs(folder) if pairs is None else pairs,
    folder / to,
    options=options,
    **{"workers": 1, **how},
  )


def test_counts_are_those_of_the_arrays(files):
  found = count(files)
  assert found.names == tuple(f"case{k}" for k in range(5))
  even = found.select().even
  for seed in range(5):
    direct = thresholds.count_case(*made.case(seed), thresholds.grid())
    np.testing.assert_array_equal(even.positive[seed], direct.positive)
    np.testing.assert_array_equal(even.negative[seed], direct.negative)
  np.testing.assert_allclose(found.voxel_ml, 4.5 / 1000)


def test_maps_of_the_same_names_sizes_and_times_are_not_the_same(tmp_path):
  # Of another model, unpacked from an archive with whole seconds.
  for model in ("a", "b"):
    for seed in range(2):
      p, y = made.case(seed)
      for folder, array in (("p", p if model == "a" else 1 - p), ("r", y)):
        path = tmp_path / model / folder / f"case{seed}.npy"
        path.parent.mkdir(parents=True, exist_ok=True)
        np.save(path, array)
        os.utime(path, ns=(10**18, 10**18))
  found = [count(tmp_path / model, "../c") for model in ("a", "b")]
  fresh = count(tmp_path / "b", "../fresh")
  for one, same in ((found[1], True), (found[0], False)):
    equal = np.array_equal(
      one.select().even.positive, fresh.select().even.positive
    )
    assert equal == same


def test_what_was_counted_is_not_counted_again(files):
  count(files)
  stamps = {p: p.stat().st_mtime_ns for p in (files / "c").iterdir()}
  p, _ = made.case(9)
  changed = files / "p" / "case3.nii.gz"
  made.write(p, changed)
  os.utime(changed, ns=(1, 1))
  seen = []
  again = count(files, on_case=lambda name, *_: seen.append(name))
  assert seen == ["case3"]
  assert sum(p.stat().st_mtime_ns != t for p, t in stamps.items()) == 1
  direct = thresholds.count_case(p, made.case(3)[1], thresholds.grid())
  even = again.select().even
  np.testing.assert_array_equal(even.positive[3], direct.positive)
  # Another class or grid is another count.
  other = study.MapOptions(grid=101)
  count(files, options=other, on_case=lambda name, *_: seen.append(name))
  assert len(seen) == 6


def test_processes_give_the_same(files):
  some = made.pairs(files)[:3]
  found = count(files, pairs=some)
  other = count(files, "d", pairs=some, workers=2)
  np.testing.assert_array_equal(
    other.scopes["volume"].positive, found.scopes["volume"].positive
  )
  assert other.names == found.names


def test_a_damaged_file_of_counts_is_said(files):
  count(files)
  path = next((files / "c").iterdir())
  path.write_bytes(path.read_bytes()[:-50])
  with pytest.raises(errors.DataError, match=f"{path.name}: not readable"):
    count(files)


def test_logits_are_refused_with_the_file(files):
  p, _ = made.case(0)
  made.write(p * 8 - 4, files / "p" / "case0.nii.gz")
  with pytest.raises(errors.DataError, match=r"case0\.nii\.gz.*logits"):
    count(files)


def test_surfaces_are_those_of_the_cuts(files):
  pairs = made.pairs(files)[1:3]
  found = count(files, pairs=pairs, options=study.MapOptions(surfaces=True))
  assert found.surfaces.shape == (2, 4, 101)
  np.testing.assert_array_equal(found.cuts, thresholds.grid(101))
  p, y = made.case(2)
  one = metrics.surface_report(p >= np.float32(0.4), y, (3.0, 1.5, 1.0))
  np.testing.assert_allclose(
    found.surfaces[1, :, 40],
    [one["hausdorff_95"], one["assd"], one["nsd_2"], (p >= 0.4).sum()],
    rtol=1e-12,
  )


def test_surfaces_need_the_size_of_a_voxel(tmp_path):
  p, y = made.case(0)
  for folder, array in (("p", p), ("r", y)):
    (tmp_path / folder).mkdir()
    np.save(tmp_path / folder / "a.npy", array)
  (pair,) = formats.pair(tmp_path / "p", tmp_path / "r").pairs
  with pytest.raises(errors.GeometryError, match="a.npy: neither it nor"):
    study.count_pair(pair, options=study.MapOptions(surfaces=True))
  # Without surfaces they are counted; what a voxel holds is not known.
  assert np.isnan(study.count_pair(pair, options=made.OPTIONS).voxel_ml[0])


def test_shards_in_one_folder_lose_no_case(tmp_path):
  # Of none of these names the ASCII letters tell which it is.
  names = ["病人一", "病人二", "a b", "a-b", "X", "x", "x-2"]
  for seed, name in enumerate(names):
    p, y = made.case(seed)
    made.write(p, tmp_path / "p" / f"{name}.nii.gz")
    made.write(y.astype(np.uint8), tmp_path / "r" / f"{name}.nrrd")
  every = made.pairs(tmp_path)
  for part in (every[::2], every[1::2]):
    count(tmp_path, pairs=part)
  files = sorted((tmp_path / "c").iterdir())
  merged = study.CohortCounts.merge([study.CohortCounts.read(f) for f in files])
  assert merged.names == tuple(sorted(names))


def test_values_in_a_file_of_their_own_are_seen_to_change(tmp_path):
  p, y = made.case(0)
  made.write(p, tmp_path / "p" / "c0.mhd")
  made.write(y.astype(np.uint8), tmp_path / "r" / "c0.nrrd")
  before = count(tmp_path).scopes["volume"].positive
  raw = tmp_path / "p" / "c0.raw"
  raw.write_bytes(made.case(1)[0].tobytes())
  os.utime(raw, ns=(1, 1))
  assert (before != count(tmp_path).scopes["volume"].positive).any()


def test_8_bit_maps_have_surfaces(tmp_path):
  p, y = made.case(0)
  u = np.rint(255 * p).astype(np.uint8)
  cuts = thresholds.grid(11)
  bytes_, floats = (
    study.count_arrays(a, y, name="a", spacing=(3.0, 1.5, 1.0), cuts=cuts)
    for a in (u, u.astype(np.float32) / np.float32(255))
  )
  np.testing.assert_array_equal(bytes_.surfaces, floats.surfaces)


@pytest.mark.parametrize("seed", range(4))
def test_scopes_count_their_slices_and_no_slice_twice(seed):
  draw = np.random.default_rng(seed)
  p, y = made.case(seed, (9, 10, 14))
  scopes = {
    "known": draw.random(9) < 0.5,
    "volume": np.arange(9) > 0,
    "none": np.zeros(9, np.bool_),
  }
  found = study.count_arrays(p, y, name="a", scopes=scopes, grid=101)
  for scope, which in scopes.items():
    direct = thresholds.count_case(
      p[which], y[which], thresholds.fine_grid(101)
    )
    counts = found.scopes[scope][0]
    np.testing.assert_array_equal(counts.positive, direct.positive)
    np.testing.assert_array_equal(counts.negative, direct.negative)


def test_surfaces_end_where_the_first_scope_ends():
  p, y = made.case(1, (9, 16, 18))
  y[3] = p[3] > 0.3  # Beyond the scope.
  known = np.arange(9) < 3
  cuts = np.float32([0, 0.4, 0.9])
  found = study.count_arrays(
    p, y, name="a", scopes={"known": known, "volume": np.ones(9, np.bool_)},
    spacing=(3.0, 1.5, 1.0), cuts=cuts,
  )  # fmt: skip
  inside = known[:, None, None]
  for k, cut in enumerate(cuts):
    one = metrics.surface_report(
      (p >= cut) & inside, y & inside, (3.0, 1.5, 1.0)
    )
    assert found.surfaces[0, :3, k].tolist() == [
      one["hausdorff_95"], one["assd"], one["nsd_2"]
    ]  # fmt: skip
    assert found.surfaces[0, 3, k] == ((p >= cut) & inside).sum()


@pytest.mark.parametrize("unknown", [slice(1, None, 2), slice(5, 14, 4)])
def test_unknown_slices_within_make_no_surface_better(unknown):
  k, i, j = np.indices((17, 40, 40))
  y = (2.0 * (k - 8)) ** 2 + (i - 18) ** 2 + (j - 20) ** 2 <= 12**2
  p = np.roll(y, 3, axis=1).astype(np.float32)
  known = np.ones(17, np.bool_)
  known[unknown] = False
  found = [
    study.count_arrays(
      p, y, name="a", scopes={"known": one},
      spacing=(2.0, 1.0, 1.0), cuts=np.float32([0.5]),
    ).surfaces[0, :, 0]
    for one in (np.ones(17, np.bool_), known)
  ]  # fmt: skip
  # Empty where nobody knows, both would end there: an ASSD of 0.3 for 1.1 mm.
  np.testing.assert_allclose(found[1][:3], found[0][:3], rtol=0.12)
  assert found[1][3] == p[known].sum()


def nnunet(folder, labels, channels, label_map, **dataset):
  """A case as nnU-Net leaves it in fold_0/validation, and its labelsTr."""
  there = folder / "fold_0" / "validation"
  there.mkdir(parents=True)
  (folder / "labelsTr").mkdir()
  np.savez(there / "a.npz", probabilities=channels.astype(np.float32))
  np.save(folder / "labelsTr" / "a.npy", label_map)
  content = json.dumps({"labels": labels, **dataset})
  (folder / "dataset.json").write_text(content)
  return formats.pair(there, folder / "labelsTr").pairs[0]


def dice_by_hand(p, y):
  cuts = np.arange(1001) / 1000
  inside = [p >= np.float32(t) for t in cuts]
  return [2 * (m & y).sum() / (m.sum() + y.sum()) for m in inside]


@pytest.mark.parametrize("name", ["liver_and_tumour", "tumour", "kidney"])
def test_regions_of_nnunet_are_their_own_channels(tmp_path, name):
  labels = {"liver_and_tumour": [1, 2], "tumour": 2, "kidney": 3}
  draw = np.random.default_rng(0)
  y = draw.integers(0, 4, (4, 9, 10), np.uint8)
  masks = {
    "liver_and_tumour": (y == 1) | (y == 2),
    "tumour": y == 2,
    "kidney": y == 3,
  }
  p = np.stack(list(masks.values())) * 0.4 + 0.6 * draw.random((3, *y.shape))
  pair = nnunet(tmp_path, labels, p, y, regions_class_order=[1, 2, 3])
  options = study.MapOptions(structure=name, label=name)
  counts = study.count_pair(pair, options=options).select().even
  place = list(labels).index(name)
  hand = dice_by_hand(p.astype(np.float32)[place], masks[name])
  np.testing.assert_allclose(
    thresholds.curve(counts)[0], hand, rtol=0, atol=1e-12
  )
  numbers = (1, 2) if place == 0 else place + 1
  same = study.MapOptions(structure=place, label=numbers)
  again = study.count_pair(pair, options=same).select().even
  np.testing.assert_array_equal(again.positive, counts.positive)


@pytest.mark.parametrize("ignore", [None, (4,), (3, 4), ()])
def test_ignored_voxels_are_in_no_count(tmp_path, ignore):
  draw = np.random.default_rng(0)
  y = draw.integers(0, 5, (4, 9, 10), np.uint8)
  p = draw.random((4, *y.shape)).astype(np.float32)
  labels = {"background": 0, "a": 1, "b": 2, "c": 3, "ignore": 4}
  pair = nnunet(tmp_path, labels, p, y)
  options = study.MapOptions(structure="b", label="b", ignore=ignore)
  found = study.count_pair(pair, options=options)
  known = ~np.isin(y, (4,) if ignore is None else ignore)
  counts = found.select().even
  assert counts.positive.sum() == (y == 2).sum()
  assert counts.negative.sum() == (known & (y != 2)).sum()
  np.testing.assert_allclose(
    thresholds.curve(counts)[0], dice_by_hand(p[2][known], (y == 2)[known]),
    rtol=0, atol=1e-12,
  )  # fmt: skip


def test_surfaces_end_where_nobody_knows(tmp_path):
  p, y = made.case(1, (6, 16, 18))
  coded = y.astype(np.uint8)
  coded[:, 8:12, 4:12] = 4  # Half of the organ's rim, and beyond it.
  draw = np.random.default_rng(0)
  other = np.where(coded == 4, draw.random(p.shape), p).astype(np.float32)
  found = []
  for name, values in (("p", p), ("q", other)):
    made.write(values, tmp_path / name / "a.nii.gz")
    made.write(coded, tmp_path / "r" / "a.nii.gz")
    (pair,) = formats.pair(tmp_path / name, tmp_path / "r").pairs
    options = study.MapOptions(label=1, ignore=(4,), surfaces=True)
    found.append(study.count_pair(pair, options=options).surfaces[0])
  # What is predicted where nobody knows is of no account.
  np.testing.assert_array_equal(found[0], found[1])
  known = coded != 4
  for k in (0, 30, 60):
    cut = (p >= np.float32(k / 100)) & known
    one = metrics.surface_report(cut, coded == 1, (3.0, 1.5, 1.0))
    assert found[0][:, k].tolist() == [
      one["hausdorff_95"], one["assd"], one["nsd_2"], cut.sum()
    ]  # fmt: skip


def test_false_positives_beyond_a_cropped_reference_count(tmp_path):
  # The map finds 4 voxels in the reference's box and 4 beyond: Dice 2 / 3.
  p, y = np.zeros((4, 8, 8), np.float32), np.zeros((4, 8, 8), np.uint8)
  p[1, 2:4, 2:4] = y[1, 2:4, 2:4] = 1
  p[3, 6:8, 6:8] = 0.9
  made.write(p, tmp_path / "p" / "a.nii.gz")
  made.write(y[:3, :5, :5], tmp_path / "r" / "a.nii.gz")
  pairs = formats.pair(tmp_path / "p", tmp_path / "r").pairs
  options = study.MapOptions(resample=True)
  found = study.count_pair(pairs[0], options=options)
  counts = found.select().even
  assert thresholds.curve(counts)[0][500] == pytest.approx(2 / 3)
  assert counts.positive.sum() + counts.negative.sum() == 256
  assert (
    "continued: the reference ends within the map, of which 181 "
    in (found.remarks[0])
  )
  with pytest.raises(errors.GeometryError, match="--resample"):
    study.count_pair(pairs[0], options=made.OPTIONS)


def test_what_labels_were_counted_is_kept_as_json_keeps_it(files):
  options = study.MapOptions(label=(1, 2), ignore=(4,))
  found = count(files, options=options)
  again = [study.CohortCounts.read(path) for path in (files / "c").iterdir()]
  assert study.CohortCounts.merge([found, *again]).facts == found.facts
  assert found.facts["label"] == [1, 2]


def real_masks(folder, patient, *organs):
  """Masks of OpenKBP: the voxels that the files list, [slice, row, column]."""
  found = []
  for organ in organs:
    (path,) = folder.glob(f"**/{patient}/{organ}.csv")
    listed = np.loadtxt(
      path, delimiter=",", skiprows=1, usecols=0, dtype=np.int64
    )
    mask = np.zeros(128**3, np.bool_)
    mask[listed] = True
    found.append(mask.reshape(128, 128, 128).transpose(2, 0, 1)[40:110])
  return found


def test_regions_of_a_real_patient_cropped_and_in_part_unknown(
  openkbp, tmp_path
):
  folders = sorted(openkbp.glob("**/*/LeftParotid.csv"))
  left, right, cord = real_masks(
    openkbp, folders[0].parent.name, "LeftParotid", "RightParotid", "SpinalCord"
  )
  label_map = (left + 2 * right).astype(np.uint8)
  label_map[cord] = 3
  masks = [label_map == 2, np.isin(label_map, (1, 2)), label_map == 3]
  p = np.stack([ndimage.gaussian_filter(m * 0.8, (0, 1, 1)) for m in masks])
  p = p.astype(np.float32)
  unknown = np.zeros_like(cord)
  unknown[:, :, :50] = True
  label_map[unknown] = 4
  labels = {"right": 2, "parotids": [1, 2], "cord": 3, "ignore": 4}
  maps, masks_folder = tmp_path / "p" / "fold_0", tmp_path / "r"
  for folder in (maps, masks_folder):
    folder.mkdir(parents=True)
  np.savez_compressed(maps / "a.npz", probabilities=p)
  made.write(label_map, maps / "a.nii.gz")
  (maps / "dataset.json").write_text(json.dumps({"labels": labels}))
  image = sitk.ReadImage(str(maps / "a.nii.gz"))
  box = (slice(10, 60), slice(30, 90), slice(40, 100))
  sitk.WriteImage(image[40:100, 30:90, 10:60], str(masks_folder / "a.nii.gz"))
  (pair,) = formats.pair(maps, masks_folder).pairs
  options = study.MapOptions(
    structure="parotids", label="parotids", resample=True
  )
  counts = study.count_pair(pair, options=options).select().even
  inside, known = np.zeros_like(cord), np.ones_like(cord)
  inside[box] = np.isin(label_map, (1, 2))[box]
  known[box] = ~unknown[box]
  for k in (0, 1, 200, 500, 800):
    found = (p[1] >= np.float32(k / 1000)) & known
    assert counts.true_positive[0, k] == (found & inside).sum()
    assert counts.false_positive[0, k] == (found & ~inside).sum()
