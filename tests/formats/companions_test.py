"""Which other files a map depends on."""

import numpy as np
import pytest
import SimpleITK as sitk

from jaxseg import errors
from jaxseg import formats


def names(path):
  return [one.name for one in formats.companions(path)]


@pytest.fixture
def image():
  return sitk.GetImageFromArray(np.zeros((2, 3, 4), np.float32))


@pytest.mark.parametrize("suffix", [".nii.gz", ".nrrd", ".mha", ".npy"])
def test_one_file_is_all(tmp_path, image, suffix):
  path = tmp_path / "d" / f"a{suffix}"
  path.parent.mkdir()
  if suffix == ".npy":
    np.save(path, np.zeros((2, 3, 4)))
  else:
    sitk.WriteImage(image, str(path))
  assert names(path) == []


@pytest.mark.parametrize(
  ("suffix", "values"), [(".mhd", "a.raw"), (".nhdr", "a.raw")]
)
def test_the_file_of_values_by_whatever_name(tmp_path, image, suffix, values):
  path = tmp_path / "d" / f"a{suffix}"
  path.parent.mkdir()
  sitk.WriteImage(image, str(path))
  assert names(path) == [values]
  header = path.read_bytes().replace(values.encode(), b"voxels.dat")
  (path.parent / values).rename(path.parent / "voxels.dat")
  path.write_bytes(header)
  assert names(path) == ["voxels.dat"]
  (path.parent / "voxels.dat").unlink()
  with pytest.raises(errors.DataError, match="'voxels.dat' is missing"):
    formats.companions(path)


def test_nnunets_geometry_and_names(tmp_path, image):
  path = tmp_path / "d" / "a.npz"
  path.parent.mkdir()
  np.savez(path, probabilities=np.zeros((2, 2, 3, 4)))
  sitk.WriteImage(image, str(path.parent / "a.mhd"))
  (tmp_path / "dataset.json").write_text("{}")
  assert names(path) == ["a.mhd", "a.raw", "dataset.json"]
