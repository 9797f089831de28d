"""Several classes from one read, and what is refused before that."""

import dataclasses
import json

import nibabel
import numpy as np
import pytest

from jaxseg import errors
from jaxseg import formats
from jaxseg import study
from jaxseg.formats import _nifti
from jaxseg.formats import _numpy
from tests.study import made


def softmax(seed, shape=(3, 9, 11)):
  """A map of three channels that add up to 1, and labels 0, 1, 2."""
  draw = np.random.default_rng(seed)
  y = draw.integers(0, 3, shape).astype(np.uint8)
  z = draw.normal(0, 1, (3, *shape)) + 1.5 * (
    np.arange(3)[:, None, None, None] == y
  )
  p = np.exp(z)
  return (p / p.sum(0)).astype(np.float32), y


@pytest.fixture
def folder(tmp_path):
  for side in ("p", "r"):
    (tmp_path / side).mkdir()
  for seed in range(4):
    p, y = softmax(seed)
    np.savez(tmp_path / "p" / f"case{seed}.npz", probabilities=p)
    np.save(tmp_path / "r" / f"case{seed}.npy", y)
  return tmp_path


def options(*classes):
  return [study.MapOptions(structure=c, label=k, grid=101) for c, k in classes]


def test_each_class_as_if_alone_and_each_file_read_once(folder, monkeypatch):
  reads = []
  inner = _numpy._read_values

  def counted(path, stream, header, channel):
    if channel is None:
      reads.append(path.name)
    return inner(path, stream, header, channel)

  monkeypatch.setattr(_numpy, "_read_values", counted)
  pairs = made.pairs(folder)
  both = options((1, 1), (2, 2))
  found = study.count_classes(pairs, folder / "c", options=both, workers=1)
  maps = [name for name in reads if name.endswith(".npz")]
  assert sorted(maps) == [f"case{k}.npz" for k in range(4)]
  for one, of_class in zip(both, found, strict=True):
    alone = study.count_maps(
      pairs, folder / "alone" / str(one.label), options=one, workers=1
    )
    for name in ("positive", "negative"):
      np.testing.assert_array_equal(
        getattr(of_class.scopes["volume"], name),
        getattr(alone.scopes["volume"], name),
      )
    assert of_class.columns() == {"class": one.structure, "label": one.label}
  # Nothing is counted again, unless the classes are others.
  reads.clear()
  again = study.count_classes(pairs, folder / "c", options=both, workers=1)
  assert not reads
  np.testing.assert_array_equal(again[1].argmax, found[1].argmax)


def test_argmax_is_that_of_the_channels(folder):
  pairs = made.pairs(folder)
  _, found = study.count_classes(
    pairs, folder / "c", options=options((1, 1), (2, 2)), workers=1
  )
  for seed in range(4):
    p, y = softmax(seed)
    won, is_ = p.argmax(0) == 2, y == 2
    three = [(won & is_).sum(), (won & ~is_).sum(), (~won & is_).sum()]
    assert found.argmax[seed].tolist() == three
  (row, mean) = study.tables([found], made.SETTINGS)["optimum"]
  right, wrong, lost = found.argmax.T
  pooled = 2 * right.sum() / (2 * right + wrong + lost).sum()
  assert row["dice_argmax"] == pytest.approx(pooled, abs=1e-15)
  each = 2 * right / (2 * right + wrong + lost)
  assert mean["dice_argmax"] == pytest.approx(each.mean(), abs=1e-15)
  path = folder / "counts.npz"
  found.write(path)
  back = study.CohortCounts.read(path)
  np.testing.assert_array_equal(back.argmax, found.argmax)


def test_of_equal_channels_the_first_wins(folder):
  for seed in range(4):
    p, _ = softmax(seed)
    p[1:] = p[1:].mean(0)
    np.savez(folder / "p" / f"case{seed}.npz", probabilities=p)
  pairs = made.pairs(folder)
  first, second = study.count_classes(
    pairs, folder / "c", options=options((1, 1), (2, 2)), workers=1
  )
  assert first.argmax[:, 0].all()
  assert not second.argmax[:, :2].any()


def test_sigmoid_maps_have_no_argmax(folder):
  for seed in range(4):
    p, _ = softmax(seed)
    np.savez(folder / "p" / f"case{seed}.npz", probabilities=p**2)
  pairs = made.pairs(folder)
  found = study.count_classes(
    pairs, folder / "c", options=options((1, 1), (2, 2)), workers=1
  )
  assert [one.argmax for one in found] == [None, None]
  with pytest.raises(errors.DataError, match="do not add up to 1"):
    formats.classes(pairs[0].probabilities, pairs[0].reference)


def test_all_classes_are_those_of_dataset_json_or_of_the_channels(folder):
  (pair, *_) = made.pairs(folder)
  given = pair.probabilities, pair.reference
  assert formats.classes(*given) == [(1, 1), (2, 2)]
  two = {"background": 0, "ignore": 3, "tumour": 2, "liver": 1}
  (folder / "dataset.json").write_text(json.dumps({"labels": two}))
  named = [("tumour", "tumour"), ("liver", "liver")]
  assert formats.classes(*given) == named
  one = {"0": "background", "1": "liver", "2": "tumour"}
  (folder / "dataset.json").write_text(json.dumps({"labels": one}))
  assert formats.classes(*given) == named[::-1]
  np.save(folder / "p" / "alone.npy", softmax(0)[0][1])
  assert formats.classes(folder / "p" / "alone.npy", given[1]) == [(None, None)]


def test_a_label_that_no_reference_has_is_refused_first(folder):
  pairs = made.pairs(folder)
  study.check_labels(pairs, options((1, 1), (2, 9)))
  with pytest.raises(
    errors.DataError,
    match=r"case0\.npy: no voxel has the label 9 in any of the 4",
  ):
    study.check_labels(pairs, options((1, 9)))
  np.save(folder / "r" / "case3.npy", np.full((3, 9, 11), 9, np.uint8))
  study.check_labels(pairs, options((1, 9)))  # One of them has it.


def test_a_class_twice_is_refused():
  with pytest.raises(errors.ConfigError, match="liver is asked for twice"):
    study.class_folders([("liver", 1), ("liver", 1)])
  names = study.class_folders([("a b", 1), ("a-b", 1), ("A b", 2)])
  assert len({name.lower() for name in names}) == 3


def test_patients_are_left_out_and_drawn_whole():
  found = made.maps(6)
  twice = study.CohortCounts.merge(
    [found, *(
      study.count_arrays(*made.case(k), name=f"again{k}", voxel_ml=0.0045,
                         facts={"label": None}) for k in range(6))]
  )  # fmt: skip
  of = tuple(name[-1] for name in twice.names)
  clustered = dataclasses.replace(twice, patients=of)
  (one, *_), (two, *_) = (
    study.tables([c], made.SETTINGS)["optimum"] for c in (found, clustered)
  )
  # Each patient twice is no news: all of it is as with each once.
  assert two["cases"] == 12
  assert two["patients"] == two["patients_with_structure"] == 6
  for name in (
    "threshold",
    "threshold_low",
    "threshold_high",
    "left_out_value",
  ):
    assert one[name] == pytest.approx(two[name], abs=1e-12)
  (naive, *_) = study.tables([twice], made.SETTINGS)["optimum"]
  assert naive["left_out_value"] > two["left_out_value"]
  rows = study.tables([clustered], made.SETTINGS)["cases"]
  assert [row["patient"] for row in rows] == list(of)
  chosen = study.chosen(clustered, made.SETTINGS)
  assert chosen.patients == 6


def test_channels_of_an_image_are_counted_from_one_read(tmp_path, monkeypatch):
  (tmp_path / "r").mkdir()
  for seed in range(2):
    p, y = softmax(seed)
    name = f"case{seed}.nii.gz"
    (tmp_path / "p").mkdir(exist_ok=True)
    image = nibabel.Nifti1Image(p.transpose(3, 2, 1, 0), np.eye(4))
    nibabel.save(image, tmp_path / "p" / name)
    image = nibabel.Nifti1Image(y.transpose(2, 1, 0), np.eye(4))
    nibabel.save(image, tmp_path / "r" / name)
  pairs = made.pairs(tmp_path)
  given = pairs[0].probabilities, pairs[0].reference
  assert formats.classes(*given) == [(1, 1), (2, 2)]
  alone = formats.classes(given[1], given[1])
  assert alone == [(None, None)]
  reads = []
  inner = _nifti.read

  def counted(path):
    reads.append(path)
    return inner(path)

  monkeypatch.setattr(_nifti, "read", counted)
  found = study.count_classes(
    pairs, tmp_path / "c", options=options((1, 1), (2, 2)), workers=1
  )
  assert len(reads) == len(set(reads)) == 4
  for seed in range(2):
    p, y = softmax(seed)
    won = p.argmax(0)
    for k, of_class in enumerate(found, start=1):
      three = [
        ((won == k) & (y == k)).sum(),
        ((won == k) & (y != k)).sum(),
        ((won != k) & (y == k)).sum(),
      ]
      assert of_class.argmax[seed].tolist() == three
