"""A sweep over others' maps: regions, ignored voxels, pairs, remarks."""

import json

import numpy as np
import pytest

from jaxseg import study
from jaxseg import thresholds
from tests.cli import command

LABELS = {"liver_and_tumour": [1, 2], "tumour": 2, "kidney": 3, "ignore": 4}
FEW = ("--resamples=20", "--workers=1")


@pytest.fixture
def nnunet(tmp_path):
  """Three cases in fold_0/validation, and references of other names."""
  maps = tmp_path / "model" / "fold_0" / "validation"
  maps.mkdir(parents=True)
  (tmp_path / "labels").mkdir()
  rows = ["case,probabilities,reference"]
  for k in range(3):
    draw = np.random.default_rng(k)
    y = draw.integers(0, 5, (3, 12, 14), np.uint8)
    masks = np.stack([(y == 1) | (y == 2), y == 2, y == 3])
    p = np.where(y == 4, 1, 0.4 * masks + 0.5 * draw.random(masks.shape))
    np.savez(maps / f"case_{k}.npz", probabilities=p.astype(np.float16))
    np.save(tmp_path / "labels" / f"rater{'abc'[k]}.npy", y)
    rows.append(f"c{k},model/fold_0/validation/case_{k}.npz,"
                f"labels/rater{'abc'[k]}.npy")  # fmt: skip
  (tmp_path / "pairs.csv").write_text("\n".join(rows))
  content = {"labels": LABELS, "regions_class_order": [1, 2, 3]}
  (tmp_path / "model" / "dataset.json").write_text(json.dumps(content))
  return tmp_path


def best_by_hand(folder, channel, labels, ignored):
  """The best pooled Dice of all cases and its threshold, by NumPy."""
  pairs = []
  for k in range(3):
    path = folder / f"model/fold_0/validation/case_{k}.npz"
    p = np.load(path)["probabilities"][channel].astype(np.float32)
    y = np.load(folder / f"labels/rater{'abc'[k]}.npy")
    known = ~np.isin(y, ignored)
    pairs.append((p[known], np.isin(y, labels)[known]))
  p, y = (np.concatenate(side) for side in zip(*pairs, strict=True))
  dice = [
    2 * (y & (p >= np.float32(t / 1000))).sum()
    / ((p >= np.float32(t / 1000)).sum() + y.sum())
    for t in range(1001)
  ]  # fmt: skip
  return max(dice), int(np.argmax(dice)) / 1000


@pytest.mark.parametrize(
  ("flags", "channel", "labels", "ignored"),
  [
    (("--class=tumour", "--label=tumour"), 1, [2], [4]),
    (("--class=0", "--label=1,2"), 0, [1, 2], [4]),
    (("--class=kidney", "--label=3", "--ignore=none"), 2, [3], []),
    (("--class=kidney", "--label=kidney", "--ignore=2,4"), 2, [3], [2, 4]),
  ],
)
def test_regions_and_ignored_voxels(nnunet, flags, channel, labels, ignored):
  given = ("--pairs=pairs.csv", "--shard=1/1", *flags, *FEW)
  assert "3 maps with a ref" in command.done("sweep", *given, folder=nnunet)
  # The pairs of a sweep are another one's.
  again = ("--pairs=runs/sweep/pairs.json", "--output=other", "--shard=1/1")
  command.done("sweep", *again, *flags, *FEW, folder=nnunet)
  files = sorted((nnunet / "other" / "counts").glob("*.npz"))
  assert [path.name[:2] for path in files] == ["c0", "c1", "c2"]
  found = study.CohortCounts.merge(
    [study.CohortCounts.read(path) for path in files]
  )
  best = thresholds.optimum(found.select().even)
  dice, at = best_by_hand(nnunet, channel, labels, ignored)
  assert best.value == pytest.approx(dice, abs=1e-12)
  assert best.low <= np.float32(at) <= best.high
  assert all(("left-out" in one) == bool(ignored) for one in found.remarks)


@pytest.mark.parametrize(
  ("flags", "labels"),
  [
    (("--class=0,2",), ["liver_and_tumour", "kidney"]),
    (("--class=liver_and_tumour,kidney",), ["liver_and_tumour", "kidney"]),
    (("--class=0,2", "--label=1+2,3"), ["1,2", 3]),
    (("--class=0,kidney", "--label=liver_and_tumour,3"),
     ["liver_and_tumour", 3]),
  ],
)  # fmt: skip
def test_lists_of_classes_and_regions(nnunet, flags, labels):
  given = ("--pairs=pairs.csv", "--shard=1/1", *flags, *FEW)
  command.done("sweep", *given, folder=nnunet)
  by_label = {}
  for path in sorted((nnunet / "runs/sweep/counts").glob("*/*.npz")):
    one = study.CohortCounts.read(path)
    by_label.setdefault(one.class_columns["label"], []).append(one)
  assert set(by_label) == set(labels)
  for label, channel, values in zip(labels, (0, 2), ([1, 2], [3]), strict=True):
    found = study.CohortCounts.merge(by_label[label])
    dice, _ = best_by_hand(nnunet, channel, values, [4])
    best = thresholds.optimum(found.select().even)
    assert best.value == pytest.approx(dice, abs=1e-12)
    assert not any("names" in one for one in found.remarks)


def test_what_looks_like_a_mistake_is_said(nnunet):
  # As one command, to the console, the table and threshold.json.
  flags = ("--class=tumour", "--label=3", "--ignore=9")
  given = ("--pairs=pairs.csv", *flags, *FEW)
  out = command.done("sweep", *given, folder=nnunet)
  assert "class 'tumour' (2)" in out
  assert "label 'kidney' (3)" in out
  assert "Note, left-out: --ignore=9: no reference has such a voxel" in out
  rows = command.rows(nnunet / "runs/sweep/tables/cases.csv")
  assert all(row["remarks"].startswith("names: ") for row in rows)
  said = json.loads((nnunet / "runs/sweep/threshold.json").read_text())
  assert said["details"]["cases_with_remarks"] == 3


@pytest.mark.parametrize(
  ("flags", "text"),
  [
    (("--probabilities=model",), "--pairs: names the maps"),
    (("--class=spleen", "--label=2"), "(--class)"),
    (("--class=7", "--label=2"), "(--class)"),
    (("--label=2",), "(--class)"),
    (("--class=tumour", "--label=spleen"), "(--label)"),
    (("--class=tumour",), "say which is meant (--label)"),
    (("--class=tumour", "--label=4"), "--ignore=none"),
    (("--class=tumour", "--label=2", "--ignore=x"), "(--ignore)"),
    (("--class=tumour", "--label=0"), "(--label)"),
    (("--class=tumour,spleen",), "(--class)"),
    (("--class=tumour,",), "--class: 'tumour,' has nothing between"),
    (("--class=tumour,kidney", "--label=,2"), "--label: ',2' has nothing"),
  ],
)
def test_refusals_name_the_flag_that_mends_them(nnunet, flags, text):
  given = ("--pairs=pairs.csv", *flags, *FEW)
  assert text in command.refused("sweep", *given, folder=nnunet)


@pytest.mark.parametrize(
  ("flag", "text"),
  [
    ("--thresholds=1", "--thresholds: 1; take at least 2"),
    ("--resamples=1", "--resamples: 1; take at least 2"),
    ("--choose=recall>=1.5", "--choose: criterion 'recall>=1.5' is not a"),
    ("--choose=best", "--choose: metric 'best' is unknown"),
    ("--choose=recall", "at threshold 0, whatever the maps; take a bound, rec"),
    ("--choose=specificity", "take a bound, specificity>=0.95"),
  ],
)
def test_bad_settings_name_their_flag_before_anything(nnunet, flag, text):
  given = ("--pairs=pairs.csv", "--class=tumour", "--label=2")
  assert text in command.refused("sweep", *given, flag, folder=nnunet)
  assert not (nnunet / "runs").exists()


def test_pairs_go_with_maps_only(nnunet):
  for flags, text in (
    (("--merge=x", "--pairs=pairs.csv"), "--pairs: only for"),
    (("--pairs=none.csv",), "none.csv: no such file"),
  ):
    assert text in command.refused("sweep", *flags, folder=nnunet)


@pytest.mark.parametrize("table", [True, False])
def test_cases_that_were_taken_out_stay_out(tmp_path, table):
  for side in ("maps", "labels"):
    (tmp_path / side).mkdir()
  for k in range(4):
    y = np.random.default_rng(k).integers(0, 2, (2, 4, 4), np.uint8)
    np.save(tmp_path / "maps" / f"c{k}.npy", np.float32(0.2 + 0.5 * y))
    np.save(tmp_path / "labels" / f"c{k}.npy", y)
  given = ("--probabilities=maps", "--reference=labels", *FEW)
  shards = ("--shard=1/2", "--shard=2/2")
  # Shards of another number stay beside the counts, and name the case.
  for part in ("--shard=1/1", *shards) if table else shards:
    command.done("sweep", *given, part, folder=tmp_path)
  (tmp_path / "maps" / "c3.npy").unlink()
  for part in shards:
    command.done("sweep", *given, part, folder=tmp_path)
  if not table:  # As where counts were copied without it.
    (tmp_path / "runs" / "sweep" / "pairs.json").unlink()
  merge = ("--merge=runs/sweep", "--resamples=20", "--output=merged")
  out = command.done("sweep", *merge, folder=tmp_path)
  assert "left out: counts of 1 case that is no longer paired: c3" in out
  found = study.CohortCounts.read(tmp_path / "merged" / "counts.npz")
  assert found.names == ("c0", "c1", "c2")
