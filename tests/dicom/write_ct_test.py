"""CT written: valid, and read back bit for bit."""

import datetime
import shutil
import subprocess

from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
import numpy as np
import pydicom
import pytest
from scipy.spatial import transform

from jaxseg import dicom
from jaxseg import errors
from jaxseg import volume

NOW = datetime.datetime(2024, 2, 29)


def placed(array, spacing=(3.0, 1.5, 1.25), origin=(1 / 3, -7, 1234.5), turn=0):
  rotation = transform.Rotation.from_euler("xyz", np.array([1, 2, 3]) * turn)
  # Slices along z, rows along y, columns along x, all turned.
  axes = np.eye(3)[:, ::-1] * spacing
  affine = np.eye(4)
  affine[:3, :3] = rotation.as_matrix() @ axes
  affine[:3, 3] = origin
  return volume.Volume.from_affine(array, affine)


@given(
  array=hnp.arrays(np.int16, (3, 4, 5)),
  spacing=st.tuples(*[st.floats(0.05, 20)] * 3),
  turn=st.floats(-0.9, 0.9),
)
@settings(max_examples=50, deadline=None)
def test_any_volume_comes_back(tmp_path_factory, array, spacing, turn):
  image = placed(array, spacing, turn=turn)
  folder = tmp_path_factory.mktemp("ct") / "a"
  back = dicom.read_ct(dicom.write_ct(folder, image, patient_id="x"))
  np.testing.assert_array_equal(back.array, array)
  np.testing.assert_allclose(back.affine, image.affine, rtol=0, atol=1e-9)
  assert back.notes == ()


def test_the_same_seed_gives_the_same_bytes(tmp_path):
  image = placed(np.arange(60, dtype=np.int16).reshape(3, 4, 5))

  def files(name, **options):
    folder = dicom.write_ct(
      tmp_path / name, image, now=NOW, **{"patient_id": "x", **options}
    )
    return [path.read_bytes() for path in sorted(folder.iterdir())]

  first = files("a", seed=1)
  assert files("b", seed=1) == first
  assert files("c", seed=2) != first
  assert files("d", seed=1, patient_id="y") != first
  assert files("e") != files("f")


def test_the_validator_finds_nothing(tmp_path):
  program = shutil.which("dciodvfy")
  if program is None:
    pytest.skip("no dciodvfy: the standard's validator is not installed")
  image = placed(np.zeros((2, 4, 5), np.int16), turn=0.3)
  folder = dicom.write_ct(
    tmp_path / "a", image, patient_id="ß", patient_name="Groß^Änne"
  )
  for path in folder.iterdir():
    said = subprocess.run(
      [program, path], check=False, capture_output=True, text=True
    ).stderr
    assert said.split() == ["CTImage"]
  assert pydicom.dcmread(path).PatientName == "Groß^Änne"


def test_what_cannot_be_written(tmp_path):
  array = np.zeros((2, 3, 4), np.int16)
  flipped = placed(array)
  flipped.affine[:3, 0] *= -1
  slanted = placed(array)
  slanted.affine[1, 0] += 0.1
  for image, options, error, said in (
    (placed(array.astype(np.float32)), {}, errors.DataError, "int16"),
    (flipped, {}, errors.GeometryError, "slices descend"),
    (slanted, {}, errors.GeometryError, "right angles"),
    (placed(array), {"patient_id": "a\\b"}, errors.DataError, "patient_id"),
  ):
    with pytest.raises(error, match=said):
      dicom.write_ct(tmp_path / "a", image, **{"patient_id": "x", **options})
    assert not (tmp_path / "a").exists()
  (tmp_path / "there").mkdir()
  with pytest.raises(errors.ExistingOutputError, match="there"):
    dicom.write_ct(tmp_path / "there", placed(array), patient_id="x")
