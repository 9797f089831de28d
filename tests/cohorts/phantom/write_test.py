"""The phantom through DICOM: the same patients, bit for bit."""

import json

import numpy as np
import pytest

from jaxseg import cohorts
from jaxseg import errors


@pytest.fixture(scope="module")
def phantom():
  return cohorts.Phantom(patients=3, size=48)


@pytest.fixture(scope="module")
def folder(phantom, tmp_path_factory):
  return cohorts.write_phantom(tmp_path_factory.mktemp("p") / "x", phantom)


def test_images_and_masks_come_back(phantom, folder):
  read = cohorts.DicomFolder(folder)
  assert read.name == "phantom"
  assert read.patients() == phantom.patients()
  assert set(read.structures) == set(phantom.structures)
  for name in phantom.patients():
    made, back = phantom.load(name), read.load(name)
    np.testing.assert_array_equal(back.image.array, made.image.array)
    np.testing.assert_allclose(
      back.image.affine, made.image.affine, rtol=0, atol=1e-9
    )
    assert set(back.masks) == set(made.masks)
    for structure, mask in made.masks.items():
      np.testing.assert_array_equal(back.masks[structure], mask)
    assert back.notes == ()
    assert back.unscanned == ()


def test_it_is_told_to_be_made_up(folder):
  assert cohorts.DicomFolder(folder).describe()["synthetic"] is True
  # Also without the file that was written beside the patients.
  one = folder / "phantom_001"
  assert cohorts.DicomFolder(one).describe()["synthetic"] is True


def test_stopped_and_called_again(phantom, tmp_path, orphan):
  class Stop(Exception):
    pass

  def stop(name, done, all_):
    if done == 2:
      raise Stop

  folder = tmp_path / "x"
  with pytest.raises(Stop):
    cohorts.write_phantom(folder, phantom, on_patient=stop)
  first = folder / "phantom_000" / "rtstruct.dcm"
  before = first.stat().st_mtime_ns
  cohorts.write_phantom(folder, phantom)
  assert first.stat().st_mtime_ns == before
  left = orphan(folder / "phantom_002")
  cohorts.write_phantom(folder, phantom)
  assert not left.exists()
  assert cohorts.DicomFolder(folder).patients() == phantom.patients()


def test_other_folders_stay(phantom, folder, tmp_path):
  with pytest.raises(errors.ExistingOutputError, match="patients is 3, asked"):
    cohorts.write_phantom(folder, cohorts.Phantom(patients=4, size=48))
  (tmp_path / "thesis.txt").write_text("years of work")
  with pytest.raises(errors.ExistingOutputError, match="not empty"):
    cohorts.write_phantom(tmp_path, phantom)
  assert json.loads((folder / "phantom.json").read_text())["patients"] == 3
