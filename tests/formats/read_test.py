"""DICOM segmentations, files of every kind that are broken, companions."""

import subprocess
import sys

import numpy as np
import pytest
import SimpleITK as sitk

from jaxseg import dicom
from jaxseg import errors
from jaxseg import formats
from tests.conftest import ROOT
from tests.dicom.ct_double import ct_series

SHAPE = (4, 8, 9)


@pytest.fixture(scope="module")
def ct(tmp_path_factory):
  folder = tmp_path_factory.mktemp("ct")
  ct_series(folder, shape=SHAPE)
  return dicom.read_ct(folder)


def test_fractional_and_binary(tmp_path, ct):
  p = np.random.default_rng(0).random(SHAPE, np.float32)
  masks = {"Parotid_L": p > 0.5, "Parotid_R": p > 0.9}
  maps = dicom.write_seg(tmp_path / "p.dcm", {"a": p}, ct)
  dicom.write_seg(tmp_path / "m.dcm", masks, ct)
  read = formats.read_probabilities(maps)
  assert np.abs(read.array - p).max() <= 1 / 510 + 1e-7
  np.testing.assert_allclose(read.affine, ct.affine, atol=1e-6)
  found = formats.read_mask(tmp_path / "m.dcm", structure="Parotid_R")
  np.testing.assert_array_equal(
    formats.match_grids(read, found)[1], masks["Parotid_R"]
  )
  assert formats.read_mask(tmp_path / "m.dcm", structure=1).array.any()
  with pytest.raises(errors.JaxsegError, match="Parotid_L"):
    formats.read_mask(tmp_path / "m.dcm")
  with pytest.raises(errors.StructureNotFoundError, match=r"\(--label\)$"):
    formats.read_mask(tmp_path / "m.dcm", structure="liver")
  names = [("Parotid_L", "Parotid_L"), ("Parotid_R", "Parotid_R")]
  assert formats.classes(tmp_path / "m.dcm", tmp_path / "m.dcm") == names
  assert formats.classes(maps, tmp_path / "m.dcm") == [(None, None)]
  assert formats.winners(maps) is None
  with pytest.raises(errors.DataError, match="BINARY"):
    formats.read_probabilities(tmp_path / "m.dcm", structure=1)


def written(folder, suffix):
  """A good file of a kind."""
  path = folder / f"good{suffix}"
  array = np.random.default_rng(0).random(SHAPE, np.float32)
  if suffix == ".npy":
    np.save(path, array)
  elif suffix == ".npz":
    np.savez_compressed(path, probabilities=array[None])
  else:
    sitk.WriteImage(sitk.GetImageFromArray(array), str(path))
  return path


@pytest.mark.parametrize(
  "suffix",
  [".nii", ".nii.gz", ".nrrd", ".mha", ".npy", ".npz"],
)
def test_broken_files_end_in_one_clear_line(tmp_path, suffix):
  content = written(tmp_path, suffix).read_bytes()
  bad = tmp_path / f"bad{suffix}"
  outcomes, said = set(), set()
  for case in range(100):
    draw = np.random.default_rng([7, case])
    data = bytearray(content)
    at = int(draw.integers(len(data)))
    match case % 4:
      case 0:
        data = data[:at]
      case 1:
        for place in draw.integers(len(data), size=4):
          data[place] ^= 1 << int(draw.integers(8))
      case 2:
        early = int(draw.integers(min(len(data), 400)))
        data[early] = int(draw.integers(256))
      case 3:
        data[at : at + 20] = draw.bytes(20)
    bad.write_bytes(bytes(data))
    for read in (formats.read_probabilities, formats.read_mask):
      try:
        read(bad)
      except errors.JaxsegError as e:
        outcomes.add(type(e).__name__)
        said.add(str(e))
  assert "DataError" in outcomes
  for line in said:
    assert line.isprintable(), line
    assert "bad" in line


@pytest.mark.parametrize("suffix", [".nii.gz", ".nrrd", ".mhd", ".dcm", ".npz"])
def test_empty_and_missing_files(tmp_path, suffix):
  path = tmp_path / f"x{suffix}"
  with pytest.raises(errors.DataError, match="x"):
    formats.read_probabilities(path)
  path.write_bytes(b"")
  with pytest.raises(errors.JaxsegError, match="x"):
    formats.read_mask(path)


def beside(path):
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
  assert beside(path) == []


@pytest.mark.parametrize(
  ("suffix", "values"), [(".mhd", "a.raw"), (".nhdr", "a.raw")]
)
def test_the_file_of_values_by_whatever_name(tmp_path, image, suffix, values):
  path = tmp_path / "d" / f"a{suffix}"
  path.parent.mkdir()
  sitk.WriteImage(image, str(path))
  assert beside(path) == [values]
  header = path.read_bytes().replace(values.encode(), b"voxels.dat")
  (path.parent / values).rename(path.parent / "voxels.dat")
  path.write_bytes(header)
  assert beside(path) == ["voxels.dat"]
  (path.parent / "voxels.dat").unlink()
  with pytest.raises(errors.DataError, match="'voxels.dat' is missing"):
    formats.companions(path)


def test_nnunets_geometry_and_names(tmp_path, image):
  path = tmp_path / "d" / "a.npz"
  path.parent.mkdir()
  np.savez(path, probabilities=np.zeros((2, 2, 3, 4)))
  sitk.WriteImage(image, str(path.parent / "a.mhd"))
  (tmp_path / "dataset.json").write_text("{}")
  assert beside(path) == ["a.mhd", "a.raw", "dataset.json"]


def test_importing_needs_none_of_the_extras():
  said = subprocess.run(
    [
      *(sys.executable, "-c"),
      "import sys; from jaxseg import formats; print(*sys.modules)",
    ],
    cwd=ROOT,
    capture_output=True,
    text=True,
    check=True,
  ).stdout.split()
  assert "jaxseg.formats" in said
  assert not {"pydicom", "SimpleITK", "nibabel", "nrrd", "jax"} & set(said)
