"""Folds: every patient tested once, and once chosen on."""

import collections
import shutil

import hypothesis
from hypothesis import strategies as st
import pytest

from jaxseg import data
from jaxseg import errors
from tests import tiny
from tests.data.split_test import cohort


@pytest.fixture(scope="module")
def run(tmp_path_factory):
  return tiny.prepare(tmp_path_factory.mktemp("folds") / "run")


@hypothesis.settings(deadline=None, max_examples=25)
@hypothesis.given(cohort(), st.integers(3, 5), st.integers(0, 2**31))
def test_each_patient_is_once_in_validation_and_test(patients, folds, seed):
  found = data.make_folds(patients, folds=folds, seed=seed)
  assert found == data.make_folds(patients, folds=folds, seed=seed)
  for part, times in (("train", folds - 2), ("validation", 1), ("test", 1)):
    seen = collections.Counter(n for split in found for n in split.part(part))
    assert seen == dict.fromkeys(patients, times)
  sizes = [len(split.test) for split in found]
  assert max(sizes) - min(sizes) <= 1
  common = collections.Counter(s for v in patients.values() for s in v)
  for split in found:
    shown = {s for name in split.test for s in patients[name]}
    # A structure of hardly more patients than folds may not be in each.
    assert shown >= {s for s, n in common.items() if n >= 4 * folds}


def test_folds_that_cannot_be_are_refused():
  patients = {f"p{k}": ("brain",) for k in range(4)}
  for folds in (2, 5):
    with pytest.raises(errors.ConfigError, match=f"folds is {folds}; give 3"):
      data.make_folds(patients, folds=folds, seed=0)
  exclusive = {f"{s}{k}": (s,) for s in "xyzuvw" for k in range(3)}
  with pytest.raises(errors.StructureNotFoundError, match="take fewer folds"):
    data.make_folds({**exclusive, **patients}, folds=3, seed=0)


def test_a_run_keeps_its_folds_once_models_have_them(run, tmp_path):
  folder = tmp_path / "run"
  shutil.copytree(run.folder, folder)
  run = data.Run(folder)
  with pytest.raises(errors.DataError, match=r"folds.json"):
    run.folds()
  first = run.folds(4)
  assert data.Run(folder).folds() == first
  assert len(run.folds(3)) == 3  # No model has the four yet.
  place = folder / "models/brain/bce/0-folds-3"
  for fold in data.fold_folders(place):
    fold.mkdir(parents=True)
    (fold / "config.json").write_text("{}")
  assert run.has_models
  assert len(run.folds(4)) == 3
  text = (folder / "folds.json").read_text()
  (folder / "folds.json").write_text(text.replace('"p', '"q', 1))
  with pytest.raises(errors.DataError, match=r"folds.json.*draws the folds"):
    run.folds()
  (folder / "folds.json").unlink()  # Lost: the seed draws the same.
  run.folds(3)
  assert (folder / "folds.json").read_text() == text


def test_models_of_all_folds_are_one(run, tmp_path):
  folder = tmp_path / "run"
  shutil.copytree(run.folder, folder)
  run = data.Run(folder)
  place = folder / "models/brain/bce/0-negatives-0.5-folds-3"
  folds = data.fold_folders(place)
  assert [fold.name for fold in folds] == ["fold-0", "fold-1", "fold-2"]
  assert data.fold_folders(folder / "models/brain/bce/0") == ()
  for fold in folds:
    assert run.models() == []
    fold.mkdir(parents=True)
    (fold / "summary.json").write_text("{}")
  assert run.models() == [place]
  assert run.counts(place).name == "brain-bce-0-negatives-0.5-folds-3.npz"
