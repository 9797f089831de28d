"""Pairs that look like a mistake, and pairs that do not."""

import functools
import itertools
import json

import numpy as np
import pytest

from jaxseg import errors
from jaxseg import formats
from jaxseg import study
from tests.study import made

OPTIONS = study.MapOptions


def blob(seed=0, shape=(8, 16, 16), noise=0.12):
  """A map and a reference without any symmetry."""
  draw = np.random.default_rng(seed)
  y = np.zeros(shape, np.uint8)
  y[1:4, 2:7, 9:12] = 1
  y[1, 2:12, 9] = 1
  p = np.clip(0.55 * y + draw.normal(0.15, noise, shape), 0, 1)
  return p.astype(np.float32), y


def counted(folder, p, y, options=None, **dataset):
  """One case from .npy files, of channels from an .npz."""
  folder.mkdir(exist_ok=True)
  if p.ndim == 4:
    np.savez(folder / "p.npz", probabilities=p)
  else:
    np.save(folder / "p.npy", p)
  np.save(folder / "r.npy", y)
  if dataset:
    (folder / "dataset.json").write_text(json.dumps(dataset))
  maps = folder / ("p.npz" if p.ndim == 4 else "p.npy")
  (pair,) = formats.pair(maps, folder / "r.npy").pairs
  return study.count_pair(pair, options=options or OPTIONS())


def remarks(*args, **kwargs):
  return "".join(counted(*args, **kwargs).remarks)


def test_good_and_bad_maps_alike_need_no_remark(tmp_path):
  for seed, noise in enumerate((0.05, 0.12, 0.3, 0.6)):
    assert remarks(tmp_path, *blob(seed, noise=noise)) == ""
  p, y = blob()
  # Missed, hallucinated, empty, and noise.
  assert remarks(tmp_path, np.where(y, np.roll(p, 8, 2), p), y) == ""
  assert remarks(tmp_path, p, y * 0) == ""
  assert remarks(tmp_path, p * 0, y * 0) == ""
  draw = np.random.default_rng(0)
  assert remarks(tmp_path, draw.random(p.shape, np.float32), y) == ""


@pytest.mark.parametrize(
  ("axes", "said"),
  [
    ((0, 2, 1), "if its axes are taken for [slice, column, row],"),
    ((2, 1, 0), "if its axes are taken for [column, row, slice],"),
    ((1, 2, 0), "if its axes are taken for [row, column, slice],"),
    ((2, 0, 1), "if its axes are taken for [column, slice, row],"),
  ],
)
@pytest.mark.parametrize("scale", [1.0, 0.1])
def test_axes_in_another_order(tmp_path, axes, said, scale):
  p, y = blob(shape=(16, 16, 16))
  text = remarks(tmp_path, (scale * p).transpose(axes), y)
  assert text.startswith("axis-order: the map agrees far better")
  assert said in text
  # The Dice of the right order, by hand: as many voxels as the reference has.
  cut = np.sort(p.ravel())[-int(y.sum())]
  hand = 2 * (y[p >= cut]).sum() / ((p >= cut).sum() + y.sum())
  found = float(text.split("(Dice ")[1].split()[0])
  assert found == pytest.approx(hand, abs=0.03)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_axes_that_run_the_other_way(tmp_path, axis):
  p, y = blob()
  text = remarks(tmp_path, np.flip(p, axis), y)
  name = ("slices", "rows", "columns")[axis]
  assert f"with its {name} mirrored" in text
  assert ("the other side's organ" in text) == (axis == 2)
  both = remarks(tmp_path, np.flip(p, (1, 2)), y)
  assert "its rows and columns mirrored" in both


def test_every_order_is_found(tmp_path):
  p, y = blob(shape=(12, 12, 12))
  every = itertools.product(
    itertools.permutations(range(3)), itertools.product((1, -1), repeat=3)
  )
  for axes, signs in list(every)[1::4]:
    moved = p.transpose(axes)[tuple(slice(None, None, s) for s in signs)]
    assert "axis-order" in remarks(tmp_path, moved, y), (axes, signs)


def test_eight_bits_and_ignored_voxels_are_looked_at_as_well(tmp_path):
  p, y = blob(shape=(8, 16, 16))
  y[7] = 4
  u = np.rint(255 * np.flip(p, 1)).astype(np.uint8)
  options = OPTIONS(eight_bit=True, ignore=(4,), label=1)
  text = remarks(tmp_path, u, y, options)
  assert "left-out: 256 voxels of the reference have an ignored label" in text
  assert "rows mirrored" in text


@pytest.mark.parametrize(
  ("change", "said"),
  [
    (lambda p: p > 0.4, "holds the values 0 and 1 alone, as a mask"),
    (lambda p: 0.25 + 0.5 * (p > 0.4), "values 0.25 and 0.75 alone"),
    (lambda p: 0 * p + 0.3, "constant: the map is 0.3 everywhere"),
    (lambda p: 0 * p, "constant: the map is 0 everywhere"),
    (lambda p: 1 - p, "background: where the map is low it agrees"),
  ],
)
def test_maps_that_are_no_maps_of_it(tmp_path, change, said):
  p, y = blob()
  assert said in remarks(tmp_path, change(p).astype(np.float32), y)


def test_labels_as_eight_bits(tmp_path):
  _, y = blob()
  text = remarks(tmp_path, y, y, OPTIONS(eight_bit=True))
  assert "values 0 and 0.003922 alone" in text


LABELS = {"background": 0, "liver": 1, "tumour": 2}
REGIONS = {"background": 0, "both": [1, 2], "tumour": 2, "kidney": 3}


@pytest.mark.parametrize(
  ("labels", "structure", "label", "said"),
  [
    (LABELS, "tumour", "tumour", None),
    (LABELS, "tumour", 2, None),
    (LABELS, 2, 2, None),
    (LABELS, 1, 2, "class 'liver' (1) of "),
    (LABELS, "liver", "tumour", "label 'tumour' (2) of "),
    (LABELS, 0, None, "class 'background' (0) of .* is the background"),
    (LABELS, "tumour", (1, 2), "class 'tumour' (2) .* label 1, 2"),
    (REGIONS, "both", (2, 1), None),
    (REGIONS, "both", "both", None),
    (REGIONS, 0, "both", None),
    (REGIONS, 1, 1, "class 'tumour' (2) .* label 1 of"),
    (REGIONS, 1, 2, None),
    (REGIONS, 2, 2, "class 'kidney' (3) .* label 'tumour' (2)"),
  ],
)
def test_names_of_class_and_label(tmp_path, labels, structure, label, said):
  p, y = blob()
  maps = np.stack([p, p, p])
  options = OPTIONS(structure=structure, label=label)
  text = remarks(tmp_path, maps, y * 2, options, labels=labels)
  found = [line for line in text.splitlines() if line.startswith("names: ")]
  assert bool(found) == bool(said)
  if said:
    for part in said.split(" .* "):
      assert part in found[0]


def test_two_datasets_may_number_one_name_differently(tmp_path):
  p, y = blob()
  maps, masks = tmp_path / "a" / "b" / "c", tmp_path / "d" / "e" / "f"
  for folder, labels in ((maps, LABELS), (masks, {"Tumour": 1, "liver": 2})):
    folder.mkdir(parents=True)
    (folder / "dataset.json").write_text(json.dumps({"labels": labels}))
  np.savez(maps / "p.npz", probabilities=np.stack([p, p, p]))
  np.save(masks / "r.npy", y)

  def at_odds(structure, label):
    return formats.at_odds(maps / "p.npz", structure, masks / "r.npy", label)

  assert at_odds("tumour", "Tumour") is None
  assert at_odds(2, 1) is None
  assert "differ" in at_odds("liver", "Tumour")


def test_a_broken_dataset_json_is_said_unless_nothing_needs_it(tmp_path):
  p, y = blob()
  (tmp_path / "dataset.json").write_text("{")
  counted = functools.partial(remarks, tmp_path, p, y)
  with pytest.raises(errors.DataError, match=r"dataset\.json.*--ignore=none"):
    counted(OPTIONS(label=1))
  assert counted(OPTIONS(label=1, ignore=())) == ""


def test_a_dataset_json_that_changes_is_read_again(tmp_path):
  p, y = blob()
  maps = np.stack([1 - p, p])
  for name, labels in (("a", {"a": 1}), ("b", {"b": 1}), ("cc", {"cc": 1})):
    options = OPTIONS(structure=name, label=name)
    assert remarks(tmp_path, maps, y, options, labels=labels) == ""


def test_remarks_are_kept_and_go_into_the_table(tmp_path):
  p, y = blob()
  found = counted(tmp_path / "x", (p > 0.4).astype(np.float32), y)
  found.write(tmp_path / "c.npz")
  again = study.CohortCounts.read(tmp_path / "c.npz")
  assert again.remarks == found.remarks
  whole = study.CohortCounts.merge([again, made_like(found, p, y)])
  assert [bool(one) for one in whole.remarks] == [False, True]
  rows = study.tables([whole], made.SETTINGS)["cases"]
  assert rows[0]["remarks"] == ""
  assert rows[1]["remarks"].startswith(
    "two-values: the map is binary: it holds"
  )


def made_like(found, p, y):
  return study.count_arrays(
    p, y.astype(np.bool_), name="a", key="k", facts=found.facts
  )
